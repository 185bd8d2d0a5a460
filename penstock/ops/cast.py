"""Casts between dtypes, with TensorFlow's results where values do not fit."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import UnimplementedError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import composites, later, of_elements, same_shape, wide

_WIDE_FLOATS = ("float32", "float64", "float16", "bfloat16")


def _to_integer(xp: Any, x: Any, to: np.dtype) -> Any:
    """Floats towards zero; what int32 or int64 cannot hold is their lowest value, narrower types take the low bits."""
    x = wide(xp, x)
    if to.kind == "i" and to.itemsize >= 4:
        if xp is np:
            return x.astype(to)  # the processor's own conversion does just that
        edge = 2.0 ** (to.itemsize * 8 - 1)
        return xp.where((x >= -edge) & (x < edge), x, -edge).astype(to)
    if to == np.uint64:
        return xp.where(
            x < 0,
            _to_integer(xp, xp.where(x < 0, x, 0), np.dtype(np.int64)).astype(to),
            xp.where(x < 0, 0, x).astype(to),
        )
    return _to_integer(xp, x, np.dtype(np.int64 if to.itemsize == 4 else np.int32)).astype(to)


@op("Cast(x: SrcT, *, DstT: type, SrcT: type, Truncate: bool = False) -> y: DstT", shape=same_shape)
def Cast(xp, x, *, DstT, Truncate):  # noqa: N802, N803
    """x with the elements cast to DstT."""
    to = DstT.array_dtype
    kind = x.dtype.kind
    if kind == "O" or DstT.group == "":
        return x
    if x.dtype == to:
        return x
    if kind == "c" and to.kind != "c":
        x = x.real
        kind = "f"
    if to.kind == "b":
        return x != 0
    if to.kind in "iu" and kind not in "biu":
        return _to_integer(xp, x, to)
    if Truncate and x.dtype == np.float32 and to == dtypes.bfloat16.array_dtype:
        bits = x.view(xp.uint32) & np.uint32(0xFFFF0000)
        return xp.where(xp.isnan(x), x, bits.view(xp.float32)).astype(to)
    return x.astype(to)


@Cast.check
def _(xp: Any, x: Any, *, DstT: DType, Truncate: bool) -> Any:  # noqa: N803
    if (x.dtype.kind == "O") == (DstT.group == ""):
        return False, ""
    source = "string" if x.dtype.kind == "O" else as_dtype(x.dtype).name
    return True, f"Cast {source} to {DstT.name} is not supported", UnimplementedError


@Cast.dims
def _(x: Any, *, DstT: DType, Truncate: bool) -> Any:  # noqa: N803
    return x.dims if DstT.is_integer and x.dtype.is_integer else None


@Cast.grad
def _(node: Any, dy: Any) -> Any:
    source = node.inputs[0].dtype.base_dtype
    return Cast(dy, DstT=source) if source.is_differentiable and node.outputs[0].dtype.is_differentiable else None


@export("cast", "dtypes.cast")
def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """x with its elements cast to `dtype`: tensors, SparseTensors and IndexedSlices.

    >>> tf.cast([1.8, -2.2], tf.int32).numpy().tolist()
    [1, -2]
    """
    to = as_dtype(dtype).base_dtype
    if isinstance(x, Tensor):
        return x if x.dtype is to else Cast(x, DstT=to, name=name)
    if type(x) in composites:
        found = composites[type(x)](lambda v, name=None: cast(v, to, name), (x,), name)
        if found is not NotImplemented:
            return found
    if hasattr(x, "with_values"):  # a SparseTensor
        return x if x.dtype.base_dtype is to else x.with_values(cast(x.values, to, name))
    if hasattr(x, "values") and hasattr(x, "indices"):
        return x if x.dtype.base_dtype is to else type(x)(cast(x.values, to, name), x.indices, x.dense_shape)
    with scoped(name, "Cast") as scope:
        x = door.convert(x, None, "x")
        return x if x.dtype.base_dtype is to else Cast(x, DstT=to, name=scope or None)


def _bounds(source: DType, to: DType) -> tuple[Any, Any] | None:
    """The values of `source` that `to` holds, where that is not all of them."""
    low, high = source.min, source.max
    if to.is_bool:
        return None
    clipped_low, clipped_high = max(float(low), float(to.min)), min(float(high), float(to.max))
    if source.is_floating and to.is_integer:
        kind = source.array_dtype.type
        top = kind(to.max)
        if float(top) > float(to.max):  # rounding went past what the integer holds
            top = (
                np.nextafter(top, kind(0))
                if kind in (np.float32, np.float64, np.float16)
                else kind(float(top) * (1 - 2.0**-8))
            )
        return kind(to.min), top
    if source.is_integer and to.is_integer:
        return max(low, to.min), min(high, to.max)
    return clipped_low, clipped_high


@export("saturate_cast", "dtypes.saturate_cast")
@of_elements
def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """`value` cast to `dtype`, values that do not fit clamped to its range first.

    >>> tf.saturate_cast([-1., 300.], tf.uint8).numpy().tolist()
    [0, 255]
    """
    with scoped(name, "saturate_cast") as scope:
        value = door.convert(value, None, "value")
        to = as_dtype(dtype).base_dtype
        source = value.dtype.base_dtype
        if source.is_complex:
            if to.is_complex:
                real, imag = later("Real")(value, Tout=source.real_dtype), later("Imag")(value, Tout=source.real_dtype)
                part = to.real_dtype
                return later("Complex")(
                    saturate_cast(real, part), saturate_cast(imag, part), Tout=to, name=scope or None
                )
            value = later("Real")(value, Tout=source.real_dtype)
            source = value.dtype
        if to.is_complex:
            if source.is_integer or source.is_bool:
                return cast(value, to, scope or None)
            return later("Complex")(
                saturate_cast(value, to.real_dtype),
                later("ZerosLike")(saturate_cast(value, to.real_dtype)),
                Tout=to,
                name=scope or None,
            )
        if source.is_bool or to.is_bool or (source.is_integer and to.is_floating):
            return cast(value, to, scope or None)
        wider = float(source.min) < float(to.min) or float(source.max) > float(to.max)
        if wider:
            low, high = _bounds(source, to)  # type: ignore[misc]
            at = lambda v: door.convert(np.asarray(v).astype(source.array_dtype), source)
            value = later("ClipByValue")(value, at(low), at(high), name="clamp")
        return cast(value, to, scope or None)


def _old_cast(name: str, to: DType) -> None:
    label = "To" + "".join(part.capitalize() for part in name[3:].split("_"))
    label = {"ToBfloat16": "ToBFloat16"}.get(label, label)

    def call(x: Any, name: str = label) -> Any:
        return cast(x, to, name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"x cast to {to.name}: `tf.cast(x, tf.{to.name})`."
    globals()[name] = export(v1=(name,))(call)


for _name, _to in (
    ("to_float", dtypes.float32),
    ("to_double", dtypes.float64),
    ("to_int32", dtypes.int32),
    ("to_int64", dtypes.int64),
    ("to_bfloat16", dtypes.bfloat16),
    ("to_complex64", dtypes.complex64),
    ("to_complex128", dtypes.complex128),
):
    _old_cast(_name, _to)
