"""Connectionist temporal classification: the loss with its gradient, and the decoders."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import same
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.sparse_tensor import SparseTensor

_Transpose, _ExpandDims, _ConcatV2, _Cast, _Select, _Less = map(
    later, ("Transpose", "ExpandDims", "ConcatV2", "Cast", "SelectV2", "Less")
)
_IMPOSSIBLE = -1e30
"""The logarithm of what cannot be: finite, so that differences of two of them are numbers."""


_FORBIDDEN = float(-np.log(np.finfo(np.float64).tiny))
"""The loss of labels that no path can spell in time: TensorFlow lets a forbidden step pass at this price."""


def _scan(xp: Any, step: Callable[[Any, Any], Any], carry: Any, inputs: Any) -> Any:
    """Every carry that `step(carry, input)` makes, stacked."""
    if xp is np:
        made = []
        for i in range(len(inputs[0])):
            carry = step(carry, tuple(x[i] for x in inputs))
            made.append(carry)
        return np.stack(made)
    from jax import lax

    return lax.scan(lambda c, x: (step(c, x),) * 2, carry, inputs)[1]


def ctc(
    xp: Any, logits: Any, labels: Any, label_length: Any, logit_length: Any, blank: int, merge_repeated: bool = True
) -> tuple[Any, Any, Any]:
    """(loss [batch], gradient [time, batch, classes], possible [batch]) for padded labels [batch, length]."""
    time, batch, classes = logits.shape
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - xp.log(xp.exp(shifted).sum(-1, keepdims=True))
    length = labels.shape[1]
    states = 2 * length + 1
    odd = np.arange(states) % 2 == 1
    padded = xp.concatenate([xp.repeat(labels, 2, axis=1), xp.full((batch, 1), blank, labels.dtype)], 1)
    path = xp.where(odd, padded, blank)  # blanks between the labels and around them
    low = xp.asarray(_IMPOSSIBLE, logits.dtype)
    heard = xp.take_along_axis(log_p, xp.broadcast_to(path[None], (time, batch, states)), 2)

    before = lambda x, n, fill: xp.concatenate([xp.full((batch, min(n, states)), fill, x.dtype), x[:, :-n]], 1)[
        :, :states
    ]
    after = lambda x, n, fill: xp.concatenate([x[:, n:], xp.full((batch, min(n, states)), fill, x.dtype)], 1)[
        :, -states:
    ]
    differs = path != before(path, 2, -1) if merge_repeated else xp.ones((batch, states), bool)
    may_skip = odd & differs
    may_stay = xp.ones((batch, states), bool) if merge_repeated else xp.broadcast_to(xp.asarray(~odd), (batch, states))
    steps = xp.arange(time)

    def forward(alpha: Any, given: Any) -> Any:
        t, at = given
        stay = xp.where(may_stay, alpha, low)
        total = (
            xp.logaddexp(xp.logaddexp(stay, before(alpha, 1, low)), xp.where(may_skip, before(alpha, 2, low), low)) + at
        )
        first = xp.where(np.arange(states) < 2, at, low)
        return xp.where((t < logit_length)[:, None], xp.where(t == 0, first, xp.maximum(total, low)), alpha)

    alphas = _scan(xp, forward, xp.full((batch, states), low, logits.dtype), (steps, heard))
    ends = xp.stack([2 * label_length, xp.maximum(2 * label_length - 1, 0)], 1)
    last = xp.take_along_axis(alphas[-1], ends, 1) if time else xp.full((batch, 2), low, logits.dtype)
    log_z = xp.where(label_length > 0, xp.logaddexp(last[:, 0], last[:, 1]), last[:, 0])
    place = np.arange(states)
    final = xp.where(
        (place == 2 * label_length[:, None]) | (place == 2 * label_length[:, None] - 1), xp.zeros((), logits.dtype), low
    )

    def backward(beta: Any, given: Any) -> Any:
        t, following = given
        onward = beta + following
        step = xp.logaddexp(
            xp.logaddexp(xp.where(may_stay, onward, low), after(onward, 1, low)),
            after(xp.where(may_skip, onward, low), 2, low),
        )
        return xp.where(
            (t == logit_length - 1)[:, None],
            final,
            xp.where((t < logit_length - 1)[:, None], xp.maximum(step, low), beta),
        )

    following = xp.concatenate([heard[1:], xp.zeros((1, batch, states), logits.dtype)], 0)
    betas = _scan(xp, backward, xp.full((batch, states), low, logits.dtype), (steps[::-1], following[::-1]))[::-1]
    possible = log_z > low / 2
    share = xp.exp(xp.minimum(alphas + betas - log_z[None, :, None], 0))
    rows = np.arange(batch)[:, None]
    if xp is np:
        occupied = np.zeros((time, batch, classes), logits.dtype)
        for t in range(time):
            np.add.at(occupied[t], (np.broadcast_to(rows, path.shape), path), share[t])
    else:
        occupied = xp.zeros((time, batch, classes), logits.dtype).at[:, rows, path].add(share)
    heard_at = (steps[:, None] < logit_length)[..., None] & possible[:, None]
    gradient = xp.where(heard_at, xp.exp(log_p) - occupied, xp.zeros((), logits.dtype))
    return -log_z, gradient, possible


# -- the loss of sparse labels ------------------------------------------------------------------------------------------


def _collapsed(row: list[int]) -> list[int]:
    return [v for i, v in enumerate(row) if i == 0 or v != row[i - 1]]


def _check_sparse(inputs: Any, indices: Any, values: Any, lengths: Any) -> None:
    if inputs.ndim != 3:
        raise ShapeError(f"inputs is not a 3-Tensor, got shape {list(inputs.shape)}")
    time, batch, classes = inputs.shape
    if lengths.ndim != 1 or lengths.shape[0] != batch:
        raise ShapeError(
            f"len(sequence_length) != batch_size. len(sequence_length): {lengths.size} batch_size: {batch}"
        )
    if (lengths < 0).any() or (lengths > time).any():
        raise InvalidArgumentError(None, None, f"sequence_length(b) <= {time} for every b, got {lengths.tolist()}")
    if indices.ndim != 2 or len(indices) != len(values):
        raise ShapeError(
            f"labels_indices and labels_values must have one row a label, got {len(indices)} and {len(values)}"
        )
    if classes == 0:
        raise InvalidArgumentError(None, None, "num_classes must be > 0")


def _sparse_loss(
    inputs: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    lengths: np.ndarray,
    collapse: bool,
    merge: bool,
    ignore_longer: bool,
    blank: int,
) -> tuple[np.ndarray, np.ndarray]:
    _check_sparse(inputs, indices, values, lengths)
    time, batch, classes = inputs.shape
    rows: list[list[int]] = [[] for _ in range(batch)]
    for (b, _), v in zip(indices.tolist(), values.tolist()):
        if not 0 <= b < batch:
            raise InvalidArgumentError(None, None, f"labels batch index must be between 0 and {batch} but saw: {b}")
        rows[b].append(v)
    skipped = np.zeros(batch, bool)
    for b, row in enumerate(rows):
        ended = row.index(blank) if blank in row else len(row)
        if any(v != blank for v in row[ended:]) or any(not 0 <= v < classes for v in row):
            raise InvalidArgumentError(
                None,
                None,
                f"Saw a non-null label (index >= num_classes - 1) following a null label, batch: {b} num_classes: {classes} labels: {row}",
            )
        row = row[:ended]
        rows[b] = row = _collapsed(row) if collapse else row
        needed = len(row) + (sum(p == q for p, q in zip(row, row[1:])) if merge else 0)
        if needed > lengths[b]:
            if not ignore_longer:
                raise InvalidArgumentError(
                    None, None, f"Not enough time for target transition sequence (required: {needed}, available: {int(lengths[b])}){b}"
                    "You can turn this error into a warning by using the flag ignore_longer_outputs_than_inputs",
                )  # fmt: skip
            skipped[b] = True
    counts = np.array([len(r) for r in rows], np.int64)
    labels = np.zeros((batch, int(counts.max(initial=0))), np.int64)
    for b, row in enumerate(rows):
        labels[b, : len(row)] = row
    loss, gradient, possible = ctc(np, inputs, labels, counts, lengths.astype(np.int64), blank, merge)
    gone = skipped | (lengths == 0)
    return np.where(gone, 0, np.where(possible, loss, np.inf)).astype(inputs.dtype), np.where(
        gone[None, :, None], 0, gradient
    ).astype(inputs.dtype)


def _loss_shape(inputs: Any, labels_indices: Any, labels_values: Any, sequence_length: Any, **_: Any) -> Any:
    dims = inputs.shape or (None, None, None)
    if len(dims) != 3:
        raise ShapeError(f"inputs must be rank 3 but is rank {len(dims)}")
    batch = same(dims[1], sequence_length.shape[0] if sequence_length.shape else None, "one length an example")
    return (batch,), (dims[0], batch, dims[2])


_CTC_ATTRS = "ctc_merge_repeated: bool = True, ignore_longer_outputs_than_inputs: bool = False, preprocess_collapse_repeated: bool = False"


@op(f"CTCLoss(inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32, *, T: {{float32|float64}} = float32, "
    f"{_CTC_ATTRS}) -> (loss: T, gradient: T)", where="host", shape=_loss_shape)  # fmt: skip
def CTCLoss(
    xp, inputs, labels_indices, labels_values, sequence_length, *, preprocess_collapse_repeated, ctc_merge_repeated, ignore_longer_outputs_than_inputs
):  # fmt: skip
    """The CTC loss of logits [time, batch, classes] (the last class is the blank) and sparse labels, and its gradient."""
    return _sparse_loss(
        inputs, labels_indices, labels_values, sequence_length, preprocess_collapse_repeated, ctc_merge_repeated,
        ignore_longer_outputs_than_inputs, inputs.shape[-1] - 1,
    )  # fmt: skip


@op(f"CTCLossV2(inputs: float32, labels_indices: int64, labels_values: int32, sequence_length: int32, *, {_CTC_ATTRS}) -> "
    "(loss: float32, gradient: float32)", where="host", shape=_loss_shape)  # fmt: skip
def CTCLossV2(
    xp, inputs, labels_indices, labels_values, sequence_length, *, preprocess_collapse_repeated, ctc_merge_repeated, ignore_longer_outputs_than_inputs
):  # fmt: skip
    """The CTC loss whose blank is class 0."""
    return _sparse_loss(
        inputs, labels_indices, labels_values, sequence_length, preprocess_collapse_repeated, ctc_merge_repeated,
        ignore_longer_outputs_than_inputs, 0,
    )  # fmt: skip


def _loss_grad(node: Any, dloss: Any, _: Any = None) -> Any:
    column = _ExpandDims(_ExpandDims(dloss, 0), -1)
    return (node.outputs[1] * column, *[None] * (len(node.inputs) - 1))


CTCLoss.grad_rule = CTCLossV2.grad_rule = _loss_grad


@op("CTCLossDense(logits: T, labels: int32, label_length: int32, logit_length: int32, *, T: {float32|float64} = float32, "
    "blank_index: int = 0) -> (loss: T, gradient: T)", public=False)  # fmt: skip
def CTCLossDense(xp, logits, labels, label_length, logit_length, *, blank_index):
    """The CTC loss of logits [time, batch, classes] and labels [batch, length], compiled: TensorFlow composes it of many ops."""
    loss, gradient, possible = ctc(xp, logits, labels, label_length, logit_length, blank_index)
    return xp.where(possible, loss, xp.asarray(_FORBIDDEN, logits.dtype)), gradient


@CTCLossDense.shape
def _(logits: Any, labels: Any, label_length: Any, logit_length: Any, *, blank_index: int) -> Any:
    return _loss_shape(logits, None, None, logit_length)


CTCLossDense.grad_rule = _loss_grad


@export(v1=("nn.ctc_loss",))
def ctc_loss(
    labels: Any, inputs: Any = None, sequence_length: Any = None, preprocess_collapse_repeated: bool = False, ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False, time_major: bool = True, logits: Any = None,
) -> Any:  # fmt: skip
    """The CTC loss of each example, for sparse labels; the last class is the blank."""
    if inputs is not None and logits is not None:
        raise ValueError("Cannot specify both 'inputs' and 'logits'.")
    if not isinstance(labels, SparseTensor):
        raise TypeError(f"Expected argument labels to be a SparseTensor. Received type: {type(labels)}.")
    inputs = convert_to_tensor(inputs if logits is None else logits)
    if not time_major:
        inputs = _Transpose(inputs, [1, 0, 2])
    kept = inputs.dtype.base_dtype
    if kept.name in ("float16", "bfloat16"):
        inputs = _Cast(inputs, DstT="float32")
    values = labels.values if labels.values.dtype.base_dtype.name == "int32" else _Cast(labels.values, DstT="int32")
    loss, _ = CTCLoss(
        inputs, labels.indices, values, convert_to_tensor(sequence_length, dtype_hint="int32"),
        preprocess_collapse_repeated=preprocess_collapse_repeated, ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )  # fmt: skip
    return loss if loss.dtype.base_dtype is kept else _Cast(loss, DstT=kept)


@export(v2=("nn.ctc_loss",), v1=("nn.ctc_loss_v2",))
def ctc_loss_v2(
    labels: Any, logits: Any, label_length: Any, logit_length: Any, logits_time_major: bool = True, unique: Any = None,
    blank_index: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The CTC loss of each example: labels [batch, length] (the blank is class 0) or sparse (`blank_index` says which)."""
    if isinstance(labels, SparseTensor):
        if blank_index is None:
            raise ValueError("Argument `blank_index` must be provided when labels is a SparseTensor.")
        logits = convert_to_tensor(logits, name="logits")
        classes = logits._dims[2] if logits._dims is not None else None
        if blank_index < 0:
            blank_index += classes
        if blank_index != classes - 1:
            logits = _ConcatV2(
                [
                    logits[:, :, :blank_index],
                    logits[:, :, blank_index + 1 :],
                    logits[:, :, blank_index : blank_index + 1],
                ],
                2,
            )
            values = labels.values
            values = _Select(_Less(values, blank_index), values, values - 1)
            labels = SparseTensor(labels.indices, values, labels.dense_shape)
        return ctc_loss(labels, logits, logit_length, time_major=logits_time_major)
    with scoped(name, "ctc_loss_dense"):
        logits = convert_to_tensor(logits, name="logits")
        blank_index = 0 if blank_index is None else blank_index
        kept = logits.dtype.base_dtype
        if kept.name in ("float16", "bfloat16"):
            logits = _Cast(logits, DstT="float32")
        if not logits_time_major:
            logits = _Transpose(logits, [1, 0, 2])
        if blank_index < 0:
            blank_index += logits._dims[2]
        as_int = lambda v: (lambda t: t if t.dtype.base_dtype.name == "int32" else _Cast(t, DstT="int32"))(
            convert_to_tensor(v)
        )
        loss, _ = CTCLossDense(
            logits, as_int(labels), as_int(label_length), as_int(logit_length), blank_index=blank_index
        )
        return loss if loss.dtype.base_dtype is kept else _Cast(loss, DstT=kept)


