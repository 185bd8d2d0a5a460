"""Blocks and patches: space_to_batch, space_to_depth and back, and the patches of images and volumes."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import later
from penstock.ops.indexing import strided_slice_grad
from penstock.ops.join import pack_op, unpack_op
from penstock.ops.shapes import renamed, reshape_op, shape_of

_Add, _Sub, _FloorMod, _Slice, _AddN = later("AddV2"), later("Sub"), later("FloorMod"), later("Slice"), later("AddN")


# -- batch and space ---------------------------------------------------------------------------------------------------
def _checked(dims: Any, block: np.ndarray, edges: np.ndarray, what: str) -> tuple[list[int], list[Any]]:
    if block.ndim != 1:
        raise ShapeError(f"block_shape must be one-dimensional, got shape {list(block.shape)}")
    m = block.size
    if edges.shape != (m, 2):
        raise ShapeError(f"{what} should have shape [{m}, 2] instead of {as_text(edges.shape)}")
    if dims is not None and len(dims) < m + 1:
        raise ShapeError(f"input rank should be >= {m + 1} instead of {len(dims)}")
    sizes, pairs = block.tolist(), edges.tolist()
    for b in sizes:
        if b < 1:
            raise InvalidArgumentError(f"All values in block_shape must be positive, got value, {b}")
    for a, b in pairs:
        if a < 0 or b < 0:
            raise InvalidArgumentError(f"{what} must be non-negative, got {[a, b]}")
    return sizes, pairs


def _to_batch_shape(dims: Any, block: np.ndarray, paddings: np.ndarray) -> Any:
    sizes, pairs = _checked(dims, block, paddings, "paddings")
    if dims is None:
        return None
    space = []
    for i, (n, b, (lo, hi)) in enumerate(zip(dims[1:], sizes, pairs)):
        if n is not None and (int(n) + lo + hi) % b:
            raise ShapeError(f"padded_shape[{i}]={int(n) + lo + hi} is not divisible by block_shape[{i}]={b}: Dimension size must be evenly divisible by {b} but is {int(n) + lo + hi}")
        space.append(None if n is None else (int(n) + lo + hi) // b)
    batch = None if dims[0] is None else int(dims[0]) * int(np.prod(sizes))
    return (batch, *space, *dims[len(sizes) + 1 :])


def _to_space_shape(dims: Any, block: np.ndarray, crops: np.ndarray) -> Any:
    sizes, pairs = _checked(dims, block, crops, "crops")
    if dims is None:
        return None
    total = int(np.prod(sizes))
    if dims[0] is not None and int(dims[0]) % total:
        raise ShapeError(f"Input batch dimension ({int(dims[0])}) is not divisible by product of block sizes ({total})")
    space = []
    for i, (n, b, (lo, hi)) in enumerate(zip(dims[1:], sizes, pairs)):
        if n is not None and int(n) * b < lo + hi:
            raise ShapeError(f"cropped_shape[{i}]={int(n) * b - lo - hi} must be non-negative")
        space.append(None if n is None else int(n) * b - lo - hi)
    return (None if dims[0] is None else int(dims[0]) // total, *space, *dims[len(sizes) + 1 :])


def _to_batch(xp: Any, x: Any, block: np.ndarray, paddings: np.ndarray) -> Any:
    out = _to_batch_shape(tuple(x.shape), block, paddings)
    m = block.size
    if m == 0:
        return x
    x = xp.pad(x, [(0, 0), *map(tuple, paddings.tolist()), *[(0, 0)] * (x.ndim - m - 1)])
    parts = [x.shape[0]]
    for n, b in zip(out[1:], block.tolist()):
        parts += [n, b]
    x = x.reshape(*parts, *x.shape[m + 1 :])
    order = [*range(2, 2 * m + 1, 2), 0, *range(1, 2 * m, 2), *range(2 * m + 1, x.ndim)]
    return x.transpose(order).reshape(out)


def _to_space(xp: Any, x: Any, block: np.ndarray, crops: np.ndarray) -> Any:
    _to_space_shape(tuple(x.shape), block, crops)
    m = block.size
    if m == 0:
        return x
    sizes = block.tolist()
    batch = x.shape[0] // int(np.prod(sizes))
    x = x.reshape(*sizes, batch, *x.shape[1:])
    order = [m]
    for i in range(m):
        order += [m + 1 + i, i]
    x = x.transpose(*order, *range(2 * m + 1, x.ndim))
    x = x.reshape(batch, *[x.shape[1 + 2 * i] * sizes[i] for i in range(m)], *x.shape[2 * m + 1 :])
    return x[(slice(None), *[slice(a, n - b) for n, (a, b) in zip(x.shape[1:], crops.tolist())])]


def _rule(work: Any) -> Any:
    def shape(x: Any, block: Any, edges: Any) -> Any:
        b, e = block.value, edges.value
        if b is None or e is None:
            return None if x.shape is None else (None,) * x.rank
        try:
            return work(x.shape, b, e)
        except InvalidArgumentError as error:
            raise ShapeError(error.message) from None

    return shape


@op("SpaceToBatchND(input: T, block_shape: Tblock_shape, paddings: Tpaddings, *, T: type, Tblock_shape: index = int32, Tpaddings: index = int32) -> output: T",
    static=("block_shape", "paddings"), shape=_rule(_to_batch_shape), moves=True)  # fmt: skip
def space_to_batch_nd_op(xp, input, block_shape, paddings):  # noqa: A002
    """Padded input with blocks of its spatial axes moved into the batch."""
    return _to_batch(xp, input, block_shape, paddings)


@op("BatchToSpaceND(input: T, block_shape: Tblock_shape, crops: Tcrops, *, T: type, Tblock_shape: index = int32, Tcrops: index = int32) -> output: T",
    static=("block_shape", "crops"), shape=_rule(_to_space_shape), moves=True)  # fmt: skip
def batch_to_space_nd_op(xp, input, block_shape, crops):  # noqa: A002
    """input with parts of the batch moved back into blocks of the spatial axes, then cropped."""
    return _to_space(xp, input, block_shape, crops)


space_to_batch_nd_op.grad(lambda node, dy: (batch_to_space_nd_op(dy, *node.inputs[1:]), None, None))
batch_to_space_nd_op.grad(lambda node, dy: (space_to_batch_nd_op(dy, *node.inputs[1:]), None, None))
_square = lambda n: np.array([n, n], np.int32)


def _rule_2d(work: Any) -> Any:
    def shape(x: Any, edges: Any, *, block_size: int) -> Any:
        if x.rank not in (None, 4):
            raise ShapeError(f"input must be rank 4 but has shape {as_text(x.shape)}")
        e = edges.value
        if e is None:
            return (None, None, None, None if x.shape is None else x.shape[3])
        return work(x.shape, _square(block_size), e)

    return shape


@op("SpaceToBatch(input: T, paddings: Tpaddings, *, T: type, Tpaddings: index = int32, block_size: int >= 2) -> output: T", static=("paddings",),
    shape=_rule_2d(_to_batch_shape))  # fmt: skip
def space_to_batch_op(xp, input, paddings, *, block_size):  # noqa: A002
    """Padded images with blocks of pixels moved into the batch."""
    return _to_batch(xp, input, _square(block_size), paddings)


@op("BatchToSpace(input: T, crops: Tidx, *, T: type, Tidx: index = int32, block_size: int >= 2) -> output: T", static=("crops",),
    shape=_rule_2d(_to_space_shape))  # fmt: skip
def batch_to_space_op(xp, input, crops, *, block_size):  # noqa: A002
    """Parts of the batch moved back into blocks of pixels, then cropped."""
    return _to_space(xp, input, _square(block_size), crops)


space_to_batch_op.grad(lambda node, dy: (batch_to_space_op(dy, node.inputs[1], block_size=node.attrs["block_size"]), None))
batch_to_space_op.grad(lambda node, dy: (space_to_batch_op(dy, node.inputs[1], block_size=node.attrs["block_size"]), None))


@export("space_to_batch_nd", v1=("manip.space_to_batch_nd",))
def space_to_batch_nd(input, block_shape, paddings, name=None):  # noqa: A002
    """`input` [batch, space..., rest...], padded, with blocks of the spatial axes moved into the batch."""
    return space_to_batch_nd_op(input, block_shape, paddings, name=name)


@export(v2=("space_to_batch", "nn.space_to_batch"))
def space_to_batch(input, block_shape, paddings, name=None):  # noqa: A002
    """`input` [batch, space..., rest...], padded, with blocks of the spatial axes moved into the batch.

    >>> tf.space_to_batch(tf.reshape(tf.range(4), [1, 2, 2, 1]), [2, 2], [[0, 0], [0, 0]]).shape
    TensorShape([4, 1, 1, 1])
    """
    return space_to_batch_nd_op(input, block_shape, paddings, name=name)


@export(v1=("space_to_batch", "nn.space_to_batch"))
def space_to_batch_v1(input, paddings, block_size=None, name=None, block_shape=None):  # noqa: A002
    """Padded images with blocks of pixels moved into the batch."""
    return space_to_batch_nd_op(input, _block(renamed("block_shape", block_shape, "block_size", block_size)), paddings, name=name)


def _block(size: Any) -> Any:
    return np.array([size, size], np.int32) if isinstance(size, int) else size


@export(v1=("batch_to_space_nd", "manip.batch_to_space_nd"))
def batch_to_space_nd(input, block_shape, crops, name=None):  # noqa: A002
    """Parts of the batch moved back into blocks of the spatial axes, then cropped."""
    return batch_to_space_nd_op(input, block_shape, crops, name=name)


@export(v2=("batch_to_space",))
def batch_to_space(input, block_shape, crops, name=None):  # noqa: A002
    """Parts of the batch moved back into blocks of the spatial axes, then cropped: undoes `space_to_batch`."""
    return batch_to_space_nd_op(input, _block(block_shape), crops, name=name)


@export(v1=("batch_to_space",))
def batch_to_space_v1(input, crops, block_size, name=None, block_shape=None):  # noqa: A002
    """Parts of the batch moved back into blocks of pixels, then cropped."""
    return batch_to_space_nd_op(input, _block(renamed("block_shape", block_shape, "block_size", block_size)), crops, name=name)


@export("required_space_to_batch_paddings")
def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
    """(paddings, crops) that make `input_shape` divisible by `block_shape`.

    >>> [t.numpy().tolist() for t in tf.required_space_to_batch_paddings([5], [2])]
    [[[0, 1]], [[0, 1]]]
    """
    with scoped(name, "required_space_to_batch_paddings"):
        input_shape = door.convert(input_shape, dtypes.int32 if not isinstance(input_shape, Tensor) else None, "input_shape")
        block_shape = door.convert(block_shape, dtypes.int32 if not isinstance(block_shape, Tensor) else None, "block_shape")
        if block_shape._dims is None or len(block_shape._dims) != 1 or block_shape._dims[0] is None:
            raise ValueError(f"block_shape must be a vector of known length, got shape {block_shape.shape}")
        m = int(block_shape._dims[0])
        if m == 0:
            empty = door.convert(np.zeros((0, 2), np.int32))
            return empty, empty
        if base_paddings is None:
            base = door.convert(np.zeros((m, 2), np.int32))
        else:
            base = door.convert(base_paddings, dtypes.int32 if not isinstance(base_paddings, Tensor) else None, "base_paddings")
            if base._dims is not None and base._dims != (m, 2):
                raise ValueError(f"base_paddings must have shape [{m}, 2], got {base.shape}")
        sizes, block, edges = known_value(input_shape), known_value(block_shape), known_value(base)
        if sizes is not None and block is not None and edges is not None:
            lo, hi = edges[:, 0], edges[:, 1]
            extra = (block - (sizes + lo + hi) % block) % block
            zero = np.zeros_like(extra)
            return door.convert(np.stack([lo, hi + extra], 1), None, "paddings"), door.convert(np.stack([zero, extra], 1), None, "crops")
        lo, hi = base[:, 0], base[:, 1]
        full = _Add(_Add(input_shape, lo), hi)
        extra = _FloorMod(_Sub(block_shape, _FloorMod(full, block_shape)), block_shape)
        paddings = pack_op([lo, _Add(hi, extra)], axis=1)
        return paddings, pack_op([_Sub(extra, extra), extra], axis=1)


# -- space and depth ---------------------------------------------------------------------------------------------------
_FORMATS = '"NHWC"|"NCHW"|"NCHW_VECT_C"'


def _depth_op(name: str, doc: str, up: bool) -> Op:
    """SpaceToDepth, or (up) DepthToSpace."""

    def sizes(dims: Any, b: int, layout: str) -> Any:
        if dims is None:
            return None
        if len(dims) != (5 if layout == "NCHW_VECT_C" else 4):
            raise ShapeError(f"Input rank should be {5 if layout == 'NCHW_VECT_C' else 4} instead of {len(dims)}")
        n, h, w, c = (dims[0], dims[1], dims[2], dims[3]) if layout == "NHWC" else (dims[0], dims[2], dims[3], dims[1])
        if up:
            if c is not None and int(c) % (b * b):
                raise ShapeError(f"Input depth dimension {int(c)} should be divisible by: {b * b}: Dimension size must be evenly divisible by {b * b} but is {int(c)}")
            h, w, c = (None if v is None else int(v) * k for v, k in ((h, b), (w, b), (c, 1)))
            c = None if c is None else c // (b * b)
        else:
            if any(v is not None and int(v) % b for v in (h, w)):
                raise ShapeError(f"Image width {w} and height {h} should be divisible by block_size: {b}: Dimension size must be evenly divisible by {b} but is {h if h % b else w}")
            h, w, c = None if h is None else int(h) // b, None if w is None else int(w) // b, None if c is None else int(c) * b * b
        return (n, h, w, c) if layout == "NHWC" else (n, c, h, w, *dims[4:])

    def body(xp, x, *, block_size, data_format):
        b, layout = block_size, data_format
        out = sizes(tuple(x.shape), b, layout)
        if layout == "NCHW_VECT_C":  # [n, c/4, h, w, 4]
            n, c, h, w, four = x.shape
            flat = body(xp, x.transpose(0, 1, 4, 2, 3).reshape(n, c * four, h, w), block_size=b, data_format="NCHW")
            n, c, h, w = flat.shape
            return flat.reshape(n, c // four, four, h, w).transpose(0, 1, 3, 4, 2)
        if layout == "NHWC":
            n, h, w, c = x.shape
            if up:
                return x.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5).reshape(out)
            return x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(out)
        n, c, h, w = x.shape
        if up:
            return x.reshape(n, b, b, c // (b * b), h, w).transpose(0, 3, 4, 1, 5, 2).reshape(out)
        return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(out)

    body.__name__ = body.__qualname__ = name
    body.__module__, body.__doc__ = __name__, doc
    return op(f"{name}(input: T, *, T: type, block_size: int >= 2, data_format: {_FORMATS} = \"NHWC\") -> output: T",
              shape=lambda x, *, block_size, data_format: sizes(x.shape, block_size, data_format), moves=True)(body)  # fmt: skip


SpaceToDepth = _depth_op("SpaceToDepth", "Blocks of pixels moved into the channels.", False)
DepthToSpace = _depth_op("DepthToSpace", "Channels moved into blocks of pixels.", True)
_same = lambda node: {k: node.attrs[k] for k in ("block_size", "data_format")}
SpaceToDepth.grad(lambda node, dy: DepthToSpace(dy, **_same(node)))
DepthToSpace.grad(lambda node, dy: SpaceToDepth(dy, **_same(node)))


@export(v2=("nn.space_to_depth",))
def space_to_depth(input, block_size, data_format="NHWC", name=None):  # noqa: A002
    """Images with blocks of `block_size` x `block_size` pixels moved into the channels."""
    return SpaceToDepth(input, block_size=block_size, data_format=data_format, name=name)


@export(v1=("space_to_depth", "nn.space_to_depth"))
def space_to_depth_v1(input, block_size, name=None, data_format="NHWC"):  # noqa: A002
    """Images with blocks of `block_size` x `block_size` pixels moved into the channels."""
    return SpaceToDepth(input, block_size=block_size, data_format=data_format, name=name)


@export(v2=("nn.depth_to_space",))
def depth_to_space(input, block_size, data_format="NHWC", name=None):  # noqa: A002
    """Images with channels moved into blocks of `block_size` x `block_size` pixels."""
    return DepthToSpace(input, block_size=block_size, data_format=data_format, name=name)


@export(v1=("depth_to_space", "nn.depth_to_space"))
def depth_to_space_v1(input, block_size, name=None, data_format="NHWC"):  # noqa: A002
    """Images with channels moved into blocks of `block_size` x `block_size` pixels."""
    return DepthToSpace(input, block_size=block_size, data_format=data_format, name=name)


# -- patches -----------------------------------------------------------------------------------------------------------
class _Window:
    """Where the patches of a tensor [batch, space..., depth] lie."""

    def __init__(self, dims: Any, sizes: list[int], strides: list[int], rates: list[int], padding: str):
        n = len(sizes)
        for what, v in (("ksizes", sizes), ("strides", strides), ("rates", rates)):
            if len(v) != n or v[0] != 1 or v[-1] != 1:
                raise InvalidArgumentError(f"{what} must have {n} entries, and 1 for the batch and the depth: got {v}")
            if min(v) < 1:
                raise InvalidArgumentError(f"{what} must be positive, got {v}")
        if dims is not None and len(dims) != n:
            raise ShapeError(f"the input must be {n}-dimensional but has shape {as_text(dims)}")
        self.sizes, self.strides, self.rates = sizes[1:-1], strides[1:-1], rates[1:-1]
        self.out: list[Any] = []
        self.pads: list[tuple[int, int]] = []
        for d, k, s, r in zip(dims[1:-1] if dims is not None else [None] * (n - 2), self.sizes, self.strides, self.rates):
            span = (k - 1) * r + 1
            if d is None:
                self.out.append(None)
                continue
            d = int(d)
            o = -(-d // s) if padding == "SAME" else max(-(-(d - span + 1) // s), 0)
            total = max((o - 1) * s + span - d, 0) if padding == "SAME" else 0
            self.out.append(o)
            self.pads.append((total // 2, total - total // 2))

    def offsets(self) -> list[tuple[int, ...]]:
        return [tuple(int(i) * r for i, r in zip(at, self.rates)) for at in np.ndindex(*self.sizes)]

    def ends(self, at: tuple[int, ...]) -> list[int]:
        return [a + (o - 1) * s + 1 for a, o, s in zip(at, self.out, self.strides)]


def _patches(xp: Any, x: Any, w: _Window) -> Any:
    x = xp.pad(x, [(0, 0), *w.pads, (0, 0)])
    parts = [x[(slice(None), *[slice(a, e, s) for a, e, s in zip(at, w.ends(at), w.strides)])] for at in w.offsets()]
    if 0 in w.out:
        return xp.zeros((x.shape[0], *w.out, x.shape[-1] * len(parts)), x.dtype)
    return xp.concatenate(parts, -1)


def _patches_shape(dims: Any, w: _Window) -> Any:
    depth = None if dims is None or dims[-1] is None else int(dims[-1]) * int(np.prod(w.sizes))
    return (None if dims is None else dims[0], *w.out, depth)


def _patches_grad(x: Any, dy: Any, w: _Window) -> Any:
    """Each patch added back where it was cut out."""
    dims = x._dims
    if dims is None or None in dims[1:]:
        raise ValueError(f"the gradient of patches needs a known image size, got {x!r}")
    batch = shape_of(x)[0]
    full = [int(d) + a + b for d, (a, b) in zip(dims[1:-1], w.pads)]
    count = len(w.offsets())
    whole = np.array([int(batch), *full, int(dims[-1])], np.int32) if dims[0] is not None else pack_op([batch, *map(np.int32, full), np.int32(dims[-1])])
    split = [int(dims[0]) if dims[0] is not None else -1, *w.out, count, int(dims[-1])]
    parts = unpack_op(reshape_op(dy, np.array(split, np.int32)), num=count, axis=len(split) - 2)
    n = len(full)
    begin_mask = 1 | 1 << (n + 1)
    back = [
        strided_slice_grad(whole, np.array([0, *at, 0], np.int32), np.array([0, *w.ends(at), 0], np.int32), np.array([1, *w.strides, 1], np.int32), p,
                           begin_mask=begin_mask, end_mask=begin_mask)
        for at, p in zip(w.offsets(), parts)
    ]  # fmt: skip
    total = _AddN(back) if len(back) > 1 else back[0]
    return _Slice(total, np.array([0, *[a for a, _ in w.pads], 0], np.int32), np.array([-1, *[int(d) for d in dims[1:-1]], -1], np.int32))


@op("ExtractImagePatches(images: T, *, T: {bfloat16|float16|float32|float64|int8|int16|int32|int64|uint8|uint16|uint32|uint64|complex64|complex128|"
    'bool}, ksizes: list(int) >= 4, padding: "SAME"|"VALID", rates: list(int) >= 4, strides: list(int) >= 4) -> patches: T')  # fmt: skip
def extract_image_patches_op(xp, images, *, ksizes, strides, rates, padding):
    """The patches of images [batch, rows, columns, depth], each laid out along the depth."""
    return _patches(xp, images, _Window(tuple(images.shape), ksizes, strides, rates, padding))


extract_image_patches_op.shape(
    lambda images, *, ksizes, strides, rates, padding: _patches_shape(images.shape, _Window(images.shape, ksizes, strides, rates, padding))
)


@extract_image_patches_op.grad
def _(node, dy):
    x, a = node.inputs[0], node.attrs
    return _patches_grad(x, dy, _Window(x._dims, a["ksizes"], a["strides"], a["rates"], a["padding"]))


@op('ExtractVolumePatches(input: T, *, T: real, ksizes: list(int) >= 5, padding: "SAME"|"VALID", strides: list(int) >= 5) -> patches: T')
def extract_volume_patches_op(xp, input, *, ksizes, strides, padding):  # noqa: A002
    """The patches of volumes [batch, planes, rows, columns, depth], each laid out along the depth."""
    return _patches(xp, input, _Window(tuple(input.shape), ksizes, strides, [1] * 5, padding))


extract_volume_patches_op.shape(
    lambda input, *, ksizes, strides, padding: _patches_shape(input.shape, _Window(input.shape, ksizes, strides, [1] * 5, padding))
)


@extract_volume_patches_op.grad
def _(node, dy):
    x, a = node.inputs[0], node.attrs
    return _patches_grad(x, dy, _Window(x._dims, a["ksizes"], a["strides"], [1] * 5, a["padding"]))


@export("image.extract_patches")
def extract_patches(images, sizes, strides, rates, padding, name=None):
    """The patches of images [batch, rows, columns, depth], each laid out along the depth.

    >>> tf.image.extract_patches(tf.ones([1, 4, 4, 1]), [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID").shape
    TensorShape([1, 2, 2, 4])
    """
    return extract_image_patches_op(images, ksizes=sizes, strides=strides, rates=rates, padding=padding, name=name)


@export(v1=("extract_image_patches", "image.extract_image_patches"))
def extract_image_patches(images, ksizes=None, strides=None, rates=None, padding=None, name=None, sizes=None):
    """The patches of images [batch, rows, columns, depth], each laid out along the depth."""
    sizes = renamed("sizes", sizes, "ksizes", ksizes)
    return extract_image_patches_op(images, ksizes=sizes, strides=strides, rates=rates, padding=padding, name=name)


@export("extract_volume_patches")
def extract_volume_patches(input, ksizes, strides, padding, name=None):  # noqa: A002
    """The patches of volumes [batch, planes, rows, columns, depth], each laid out along the depth."""
    return extract_volume_patches_op(input, ksizes=ksizes, strides=strides, padding=padding, name=name)
