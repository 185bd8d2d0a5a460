"""Rows of the Fourier transforms."""

import numpy as np

from tests.ops.harness import Row, c, f

at = lambda *n: np.array(n, np.int32)
_complex = {"dtypes": ("complex128",), "tol": 1e-4}
_real = {"dtypes": (), "tol": 1e-4}
ROWS = []
for _n in (1, 2, 3):
    _suffix, _axes = "" if _n == 1 else f"{_n}D", tuple(range(-_n, 0))
    ROWS += [
        Row(f"FFT{_suffix}", (c(2, 3, 4),), ref=lambda x, a=_axes: np.fft.fftn(x, axes=a), **_complex),
        Row(f"IFFT{_suffix}", (c(3, 2, 5),), ref=lambda x, a=_axes: np.fft.ifftn(x, axes=a), **_complex),
        Row(
            f"RFFT{_suffix}",
            (f(2, 3, 4), at(2, 3, 4)[3 - _n :]),
            ref=lambda x, s, a=_axes: np.fft.rfftn(x, tuple(s), a),
            **_real,
        ),
        Row(
            f"RFFT{_suffix}",
            (f(2, 3, 5), at(3, 2, 4)[3 - _n :]),
            ref=lambda x, s, a=_axes: np.fft.rfftn(x, tuple(s), a),
            **_real,
        ),
        Row(
            f"IRFFT{_suffix}",
            (c(2, 3, 4), at(2, 3, 6)[3 - _n :]),
            ref=lambda x, s, a=_axes: np.fft.irfftn(x, tuple(s), a),
            grad=False,
            **_real,
        ),
        Row(
            f"IRFFT{_suffix}",
            (c(2, 3, 4), at(2, 2, 5)[3 - _n :]),
            ref=lambda x, s, a=_axes: np.fft.irfftn(x, tuple(s), a),
            grad=False,
            **_real,
        ),
    ]
ROWS += [
    Row("FFTND", (c(2, 3, 4), at(2, 4), at(0, 2)), ref=lambda x, s, a: np.fft.fftn(x, axes=(0, 2)), **_complex),
    Row("IFFTND", (c(2, 3, 4), at(3), at(1)), ref=lambda x, s, a: np.fft.ifftn(x, axes=(1,)), **_complex),
    Row("RFFTND", (f(2, 3, 4), at(2, 4), at(0, 2)), ref=lambda x, s, a: np.fft.rfftn(x, axes=(0, 2)), **_real),
    Row(
        "IRFFTND",
        (c(2, 3, 4), at(2, 6), at(0, 2)),
        ref=lambda x, s, a: np.fft.irfftn(x, (2, 6), (0, 2)),
        grad=False,
        **_real,
    ),
]
ROWS += [
    Row(
        "SobolSample",
        (np.int32(3), np.int32(4), np.int32(0)),
        ref=lambda d, n, s: np.array([[0.5] * 3, [0.75, 0.25, 0.25], [0.25, 0.75, 0.75], [0.375, 0.375, 0.625]]),
    ),
    Row(
        "SobolSample",
        (np.int32(2), np.int32(3), np.int32(5)),
        {"dtype": "float64"},
        ref=lambda d, n, s: np.array([[0.625, 0.125], [0.125, 0.625], [0.1875, 0.3125]]),
    ),
]
