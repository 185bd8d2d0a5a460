"""Moving elements about: transpose, reverse, roll, tile, pad and their gradients."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, axis_of
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.constants import range_op
from penstock.ops.families import dispatched, later
from penstock.ops.fixed import fixed
from penstock.ops.join import concat_v2, pack_op
from penstock.ops.shapes import expand_dims_op, rank_op, renamed, reshape_op, shape_of, shape_op

_Sum, _Slice, _Sub, _Cast = later("Sum"), later("Slice"), later("Sub"), later("Cast")


# -- transpose ---------------------------------------------------------------------------------------------------------
@op("Transpose(x: T, perm: Tperm, *, T: type, Tperm: index = int32) -> y: T", static=("perm",), moves=True)
def transpose_op(xp, x, perm):
    """Axis i of y is axis perm[i] of x."""
    return xp.transpose(x, _permutation(perm, x.ndim))


@op("ConjugateTranspose(x: T, perm: Tperm, *, T: type, Tperm: index = int32) -> y: T", static=("perm",))
def conjugate_transpose_op(xp, x, perm):
    """Axis i of y is axis perm[i] of x; complex numbers are conjugated."""
    return xp.conj(xp.transpose(x, _permutation(perm, x.ndim)))


def _permutation(perm: np.ndarray, rank: int) -> list[int]:
    if perm.ndim > 1:
        raise ShapeError(f"perm must be rank 1, got shape {list(perm.shape)}")
    axes = perm.reshape(-1).tolist()
    if len(axes) != rank:
        raise ShapeError(f"transpose expects a vector of size {rank}. But input(1) is a vector of size {len(axes)}: Dimension must be {rank} but is {len(axes)}")
    for a in axes:
        if not -rank <= a < rank:
            raise ShapeError(f"{a} is out of range [0 .. {rank}): perm dim {a} is out of range of input rank {rank}")
    axes = [a % rank for a in axes]
    for a in np.arange(rank).tolist():
        if a not in axes:
            raise ShapeError(f"{a} is missing from {{{','.join(map(str, axes))}}}.")
    return axes


def _transposed(x: Any, perm: Any) -> Any:
    value = perm.value
    if value is None:
        n = perm.shape[0] if perm.shape else None
        n = x.rank if n is None else int(n)
        if x.rank is not None and n != x.rank:
            raise ShapeError(f"transpose expects a vector of size {x.rank}. But input(1) is a vector of size {n}: Dimension must be {x.rank} but is {n}")
        known = perm.dims
        if known is None or x.shape is None:
            return None if n is None else (None,) * n
        return tuple(None if p is None else x.shape[p] for p in known)
    if x.shape is None:
        return (None,) * value.size
    return tuple(x.shape[a] for a in _permutation(value, x.rank))


transpose_op.shape(_transposed)
conjugate_transpose_op.shape(_transposed)


def _inverse(perm: Any) -> Any:
    value = known_value(perm)
    return invert_permutation_op(perm) if value is None else np.argsort(value % max(value.size, 1)).astype(value.dtype)


transpose_op.grad(lambda node, dy: (transpose_op(dy, _inverse(node.inputs[1])), None))
conjugate_transpose_op.grad(lambda node, dy: (conjugate_transpose_op(dy, _inverse(node.inputs[1])), None))


@export(v2=("transpose",))
def transpose(a, perm=None, conjugate=False, name="transpose"):
    """`a` with its axes in the order `perm` (by default reversed), complex numbers conjugated if asked for.

    >>> tf.transpose([[1, 2, 3], [4, 5, 6]]).numpy().tolist()
    [[1, 4], [2, 5], [3, 6]]
    """
    with scoped(name, "transpose") as scope:
        a = door.convert(a, None, "a")
        run = conjugate_transpose_op if conjugate and a.dtype.is_complex else transpose_op
        if perm is not None:
            return run(a, perm, name=scope)
        if a._dims is None:
            n = rank_op(a)
            perm = range_op(_Sub(n, 1, name="sub"), -1, -1)
        else:
            perm = [*np.arange(len(a._dims) - 1, -1, -1).tolist()]
        return run(a, fixed(perm), name=scope)


@export(v1=("transpose",))
def transpose_v1(a, perm=None, name="transpose", conjugate=False):
    """`a` with its axes in the order `perm`, by default reversed."""
    return transpose(a, perm, conjugate, name)


@op("InvertPermutation(x: T, *, T: index = int32) -> y: T", shape=lambda x: x.shape, moves=True)
def invert_permutation_op(xp, x):
    """y with y[x[i]] = i."""
    if x.ndim != 1:
        raise ShapeError(f"invert_permutation expects a 1D vector, got shape {list(x.shape)}.")
    return xp.argsort(x).astype(x.dtype)


@invert_permutation_op.check
def _(xp, x):
    if x.ndim != 1:
        return False, ""
    n = x.shape[0]
    bad = xp.any(xp.sort(x) != np.arange(n))
    if xp is not np or not bad:
        return bad, f"each of the {n} indices must stand there once: one is duplicated in the input or is not between 0 and {n}"
    out = x[(x < 0) | (x >= n)]
    return bad, f"{out[0]} is not between 0 and {n}" if out.size else f"{np.sort(x)[:-1][np.diff(np.sort(x)) == 0][0]} is duplicated in the input."


invert_permutation_op.no_grad()


@export("math.invert_permutation", v1=("invert_permutation",))
def invert_permutation(x, name=None):
    """The inverse of a permutation of 0..n-1.

    >>> tf.math.invert_permutation([2, 0, 1]).numpy().tolist()
    [1, 2, 0]
    """
    return invert_permutation_op(x, name=name)


# -- tile --------------------------------------------------------------------------------------------------------------
@op("Tile(input: T, multiples: Tmultiples, *, T: type, Tmultiples: index = int32) -> output: T", static=("multiples",), moves=True)
def tile_op(xp, input, multiples):  # noqa: A002
    """input repeated multiples[i] times along axis i."""
    if tuple(multiples.shape) != (input.ndim,):
        raise ShapeError(f"Expected multiples argument to be a vector of length {input.ndim} but got length {multiples.size}")
    for i, m in enumerate(multiples.tolist()):
        if m < 0:
            raise InvalidArgumentError(f"Expected multiples[{i}] >= 0, but got {m}")
    return xp.tile(input, tuple(multiples.tolist()))


@tile_op.shape
def _(input, multiples):  # noqa: A002
    if multiples.rank is not None and multiples.rank != 1:
        raise ShapeError(f"multiples must be a vector but has shape {as_text(multiples.shape)}")
    n = multiples.shape[0] if multiples.shape is not None else None
    if input.rank is not None and n is not None and n != input.rank:
        raise ShapeError(f"Expected multiples argument to be a vector of length {input.rank} but got length {int(n)}: Shape must be rank {input.rank} but is rank {int(n)}")
    known = multiples.dims
    if input.shape is None:
        return None if n is None else (None,) * int(n)
    if known is None:
        return (None,) * input.rank
    return tuple(0 if m == 0 else None if d is None or m is None else int(d) * m for d, m in zip(input.shape, known))


@tile_op.grad
def _(node, dy):
    x, multiples = node.inputs
    if hasattr(dy, "dense_shape") and not isinstance(dy, Tensor):
        dy = door.convert(dy)
    times = known_value(multiples)
    if x._dims is not None and None not in x._dims and times is not None:
        if (times == 1).all():
            return dy, None
        parts = [int(v) for pair in zip(times.tolist(), x._dims) for v in pair]
        apart = reshape_op(dy, np.array(parts, np.int32))
        return _Sum(apart, np.arange(0, len(parts), 2, dtype=np.int32)), None
    sizes = shape_op(x, out_type=multiples.dtype)
    rank = len(x._dims) if x._dims is not None else None
    pairs = reshape_op(transpose_op(pack_op([multiples, sizes]), np.array([1, 0], np.int32)), np.array([-1], np.int32))
    axes = np.arange(0, 2 * rank, 2, dtype=np.int32) if rank is not None else range_op(0, find("Size")(pairs), 2)
    out = _Sum(reshape_op(dy, pairs), axes)
    return out, None


@export("tile", v1=("manip.tile",))
@dispatched
def tile(input, multiples, name=None):  # noqa: A002
    """`input` repeated `multiples[i]` times along axis i.

    >>> tf.tile([[1, 2]], [2, 2]).numpy().tolist()
    [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    return tile_op(input, fixed(multiples), name=name)


# -- pad ---------------------------------------------------------------------------------------------------------------
def _paddings(paddings: np.ndarray, rank: int) -> list[tuple[int, int]]:
    if paddings.ndim != 2 or paddings.shape[1] != 2:
        raise ShapeError(f"paddings must be a matrix with 2 columns: {as_text(paddings.shape)}")
    if paddings.shape[0] != rank:
        raise ShapeError(f"The first dimension of paddings must be the rank of inputs: paddings has shape {as_text(paddings.shape)}, the input has rank {rank}")
    for a, b in paddings.tolist():
        if a < 0 or b < 0:
            raise InvalidArgumentError(f"Paddings must be non-negative: {a} {b}")
    return [tuple(p) for p in paddings.tolist()]


def _padded(input: Any, paddings: Any, *_: Any, **__: Any) -> Any:  # noqa: A002
    if paddings.rank is not None and (paddings.rank != 2 or paddings.shape[1] not in (None, 2)):
        raise ShapeError(f"paddings must be a matrix with 2 columns: {as_text(paddings.shape)}")
    value = paddings.value
    n = paddings.shape[0] if paddings.shape is not None else None
    if value is None:
        if input.rank is not None and n is not None and n != input.rank:
            raise ShapeError(f"The first dimension of paddings must be the rank of inputs: paddings has shape {as_text(paddings.shape)}, the input has rank {input.rank}: Shape must be rank {paddings.shape[0]} but is rank {input.rank}")
        rank = input.rank if input.rank is not None else n
        return None if rank is None else (None,) * int(rank)
    if input.shape is None:
        return (None,) * int(n)
    try:
        pairs = _paddings(value, input.rank)
    except InvalidArgumentError as e:
        raise ShapeError(e.message) from None
    return tuple(None if d is None else int(d) + a + b for d, (a, b) in zip(input.shape, pairs))


@op("Pad(input: T, paddings: Tpaddings, *, T: type, Tpaddings: index = int32) -> output: T", static=("paddings",), shape=_padded, moves=True)
def pad_op(xp, input, paddings):  # noqa: A002
    """input with paddings[i] = (before, after) zeros around axis i."""
    pairs = _paddings(paddings, input.ndim)
    if xp is not np:
        return xp.pad(input, pairs) if pairs else input
    return _framed(input, pairs, b"" if input.dtype == object else 0)


@op("PadV2(input: T, paddings: Tpaddings, constant_values: T, *, T: type, Tpaddings: index = int32) -> output: T", static=("paddings",), shape=_padded, moves=True)
def pad_v2_op(xp, input, paddings, constant_values):  # noqa: A002
    """input with paddings[i] = (before, after) copies of a constant around axis i."""
    pairs = _paddings(paddings, input.ndim)
    if xp is not np:
        return xp.pad(input, pairs, constant_values=constant_values) if pairs else input
    return _framed(input, pairs, constant_values)


def _framed(x: np.ndarray, pairs: list[tuple[int, int]], value: Any) -> np.ndarray:
    out = np.empty([d + a + b for d, (a, b) in zip(x.shape, pairs)], x.dtype)
    out[...] = value
    out[tuple([slice(a, a + d) for d, (a, _) in zip(x.shape, pairs)])] = x
    return out


def _pad_grad(node: Any, dy: Any) -> Any:
    x, paddings = node.inputs[:2]
    value = known_value(paddings)
    if value is not None:
        begin: Any = value[:, 0].astype(np.int32)
        size: Any = shape_of(x)
    else:
        begin = reshape_op(_Slice(paddings, [0, 0], pack_op([rank_op(x), np.int32(1)])), np.array([-1], np.int32))
        size = shape_op(x, out_type=begin.dtype)
    return _Slice(dy, begin, size)


pad_op.grad(lambda node, dy: (_pad_grad(node, dy), None))


@pad_v2_op.grad
def _(node, dy):
    dx = _pad_grad(node, dy)
    axes = lambda t: np.arange(len(t._dims), dtype=np.int32) if t._dims is not None else range_op(0, rank_op(t), 1)
    return dx, None, _Sub(_Sum(dy, axes(dy)), _Sum(dx, axes(dx)))


_MODES = '"REFLECT"|"SYMMETRIC"'


def _mirrored(input: Any, paddings: Any, *, mode: str) -> Any:  # noqa: A002
    out = _padded(input, paddings)
    value = paddings.value
    if value is not None and input.shape is not None:
        _mirror_fits(input.shape, _paddings(value, input.rank), mode)
    return out


def _mirror_fits(dims: Any, pairs: Any, mode: str) -> None:
    for d, (a, b) in zip(dims, pairs):
        if d is None:
            continue
        if mode == "REFLECT" and (a >= d or b >= d) and (a or b):
            raise ShapeError(f"paddings must be less than the dimension size: {a}, {b} not less than {int(d)}")
        if mode == "SYMMETRIC" and (a > d or b > d):
            raise ShapeError(f"paddings must be no greater than the dimension size: {a}, {b} greater than {int(d)}")


@op(f"MirrorPad(input: T, paddings: Tpaddings, *, T: type, Tpaddings: index = int32, mode: {_MODES}) -> output: T", static=("paddings",), shape=_mirrored, moves=True)
def mirror_pad_op(xp, input, paddings, *, mode):  # noqa: A002
    """input with its own mirror image around it: without the border (REFLECT) or with it (SYMMETRIC)."""
    pairs = _paddings(paddings, input.ndim)
    _mirror_fits(input.shape, pairs, mode)
    return xp.pad(input, pairs, mode=mode.lower()) if pairs else input


@mirror_pad_op.grad
def _(node, dy):
    return mirror_pad_grad_op(dy, node.inputs[1], mode=node.attrs["mode"]), None


def _unmirrored(input: Any, paddings: Any, *, mode: str) -> Any:  # noqa: A002
    value = paddings.value
    if value is None or input.shape is None:
        return None if input.rank is None else (None,) * input.rank
    return tuple(None if d is None else int(d) - a - b for d, (a, b) in zip(input.shape, _paddings(value, input.rank)))


@op(f"MirrorPadGrad(input: T, paddings: Tpaddings, *, T: type, Tpaddings: index = int32, mode: {_MODES}) -> output: T", static=("paddings",),
    shape=_unmirrored)  # fmt: skip
def mirror_pad_grad_op(xp, input, paddings, *, mode):  # noqa: A002
    """The border of input folded back and added to the inside it mirrors."""
    off = 1 if mode == "REFLECT" else 0
    out = input
    for axis, (a, b) in enumerate(_paddings(paddings, input.ndim)):
        if not a and not b:
            continue
        n = out.shape[axis] - a - b
        at = lambda i, j, axis=axis: (slice(None),) * axis + (slice(i, j),)
        inside = out[at(a, a + n)]
        before, after = xp.flip(out[at(0, a)], axis), xp.flip(out[at(a + n, a + n + b)], axis)

        def around(part: Any, start: int, axis: int = axis, n: int = n) -> Any:
            widths = [(0, 0)] * part.ndim
            widths[axis] = (start, n - start - part.shape[axis])
            return xp.pad(part, widths)

        if a:
            inside = inside + around(before, off)
        if b:
            inside = inside + around(after, n - off - b)
        out = inside
    return out


@mirror_pad_grad_op.grad
def _(node, dy):
    return mirror_pad_op(dy, node.inputs[1], mode=node.attrs["mode"]), None


@export(v2=("pad",))
def pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    """`tensor` with `paddings[i] = (before, after)` elements more along axis i: a constant, or its own reflection.

    >>> tf.pad([1, 2, 3], [[1, 2]]).numpy().tolist()
    [0, 1, 2, 3, 0, 0]
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        if not isinstance(constant_values, Tensor) and np.ndim(constant_values) == 0 and constant_values == 0:
            out = pad_op(tensor, paddings, name=name)
        else:
            out = pad_v2_op(tensor, paddings, constant_values, name=name)
    elif mode in ("REFLECT", "SYMMETRIC"):
        out = mirror_pad_op(tensor, paddings, mode=mode, name=name)
    else:
        raise ValueError(f'Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or "SYMMETRIC". Received `mode` = {mode}')
    return out


@export(v1=("pad",))
def pad_v1(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
    """`tensor` with `paddings[i] = (before, after)` elements more along axis i."""
    return pad(tensor, paddings, mode, constant_values, name)


# -- reverse and roll --------------------------------------------------------------------------------------------------
_REVERSIBLE = "{uint8|int8|uint16|int16|int32|uint32|int64|uint64|bool|bfloat16|float16|float32|float64|complex64|complex128|string}"


@op(f"ReverseV2(tensor: T, axis: Tidx, *, T: {_REVERSIBLE}, Tidx: index = int32) -> output: T", static=("axis",), moves=True)
def reverse_op(xp, tensor, axis):
    """tensor backwards along the given axes."""
    return xp.flip(tensor, _axes(axis, tensor.ndim)) if axis.size and tensor.ndim else tensor


def _axes(axis: np.ndarray, rank: int) -> tuple[int, ...]:
    if axis.ndim > 1:
        raise ShapeError(f"axis must be 1-D, got shape {list(axis.shape)}")
    seen = []
    for a in axis.reshape(-1).tolist():
        if not -rank <= a < rank:
            raise ShapeError(f"'axis'[{len(seen)}] = {a} is out of valid range [{-rank}, {rank - 1}]")
        if a % rank in seen:
            raise ShapeError(f"axis {a % rank} specified more than once.")
        seen.append(a % rank)
    return tuple(seen)


@reverse_op.shape
def _(tensor, axis):
    if axis.value is not None and tensor.rank:
        _axes(axis.value, tensor.rank)
    return tensor.shape


reverse_op.grad(lambda node, dy: (reverse_op(dy, node.inputs[1]), None))


@op(f"Reverse(tensor: T, dims: bool, *, T: {_REVERSIBLE}) -> output: T", static=("dims",), shape=lambda tensor, dims: tensor.shape, moves=True)
def reverse_v1_op(xp, tensor, dims):
    """tensor backwards along the axes whose flag is set."""
    if tensor.ndim and dims.shape != (tensor.ndim,):
        raise ShapeError(f"reverse 'dims' must have one flag for each of the {tensor.ndim} axes, got shape {list(dims.shape)}")
    axes = tuple(np.flatnonzero(dims).tolist())
    return xp.flip(tensor, axes) if axes else tensor


reverse_v1_op.grad(lambda node, dy: (reverse_v1_op(dy, node.inputs[1]), None))


@export("reverse", v1=("reverse_v2", "manip.reverse"))
@dispatched
def reverse(tensor, axis, name=None):
    """`tensor` backwards along the given axes.

    >>> tf.reverse([1, 2, 3], [0]).numpy().tolist()
    [3, 2, 1]
    """
    return reverse_op(tensor, fixed(axis), name=name)


@op("ReverseSequence(input: T, seq_lengths: Tlen, *, T: type, Tlen: index = int64, batch_dim: int = 0, seq_dim: int) -> output: T", moves=True)
def reverse_sequence_op(xp, input, seq_lengths, *, batch_dim, seq_dim):  # noqa: A002
    """The first seq_lengths[b] elements of each row b backwards, the others where they are."""
    b, s = axis_of(batch_dim, input.ndim, "batch_dim"), axis_of(seq_dim, input.ndim, "seq_dim")
    n = input.shape[s]
    if tuple(seq_lengths.shape) != (input.shape[b],) or b == s:
        raise ShapeError(f"seq_lengths must be a vector of {input.shape[b]} lengths, one for each entry of axis {b}, got shape {list(seq_lengths.shape)}")
    steps = np.arange(n)
    lengths = xp.expand_dims(seq_lengths, 1)
    index = xp.where(steps < lengths, lengths - 1 - steps, steps)  # [batch, steps]
    moved = xp.moveaxis(input, (b, s), (0, 1))
    index = xp.clip(index, 0, max(n - 1, 0)).astype(np.int32)
    if xp is np:
        out = moved[np.arange(moved.shape[0])[:, None], index]
    else:
        out = xp.take_along_axis(moved, index.reshape(*index.shape, *[1] * (moved.ndim - 2)), 1)
    return xp.moveaxis(out, (0, 1), (b, s))


@reverse_sequence_op.check
def _(xp, input, seq_lengths, *, batch_dim, seq_dim):  # noqa: A002
    if seq_lengths.ndim != 1 or not -input.ndim <= seq_dim < input.ndim:
        return False, ""
    n = input.shape[seq_dim]
    return xp.any((seq_lengths < 0) | (seq_lengths > n)), f"seq_lens must be in [0, {n}]: one is negative or seq_lens > input.dims({seq_dim})"


@reverse_sequence_op.shape
def _(input, seq_lengths, *, batch_dim, seq_dim):  # noqa: A002
    if seq_lengths.rank not in (None, 1):
        raise ShapeError(f"seq_lengths must be 1-dim, not {seq_lengths.rank}")
    if input.shape is None:
        return None
    b, s = axis_of(batch_dim, input.rank, "batch_dim"), axis_of(seq_dim, input.rank, "seq_dim")
    if b == s:
        raise ShapeError(f"batch_dim == seq_dim == {s}")
    if seq_lengths.shape and seq_lengths.shape[0] is not None and input.shape[b] is not None and input.shape[b] != seq_lengths.shape[0]:
        raise ShapeError(f"Length of seq_lengths != input.dims({b}), ({int(seq_lengths.shape[0])} vs. {int(input.shape[b])})")
    return input.shape


@reverse_sequence_op.grad
def _(node, dy):
    return reverse_sequence_op(dy, node.inputs[1], batch_dim=node.attrs["batch_dim"], seq_dim=node.attrs["seq_dim"]), None


@export(v2=("reverse_sequence",))
def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None):  # noqa: A002
    """The first `seq_lengths[i]` elements of each sequence backwards, the rest where they are."""
    return reverse_sequence_op(input, seq_lengths, seq_dim=_needed(seq_axis), batch_dim=0 if batch_axis is None else batch_axis, name=name)


def _needed(seq_axis: Any) -> Any:
    if seq_axis is None:
        raise TypeError("reverse_sequence() is missing seq_axis")
    return seq_axis


@export(v1=("reverse_sequence",))
def reverse_sequence_v1(input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None, batch_dim=None):  # noqa: A002
    """The first `seq_lengths[i]` elements of each sequence backwards, the rest where they are."""
    return reverse_sequence(input, seq_lengths, renamed("seq_axis", seq_axis, "seq_dim", seq_dim), renamed("batch_axis", batch_axis, "batch_dim", batch_dim), name)


@op("Roll(input: T, shift: Tshift, axis: Taxis, *, T: type, Taxis: index, Tshift: index) -> output: T", static=("axis",), moves=True)
def roll_op(xp, input, shift, axis):  # noqa: A002
    """input rotated by shift[i] along axis[i]."""
    if input.ndim < 1:
        raise ShapeError("input must be 1-D or higher: Shape must be at least rank 1 but is rank 0")
    if tuple(shift.shape) != axis.shape:
        raise ShapeError(f"shift and axis must have the same size, got shapes {list(shift.shape)} and {list(axis.shape)}")
    axes = [axis_of(a, input.ndim) for a in axis.reshape(-1).tolist()]
    shifts = shift.reshape(-1)
    if xp is np:
        return np.roll(input, shifts.tolist(), axes) if axes else input
    for i, a in enumerate(axes):
        input = xp.roll(input, shifts[i], a)  # noqa: A001
    return input


@roll_op.shape
def _(input, shift, axis):  # noqa: A002
    if input.rank == 0:
        raise ShapeError("input must be 1-D or higher: Shape must be at least rank 1 but is rank 0")
    for s in (shift, axis):
        if s.rank is not None and s.rank > 1:
            raise ShapeError(f"{s.name} must be a scalar or a 1-D vector, got shape {as_text(s.shape)}")
    return input.shape


@roll_op.grad
def _(node, dy):
    return roll_op(dy, find("Neg")(node.inputs[1]), node.inputs[2]), None, None


@export("roll", v1=("manip.roll",))
def roll(input, shift, axis, name=None):  # noqa: A002
    """The elements rotated by `shift` places along `axis`.

    >>> tf.roll([0, 1, 2, 3, 4], 2, 0).numpy().tolist()
    [3, 4, 0, 1, 2]
    """
    return roll_op(input, fixed(shift), fixed(axis), name=name)


# -- repeat, sequence_mask ---------------------------------------------------------------------------------------------
@export("repeat")
def repeat(input, repeats, axis=None, name=None):  # noqa: A002
    """Each element (or each slice along `axis`) `repeats` times in a row.

    >>> tf.repeat([1, 2], [2, 3]).numpy().tolist()
    [1, 1, 2, 2, 2]
    """
    if axis is None:
        input, axis = reshape_op(input, np.array([-1], np.int32)), 0  # noqa: A001
    return repeat_with_axis(input, repeats, axis, name)


def repeat_with_axis(data: Any, repeats: Any, axis: int, name: str | None) -> Any:
    """Each slice of data along axis, repeats times in a row."""
    from penstock.ops.masks import boolean_mask, sequence_mask

    with scoped(name, "Repeat"):
        data = door.convert(data, None, "data")
        repeats = door.convert(repeats, None, "repeats")
        if not repeats.dtype.is_integer:
            raise TypeError(f"tf.repeat(): repeats must be integers, got {repeats.dtype.name}")
        repeats = _Cast(repeats, DstT=dtypes.int32) if repeats.dtype.base_dtype is not dtypes.int32 else repeats
        if data._dims is None:
            raise ValueError("tf.repeat() needs an input of known rank")
        if not isinstance(axis, int):
            axis = int(axis)
        rank = len(data._dims)
        if not -rank <= axis < rank:
            raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
        at = axis % rank
        if repeats._dims is None:
            repeats = reshape_op(repeats, np.array([-1], np.int32))
        sizes = shape_of(data) if isinstance(shape_of(data), np.ndarray) else shape_op(data)
        if repeats._dims in ((), (1,)):
            once = reshape_op(repeats, np.array([], np.int32)) if repeats._dims else repeats
            wide = expand_dims_op(data, np.int32(at + 1))
            times = pack_op([once if i == at + 1 else np.int32(1) for i in np.arange(rank + 1).tolist()])
            tiled = tile_op(wide, times)
            if isinstance(sizes, np.ndarray):
                count: Any = find("Mul")(door.convert(sizes[at]), once, name="mul")
                target = pack_op([*[door.convert(s) for s in sizes[:at]], count, *[door.convert(s) for s in sizes[at + 1 :]]])
            else:
                count = find("Mul")(sizes[at], once, name="mul")
                target = concat_v2([sizes[:at], expand_dims_op(count, np.int32(0)), sizes[at + 1 :]], np.int32(0))
            return reshape_op(tiled, target)
        if len(repeats._dims) > 1:
            raise ValueError(f"tf.repeat(): repeats must be a scalar or a vector, got shape {repeats.shape}")
        n, m = data._dims[at], repeats._dims[0]
        if n is not None and m is not None and n != m:
            raise ValueError(f"tf.repeat(): repeats has {m} entries, axis {axis} of the input {n}: Dimensions {m} and {n} are not compatible")
        most = find("Maximum")(0, find("Max")(repeats, np.arange(1, dtype=np.int32)))
        mask = sequence_mask(repeats, most)
        wide = expand_dims_op(data, np.int32(at + 1))
        times = pack_op([most if i == at + 1 else np.int32(1) for i in np.arange(rank + 1).tolist()])
        tiled = tile_op(wide, times)
        if at == 0:
            return boolean_mask(tiled, mask)
        order = [at, at + 1, *[i for i in np.arange(rank + 1).tolist() if i not in (at, at + 1)]]
        masked = boolean_mask(transpose_op(tiled, np.array(order, np.int32)), mask)
        back = [*[i + 1 for i in np.arange(at).tolist()], 0, *np.arange(at + 1, rank).tolist()]
        return transpose_op(masked, np.array(back, np.int32))


