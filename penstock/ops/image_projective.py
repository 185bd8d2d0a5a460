"""`ImageProjectiveTransformV2/V3`: images seen through a projective map, as rotations and translations of Keras are."""

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import find, op

_SIGNATURE = (
    'images: dtype, transforms: float32, output_shape: int32{more}, *, interpolation: str, fill_mode: str = "CONSTANT", '
    "dtype: {{uint8|int32|int64|float16|bfloat16|float32|float64}}"
)


def _reflected(xp, at, size):
    """Coordinates beyond an edge as those of the mirrored image: d c b a | a b c d | d c b a."""
    if size <= 1:
        return xp.zeros_like(at)
    both = 2.0 * size
    below = xp.where(at < both, both * xp.trunc(-at / both) + at, at)
    below = xp.where(below < -size, below + both, -below - 1.0)
    above = at - both * xp.trunc(at / both)
    above = xp.where(above >= size, both - above - 1.0, above)
    return xp.clip(xp.where(at < 0, below, xp.where(at > size - 1, above, at)), 0.0, size - 1.0)


def _wrapped(xp, at, size):
    """Coordinates beyond an edge as those of the repeated image: a b c d | a b c d | a b c d."""
    if size <= 1:
        return xp.zeros_like(at)
    below = at + size * (xp.trunc(-at / (size - 1.0)) + 1.0)
    above = at - size * xp.trunc(at / (size - 1.0))
    return xp.clip(xp.where(at < 0, below, xp.where(at > size - 1, above, at)), 0.0, size - 1.0)


def _nearest_edge(xp, at, size):
    return xp.clip(at, 0.0, size - 1.0)


_MAPS = {"REFLECT": _reflected, "WRAP": _wrapped, "NEAREST": _nearest_edge, "CONSTANT": lambda xp, at, size: at}


def _round(xp, x):
    """To the nearest integer, halves away from zero."""
    return xp.trunc(x + xp.where(x < 0, np.float32(-0.5), np.float32(0.5)))


def projected(xp, images, transforms, output_shape, fill, interpolation, fill_mode):
    """images [n, h, w, c] at the places that `transforms` [n or 1, 8] maps the pixels of the output to."""
    count, height, width, _ = images.shape
    if transforms.ndim != 2 or transforms.shape[1] != 8 or transforms.shape[0] not in (1, count):
        raise InvalidArgumentError(
            None, None, f"Input transform should be num_images x 8 or 1 x 8, got {list(transforms.shape)} for {count} images"
        )
    rows, columns = (int(n) for n in np.asarray(output_shape).tolist())
    a0, a1, a2, b0, b1, b2, c0, c1 = (transforms[:, i, None, None] for i in range(8))
    x = xp.arange(columns, dtype=np.float32)[None, None, :]
    y = xp.arange(rows, dtype=np.float32)[None, :, None]
    depth = c0 * x + c1 * y + np.float32(1)
    shown = depth != 0
    safe = xp.where(shown, depth, np.float32(1))
    at_x, at_y = (a0 * x + a1 * y + a2) / safe, (b0 * x + b1 * y + b2) / safe
    where_to = _MAPS[fill_mode.upper()]
    at_x, at_y = where_to(xp, at_x, float(width)), where_to(xp, at_y, float(height))
    at_x, at_y = at_x.astype(np.float32), at_y.astype(np.float32)
    shape = (count, rows, columns)
    at_x, at_y, shown = (xp.broadcast_to(v, shape) for v in (at_x, at_y, shown))
    batch = xp.arange(count)[:, None, None]
    fill = xp.asarray(fill).astype(images.dtype)

    def read(row, column):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        r = xp.clip(row, 0, max(height - 1, 0)).astype(np.int32)
        c = xp.clip(column, 0, max(width - 1, 0)).astype(np.int32)
        return xp.where(inside[..., None], images[batch, r, c], fill)

    if interpolation.upper() == "NEAREST":
        out = read(_round(xp, at_y), _round(xp, at_x))
    else:
        top, left = xp.floor(at_y), xp.floor(at_x)
        bottom, right = top + np.float32(1), left + np.float32(1)
        wide = np.float64 if images.dtype == np.float64 else np.float32
        part = lambda w, v: w[..., None].astype(wide) * v.astype(wide)
        upper = part(right - at_x, read(top, left)) + part(at_x - left, read(top, right))
        lower = part(right - at_x, read(bottom, left)) + part(at_x - left, read(bottom, right))
        out = (part(bottom - at_y, upper) + part(at_y - top, lower)).astype(images.dtype)
    return xp.where(shown[..., None], out, fill)


def _shape(images, output_shape):
    if images.shape is not None and len(images.shape) != 4:
        raise InvalidArgumentError(None, None, f"images must be 4-D, got shape {list(images.shape)}")
    known = output_shape.dims
    ends = (None, None) if images.shape is None else (images.shape[0], images.shape[3])
    return (ends[0], *((None, None) if known is None else known), ends[1])


@op(f"ImageProjectiveTransformV2({_SIGNATURE.format(more='')}) -> transformed_images: dtype", static=("output_shape",))
def image_projective_transform_v2(xp, images, transforms, output_shape, *, interpolation, fill_mode):
    """images [n, h, w, c] through projective maps; 0 where nothing is mapped to."""
    return projected(xp, images, transforms, output_shape, 0.0, interpolation, fill_mode)


@image_projective_transform_v2.shape
def _(images, transforms, output_shape, *, interpolation, fill_mode):
    return _shape(images, output_shape)


@op(f"ImageProjectiveTransformV3({_SIGNATURE.format(more=', fill_value: float32')}) -> transformed_images: dtype", static=("output_shape",))
def image_projective_transform_v3(xp, images, transforms, output_shape, fill_value, *, interpolation, fill_mode):
    """images [n, h, w, c] through projective maps; `fill_value` where nothing is mapped to."""
    return projected(xp, images, transforms, output_shape, fill_value, interpolation, fill_mode)


@image_projective_transform_v3.shape
def _(images, transforms, output_shape, fill_value, *, interpolation, fill_mode):
    return _shape(images, output_shape)


def _inverted(transforms):
    """The inverse maps, [n, 8] as `transforms`."""
    ones = find("OnesLike")(transforms[:, :1])
    matrices = find("Reshape")(find("ConcatV2")([transforms, ones], np.int32(1)), np.array([-1, 3, 3], np.int32))
    flat = find("Reshape")(find("MatrixInverse")(matrices), np.array([-1, 9], np.int32))
    return (flat / flat[:, 8:9])[:, :8]


def _gradient(node, dy, fill):
    images, transforms = node.inputs[0], node.inputs[1]
    attrs = {k: node.attrs[k] for k in ("interpolation", "fill_mode")}
    size = find("Shape")(images)[1:3]
    out = find(node.definition.name)(dy, _inverted(transforms), size, *fill, **attrs)
    return (out, None, None, *[None for _ in fill])


@image_projective_transform_v2.grad
def _(node, dy):
    return _gradient(node, dy, ())


@image_projective_transform_v3.grad
def _(node, dy):
    return _gradient(node, dy, (node.inputs[3],))
