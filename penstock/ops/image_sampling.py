"""Random crops that keep enough of what is in the picture."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.seeds import op_seeds
from penstock.ops.random_bits import Stream, advance, columns, from_state, to_state
from penstock.ops.random_stateless import seed_stream


class Draws:
    """The 32-bit words of a stream, one after the other."""

    def __init__(self, stream: Stream, count: int):
        self.words = np.stack(columns(np, stream, -(-count // 4)), -1).reshape(-1).tolist()
        self.at = 0

    def word(self) -> int:
        self.at += 1
        return self.words[self.at - 1]

    def real(self) -> np.float32:
        """A float32 in [0, 1)."""
        return np.array((self.word() & 0x7FFFFF) | 0x3F800000, np.uint32).view(np.float32)[()] - np.float32(1)

    def below(self, n: int) -> int:
        """An integer in [0, n), without favour."""
        if n & (n - 1) == 0:
            return self.word() & (n - 1)
        limit = 0xFFFFFFFF - (0xFFFFFFFF % n + 1) % n
        word = self.word()
        while word > limit:
            word = self.word()
        return word % n


def _whole(x: Any) -> int:
    return int(np.rint(x))


def _crop(
    height: int, width: int, low_area: float, high_area: float, ratio: np.float32, draws: Draws
) -> tuple[int, int, int, int] | None:
    """(top, left, height, width) of a crop of this shape and of an area between the two, or None when there is none."""
    f = np.float32
    least, most = f(low_area) * f(width) * f(height), f(high_area) * f(width) * f(height)
    high = _whole(np.sqrt(least / ratio))
    top = _whole(np.sqrt(most / ratio))
    if _whole(f(top) * ratio) > width:
        top = int((f(width) + f(0.5) - f(1e-7)) / ratio)
        if _whole(f(top) * ratio) > width:
            top -= 1
    top = min(top, height)
    high = min(high, top)
    if high < top:
        high += draws.below(top - high + 1)
    wide = _whole(f(high) * ratio)
    if wide * high < least:
        high += 1
        wide = _whole(f(high) * ratio)
    if wide * high > most:
        high -= 1
        wide = _whole(f(high) * ratio)
    if not least <= wide * high <= most or wide > width or high > height or wide <= 0 or high <= 0:
        return None
    y = draws.below(height - high) if high < height else 0
    x = draws.below(width - wide) if wide < width else 0
    return y, x, high, wide


def _covers(crop: tuple[int, int, int, int], boxes: list[tuple[int, int, int, int]], share: float) -> bool:
    """Does the crop hold at least this share of one of the boxes?"""
    y, x, high, wide = crop
    if high * wide < 1:
        return False
    for y1, x1, y2, x2 in boxes:
        area = (y2 - y1) * (x2 - x1)
        if area < 1:
            continue
        shared = max(0, min(y + high, y2) - max(y, y1)) * max(0, min(x + wide, x2) - max(x, x1))
        if np.float32(shared) / np.float32(area) >= share:
            return True
    return False


def _sampled(
    stream: Stream,
    image_size: Any,
    bounding_boxes: Any,
    share: Any,
    ratios: Any,
    areas: Any,
    attempts: int,
    use_image: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(begin, size, box) of the crop: the whole image when no attempt is good enough."""
    size, boxes = np.asarray(image_size).reshape(-1), np.asarray(bounding_boxes)
    if len(size) != 3:
        raise ShapeError(f"image_size must contain 3 elements, got {len(size)}")
    height, width = int(size[0]), int(size[1])
    if height <= 0 or width <= 0:
        raise InvalidArgumentError(None, None, f"image height and width must be positive, got {height} x {width}")
    share = float(np.asarray(share).reshape(()))
    if not 0 <= share <= 1:
        raise InvalidArgumentError(None, None, f"min_object_covered must be in [0, 1], got {share}")
    if len(ratios) != 2 or ratios[0] <= 0 or ratios[1] < ratios[0]:
        raise InvalidArgumentError(
            None, None, f"aspect_ratio_range must be two positive numbers in order, got {list(ratios)}"
        )
    if len(areas) != 2 or not 0 < areas[0] <= 1 or not 0 < areas[1] <= 1 or areas[1] < areas[0]:
        raise InvalidArgumentError(None, None, f"area_range must be two numbers in (0, 1] in order, got {list(areas)}")
    if attempts <= 0:
        raise InvalidArgumentError(None, None, f"max_attempts must be positive, got {attempts}")
    if boxes.size and (boxes.ndim != 3 or boxes.shape[-1] != 4):
        raise ShapeError(f"bounding boxes must be [batch, boxes, 4], got shape {list(boxes.shape)}")
    things = []
    for y1, x1, y2, x2 in boxes.reshape(-1, 4).tolist() if boxes.size else []:
        if not 0 <= y1 <= y2 <= 1 or not 0 <= x1 <= x2 <= 1:
            raise InvalidArgumentError(
                None, None, f"All bounding box coordinates must be in [0, 1] and in order, got {[y1, x1, y2, x2]}"
            )
        scaled = [np.float32(v) * np.float32(n) for v, n in zip((y1, x1, y2, x2), (height, width, height, width))]
        things.append(tuple(int(v) for v in scaled))
    if not things:
        if not use_image:
            raise InvalidArgumentError(
                None,
                None,
                "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish to not provide any bounding boxes.",
            )
        things.append((0, 0, height, width))
    draws = Draws(stream, 4 * min(attempts, 1 << 16) * 4)
    low, high = np.float32(ratios[0]), np.float32(ratios[1])
    found = (0, 0, height, width)
    for _ in range(min(attempts, 1 << 16)):
        ratio = draws.real() * (high - low) + low
        crop = _crop(height, width, areas[0], areas[1], ratio, draws)
        if crop is not None and _covers(crop, things, np.float32(share)):
            found = crop
            break
    y, x, rows, columns_ = found
    box = np.array([y / height, x / width, (y + rows) / height, (x + columns_) / width], np.float32).reshape(1, 1, 4)
    dtype = np.asarray(image_size).dtype
    return np.array([y, x, 0], dtype), np.array([rows, columns_, -1], dtype), box


