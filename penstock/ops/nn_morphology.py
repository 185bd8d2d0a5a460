"""Grey-scale dilation and erosion, with the gradients of dilation."""

import itertools
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError, UnimplementedError
from penstock.base.export import export
from penstock.base.shape import same
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.nn_windows import out_size, placed, rank_is_or_unknown, same_pads, spread

_ATTRS = 'padding: "SAME"|"VALID", rates: list(int) >= 4, strides: list(int) >= 4'


class Window:
    """The numbers of one dilation: where each position of the filter meets the padded images."""

    def __init__(self, dims: Any, kernel: Any, strides: Any, rates: Any, padding: str):
        self.sizes, self.k, self.s, self.d = list(dims[1:3]), list(kernel[:2]), list(strides[1:3]), list(rates[1:3])
        rows = list(zip(self.sizes, self.k, self.s, self.d))
        self.out = [out_size(n, k, s, d, padding) or 0 for n, k, s, d in rows]
        pads = [same_pads(*row) if padding == "SAME" else (0, 0) for row in rows]
        self.pads = [
            (lo, max(hi, s * (o - 1) + (k - 1) * d + 1 - n - lo))
            for (lo, hi), (n, k, s, d), o in zip(pads, rows, self.out)
        ]
        self.places = list(itertools.product(*map(range, self.k)))

    def padded(self, xp: Any, x: Any) -> Any:
        low = np.finfo(np.float32).min if x.dtype.kind in "fV" else np.iinfo(x.dtype).min
        if x.dtype == np.float16:
            low = np.finfo(np.float16).min
        return spread(xp, x, (1, 2), (1, 1), self.pads, low)

    def at(self, x: Any, place: Any) -> Any:
        """What a position of the filter meets: one entry a window."""
        return placed(x, (1, 2), [p * d for p, d in zip(place, self.d)], self.s, self.out)

    def inside(self, place: Any) -> np.ndarray:
        """Is what it meets a true pixel, not padding?"""
        ok = []
        for p, d, s, o, n, (lo, _) in zip(place, self.d, self.s, self.out, self.sizes, self.pads):
            at = p * d + np.arange(o) * s - lo
            ok.append((at >= 0) & (at < n))
        return (ok[0][:, None] & ok[1])[None, :, :, None]


def _best(xp: Any, x: Any, w: Any, window: Window) -> tuple[Any, Any]:
    """The largest of image plus filter in each window, and which position of the filter gave it first."""
    x = window.padded(xp, x)
    low = np.finfo(np.float32).min if x.dtype.kind in "fV" else np.iinfo(x.dtype).min
    best, index = None, None
    for t, place in enumerate(window.places):
        here = xp.where(
            window.inside(place),
            window.at(x, place) + w[place],
            xp.asarray(low, x.dtype) if x.dtype != np.float16 else -np.inf,
        )
        if best is None:
            best, index = here, xp.zeros(here.shape, np.int32)
        else:
            better = here > best
            best, index = xp.where(better, here, best), xp.where(better, np.int32(t), index)
    return best, index


def _checked(strides: Any, rates: Any) -> None:
    for name, values in (("strides", strides), ("rates", rates)):
        if len(values) != 4:
            raise ShapeError(f"Dilation2D: {name} must have 4 entries, got {list(values)}")
        if values[0] != 1 or values[3] != 1:
            raise UnimplementedError(
                None, None, f"Dilation2D: {name} in the batch and depth dimensions must be 1, got {list(values)}"
            )
        if min(values) <= 0:
            raise ShapeError(f"Dilation2D: {name} must be positive, got {list(values)}")


def _fit(input: Any, filter: Any) -> None:
    if input.ndim != 4 or filter.ndim != 3:
        raise ShapeError(
            f"input must be 4-dimensional and filter 3-dimensional, got {list(input.shape)} and {list(filter.shape)}"
        )
    if input.shape[3] != filter.shape[2]:
        raise ShapeError(f"input and filter must have the same depth: {input.shape[3]} vs {filter.shape[2]}")


@op(f"Dilation2D(input: T, filter: T, *, T: real, {_ATTRS}) -> output: T")
def Dilation2D(xp, input, filter, *, strides, rates, padding):
    """The largest of image plus filter [height, width, channels] in every window."""
    _checked(strides, rates)
    _fit(input, filter)
    return _best(xp, input, filter, Window(input.shape, filter.shape, strides, rates, padding))[0]


