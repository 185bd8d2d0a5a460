"""`tf.audio`: WAV files of 16-bit samples."""

import struct
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.ir.op import op


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _scalar(x: Any, what: str) -> None:
    if x.ndim:
        raise _bad(f"{what} must be scalar, got shape {list(x.shape)}")


def _read(data: bytes) -> tuple[int, np.ndarray]:
    """(sample rate, [samples, channels] of int16) of a WAV file."""
    if len(data) < 44 and not data[:4] == b"RIFF" or len(data) < 12:
        raise _bad("Data too short when trying to read string")
    if data[:4] != b"RIFF":
        raise _bad(f"Header mismatch: Expected RIFF but found {data[:4].decode('latin-1')}")
    if data[8:12] != b"WAVE":
        raise _bad(f"Header mismatch: Expected WAVE but found {data[8:12].decode('latin-1')}")
    at, found = 12, None
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        at += 8
        if kind == b"fmt ":
            if size < 16 or at + 16 > len(data):
                raise _bad(f"Bad chunk size for WAV: Expected 16 or 18, but got {size}")
            code, channels, rate, per_second, per_sample, bits = struct.unpack("<HHIIHH", data[at : at + 16])
            if code != 1 and code != 0xFFFE:
                raise _bad(f"Bad audio format for WAV: Expected 1 (PCM), but got {code}")
            if bits != 16:
                raise _bad(f"Can only read 16-bit WAV files, but received {bits}")
            if channels == 0 or per_sample != channels * 2:
                raise _bad(f"Bad bytes per sample in WAV header: Expected {channels * 2} but got {per_sample}")
            if per_second != rate * per_sample:
                raise _bad(f"Bad bytes per second in WAV header: Expected {rate * per_sample} but got {per_second}")
            found = channels, rate
        elif kind == b"data":
            if found is None:
                raise _bad("Unexpected format in WAV header: no fmt chunk before the data chunk")
            if at + size > len(data):
                raise _bad("Data too short when trying to read string")
            channels, rate = found
            count = size // (2 * channels)
            return rate, np.frombuffer(data, "<i2", count * channels, at).reshape(count, channels)
        at += size + size % 2
    raise _bad("Data too short when trying to read string")


@op("DecodeWav(contents: string, *, desired_channels: int = -1, desired_samples: int = -1) -> (audio: float32, sample_rate: int32)", where="host")
def DECODE_WAV(xp, contents, *, desired_channels, desired_samples):
    """[samples, channels] in [-1, 1) and the sample rate of a 16-bit PCM WAV file."""
    _scalar(contents, "contents")
    rate, samples = _read(contents.item() if contents.dtype == object else contents[()])
    audio = samples.astype(np.float32) / np.float32(32768)
    if desired_channels >= 0 and desired_channels != audio.shape[1]:
        wider = np.zeros((audio.shape[0], desired_channels), np.float32)
        for i in range(desired_channels):
            wider[:, i] = audio[:, min(i, audio.shape[1] - 1)]
        audio = wider
    if desired_samples >= 0:
        audio = np.concatenate([audio[:desired_samples], np.zeros((max(0, desired_samples - len(audio)), audio.shape[1]), np.float32)])
    return audio, np.int32(rate)


@DECODE_WAV.shape
def _(contents: Any, *, desired_channels: int, desired_samples: int) -> Any:
    return (desired_samples if desired_samples >= 0 else None, desired_channels if desired_channels >= 0 else None), ()


DECODE_WAV.no_grad()


@op("EncodeWav(audio: float32, sample_rate: int32) -> contents: string", where="host")
def ENCODE_WAV(xp, audio, sample_rate):
    """A 16-bit PCM WAV file of [samples, channels]; what leaves [-1, 1] is clipped."""
    if audio.ndim != 2:
        raise _bad(f"audio must be 2-dimensional{list(audio.shape)}")
    if sample_rate.ndim:
        raise _bad(f"Input sample_rate should be a scalar tensor, got {list(sample_rate.shape)} instead.")
    rate = int(sample_rate)
    if rate <= 0:
        raise _bad(f"sample_rate must be positive, got {rate}")
    channels = audio.shape[1]
    clipped = np.clip(np.round(np.asarray(audio, np.float32) * np.float32(32768)), -32768, 32767)
    body = clipped.astype("<i2").tobytes()
    head = b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    out = np.empty((), object)
    out[()] = head + b"data" + struct.pack("<I", len(body)) + body
    return out


@ENCODE_WAV.shape
def _(audio: Any, sample_rate: Any) -> Any:
    if audio.shape is not None and len(audio.shape) != 2:
        raise ShapeError(f"audio must be 2-dimensional, got shape {list(audio.shape)}")
    return ()


ENCODE_WAV.no_grad()


@export("audio.decode_wav")
def decode_wav(contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None) -> Any:
    """The samples (in [-1, 1)) and the sample rate of a 16-bit WAV file.

    >>> tf.audio.decode_wav(tf.audio.encode_wav([[0.5]], 8000)).sample_rate.numpy()
    np.int32(8000)
    """
    return DECODE_WAV(contents, desired_channels=desired_channels, desired_samples=desired_samples, name=name)


@export("audio.encode_wav")
def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Any:
    """A 16-bit WAV file of [samples, channels]."""
    return ENCODE_WAV(audio, sample_rate, name=name)
