"""What speech models are fed with: spectrograms of samples, and the cepstral coefficients of spectrograms."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import as_text
from penstock.ir.op import op


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _fft_length(window: int) -> int:
    return 1 << max(window - 1, 0).bit_length()


@op("AudioSpectrogram(input: float32, *, magnitude_squared: bool = False, stride: int, window_size: int) -> spectrogram: float32", where="host")
def AUDIO_SPECTROGRAM(xp, input, *, magnitude_squared, stride, window_size):  # noqa: A002
    """[channels, frames, bins]: the magnitudes of the Fourier transform of each Hann window of the samples [samples, channels]."""
    _check(input.shape, stride, window_size)
    frames = 0 if len(input) < window_size else 1 + (len(input) - window_size) // stride
    bins = _fft_length(window_size) // 2 + 1
    if not frames or not input.shape[1]:
        return np.zeros((input.shape[1], frames, bins), np.float32)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window_size) / window_size)
    at = np.arange(frames)[:, None] * stride + np.arange(window_size)
    spectrum = np.fft.rfft(np.moveaxis(input, 0, 1)[:, at].astype(np.float64) * hann, _fft_length(window_size))
    squared = spectrum.real**2 + spectrum.imag**2
    return (squared if magnitude_squared else np.sqrt(squared)).astype(np.float32)


def _check(shape: Any, stride: int, window_size: int) -> None:
    if len(shape) != 2:
        raise _bad(f"input must be 2-dimensional {as_text(shape)}")
    if window_size < 2:
        raise _bad("window size too short, must be >= 2")
    if stride < 1:
        raise _bad("stride must be strictly positive")
    if window_size > 1 << 28:
        raise _bad(f"window size {window_size} is too long")


@AUDIO_SPECTROGRAM.shape
def _(input: Any, *, stride: int, window_size: int) -> Any:  # noqa: A002
    if window_size < 2 or stride < 1:
        raise ShapeError("window size too short, must be >= 2" if window_size < 2 else "stride must be strictly positive")
    if input.shape is None:
        return None, None, _fft_length(window_size) // 2 + 1
    if len(input.shape) != 2:
        raise ShapeError(f"Shape must be rank 2 but is rank {len(input.shape)}: {input.name} holds [samples, channels]")
    n = input.shape[0]
    frames = None if n is None else 0 if n < window_size else 1 + (n - window_size) // stride
    return input.shape[1], frames, _fft_length(window_size) // 2 + 1


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def mel_bands(bins: int, rate: float, lower: float, upper: float, count: int) -> np.ndarray:
    """[bins, count]: how much of each bin of a spectrogram goes to each of `count` overlapping triangles, evenly spaced in mel."""
    if count < 1:
        raise _bad("filterbank_channel_count must be positive")
    if rate <= 0:
        raise _bad("sample_rate must be positive")
    if bins < 2:
        raise _bad("spectrogram must have at least two bins")
    if lower < 0:
        raise _bad("lower_frequency_limit must be nonnegative")
    if upper <= lower:
        raise _bad("upper_frequency_limit must be greater than lower_frequency_limit")
    low, high = float(_mel(lower)), float(_mel(upper))
    centers = low + (high - low) / (count + 1) * np.arange(1, count + 2)
    per_bin = 0.5 * rate / (bins - 1)
    start, end = int(1.5 + lower / per_bin), int(upper / per_bin)
    weights = np.zeros((bins, count))
    for i in range(start, min(end, bins - 1) + 1):
        here = float(_mel(i * per_bin))
        band = int(np.searchsorted(centers[:count], here)) - 1
        share = (centers[band + 1] - here) / (centers[band + 1] - centers[band]) if band >= 0 else (centers[0] - here) / (centers[0] - low)
        if band >= 0:
            weights[i, band] += share
        if band + 1 < count:
            weights[i, band + 1] += 1 - share
    return weights


@op("Mfcc(spectrogram: float32, sample_rate: int32, *, dct_coefficient_count: int = 13, filterbank_channel_count: int = 40, lower_frequency_limit: float = 20.0, "
    "upper_frequency_limit: float = 4000.0) -> output: float32", where="host")  # fmt: skip
def MFCC(xp, spectrogram, sample_rate, *, dct_coefficient_count, filterbank_channel_count, lower_frequency_limit, upper_frequency_limit):
    """[channels, frames, coefficients]: the cosine transform of the logarithm of the mel bands of a squared spectrogram."""
    if spectrogram.ndim != 3:
        raise _bad(f"spectrogram must be 3-dimensional {as_text(spectrogram.shape)}")
    if sample_rate.size != 1:
        raise _bad(f"Input sample_rate should have exactly one value, got shape {as_text(sample_rate.shape)}")
    if max(dct_coefficient_count, filterbank_channel_count) > 1 << 16:
        raise _bad("more coefficients or channels than a spectrogram can have")
    if dct_coefficient_count < 1 or dct_coefficient_count > filterbank_channel_count:
        raise _bad(f"dct_coefficient_count {dct_coefficient_count} must be at least 1 and at most the {filterbank_channel_count} filterbank channels")
    n = filterbank_channel_count
    weights = mel_bands(spectrogram.shape[2], float(sample_rate.reshape(())), lower_frequency_limit, upper_frequency_limit, n)
    bands = np.sqrt(spectrogram.astype(np.float64)) @ weights
    logs = np.log(np.maximum(bands, 1e-12))
    cosines = np.sqrt(2.0 / n) * np.cos(np.pi / n * np.arange(dct_coefficient_count)[:, None] * (np.arange(n) + 0.5))
    return (logs @ cosines.T).astype(np.float32)


@MFCC.shape
def _(spectrogram: Any, sample_rate: Any, *, dct_coefficient_count: int) -> Any:
    if spectrogram.shape is None:
        return None, None, dct_coefficient_count
    if len(spectrogram.shape) != 3:
        raise ShapeError(f"Shape must be rank 3 but is rank {len(spectrogram.shape)}: {spectrogram.name} holds [channels, frames, bins]")
    return *spectrogram.shape[:2], dct_coefficient_count


for _one in (AUDIO_SPECTROGRAM, MFCC):
    _one.no_grad()
