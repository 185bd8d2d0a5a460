"""`tf.TensorArray`: a list of tensors that loops write to and read from.

In graphs it is a TensorList (a variant tensor, the `flow`), which compiled loops carry; eagerly it is a Python list.
"""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError, OutOfRangeError
from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import door, flow_style, node_count, spec_registry
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec, TypeSpec
from penstock.ops import tensor_list as lists


def _shape_input(shape: TensorShape) -> Any:
    """An element shape as the list ops take it: -1 for what is not known."""
    dims = shape._dims
    return np.array(-1, np.int32) if dims is None else np.array([-1 if d is None else d for d in dims], np.int32)


class _Shapes:
    """What is known of the shape of the elements; shared by all that came of one array."""

    def __init__(self, shape: Any, infer: bool, home: Any = None):
        self.shape = TensorShape._of(as_dims(shape))
        self.infer = infer
        self.home = home  # the graph that the array was made in
        self.entered: set[int] = set()

    def check(self, shape: TensorShape) -> None:
        if not shape.is_compatible_with(self.shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self.shape}")
        if self.infer:
            self.shape = self.shape.merge_with(shape)

    def enter(self) -> None:
        """Count the handle, by which TensorFlow 1.x knows the array, where it first enters each loop or branch around this place."""
        graph: Any = door.current()
        while node_count.active() and graph is not self.home and id(graph) not in self.entered and flow_style.root(graph) is not graph:
            self.entered.add(id(graph))
            node_count.more(1, graph)
            graph = graph.outer