@Dilation2D.shape
def _(input, filter, *, strides, rates, padding):
    _checked(strides, rates)
    dims, kernel = list(rank_is_or_unknown(input, 4)), rank_is_or_unknown(filter, 3)
    dims[3] = same(dims[3], kernel[2], "input and filter have the same depth")
    for a in (1, 2):
        dims[a] = out_size(dims[a], kernel[a - 1], strides[a], rates[a], padding)
    return tuple(dims)


@Dilation2D.grad
def _(node: Any, dy: Any) -> Any:
    attrs = {k: node.attrs[k] for k in ("strides", "rates", "padding")}
    return Dilation2DBackpropInput(*node.inputs, dy, **attrs), Dilation2DBackpropFilter(*node.inputs, dy, **attrs)


@op(f"Dilation2DBackpropInput(input: T, filter: T, out_backprop: T, *, T: real, {_ATTRS}) -> in_backprop: T",
    shape=lambda input, filter, dy, **_: input.shape)  # fmt: skip
def Dilation2DBackpropInput(xp, input, filter, out_backprop, *, strides, rates, padding):
    """The gradient of Dilation2D by the images: dy goes to the pixel that won."""
    _fit(input, filter)
    window = Window(input.shape, filter.shape, strides, rates, padding)
    _, index = _best(xp, input, filter, window)
    total = xp.zeros(input.shape, input.dtype)
    for t, place in enumerate(window.places):
        part = xp.where(index == t, out_backprop, xp.zeros((), out_backprop.dtype))
        pads = []
        for p, d, s, o, n, (lo, _) in zip(place, window.d, window.s, window.out, window.sizes, window.pads):
            before = p * d - lo
            pads.append((before, n - ((o - 1) * s + 1) - before))
        total = total + spread(xp, part, (1, 2), window.s, pads)
    return total


@op(f"Dilation2DBackpropFilter(input: T, filter: T, out_backprop: T, *, T: real, {_ATTRS}) -> filter_backprop: T",
    shape=lambda input, filter, dy, **_: filter.shape)  # fmt: skip
def Dilation2DBackpropFilter(xp, input, filter, out_backprop, *, strides, rates, padding):
    """The gradient of Dilation2D by the filter: dy goes to the position that won."""
    _fit(input, filter)
    window = Window(input.shape, filter.shape, strides, rates, padding)
    _, index = _best(xp, input, filter, window)
    zero = xp.zeros((), out_backprop.dtype)
    rows = [xp.where(index == t, out_backprop, zero).sum((0, 1, 2)) for t in range(len(window.places))]
    return xp.stack(rows).reshape(filter.shape)


def _nhwc(data_format: str) -> None:
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other than 'NHWC' are not supported. Received: data_format={data_format}"
        )


@export(v2=("nn.dilation2d",))
def dilation2d_v2(
    input: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: Any = None
) -> Any:
    """The largest of image plus filter [height, width, channels] in every window."""
    _nhwc(data_format)
    return Dilation2D(input, filters, strides=list(strides), rates=list(dilations), padding=padding, name=name)


@export(v1=("nn.dilation2d",))
def dilation2d(
    input: Any, filter: Any = None, strides: Any = None, rates: Any = None, padding: Any = None, name: Any = None, filters: Any = None,
    dilations: Any = None,
) -> Any:  # fmt: skip
    """The largest of image plus filter in every window, with the parameters of 1.x."""
    given = rates if dilations is None else dilations
    return Dilation2D(
        input,
        filter if filters is None else filters,
        strides=list(strides),
        rates=list(given),
        padding=padding,
        name=name,
    )


@export(v2=("nn.erosion2d",))
def erosion2d_v2(
    value: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: Any = None
) -> Any:
    """The smallest of image minus filter in every window."""
    _nhwc(data_format)
    return erosion2d(value, filters, strides, dilations, padding, name)


@export(v1=("nn.erosion2d",))
def erosion2d(value: Any, kernel: Any, strides: Any, rates: Any, padding: str, name: Any = None) -> Any:
    """The smallest of image minus filter in every window, with the parameters of 1.x."""
    with scoped(name, "erosion2d") as scope:
        flipped = later("ReverseV2")(kernel, [0, 1])
        out = Dilation2D(later("Neg")(value), flipped, strides=list(strides), rates=list(rates), padding=padding)
        return later("Neg")(out, name=scope or None)