def _dims(*_: Any, **__: Any) -> Any:
    return (3,), (3,), (1, 1, 4)


_RANGES = (
    "T: {uint8|int8|int16|int32|int64}, area_range: list(float) = [0.05000000074505806, 1.0], "
    "aspect_ratio_range: list(float) = [0.75, 1.3300000429153442], max_attempts: int = 100"
)
_OUT = "(begin: T, size: T, bboxes: float32)"


def _continued(stream: Any, attempts: int) -> Stream:
    here = from_state(np, stream.read())
    stream.write(to_state(np, advance(np, here, max(attempts, 0))))
    return here


@op(f"SampleDistortedBoundingBoxV2(image_size: T, bounding_boxes: float32, min_object_covered: float32, *, {_RANGES}, seed: int = 0, "
    f"seed2: int = 0, use_image_if_no_bounding_boxes: bool = False) -> {_OUT}", where="host", effect="random", shape=_dims)  # fmt: skip
def SampleDistortedBoundingBoxV2(
    xp, stream, image_size, bounding_boxes, min_object_covered, *, aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes
):  # fmt: skip
    """A random crop that keeps a share of one of the boxes."""
    here = _continued(stream, max_attempts)
    return _sampled(
        here,
        image_size,
        bounding_boxes,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
    )


@op(f"SampleDistortedBoundingBox(image_size: T, bounding_boxes: float32, *, {_RANGES}, min_object_covered: float = 0.10000000149011612, "
    f"seed: int = 0, seed2: int = 0, use_image_if_no_bounding_boxes: bool = False) -> {_OUT}", where="host", effect="random", shape=_dims)  # fmt: skip
