"""Cumulative sums and products along an axis."""

from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir.op import Op, op
from penstock.ops.families import conj, dispatched, later, wide

Mul, Sub, Exp, Log, SelectV2 = later("Mul"), later("Sub"), later("Exp"), later("Log"), later("SelectV2")


def _scan(text: str, accumulate: Any, start: Any, doc: str) -> Op:
    """A scan: `accumulate(xp, x, axis)` forwards and inclusive; flips make it reverse, a shift exclusive."""

    def body(xp: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
        at = _scalar(axis)
        if not -x.ndim <= at < x.ndim:
            raise ShapeError(f"ScanOp: Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got {at}")
        kind = x.dtype
        x = wide(xp, x)
        if reverse:
            x = xp.flip(x, at)
        if exclusive:
            first = xp.full_like(xp.take(x, np.arange(min(1, x.shape[at])), at), start)
            x = xp.concatenate([first, xp.take(x, np.arange(max(0, x.shape[at] - 1)), at)], at)
        out = accumulate(xp, x, at)
        out = out.astype(kind) if kind.kind in "iu" else out
        return xp.flip(out, at) if reverse else out

    body.__module__, body.__doc__ = __name__, doc
    body.__name__ = body.__qualname__ = text.partition("(")[0]
    return op(text, shape=_shape, static=("axis",))(body)


def _scalar(axis: Any) -> int:
    if axis.ndim:
        raise ShapeError(f"ScanOp: axis must be a scalar, not {as_text(axis.shape)}")
    return int(axis)


def _shape(x: Any, axis: Any, **_: Any) -> Any:
    at = axis.value
    if x.shape is not None and at is not None and not -len(x.shape) <= _scalar(at) < len(x.shape):
        raise ShapeError(f"ScanOp: Expected scan axis in the range [{-len(x.shape)}, {len(x.shape)}), but got {int(at)}")
    return x.shape


def _logsumexp(xp: Any, x: Any, axis: int) -> Any:
    if xp is np:
        return np.logaddexp.accumulate(x, axis)
    import jax

    return jax.lax.cumlogsumexp(x, axis % x.ndim)


_ARGS = "Tidx: index = int32, exclusive: bool = False, reverse: bool = False) -> out: T"
Cumsum = _scan(
    f"Cumsum(x: T, axis: Tidx, *, T: numeric, {_ARGS}",
    lambda xp, x, a: xp.cumsum(x, a),
    0,
    "The sums of the elements so far.",
)
Cumprod = _scan(
    f"Cumprod(x: T, axis: Tidx, *, T: numeric, {_ARGS}",
    lambda xp, x, a: xp.cumprod(x, a),
    1,
    "The products of the elements so far.",
)
CumulativeLogsumexp = _scan(
    f"CumulativeLogsumexp(x: T, axis: Tidx, *, T: real_float, {_ARGS}",
    _logsumexp,
    -np.inf,
    "log of the sums of exp so far.",
)


@Cumsum.grad
def _(node: Any, dy: Any) -> Any:
    return Cumsum(dy, node.inputs[1], exclusive=node.attrs["exclusive"], reverse=not node.attrs["reverse"]), None


@Cumprod.grad
def _(node: Any, dy: Any) -> Any:
    x, axis = node.inputs
    exclusive, reverse = node.attrs["exclusive"], node.attrs["reverse"]
    total = Cumsum(Mul(conj(node.outputs[0]), dy), axis, exclusive=exclusive, reverse=not reverse)
    return later("DivNoNan")(total, conj(x)), None


@CumulativeLogsumexp.grad
def _(node: Any, dy: Any) -> Any:
    x, axis = node.inputs
    y = node.outputs[0]
    exclusive, reverse = node.attrs["exclusive"], node.attrs["reverse"]
    low = float(np.finfo(np.float32).min) if x.dtype.size >= 4 else -60000.0

    def part(positive: bool) -> Any:
        size = dy if positive else later("Neg")(dy)
        here = later("Greater")(size, 0)
        log = SelectV2(here, Log(SelectV2(here, size, later("OnesLike")(size))), low)
        return Exp(later("AddV2")(CumulativeLogsumexp(Sub(log, y), axis, exclusive=exclusive, reverse=not reverse), x))

    return Sub(part(True), part(False)), None


def _public(made: Op, name: str, *names: str, v1: tuple[str, ...] = (), doc: str) -> Any:
    def call(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
        return made(x, axis, exclusive=exclusive, reverse=reverse, name=name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return export(*names, v1=v1)(dispatched(call))


cumsum = _public(
    Cumsum,
    "cumsum",
    "cumsum",
    "math.cumsum",
    doc="The sums of the elements up to each along `axis`; `exclusive`: without it; `reverse`: from the end.\n\n>>> tf.cumsum([1, 2, 3]).numpy().tolist()\n[1, 3, 6]",
)
cumprod = _public(
    Cumprod,
    "cumprod",
    "math.cumprod",
    v1=("cumprod",),
    doc="The products of the elements up to each along `axis`.\n\n>>> tf.math.cumprod([1, 2, 3], exclusive=True).numpy().tolist()\n[1, 1, 2]",
)
cumulative_logsumexp = _public(
    CumulativeLogsumexp,
    "cumulative_logsumexp",
    "math.cumulative_logsumexp",
    doc="log(cumsum(exp(x))) along `axis`, without overflow.",
)