class _Listed:
    """A TensorArray in a graph: every change makes another flow."""

    def __init__(self, dtype: Any, size: Any, dynamic_size: Any, flow: Any, shapes: _Shapes, name: str | None):
        self.dtype, self.size_given, self.dynamic, self.shapes = dtype, size, bool(dynamic_size), shapes
        self.dynamic_size = dynamic_size
        if flow is None:
            if size is None:
                raise ValueError("tf.TensorArray() needs a size (or the flow of another TensorArray)")
            self.size_given = door.convert(size, dtypes.int32, "size") if not isinstance(size, (Tensor, int, np.integer)) else size
            with node_count.exactly(1 if isinstance(size, Tensor) else 2):
                label = name or flow_style.label("TensorArrayV2", "TensorArray")
                flow = lists.tensor_list_reserve(_shape_input(shapes.shape), size, element_dtype=dtype, name=label)
        self.flow = flow

    def with_flow(self, flow: Any) -> "_Listed":
        return _Listed(self.dtype, self.size_given, self.dynamic_size, flow, self.shapes, None)

    def _element(self) -> Any:
        return _shape_input(self.shapes.shape)

    def write(self, index: Any, value: Any, name: str | None) -> Any:
        with scoped(name, flow_style.label("TensorArrayV2Write", "TensorArrayWrite")), self._op(1, index, value):
            value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None, "value")
            _check_dtype(self.dtype, value)
            self.shapes.check(value.shape)
            return self.with_flow(
                lists.tensor_list_set_item(
                    self.flow, _int32(index), value, resize_if_index_out_of_bounds=self.dynamic, name=flow_style.label("TensorListSetItem", "TensorArrayWriteV3")
                )
            )

    def read(self, index: Any, name: str | None) -> Any:
        if flow_style.old():
            with self._op(1, index):
                return self._item(index, name or "TensorArrayReadV3")
        with scoped(name, "TensorArrayV2Read"):
            return self._item(index, None)

    def _item(self, index: Any, name: str | None) -> Any:
        out = lists.tensor_list_get_item(self.flow, _int32(index), self._element(), element_dtype=self.dtype, name=name)
        return self._shaped(out, self.shapes.shape)

    def _op(self, nodes: int, *inputs: Any) -> Any:
        """Count `nodes` for an op of the array, and one for each input that is no tensor yet."""
        self.shapes.enter()
        return node_count.exactly(nodes + sum(not isinstance(i, Tensor) for i in inputs))

    def _shaped(self, tensor: Any, shape: TensorShape) -> Any:
        if shape._dims is not None and hasattr(tensor, "set_shape") and door.current().is_graph:
            tensor.set_shape(shape)
        return tensor

    def _static_size(self) -> int:
        if self.dynamic or self.size_given is None:
            return -1
        value = self.size_given if isinstance(self.size_given, (int, np.integer)) else known_value(self.size_given)
        return -1 if value is None else int(value)

    def stack(self, name: str | None) -> Any:
        with scoped(name, flow_style.label("TensorArrayV2Stack", "TensorArrayStack")), self._op(5):
            n = self._static_size()
            label = flow_style.label("TensorListStack", "TensorArrayGatherV3")
            out = lists.tensor_list_stack(self.flow, self._element(), element_dtype=self.dtype, num_elements=n, name=label)
            return self._shaped(out, TensorShape._of((None if n < 0 else n,)).concatenate(self.shapes.shape))

    def gather(self, indices: Any, name: str | None) -> Any:
        with self._op(1, indices):
            label = name or flow_style.label("TensorListGather", "TensorArrayGatherV3")
            out = lists.tensor_list_gather(self.flow, _int32(indices), self._element(), element_dtype=self.dtype, name=label)
        rows = out._dims[:1] if out._dims else (None,)
        return self._shaped(out, TensorShape._of(rows).concatenate(self.shapes.shape))

    def concat(self, name: str | None) -> Any:
        dims = self.shapes.shape._dims
        element = TensorShape._of(None if dims is None else (None, *dims[1:]))
        with self._op(1):
            label = name or flow_style.label("TensorListConcatV2", "TensorArrayConcatV3")
            out, _ = lists.tensor_list_concat_v2(self.flow, _shape_input(element), np.zeros(0, np.int64), element_dtype=self.dtype, name=label)
        return self._shaped(out, element)

    def unstack(self, value: Any, name: str | None) -> Any:
        with scoped(name, "TensorArrayUnstack"), self._op(9, value):
            value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None, "value")
            _check_dtype(self.dtype, value)
            dims = value._dims
            self.shapes.check(TensorShape._of(None if dims is None else dims[1:]))
            return self.with_flow(lists.tensor_list_from_tensor(value, self._element()))

    def scatter(self, indices: Any, value: Any, name: str | None) -> Any:
        with scoped(name, "TensorArrayScatter"), self._op(1, indices, value):
            value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None, "value")
            _check_dtype(self.dtype, value)
            dims = value._dims
            self.shapes.check(TensorShape._of(None if dims is None else dims[1:]))
            return self.with_flow(lists.tensor_list_scatter_into_existing_list(self.flow, value, _int32(indices)))

    def split(self, value: Any, lengths: Any, name: str | None) -> Any:
        with scoped(name, "TensorArraySplit"), self._op(2, value, lengths):
            value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None, "value")
            _check_dtype(self.dtype, value)
            lengths = find("Cast")(door.convert(lengths), DstT=dtypes.int64)
            known = known_value(lengths)
            dims = value._dims
            if dims is not None:
                first = int(known[0]) if known is not None and known.size and (known == known[0]).all() else None
                self.shapes.check(TensorShape._of((first, *dims[1:])))
            return self.with_flow(lists.tensor_list_split(value, self._element(), lengths))

    def size(self, name: str | None) -> Any:
        if not self.dynamic and self.size_given is not None:
            return door.convert(self.size_given, dtypes.int32 if not isinstance(self.size_given, Tensor) else None)
        return lists.tensor_list_length(self.flow, name=name)

    def close(self, name: str | None) -> Any:
        return find("NoOp")(name=name)


