"""Elements of datasets and the flat lists of tensors that run through a pipeline.

A spec says how one leaf of an element becomes tensors: a dense tensor is itself, a sparse one a vector of three variants, a
ragged one, a dataset or an optional a scalar variant, None nothing at all; other composite values are their components.
"""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.shape import TensorShape, as_dims
from penstock.data import structure_nest as nest
from penstock.fronts.autograph.staging import is_variable
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import NoneTensorSpec, TensorSpec, TypeSpec, type_spec_from_value
from penstock.ops.ragged_spec import RaggedTensorSpec
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.sparse_tensor import SparseTensor, SparseTensorSpec, SparseTensorValue
from penstock.ops.tensor_array import TensorArraySpec


def _kind(spec: Any) -> str:
    if isinstance(spec, SparseTensorSpec):
        return "sparse"
    if isinstance(spec, RaggedTensorSpec):
        return "ragged"
    return "parts"


def flat_specs(element_spec: Any) -> list[Any]:
    """A TensorSpec for each tensor that stands for an element."""
    out: list[Any] = []
    for spec in nest.flatten(element_spec):
        kind = _kind(spec)
        if kind != "parts":  # of batches there is a vector of them
            out.append(TensorSpec(None, dtypes.variant))
        elif isinstance(spec, TensorSpec):
            out.append(spec)
        else:
            out.extend(spec.flatten())
    return out


def flat_types(element_spec: Any) -> list[Any]:
    """The dtypes of the tensors that stand for an element."""
    return [s.dtype for s in flat_specs(element_spec)]


def flat_shapes(element_spec: Any) -> list[Any]:
    """Their shapes, as dims."""
    return [s.shape._dims if s.dtype is not dtypes.variant else _variant_dims(s) for s in flat_specs(element_spec)]


def _variant_dims(spec: Any) -> Any:
    return spec.shape._dims


def attrs_of(element_spec: Any) -> dict[str, Any]:
    """The attrs `output_types` and `output_shapes` of a dataset op."""
    specs = flat_specs(element_spec)
    return {"output_types": [s.dtype for s in specs], "output_shapes": [s.shape._dims for s in specs]}


def to_tensors(spec: Any, value: Any) -> list[Any]:
    """The tensors that stand for one leaf."""
    kind = _kind(spec)
    if kind == "sparse":
        value = SparseTensor.from_value(value)
        return [find("SerializeSparse")(value.indices, value.values, value.dense_shape, out_type=dtypes.variant)]
    if kind == "ragged":
        return [_ragged_variant(spec, value, False)]
    if isinstance(spec, TensorSpec):
        return [value if isinstance(value, Tensor) else door.convert(value, spec.dtype)]
    return spec.to_tensors(value)


def _ragged_variant(spec: Any, value: Any, rows: bool) -> Any:
    to_variant = find("RaggedTensorToVariant")
    if isinstance(value, RaggedTensor):
        if value.ragged_rank != spec.ragged_rank:
            raise ValueError(f"Ragged rank of value ({value.ragged_rank}) does not match ragged rank of type ({spec.ragged_rank}).")
        return to_variant(list(value.nested_row_splits), value.flat_values, batched_input=rows)
    return to_variant([], door.convert(value, spec.dtype), batched_input=rows, Tsplits=spec.row_splits_dtype)


def to_batched_tensors(spec: Any, value: Any) -> list[Any]:
    """The tensors of a leaf whose rows are elements of their own."""
    kind = _kind(spec)
    if kind == "sparse":
        value = SparseTensor.from_value(value)
        return [find("SerializeManySparse")(value.indices, value.values, value.dense_shape, out_type=dtypes.variant)]
    if kind == "ragged":
        return [_ragged_variant(spec, value, True)]
    if isinstance(spec, TensorSpec):
        return [value if isinstance(value, Tensor) else door.convert(value, spec.dtype)]
    return spec._to_batched_tensor_list(value)