# -- decoding -----------------------------------------------------------------------------------------------------------


def _sparse_rows(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    indices = [(b, i) for b, row in enumerate(rows) for i in range(len(row))]
    shape = np.array([len(rows), max(map(len, rows), default=0)], np.int64)
    return np.array(indices, np.int64).reshape(-1, 2), np.array([v for row in rows for v in row], np.int64), shape


def _check_decoded(inputs: Any, lengths: Any) -> None:
    if inputs.ndim != 3:
        raise ShapeError(f"inputs is not a 3-Tensor, got shape {list(inputs.shape)}")
    if lengths.ndim != 1 or lengths.shape[0] != inputs.shape[1]:
        raise ShapeError(
            f"len(sequence_length) != batch_size. len(sequence_length): {lengths.size} batch_size: {inputs.shape[1]}"
        )
    if (lengths > inputs.shape[0]).any():
        raise FailedPreconditionError(
            None, None, f"sequence_length(b) <= {inputs.shape[0]} for every b, got {lengths.tolist()}"
        )


def _batch_of(inputs: Any, sequence_length: Any) -> Any:
    return (inputs.shape[1] if inputs.shape is not None else None) or (
        sequence_length.shape[0] if sequence_length.shape else None
    )


@op("CTCGreedyDecoder(inputs: T, sequence_length: int32, *, T: {float32|float64} = float32, blank_index: int = -1, merge_repeated: bool = False) "
    "-> (decoded_indices: int64, decoded_values: int64, decoded_shape: int64, log_probability: T)", where="host",
    shape=lambda inputs, sequence_length, **_: ((None, 2), (None,), (2,), (_batch_of(inputs, sequence_length), 1)))  # fmt: skip
def CTCGreedyDecoder(xp, inputs, sequence_length, *, merge_repeated, blank_index):
    """The best class of every step, repeats merged where wanted, blanks left out."""
    _check_decoded(inputs, sequence_length)
    time, batch, classes = inputs.shape
    blank = blank_index + classes if blank_index < 0 else blank_index
    if not 0 <= blank < classes:
        raise InvalidArgumentError(
            None, None, f"blank_index expected to be between {-classes} and {classes - 1}, got {blank_index}"
        )
    best = inputs.argmax(-1)
    rows, scores = [], np.zeros((batch, 1), inputs.dtype)
    for b, n in enumerate(sequence_length.tolist()):
        path = best[:n, b].tolist()
        rows.append([v for t, v in enumerate(path) if v != blank and not (merge_repeated and t and path[t - 1] == v)])
        scores[b, 0] = -inputs[:n, b].max(-1, initial=-np.inf).sum() if n else 0
    return *_sparse_rows(rows), scores


def _beams(log_p: np.ndarray, width: int, top: int, blank: int) -> list[tuple[list[int], float]]:
    """The `top` most probable label sequences of one example [time, classes], by prefix beam search."""
    nodes: list[tuple[int, int]] = [(-1, -1)]  # (parent, label)
    children: dict[tuple[int, int], int] = {}
    active, ends_blank, ends_label = [0], np.zeros(1), np.full(1, -np.inf)
    classes = log_p.shape[1]
    symbols = np.array([c for c in range(classes) if c != blank])
    for p in log_p:
        total = np.logaddexp(ends_blank, ends_label)
        label = np.array([nodes[n][1] for n in active])
        stay_blank = total + p[blank]
        stay_label = np.where(label >= 0, ends_label + p[np.maximum(label, 0)], -np.inf)
        grown = total[:, None] + p[symbols]
        again = symbols[None] == label[:, None]
        grown = np.where(again, ends_blank[:, None] + p[symbols], grown)
        where = {n: i for i, n in enumerate(active)}
        column = {c: i for i, c in enumerate(symbols.tolist())}
        for i, n in enumerate(active):  # a beam that another one grows into
            parent, last = nodes[n]
            j = where.get(parent)
            if j is not None and last >= 0:
                stay_label[i] = np.logaddexp(stay_label[i], grown[j, column[last]])
                grown[j, column[last]] = -np.inf
        scores = np.concatenate([np.logaddexp(stay_blank, stay_label), grown.reshape(-1)])
        kept = np.argsort(-scores, kind="stable")[:width]
        kept = kept[scores[kept] > -np.inf]
        new_active, new_blank, new_label = [], [], []
        for k in kept.tolist():
            if k < len(active):
                new_active.append(active[k])
                new_blank.append(stay_blank[k])
                new_label.append(stay_label[k])
                continue
            i, c = divmod(k - len(active), len(symbols))
            key = (active[i], int(symbols[c]))
            if key not in children:
                children[key] = len(nodes)
                nodes.append(key)
            new_active.append(children[key])
            new_blank.append(-np.inf)
            new_label.append(scores[k])
        active, ends_blank, ends_label = new_active, np.array(new_blank), np.array(new_label)
    total = np.logaddexp(ends_blank, ends_label)
    found = []
    for k in np.argsort(-total, kind="stable")[:top].tolist():
        sequence, n = [], active[k]
        while n > 0:
            sequence.append(nodes[n][1])
            n = nodes[n][0]
        found.append((sequence[::-1], float(total[k])))
    return found


def _decoded_dims(inputs: Any, sequence_length: Any, *, top_paths: int, **_: Any) -> Any:
    return (
        [(None, 2)] * top_paths,
        [(None,)] * top_paths,
        [(2,)] * top_paths,
        (_batch_of(inputs, sequence_length), top_paths),
    )


@op("CTCBeamSearchDecoder(inputs: T, sequence_length: int32, *, T: {float32|float64} = float32, beam_width: int >= 1, merge_repeated: bool = True, "
    "top_paths: int >= 1) -> (decoded_indices: top_paths*int64, decoded_values: top_paths*int64, decoded_shape: top_paths*int64, "
    "log_probability: T)", where="host", shape=_decoded_dims)  # fmt: skip
def CTCBeamSearchDecoder(xp, inputs, sequence_length, *, beam_width, merge_repeated, top_paths):
    """The most probable label sequences of each example, by prefix beam search."""
    _check_decoded(inputs, sequence_length)
    _, batch, classes = inputs.shape
    if top_paths > beam_width:
        raise InvalidArgumentError(None, None, f"top_paths must be <= beam_width, got {top_paths} and {beam_width}")
    wide = inputs.astype(np.float64)
    log_p = wide - wide.max(-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))
    paths: list[list[list[int]]] = [[] for _ in range(top_paths)]
    scores = np.zeros((batch, top_paths), inputs.dtype)
    for b, n in enumerate(sequence_length.tolist()):
        found = _beams(log_p[:n, b], beam_width, top_paths, classes - 1)
        if len(found) < top_paths:
            raise InvalidArgumentError(None, None, "Less leaves in the beam search than requested.")
        for k, (sequence, score) in enumerate(found):
            paths[k].append(_collapsed(sequence) if merge_repeated else sequence)
            scores[b, k] = score
    made = [_sparse_rows(rows) for rows in paths]
    return [m[0] for m in made], [m[1] for m in made], [m[2] for m in made], scores