class _Eager:
    """A TensorArray of eager code: one Python list that all that came of the array share."""

    def __init__(self, dtype: Any, size: Any, dynamic_size: Any, clear_after_read: Any, shapes: _Shapes):
        if size is None:
            raise ValueError("Size must be declared for TensorArrays when eager execution is enabled.")
        n = int(known_value(size)) if isinstance(size, Tensor) else int(size)
        self.dtype, self.dynamic_size, self.shapes = dtype, dynamic_size or False, shapes
        self.clear = True if clear_after_read is None else clear_after_read
        self.items: list[Any] = [None] * n
        self.cleared: set[int] = set()
        self.flow = door.convert(np.int32(0))

    def _index(self, index: Any) -> int:
        return int(known_value(index)) if isinstance(index, Tensor) else int(index)

    def _zero(self) -> Any:
        dims = self.shapes.shape._dims
        if dims is None or None in dims:
            raise ValueError(f"Cannot convert a partially known TensorShape {self.shapes.shape} to a Tensor.")
        return find("Fill")(np.array(dims, np.int32), door.convert(b"" if self.dtype is dtypes.string else np.zeros((), self.dtype.array_dtype)))

    def write(self, index: Any, value: Any, name: str | None) -> Any:
        at = self._index(index)
        if at < 0:
            raise OutOfRangeError(None, None, f"Writing to negative indices (index {at}) is not allowed.")
        if at >= len(self.items):
            if not self.dynamic_size:
                raise OutOfRangeError(None, None, f"Tried to write to index {at} but array is not resizeable and size is: {len(self.items)} ")
            self.items += [None] * (at + 1 - len(self.items))
        value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None)
        if value.dtype.base_dtype is not self.dtype:
            raise InvalidArgumentError(None, None, f"TensorArray dtype is {self.dtype.name} but Op is trying to write dtype {value.dtype.name} ")
        if not self.shapes.shape.is_compatible_with(value.shape):
            raise ValueError(f"Incompatible shape for value ({value.shape}), expected ({self.shapes.shape})")
        if self.shapes.infer:
            self.shapes.shape = self.shapes.shape.merge_with(value.shape)
        self.items[at] = value
        self.cleared.discard(at)
        return self

    def read(self, index: Any, name: str | None) -> Any:
        at = self._index(index)
        if at < 0:
            raise OutOfRangeError(None, None, f"Reading from negative indices (index {at}) is not allowed.")
        if at >= len(self.items):
            raise OutOfRangeError(None, None, f"Tried to read from index {at} but array size is: {len(self.items)} ")
        if at in self.cleared:
            raise InvalidArgumentError(None, None, f"Could not read index {at} twice because it was cleared after a previous read (perhaps try setting clear_after_read = false?)")
        value = self.items[at]
        if value is None:
            value = self.items[at] = self._zero()
        if self.clear:
            self.items[at] = None
            self.cleared.add(at)
        return value

    def stack(self, name: str | None) -> Any:
        for i, v in enumerate(self.items):
            if v is None:
                self.items[i] = self._zero()
        if not self.items:
            dims = self.shapes.shape._dims
            if dims is None or None in dims:
                return door.convert(np.zeros(0, self.dtype.array_dtype), self.dtype)
            return door.convert(np.zeros((0, *dims), self.dtype.array_dtype), self.dtype)
        return find("Pack")(self.items)

    def gather(self, indices: Any, name: str | None) -> Any:
        indices = known_value(indices) if isinstance(indices, Tensor) else np.asarray(indices)
        rows = []
        for i in indices.reshape(-1).tolist():
            if not 0 <= i < len(self.items):
                raise OutOfRangeError(None, None, f"Tried to read from index {i} but array size is: {len(self.items)} ")
            rows.append(self._zero() if self.items[i] is None else self.items[i])
        return find("Pack")(rows) if rows else self.stack(name)[:0]

    def concat(self, name: str | None) -> Any:
        items = [self._zero() if v is None else v for v in self.items]
        if any(i._dims == () for i in items):
            raise InvalidArgumentError(None, None, "Concat saw a scalar shape at an index of the TensorArray; did you mean to call stack?")
        return find("ConcatV2")(items, np.int32(0)) if len(items) > 1 else items[0]

    def unstack(self, value: Any, name: str | None) -> Any:
        value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None)
        if not value._dims:
            raise ValueError(f"Rank must be >= 1 to unstack, got a value of shape {value.shape}")
        parts = find("Unpack")(value, num=value._dims[0], axis=0)
        if len(parts) > len(self.items) and not self.dynamic_size:
            raise ValueError(f"Cannot unstack {len(parts)} tensors into a TensorArray of static size {len(self.items)} ")
        self.items = list(parts) + self.items[len(parts) :]
        self.cleared.clear()
        if self.shapes.infer:
            self.shapes.check(TensorShape._of(value._dims[1:]))
        return self

    def scatter(self, indices: Any, value: Any, name: str | None) -> Any:
        indices = known_value(indices) if isinstance(indices, Tensor) else np.asarray(indices)
        value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None)
        for i, part in zip(indices.reshape(-1).tolist(), find("Unpack")(value, num=value._dims[0], axis=0)):
            self.write(i, part, None)
        return self

    def split(self, value: Any, lengths: Any, name: str | None) -> Any:
        value = door.convert(value, self.dtype if not isinstance(value, Tensor) else None)
        sizes = (known_value(lengths) if isinstance(lengths, Tensor) else np.asarray(lengths)).astype(np.int64)
        if sizes.sum() != (value._dims[0] if value._dims else 0):
            raise InvalidArgumentError(None, None, f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {int(sizes.sum())} and value's shape is: {value.shape} ")
        if not self.dynamic_size and len(sizes) != len(self.items):
            raise InvalidArgumentError(None, None, f"TensorArray's size is not equal to the size of lengths ({len(self.items)} vs. {len(sizes)}), and the TensorArray is not marked as dynamically resizeable.")
        self.items = list(find("SplitV")(value, sizes, np.int32(0), num_split=len(sizes))) if len(sizes) else []
        self.cleared.clear()
        return self

    def size(self, name: str | None) -> Any:
        return door.convert(np.int32(len(self.items)))

    def close(self, name: str | None) -> None:
        self.items = []


def _check_dtype(dtype: Any, value: Any) -> None:
    if value.dtype.base_dtype is not dtype:
        raise ValueError(f"TensorArray dtype is {dtype.name}, but the value {value!r} is {value.dtype.name}\n  fix: tf.cast(value, tf.{dtype.name})")


def _int32(index: Any) -> Any:
    if isinstance(index, Tensor) and index.dtype.base_dtype is not dtypes.int32:
        return find("Cast")(index, DstT=dtypes.int32)
    return index if isinstance(index, Tensor) else door.convert(index, dtypes.int32, "index")


@export("TensorArray")
class TensorArray:
    """A list of tensors of one dtype: loops write its elements one by one and stack them at the end.

    >>> ta = tf.TensorArray(tf.float32, size=2)
    >>> ta = ta.write(0, 1.).write(1, 2.)
    >>> ta.stack().numpy().tolist()
    [1.0, 2.0]
    """

    __composite__ = True

    def __init__(self, dtype, size=None, dynamic_size=None, clear_after_read=None, tensor_array_name=None, handle=None, flow=None,
                 infer_shape=True, element_shape=None, colocate_with_first_write_call=True, name=None):  # fmt: skip
        if handle is not None and tensor_array_name:
            raise ValueError("Cannot provide both `handle` and `tensor_array_name` arguments at the same time.")
        if handle is not None and size is not None:
            raise ValueError("Cannot provide both a `handle` and `size` arguments at the same time.")
        if handle is not None and element_shape is not None:
            raise ValueError("Cannot provide both `handle` and `element_shape` arguments at the same time.")
        if handle is not None and dynamic_size is not None:
            raise ValueError("Cannot provide both `handle` and `dynamic_size` arguments at the same time.")
        dtype = as_dtype(dtype).base_dtype
        shapes = _Shapes(element_shape, bool(infer_shape))
        listed = door.current().is_graph or isinstance(flow, Tensor) and flow.dtype is dtypes.variant
        if listed:
            shapes.home = door.current()
            self._state: Any = _Listed(dtype, size, dynamic_size, flow, shapes, name)
        else:
            self._state = _Eager(dtype, size, dynamic_size, clear_after_read, shapes)

    @classmethod
    def _around(cls, state: Any) -> "TensorArray":
        self = object.__new__(cls)
        self._state = state
        return self

    _implementation = property(lambda s: s._state)
    _dtype = property(lambda s: s._state.dtype)
    _infer_shape = property(lambda s: s._state.shapes.infer)
    _dynamic_size = property(lambda s: s._state.dynamic_size)

    @property
    def flow(self):
        """The tensor that orders reads after writes (in graphs it is the list itself)."""
        return self._state.flow

    @property
    def dtype(self):
        """The dtype of the elements."""
        return self._state.dtype

    @property
    def handle(self):
        """None: the list is in the flow."""
        return None

    @property
    def element_shape(self):
        """The shape of the elements, as far as it is known."""
        return self._state.shapes.shape

    @property
    def dynamic_size(self):
        """May the array grow?"""
        return self._state.dynamic_size

    def identity(self):
        """The same array, after everything that made it."""
        state = self._state
        return TensorArray._around(state.with_flow(find("Identity")(state.flow)) if isinstance(state, _Listed) else state)

    def grad(self, source, flow=None, name=None):
        """The array of gradients; it only exists for the array resources of old graphs, gradients flow by themselves here."""
        raise NotImplementedError("TensorArray.grad is not supported when executing eagerly or with lists; use tf.gradients or tf.GradientTape on what was read or stacked.")

    def write(self, index, value, name=None):
        """The array with element `index` set to `value`."""
        return TensorArray._around(self._state.write(index, value, name))

    def read(self, index, name=None):
        """Element `index`."""
        return self._state.read(index, name)

    def stack(self, name=None):
        """All elements in one tensor, along a new first axis."""
        return self._state.stack(name)

    def gather(self, indices, name=None):
        """The elements at `indices` in one tensor."""
        return self._state.gather(indices, name)

    def concat(self, name=None):
        """All elements one after the other along their first axis."""
        return self._state.concat(name)

    def unstack(self, value, name=None):
        """The array with the rows of `value` as its elements."""
        return TensorArray._around(self._state.unstack(value, name))

    def scatter(self, indices, value, name=None):
        """The array with the elements at `indices` set to the rows of `value`."""
        return TensorArray._around(self._state.scatter(indices, value, name))

    def split(self, value, lengths, name=None):
        """The array with pieces of `value`, of the given lengths along its first axis, as its elements."""
        return TensorArray._around(self._state.split(value, lengths, name))

    def size(self, name=None):
        """The number of elements."""
        return self._state.size(name)

    def close(self, name=None):
        """Say that the array is no longer needed."""
        return self._state.close(name)

    @property
    def _type_spec(self) -> "TensorArraySpec":
        state = self._state
        return TensorArraySpec(state.shapes.shape, state.dtype, bool(state.dynamic_size), state.shapes.infer)

    def __tf_tracing_type__(self, context: Any) -> "TensorArraySpec":
        return self._type_spec

    def __len__(self) -> int:
        if isinstance(self._state, _Eager):
            return len(self._state.items)
        raise TypeError("a TensorArray in a graph has no len(); use its size()")

    def __bool__(self) -> bool:
        return True


@export("TensorArraySpec")
@spec_registry.register("tf.TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """What is known of a TensorArray: dtype and shape of its elements, and whether it may grow."""

    def __init__(self, element_shape=None, dtype=dtypes.float32, dynamic_size=False, infer_shape=True):
        self._element_shape = TensorShape(element_shape)
        self._dtype = as_dtype(dtype)
        self._dynamic_size, self._infer_shape = dynamic_size, infer_shape

    @property
    def value_type(self) -> type:
        return TensorArray

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape

    def is_subtype_of(self, other: Any) -> bool:
        return (isinstance(other, TensorArraySpec) and self._dtype is other._dtype and self._dynamic_size == other._dynamic_size
                and self._element_shape.is_subtype_of(other._element_shape))  # fmt: skip

    def most_specific_common_supertype(self, others: Any) -> "TensorArraySpec | None":
        shape = self._element_shape
        for o in others:
            if not isinstance(o, TensorArraySpec) or o._dtype is not self._dtype or o._dynamic_size != self._dynamic_size:
                return None
            shape = shape.most_specific_compatible_shape(o._element_shape)
        return TensorArraySpec(shape, self._dtype, self._dynamic_size, self._infer_shape)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        other = spec_or_value._type_spec if isinstance(spec_or_value, TensorArray) else spec_or_value
        return (isinstance(other, TensorArraySpec) and self._dtype is other._dtype and self._dynamic_size == other._dynamic_size
                and self._element_shape.is_compatible_with(other._element_shape))  # fmt: skip

    @property
    def _component_specs(self) -> list[Any]:
        return [TensorSpec([], dtypes.variant)]

    def _to_components(self, value: Any) -> list[Any]:
        state = value._state
        if isinstance(state, _Listed):
            return [state.flow]
        shape = state.shapes.shape
        if not state.items or all(v is None for v in state.items):
            return [lists.tensor_list_reserve(_shape_input(shape), np.int32(len(state.items)), element_dtype=state.dtype)]
        return [lists.tensor_list_from_tensor(state.stack(None), _shape_input(shape))]

    def _from_components(self, components: Any) -> TensorArray:
        shapes = _Shapes(self._element_shape, self._infer_shape)
        state = _Listed(self._dtype, None, self._dynamic_size, components[0], shapes, None)
        return TensorArray._around(state)

    @staticmethod
    def from_value(value: Any) -> "TensorArraySpec":
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but got: {type(value)}")
        return value._type_spec

    def _to_legacy_output_types(self) -> Any:
        return self._dtype

    def _to_legacy_output_shapes(self) -> Any:
        return self._element_shape


def build_ta_with_new_flow(old_ta: TensorArray, flow: Any) -> TensorArray:
    """A TensorArray like another, with another flow."""
    state = old_ta._state
    return TensorArray._around(_Listed(state.dtype, getattr(state, "size_given", None), state.dynamic_size, flow, state.shapes, None))
