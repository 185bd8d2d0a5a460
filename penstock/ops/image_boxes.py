"""Boxes in images: cropping them out, thinning them out, drawing them."""

import heapq
import math
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, OutOfRangeError, ShapeError
from penstock.base.export import export
from penstock.base.shape import same
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.nn_windows import rank_is_or_unknown

_Shape, _Cast = later("Shape"), later("Cast")

# -- cropping -----------------------------------------------------------------------------------------------------------


def _crop_places(xp: Any, boxes: Any, first: int, size: int, count: int) -> Any:
    """Where each row (first = 0) or column (1) of the crops stands in the image: [boxes, count]."""
    low, high = boxes[:, first, None], boxes[:, first + 2, None]
    if count > 1:
        steps = np.arange(count, dtype=np.float32)
        return low * (size - 1) + steps * ((high - low) * (size - 1) / (count - 1))
    return 0.5 * (low + high) * (size - 1)


def _corners(xp: Any, at: Any, size: int) -> tuple[Any, Any, Any, Any]:
    """(is inside, lower index, upper index, share of the upper one)."""
    inside = (at >= 0) & (at <= size - 1)
    safe = xp.clip(at, 0, size - 1)
    floor = xp.floor(safe)
    return inside, floor.astype(np.int32), xp.ceil(safe).astype(np.int32), safe - floor


def _crop_size(crop_size: Any) -> tuple[int, int]:
    height, width = (int(v) for v in np.asarray(crop_size).reshape(-1))
    if height <= 0 or width <= 0:
        raise ShapeError(f"crop dimensions must be positive, got {height} x {width}")
    return height, width


_CROP_TYPES = "{uint8|uint16|int8|int16|int32|int64|float16|float32|float64}"


def _boxes_fit(boxes: Any, box_ind: Any) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"boxes must be [boxes, 4], got shape {list(boxes.shape)}")
    if box_ind.ndim != 1 or box_ind.shape[0] != boxes.shape[0]:
        raise ShapeError(
            f"box_index must hold one index a box: {boxes.shape[0]} boxes, box_index of shape {list(box_ind.shape)}"
        )


@op(f"CropAndResize(image: T, boxes: float32, box_ind: int32, crop_size: int32, *, T: {_CROP_TYPES}, extrapolation_value: float = 0.0, "
    'method: "bilinear"|"nearest" = "bilinear") -> crops: float32', static=("crop_size",))  # fmt: skip
def CropAndResize(xp, image, boxes, box_ind, crop_size, *, method, extrapolation_value):
    """Each box (y1, x1, y2, x2 as parts of the image) resized to `crop_size`."""
    height, width = _crop_size(crop_size)
    _, rows, columns, _ = image.shape
    which = xp.clip(box_ind, 0, max(image.shape[0] - 1, 0))[:, None, None]
    y, x = _crop_places(xp, boxes, 0, rows, height), _crop_places(xp, boxes, 1, columns, width)
    in_y, top, bottom, share_y = _corners(xp, y, rows)
    in_x, left, right, share_x = _corners(xp, x, columns)
    inside = (in_y[:, :, None] & in_x[:, None, :])[..., None]
    image = xp.asarray(image, np.float32)
    at = lambda a, b: image[which, a[:, :, None], b[:, None, :]]
    if method == "nearest":
        near = lambda v, size: xp.floor(xp.clip(v, 0, size - 1) + 0.5).astype(np.int32)
        out = at(near(y, rows), near(x, columns))
    else:
        share_x = share_x[:, None, :, None]
        upper = at(top, left) + (at(top, right) - at(top, left)) * share_x
        lower = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * share_x
        out = upper + (lower - upper) * share_y[:, :, None, None]
    return xp.where(inside, out, xp.asarray(extrapolation_value, np.float32))


