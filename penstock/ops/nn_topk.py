"""The largest entries: top_k, in_top_k, nth_element."""

from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype, int32
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import axis_of, same
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later

_Reshape, _Shape, _Cast = later("Reshape"), later("Shape"), later("Cast")


def _packed(xp: Any, x: Any, k: int) -> Any:
    """As `lax.top_k`, for many: value and place in one 64-bit integer, which XLA's CPU sorts ten times as fast as pairs."""
    from jax import lax

    if x.dtype.kind in "iu":
        key = (x.astype(np.int64) + 2**31).astype(np.uint32) if x.dtype.kind == "i" else x.astype(np.uint32)
    else:
        bits = lax.bitcast_convert_type(x.astype(np.float32) + np.float32(0), np.uint32)  # -0 and 0 are equal
        key = xp.where(bits >> 31 == 1, ~bits, bits | np.uint32(1 << 31))
    places = xp.arange(x.shape[-1], dtype=np.uint64)
    ordered = lax.sort((~key).astype(np.uint64) << np.uint64(32) | places, is_stable=False)[..., :k]
    order = (ordered & np.uint64(0xFFFFFFFF)).astype(np.int32)
    return xp.take_along_axis(x, order, -1), order


def _top(xp: Any, x: Any, k: int) -> tuple[Any, Any]:
    """The k largest entries along the last axis, largest first, and where they stand; the first of equals first."""
    if xp is not np:
        from jax import lax

        if 8 * k >= x.shape[-1] and x.dtype.itemsize <= 4 and x.dtype.kind in "fiuV":
            return _packed(xp, x, k)
        return lax.top_k(x, k)
    n = x.shape[-1]
    order = (n - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable"))[..., ::-1][..., :k]
    return np.take_along_axis(x, order, -1), order


def _check_k(x: Any, k: int) -> None:
    if k < 0:
        raise ShapeError(f"Need k >= 0, got {k}")
    if not x.shape:
        raise ShapeError("input must be >= 1-D, got shape []")
    if x.shape[-1] is not None and x.shape[-1] < k:
        raise ShapeError(f"input must have at least k columns. Had {int(x.shape[-1])}, needed {k}: input must have last dimension >= k = {k} but is {int(x.shape[-1])}")


def _top_dims(input: Any, k: int | None) -> Any:
    if input.shape is None:
        return None, None
    if k is not None:
        _check_k(input, k)
    dims = (*input.shape[:-1], k)
    return dims, dims


@op("TopKV2(input: T, k: Tk, *, T: real, Tk: {int16|int32|int64} = int32, index_type: {int16|int32|int64} = int32, "
    "sorted: bool = True) -> (values: T, indices: index_type)", static=("k",))  # fmt: skip
def TopKV2(xp, input, k):
    """The k largest entries along the last axis and their places."""
    k = int(np.asarray(k).reshape(()))
    _check_k(input, k)
    return _top(xp, input, k)


@TopKV2.shape
def _(input: Any, k: Any) -> Any:
    return _top_dims(input, None if k.value is None else int(k.value.reshape(())))


@op("TopK(input: T, *, T: real, k: int >= 0, sorted: bool = True) -> (values: T, indices: int32)")
def TopK(xp, input, *, k):
    """The k largest entries along the last axis and their places."""
    _check_k(input, k)
    return _top(xp, input, k)


TopK.shape(lambda input, *, k: _top_dims(input, k))


def _top_grad(node: Any, dvalues: Any, _: Any = None) -> Any:
    x, places = node.inputs[0], node.outputs[1]
    if dvalues is None:
        return None
    shape = _Shape(x)
    places = _Cast(places, DstT="int32")
    columns, k = shape[-1], _Shape(places)[-1]
    flat = _Reshape(places, later("Pack")([-1, k]))
    rows = later("Range")(0, _Shape(flat)[0], 1)
    at = _Reshape(flat + _Reshape(rows * columns, [-1, 1]), [-1, 1])
    return _Reshape(later("ScatterNd")(at, _Reshape(dvalues, [-1]), _Reshape(later("Size")(x), [1])), shape)


TopK.grad_rule = _top_grad
TopKV2.grad_rule = lambda node, dvalues, dindices=None: (_top_grad(node, dvalues), None)


@export("nn.top_k", "math.top_k")
def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = int32, name: Any = None) -> Any:
    """The k largest entries along the last axis, and their places: `.values` and `.indices`.

    >>> tf.nn.top_k([1, 5, 3], k=2).values.numpy()
    array([5, 3], dtype=int32)
    """
    return TopKV2(input, k, sorted=sorted, index_type=as_dtype(index_type), name=name)


