"""Fourier transforms over the last one, two or three axes, or any."""

import inspect
import sys
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir import door
from penstock.ir.known import known_dims, known_value
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ops.families import later

Mul, RealDiv, Cast, Complex, Real, Pad = (later(n) for n in ("Mul", "RealDiv", "Cast", "Complex", "Real", "Pad"))
_COMPLEX = "{complex64|complex128} = complex64"
_REAL = "{float32|float64} = float32"


def _at_least(input: Any, n: int) -> Any:  # noqa: A002
    if input.shape is not None and len(input.shape) < n:
        raise ShapeError(f"Input must have rank of at least {n} but got: {as_text(input.shape)}")
    return input.shape


def _check_rank(x: Any, n: int) -> None:
    if x.ndim < n:
        raise ShapeError(f"Input must have rank of at least {n} but got: {list(x.shape)}")


def _lengths(fft_length: Any, n: int) -> tuple[int, ...]:
    found = np.asarray(fft_length)
    if found.ndim != 1 or found.size != n:
        raise ShapeError(f"fft_length must have shape [{n}], got {list(found.shape)}")
    return tuple(int(v) for v in found)


# -- complex to complex ------------------------------------------------------------------------------------------------
def _plain(name: str, n: int, inverse: bool) -> Op:
    axes = tuple(range(-n, 0))

    def body(xp: Any, input: Any) -> Any:  # noqa: A002
        _check_rank(input, n)
        if 0 in input.shape:
            return input
        return (xp.fft.ifftn if inverse else xp.fft.fftn)(input, axes=axes)

    body.__name__ = body.__qualname__ = name
    body.__module__, body.__doc__ = (
        __name__,
        f"The {'inverse ' if inverse else ''}discrete Fourier transform over the last {n} axes.",
    )
    return op(
        f"{name}(input: Tcomplex, *, Tcomplex: {_COMPLEX}) -> output: Tcomplex", shape=lambda input: _at_least(input, n)
    )(body)


FFT, IFFT = _plain("FFT", 1, False), _plain("IFFT", 1, True)
FFT2D, IFFT2D = _plain("FFT2D", 2, False), _plain("IFFT2D", 2, True)
FFT3D, IFFT3D = _plain("FFT3D", 3, False), _plain("IFFT3D", 3, True)


def _size(x: Any, n: int, like: Any) -> Any:
    """The product of x's last n axes, in like's dtype."""
    dims = x._dims
    if dims is not None and None not in dims[-n:]:
        return door.convert(np.asarray(np.prod(dims[-n:], dtype=np.int64), like.dtype.array_dtype), like.dtype)
    last = later("StridedSlice")(later("Shape")(x), [-n], [0], [1], end_mask=1)
    return Cast(later("Prod")(last, [0]), DstT=like.dtype)


for _forward, _backward, _n in ((FFT, IFFT, 1), (FFT2D, IFFT2D, 2), (FFT3D, IFFT3D, 3)):
    _forward.grad_rule = lambda node, dy, b=_backward, n=_n: Mul(b(dy), _size(dy, n, dy))
    _backward.grad_rule = lambda node, dy, f=_forward, n=_n: RealDiv(f(dy), _size(dy, n, dy))


