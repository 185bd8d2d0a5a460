"""Recurrent layers as cuDNN has them: LSTM, GRU and plain cells, stacked, in one or both directions, with all weights in one buffer.

The buffer holds, layer by layer and direction by direction, the input weights of the gates [units, inputs], then the
recurrent ones [units, units] (and the projection); after all weights come the biases in the same order, two for each gate.
Gates: LSTM i, f, c, o; GRU r, u, c.
"""

import math
import re
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op
from penstock.ops import random_values
from penstock.ops.random_stateful import _take

GATES = {"lstm": 4, "gru": 3, "rnn_relu": 1, "rnn_tanh": 1}
_MODES = (
    'T: real_float, direction: "unidirectional"|"bidirectional" = "unidirectional", dropout: float = 0.0, '
    'input_mode: "linear_input"|"skip_input"|"auto_select" = "linear_input"'
)
_RNN = 'rnn_mode: "rnn_relu"|"rnn_tanh"|"lstm"|"gru" = "lstm", seed: int = 0, seed2: int = 0'


class Layout:
    """Where the weights of each layer and direction stand in the buffer."""

    def __init__(self, mode: str, layers: int, units: int, inputs: int, directions: int, proj: int = 0):
        self.mode, self.layers, self.units, self.inputs, self.directions, self.proj = mode, layers, units, inputs, directions, proj
        self.gates = GATES[mode]
        self.out = proj or units

    def matrices(self) -> list[list[tuple[int, int]]]:
        """The shapes of the weights of each layer and direction."""
        found = []
        for layer in range(self.layers):
            wide = self.inputs if layer == 0 else self.out * self.directions
            one = [(self.units, wide)] * self.gates + [(self.units, self.out)] * self.gates
            found += [one + ([(self.proj, self.units)] if self.proj else [])] * self.directions
        return found

    @property
    def size(self) -> int:
        """How many numbers the buffer holds."""
        return sum(a * b for one in self.matrices() for a, b in one) + self.layers * self.directions * 2 * self.gates * self.units

    def split(self, params: Any) -> list[tuple[list[Any], list[Any]]]:
        """(weights, biases) of each layer and direction."""
        if int(params.shape[0]) != self.size:
            raise InvalidArgumentError(
                None, None, f"params holds {int(params.shape[0])} numbers, {self.layers} layers of {self.units} units over {self.inputs} inputs have {self.size}"
            )
        at, weights = 0, []
        for one in self.matrices():
            mine = []
            for a, b in one:
                mine.append(params[at : at + a * b].reshape(a, b))
                at += a * b
            weights.append(mine)
        out = []
        for mine in weights:
            biases = [params[at + i * self.units : at + (i + 1) * self.units] for i in range(2 * self.gates)]
            at += 2 * self.gates * self.units
            out.append((mine, biases))
        return out




def _step(xp: Any, mode: str, weights: list[Any], biases: list[Any], gates: int, proj: bool) -> Any:
    """One step: (state, cell), the input's part of the gates -> (state, cell)."""
    recurrent = xp.concatenate(weights[gates : 2 * gates], 0).T
    b_in, b_state = xp.concatenate(biases[:gates]), xp.concatenate(biases[gates:])
    units = biases[0].shape[0]
    from jax import nn

    def step(h: Any, c: Any, x: Any) -> Any:
        if mode == "gru":
            a, b = x + b_in, h @ recurrent + b_state
            r = nn.sigmoid(a[:, :units] + b[:, :units])
            u = nn.sigmoid(a[:, units : 2 * units] + b[:, units : 2 * units])
            new = xp.tanh(a[:, 2 * units :] + r * b[:, 2 * units :])
            return (1 - u) * new + u * h, c
        g = x + b_in + h @ recurrent + b_state
        if mode != "lstm":
            return (xp.tanh(g) if mode == "rnn_tanh" else xp.maximum(g, 0)), c
        i, f, n, o = (g[:, k * units : (k + 1) * units] for k in range(4))
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * xp.tanh(n)
        h = nn.sigmoid(o) * xp.tanh(c)
        return (h @ weights[-1].T if proj else h), c

    return step