def _in_top(xp: Any, predictions: Any, targets: Any, k: Any) -> Any:
    classes = predictions.shape[1]
    inside = (targets >= 0) & (targets < classes)
    safe = xp.clip(targets, 0, max(classes - 1, 0))
    own = xp.take_along_axis(predictions, safe[:, None], 1)
    better = (predictions > own).sum(1)
    return inside & xp.isfinite(own[:, 0]) & xp.isfinite(predictions).all(1) & (better < k)


def _in_top_dims(predictions: Any, targets: Any, *_: Any, **__: Any) -> Any:
    for what, rank in ((predictions, 2), (targets, 1)):
        if what.shape is not None and len(what.shape) != rank:
            raise ShapeError(f"{what.name} must be rank {rank} but is rank {len(what.shape)}")
    rows = predictions.shape[0] if predictions.shape else None
    return (same(rows, targets.shape[0] if targets.shape else None, "one target a row"),)


def _fits(predictions: Any, targets: Any) -> None:
    if predictions.ndim != 2 or targets.ndim != 1:
        raise ShapeError(
            f"predictions must be 2-dimensional and targets 1-dimensional, got {list(predictions.shape)} and {list(targets.shape)}"
        )
    if predictions.shape[0] != targets.shape[0]:
        raise ShapeError(
            f"First dimension of predictions {predictions.shape[0]} must match length of targets {targets.shape[0]}"
        )


@op("InTopKV2(predictions: float32, targets: T, k: T, *, T: index = int32) -> precision: bool", shape=_in_top_dims)
def InTopKV2(xp, predictions, targets, k):
    """Is the target of each row among its k largest predictions (ties count as in)?"""
    _fits(predictions, targets)
    return _in_top(xp, predictions, targets, k)


@op("InTopK(predictions: float32, targets: T, *, T: index = int32, k: int) -> precision: bool", shape=_in_top_dims)
def InTopK(xp, predictions, targets, *, k):
    """Is the target of each row among its k largest predictions (ties count as in)?"""
    _fits(predictions, targets)
    return _in_top(xp, predictions, targets, k)


for _made in (InTopK, InTopKV2):
    _made.no_grad()


@export(v2=("nn.in_top_k", "math.in_top_k"))
def in_top_k_v2(targets: Any, predictions: Any, k: Any, name: Any = None) -> Any:
    """Is the target of each row among its k largest predictions?"""
    return in_top_k(predictions, targets, k, name)


@export(v1=("nn.in_top_k", "math.in_top_k"))
def in_top_k(predictions: Any, targets: Any, k: Any, name: Any = None) -> Any:
    """Is the target of each row among its k largest predictions? With the parameters of 1.x."""
    with scoped(name, "in_top_k"):
        return InTopKV2(predictions, targets, k)


@op("NthElement(input: T, n: int32, *, T: real, reverse: bool = False) -> values: T")
def NthElement(xp, input, n, *, reverse):
    """The entry that would stand at place n if the last axis were sorted."""
    ordered = xp.sort(input, axis=-1)
    last = input.shape[-1] - 1
    n = xp.clip(n, 0, max(last, 0))
    return xp.take(ordered, last - n if reverse else n, axis=-1)