@CropAndResize.shape
def _(image: Any, boxes: Any, box_ind: Any, crop_size: Any, *, method: str, extrapolation_value: float) -> Any:
    dims, table, index = rank_is_or_unknown(image, 4), rank_is_or_unknown(boxes, 2), rank_is_or_unknown(box_ind, 1)
    count = same(table[0], index[0], "one index a box")
    size = crop_size.dims or (None, None)
    return count, size[0], size[1], dims[3]


@CropAndResize.check
def _(xp: Any, image: Any, boxes: Any, box_ind: Any, crop_size: Any, *, method: str, extrapolation_value: float) -> Any:
    if image.ndim != 4:
        raise ShapeError(f"image must be 4-D, got shape {list(image.shape)}")
    _boxes_fit(boxes, box_ind)
    return (
        ((box_ind < 0) | (box_ind >= image.shape[0])).any(),
        f"box_index has values outside [0, {image.shape[0]})",
        OutOfRangeError,
    )


@CropAndResize.grad
def _(node: Any, dy: Any) -> Any:
    image, boxes, box_ind, _ = node.inputs
    method = node.attrs["method"]
    dtype = image.dtype.base_dtype
    dimage = None
    if dtype.name in ("float16", "float32", "float64"):
        dimage = CropAndResizeGradImage(dy, boxes, box_ind, _Shape(image), T=dtype, method=method)
    dboxes = CropAndResizeGradBoxes(dy, image, boxes, box_ind) if method == "bilinear" else None
    return dimage, dboxes, None, None


@op("CropAndResizeGradImage(grads: float32, boxes: float32, box_ind: int32, image_size: int32, *, T: {float32|float16|float64}, "
    'method: "bilinear"|"nearest" = "bilinear") -> output: T', static=("image_size",),
    shape=lambda grads, boxes, box_ind, image_size, **_: image_size.dims or (None,) * 4)  # fmt: skip
def CropAndResizeGradImage(xp, grads, boxes, box_ind, image_size, *, method):
    """The gradient of CropAndResize with respect to the images."""
    _boxes_fit(boxes, box_ind)
    batch, rows, columns, depth = (int(v) for v in np.asarray(image_size))
    height, width = grads.shape[1:3]
    which = xp.clip(box_ind, 0, max(batch - 1, 0))[:, None, None]
    y, x = _crop_places(xp, boxes, 0, rows, height), _crop_places(xp, boxes, 1, columns, width)
    in_y, top, bottom, share_y = _corners(xp, y, rows)
    in_x, left, right, share_x = _corners(xp, x, columns)
    g = xp.where((in_y[:, :, None] & in_x[:, None, :])[..., None], grads, xp.zeros((), grads.dtype))
    sy, sx = share_y[:, :, None, None], share_x[:, None, :, None]
    if method == "nearest":
        near = lambda v, size: xp.floor(xp.clip(v, 0, size - 1) + 0.5).astype(np.int32)
        parts = [(near(y, rows), near(x, columns), g)]
    else:
        parts = [
            (top, left, g * (1 - sy) * (1 - sx)),
            (top, right, g * (1 - sy) * sx),
            (bottom, left, g * sy * (1 - sx)),
            (bottom, right, g * sy * sx),
        ]
    out = xp.zeros((batch, rows, columns, depth), np.float32)
    for a, b, part in parts:
        place = (which, a[:, :, None], b[:, None, :])
        if xp is np:
            np.add.at(out, tuple(np.broadcast_arrays(*place)), part)
        else:
            out = out.at[place].add(part)
    return out


@op(f'CropAndResizeGradBoxes(grads: float32, image: T, boxes: float32, box_ind: int32, *, T: {_CROP_TYPES}, method: "bilinear" = "bilinear") '
    "-> output: float32", shape=lambda grads, image, boxes, box_ind, **_: boxes.shape)  # fmt: skip
