"""Sums over named axes: einsum and tensordot."""

import re
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import broadcast, same
from penstock.ir import convert, door, node_count
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import conj, later, unbroadcast, wide

Reshape, Transpose = later("Reshape"), later("Transpose")


# -- the op ------------------------------------------------------------------------------------------------------------
def _parse(equation: str, count: int) -> tuple[list[str], str]:
    """The labels of each input and of the output, `.` standing for the ellipsis."""
    left, arrow, right = equation.replace(" ", "").replace("...", ".").partition("->")
    inputs = left.split(",")
    if not arrow:
        raise InvalidArgumentError(f"Expecting exactly one '->' in einsum equation: {equation}")
    if len(inputs) != count:
        raise InvalidArgumentError(f"Expected {len(inputs)} inputs for equation {equation} but got: {count}")
    return inputs, right


def _shape(inputs: Any, *, equation: str) -> Any:
    labels, out = _parse(equation, len(inputs))
    sizes: dict[str, Any] = {}
    batches: list[Any] = []
    for spec, text in zip(inputs, labels):
        if spec.shape is None:
            return None
        named = len(text.replace(".", ""))
        if "." in text and len(spec.shape) < named or "." not in text and len(spec.shape) != named:
            raise ShapeError(
                f"Expected input to have rank {'at least ' if '.' in text else ''}{named} for {equation!r}, {spec.name} is rank {len(spec.shape)}"
            )
        head, dot, tail = text.partition(".")
        middle = spec.shape[len(head) : len(spec.shape) - len(tail)]
        if dot:
            batches.append(middle)
        for label, size in zip(head + tail, spec.shape[: len(head)] + spec.shape[len(spec.shape) - len(tail) :]):
            sizes[label] = same(sizes.get(label), size, f"axis {label!r} of {equation!r} must have one size")
    batch = broadcast(*batches) if batches else ()
    head, dot, tail = out.partition(".")
    return (*(sizes.get(c) for c in head), *(batch if dot else ()), *(sizes.get(c) for c in tail))


@op("Einsum(inputs: N*T, *, N: int >= 1, T: type, equation: str) -> output: T", shape=_shape)
def Einsum(xp, inputs, *, equation):  # noqa: N802
    """The sum of products that the equation describes; `...` stands for axes that broadcast."""
    _parse(equation, len(inputs))
    return xp.einsum(equation, *[wide(xp, x) for x in inputs], optimize="optimal" if len(inputs) > 2 else xp is not np)


@Einsum.grad
def _(node: Any, dy: Any) -> Any:
    inputs, equation = node.inputs, node.attrs["equation"]
    labels, out = _parse(equation, len(inputs))
    text = lambda s: s.replace(".", "...")
    if len(inputs) > 2:
        raise ValueError(
            "Gradient for einsum with more than two inputs is not defined: tf.einsum splits such equations"
        )
    if len(inputs) == 1:
        return _expand(dy, out, labels[0], inputs[0], text)
    grads = []
    for mine, other, x, y in (
        (labels[0], labels[1], inputs[0], inputs[1]),
        (labels[1], labels[0], inputs[1], inputs[0]),
    ):
        have = set(out) | set(other)
        repeated = len(set(mine)) != len(mine)
        kept = "".join(dict.fromkeys(c for c in mine if c in have))
        if "." not in kept and "." in out:
            kept = "." + kept  # summed away below
        part = Einsum([dy, conj(y)], equation=f"{text(out)},{text(other)}->{text(kept)}")
        if kept != mine or repeated:
            part = _expand(part, kept, mine, x, text)
        elif "." in mine:
            part = unbroadcast(part, x, part)
        grads.append(part)
    return tuple(grads)


