"""Signals: frames, windows, short-time Fourier, cosine transforms, mel scales."""

import math
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.fft import fit, irfft, rfft

Mul, AddV2, Sub, Neg, RealDiv, Cast, Reshape, GatherV2, ConcatV2, Pad = (
    later(n) for n in ("Mul", "AddV2", "Sub", "Neg", "RealDiv", "Cast", "Reshape", "GatherV2", "ConcatV2", "Pad")
)
Sin, Cos, Sqrt, Square, Shape = (later(n) for n in ("Sin", "Cos", "Sqrt", "Square", "Shape"))


def _known(value: Any, name: str) -> int:
    """An integer argument, which may be a tensor of a known value."""
    from penstock.ir.known import known_value

    found = value if isinstance(value, (int, np.integer)) else known_value(door.convert(value, dtypes.int32))
    if found is None:
        raise ValueError(f"{name} must have a known value")
    return int(found)


def _take(x: Any, begin: int, end: int) -> Any:
    """x[..., begin:end]."""
    return x[..., begin:end]


def _tail(x: Any, keep: int, tail: list[int]) -> Any:
    """x with its last axes reshaped: the first `keep` axes stay."""
    dims = x._dims[:keep]
    if list(dims).count(None) <= 1:
        return Reshape(x, np.array([-1 if d is None else d for d in dims] + tail, np.int32))
    lead = later("StridedSlice")(Shape(x), [0], [keep], [1])
    return Reshape(x, ConcatV2([lead, np.array(tail, np.int32)], 0))