def SampleDistortedBoundingBox(
    xp, stream, image_size, bounding_boxes, *, min_object_covered, aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes
):  # fmt: skip
    """A random crop that keeps a share of one of the boxes."""
    here = _continued(stream, max_attempts)
    return _sampled(
        here,
        image_size,
        bounding_boxes,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
    )


@op("StatelessSampleDistortedBoundingBox(image_size: T, bounding_boxes: float32, min_object_covered: float32, seed: Tseed, *, "
    f"{_RANGES}, Tseed: index, use_image_if_no_bounding_boxes: bool = False) -> {_OUT}", where="host", shape=_dims)  # fmt: skip
def StatelessSampleDistortedBoundingBox(
    xp, image_size, bounding_boxes, min_object_covered, seed, *, aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes
):  # fmt: skip
    """A crop that follows from `seed` alone and keeps a share of one of the boxes."""
    return _sampled(
        seed_stream(np, seed), image_size, bounding_boxes, min_object_covered, aspect_ratio_range, area_range, max_attempts,
        use_image_if_no_bounding_boxes,
    )  # fmt: skip


def _given(
    aspect_ratio_range: Any, area_range: Any, max_attempts: Any, use_image_if_no_bounding_boxes: Any
) -> dict[str, Any]:
    attrs = {
        "aspect_ratio_range": aspect_ratio_range, "area_range": area_range, "max_attempts": max_attempts,
        "use_image_if_no_bounding_boxes": use_image_if_no_bounding_boxes,
    }  # fmt: skip
    return {k: list(v) if isinstance(v, tuple) else v for k, v in attrs.items() if v is not None}


@export(v2=("image.sample_distorted_bounding_box",))
def sample_distorted_bounding_box_v2(
    image_size: Any, bounding_boxes: Any, seed: int = 0, min_object_covered: Any = 0.1, aspect_ratio_range: Any = None, area_range: Any = None,
    max_attempts: Any = None, use_image_if_no_bounding_boxes: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """(begin, size, box) of a random crop that keeps a share of one of the boxes [batch, boxes, 4]."""
    seeds = op_seeds(seed) if seed else {"seed": 0, "seed2": 0}
    return _sample(image_size, bounding_boxes, seeds, min_object_covered, _given(
        aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes), name)  # fmt: skip


@export(v1=("image.sample_distorted_bounding_box",))
def sample_distorted_bounding_box(
    image_size: Any, bounding_boxes: Any, seed: Any = None, seed2: Any = None, min_object_covered: Any = 0.1, aspect_ratio_range: Any = None,
    area_range: Any = None, max_attempts: Any = None, use_image_if_no_bounding_boxes: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """(begin, size, box) of a random crop, with the parameters of 1.x."""
    seeds = {"seed": seed or 0, "seed2": seed2 or 0}
    return _sample(image_size, bounding_boxes, seeds, min_object_covered, _given(
        aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes), name)  # fmt: skip


def _sample(
    image_size: Any,
    bounding_boxes: Any,
    seeds: dict[str, int],
    min_object_covered: Any,
    attrs: dict[str, Any],
    name: Any,
) -> Any:
    with scoped(name, "sample_distorted_bounding_box"):
        share = convert_to_tensor(min_object_covered, dtype="float32")
        return SampleDistortedBoundingBoxV2(image_size, bounding_boxes, share, **seeds, **attrs)


@export(v2=("image.stateless_sample_distorted_bounding_box",))
def stateless_sample_distorted_bounding_box(
    image_size: Any, bounding_boxes: Any, seed: Any, min_object_covered: Any = 0.1, aspect_ratio_range: Any = None, area_range: Any = None,
    max_attempts: Any = None, use_image_if_no_bounding_boxes: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """(begin, size, box) of a crop that follows from `seed` alone."""
    attrs = _given(aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes)
    with scoped(name, "stateless_sample_distorted_bounding_box"):
        share = convert_to_tensor(min_object_covered, dtype="float32")
        return StatelessSampleDistortedBoundingBox(image_size, bounding_boxes, share, seed, **attrs)
