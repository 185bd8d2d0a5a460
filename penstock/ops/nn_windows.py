"""The arithmetic of sliding windows: formats, paddings, output sizes; what convolutions and pools share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError, UnimplementedError
from penstock.base.shape import as_text

Pads = list[tuple[int, int]]


def spatial_axes(data_format: str, rank: int) -> list[int]:
    """The axes that a window slides over."""
    return list(range(2, rank)) if data_format.startswith(("NC", "CHANNELS_F")) else list(range(1, rank - 1))


def channel_axis(data_format: str, rank: int) -> int:
    """The axis of the channels."""
    return 1 if data_format.startswith(("NC", "CHANNELS_F")) else rank - 1


def pick(values: Sequence[int], data_format: str) -> list[int]:
    """The spatial entries of an attr that has one entry an axis."""
    return [int(values[a]) for a in spatial_axes(data_format, len(values))]


def same_pads(size: int, k: int, s: int, d: int = 1) -> tuple[int, int]:
    """Zeros before and after, so that a window of k at stride s makes ceil(size / s) outputs."""
    total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
    return total // 2, total - total // 2


def all_pads(
    sizes: Sequence[int], ks: Sequence[int], ss: Sequence[int], ds: Sequence[int], padding: str, explicit: Sequence[int],
    data_format: str,
) -> Pads:  # fmt: skip
    """(before, after) for each spatial axis."""
    if padding == "SAME":
        return [same_pads(*row) for row in zip(sizes, ks, ss, ds)]
    if padding == "EXPLICIT":
        return [(int(explicit[2 * a]), int(explicit[2 * a + 1])) for a in spatial_axes(data_format, len(sizes) + 2)]
    return [(0, 0)] * len(sizes)


def out_size(n: int | None, k: int | None, s: int, d: int, padding: str, pads: tuple[int, int] = (0, 0)) -> int | None:
    """How many places a window has along an axis."""
    if padding == "SAME":
        return None if n is None else -(-n // s)
    if n is None or k is None:
        return None
    room = n + sum(pads) - ((k - 1) * d + 1)
    if room <= -2 * s:
        raise ShapeError(
            f"Computed output size would be negative: {getattr(n, 'label', 'input size')} = {int(n)} is smaller than the window of {(k - 1) * d + 1}\n"
            "  fix: padding='SAME', or a larger input"
        )
    return max(0, room // s + 1)


def check_attrs(
    what: str,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
    explicit: Sequence[int],
    data_format: str,
    rank: int,
) -> None:
    """InvalidArgumentError where strides, dilations or explicit paddings are malformed."""
    outer = [0, channel_axis(data_format, rank)]
    for name, values in (("strides", strides), ("dilations", dilations)):
        if len(values) != rank:
            raise ShapeError(f"{what}: {name} must have {rank} entries, one an axis, got {list(values)}")
        if any(values[a] != 1 for a in outer):
            raise UnimplementedError(
                None, None, f"{what}: {name} in the batch and depth dimensions must be 1, got {list(values)}"
            )
        if any(v <= 0 for v in values):
            raise ShapeError(f"{what}: {name} must be positive, got {list(values)}")
    if padding == "EXPLICIT":
        if len(explicit) != 2 * rank:
            raise ShapeError(f"{what}: explicit_paddings must have {2 * rank} entries, got {list(explicit)}")
        if any(v < 0 for v in explicit):
            raise ShapeError(f"{what}: explicit_paddings must not be negative, got {list(explicit)}")
        if any(explicit[2 * a] or explicit[2 * a + 1] for a in outer):
            raise ShapeError(
                f"{what}: explicit paddings of the batch and depth dimensions must be 0, got {list(explicit)}"
            )
    elif any(explicit):
        raise ShapeError(
            f"{what}: explicit_paddings is {list(explicit)} but padding is {padding!r}, expected 'EXPLICIT'"
        )


def rank_is_or_unknown(spec: Any, rank: int) -> tuple[int | None, ...]:
    """The dims of `spec`, which must have this rank."""
    if spec.shape is None:
        return (None,) * rank
    if len(spec.shape) != rank:
        raise ShapeError(f"{spec.name} must be rank {rank} but is rank {len(spec.shape)}, shape {as_text(spec.shape)}")
    return spec.shape


def per_axis(value: Any, n: int, channel_last: bool, name: str) -> tuple[int, ...]:
    """One entry an axis (batch and channels included) from an int, or a list of 1, n or n + 2 of them."""
    if value is None or type(value) is int and value == 1:
        return (1,) * (n + 2)
    if isinstance(value, int) or not hasattr(value, "__len__"):
        value = [int(value)]
    values = [int(v) for v in value]
    if len(values) == n + 2:
        return tuple(values)
    if len(values) == 1:
        values = values * n
    elif len(values) != n:
        raise ValueError(
            f"{name} should be of length 1, {n} or {n + 2}. Received: {name}={values} of length {len(values)}"
        )
    return (1, *values, 1) if channel_last else (1, 1, *values)


def padding_attrs(padding: Any, n: int) -> tuple[str, list[int]]:
    """(padding, explicit_paddings) of an op from "SAME", "VALID" or a list of pairs, one an axis."""
    if isinstance(padding, str):
        return padding, []  # the op's own check says what it may be
    if padding is None:
        raise ValueError("Missing `padding`: 'SAME', 'VALID' or a list of pairs")
    pairs = [list(p) for p in padding]
    if len(pairs) != n + 2:
        raise ValueError(
            f"When padding is a list, it must be of size {n + 2}. Received: padding={padding} of size {len(pairs)}"
        )
    if any(len(p) != 2 for p in pairs):
        raise ValueError(f"When padding is a list, each element must be a list of size 2. Received: padding={padding}")
    return "EXPLICIT", [int(v) for p in pairs for v in p]


def spread(xp: Any, x: Any, axes: Sequence[int], strides: Sequence[int], pads: Pads, fill: Any = 0) -> Any:
    """`x` with strides - 1 fill values between its entries along `axes`, and padded (a negative pad cuts)."""
    config = [(0, 0, 0)] * x.ndim
    for a, s, (lo, hi) in zip(axes, strides, pads):
        config[a] = (lo, hi, s - 1)
    if all(c == (0, 0, 0) for c in config):
        return x
    value = xp.asarray(fill, x.dtype)
    if xp is not np:
        from jax import lax

        return lax.pad(x, value, config)
    inner = [max(0, (n - 1) * (c[2] + 1) + 1) for n, c in zip(x.shape, config)]
    out = np.full([max(0, n + max(c[0], 0) + max(c[1], 0)) for n, c in zip(inner, config)], value)
    out[tuple(slice(max(c[0], 0), max(c[0], 0) + n, c[2] + 1) for n, c in zip(inner, config))] = x
    return out[tuple(slice(max(-c[0], 0), n - max(-c[1], 0)) for n, c in zip(out.shape, config))]


def placed(x: Any, axes: Sequence[int], offsets: Sequence[int], strides: Sequence[int], counts: Sequence[int]) -> Any:
    """The entries of padded `x` that stand at one offset of every window: one a window."""
    index = [slice(None)] * x.ndim
    for a, o, s, n in zip(axes, offsets, strides, counts):
        index[a] = slice(o, o + s * (n - 1) + 1 if n else o, s)
    return x[tuple(index)]