# -- frames ------------------------------------------------------------------------------------------------------------
@export("signal.frame")
def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Any:
    """Overlapping frames of a signal: [..., n, ...] -> [..., frames, frame_length, ...].

    >>> tf.signal.frame([1, 2, 3, 4], 2, 1).numpy().tolist()
    [[1, 2], [2, 3], [3, 4]]
    """
    with scoped(name, "frame"):
        signal = door.convert(signal, None, "signal")
        length, step = _known(frame_length, "frame_length"), _known(frame_step, "frame_step")
        rank = signal.shape.rank
        if rank is None:
            raise ValueError("frame needs the rank of the signal to be known")
        at = _known(axis, "axis") % rank
        n = signal._dims[at]
        if n is None:
            size = GatherV2(Shape(signal), np.int32(at), 0)
            zero = np.int32(0)
            if pad_end:
                count = Neg(later("FloorDiv")(Neg(size), np.int32(step)))
                missing = later("Maximum")(
                    zero, Sub(AddV2(np.int32(length), Mul(np.int32(step), Sub(count, np.int32(1)))), size)
                )
                pads = [np.zeros((1, 2), np.int32)] * rank
                pads[at] = later("ExpandDims")(later("Pack")([zero, missing]), 0)
                signal = later("PadV2")(signal, ConcatV2(pads, 0), np.asarray(pad_value, signal.dtype.array_dtype))
            else:
                count = later("Maximum")(
                    zero, AddV2(np.int32(1), later("FloorDiv")(Sub(size, np.int32(length)), np.int32(step)))
                )
            starts = Mul(later("Range")(zero, count, np.int32(1)), np.int32(step))
            picked: Any = AddV2(later("ExpandDims")(starts, 1), np.arange(length, dtype=np.int32)[None])
        else:
            if pad_end:
                count = -(-n // step)
                missing = max(0, length + step * (count - 1) - n)
                if missing:
                    pads = np.zeros((rank, 2), np.int32)
                    pads[at, 1] = missing
                    signal = later("PadV2")(signal, pads, np.asarray(pad_value, signal.dtype.array_dtype))
            else:
                count = max(0, 1 + (n - length) // step)
            picked = (np.arange(count)[:, None] * step + np.arange(length)).astype(np.int32)
        return GatherV2(signal, picked, at)


@export("signal.overlap_and_add")
def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Any:
    """Frames [..., frames, length] added up, each `frame_step` after the one before: [..., length + step * (frames - 1)].

    >>> tf.signal.overlap_and_add([[1, 2], [3, 4]], 1).numpy().tolist()
    [1, 5, 4]
    """
    with scoped(name, "overlap_and_add"):
        signal = door.convert(signal, None, "signal")
        rank = signal.shape.rank
        if rank is None or rank < 2:
            raise ValueError(f"signal must have rank 2 or more, got shape {signal.shape}")
        frame_step = door.convert(frame_step, None, "frame_step")
        if not frame_step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {frame_step.dtype}")
        step = _known(frame_step, "frame_step")
        frames, length = signal._dims[-2:]
        if frames is None or length is None:
            raise ValueError("overlap_and_add needs the sizes of the last two axes to be known")
        segments = -(-length // step)
        lead = rank - 2
        pads = np.zeros((rank, 2), np.int32)
        pads[-1, 1] = segments * step - length
        x = Pad(signal, pads) if pads.any() else signal
        x = _tail(x, lead, [frames, segments, step])
        x = later("Transpose")(x, np.array([*range(lead), lead + 1, lead, lead + 2], np.int32))
        pads = np.zeros((rank + 1, 2), np.int32)
        pads[-2, 1] = segments
        x = _tail(Pad(x, pads), lead, [segments * (frames + segments) * step])
        x = _tail(_take(x, 0, segments * (frames + segments - 1) * step), lead, [segments, frames + segments - 1, step])
        x = _tail(later("Sum")(x, [-3]), lead, [(frames + segments - 1) * step])
        return _take(x, 0, length + step * (frames - 1))


# -- windows -----------------------------------------------------------------------------------------------------------
def _window(window_length: Any, dtype: Any, name: str | None, label: str, compute: Any) -> Any:
    """A window computed in NumPy where its length is known, which it nearly always is."""
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {kind}")
    with scoped(name, label):
        n = _known(window_length, "window_length")
        values = np.ones(n) if n == 1 else compute(n)
        return door.convert(np.asarray(values, np.float64).astype(kind.array_dtype), kind)


def _raised_cosine(n: int, periodic: bool, a: float, b: float) -> Any:
    top = n + (1 if periodic and n % 2 == 0 else 0) - 1
    return a - b * np.cos(2 * np.pi * np.arange(n) / top)


@export("signal.hann_window")
def hann_window(window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """The Hann window.

    >>> tf.signal.hann_window(4).numpy().tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return _window(window_length, dtype, name, "hann_window", lambda n: _raised_cosine(n, bool(periodic), 0.5, 0.5))


@export("signal.hamming_window")
def hamming_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """The Hamming window."""
    return _window(
        window_length, dtype, name, "hamming_window", lambda n: _raised_cosine(n, bool(periodic), 0.54, 0.46)
    )


def _kaiser(n: int, beta: float) -> Any:
    if n == 1:
        return np.ones(1)
    half = (n - 1) / 2
    return np.i0(beta * np.sqrt(np.maximum(0, 1 - ((np.arange(n) - half) / half) ** 2))) / np.i0(beta)


@export("signal.kaiser_window")
def kaiser_window(window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """The Kaiser window."""
    return _window(window_length, dtype, name, "kaiser_window", lambda n: _kaiser(n, float(beta)))


@export("signal.kaiser_bessel_derived_window")
def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """The Kaiser-Bessel derived window, whose squares of overlapping halves add up to 1."""

    def compute(n: int) -> Any:
        sums = np.cumsum(_kaiser(n // 2 + 1, float(beta)))
        half = np.sqrt(sums[:-1] / sums[-1])
        return np.concatenate([half, half[::-1]])

    return _window(window_length, dtype, name, "kaiser_bessel_derived_window", compute)


@export("signal.vorbis_window")
def vorbis_window(window_length: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """The window of the Vorbis codec, whose squares of overlapping halves add up to 1."""
    return _window(
        window_length,
        dtype,
        name,
        "vorbis_window",
        lambda n: np.sin(np.pi / 2 * np.sin(np.pi / n * (np.arange(n) + 0.5)) ** 2),
    )


# -- short-time Fourier ------------------------------------------------------------------------------------------------
def _power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


@export("signal.stft")
def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Any = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """The Fourier transforms of windowed frames: [..., samples] -> [..., frames, fft_length // 2 + 1]."""
    with scoped(name, "stft"):
        signals = door.convert(signals, None, "signals")
        length = _known(frame_length, "frame_length")
        size = _power_of_two(length) if fft_length is None else _known(fft_length, "fft_length")
        frames = frame(signals, length, frame_step, pad_end=pad_end)
        if window_fn is not None:
            frames = Mul(frames, window_fn(length, dtype=frames.dtype))
        return rfft(frames, [size])


@export("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(frame_step: Any, forward_window_fn: Any = hann_window, name: str | None = None) -> Any:
    """The window function that makes `inverse_stft` undo a `stft` with `forward_window_fn`."""

    def inverse_stft_window_fn_inner(frame_length: Any, dtype: Any) -> Any:
        with scoped(name, "inverse_stft_window_fn"):
            step, length = _known(frame_step, "frame_step"), _known(frame_length, "frame_length")
            forward = forward_window_fn(length, dtype=dtype)
            overlaps = -(-length // step)
            squares = fit(Square(forward), [overlaps * step])
            total = later("Sum")(Reshape(squares, [overlaps, step]), [0], keep_dims=True)
            norm = Reshape(later("Tile")(total, [overlaps, 1]), [overlaps * step])
            return RealDiv(forward, _take(norm, 0, length))

    return inverse_stft_window_fn_inner


@export("signal.inverse_stft")
def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Any = hann_window,
    name: str | None = None,
) -> Any:
    """The signals [..., samples] of windowed Fourier transforms [..., frames, fft_length // 2 + 1]."""
    with scoped(name, "inverse_stft"):
        stfts = door.convert(stfts, None, "stfts")
        length = _known(frame_length, "frame_length")
        size = _power_of_two(length) if fft_length is None else _known(fft_length, "fft_length")
        frames = fit(irfft(stfts, [size]), [length])
        if window_fn is not None:
            frames = Mul(frames, window_fn(length, dtype=stfts.dtype.real_dtype))
        return overlap_and_add(frames, frame_step)


# -- cosine transforms -------------------------------------------------------------------------------------------------
def _check_dct(kind: Any, n: Any, axis: Any, norm: Any, dtype: Any) -> None:
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError(f"n should be a positive integer or None. Got: {n}")
    if kind not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    if kind == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


def _dct(x: Any, kind: int, n: Any, norm: Any) -> Any:
    if n is not None:
        x = fit(x, [_known(n, "n")])
    size = x._dims[-1] if x._dims is not None else None
    if size is None:
        raise ValueError("the cosine transform needs the size of the last axis to be known: give n")
    if kind == 1 and size < 2:
        raise ValueError("Type-I DCT requires dimension greater than one.")
    real = x.dtype
    constant = lambda v: np.asarray(v, real.array_dtype)
    part = lambda v: later("Real")(v, Tout=real)
    turn = lambda sign: (2 * np.exp(sign * 1j * np.arange(size) * np.pi * 0.5 / size)).astype(
        np.complex64 if real is dtypes.float32 else np.complex128
    )
    if kind == 1:
        middle = later("ReverseV2")(x[..., 1:-1], [-1])
        return part(rfft(ConcatV2([x, middle], -1)))
    if kind == 2:
        out = part(Mul(_take(rfft(x, [2 * size]), 0, size), turn(-1)))
        if norm == "ortho":
            first = 0.5 / math.sqrt(size)
            out = Mul(out, constant([first] + [first * math.sqrt(2)] * (size - 1)))
        return out
    if kind == 3:
        if norm == "ortho":
            first = math.sqrt(size)
            x = Mul(x, constant([first] + [first * math.sqrt(0.5)] * (size - 1)))
        else:
            x = Mul(x, constant(size))
        spread = Mul(
            later("Complex")(x, constant(0), Tout=dtypes.complex64 if real is dtypes.float32 else dtypes.complex128),
            turn(1),
        )
        return _take(irfft(spread, [2 * size]), 0, size)
    doubled = _dct(x, 2, 2 * size, None)
    out = doubled[..., 1::2]
    return Mul(out, constant(math.sqrt(0.5 / size))) if norm == "ortho" else out


@export("signal.dct", v1=("spectral.dct",))
def dct(input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None, name: str | None = None) -> Any:  # noqa: A002
    """The discrete cosine transform of type 1 to 4 along the last axis, cut or padded to `n`."""
    _check_dct(type, n, axis, norm, None)
    with scoped(name, "dct"):
        x = door.convert(input)
        if x.dtype not in (dtypes.float32, dtypes.float64):
            x = door.convert(input, dtypes.float32) if not hasattr(input, "_dims") else x
        return _dct(x, type, n, norm)


@export("signal.idct", v1=("spectral.idct",))
def idct(input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None, name: str | None = None) -> Any:  # noqa: A002
    """The inverse (up to scale, without norm="ortho") of `dct` of the same type."""
    _check_dct(type, n, axis, norm, None)
    with scoped(name, "idct"):
        return _dct(door.convert(input), {1: 1, 2: 3, 3: 2, 4: 4}[type], n, norm)


def _quarter(x: Any, k: int, size: int) -> Any:
    return _take(x, k * size, (k + 1) * size)


@export("signal.mdct")
def mdct(
    signals: Any,
    frame_length: Any,
    window_fn: Any = vorbis_window,
    pad_end: bool = False,
    norm: Any = None,
    name: str | None = None,
) -> Any:
    """The modified discrete cosine transform: [..., samples] -> [..., frames, frame_length // 2]."""
    with scoped(name, "mdct"):
        signals = door.convert(signals, None, "signals")
        length = _known(frame_length, "frame_length")
        if length % 4:
            raise ValueError("The frame length must be a multiple of 4.")
        frames = frame(signals, length, length // 2, pad_end=pad_end)
        kind = frames.dtype.array_dtype
        frames = Mul(
            frames,
            window_fn(length, dtype=frames.dtype) if window_fn is not None else np.asarray(1 / math.sqrt(2), kind),
        )
        a, b, c, d = (_quarter(frames, k, length // 4) for k in range(4))
        back = lambda v: later("ReverseV2")(v, [-1])
        folded = ConcatV2([Sub(Neg(back(c)), d), Sub(a, back(b))], -1)
        return dct(folded, type=4, norm=norm)


@export("signal.inverse_mdct")
def inverse_mdct(mdcts: Any, window_fn: Any = vorbis_window, norm: Any = None, name: str | None = None) -> Any:
    """The signals of modified discrete cosine transforms."""
    with scoped(name, "inverse_mdct"):
        mdcts = door.convert(mdcts, None, "mdcts")
        half = mdcts._dims[-1]
        kind = mdcts.dtype.array_dtype
        out = idct(mdcts, type=4, norm=norm)
        if norm is None:
            out = Mul(out, np.asarray(0.5 / half, kind))
        first, second = _take(out, 0, half // 2), _take(out, half // 2, half)
        back = lambda v: later("ReverseV2")(v, [-1])
        frames = ConcatV2([second, Neg(back(second)), Neg(back(first)), Neg(first)], -1)
        frames = Mul(
            frames,
            window_fn(2 * half, dtype=mdcts.dtype) if window_fn is not None else np.asarray(1 / math.sqrt(2), kind),
        )
        return overlap_and_add(frames, half)


# -- mel scale ---------------------------------------------------------------------------------------------------------
@export("signal.linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """The matrix [num_spectrogram_bins, num_mel_bins] that turns linear frequency bins into triangular mel bands."""
    rate = float(_known(sample_rate, "sample_rate")) if not isinstance(sample_rate, float) else sample_rate
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if lower_edge_hertz < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower_edge_hertz}")
    if lower_edge_hertz >= upper_edge_hertz:
        raise ValueError(f"lower_edge_hertz {lower_edge_hertz:.1f} >= upper_edge_hertz {upper_edge_hertz:.1f}")
    if rate <= 0.0:
        raise ValueError(f"sample_rate must be positive. Got: {rate}")
    if upper_edge_hertz > rate / 2:
        raise ValueError(
            f"upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got {upper_edge_hertz} for sample_rate: {rate}"
        )
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {kind}")
    with scoped(name, "linear_to_mel_weight_matrix"):
        mel = lambda hertz: 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)
        bins = mel(np.linspace(0.0, rate / 2, num_spectrogram_bins)[1:])[:, None]
        edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)
        low, center, high = edges[:-2], edges[1:-1], edges[2:]
        weights = np.maximum(0.0, np.minimum((bins - low) / (center - low), (high - bins) / (high - center)))
        return door.convert(np.pad(weights, [[1, 0], [0, 0]]).astype(kind.array_dtype), kind)


@export("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Any:
    """Mel-frequency cepstral coefficients of log-magnitude mel spectrograms [..., bins]."""
    with scoped(name, "mfccs_from_log_mel_spectrograms"):
        x = door.convert(log_mel_spectrograms)
        size = x._dims[-1] if x._dims is not None else None
        if size == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {x}")
        return Mul(dct(x, type=2), np.asarray(1 / math.sqrt(2 * size), x.dtype.array_dtype))