@export("nn.ctc_greedy_decoder")
def ctc_greedy_decoder(inputs: Any, sequence_length: Any, merge_repeated: bool = True, blank_index: Any = None) -> Any:
    """([decoded SparseTensor], minus the sum of the best logits) of logits [time, batch, classes]."""
    *decoded, score = CTCGreedyDecoder(
        inputs, sequence_length, merge_repeated=merge_repeated, blank_index=-1 if blank_index is None else blank_index
    )
    return [SparseTensor(*decoded)], score


@export(v2=("nn.ctc_beam_search_decoder",), v1=("nn.ctc_beam_search_decoder_v2",))
def ctc_beam_search_decoder_v2(inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1) -> Any:
    """([decoded SparseTensor for each path], log probabilities [batch, top_paths]) of logits [time, batch, classes]."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)


@export(v1=("nn.ctc_beam_search_decoder",))
def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1, merge_repeated: bool = True
) -> Any:
    """The most probable label sequences; `merge_repeated` collapses repeats in what was decoded."""
    indices, values, shapes, scores = CTCBeamSearchDecoder(
        inputs, sequence_length, beam_width=beam_width, top_paths=top_paths, merge_repeated=merge_repeated
    )
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes)], scores


# -- labels -------------------------------------------------------------------------------------------------------------


@export("nn.ctc_unique_labels")
def ctc_unique_labels(labels: Any, name: Any = None) -> Any:
    """(unique labels of each row, padded with 0; where each label stands among them)."""
    with scoped(name, "ctc_unique_labels"):
        labels = convert_to_tensor(labels, name="labels")
        equal = later("Equal")(_ExpandDims(labels, 2), _ExpandDims(labels, 1))
        first = later("ArgMax")(_Cast(equal, DstT="int32"), 2, output_type="int32")
        column = later("Range")(0, later("Shape")(labels)[1], 1)
        is_first = _Cast(later("Equal")(first, column), DstT="int32")
        rank = later("Cumsum")(is_first, 1) - 1
        place = later("Sum")(_Select(later("Equal")(_ExpandDims(first, 2), column), _ExpandDims(rank, 1), 0), 2)
        here = later("LogicalAnd")(
            later("Equal")(_ExpandDims(rank, 1), _ExpandDims(column, 1)), later("Equal")(_ExpandDims(is_first, 1), 1)
        )
        unique = later("Sum")(_Select(here, _ExpandDims(labels, 1), later("ZerosLike")(_ExpandDims(labels, 1))), 2)
        return _Cast(unique, DstT="int64"), place


@export("nn.collapse_repeated")
def collapse_repeated(labels: Any, seq_length: Any, name: Any = None) -> Any:
    """(labels [batch, length] with repeats merged, padded with 0; their new lengths)."""
    with scoped(name, "collapse_repeated_labels"):
        labels = convert_to_tensor(labels, name="labels")
        seq_length = convert_to_tensor(seq_length, name="seq_length")
        shape = later("Shape")(labels)
        changes = later("NotEqual")(labels[:, 1:], labels[:, :-1])
        changes = _ConcatV2([later("Equal")(labels[:, :1], labels[:, :1]), changes], 1)
        column = later("Range")(0, shape[1], 1)
        inside = _Less(_ExpandDims(column, 0), _ExpandDims(_Cast(seq_length, DstT="int32"), 1))
        kept = later("LogicalAnd")(changes, inside)
        counted = _Cast(kept, DstT="int32")
        lengths = later("Sum")(counted, 1)
        longest = later("Max")(lengths, 0)
        target = later("Cumsum")(counted, 1) - 1
        slots = later("Range")(0, longest, 1)
        here = later("LogicalAnd")(
            later("Equal")(_ExpandDims(target, 1), later("Reshape")(slots, [1, -1, 1])), _ExpandDims(kept, 1)
        )
        packed = later("Sum")(_Select(here, _ExpandDims(labels, 1), later("ZerosLike")(_ExpandDims(labels, 1))), 2)
        return packed, lengths if seq_length.dtype.base_dtype.name == "int32" else _Cast(
            lengths, DstT=seq_length.dtype.base_dtype
        )