def _one_way(xp: Any, layout: Layout, x: Any, h: Any, c: Any, weights: list[Any], biases: list[Any], lengths: Any, backwards: bool) -> Any:
    """One layer in one direction over x [time, batch, inputs]: (outputs, last state, last cell)."""
    from jax import lax

    step = _step(xp, layout.mode, weights, biases, layout.gates, bool(layout.proj))
    rows = x @ xp.concatenate(weights[: layout.gates], 0).T

    def body(carry: Any, row: Any) -> Any:
        at, values = row
        h, c = carry
        h2, c2 = step(h, c, values)
        live = (at < lengths)[:, None]
        h2, c2 = xp.where(live, h2, h), xp.where(live, c2, c)
        return (h2, c2), xp.where(live, h2, xp.zeros_like(h2))

    (h, c), out = lax.scan(body, (h, c), (xp.arange(x.shape[0]), rows), reverse=backwards)
    return out, h, c


def _run(xp: Any, layout: Layout, x: Any, h: Any, c: Any, params: Any, lengths: Any, masks: Any) -> Any:
    """All layers over x [time, batch, inputs]; h [layers * directions, batch, out]: (outputs, states, cells)."""
    parts, hs, cs = layout.split(params), [], []
    for layer in range(layout.layers):
        outs = []
        for way in range(layout.directions):
            k = layer * layout.directions + way
            out, h1, c1 = _one_way(xp, layout, x, h[k], c[k], *parts[k], lengths, way == 1)
            outs.append(out)
            hs.append(h1)
            cs.append(c1)
        x = outs[0] if len(outs) == 1 else xp.concatenate(outs, -1)
        if masks is not None and layer + 1 < layout.layers:
            x = x * masks[layer]
    return x, xp.stack(hs), xp.stack(cs)


