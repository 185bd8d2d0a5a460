"""The eager emitter: run one op now."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import DType, as_dtype
from penstock.base.shape import Dims
from penstock.engine import kernels
from penstock.ir import convert, door
from penstock.ir.graph import GraphTensor, next_id, result
from penstock.ir.known import output_types
from penstock.ir.resolve import resolve
from penstock.ir.tensor import Tensor

_new = object.__new__
_of_array = dtypes._CACHE  # np.dtype -> DType


class EagerTensor(Tensor):
    """A tensor that has its value: a NumPy array, a device array, or (strings, handles, variants) Python objects."""

    __slots__ = ("_array", "dtype", "_lazy_id", "_handle_data", "_custom", "__weakref__", "__dict__")
    _array: Any
    dtype: DType

    @property
    def _id(self) -> int:
        try:
            return self._lazy_id
        except AttributeError:
            self._lazy_id: int = next_id()
            return self._lazy_id

    @property
    def _dims(self) -> Dims:
        return tuple(getattr(self._array, "shape", ()))

    @property
    def device(self) -> str:
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    backing_device = device

    @property
    def _rank(self) -> int:
        return len(self._dims or ())

    @property
    def is_packed(self) -> bool:
        return False

    def set_shape(self, shape: Any) -> None:
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {shape}.")

    def numpy(self) -> Any:
        """The value as a NumPy array (a scalar for rank 0) of its own memory."""
        array = self._array
        if self.dtype.group == "" and self.dtype is not dtypes.string:
            raise ValueError(f"Cannot convert a Tensor of dtype {self.dtype.name} to a NumPy array.")
        if type(array) is not np.ndarray:
            array = np.asarray(array)
        return array[()] if array.ndim == 0 else array.copy()

    _numpy = numpy

    def _numpy_view(self) -> np.ndarray:
        return np.asarray(self._array)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        array = np.asarray(self._array)
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy or copy is None and not array.flags.writeable else array

    def __dlpack__(self, **kwargs: Any) -> Any:
        return np.array(self._array).__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return np.asarray(self._array).__dlpack_device__()

    def __len__(self) -> int:
        dims = self._dims
        if not dims:
            raise TypeError("Scalar tensor has no `len()`")
        return int(dims[0])  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if not self._dims:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.numpy())

    __nonzero__ = __bool__

    def __int__(self) -> int:
        return int(self.numpy())

    __long__ = __int__

    def __float__(self) -> float:
        return float(self.numpy())

    def __complex__(self) -> complex:
        return complex(self.numpy())

    def __index__(self) -> int:
        if not self.dtype.is_integer or self._dims:
            raise TypeError("only integer scalar tensors can be converted to a scalar index")
        return int(np.asarray(self._array))

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec) if self.dtype.group != "" or self.dtype is dtypes.string else format(str(self), spec)

    def __reduce__(self) -> Any:
        return _from_pickle, (self.numpy(), self.dtype.name)

    def __deepcopy__(self, memo: Any) -> "EagerTensor":
        return self

    def __copy__(self) -> "EagerTensor":
        return self

    def _shown(self) -> str:
        if self.dtype is dtypes.resource or self.dtype is dtypes.variant:
            return "<unprintable>"
        with np.printoptions(legacy=False):
            return _below(str(np.asarray(self._array)) if self._dims or self.dtype is not dtypes.string else str(self.numpy()))

    def __repr__(self) -> str:
        if self.dtype is dtypes.resource or self.dtype is dtypes.variant:
            return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, value=<{type(self._array).__name__}>>"
        value = np.asarray(self._array)
        text = repr(value) if self._dims else repr(value[()]) if self.dtype is dtypes.string else str(value)
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={_below(text)}>"

    def __str__(self) -> str:
        return f"tf.Tensor({self._shown()}, shape={self.shape}, dtype={self.dtype.name})"

    def describe(self) -> str:
        return f"{self.dtype.name}{list(self._dims or ())}"

    def _datatype_enum(self) -> int:
        return int(self.dtype)

    def _meaningless(self, what: str) -> Any:
        raise AttributeError(f"Tensor.{what} is undefined when eager execution is enabled.")

    op = property(lambda s: s._meaningless("op"))
    graph = property(lambda s: s._meaningless("graph"))
    name = property(lambda s: s._meaningless("name"))
    value_index = property(lambda s: s._meaningless("value_index"))

    def consumers(self) -> Any:
        raise NotImplementedError("Tensor.consumers is not supported when eager execution is enabled.")

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        raise NotImplementedError("eval is not supported when eager execution is enabled, is .numpy() what you're looking for?")

    def gpu(self, gpu_index: int = 0) -> "EagerTensor":
        return self

    def cpu(self) -> "EagerTensor":
        return self


EagerTensor.__module__ = "tensorflow.python.framework.ops"  # programs ask for it


def _below(text: str) -> str:
    """A value of several lines begins on a line of its own."""
    return f"\n{text}" if "\n" in text else text


def _from_pickle(array: Any, dtype: str) -> EagerTensor:
    return make(np.asarray(array) if dtype != "string" else convert.to_array(array, dtypes.string), as_dtype(dtype))


def make(array: Any, dtype: DType) -> EagerTensor:
    """A tensor around an array that nobody else writes to."""
    self = _new(EagerTensor)
    self._array = array
    self.dtype = dtype
    return self


class Eager:
    """Runs every op at once."""

    is_graph = False
    building_function = False

    def convert(self, value: Any, dtype: DType | None = None, name: str | None = None) -> Any:
        if type(value) is EagerTensor:
            return value
        found = convert.resolve(value, dtype, name)
        if isinstance(found, Tensor):
            if isinstance(found, GraphTensor):
                raise TypeError(
                    f"{found!r} is out of scope and cannot be used here. Use return values, explicit Python locals or TensorFlow "
                    f"collections to access it.\n  it was made at {found.op.line}, inside the graph {found.graph!r}"
                )
            return found
        if isinstance(value, np.ndarray) and found is value:
            found = value.copy()
        return make(found, dtype or _of_array[found.dtype])

    def emit(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None) -> Any:
        arrays: list[Any] = []
        types: list[Any] = []
        for x in inputs:
            if type(x) is not EagerTensor:
                return self._emit_lists(op, inputs, attrs) if op.lists else self._slow(op, inputs, attrs)
            arrays.append(x._array)
            types.append(x.dtype)
        key: Any = tuple(types)
        if attrs:
            try:
                key = (key, tuple(attrs.items()))
                found = op.kernels.get(key)
            except TypeError:  # a list among the attrs
                return self._slow(op, inputs, attrs)
        else:
            found = op.kernels.get(key)
        if found is None:
            return self._slow(op, inputs, attrs, key)
        run, out_types, full = found
        outs = run(*arrays)
        if op.plain and not door.state.watchers:
            self_ = _new(EagerTensor)
            self_._array = outs[0]
            self_.dtype = out_types[0]
            return self_
        return self._finish(op, inputs, full, outs, out_types)

    def _emit_lists(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """`emit` for an op that takes lists of tensors."""
        flat: list[Any] = []
        types: list[Any] = []
        for x in inputs:
            if type(x) is EagerTensor:
                flat.append(x)
                types.append(x.dtype)
                continue
            if type(x) is not list and type(x) is not tuple:
                return self._slow(op, inputs, attrs)
            for part in x:
                if type(part) is not EagerTensor:
                    return self._slow(op, inputs, attrs)
                flat.append(part)
            types.append(tuple([part.dtype for part in x]))
        key = ("lists", tuple(types), tuple(attrs.items()))
        try:
            found = op.kernels.get(key)
        except TypeError:  # a list among the attrs
            return self._slow(op, inputs, attrs)
        if found is None:
            return self._slow(op, inputs, attrs, key)
        run, out_types, full = found
        return self._finish(op, tuple(flat), full, run(*[t._array for t in flat]), out_types)

    def _slow(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], key: Any = None) -> Any:
        tensors, full = resolve(self, op, inputs, attrs)
        frozen = (tuple(t.dtype for t in tensors), freeze(full))
        found = op.kernels.get(frozen)
        if found is None:
            types = output_types(op, full)
            found = (kernels.build(op, full, frozen), [t.base_dtype for t in types], full)
            if len(op.kernels) > 4096:
                op.kernels.clear()
            op.kernels[frozen] = found
        if key is not None and (not op.lists or key[:1] == ("lists",)):
            op.kernels[key] = found
        run, out_types, full = found
        return self._finish(op, tuple(tensors), full, run(*[t._array for t in tensors]), out_types)

    def _finish(self, op: Any, tensors: tuple[Any, ...], attrs: dict[str, Any], outs: list[Any], types: list[DType]) -> Any:
        outputs = [make(o, t) for o, t in zip(outs, types)]
        for watch in door.state.watchers:
            watch(op, tensors, attrs, outputs, None)
        return result(op, outputs, attrs, None)


def freeze(value: Any) -> Any:
    """A hashable stand-in for attr values."""
    if isinstance(value, dict):
        return tuple((k, freeze(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(freeze(v) for v in value)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes() if value.dtype != object else tuple(value.ravel().tolist()))
    return value


EAGER = Eager()
if door.default_emitter is None:
    door.default_emitter = EAGER