def to_tensor_list(element_spec: Any, element: Any) -> list[Any]:
    """The flat tensors of an element."""
    leaves = nest.flatten_up_to(element_spec, element)
    return [t for s, v in zip(nest.flatten(element_spec), leaves) for t in to_tensors(s, v)]


def to_batched_tensor_list(element_spec: Any, element: Any) -> list[Any]:
    """The flat tensors of a batch, to be taken apart along their first axis."""
    leaves = nest.flatten_up_to(element_spec, element)
    return [t for s, v in zip(nest.flatten(element_spec), leaves) for t in to_batched_tensors(s, v)]


def _count(spec: Any) -> int:
    return 1 if _kind(spec) != "parts" or isinstance(spec, TensorSpec) else len(spec.flatten())


def from_tensors(spec: Any, tensors: list[Any]) -> Any:
    """The leaf that these tensors stand for."""
    kind = _kind(spec)
    if kind == "sparse":
        indices, values, shape = find("DeserializeSparse")(tensors[0], dtype=spec.dtype)
        rank = spec.shape.rank
        if rank is not None and door.current().is_graph:
            indices.set_shape([None, rank])
            shape.set_shape([rank])
        made = SparseTensor(indices, values, shape)
        made.set_shape(spec.shape)
        return made
    if kind == "ragged":
        rank = spec.ragged_rank
        splits, values = find("RaggedTensorFromVariant")(
            tensors[0], input_ragged_rank=-1, output_ragged_rank=rank, Tvalues=spec.dtype, Tsplits=spec.row_splits_dtype
        )
        if spec.shape.rank is not None and door.current().is_graph:
            dims = spec.shape._dims
            values.set_shape([None, *dims[rank + 1 :]] if rank else dims)
        return spec._from_components([values, *splits])
    if isinstance(spec, TensorSpec):
        t = tensors[0]
        if spec.shape._dims is not None and hasattr(t, "op") and door.current().is_graph:
            t.set_shape(spec.shape)
        return t
    return spec.from_tensors(iter(tensors))


def from_tensor_list(element_spec: Any, tensors: Any) -> Any:
    """The element that flat tensors stand for."""
    if isinstance(element_spec, TensorSpec):
        return from_tensors(element_spec, tensors)
    given = list(tensors)
    at = 0
    leaves = []
    for spec in nest.flatten(element_spec):
        n = _count(spec)
        leaves.append(from_tensors(spec, given[at : at + n]))
        at += n
    return nest.pack_sequence_as(element_spec, leaves)


def is_all_dense(element_spec: Any) -> bool:
    """Is every leaf one dense tensor?"""
    return all(isinstance(s, TensorSpec) for s in nest.flatten(element_spec))


def spec_of(value: Any) -> Any:
    """The spec of one leaf."""
    if isinstance(value, TypeSpec):
        return value
    return type_spec_from_value(value)


def type_spec_from_element(element: Any) -> Any:
    """The specs of an element in its structure."""
    if nest.is_nested(element):
        return nest.pack_sequence_as(element, [spec_of(v) for v in nest.flatten(element)])
    return spec_of(element)


def normalize_element(element: Any, element_signature: Any = None) -> Any:
    """The element with every leaf a tensor or composite tensor."""
    leaves = nest.flatten(element)
    if element_signature is None:
        specs: list[Any] = [None] * len(leaves)
        pack = element
    else:
        leaves = nest.flatten_up_to(element_signature, element)
        specs = nest.flatten(element_signature)
        pack = element_signature
    with scoped(None, "normalize_element"):
        return nest.pack_sequence_as(pack, _normalized(leaves, specs))


