"""Ops that old graphs hold under names that TensorFlow has taken back: batches of matrices, batch norm, crops, contrast."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import as_text
from penstock.ir.op import also, find, op
from penstock.ops.families import wide

_REAL = "T: {float64|float32}"
_BATCHED = {
    "BatchCholesky": f"input: T, *, {_REAL}) -> output: T",
    "BatchCholeskyGrad": "l: T, grad: T, *, T: {float32|float64}) -> output: T",
    "BatchFFT": "input: complex64) -> output: complex64",
    "BatchFFT2D": "input: complex64) -> output: complex64",
    "BatchFFT3D": "input: complex64) -> output: complex64",
    "BatchIFFT": "input: complex64) -> output: complex64",
    "BatchIFFT2D": "input: complex64) -> output: complex64",
    "BatchIFFT3D": "input: complex64) -> output: complex64",
    "BatchMatrixBandPart": "input: T, num_lower: int64, num_upper: int64, *, T: type) -> band: T",
    "BatchMatrixDeterminant": "input: T, *, T: {float32|float64|complex64|complex128}) -> output: T",
    "BatchMatrixDiag": "diagonal: T, *, T: type) -> output: T",
    "BatchMatrixDiagPart": "input: T, *, T: type) -> diagonal: T",
    "BatchMatrixInverse": f"input: T, *, {_REAL}, adjoint: bool = False) -> output: T",
    "BatchMatrixSetDiag": "input: T, diagonal: T, *, T: type) -> output: T",
    "BatchMatrixSolve": f"matrix: T, rhs: T, *, {_REAL}, adjoint: bool = False) -> output: T",
    "BatchMatrixSolveLs": f"matrix: T, rhs: T, l2_regularizer: float64, *, {_REAL}, fast: bool = True) -> output: T",
    "BatchMatrixTriangularSolve": f"matrix: T, rhs: T, *, {_REAL}, adjoint: bool = False, lower: bool = True) -> output: T",
    "BatchSelfAdjointEig": f"input: T, *, {_REAL}) -> output: T",
    "BatchSelfAdjointEigV2": f"input: T, *, {_REAL}, compute_v: bool = True) -> (e: T, v: T)",
    "BatchSvd": "input: T, *, T: {float64|float32|complex64|complex128}, compute_uv: bool = True, full_matrices: bool = False) -> (s: T, u: T, v: T)",
}
for _name, _text in _BATCHED.items():
    also(f"{_name}({_text}", find(_name.removeprefix("Batch")), __name__)

_NORM = "T: numeric, scale_after_normalization: bool, variance_epsilon: float"


def _four(t: Any, *_: Any, **__: Any) -> Any:
    if t.shape is not None and len(t.shape) != 4:
        raise ShapeError(f"Shape must be rank 4 but is rank {len(t.shape)}: {t.name}")
    return t.shape


@op(f"BatchNormWithGlobalNormalization(t: T, m: T, v: T, beta: T, gamma: T, *, {_NORM}) -> result: T", shape=_four)
def BATCH_NORM_WITH_GLOBAL_NORMALIZATION(xp, t, m, v, beta, gamma, *, scale_after_normalization, variance_epsilon):
    """(t - m) / sqrt(v + epsilon), scaled by gamma where asked for, plus beta; all along the last axis."""
    _vectors(t, m=m, v=v, beta=beta, gamma=gamma)
    factor = 1 / xp.sqrt(v + np.asarray(variance_epsilon, t.dtype))
    factor = factor * gamma if scale_after_normalization else factor
    return ((t - m) * factor + beta).astype(t.dtype)


def _vectors(t: Any, **others: Any) -> None:
    if t.ndim != 4:
        raise InvalidArgumentError(None, None, f"input must be 4-dimensional {as_text(t.shape)}")
    for what, array in others.items():
        if array.ndim != 1:
            raise InvalidArgumentError(None, None, f"{what} must be 1-dimensional {as_text(array.shape)}")
        if array.shape[0] != t.shape[3]:
            raise InvalidArgumentError(None, None, f"{what} has {array.shape[0]} entries, the input has {t.shape[3]} channels")


@op(f"BatchNormWithGlobalNormalizationGrad(t: T, m: T, v: T, gamma: T, backprop: T, *, {_NORM}) -> (dx: T, dm: T, dv: T, db: T, dg: T)",
    shape=lambda t, m, v, gamma, backprop: (t.shape, m.shape, v.shape, m.shape, gamma.shape))  # fmt: skip
def BATCH_NORM_WITH_GLOBAL_NORMALIZATION_GRAD(xp, t, m, v, gamma, backprop, *, scale_after_normalization, variance_epsilon):
    """The gradients of BatchNormWithGlobalNormalization with respect to all its inputs."""
    _vectors(t, m=m, v=v, gamma=gamma)
    axes, root = (0, 1, 2), 1 / xp.sqrt(v + np.asarray(variance_epsilon, t.dtype))
    scaled = root * gamma if scale_after_normalization else root
    total, moved = xp.sum(backprop, axes), xp.sum(backprop * (t - m), axes)
    by_gamma = moved * root if scale_after_normalization else xp.zeros_like(gamma)
    by_variance = moved * scaled * root * root * np.asarray(-0.5, t.dtype)
    return backprop * scaled, -total * scaled, by_variance, total, by_gamma


@BATCH_NORM_WITH_GLOBAL_NORMALIZATION.grad
def _(node: Any, dy: Any) -> Any:
    t, m, v, _, gamma = node._inputs
    found = BATCH_NORM_WITH_GLOBAL_NORMALIZATION_GRAD(
        t, m, v, gamma, dy, scale_after_normalization=node.attrs["scale_after_normalization"], variance_epsilon=node.attrs["variance_epsilon"])  # fmt: skip
    return tuple(found)


_IMAGE = "T: {uint8|int8|int16|int32|int64|float32|float64}"


@op(f"AdjustContrast(images: T, contrast_factor: float32, min_value: float32, max_value: float32, *, {_IMAGE}) -> output: float32",
    shape=lambda images, *_: images.shape)  # fmt: skip
def ADJUST_CONTRAST(xp, images, contrast_factor, min_value, max_value):
    """Each channel of each image moved away from its mean, kept between the two values."""
    x = wide(xp, images).astype(np.float32)
    mean = x.mean(axis=(-3, -2), keepdims=True)
    return xp.clip((x - mean) * contrast_factor + mean, min_value, max_value)


@op(f"RandomCrop(image: T, size: int64, *, {_IMAGE}, seed: int = 0, seed2: int = 0) -> output: T", where="host", effect="io",
    shape=lambda image, size, **_: (*(size.value.tolist() if getattr(size, "value", None) is not None else (None, None)), None if image.shape is None else image.shape[-1]))  # fmt: skip
def RANDOM_CROP(xp, image, size, *, seed, seed2):
    """A piece of `size` [height, width] of an image [height, width, channels], from a place drawn at random."""
    if image.ndim != 3:
        raise InvalidArgumentError(None, None, f"input must be 3-dimensional {as_text(image.shape)}")
    if size.shape != (2,):
        raise InvalidArgumentError(None, None, f"Expected size to be 2 numbers, got shape {as_text(size.shape)}")
    height, width = size.tolist()
    if not (0 < height <= image.shape[0] and 0 < width <= image.shape[1]):
        raise InvalidArgumentError(None, None, f"The size of the crop {[height, width]} must fit into the image {list(image.shape[:2])}")
    draws = np.random.default_rng([seed & 2**63 - 1, seed2 & 2**63 - 1] if seed or seed2 else None)
    top, left = int(draws.integers(0, image.shape[0] - height + 1)), int(draws.integers(0, image.shape[1] - width + 1))
    return image[top : top + height, left : left + width]


RANDOM_CROP.no_grad()


@op("QuantizeAndDequantize(input: T, *, T: real_float, input_max: float = 0.0, input_min: float = 0.0, num_bits: int = 8, range_given: bool = False, "
    "signed_input: bool = True) -> output: T", shape=lambda input, **_: input.shape)  # fmt: skip
def QUANTIZE_AND_DEQUANTIZE(xp, input, *, input_max, input_min, num_bits, range_given, signed_input):
    """Each entry rounded to one of 2 ** num_bits steps."""
    body = find("QuantizeAndDequantizeV2").body
    low, high = (xp.asarray(v, input.dtype) for v in (input_min, input_max))
    return body(xp, input, low, high, signed_input=signed_input, num_bits=num_bits, range_given=range_given, round_mode="HALF_TO_EVEN", narrow_range=False, axis=-1)


QUANTIZE_AND_DEQUANTIZE.grad_rule = lambda node, dy: dy
also("PlaceholderV2(*, dtype: type, shape: shape) -> output: dtype", find("Placeholder"), __name__)
