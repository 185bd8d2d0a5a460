"""`tf.compat.v1.data.Dataset`: the datasets of 1.x, with the iterators of graphs."""

import functools
from typing import Any

from penstock.base.export import export
from penstock.data import structure, structure_nest as nest
from penstock.data.dataset import DatasetV1Base, DatasetV2
from penstock.data.iterator import OwnedIterator
from penstock.data.iterators import ITERATOR_V2, MAKE_ITERATOR, ONE_SHOT_ITERATOR
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door, node_count


@export(v1=("data.Dataset",))
class DatasetV1(DatasetV2, DatasetV1Base):
    """A sequence of elements, as 1.x programs know it."""

    def __init__(self) -> None:
        super().__init__(self._as_variant_tensor())

    output_types = property(lambda s: structure.legacy_types(s.element_spec), doc="The dtypes in the element's structure.")
    output_shapes = property(lambda s: structure.legacy_shapes(s.element_spec), doc="The shapes in the element's structure.")
    output_classes = property(lambda s: structure.legacy_classes(s.element_spec), doc="The classes in the element's structure.")

    def __repr__(self) -> str:
        if not node_count.enabled:
            return super().__repr__()
        name = type(self).__name__.replace("DatasetV2", "DatasetV1")
        shapes, types = (str(nest.map_structure(shown, s)).replace("'", "") for shown, s in ((str, self.output_shapes), (repr, self.output_types)))
        return f"<{name if name.endswith('V1') else 'DatasetV1Adapter'} shapes: {shapes}, types: {types}>"

    __str__ = __repr__

    def make_one_shot_iterator(self) -> Any:
        """An iterator that needs no initialisation."""
        from penstock.data.iterator_v1 import Iterator

        here = door.current()
        if not here.is_graph:
            return OwnedIterator(self)
        _ensure_same_graph(self)
        graph = _dataset_function(self, here)
        attrs = structure.attrs_of(self.element_spec)
        resource = ONE_SHOT_ITERATOR(dataset_factory=graph, **attrs)
        return Iterator._of(resource, None, self.element_spec)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """An iterator that begins when its `initializer` has run."""
        from penstock.data.iterator_v1 import Iterator

        if not door.current().is_graph:
            raise RuntimeError("`tf.compat.v1.data.Dataset.make_initializable_iterator()` is not supported in eager mode. Use Python-style iteration instead.")
        _ensure_same_graph(self)
        attrs = structure.attrs_of(self.element_spec)
        node_count.more(3)  # its options
        resource = ITERATOR_V2(container="", shared_name=shared_name or "", **attrs)
        initializer = MAKE_ITERATOR(self._variant_tensor, resource, name="MakeIterator")
        return Iterator._of(resource, initializer, self.element_spec)

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> "DatasetV1":
        """An element for each slice of a sparse tensor along its first axis."""
        from penstock.data.sources import SPARSE_TENSOR_SLICE_DATASET
        from penstock.data.stage_op import emit_stage
        from penstock.ops.sparse_tensor import SparseTensor, SparseTensorSpec

        if not isinstance(sparse_tensor, SparseTensor):
            raise TypeError(f"Invalid `sparse_tensor`. `sparse_tensor` must be a `tf.sparse.SparseTensor`. Got {type(sparse_tensor)}.")
        s = sparse_tensor
        rank = s.dense_shape.shape[0] if s.dense_shape.shape.rank else None
        dims = None if rank is None else [None] * (int(rank) - 1)
        variant = emit_stage(SPARSE_TENSOR_SLICE_DATASET, (s.indices, s.values, s.dense_shape), {})
        from penstock.ir.type_spec import TensorSpec

        parts = (TensorSpec([None, None if dims is None else len(dims)], "int64"), TensorSpec([None], s.dtype), TensorSpec([None if dims is None else len(dims)], "int64"))
        made = _as_v1(DatasetV2._made("_SparseTensorSliceDataset", variant, parts))
        return made.map(lambda i, v, d: SparseTensor(i, v, d)) if dims is not None else made.map(lambda i, v, d: SparseTensorSpec(None, s.dtype)._from_components([i, v, d]))

    def map_with_legacy_function(self, map_func: Any, num_parallel_calls: Any = None, deterministic: Any = None, use_unbounded_threadpool: bool = False) -> Any:
        """`map`, as it was called for functions of 1.x."""
        return self.map(map_func, num_parallel_calls, deterministic)

    def flat_map_with_legacy_function(self, map_func: Any) -> Any:
        """`flat_map`, as it was called for functions of 1.x."""
        return self.flat_map(map_func)

    def filter_with_legacy_function(self, predicate: Any) -> Any:
        """`filter`, as it was called for functions of 1.x."""
        return self.filter(predicate)