def _normalized(leaves: list[Any], specs: list[Any]) -> list[Any]:
    out = []
    for i, (leaf, spec) in enumerate(zip(leaves, specs)):
        if spec is None:
            spec = _composite_spec(leaf)
        if spec is not None and isinstance(spec, NoneTensorSpec):
            out.append(None)
        elif spec is not None and not isinstance(spec, TensorSpec):
            if isinstance(leaf, SparseTensorValue):
                leaf = SparseTensor.from_value(leaf)
            elif isinstance(spec, RaggedTensorSpec) and type(leaf).__name__ == "RaggedTensorValue":
                leaf = RaggedTensor.from_nested_row_splits(leaf.flat_values, leaf.nested_row_splits)
            out.append(leaf)
        else:
            out.append(door.convert(leaf, spec.dtype if spec is not None else None, f"component_{i}"))
    return out


def _composite_spec(leaf: Any) -> Any:
    if isinstance(leaf, (Tensor, np.ndarray, int, float, str, bytes, list)) or is_variable(leaf):
        return None
    if leaf is None:
        return NoneTensorSpec()
    try:
        spec = type_spec_from_value(leaf)
    except TypeError:
        return None
    return None if isinstance(spec, TensorSpec) else spec


# -- what older code asks for ------------------------------------------------------------------------------------------
def legacy_types(element_spec: Any) -> Any:
    """`output_types`: the dtypes in the element's structure."""
    return nest.map_structure(lambda s: s._to_legacy_output_types(), element_spec)


def legacy_shapes(element_spec: Any) -> Any:
    """`output_shapes`: the shapes in the element's structure."""
    return nest.map_structure(lambda s: s._to_legacy_output_shapes(), element_spec)


def legacy_classes(element_spec: Any) -> Any:
    """`output_classes`: the classes in the element's structure."""
    return nest.map_structure(lambda s: s._to_legacy_output_classes(), element_spec)


def convert_legacy_structure(output_types: Any, output_shapes: Any, output_classes: Any) -> Any:
    """The element spec of the dtypes, shapes and classes that 1.x programs hand over."""
    types = nest.flatten(output_types)
    shapes = nest.flatten_up_to(output_types, output_shapes)
    classes = nest.flatten_up_to(output_types, output_classes)
    return nest.pack_sequence_as(output_types, [_legacy_one(t, s, c) for t, s, c in zip(types, shapes, classes)])


def _legacy_one(dtype: Any, shape: Any, cls: Any) -> Any:
    if isinstance(cls, TypeSpec):
        return cls
    name = getattr(cls, "__name__", "")
    if cls is SparseTensor or (isinstance(cls, type) and issubclass(cls, SparseTensor)):
        return SparseTensorSpec(shape, dtype)
    if isinstance(cls, type) and issubclass(cls, Tensor):
        return TensorSpec(shape, dtype)
    if name.startswith("RaggedTensor"):
        return RaggedTensorSpec(shape, dtype)
    if name == "TensorArray":
        return TensorArraySpec(shape, dtype)
    raise TypeError(f"Could not build a structure for output class {name or cls}. Make sure any component class in `output_classes` inherits from one of the following classes: `tf.TypeSpec`, `tf.sparse.SparseTensor`, `tf.Tensor`, `tf.TensorArray`.")


def shapes_like(output_types: Any, output_shapes: Any) -> Any:
    """Shapes in the structure of the types; None means that nothing is known."""
    if output_shapes is None:
        return nest.map_structure(lambda _: TensorShape(None), output_types)
    return nest.map_structure_up_to(output_types, lambda s: TensorShape._of(as_dims(s)), output_shapes)


def types_of(output_types: Any) -> Any:
    return nest.map_structure(as_dtype, output_types)


def are_compatible(one: Any, two: Any) -> bool:
    """May elements of the second spec stand where the first is asked for?"""
    try:
        nest.assert_same_structure(one, two, check_types=False)
    except (TypeError, ValueError):
        return False
    return all(a.is_compatible_with(b) for a, b in zip(nest.flatten(one), nest.flatten(two)))


get_flat_tensor_types, get_flat_tensor_shapes, get_flat_tensor_specs = flat_types, flat_shapes, flat_specs
"""What TensorFlow calls them."""