def CropAndResizeGradBoxes(xp, grads, image, boxes, box_ind):
    """The gradient of CropAndResize with respect to the boxes."""
    _boxes_fit(boxes, box_ind)
    _, rows, columns, _ = image.shape
    height, width = grads.shape[1:3]
    which = xp.clip(box_ind, 0, max(image.shape[0] - 1, 0))[:, None, None]
    y, x = _crop_places(xp, boxes, 0, rows, height), _crop_places(xp, boxes, 1, columns, width)
    in_y, top, bottom, share_y = _corners(xp, y, rows)
    in_x, left, right, share_x = _corners(xp, x, columns)
    image = xp.asarray(image, np.float32)
    at = lambda a, b: image[which, a[:, :, None], b[:, None, :]]
    g = xp.where((in_y[:, :, None] & in_x[:, None, :])[..., None], grads, xp.zeros((), grads.dtype))
    sy, sx = share_y[:, :, None, None], share_x[:, None, :, None]
    dy = ((1 - sx) * (at(bottom, left) - at(top, left)) + sx * (at(bottom, right) - at(top, right))) * g * (rows - 1)
    dx = ((1 - sy) * (at(top, right) - at(top, left)) + sy * (at(bottom, right) - at(bottom, left))) * g * (columns - 1)

    def ends(d: Any, count: int, axis: int) -> tuple[Any, Any]:
        form = [1, 1, 1, 1]
        form[axis] = count
        share = (
            np.arange(count, dtype=np.float32) / (count - 1) if count > 1 else np.full(1, 0.5, np.float32)
        ).reshape(form)
        return (d * (1 - share)).sum((1, 2, 3)), (d * share).sum((1, 2, 3))

    (y1, y2), (x1, x2) = ends(dy, height, 1), ends(dx, width, 2)
    return xp.stack([y1, x1, y2, x2], 1)


@export(v2=("image.crop_and_resize",))
def crop_and_resize_v2(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: Any = None,
) -> Any:
    """Each box (y1, x1, y2, x2 as parts of its image) cut out and resized to `crop_size`."""
    return CropAndResize(
        image, boxes, box_indices, crop_size, method=method, extrapolation_value=extrapolation_value, name=name
    )


@export(v1=("image.crop_and_resize",))
def crop_and_resize(
    image: Any, boxes: Any, box_ind: Any = None, crop_size: Any = None, method: str = "bilinear", extrapolation_value: float = 0,
    name: Any = None, box_indices: Any = None,
) -> Any:  # fmt: skip
    """Each box cut out and resized, with the parameters of 1.x."""
    index = box_ind if box_indices is None else box_indices
    return CropAndResize(
        image, boxes, index, crop_size, method=method, extrapolation_value=extrapolation_value, name=name
    )