# -- real to complex and back --------------------------------------------------------------------------------------------
def _half(name: str, n: int, inverse: bool) -> Op:
    axes = tuple(range(-n, 0))

    def body(xp: Any, input: Any, fft_length: Any) -> Any:  # noqa: A002
        _check_rank(input, n)
        sizes = _lengths(fft_length, n)
        if 0 in sizes:
            return xp.zeros((*input.shape[:-n], *sizes[:-1], sizes[-1] if inverse else sizes[-1] // 2 + 1), input.dtype)
        return (xp.fft.irfftn if inverse else xp.fft.rfftn)(input, s=sizes, axes=axes)

    body.__name__ = body.__qualname__ = name
    body.__module__ = __name__
    body.__doc__ = f"The {'inverse ' if inverse else ''}discrete Fourier transform of real values over the last {n} axes, cropped or padded to fft_length."

    def shape(input: Any, fft_length: Any) -> Any:  # noqa: A002
        dims = _at_least(input, n)
        if dims is None:
            return None
        sizes = fft_length.dims if fft_length.shape is not None else None
        if sizes is None or len(sizes) != n:
            if sizes is not None and fft_length.value is not None:
                raise ShapeError(f"fft_length must have shape [{n}], got [{len(sizes)}]")
            return (*dims[:-n], *(None,) * n)
        last = sizes[-1] if inverse or sizes[-1] is None else sizes[-1] // 2 + 1
        return (*dims[:-n], *sizes[:-1], last)

    given, made = ("Tcomplex", "Treal") if inverse else ("Treal", "Tcomplex")
    return op(
        f"{name}(input: {given}, fft_length: int32, *, Tcomplex: {_COMPLEX}, Treal: {_REAL}) -> output: {made}",
        shape=shape,
        static=("fft_length",),
    )(body)


RFFT, IRFFT = _half("RFFT", 1, False), _half("IRFFT", 1, True)
RFFT2D, IRFFT2D = _half("RFFT2D", 2, False), _half("IRFFT2D", 2, True)
RFFT3D, IRFFT3D = _half("RFFT3D", 3, False), _half("IRFFT3D", 3, True)


def fit(x: Any, sizes: Any) -> Any:
    """x with its last axes cut or padded with zeros at the end to `sizes`."""
    dims = list(x._dims)
    n = len(sizes)
    if dims[-n:] == list(sizes):
        return x
    rank = len(dims)
    if None in dims[-n:] or None in sizes:
        raise ValueError(f"this transform's gradient needs the sizes of the last {n} axes to be known, got {x.shape}")
    if any(s < d for s, d in zip(sizes, dims[-n:])):
        lead = 2 ** (rank - n) - 1
        x = later("StridedSlice")(
            x,
            [0] * rank,
            [0] * (rank - n) + [min(s, d) for s, d in zip(sizes, dims[-n:])],
            [1] * rank,
            begin_mask=2**rank - 1,
            end_mask=lead,
        )
    extra = [max(0, s - d) for s, d in zip(sizes, dims[-n:])]
    if any(extra):
        x = Pad(x, np.array([[0, 0]] * (rank - n) + [[0, e] for e in extra], np.int32))
    return x


def _half_grads(forward: Op, backward: Op, inverse_plain: Op, n: int) -> None:
    def of_forward(node: Any, dy: Any) -> Any:
        x = node.inputs[0]
        sizes = _static_lengths(node.inputs[1], n)
        full = inverse_plain(fit(dy, sizes))
        real = Real(full, Tout=x.dtype)
        return fit(Mul(real, np.asarray(np.prod(sizes), x.dtype.array_dtype)), x._dims[-n:]), None

    def of_backward(node: Any, dy: Any) -> Any:
        x = node.inputs[0]
        sizes = _static_lengths(node.inputs[1], n)
        half = forward(dy, np.array(sizes, np.int32), Tcomplex=x.dtype)
        bins = sizes[-1] // 2 + 1
        weights = np.full(bins, 2.0 / np.prod(sizes))
        weights[0] /= 2
        if sizes[-1] % 2 == 0:
            weights[-1] /= 2
        return fit(Mul(half, weights.astype(x.dtype.array_dtype)), x._dims[-n:]), None

    forward.grad_rule, backward.grad_rule = of_forward, of_backward


def _static_lengths(fft_length: Any, n: int) -> tuple[int, ...]:
    value = known_value(fft_length)
    if value is None:
        raise ValueError("the gradient of this transform needs the value of fft_length to be known")
    return _lengths(value, n)


_half_grads(RFFT, IRFFT, IFFT, 1)
_half_grads(RFFT2D, IRFFT2D, IFFT2D, 2)
_half_grads(RFFT3D, IRFFT3D, IFFT3D, 3)


# -- any axes ------------------------------------------------------------------------------------------------------------
def _nd(name: str, function: str, doc: str) -> Op:
    real_in, real_out = name.startswith("RFFT"), name.startswith("IRFFT")

    def body(xp: Any, input: Any, fft_length: Any, axes: Any) -> Any:  # noqa: A002
        return getattr(xp.fft, function)(input, s=tuple(int(v) for v in fft_length), axes=tuple(int(a) for a in axes))

    body.__name__ = body.__qualname__ = name
    body.__module__, body.__doc__ = __name__, doc

    def shape(input: Any, fft_length: Any, axes: Any) -> Any:  # noqa: A002
        if input.shape is None or axes.value is None or fft_length.value is None:
            return None if input.shape is None else (None,) * len(input.shape)
        dims = list(input.shape)
        for a, n in zip(axes.value.tolist(), fft_length.value.tolist()):
            dims[a] = n
        if real_in and axes.value.size:
            dims[int(axes.value[-1])] = int(fft_length.value[-1]) // 2 + 1
        return tuple(dims)

    if real_in or real_out:
        given, made = ("Treal", "Tcomplex") if real_in else ("Tcomplex", "Treal")
        text = f"{name}(input: {given}, fft_length: int32, axes: int32, *, Tcomplex: {_COMPLEX}, Treal: {_REAL}) -> output: {made}"
    else:
        text = f"{name}(input: Tcomplex, fft_length: int32, axes: int32, *, Tcomplex: {_COMPLEX}) -> output: Tcomplex"
    return op(text, shape=shape, static=("fft_length", "axes"))(body)


FFTND = _nd("FFTND", "fftn", "The discrete Fourier transform over the given axes.")
IFFTND = _nd("IFFTND", "ifftn", "The inverse discrete Fourier transform over the given axes.")
RFFTND = _nd("RFFTND", "rfftn", "The discrete Fourier transform of real values over the given axes.")
IRFFTND = _nd("IRFFTND", "irfftn", "The inverse discrete Fourier transform of real values over the given axes.")


# -- public functions ------------------------------------------------------------------------------------------------
def _public_plain(made: Op, name: str) -> Any:
    old = (name,) if name[-2:] != "nd" else ()

    def call(input: Any, name: str | None = None) -> Any:  # noqa: A002
        x = door.convert(input)
        return made(
            x
            if x.dtype.is_complex
            else Cast(x, DstT=dtypes.complex128 if x.dtype is dtypes.float64 else dtypes.complex64),
            name=name,
        )

    call.__name__ = call.__qualname__ = name
    call.__doc__ = made.__doc__
    return export(f"signal.{name}", v1=(f"spectral.{name}", *old))(call)


fft, ifft = _public_plain(FFT, "fft"), _public_plain(IFFT, "ifft")
fft2d, ifft2d = _public_plain(FFT2D, "fft2d"), _public_plain(IFFT2D, "ifft2d")
fft3d, ifft3d = _public_plain(FFT3D, "fft3d"), _public_plain(IFFT3D, "ifft3d")


def _length_of(x: Any, n: int, inverse: bool) -> Any:
    """The fft_length that x's own size implies."""
    dims = x._dims
    if dims is not None and None not in dims[-n:]:
        sizes = list(dims[-n:])
        if inverse:
            sizes[-1] = max(0, 2 * (sizes[-1] - 1))
        return np.array(sizes, np.int32)
    last = later("StridedSlice")(later("Shape")(x), [-n], [0], [1], end_mask=1)
    if not inverse:
        return last
    scale, shift = np.ones(n, np.int32), np.zeros(n, np.int32)
    scale[-1], shift[-1] = 2, -2
    return later("Maximum")(later("AddV2")(Mul(last, scale), shift), 0)


def _public_half(made: Op, name: str, n: int, inverse: bool) -> Any:
    def call(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
        with scoped(name, label) as scope:
            x = door.convert(input_tensor, None if inverse else None)
            if inverse:
                if not x.dtype.is_complex:
                    x = Cast(x, DstT=dtypes.complex128 if x.dtype is dtypes.float64 else dtypes.complex64)
                kind = x.dtype.real_dtype
            else:
                if x.dtype not in (dtypes.float32, dtypes.float64):
                    raise ValueError(f"RFFT requires tf.float32 or tf.float64 inputs, got: {input_tensor}")
                kind = dtypes.complex64 if x.dtype is dtypes.float32 else dtypes.complex128
            length = (
                _length_of(x, n, inverse)
                if fft_length is None
                else door.convert(fft_length, dtypes.int32, "fft_length")
            )
            if fft_length is None:
                length = door.convert(length, dtypes.int32, "fft_length") if isinstance(length, np.ndarray) else length
            return made(x, length, name=scope or None, **({"Treal": kind} if inverse else {"Tcomplex": kind}))

    label = name
    call.__name__ = call.__qualname__ = name
    call.__doc__ = made.__doc__
    return export(f"signal.{name}", v1=(f"spectral.{name}",))(call)


rfft, irfft = _public_half(RFFT, "rfft", 1, False), _public_half(IRFFT, "irfft", 1, True)
rfft2d, irfft2d = _public_half(RFFT2D, "rfft2d", 2, False), _public_half(IRFFT2D, "irfft2d", 2, True)
rfft3d, irfft3d = _public_half(RFFT3D, "rfft3d", 3, False), _public_half(IRFFT3D, "irfft3d", 3, True)


def _public_nd(made: Op, name: str, real_in: bool, real_out: bool, inverse: bool) -> Any:
    def call(
        input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: Any = None, name: str | None = None
    ) -> Any:
        if norm not in (None, "backward", "ortho", "forward"):
            raise ValueError(f"Unknown normalization. Expected None, 'backward', 'forward' or 'ortho', got: {norm}")
        with scoped(name, label):
            x = door.convert(input_tensor)
            if not real_in and not x.dtype.is_complex:
                x = Cast(x, DstT=dtypes.complex128 if x.dtype is dtypes.float64 else dtypes.complex64)
            rank = x.shape.rank
            if rank is None:
                raise ValueError("the rank of input_tensor must be known")
            picked = (
                list(range(rank))
                if axes is None and fft_length is None
                else list(range(rank - len(fft_length), rank))
                if axes is None
                else [int(a) % rank for a in axes]
            )
            if fft_length is None:
                sizes = known_dims(later("GatherV2")(later("Shape")(x), np.array(picked, np.int32), 0))
                if sizes is None or None in sizes:
                    raise ValueError("fft_length must be given where the sizes of the axes are not known")
                sizes = list(sizes)
                if real_out and sizes:
                    sizes[-1] = max(0, 2 * (sizes[-1] - 1))
            else:
                sizes = [int(s) for s in np.asarray(fft_length)]
            attrs = {}
            if real_in:
                attrs = {"Tcomplex": dtypes.complex64 if x.dtype is dtypes.float32 else dtypes.complex128}
            elif real_out:
                attrs = {"Treal": x.dtype.real_dtype}
            out = made(x, np.array(sizes, np.int32), np.array(picked, np.int32), **attrs)
            total = float(np.prod(sizes))
            scale = {"ortho": total**0.5 if inverse else total**-0.5, "forward": total if inverse else 1 / total}.get(
                norm
            )
            return out if scale is None else Mul(out, np.asarray(scale, out.dtype.array_dtype))

    label = name
    call.__name__ = call.__qualname__ = name
    call.__doc__ = made.__doc__
    export(f"signal.{name}")(call)
    kind = ", Tcomplex=None" if real_in else ", Treal=None" if real_out else ""

    def generated(input: Any, fft_length: Any, axes: Any, *more: Any, name: str | None = None, **types: Any) -> Any:  # noqa: A002
        if more and more[-1] is not None and isinstance(more[-1], str):
            name = more[-1]
        return call(input, fft_length, axes, None, name)

    generated.__signature__ = inspect.signature(eval(f"lambda input, fft_length, axes{kind}, name=None: None"))  # type: ignore[attr-defined]  # noqa: S307 - our own text
    generated.__name__ = generated.__qualname__ = f"{label}_op"
    generated.__doc__ = made.__doc__
    setattr(sys.modules[__name__], generated.__name__, export(label)(generated))
    return call


fftnd, ifftnd = _public_nd(FFTND, "fftnd", False, False, False), _public_nd(IFFTND, "ifftnd", False, False, True)
rfftnd, irfftnd = _public_nd(RFFTND, "rfftnd", True, False, False), _public_nd(IRFFTND, "irfftnd", False, True, True)


def _nd_grad(other: Op, real_in: bool, real_out: bool, inverse: bool) -> Any:
    def rule(node: Any, dy: Any) -> Any:
        x, axes = node.inputs[0], [int(a) % len(node.inputs[0]._dims) for a in known_value(node.inputs[2])]
        sizes = [int(s) for s in known_value(node.inputs[1])]
        if [x._dims[a] for a in axes] != ([*sizes[:-1], sizes[-1] // 2 + 1] if real_out else sizes):
            raise InvalidArgumentError("the gradient over several axes needs fft_length to be the sizes of the axes")
        total = float(np.prod(sizes))
        at = (np.array(sizes, np.int32), np.array(axes, np.int32))
        if real_in:
            rank, last = len(dy._dims), axes[-1]
            pads = np.zeros((rank, 2), np.int32)
            pads[last, 1] = sizes[-1] - dy._dims[last]
            full = Real(IFFTND(Pad(dy, pads), *at), Tout=x.dtype)
            return Mul(full, np.asarray(total, x.dtype.array_dtype)), None, None
        if real_out:
            half = RFFTND(dy, *at, Tcomplex=x.dtype)
            weights = np.full(sizes[-1] // 2 + 1, 2.0 / total)
            weights[0] /= 2
            if sizes[-1] % 2 == 0:
                weights[-1] /= 2
            shape = [1] * len(x._dims)
            shape[axes[-1]] = len(weights)
            return Mul(half, weights.reshape(shape).astype(x.dtype.array_dtype)), None, None
        return Mul(other(dy, *at), np.asarray(1 / total if inverse else total, x.dtype.array_dtype)), None, None

    return rule


FFTND.grad(_nd_grad(IFFTND, False, False, False))
IFFTND.grad(_nd_grad(FFTND, False, False, True))
RFFTND.grad(_nd_grad(IFFTND, True, False, False))
IRFFTND.grad(_nd_grad(RFFTND, False, True, True))


@export("signal.fftshift")
def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """The zero frequency moved to the middle of `axes` (all by default)."""
    return _shift(x, axes, name, "fftshift", lambda n: n // 2)


@export("signal.ifftshift")
def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """`fftshift` undone."""
    return _shift(x, axes, name, "ifftshift", lambda n: -(n // 2))


def _shift(x: Any, axes: Any, name: str | None, label: str, by: Any) -> Any:
    with scoped(name, label):
        x = door.convert(x)
        rank = x.shape.rank
        picked = list(range(rank)) if axes is None else [int(a) for a in np.atleast_1d(axes)]
        dims = [x._dims[a] for a in picked]
        if None not in dims:
            amount: Any = np.array([by(d) for d in dims], np.int32)
        else:
            sizes = later("GatherV2")(later("Shape")(x), np.array([a % rank for a in picked], np.int32), 0)
            half = later("FloorDiv")(sizes, 2)
            amount = half if by(4) > 0 else later("Neg")(half)
        return later("Roll")(x, amount, np.array(picked, np.int32))
