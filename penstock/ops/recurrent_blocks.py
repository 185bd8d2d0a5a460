"""LSTM and GRU steps, and whole LSTM layers, as one op each, with their gradients."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import as_text
from penstock.ir.op import also, find, op

_T = "T: {float16|float32}"
_CELL = "cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
_GATES = "(i: T, cs: T, f: T, o: T, ci: T, co: T, h: T)"


def _sigmoid(xp: Any, x: Any) -> Any:
    half = np.asarray(0.5, x.dtype)
    return half * (xp.tanh(x * half) + np.asarray(1, x.dtype))


def _check_cell(x: Any, cs_prev: Any, h_prev: Any, w: Any, b: Any, x_rank: int) -> None:
    if x.ndim != x_rank:
        raise InvalidArgumentError(None, None, f"x must be {x_rank}D but is rank {x.ndim}")
    batch, width = x.shape[-2:]
    for what, array, rank in (("cs_prev", cs_prev, 2), ("h_prev", h_prev, 2), ("w", w, 2), ("b", b, 1)):
        if array.ndim != rank:
            raise InvalidArgumentError(None, None, f"{what} must be rank {rank} but is rank {array.ndim}")
    cell = cs_prev.shape[1]
    for what, have, want in (("cs_prev.dims(0) != batch_size", cs_prev.shape[0], batch), ("h_prev.dims(0) != batch_size", h_prev.shape[0], batch),
                             ("h_prev.dims(1) != cell_size", h_prev.shape[1], cell), ("w.dim_size(0) != input_size + cell_size", w.shape[0], width + cell),
                             ("w.dim_size(1) != cell_size * 4", w.shape[1], cell * 4), ("b.dim_size(0) != cell_size * 4", b.shape[0], cell * 4)):  # fmt: skip
        if have != want:
            raise InvalidArgumentError(None, None, f"{what}: {have} vs. {want}")


def _lstm_step(xp, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, forget_bias, cell_clip, use_peephole, order):
    """One step: (i, cs, f, o, ci, co, h), each [batch, cell]; `order` says where the gates i, c, f, o stand in the kernel."""
    kind = x.dtype
    gates = xp.matmul(xp.concatenate([x, h_prev], 1), w) + b
    parts = dict(zip(order, xp.split(gates, 4, axis=1)))
    i, f, o = parts["i"], parts["f"] + np.asarray(forget_bias, kind), parts["o"]
    if use_peephole:
        i, f = i + cs_prev * wci, f + cs_prev * wcf
    i, f, ci = _sigmoid(xp, i), _sigmoid(xp, f), xp.tanh(parts["c"])
    cs = ci * i + cs_prev * f
    if cell_clip > 0:
        cs = xp.clip(cs, np.asarray(-cell_clip, kind), np.asarray(cell_clip, kind))
    o = _sigmoid(xp, o + cs * wco if use_peephole else o)
    co = xp.tanh(cs)
    return i, cs, f, o, ci, co, co * o


def _lstm_back(xp, cs_prev, w_diagonals, i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole):
    """(gradient of cs_prev, those of the gates before their activation: i, c, f, o)."""
    one = np.asarray(1, cs.dtype)
    d_o = o * (one - o) * h_grad * co
    d_cs = (one - co * co) * h_grad * o + cs_grad
    wci, wcf, wco = w_diagonals
    if use_peephole:
        d_cs = d_cs + d_o * wco
    d_ci = (one - ci * ci) * d_cs * i
    d_f = f * (one - f) * d_cs * cs_prev
    d_i = i * (one - i) * d_cs * ci
    d_cs_prev = d_cs * f
    if use_peephole:
        d_cs_prev = d_cs_prev + d_i * wci + d_f * wcf
    return d_cs_prev, d_i, d_ci, d_f, d_o


# -- one step ----------------------------------------------------------------------------------------------------------
@op(f"LSTMBlockCell(x: T, {_CELL}, *, {_T}, cell_clip: float = 3.0, forget_bias: float = 1.0, use_peephole: bool = False) -> {_GATES}")
def LSTM_BLOCK_CELL(xp, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, cell_clip, forget_bias, use_peephole):
    """One LSTM step of x [batch, inputs]; the kernel [inputs + cell, 4 * cell] holds the gates i, c, f, o."""
    _check_cell(x, cs_prev, h_prev, w, b, 2)
    return _lstm_step(xp, x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias=forget_bias, cell_clip=cell_clip, use_peephole=use_peephole, order="icfo")


@LSTM_BLOCK_CELL.shape
def _(x: Any, cs_prev: Any, *_: Any) -> Any:
    for s in (x, cs_prev):
        if s.shape is not None and len(s.shape) != 2:
            raise ShapeError(f"Shape must be rank 2 but is rank {len(s.shape)}: {s.name}")
    dims = (None if x.shape is None else x.shape[0], None if cs_prev.shape is None else cs_prev.shape[1])
    return (dims,) * 7


@op(f"LSTMBlockCellGrad(x: T, {_CELL}, i: T, cs: T, f: T, o: T, ci: T, co: T, cs_grad: T, h_grad: T, *, {_T}, use_peephole: bool) -> "
    "(cs_prev_grad: T, dicfo: T, wci_grad: T, wcf_grad: T, wco_grad: T)")  # fmt: skip
def LSTM_BLOCK_CELL_GRAD(xp, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, cs_grad, h_grad, *, use_peephole):
    """The gradients of one LSTM step; `dicfo` [batch, 4 * cell] is that of the gates before their activation."""
    _check_cell(x, cs_prev, h_prev, w, b, 2)
    d_cs_prev, d_i, d_ci, d_f, d_o = _lstm_back(xp, cs_prev, (wci, wcf, wco), i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole)
    diagonals = [xp.sum(d, 0) if use_peephole else xp.zeros_like(v) for d, v in ((d_i * cs_prev, wci), (d_f * cs_prev, wcf), (d_o * cs, wco))]
    return d_cs_prev, xp.concatenate([d_i, d_ci, d_f, d_o], 1), *diagonals


@LSTM_BLOCK_CELL_GRAD.shape
def _(*inputs: Any) -> Any:
    cs_prev, diagonals = inputs[1], inputs[4:7]
    n, cell = (None, None) if cs_prev.shape is None else cs_prev.shape
    return (n, cell), (n, None if cell is None else 4 * cell), *(d.shape for d in diagonals)


@op("GRUBlockCell(x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T, *, T: {float32}) -> (r: T, u: T, c: T, h: T)")
def GRU_BLOCK_CELL(xp, x, h_prev, w_ru, w_c, b_ru, b_c):
    """One GRU step of x [batch, inputs]: reset gate, update gate, candidate and new state."""
    _check_gru(x, h_prev, w_ru, w_c, b_ru, b_c)
    r, u = xp.split(_sigmoid(xp, xp.matmul(xp.concatenate([x, h_prev], 1), w_ru) + b_ru), 2, axis=1)
    c = xp.tanh(xp.matmul(xp.concatenate([x, r * h_prev], 1), w_c) + b_c)
    return r, u, c, u * h_prev + (np.asarray(1, x.dtype) - u) * c


def _check_gru(x: Any, h_prev: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any) -> None:
    for what, array, rank in (("x", x, 2), ("h_prev", h_prev, 2), ("w_ru", w_ru, 2), ("w_c", w_c, 2), ("b_ru", b_ru, 1), ("b_c", b_c, 1)):
        if array.ndim != rank:
            raise InvalidArgumentError(None, None, f"Rank of {what} must be {rank}, got {array.ndim}")
    (batch, width), cell = x.shape, h_prev.shape[1]
    for what, have, want in (("h_prev", h_prev.shape, (batch, cell)), ("w_ru", w_ru.shape, (width + cell, 2 * cell)), ("w_c", w_c.shape, (width + cell, cell)),
                             ("b_ru", b_ru.shape, (2 * cell,)), ("b_c", b_c.shape, (cell,))):  # fmt: skip
        if tuple(have) != want:
            raise InvalidArgumentError(None, None, f"{what} has shape {as_text(have)}, for x {as_text(x.shape)} and a cell of {cell} it must be {as_text(want)}")


@GRU_BLOCK_CELL.shape
def _(x: Any, h_prev: Any, *_: Any) -> Any:
    for s in (x, h_prev):
        if s.shape is not None and len(s.shape) != 2:
            raise ShapeError(f"Shape must be rank 2 but is rank {len(s.shape)}: {s.name}")
    dims = (None if x.shape is None else x.shape[0], None if h_prev.shape is None else h_prev.shape[1])
    return (dims,) * 4


@op("GRUBlockCellGrad(x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T, r: T, u: T, c: T, d_h: T, *, T: {float32}) -> "
    "(d_x: T, d_h_prev: T, d_c_bar: T, d_r_bar_u_bar: T)")  # fmt: skip
def GRU_BLOCK_CELL_GRAD(xp, x, h_prev, w_ru, w_c, b_ru, b_c, r, u, c, d_h):
    """The gradients of one GRU step; the last two are those of the candidate and of the gates before their activation."""
    _check_gru(x, h_prev, w_ru, w_c, b_ru, b_c)
    one, n = np.asarray(1, x.dtype), x.shape[1]
    d_c = d_h * (one - u) * (one - c * c)
    d_u = d_h * (h_prev - c) * u * (one - u)
    by_c = xp.matmul(d_c, w_c.T)
    d_hr = by_c[:, n:]
    d_r = d_hr * h_prev * r * (one - r)
    gates = xp.concatenate([d_r, d_u], 1)
    by_gates = xp.matmul(gates, w_ru.T)
    return by_c[:, :n] + by_gates[:, :n], d_hr * r + by_gates[:, n:] + d_h * u, d_c, gates


@GRU_BLOCK_CELL_GRAD.shape
def _(x: Any, h_prev: Any, *_: Any) -> Any:
    n, cell = (None, None) if h_prev.shape is None else h_prev.shape
    return x.shape, h_prev.shape, (n, cell), (n, None if cell is None else 2 * cell)


# -- whole sequences ---------------------------------------------------------------------------------------------------
def _check_block(xp: Any, seq_len_max: Any, x: Any, cs_prev: Any, h_prev: Any, w: Any, b: Any) -> None:
    if getattr(seq_len_max, "ndim", 0):
        raise InvalidArgumentError(None, None, f"`seq_len_max` must be rank 0 but is rank {seq_len_max.ndim}")
    _check_cell(x, cs_prev, h_prev, w, b, 3)


def _scan(step: Any, first: Any, rows: Any, reverse: bool = False) -> Any:
    from jax import lax

    return lax.scan(step, first, rows, reverse=reverse)


def _block(order: str, forget_bias: bool) -> Any:
    def run(xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, **attrs):
        _check_block(xp, seq_len_max, x, cs_prev, h_prev, w, b)
        fields = {"order": order, "forget_bias": attrs.get("forget_bias", 0.0), "cell_clip": attrs["cell_clip"], "use_peephole": attrs["use_peephole"]}

        def step(carry: Any, row: Any) -> Any:
            at, values = row
            outs = _lstm_step(xp, values, *carry, w, wci, wcf, wco, b, **fields)
            live = at < seq_len_max
            outs = tuple(xp.where(live, v, xp.zeros_like(v)) for v in outs)
            return (outs[1], outs[6]), outs

        return _scan(step, (cs_prev, h_prev), (xp.arange(x.shape[0]), x))[1]

    if forget_bias:
        def body(xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, cell_clip, forget_bias, use_peephole):  # fmt: skip
            """An LSTM over x [time, batch, inputs], step by step up to `seq_len_max`; zeros after it."""
            return run(xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, cell_clip=cell_clip, forget_bias=forget_bias, use_peephole=use_peephole)
    else:
        def body(xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, cell_clip, use_peephole):  # fmt: skip
            """An LSTM over x [time, batch, inputs], step by step up to `seq_len_max`; zeros after it."""
            return run(xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, cell_clip=cell_clip, use_peephole=use_peephole)
    return body


def _block_shape(seq_len_max: Any, x: Any, cs_prev: Any, *_: Any) -> Any:
    if x.shape is not None and len(x.shape) != 3:
        raise ShapeError(f"Shape must be rank 3 but is rank {len(x.shape)}: {x.name}")
    lead = (None, None) if x.shape is None else x.shape[:2]
    return ((*lead, None if cs_prev.shape is None else cs_prev.shape[1]),) * 7


_backwards = ("(seq_len_max: int64, x: T, " + _CELL + ", i: T, cs: T, f: T, o: T, ci: T, co: T, h: T, cs_grad: T, h_grad: T, *, " + _T + ", use_peephole: bool) -> "
              "(x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, wci_grad: T, wcf_grad: T, wco_grad: T, b_grad: T)")  # fmt: skip


def _block_grad(order: str) -> Any:
    def body(xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad, *, use_peephole):
        """The gradients of an LSTM over a sequence, from its last step back to its first."""
        _check_block(xp, seq_len_max, x, cs_prev, h_prev, w, b)
        n, steps = x.shape[2], x.shape[0]
        before = lambda first, rows: xp.concatenate([first[None], rows[:-1]], 0) if steps else rows

        def step(carry: Any, row: Any) -> Any:
            d_cs, d_h, d_w, d_b, d_diagonals = carry
            at, values, c_before, h_before, *gates, c_grad, h_grad_here = row
            live = at < seq_len_max
            keep = lambda new, old: xp.where(live, new, old)
            d_c_before, *d_gates = _lstm_back(xp, c_before, (wci, wcf, wco), *gates, c_grad + d_cs, h_grad_here + d_h, use_peephole)
            named = dict(zip("icfo", d_gates))
            together = xp.concatenate([named[g] for g in order], 1)
            d_in = xp.matmul(together, w.T)
            joined = xp.concatenate([values, h_before], 1)
            here = [xp.sum(named["i"] * c_before, 0), xp.sum(named["f"] * c_before, 0), xp.sum(named["o"] * gates[1], 0)] if use_peephole else d_diagonals
            sums = [d + v if use_peephole else d for d, v in zip(d_diagonals, here)]
            after = (keep(d_c_before, d_cs), keep(d_in[:, n:], d_h), keep(d_w + xp.matmul(joined.T, together), d_w), keep(d_b + xp.sum(together, 0), d_b),
                     [keep(s, d) for s, d in zip(sums, d_diagonals)])  # fmt: skip
            return after, keep(d_in[:, :n], xp.zeros_like(values))

        first = (xp.zeros_like(cs_prev), xp.zeros_like(h_prev), xp.zeros_like(w), xp.zeros_like(b), [xp.zeros_like(v) for v in (wci, wcf, wco)])
        rows = (xp.arange(steps), x, before(cs_prev, cs), before(h_prev, h), i, cs, f, o, ci, co, cs_grad, h_grad)
        (d_cs, d_h, d_w, d_b, d_diagonals), d_x = _scan(step, first, rows, reverse=True)
        return d_x, d_cs, d_h, d_w, *d_diagonals, d_b

    return body


_SHAPES_BACK = lambda *inputs: tuple(inputs[k].shape for k in range(1, 9))

_first = op(f"BlockLSTM(seq_len_max: int64, x: T, {_CELL}, *, {_T}, cell_clip: float = 3.0, forget_bias: float = 1.0, use_peephole: bool = False) -> {_GATES}",
            where="xla", shape=_block_shape)(_block("icfo", True))  # fmt: skip
also(_first.sig.text, _first, __name__)
_second = op(f"BlockLSTMV2(seq_len_max: int64, x: T, {_CELL}, *, {_T}, cell_clip: float = 0.0, use_peephole: bool = False) -> {_GATES}", where="xla",
             shape=_block_shape)(_block("ifco", False))  # fmt: skip
also(_second.sig.text, _second, __name__)
for _name, _order in (("BlockLSTMGrad", "icfo"), ("BlockLSTMGradV2", "ifco")):
    _made = op(_name + _backwards, where="xla", shape=_SHAPES_BACK)(_block_grad(_order))
    also(_made.sig.text, _made, __name__)


def _backward(name: str) -> Any:
    def rule(node: Any, *grads: Any) -> Any:
        found = find(name)(*node._inputs, *node.outputs, grads[1], grads[6], use_peephole=node.attrs["use_peephole"])
        return None, *found

    return rule


find("BlockLSTM").grad(_backward("BlockLSTMGrad"))
find("BlockLSTMV2").grad(_backward("BlockLSTMGradV2"))