# -- non-max suppression ------------------------------------------------------------------------------------------------


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes, whichever way round their corners are given."""
    ay1, ax1, ay2, ax2 = min(a[0], a[2]), min(a[1], a[3]), max(a[0], a[2]), max(a[1], a[3])
    by1, bx1, by2, bx2 = min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])
    area_a, area_b = (ay2 - ay1) * (ax2 - ax1), (by2 - by1) * (bx2 - bx1)
    if area_a <= 0 or area_b <= 0:
        return 0.0
    shared = max(min(ay2, by2) - max(ay1, by1), 0.0) * max(min(ax2, bx2) - max(ax1, bx1), 0.0)
    return shared / (area_a + area_b - shared)


def suppress(
    scores: np.ndarray, overlap: Any, most: int, overlap_threshold: float, score_threshold: float, sigma: float = 0.0
) -> tuple[list[int], list[float]]:
    """The boxes kept, best first, and their scores: one too like a better one goes (or, softly, has its score lowered)."""
    soft = sigma > 0
    queue = [(-float(s), i, 0) for i, s in enumerate(scores) if s > score_threshold]
    heapq.heapify(queue)
    kept: list[int] = []
    kept_scores: list[float] = []
    while queue and len(kept) < most:
        negative, i, begin = heapq.heappop(queue)
        score = original = -negative
        gone = False
        for j in range(len(kept) - 1, begin - 1, -1):
            like = overlap(i, kept[j])
            if not soft and like > overlap_threshold:
                gone = True
                break
            if soft:
                score *= math.exp(-0.5 / sigma * like * like)
            if score <= score_threshold:
                break
        if gone:
            continue
        if score == original:
            kept.append(i)
            kept_scores.append(score)
        elif score > score_threshold:
            heapq.heappush(queue, (-score, i, len(kept)))
    return kept, kept_scores


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`_overlap` of each box of `a` with each of `b`."""
    (low_a, high_a), (low_b, high_b) = ((np.minimum(t[:, :2], t[:, 2:]), np.maximum(t[:, :2], t[:, 2:])) for t in (a, b))
    area_a, area_b = np.prod(high_a - low_a, 1)[:, None], np.prod(high_b - low_b, 1)[None]
    sides = np.minimum(high_a[:, None], high_b[None]) - np.maximum(low_a[:, None], low_b[None])
    shared = np.prod(np.maximum(sides, 0), 2)
    empty = (area_a <= 0) | (area_b <= 0)
    return np.where(empty, 0, shared / np.where(empty, 1, area_a + area_b - shared))