def _prepared(xp: Any, x: Any, h: Any, c: Any, params: Any, lengths: Any, masks: Any, *, rnn_mode: str, direction: str, num_proj: int, time_major: bool) -> Any:
    """The whole op: (output, output_h, output_c), with the axes as they were given."""
    turned = lambda t: t if time_major else xp.swapaxes(t, 0, 1)
    x, h = turned(x), turned(h)
    units = c.shape[-1] if rnn_mode == "lstm" and num_proj else h.shape[-1]
    directions = 2 if direction == "bidirectional" else 1
    layout = Layout(rnn_mode, h.shape[0] // directions, units, x.shape[-1], directions, num_proj)
    cells = turned(c) if rnn_mode == "lstm" else xp.zeros_like(h)
    lengths = np.full(x.shape[1], x.shape[0], np.int32) if lengths is None else lengths
    out, h2, c2 = _run(xp, layout, x, h, cells, params, lengths, masks)
    return turned(out), turned(h2), turned(c2) if rnn_mode == "lstm" else xp.zeros_like(c)


def _masks(xp: Any, stream: Any, x: Any, h: Any, dropout: float, direction: str, time_major: bool) -> Any:
    """What the outputs of all layers but the last are multiplied with, None without dropout."""
    directions = 2 if direction == "bidirectional" else 1
    layers = (h.shape[0] if time_major else h.shape[1]) // directions
    if dropout <= 0 or layers < 2:
        return None
    time, batch = x.shape[:2] if time_major else (x.shape[1], x.shape[0])
    dims = (layers - 1, time, batch, h.shape[-1] * directions)
    n = math.prod(dims)
    drawn = random_values.uniform(xp, _take(xp, stream, n * random_values.OUTPUT_BLOCKS), n, np.dtype(np.float32)).reshape(dims)
    return xp.where(drawn >= dropout, np.asarray(1 / (1 - dropout), x.dtype), np.asarray(0, x.dtype))


def _shapes(x: Any, h: Any, c: Any, direction: str, rnn_mode: str) -> Any:
    lead = (None, None) if x.shape is None else tuple(x.shape[:2])
    units = None if h.shape is None else h.shape[2]
    wide = None if units is None else units * (2 if direction == "bidirectional" else 1)
    return (*lead, wide), h.shape, h.shape if rnn_mode == "lstm" and c.shape is not None and len(c.shape) == 3 and not _projects(h, c) else c.shape, (None,)


def _projects(h: Any, c: Any) -> bool:
    return h.shape is not None and c.shape is not None and h.shape[-1] != c.shape[-1]


def _forward(name: str, lengths: bool, host: bool, proj: bool) -> Any:
    extra = ("num_proj: int = 0, " if proj else "")
    text = (
        f"{name}(input: T, input_h: T, input_c: T, params: T{', sequence_lengths: int32' if lengths else ''}, *, {_MODES}, is_training: bool = True, {extra}{_RNN}"
        f"{', time_major: bool = True' if proj else ''}) -> (output: T, output_h: T, output_c: T, reserve_space: T{', host_reserved: int8' if host else ''})"
    )

    def run(xp, stream, x, h, c, params, sizes, direction, dropout, is_training, rnn_mode, num_proj, time_major):
        masks = _masks(xp, stream, x, h, dropout if is_training else 0.0, direction, time_major)
        out = _prepared(xp, x, h, c, params, sizes, masks, rnn_mode=rnn_mode, direction=direction, num_proj=num_proj, time_major=time_major)
        kept = np.zeros((0,), x.dtype) if masks is None else masks.reshape(-1)
        return (*out, kept, np.zeros((0,), np.int8)) if host else (*out, kept)

    if proj:
        def body(xp, stream, input, input_h, input_c, params, sequence_lengths, *, direction, dropout, is_training, num_proj, rnn_mode, time_major):  # noqa: A002
            """Recurrent layers over sequences of different lengths; after an example's end its outputs are 0."""
            return run(xp, stream, input, input_h, input_c, params, sequence_lengths, direction, dropout, is_training, rnn_mode, num_proj, time_major)
    else:
        def body(xp, stream, input, input_h, input_c, params, *, direction, dropout, is_training, rnn_mode):  # noqa: A002
            """Recurrent layers over sequences [time, batch, inputs]."""
            return run(xp, stream, input, input_h, input_c, params, None, direction, dropout, is_training, rnn_mode, 0, True)

    def shape(x, h, c, *_, direction, rnn_mode, **__):
        found = _shapes(x, h, c, direction, rnn_mode)
        return (*found, (None,)) if host else found

    return op(text, effect="random", where="xla", shape=shape)(_named(body, name))


def _named(body: Any, name: str) -> Any:
    body.__name__ = body.__qualname__ = re.sub("(?<=[a-z])(?=V|B)", "_", name.replace("CudnnRNN", "Cudnn_RNN_")).upper().replace("__", "_").rstrip("_")
    return body


def _backward(name: str, lengths: bool, host: bool, proj: bool) -> Any:
    text = (
        f"{name}(input: T, input_h: T, input_c: T, params: T{', sequence_lengths: int32' if lengths else ''}, output: T, output_h: T, output_c: T, "
        f"output_backprop: T, output_h_backprop: T, output_c_backprop: T, reserve_space: T{', host_reserved: int8' if host else ''}, *, {_MODES}, "
        f"{'num_proj: int = 0, ' if proj else ''}{_RNN}{', time_major: bool = True' if proj else ''}) -> "
        "(input_backprop: T, input_h_backprop: T, input_c_backprop: T, params_backprop: T)"
    )

    def run(xp, inputs, grads, sizes, kept, **modes):
        import jax

        x, h = inputs[:2]
        time_major, direction = modes["time_major"], modes["direction"]
        masks = None
        if kept.shape[0]:
            time, batch = x.shape[:2] if time_major else (x.shape[1], x.shape[0])
            masks = kept.reshape(-1, time, batch, h.shape[-1] * (2 if direction == "bidirectional" else 1))
        forward = lambda *values: _prepared(xp, *values, sizes, masks, **modes)
        return jax.vjp(forward, *inputs)[1](tuple(grads))

    if proj:
        def body(xp, input, input_h, input_c, params, sequence_lengths, output, output_h, output_c, output_backprop, output_h_backprop, output_c_backprop,  # noqa: A002
                 reserve_space, host_reserved, *, direction, num_proj, rnn_mode, time_major):  # fmt: skip
            """The gradients of CudnnRNNV3."""
            return run(xp, (input, input_h, input_c, params), (output_backprop, output_h_backprop, output_c_backprop), sequence_lengths, reserve_space,
                       direction=direction, num_proj=num_proj, rnn_mode=rnn_mode, time_major=time_major)  # fmt: skip
    elif host:
        def body(xp, input, input_h, input_c, params, output, output_h, output_c, output_backprop, output_h_backprop, output_c_backprop,  # noqa: A002
                 reserve_space, host_reserved, *, direction, rnn_mode):  # fmt: skip
            """The gradients of CudnnRNNV2."""
            return run(xp, (input, input_h, input_c, params), (output_backprop, output_h_backprop, output_c_backprop), None, reserve_space,
                       direction=direction, num_proj=0, rnn_mode=rnn_mode, time_major=True)  # fmt: skip
    else:
        def body(xp, input, input_h, input_c, params, output, output_h, output_c, output_backprop, output_h_backprop, output_c_backprop,  # noqa: A002
                 reserve_space, *, direction, rnn_mode):  # fmt: skip
            """The gradients of CudnnRNN."""
            return run(xp, (input, input_h, input_c, params), (output_backprop, output_h_backprop, output_c_backprop), None, reserve_space,
                       direction=direction, num_proj=0, rnn_mode=rnn_mode, time_major=True)  # fmt: skip
    return op(text, where="xla", shape=lambda *given, **_: tuple(s.shape for s in given[:4]))(_named(body, name))


CUDNN_RNN = _forward("CudnnRNN", False, False, False)
CUDNN_RNN_V2 = _forward("CudnnRNNV2", False, True, False)
CUDNN_RNN_V3 = _forward("CudnnRNNV3", True, True, True)
CUDNN_RNN_BACKPROP = _backward("CudnnRNNBackprop", False, False, False)
CUDNN_RNN_BACKPROP_V2 = _backward("CudnnRNNBackpropV2", False, True, False)
CUDNN_RNN_BACKPROP_V3 = _backward("CudnnRNNBackpropV3", True, True, True)


def _gradient(backward: Any, count: int) -> Any:
    def rule(node: Any, *dys: Any) -> Any:
        if not node.attrs["is_training"]:
            raise ValueError(
                "To use CudnnRNN in gradients, is_training must be set to True."
            )
        inputs, outputs = list(node.inputs), list(node.outputs)
        from penstock.ops.constants import zeros_like

        given = [zeros_like(o) if d is None else d for d, o in zip(dys[:3], outputs[:3])]
        attrs = {k: v for k, v in node.attrs.items() if k not in ("is_training", "T")}
        found = backward(*inputs, *outputs[:3], *given, *outputs[3:count], **attrs)
        return [*found, None] if len(inputs) == 5 else list(found)

    return rule


CUDNN_RNN.grad(_gradient(CUDNN_RNN_BACKPROP, 4))
CUDNN_RNN_V2.grad(_gradient(CUDNN_RNN_BACKPROP_V2, 5))
CUDNN_RNN_V3.grad(_gradient(CUDNN_RNN_BACKPROP_V3, 5))
