"""Ops that hand their input on: identity, stop_gradient, bitcast and their kin."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.nest import flatten, pack_sequence_as
from penstock.ir.op import Op, op
from penstock.ir.tensor import Tensor
from penstock.ops.families import of_elements


def passes(text: str, doc: str, gradient: bool = True, **fields: Any) -> Op:
    """An op whose one output is its one input."""

    def body(xp, x, **attrs):
        return x

    body.__doc__ = doc
    body.__name__ = body.__qualname__ = text.partition("(")[0]
    body.__module__ = __name__
    made = op(text, shape=lambda x, **attrs: x.shape, moves=True, **fields)(body)
    if gradient:
        made.grad(lambda node, dy: dy)
    return made


Identity = identity_op = passes("Identity(input: T, *, T: type) -> output: T", "The input.")
identity_op.dims(lambda x, **_: x.dims)
StopGradient = stop_gradient_op = passes("StopGradient(input: T, *, T: type) -> output: T", "The input; no gradient flows back.", False).no_grad()
PreventGradient = prevent_gradient_op = passes('PreventGradient(input: T, *, T: type, message: str = "") -> output: T', "The input; asking for its gradient is an error.", False)
GuaranteeConst = passes("GuaranteeConst(input: T, *, T: type) -> output: T", "The input, promised to stay the same.")
Snapshot = passes("Snapshot(input: T, *, T: type) -> output: T", "The input.")
DeepCopy = passes("DeepCopy(x: T, *, T: type) -> y: T", "The input.")
DebugGradientIdentity = passes("DebugGradientIdentity(input: T, *, T: type) -> output: T", "The input.")


@prevent_gradient_op.grad
def _(node, dy):
    raise LookupError(f"Gradient explicitly disabled. Reason: {node.attrs['message']!r}")


@op("IdentityN(input: T, *, T: list(type) >= 1) -> output: T", shape=lambda input: [x.shape for x in input], moves=True)
def identity_n_op(xp, input):  # noqa: A002
    """The inputs."""
    return list(input)


@identity_n_op.grad
def _(node, *dys):
    return dys


@export("identity")
def identity(input, name=None):  # noqa: A002
    """The input, as another tensor (composites part by part).

    >>> tf.identity([1, 2]).numpy().tolist()
    [1, 2]
    """
    if getattr(type(input), "__composite__", False) and not isinstance(input, Tensor):
        parts = flatten(input, expand_composites=True)
        return pack_sequence_as(input, [identity_op(p, name=name) for p in parts], expand_composites=True)
    out = identity_op(input, name=name)
    handle = getattr(input, "_handle_data", None)
    if handle is not None:
        out._handle_data = handle
    return out


@export("identity_n")
def identity_n(input, name=None):  # noqa: A002
    """The inputs, as other tensors, all of them available at once."""
    return identity_n_op(input, name=name)


@export("stop_gradient")
@of_elements
def stop_gradient(input, name=None):  # noqa: A002
    """The input; gradients take it for a constant."""
    return stop_gradient_op(input, name=name)


@export("guarantee_const")
def guarantee_const(input, name=None):  # noqa: A002
    """The input, which the caller promises never to change."""
    return GuaranteeConst(input, name=name)


@op("Bitcast(input: T, *, T: numeric, type: numeric) -> output: type", moves=True)
def bitcast_op(xp, input, *, T, type):  # noqa: A002, N803
    """The same bytes read as another type; sizes that differ split or join the last axis."""
    have, want = T.array_dtype, type.array_dtype
    small, large = sorted((have.itemsize, want.itemsize))
    dims = tuple(input.shape)
    if have.itemsize < want.itemsize and (not dims or dims[-1] != large // small):
        raise InvalidArgumentError(f"Cannot bitcast from {T.name} to {type.name}: the last axis of shape {list(dims)} must be {large // small}")
    if xp is np:
        flat = np.asarray(input, order="C")
        if have.itemsize < want.itemsize:
            return flat.view(want).reshape(dims[:-1])
        if have.itemsize > want.itemsize:
            return flat.reshape(*dims, 1).view(want)
        return flat.view(want)
    from jax import lax

    if T.is_complex or type.is_complex:
        return _complex_bitcast(xp, lax, input, T, type)
    return lax.bitcast_convert_type(input, want)


def _complex_bitcast(xp: Any, lax: Any, x: Any, have: Any, want: Any) -> Any:
    """Complex numbers are pairs of floats; XLA only casts bits of the floats."""
    if have is want:
        return x
    if have.is_complex:
        parts = xp.stack([x.real, x.imag], -1)
        part = have.real_dtype.array_dtype
        if want.is_complex:
            return _join(xp, lax, lax.bitcast_convert_type(parts, want.real_dtype.array_dtype), want)
        if want.array_dtype.itemsize == have.array_dtype.itemsize:
            return lax.bitcast_convert_type(lax.bitcast_convert_type(parts, f"uint{part.itemsize * 8}"), want.array_dtype)
        out = lax.bitcast_convert_type(parts, want.array_dtype)
        return out.reshape(*x.shape, -1) if out.ndim > parts.ndim else out
    part = want.real_dtype.array_dtype
    if have.array_dtype.itemsize < part.itemsize:
        x = lax.bitcast_convert_type(x.reshape(*x.shape[:-1], 2, -1), part)
    else:
        x = lax.bitcast_convert_type(x, part)
    return lax.complex(x[..., 0], x[..., 1])


def _join(xp: Any, lax: Any, parts: Any, want: Any) -> Any:
    return lax.complex(parts[..., 0, :], parts[..., 1, :]) if parts.ndim > 1 else lax.complex(parts[0], parts[1])


@bitcast_op.shape
def _(input, *, T, type):  # noqa: A002, N803
    have, want = T.array_dtype.itemsize, type.array_dtype.itemsize
    if input.shape is None:
        return None
    if have > want:
        return (*input.shape, have // want)
    if have < want:
        if not input.shape or input.shape[-1] not in (None, want // have):
            raise ShapeError(f"Cannot bitcast from {T.name} to {type.name}: the last axis of shape {list(input.shape)} must be {want // have}")
        return input.shape[:-1]
    return input.shape


bitcast_op.no_grad()


@export("bitcast")
def bitcast(input, type, name=None):  # noqa: A002
    """The bytes of `input` read as another type.

    >>> hex(tf.bitcast(1.0, tf.uint32).numpy())
    '0x3f800000'
    """
    return bitcast_op(input, type=type, name=name)