def _expand(part: Any, have: str, want: str, x: Any, text: Any) -> Any:
    """A gradient with labels `have` as one of x's labels `want`."""
    if "." in have and "." not in want:
        rank_out = len(part._dims) - len(have.replace(".", ""))
        part = later("Sum")(part, list(range(rank_out)))
        have = have.replace(".", "")
    unique = "".join(dict.fromkeys(want))
    missing = [c for c in unique if c not in have]
    dims = x._dims
    head, dot, tail = want.partition(".")

    def size(c: str) -> Any:
        at = head.index(c) if c in head else len(dims) - len(tail) + tail.index(c)
        return at

    shape = later("Shape")(x)
    if missing:
        sizes = [later("GatherV2")(shape, np.int32(size(c)), 0) for c in missing]
        ones = later("Fill")(later("Pack")(sizes), _one(x))
        part = Einsum([ones, part], equation=f"{''.join(missing)},{text(have)}->{text(unique)}")
    elif have != unique:
        part = Einsum([part], equation=f"{text(have)}->{text(unique)}")
    if unique != want:  # a repeated label: put the values on the diagonal
        fresh, seen, deltas = "", set(), []
        names = iter(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in want)
        for c in want:
            if c in seen:
                new = next(names)
                deltas.append((c, new))
                fresh += new
            else:
                seen.add(c)
                fresh += c
        have_now = unique
        for c, new in deltas:
            n = dims[size(c)]
            eye = (
                np.eye(n, dtype=x.dtype.array_dtype)
                if n is not None
                else later("MatrixDiag")(later("Fill")(later("GatherV2")(shape, [size(c)], 0), _one(x)))
            )
            target = have_now + new
            part = Einsum([part, eye], equation=f"{text(have_now)},{c}{new}->{text(target)}")
            have_now = target
        part = Einsum([part], equation=f"{text(have_now)}->{text(fresh)}")
    return unbroadcast(part, x, part) if "." in want else part


def _one(x: Any) -> Any:
    return door.convert(np.ones((), x.dtype.array_dtype), x.dtype.base_dtype)


# -- public functions ------------------------------------------------------------------------------------------------
def _explicit(equation: str, inputs: list[Any]) -> str:
    """The equation with its output written out and nothing but letters, dots and commas."""
    equation = equation.replace(" ", "")
    if not re.fullmatch(r"[a-zA-Z.,]*(->[a-zA-Z.]*)?", equation) or re.search(r"(?<!\.)\.{1,2}(?!\.)|\.{4,}", equation):
        raise ValueError(f"Indices have incorrect format. Received: {equation}.")
    left, arrow, right = equation.partition("->")
    if len(left.split(",")) != len(inputs):
        raise ValueError(f"Got {len(inputs)} inputs for equation {equation!r}, expecting {len(left.split(','))}.")
    if arrow:
        return equation
    letters = left.replace(",", "").replace(".", "")
    once = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return f"{left}->{'...' if '...' in left else ''}{once}"


@export("einsum", "linalg.einsum")
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """The sum of products of the inputs that an equation such as "ij,jk->ik" describes.

    >>> tf.einsum("ij,jk->ik", [[1., 2.]], [[3.], [4.]]).numpy().tolist()
    [[11.0]]
    """
    name = kwargs.pop("name", None)
    optimize = kwargs.pop("optimize", "greedy")
    if kwargs:
        raise TypeError(
            f"Invalid keyword arguments for einsum: {', '.join(kwargs)}. Valid arguments: name, optimize, greedy."
        )
    if optimize not in ("greedy", "optimal", "branch-2", "branch-all", "auto"):
        raise ValueError(f"Unknown `optimize` strategy {optimize!r}")
    with scoped(name, "einsum"):
        kind = next((convert.dtype_of(x) for x in inputs if isinstance(x, Tensor)), None)
        tensors = [x if isinstance(x, Tensor) else door.convert(x, kind) for x in inputs]
        text = _explicit(equation, tensors)
        if len(tensors) <= 2:
            return Einsum(tensors, equation=text)
        return _pairwise(text, tensors, optimize)


def _pairwise(equation: str, tensors: list[Any], optimize: str) -> Any:
    """Two inputs at a time, in the order that NumPy's path finder gives for the known sizes."""
    left, _, out = equation.partition("->")
    terms = left.split(",")
    if "..." in equation or any(t._dims is None or None in t._dims for t in tensors):
        path: list[Any] = [(0, 1)] * (len(terms) - 1)
    else:
        shaped = [np.broadcast_to(np.int8(0), t._dims) for t in tensors]
        path = np.einsum_path(
            equation,
            *shaped,
            optimize="greedy" if optimize == "auto" else optimize if optimize in ("greedy", "optimal") else "optimal",
        )[0][1:]
    for step in path:
        step = sorted(step, reverse=True)
        picked = [(terms.pop(k), tensors.pop(k)) for k in step][::-1]
        while len(picked) > 1:
            (a, x), (b, y), *picked = picked
            wanted = set(out) | {c for t in terms for c in t} | {c for t, _ in picked for c in t}
            letters = "".join(dict.fromkeys(c for c in a + b if c in wanted and c != "."))
            made = ("..." if "..." in a or "..." in b else "") + letters
            last = not terms and not picked
            made = out if last else made
            picked.insert(0, (made, Einsum([x, y], equation=f"{a},{b}->{made}")))
        terms.append(picked[0][0])
        tensors.append(picked[0][1])
    return tensors[0] if terms[0] == out else Einsum([tensors[0]], equation=f"{terms[0]}->{out}")