def hard_suppress(table: np.ndarray, scores: np.ndarray, most: int, threshold: float, floor: float, block: int = 128) -> tuple[list[int], list[float]]:
    """`suppress` without lowering scores: block by block, best first, against those kept and within the block."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > floor]
    kept: list[int] = []
    for begin in range(0, order.size, block):
        if len(kept) >= most:
            break
        some = order[begin : begin + block]
        if kept:
            some = some[~(_overlaps(table[some], table[kept]) > threshold).any(1)]
        like = _overlaps(table[some], table[some]) > threshold
        alive = np.ones(some.size, bool)
        for i, box in enumerate(some.tolist()):
            if alive[i] and len(kept) < most:
                kept.append(box)
                alive[i + 1 :] &= ~like[i, i + 1 :]
    return kept, [float(scores[i]) for i in kept]


def _scalar(x: Any) -> float:
    return float(np.asarray(x, np.float64).reshape(()))


def _check_boxes(boxes: Any, scores: Any) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"boxes must be [boxes, 4], got shape {list(boxes.shape)}")
    if scores.ndim != 1 or scores.shape[0] != boxes.shape[0]:
        raise ShapeError(f"scores has incompatible shape: {boxes.shape[0]} boxes, scores of shape {list(scores.shape)}")


def _thinned(
    boxes: Any, scores: Any, most: Any, iou: Any, floor: Any = -math.inf, sigma: Any = 0.0
) -> tuple[list[int], list[float]]:
    _check_boxes(boxes, scores)
    iou, most = _scalar(iou), int(_scalar(most))
    if not 0 <= iou <= 1:
        raise InvalidArgumentError(None, None, f"iou_threshold must be in [0, 1], got {iou}")
    if most < 0:
        raise InvalidArgumentError(None, None, f"max_output_size must be non-negative, got {most}")
    table = np.asarray(boxes, np.float32)
    if _scalar(sigma) <= 0 and np.isfinite(table).all():
        return hard_suppress(table, np.asarray(scores), min(most, len(scores)), iou, _scalar(floor))
    return suppress(
        scores, lambda a, b: _overlap(table[a], table[b]), min(most, len(scores)), iou, _scalar(floor), _scalar(sigma)
    )


def _unknown_vector(*_: Any, **__: Any) -> Any:
    return (None,)


@op("NonMaxSuppression(boxes: float32, scores: float32, max_output_size: int32, *, iou_threshold: float = 0.5) -> selected_indices: int32",
    where="host", shape=_unknown_vector)  # fmt: skip
def NonMaxSuppression(xp, boxes, scores, max_output_size, *, iou_threshold):
    """The boxes left when those too like a better one have gone."""
    return np.array(_thinned(boxes, scores, max_output_size, iou_threshold)[0], np.int32)


@op("NonMaxSuppressionV2(boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, *, T: {float16|float32} = float32, "
    "T_threshold: {float16|float32} = float32) -> selected_indices: int32", where="host", shape=_unknown_vector)  # fmt: skip
def NonMaxSuppressionV2(xp, boxes, scores, max_output_size, iou_threshold):
    """The boxes left when those too like a better one have gone."""
    return np.array(_thinned(boxes, scores, max_output_size, iou_threshold)[0], np.int32)


@op("NonMaxSuppressionV3(boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, score_threshold: T_threshold, *, "
    "T: {float16|float32} = float32, T_threshold: {float16|float32} = float32) -> selected_indices: int32",
    where="host", shape=_unknown_vector)  # fmt: skip
def NonMaxSuppressionV3(xp, boxes, scores, max_output_size, iou_threshold, score_threshold):
    """The boxes left when those too like a better one, and those of low score, have gone."""
    return np.array(_thinned(boxes, scores, max_output_size, iou_threshold, score_threshold)[0], np.int32)


def _padded(values: list[Any], most: int, pad: bool, dtype: Any) -> np.ndarray:
    return np.array(values + [0] * (most - len(values) if pad else 0), dtype)


def _most(max_output_size: Any, pad: bool) -> int | None:
    value = max_output_size.value
    return int(value) if pad and value is not None else None


@op("NonMaxSuppressionV4(boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, score_threshold: T_threshold, *, "
    "T: {float16|float32} = float32, T_threshold: {float16|float32} = float32, pad_to_max_output_size: bool = False) "
    "-> (selected_indices: int32, valid_outputs: int32)", where="host")  # fmt: skip
def NonMaxSuppressionV4(xp, boxes, scores, max_output_size, iou_threshold, score_threshold, *, pad_to_max_output_size):
    """NonMaxSuppressionV3 with zeros up to the largest number, and how many are true."""
    kept, _ = _thinned(boxes, scores, max_output_size, iou_threshold, score_threshold)
    return _padded(kept, int(max_output_size), pad_to_max_output_size, np.int32), np.int32(len(kept))


@NonMaxSuppressionV4.shape
def _(boxes, scores, max_output_size, iou_threshold, score_threshold, *, pad_to_max_output_size):
    return (_most(max_output_size, pad_to_max_output_size),), ()


@op("NonMaxSuppressionV5(boxes: T, scores: T, max_output_size: int32, iou_threshold: T, score_threshold: T, soft_nms_sigma: T, *, "
    "T: {float16|float32} = float32, pad_to_max_output_size: bool = False) -> (selected_indices: int32, selected_scores: T, valid_outputs: int32)",
    where="host")  # fmt: skip
def NonMaxSuppressionV5(
    xp, boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma, *, pad_to_max_output_size
):
    """NonMaxSuppressionV4 that may lower scores instead of dropping boxes."""
    kept, kept_scores = _thinned(boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma)
    most = int(max_output_size)
    return (
        _padded(kept, most, pad_to_max_output_size, np.int32), _padded(kept_scores, most, pad_to_max_output_size, scores.dtype),
        np.int32(len(kept)),
    )  # fmt: skip


@NonMaxSuppressionV5.shape
def _(boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma, *, pad_to_max_output_size):
    most = _most(max_output_size, pad_to_max_output_size)
    return (most,), (most,), ()


@op("NonMaxSuppressionWithOverlaps(overlaps: float32, scores: float32, max_output_size: int32, overlap_threshold: float32, "
    "score_threshold: float32) -> selected_indices: int32", where="host", shape=_unknown_vector)  # fmt: skip
def NonMaxSuppressionWithOverlaps(xp, overlaps, scores, max_output_size, overlap_threshold, score_threshold):
    """Suppression by a table of overlaps [n, n]."""
    if overlaps.ndim != 2 or overlaps.shape[0] != overlaps.shape[1]:
        raise ShapeError(f"overlaps must be square, got shape {list(overlaps.shape)}")
    if scores.shape != overlaps.shape[:1]:
        raise ShapeError(f"scores has incompatible shape {list(scores.shape)} for overlaps {list(overlaps.shape)}")
    kept, _ = suppress(
        scores,
        lambda a, b: float(overlaps[a, b]),
        int(max_output_size),
        _scalar(overlap_threshold),
        _scalar(score_threshold),
    )
    return np.array(kept, np.int32)


@op("CombinedNonMaxSuppression(boxes: float32, scores: float32, max_output_size_per_class: int32, max_total_size: int32, "
    "iou_threshold: float32, score_threshold: float32, *, clip_boxes: bool = True, pad_per_class: bool = False) "
    "-> (nmsed_boxes: float32, nmsed_scores: float32, nmsed_classes: float32, valid_detections: int32)", where="host")  # fmt: skip
def CombinedNonMaxSuppression(
    xp, boxes, scores, max_output_size_per_class, max_total_size, iou_threshold, score_threshold, *, clip_boxes, pad_per_class
):  # fmt: skip
    """Suppression in each class of each image, then the best of all classes."""
    if boxes.ndim != 4 or scores.ndim != 3:
        raise ShapeError(f"boxes must be 4-D and scores 3-D, got shapes {list(boxes.shape)} and {list(scores.shape)}")
    if not 0 <= _scalar(iou_threshold) <= 1:
        raise InvalidArgumentError(None, None, f"iou_threshold must be in [0, 1], got {_scalar(iou_threshold)}")
    batch, classes = boxes.shape[0], scores.shape[2]
    per_class, total = int(max_output_size_per_class), int(max_total_size)
    if total <= 0:
        raise InvalidArgumentError(None, None, f"max_total_size must be > 0, got {total}")
    size = min(total, per_class * classes) if pad_per_class else total
    out_boxes, out_scores = np.zeros((batch, size, 4), np.float32), np.zeros((batch, size), np.float32)
    out_classes, valid = np.zeros((batch, size), np.float32), np.zeros(batch, np.int32)
    for n in range(batch):
        found = []
        for c in range(classes):
            table = boxes[n, :, c if boxes.shape[2] > 1 else 0]
            kept, kept_scores = _thinned(table, scores[n, :, c], per_class, iou_threshold, score_threshold)
            found += [(-s, c, table[i]) for i, s in zip(kept, kept_scores)]
        found.sort(key=lambda entry: entry[0])
        for k, (negative, c, box) in enumerate(found[:size]):
            out_boxes[n, k], out_scores[n, k], out_classes[n, k] = (
                np.clip(box, 0, 1) if clip_boxes else box,
                -negative,
                c,
            )
        valid[n] = min(len(found), size)
    return out_boxes, out_scores, out_classes, valid


@CombinedNonMaxSuppression.shape
def _(
    boxes,
    scores,
    max_output_size_per_class,
    max_total_size,
    iou_threshold,
    score_threshold,
    *,
    clip_boxes,
    pad_per_class,
):
    batch = same(rank_is_or_unknown(boxes, 4)[0], rank_is_or_unknown(scores, 3)[0], "one batch")
    total, per_class, classes = max_total_size.value, max_output_size_per_class.value, rank_is_or_unknown(scores, 3)[2]
    size = None if total is None else int(total)
    if size is not None and pad_per_class:
        size = None if per_class is None or classes is None else min(size, int(per_class) * int(classes))
    return (batch, size, 4), (batch, size), (batch, size), (batch,)


@export("image.non_max_suppression")
def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    name: Any = None,
) -> Any:
    """The indices of the boxes kept, best first: one that overlaps a better one by more than `iou_threshold` goes."""
    with scoped(name, "non_max_suppression"):
        iou = convert_to_tensor(iou_threshold, dtype="float32", name="iou_threshold")
        floor = convert_to_tensor(score_threshold, dtype="float32", name="score_threshold")
        return NonMaxSuppressionV3(boxes, scores, max_output_size, iou, floor)


@export("image.non_max_suppression_with_scores")
def non_max_suppression_with_scores(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    soft_nms_sigma: Any = 0.0, name: Any = None,
) -> Any:  # fmt: skip
    """(indices, scores) of the boxes kept; with a sigma, overlapping boxes have their scores lowered instead."""
    with scoped(name, "non_max_suppression_with_scores"):
        floats = [convert_to_tensor(v, dtype="float32") for v in (iou_threshold, score_threshold, soft_nms_sigma)]
        indices, kept, _ = NonMaxSuppressionV5(boxes, scores, max_output_size, *floats, pad_to_max_output_size=False)
        return indices, kept


@export("image.non_max_suppression_overlaps")
def non_max_suppression_with_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    name: Any = None,
) -> Any:
    """The indices kept by a table of overlaps [n, n]."""
    with scoped(name, "non_max_suppression_overlaps"):
        return NonMaxSuppressionWithOverlaps(overlaps, scores, max_output_size, overlap_threshold, score_threshold)


@export("image.combined_non_max_suppression")
def combined_non_max_suppression(
    boxes: Any, scores: Any, max_output_size_per_class: Any, max_total_size: Any, iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), pad_per_class: bool = False, clip_boxes: bool = True, name: Any = None,
) -> Any:  # fmt: skip
    """Suppression in each class of each image, then the best of all classes: (boxes, scores, classes, how many)."""
    with scoped(name, "combined_non_max_suppression"):
        return CombinedNonMaxSuppression(
            boxes, scores, max_output_size_per_class, max_total_size, convert_to_tensor(iou_threshold, dtype="float32"),
            convert_to_tensor(score_threshold, dtype="float32"), pad_per_class=pad_per_class, clip_boxes=clip_boxes,
        )  # fmt: skip


# -- drawing ------------------------------------------------------------------------------------------------------------

_COLOURS = np.array(
    [[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0.5, 0, 0.5, 1], [0.5, 0.5, 0, 1], [0.5, 0, 0, 1], [0, 0, 0.5, 1],
     [0, 1, 1, 1], [1, 0, 1, 1]], np.float32,
)  # fmt: skip


def _drawn(images: Any, boxes: Any, colours: Any) -> np.ndarray:
    if images.ndim != 4:
        raise ShapeError(f"The rank of the images should be 4, got shape {list(images.shape)}")
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise ShapeError(f"The size of boxes should be [batch, boxes, 4], got shape {list(boxes.shape)}")
    if boxes.shape[0] != images.shape[0]:
        raise ShapeError(f"The batch sizes should be the same: images {images.shape[0]}, boxes {boxes.shape[0]}")
    batch, height, width, depth = images.shape
    if depth not in (1, 3, 4):
        raise ShapeError(f"Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA), got {depth}")
    table = _COLOURS if colours is None or not colours.size else np.asarray(colours, np.float32)
    if table.shape[-1] < depth:
        raise ShapeError(f"colors must have at least {depth} entries each, got {table.shape[-1]}")
    if depth == 1:
        table = table.copy()
        table[:, 0] = 1
    out = images.copy()
    for n in range(batch):
        for k, box in enumerate(boxes[n]):
            if not np.isfinite(box).all():
                continue
            colour = table[k % len(table), :depth]
            y1, x1, y2, x2 = (
                int(np.float32(v) * np.float32(s - 1)) for v, s in zip(box, (height, width, height, width))
            )
            if y1 > y2 or x1 > x2 or y1 >= height or y2 < 0 or x1 >= width or x2 < 0:
                continue
            rows, columns = slice(max(y1, 0), min(y2, height - 1) + 1), slice(max(x1, 0), min(x2, width - 1) + 1)
            if y1 >= 0:
                out[n, y1, columns] = colour
            if y2 < height:
                out[n, y2, columns] = colour
            if x1 >= 0:
                out[n, rows, x1] = colour
            if x2 < width:
                out[n, rows, x2] = colour
    return out


def _as_images(images: Any, *_: Any, **__: Any) -> Any:
    return images.shape


@op(
    "DrawBoundingBoxesV2(images: T, boxes: float32, colors: float32, *, T: {float32|float16} = float32) -> output: T",
    where="host",
    shape=_as_images,
)
def DrawBoundingBoxesV2(xp, images, boxes, colors):
    """Images with boxes drawn on them in the given colours, in turn."""
    return _drawn(images, boxes, colors)


@op(
    "DrawBoundingBoxes(images: T, boxes: float32, *, T: {float32|float16} = float32) -> output: T",
    where="host",
    shape=_as_images,
)
def DrawBoundingBoxes(xp, images, boxes):
    """Images with boxes drawn on them."""
    return _drawn(images, boxes, None)


@export(v2=("image.draw_bounding_boxes",))
def draw_bounding_boxes_v2(images: Any, boxes: Any, colors: Any, name: Any = None) -> Any:
    """Images [batch, height, width, depth] with boxes [batch, boxes, 4] drawn on them in `colors`, in turn."""
    if colors is None:
        return DrawBoundingBoxes(images, boxes, name=name)
    return DrawBoundingBoxesV2(images, boxes, colors, name=name)


@export(v1=("image.draw_bounding_boxes",))
def draw_bounding_boxes(images: Any, boxes: Any, name: Any = None, colors: Any = None) -> Any:
    """Images with boxes drawn on them, with the parameters of 1.x."""
    return draw_bounding_boxes_v2(images, boxes, colors, name)


@export("image.non_max_suppression_padded")
def non_max_suppression_padded(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    pad_to_max_output_size: bool = False, name: Any = None, sorted_input: bool = False, canonicalized_coordinates: bool = False,
    tile_size: int = 512,
) -> Any:  # fmt: skip
    """(indices padded with 0, how many are true) of the boxes kept, of one image or of each of a batch."""
    with scoped(name, "non_max_suppression_padded"):
        boxes, scores = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
        dims = boxes._dims
        if dims is None:
            raise ValueError("boxes must be of known rank")
        batched = len(dims) > 2
        if batched and not pad_to_max_output_size:
            raise ValueError("'pad_to_max_output_size' (value False) must be True for batched input")
        ends = [convert_to_tensor(v, dtype="float32") for v in (iou_threshold, score_threshold)]
        each = lambda b, s: NonMaxSuppressionV4(
            b, s, max_output_size, *ends, pad_to_max_output_size=pad_to_max_output_size
        )
        if not batched:
            return tuple(each(boxes, scores))
        outer = dims[:-2]
        if None in outer:
            raise ValueError(f"the batch of boxes must be known when the graph is built, got shape {boxes.shape}")
        count = math.prod(outer)
        reshape, unpack, pack = later("Reshape"), later("Unpack"), later("Pack")
        rows = _Shape(boxes)[-2] if dims[-2] is None else dims[-2]
        flat_boxes = unpack(
            reshape(boxes, [count, rows, 4] if isinstance(rows, int) else pack([count, rows, 4])), num=count
        )
        flat_scores = unpack(
            reshape(scores, [count, rows] if isinstance(rows, int) else pack([count, rows])), num=count
        )
        kept = [each(b, s) for b, s in zip(flat_boxes, flat_scores)]
        return reshape(pack([k[0] for k in kept]), [*outer, -1]), reshape(pack([k[1] for k in kept]), list(outer))