@NthElement.shape
def _(input: Any, n: Any, *, reverse: bool) -> Any:
    if input.shape is None:
        return None
    if not input.shape:
        raise ShapeError("input must be at least rank 1 but is rank 0")
    if n.value is not None and input.shape[-1] is not None and not 0 <= int(n.value) < input.shape[-1]:
        raise ShapeError(f"n = {int(n.value)} must be in [0, {int(input.shape[-1])})")
    return input.shape[:-1]


@NthElement.check
def _(xp: Any, input: Any, n: Any, *, reverse: bool) -> Any:
    if input.ndim < 1:
        raise ShapeError("Input must be >= 1-D, got shape []")
    size = input.shape[-1]
    if xp is np and not 0 <= n < size:
        return True, f"n must be in [0, {size}) for a last axis of {size}, got {int(n)}"
    return (n < 0) | (n >= size), f"n must be in [0, {size})"


@NthElement.grad
def _(node: Any, dy: Any) -> Any:
    x, y = node.inputs[0], later("ExpandDims")(node.outputs[0], -1)
    hits = _Cast(later("Equal")(y, x), DstT=dy.dtype.base_dtype)
    return hits / later("Sum")(hits, -1, keep_dims=True) * later("ExpandDims")(dy, -1), None


@op("ApproxTopK(input: T, *, T: {float16|bfloat16|float32}, aggregate_to_topk: bool = True, is_max_k: bool = True, k: int >= 0, "
    "recall_target: float = 0.949999988079071, reduction_dimension: int = -1, reduction_input_size_override: int = -1) "
    "-> (values: T, indices: int32)")  # fmt: skip
def ApproxTopK(xp, input, *, k, reduction_dimension, is_max_k):
    """The k largest (or smallest) entries along an axis: all of them are found, whatever recall was asked for."""
    axis = axis_of(reduction_dimension, input.ndim, "reduction_dimension")
    x = xp.moveaxis(input, axis, -1)
    _check_k(x, k)
    values, places = _top(xp, x if is_max_k else -x, k)
    return xp.moveaxis(values if is_max_k else -values, -1, axis), xp.moveaxis(places, -1, axis)


@ApproxTopK.shape
def _(input: Any, *, k: int, reduction_dimension: int, is_max_k: bool) -> Any:
    if input.shape is None:
        return None, None
    axis = axis_of(reduction_dimension, len(input.shape), "reduction_dimension")
    if input.shape[axis] is not None and input.shape[axis] < k:
        raise ShapeError(f"input must have last dimension >= k = {k} but is {int(input.shape[axis])}")
    dims = tuple(k if i == axis else d for i, d in enumerate(input.shape))
    return dims, dims


def _approximately(largest: bool, name: str, word: str) -> Any:
    def call(
        operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95, reduction_input_size_override: int = -1,
        aggregate_to_topk: bool = True, name: Any = None,
    ) -> Any:  # fmt: skip
        return ApproxTopK(
            operand, k=k, reduction_dimension=reduction_dimension, recall_target=recall_target, is_max_k=largest,
            reduction_input_size_override=reduction_input_size_override, aggregate_to_topk=aggregate_to_topk, name=name,
        )  # fmt: skip

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"The k {word} entries along an axis, and their places."
    return export(f"nn.{name}", f"math.{name}")(call)


approx_max_k = _approximately(True, "approx_max_k", "largest")
approx_min_k = _approximately(False, "approx_min_k", "smallest")


@export("approx_top_k")
def approx_top_k(
    input: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95, is_max_k: bool = True,
    reduction_input_size_override: int = -1, aggregate_to_topk: bool = True, name: Any = None,
) -> Any:  # fmt: skip
    """The k largest (or, with `is_max_k=False`, smallest) entries along an axis, and their places."""
    return ApproxTopK(
        input, k=k, reduction_dimension=reduction_dimension, recall_target=recall_target, is_max_k=is_max_k,
        reduction_input_size_override=reduction_input_size_override, aggregate_to_topk=aggregate_to_topk, name=name,
    )  # fmt: skip