def _ensure_same_graph(dataset: Any) -> None:
    here = door.current()
    if not here.is_graph:
        return
    stack = [dataset]
    while stack:
        d = stack.pop()
        graph = getattr(d._variant_tensor, "graph", None) if hasattr(type(d._variant_tensor), "op") else None
        if graph is not None and graph is not here and not here.building_function:
            raise ValueError(f"Dataset {d} was made in another graph than the current one; make the dataset and its iterator under the same `tf.Graph`.")
        stack.extend(d._inputs())


def _dataset_function(dataset: Any, outer: Any) -> FuncGraph:
    """A function that makes the dataset, from copies of the nodes that it is made of."""
    graph = FuncGraph(fresh_name("_make_dataset"), outer)
    graph._collections = outer._collections
    copies: dict[int, Any] = {}
    stack = [dataset._variant_tensor.op]
    order: list[Any] = []
    seen: set[int] = set()
    while stack:
        node = stack[-1]
        waiting = [t.op for t in node.inputs if t.op._id not in seen]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if node._id not in seen:
            seen.add(node._id)
            order.append(node)
    with door.using(graph), door.watching(None):
        for node in order:
            if node.type.startswith("Placeholder"):
                raise ValueError(f"Cannot capture a placeholder (name:{node.name}, type:{node.type}) by value.")
            op = node.definition
            if op.effect in ("read", "write", "handle") or (op.effect == "io" and op.name not in ("DummySeedGenerator", "PyFunc", "EagerPyFunc")):
                raise ValueError(f"Failed to create a one-shot iterator for a dataset. `tf.compat.v1.data.make_one_shot_iterator()` does not support datasets that capture stateful objects, such as a `Variable` or `LookupTable`. In these cases, consider using `tf.compat.v1.data.make_initializable_iterator()`. Original error: Cannot capture a stateful node (name:{node.name}, type:{node.type}) by value.")
            from penstock.ir.known import group

            made = op(*group(op, [copies[t._id] for t in node.inputs], node.attrs), name=node.name.rpartition("/")[2], **node.attrs)
            outputs = made if isinstance(made, (list, tuple)) else [made]
            flat = [t for o in outputs for t in (o if isinstance(o, (list, tuple)) else [o])]
            for old, new in zip(node.outputs, flat):
                copies[old._id] = new
    graph.outputs = [copies[dataset._variant_tensor._id]]
    graph._version += 1
    return graph


def _as_v1(dataset: Any) -> Any:
    """A dataset with the methods of 1.x."""
    if isinstance(dataset, DatasetV1Base):
        return dataset
    from penstock.data.dataset import _class

    made = object.__new__(_class(type(dataset).__name__, True))
    made.__dict__.update(dataset.__dict__)
    return made


def _wrap(name: str) -> Any:
    new = getattr(DatasetV2, name)

    @functools.wraps(new)
    def made(*args: Any, **kwargs: Any) -> Any:
        return _as_v1(new(*args, **kwargs))

    return staticmethod(made)


for _name in ("from_tensors", "from_tensor_slices", "from_generator", "range", "zip", "list_files", "random", "counter", "sample_from_datasets", "choose_from_datasets", "load"):
    setattr(DatasetV1, _name, _wrap(_name))


class DatasetV1Adapter(DatasetV1):
    """A dataset with the methods of 1.x."""

    def __new__(cls, dataset: Any) -> Any:
        return _as_v1(dataset)

    def __init__(self, dataset: Any):
        return None


@export(v1=("data.make_one_shot_iterator",))
def make_one_shot_iterator(dataset: Any) -> Any:
    """An iterator over a dataset that needs no initialisation."""
    return _as_v1(dataset).make_one_shot_iterator()


@export(v1=("data.make_initializable_iterator",))
def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Any:
    """An iterator over a dataset that begins when its `initializer` has run."""
    return _as_v1(dataset).make_initializable_iterator(shared_name)


@export(v1=("data.get_output_classes",))
def get_output_classes(dataset_or_iterator: Any) -> Any:
    """The classes of an element's leaves, in its structure."""
    return structure.legacy_classes(dataset_or_iterator.element_spec)


@export(v1=("data.get_output_shapes",))
def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The shapes of an element's leaves, in its structure."""
    return structure.legacy_shapes(dataset_or_iterator.element_spec)


@export(v1=("data.get_output_types",))
def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of an element's leaves, in its structure."""
    return structure.legacy_types(dataset_or_iterator.element_spec)