def _axes(axes: Any, a: Any, b: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        if axes < 0:
            raise ValueError(f"`axes` must be at least 0. Received: {axes}.")
        rank = a.shape.rank
        if rank is None:
            raise ValueError("tensordot with a number of axes needs the rank of `a` to be known")
        if axes > rank:
            raise ValueError(
                f"`axes` must not be larger than the number of dimensions of tensor {a}.  Received {axes}, vs tensor dimensions {rank}."
            )
        return list(range(rank - axes, rank)), list(range(axes))
    if isinstance(axes, Tensor):
        from penstock.ir.known import known_value

        known = known_value(axes)
        if known is None:
            raise ValueError("tensordot needs the value of `axes` while the graph is built")
        return _axes(known.tolist(), a, b)
    if isinstance(axes, np.ndarray):
        axes = axes.tolist()
    if len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    first, second = ([v] if isinstance(v, (int, np.integer)) else [int(x) for x in v] for v in axes)
    if len(first) != len(second):
        raise ValueError(f"Different number of contraction axes `a` and `b`, {len(first)} != {len(second)}.")
    return first, second


def tensordot_nodes(a_known: bool, b_known: bool) -> int:
    """The nodes of a tensordot of TensorFlow 1.x, by whether the shapes of its inputs are fully known."""
    return sum(4 if known else 16 for known in (a_known, b_known)) + 1 + (2 if a_known and b_known else 4 if a_known or b_known else 3)


@export("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """The sum of products of a and b over pairs of axes: a number (last of a with first of b), or two lists of axes.

    >>> tf.tensordot([[1., 2.]], [[3.], [4.]], 1).numpy().tolist()
    [[11.0]]
    """
    with scoped(name, "Tensordot") as scope:
        a = door.convert(a, None, "a")
        b = door.convert(b, a.dtype.base_dtype, "b")
        with node_count.exactly(tensordot_nodes(a.shape.is_fully_defined(), b.shape.is_fully_defined())):
            return _tensordot(a, b, axes, scope)


def _tensordot(a: Any, b: Any, axes: Any, scope: str) -> Any:
    from penstock.ops.matmul import matmul

    a_axes, b_axes = _axes(axes, a, b)

    def flatten(x: Any, contracted: list[int], last: bool) -> tuple[Any, list[Any], Any]:
        dims = x._dims
        if dims is None:
            raise ValueError("tensordot needs the ranks of `a` and `b` to be known")
        rank = len(dims)
        for c in contracted:
            if not -rank <= c < rank:
                raise ValueError(f"axis {c} is out of range for a tensor of rank {rank}")
        at = [c % rank for c in contracted]
        free = [d for d in range(rank) if d not in at]
        perm = free + at if last else at + free
        inner = None if any(dims[c] is None for c in at) else int(np.prod([dims[c] for c in at], dtype=np.int64))
        outer = (
            None if any(dims[d] is None for d in free) else int(np.prod([dims[d] for d in free], dtype=np.int64))
        )
        moved = x if perm == list(range(rank)) else Transpose(x, np.array(perm, np.int32), name="transpose")
        if len(free) != 1 or len(at) != 1:
            sides = [outer, inner] if last else [inner, outer]
            if sides.count(None) == 2:
                sizes = later("GatherV2")(later("Shape")(x), np.array(at, np.int32), 0)
                product = later("Prod")(sizes, 0)
                moved = Reshape(moved, later("Pack")([-1, product] if last else [product, -1]))
            else:
                moved = Reshape(moved, np.array([-1 if s is None else s for s in sides], np.int32))
        free_dims = [dims[d] for d in free]
        sizes = None if None not in free_dims else later("GatherV2")(later("Shape")(x), np.array(free, np.int32), 0)
        return moved, free_dims, sizes

    left, a_free, a_sizes = flatten(a, a_axes, True)
    right, b_free, b_sizes = flatten(b, b_axes, False)
    whole = [*a_free, *b_free]
    if len(a_free) == 1 and len(b_free) == 1:
        return matmul(left, right, name=scope or None)
    product = matmul(left, right)
    if whole.count(None) <= 1:
        return Reshape(product, np.array([-1 if d is None else d for d in whole], np.int32), name=scope or None)
    part = lambda sizes, dims: np.array(dims, np.int32) if sizes is None else sizes
    out = Reshape(product, later("ConcatV2")([part(a_sizes, a_free), part(b_sizes, b_free)], 0), name=scope or None)
    if hasattr(out, "set_shape"):
        out.set_shape(whole)
    return out
