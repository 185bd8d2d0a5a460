"""Losses over a sample of the classes: noise-contrastive estimation and sampled softmax."""

from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ir.seeds import op_seeds
from penstock.ops.families import later
from penstock.ops.nn_embedding import embedding_lookup
from penstock.ops.nn_losses import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits

_Cast, _Reshape, _Shape, _ConcatV2, _StopGradient, _Log, _Sum = map(
    later, ("Cast", "Reshape", "Shape", "ConcatV2", "StopGradient", "Log", "Sum")
)
_MatMul, _ExpandDims, _OnesLike, _ZerosLike = (
    later("MatMul"),
    later("ExpandDims"),
    later("OnesLike"),
    later("ZerosLike"),
)
_LogUniform = later("LogUniformCandidateSampler")


def _sampled_logits(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int, sampled_values: Any,
    remove_accidental_hits: bool, partition_strategy: str, seed: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """The logits [batch, num_true + num_sampled] of the true and the sampled classes, and the labels that go with them."""
    labels = convert_to_tensor(labels)
    if labels.dtype.base_dtype.name != "int64":
        labels = _Cast(labels, DstT="int64")
    flat = _Reshape(labels, [-1])
    if sampled_values is None:
        sampled_values = _LogUniform(
            labels if labels._dims is not None and len(labels._dims) == 2 else _Reshape(flat, [-1, num_true]),
            num_true=num_true, num_sampled=num_sampled, unique=True, range_max=num_classes, **op_seeds(seed),
        )  # fmt: skip
    sampled, true_count, sampled_count = (_StopGradient(v) for v in sampled_values)
    if sampled.dtype.base_dtype.name != "int64":
        sampled = _Cast(sampled, DstT="int64")
    all_ids = _ConcatV2([flat, sampled], 0)
    inputs = convert_to_tensor(inputs)
    dtype = inputs.dtype.base_dtype
    as_inputs = lambda t: t if t.dtype.base_dtype is dtype else _Cast(t, DstT=dtype)
    all_w = as_inputs(embedding_lookup(weights, all_ids, partition_strategy))
    all_b = as_inputs(embedding_lookup(biases, all_ids, partition_strategy))
    count = _Shape(flat)[0]
    true_w, sampled_w = all_w[:count], all_w[count:]
    true_b, sampled_b = all_b[:count], all_b[count:]
    sampled_logits = _MatMul(inputs, sampled_w, transpose_b=True)
    width = true_w._dims[-1] if true_w._dims is not None and true_w._dims[-1] is not None else _Shape(true_w)[1]
    by_row = _Reshape(true_w, [-1, num_true, width])
    true_logits = _Sum(_ExpandDims(inputs, 1) * by_row, -1)
    true_logits = true_logits + _Reshape(true_b, [-1, num_true])
    sampled_logits = sampled_logits + sampled_b
    if remove_accidental_hits:
        op_seeds(None)  # TensorFlow seeds an op here: later ops keep their numbers
        hits = later("Any")(later("Equal")(_ExpandDims(_Reshape(labels, [-1, num_true]), 2), sampled), 1)
        sampled_logits = sampled_logits + _Cast(hits, DstT=dtype) * float(-np.finfo(np.float32).max)
    true_logits = true_logits - as_inputs(_Log(true_count))
    sampled_logits = sampled_logits - as_inputs(_Log(sampled_count))
    logits = _ConcatV2([true_logits, sampled_logits], 1)
    return logits, _ConcatV2([_OnesLike(true_logits) / num_true, _ZerosLike(sampled_logits)], 1)


@export(v2=("nn.nce_loss",))
def nce_loss_v2(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = False, name: Any = "nce_loss",
) -> Any:  # fmt: skip
    """The noise-contrastive loss of each example: its true classes told apart from `num_sampled` sampled ones."""
    return nce_loss(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        "div",
        name,
    )


@export(v1=("nn.nce_loss",))
def nce_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = False, partition_strategy: str = "mod", name: Any = "nce_loss",
) -> Any:  # fmt: skip
    """The noise-contrastive loss of each example, with the parameters of 1.x."""
    with scoped(name, "nce_loss"):
        logits, targets = _sampled_logits(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            remove_accidental_hits,
            partition_strategy,
            None,
        )
    return _Sum(sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses"), 1)


@export(v2=("nn.sampled_softmax_loss",))
def sampled_softmax_loss_v2(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = True, seed: Any = None, name: Any = "sampled_softmax_loss",
) -> Any:  # fmt: skip
    """The softmax loss of each example over its true classes and `num_sampled` sampled ones."""
    return sampled_softmax_loss(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        "div",
        name,
        seed,
    )


@export(v1=("nn.sampled_softmax_loss",))
def sampled_softmax_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = True, partition_strategy: str = "mod",
    name: Any = "sampled_softmax_loss", seed: Any = None,
) -> Any:  # fmt: skip
    """The sampled softmax loss of each example, with the parameters of 1.x."""
    with scoped(name, "sampled_softmax_loss"):
        logits, targets = _sampled_logits(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            remove_accidental_hits,
            partition_strategy,
            seed,
        )
    return softmax_cross_entropy_with_logits(_StopGradient(targets, name="labels_stop_gradient"), logits)
