"""`tf.SparseTensor`: the elements of a tensor that are not zero, with where they stand."""

import collections
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export, export_constant
from penstock.base.shape import TensorShape, as_dims, as_shape
from penstock.ir import door, spec_registry
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_dims
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.source import PLACEHOLDER, PLACEHOLDER_WITH_DEFAULT
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import BatchableTypeSpec, TensorSpec, register_type_spec_from_value_converter
from penstock.ops.families import composites

SparseTensorValue = collections.namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])
"""The value of a SparseTensor in NumPy arrays."""
export_constant(module=__name__, attr="SparseTensorValue", v1=("SparseTensorValue",))


@export("SparseTensor", "sparse.SparseTensor")
class SparseTensor:
    """Element i of `values` stands at `indices[i]` of a tensor of shape `dense_shape`; all others are zero.

    indices: int64 [n, rank]; values: [n]; dense_shape: int64 [rank].

    >>> tf.sparse.to_dense(tf.SparseTensor([[0, 1]], [5], [1, 2])).numpy().tolist()
    [[0, 5]]
    """

    __composite__ = True
    _counts_as_tensor = True  # for `tf.is_tensor`
    __array_priority__ = 100

    def __init__(self, indices: Any, values: Any, dense_shape: Any):
        with scoped(None, "SparseTensor"):
            indices = door.convert(indices, dtypes.int64, "indices")
            values = _convert_values(values)
            dense_shape = door.convert(dense_shape, dtypes.int64, "dense_shape")
            if known_dims(dense_shape) is not None:
                self._static = TensorShape._of(known_dims(dense_shape))
            else:
                self._static = TensorShape(None)
        self._indices, self._values, self._dense_shape = indices, values, dense_shape
        index_shape, value_shape, shape_shape = (t.shape for t in (indices, values, dense_shape))
        _rank(index_shape, 2)
        _rank(value_shape, 1)
        _rank(shape_shape, 1)
        if index_shape.rank is not None:
            if value_shape.rank is not None:
                _same(value_shape[0], index_shape[0])
            if shape_shape.rank is not None:
                _same(index_shape[1], shape_shape[0])

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> "SparseTensor":
        """A SparseTensor of a SparseTensorValue (or of a SparseTensor, which stays as it is)."""
        if not is_sparse(sparse_tensor_value):
            raise TypeError(f"Argument sparse_tensor_value={sparse_tensor_value} is neither a SparseTensor nor SparseTensorValue.")
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        return SparseTensor(*sparse_tensor_value)

    indices = property(lambda s: s._indices, doc="int64 [n, rank]: where the values stand.")
    values = property(lambda s: s._values, doc="[n]: the values.")
    dense_shape = property(lambda s: s._dense_shape, doc="int64 [rank]: the shape of the whole.")
    dtype = property(lambda s: s._values.dtype, doc="The dtype of the values.")
    op = property(lambda s: s._values.op, doc="The operation that makes `values`.")
    graph = property(lambda s: s._indices.graph, doc="The graph of the parts.")
    name = property(lambda s: s._values.name, doc="The name of `values`.")
    device = property(lambda s: s._values.device, doc="The device of `values`.")

    def get_shape(self) -> TensorShape:
        found = known_dims(self._dense_shape)
        return self._static if found is None else TensorShape._of(found).merge_with(self._static)

    shape = property(get_shape, doc="The shape of the whole, as far as it is known.")

    def set_shape(self, shape: Any) -> None:
        """Say more about the static shape."""
        self._static = self.shape.merge_with(as_shape(shape))

    def with_values(self, new_values: Any) -> "SparseTensor":
        """The same places with other values; [n, ...]."""
        made = object.__new__(SparseTensor)
        made._indices, made._values, made._dense_shape, made._static = self._indices, _convert_values(new_values), self._dense_shape, self._static
        return made

    def consumers(self) -> list[Any]:
        """The operations that take one of the parts."""
        return list(dict.fromkeys(c for t in (self._indices, self._values, self._dense_shape) for c in t.consumers()))

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, computed by the given or the default session."""
        return SparseTensorValue(*self.graph._session(session, "eval").run([self._indices, self._values, self._dense_shape], feed_dict))

    def _eval_using_default_session(self, feed_dict: Any, session: Any) -> Any:
        return self.eval(feed_dict, session)

    def _fetch_parts(self) -> Any:
        return [self._indices, self._values, self._dense_shape], lambda parts: SparseTensorValue(*parts)

    def _feed_parts(self) -> Any:
        def split(value: Any) -> list[Any]:
            if isinstance(value, SparseTensor):
                return [value._indices.numpy(), value._values.numpy(), value._dense_shape.numpy()]
            return list(value)

        return [self._indices, self._values, self._dense_shape], split

    @property
    def _type_spec(self) -> "SparseTensorSpec":
        return SparseTensorSpec(self.shape, self.dtype)

    def _shape_invariant_to_type_spec(self, shape: Any) -> "SparseTensorSpec":
        dims = as_dims(shape)
        return SparseTensorSpec(None if dims is None else [None] * len(dims), self.dtype)

    def __mul__(self, other: Any) -> "SparseTensor":
        return self._elementwise("SparseDenseCwiseMul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "SparseTensor":
        return self._elementwise("SparseDenseCwiseDiv", other)

    __div__ = __truediv__

    def _elementwise(self, name: str, other: Any) -> "SparseTensor":
        if is_sparse(other):
            return NotImplemented
        other = door.convert(other, self.dtype.base_dtype)
        return SparseTensor(self._indices, find(name)(self._indices, self._values, self._dense_shape, other), self._dense_shape)

    def __str__(self) -> str:
        return f"SparseTensor(indices={self._indices!s}, values={self._values!s}, dense_shape={self._dense_shape!s})"

    __repr__ = __str__

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError("a SparseTensor has no truth value; compare its values")


SparseTensor.__module__ = "tensorflow.python.framework.sparse_tensor"  # programs ask for it


def _convert_values(values: Any) -> Any:
    return door.convert(values, None, "values")


def _rank(shape: TensorShape, n: int) -> None:
    if shape.rank not in (None, n):
        raise ValueError(f"Shape {shape} must have rank {n}")


def _same(a: Any, b: Any) -> None:
    a, b = getattr(a, "value", a), getattr(b, "value", b)
    if a is not None and b is not None and a != b:
        raise ValueError(f"Dimensions {a} and {b} are not compatible")


@export("SparseTensorSpec")
@spec_registry.register("tf.SparseTensorSpec")
class SparseTensorSpec(BatchableTypeSpec):
    """Shape and dtype of a SparseTensor."""

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32):
        self._shape, self._dtype = TensorShape._of(as_dims(shape)), as_dtype(dtype)

    dtype = property(lambda s: s._dtype, doc="The dtype of the values.")
    shape = property(lambda s: s._shape, doc="The shape of the whole.")

    @property
    def value_type(self) -> type:
        return SparseTensor

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype

    @property
    def _component_specs(self) -> list[Any]:
        rank = self._shape.rank
        count = None if rank != 0 else 0
        return [TensorSpec([count, rank], dtypes.int64), TensorSpec([count], self._dtype), TensorSpec([rank], dtypes.int64)]

    def _to_components(self, value: Any) -> list[Any]:
        if isinstance(value, SparseTensorValue):
            value = SparseTensor.from_value(value)
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, components: Any) -> SparseTensor:
        made = SparseTensor(*components)
        made._static = made._static.merge_with(self._shape)
        return made

    def _batch(self, batch_size: int | None) -> "SparseTensorSpec":
        return SparseTensorSpec(TensorShape._of((batch_size,)).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> "SparseTensorSpec":
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return SparseTensorSpec(self._shape[1:], self._dtype)

    @staticmethod
    def from_value(value: Any) -> "SparseTensorSpec":
        """The spec of a SparseTensor or SparseTensorValue."""
        if isinstance(value, SparseTensor):
            return SparseTensorSpec(value.shape, value.dtype)
        if isinstance(value, SparseTensorValue):
            return SparseTensorSpec(np.asarray(value.dense_shape).tolist(), np.asarray(value.values).dtype)
        raise TypeError("Expected SparseTensor or SparseTensorValue.")


register_type_spec_from_value_converter(SparseTensorValue, SparseTensorSpec.from_value)


def is_sparse(x: Any) -> bool:
    """Is it a SparseTensor or the value of one?"""
    return isinstance(x, (SparseTensor, SparseTensorValue))


def as_sparse(value: Any) -> SparseTensor:
    """The argument of a sparse op; TypeError when it is not sparse."""
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return value


def _on_values(call: Any, args: tuple[Any, ...], name: str | None) -> Any:
    """An elementwise function of a SparseTensor works on its values; of two, on those that stand in the same places."""
    if len(args) == 1:
        return args[0].with_values(call(args[0].values, name=name))
    if len(args) == 2 and getattr(call, "__name__", "") in ("multiply", "truediv", "divide"):
        a, b = args
        if not (isinstance(a, SparseTensor) and isinstance(b, SparseTensor)):
            sparse, dense = (a, b) if isinstance(a, SparseTensor) else (b, a)
            return sparse * dense if call.__name__ == "multiply" else sparse / dense if sparse is a else NotImplemented
    shown = next(a for a in args if isinstance(a, SparseTensor))
    raise TypeError(f"{getattr(call, '__name__', 'this function')}() takes no SparseTensor: {shown}\n  fix: tf.sparse.to_dense(...) or the functions of tf.sparse")


composites[SparseTensor] = _on_values


@export(v1=("sparse_placeholder", "sparse.placeholder"))
def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A SparseTensor that must be fed: with a SparseTensorValue or a tuple (indices, values, dense_shape)."""
    if not door.current().is_graph:
        raise RuntimeError("`sparse_placeholder` is not compatible with eager execution.")
    shape_name = f"{name}/shape" if name is not None else None
    default_name = f"{name}/shape_default" if name is not None else None
    if shape is None:
        rank = None
        dense_shape = PLACEHOLDER(dtype=dtypes.int64, shape=[None], name=shape_name)
        static = TensorShape(None)
    elif isinstance(shape, Tensor):
        dense_shape, static = shape, TensorShape._of(known_dims(shape))
        rank = static.rank
    else:
        dims = tuple(None if d is None or d == -1 else int(d) for d in (as_dims([None if d == -1 else d for d in shape]) or ()))
        rank, static = len(dims), TensorShape._of(dims)
        default = door.convert(np.array([-1 if d is None else d for d in dims], np.int64), dtypes.int64, default_name or "shape_default")
        dense_shape = PLACEHOLDER_WITH_DEFAULT(default, shape=[rank], name=shape_name)
    values = PLACEHOLDER(dtype=dtype, shape=[None], name=f"{name}/values" if name is not None else None)
    indices = PLACEHOLDER(dtype=dtypes.int64, shape=[None, rank], name=f"{name}/indices" if name is not None else None)
    made = SparseTensor(indices, values, dense_shape)
    made._static = static
    return made


@export(v1=("convert_to_tensor_or_sparse_tensor",))
def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A SparseTensor of what is sparse, a tensor of anything else."""
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if wanted is not None and not wanted.is_compatible_with(value.dtype):
            raise RuntimeError(f"Sparse dtype mismatch. Requested: {wanted.name}, Actual: {value.dtype.name}")
        return value
    return convert_to_tensor(value, wanted, name=name)
