"""Diagonals of matrices: building, reading and replacing them; bands; traces."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, merge
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later

ZerosLike, Reshape = later("ZerosLike"), later("Reshape")


# -- where diagonals stand in a matrix and in its packed form ----------------------------------------------------------
def _bounds(k: Any) -> tuple[int, int]:
    """(lowest, highest) diagonal of `k`: one number, or a pair."""
    k = np.asarray(k).reshape(-1).tolist()
    if len(k) not in (1, 2):
        raise ShapeError(f"k must be a scalar or a vector of one or two elements, got {len(k)} elements")
    low, high = k[0], k[-1]
    if low > high:
        raise ShapeError(f"k[0] must not be larger than k[1]: {low} > {high}")
    return low, high


def _cells(
    rows: int, cols: int, low: int, high: int, align: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """For each cell of the band: its row and column, its place in the packed form [diagonals, length]; and that length."""
    length = min(rows + min(high, 0), cols - max(low, 0))
    r, c, line, place = [], [], [], []
    for d in range(high, low - 1, -1):
        n = max(0, min(rows + min(d, 0), cols - max(d, 0)))
        left = align.startswith("LEFT") if d >= 0 else align.endswith("LEFT")
        offset = 0 if left else length - n
        start_row, start_col = max(-d, 0), max(d, 0)
        r.append(np.arange(n) + start_row)
        c.append(np.arange(n) + start_col)
        line.append(np.full(n, high - d))
        place.append(np.arange(n) + offset)
    join = lambda parts: np.concatenate(parts) if parts else np.zeros(0, int)
    return join(r), join(c), join(line), join(place), length


def _put(xp: Any, array: Any, where: tuple[Any, ...], values: Any) -> Any:
    if xp is np:
        array = np.array(array)
        array[where] = values
        return array
    return array.at[where].set(values)


def _check_band(rows: int, cols: int, low: int, high: int) -> None:
    for d, which in ((low, "lower"), (high, "upper")):
        if not -rows < d < cols and not (d == 0 or rows == 0 or cols == 0):
            raise ShapeError(f"{which}_diag_index is out of bound: {d}. It must be between {-rows} and {cols}")


# -- reading -----------------------------------------------------------------------------------------------------------
def _diag_part(xp: Any, matrix: Any, k: Any, padding: Any, align: str) -> Any:
    if matrix.ndim < 2:
        raise ShapeError(f"input must be at least 2-dim, received shape: {as_text(matrix.shape)}")
    low, high = _bounds(k)
    rows, cols = matrix.shape[-2:]
    _check_band(rows, cols, low, high)
    r, c, line, place, length = _cells(rows, cols, low, high, align)
    if low == high:
        return matrix[..., r, c]
    out = xp.zeros((*matrix.shape[:-2], high - low + 1, length), matrix.dtype) + xp.asarray(padding, matrix.dtype)
    return _put(xp, out, (Ellipsis, line, place), matrix[..., r, c])


def _diag_part_shape(input: Any, k: Any = None, **_: Any) -> Any:  # noqa: A002
    dims = input.shape
    if dims is None:
        return None
    if len(dims) < 2:
        raise ShapeError(f"Shape must be at least rank 2 but is rank {len(dims)}: {input.name} has shape {as_text(dims)}")
    bounds = 0 if k is None else k.value
    if bounds is None:
        return None
    low, high = _bounds(bounds)
    rows, cols = dims[-2:]
    if rows is None or cols is None:
        length = None
    else:
        _check_band(rows, cols, low, high)
        length = min(rows + min(high, 0), cols - max(low, 0))
    return (*dims[:-2], length) if low == high else (*dims[:-2], high - low + 1, length)


MatrixDiagPart = op("MatrixDiagPart(input: T, *, T: type) -> diagonal: T", shape=lambda input: _diag_part_shape(input))(
    lambda xp, input: _diag_part(xp, input, 0, 0, "LEFT_LEFT")
)
MatrixDiagPartV2 = op(
    "MatrixDiagPartV2(input: T, k: int32, padding_value: T, *, T: type) -> diagonal: T",
    static=("k",),
    shape=lambda input, k, padding_value: _diag_part_shape(input, k),
)(lambda xp, input, k, padding_value: _diag_part(xp, input, k, padding_value, "LEFT_LEFT"))
_ALIGN = 'align: "LEFT_RIGHT"|"RIGHT_LEFT"|"LEFT_LEFT"|"RIGHT_RIGHT" = "RIGHT_LEFT"'
MatrixDiagPartV3 = op(
    f"MatrixDiagPartV3(input: T, k: int32, padding_value: T, *, T: type, {_ALIGN}) -> diagonal: T",
    static=("k",),
    shape=lambda input, k, padding_value, *, align: _diag_part_shape(input, k),
)(lambda xp, input, k, padding_value, *, align: _diag_part(xp, input, k, padding_value, align))


# -- building ----------------------------------------------------------------------------------------------------------
def _diag_size(dims: Any, low: int, high: int, rows: int, cols: int) -> tuple[int, int]:
    """The matrix's size: what is -1 follows from the diagonals."""
    length = dims[-1]
    least_rows, least_cols = length - min(high, 0), length + max(low, 0)
    if rows == -1 and cols == -1:
        rows = cols = max(least_rows, least_cols)
    elif rows == -1:
        rows = least_rows
    elif cols == -1:
        cols = least_cols
    if rows < least_rows or cols < least_cols or (rows != least_rows and cols != least_cols):
        raise ShapeError(
            f"The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal: {rows} x {cols} for diagonals {low}..{high} of length {length}"
        )
    return rows, cols


def _diag(xp: Any, diagonal: Any, k: Any, rows: int, cols: int, padding: Any, align: str) -> Any:
    if diagonal.ndim < 1:
        raise ShapeError("diagonal must be at least a vector")
    low, high = _bounds(k)
    if low != high and (diagonal.ndim < 2 or diagonal.shape[-2] != high - low + 1):
        raise ShapeError(
            f"The number of diagonals provided in the input does not match the lower_diag_index and upper_diag_index range: {list(diagonal.shape)} for {low}..{high}"
        )
    rows, cols = _diag_size(diagonal.shape, low, high, rows, cols)
    r, c, line, place, _ = _cells(rows, cols, low, high, align)
    lead = diagonal.shape[:-1] if low == high else diagonal.shape[:-2]
    out = xp.zeros((*lead, rows, cols), diagonal.dtype) + xp.asarray(padding, diagonal.dtype)
    return _put(xp, out, (Ellipsis, r, c), diagonal[..., place] if low == high else diagonal[..., line, place])


def _diag_shape(diagonal: Any, k: Any = None, num_rows: Any = None, num_cols: Any = None) -> Any:
    dims = diagonal.shape
    if dims is None:
        return None
    if len(dims) < 1:
        raise ShapeError("diagonal must be at least a vector")
    if k is None:
        return (*dims, dims[-1])
    if k.value is None:
        return None
    low, high = _bounds(k.value)
    lead = dims[:-1] if low == high else dims[:-2]
    rows, cols = num_rows.value, num_cols.value
    if rows is None or cols is None or dims[-1] is None:
        known = lambda v: None if v is None or int(v) < 0 else int(v)
        return (*lead, known(rows), known(cols))
    return (*lead, *_diag_size(dims, low, high, int(rows), int(cols)))


MatrixDiag = op("MatrixDiag(diagonal: T, *, T: type) -> output: T", shape=lambda diagonal: _diag_shape(diagonal))(
    lambda xp, diagonal: _diag(xp, diagonal, 0, -1, -1, 0, "LEFT_LEFT")
)
_BUILD = ("k", "num_rows", "num_cols")
MatrixDiagV2 = op(
    "MatrixDiagV2(diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T, *, T: type) -> output: T",
    static=_BUILD,
    shape=lambda diagonal, k, num_rows, num_cols, padding_value: _diag_shape(diagonal, k, num_rows, num_cols),
)(
    lambda xp, diagonal, k, num_rows, num_cols, padding_value: _diag(
        xp, diagonal, k, int(num_rows), int(num_cols), padding_value, "LEFT_LEFT"
    )
)
MatrixDiagV3 = op(
    f"MatrixDiagV3(diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T, *, T: type, {_ALIGN}) -> output: T",
    static=_BUILD,
    shape=lambda diagonal, k, num_rows, num_cols, padding_value, *, align: _diag_shape(diagonal, k, num_rows, num_cols),
)(
    lambda xp, diagonal, k, num_rows, num_cols, padding_value, *, align: _diag(
        xp, diagonal, k, int(num_rows), int(num_cols), padding_value, align
    )
)


# -- replacing ---------------------------------------------------------------------------------------------------------
def _set_diag(xp: Any, matrix: Any, diagonal: Any, k: Any, align: str) -> Any:
    low, high = _bounds(k)
    if matrix.ndim < 2:
        raise ShapeError(f"input must be at least 2-dim, received shape: {as_text(matrix.shape)}")
    rows, cols = matrix.shape[-2:]
    _check_band(rows, cols, low, high)
    r, c, line, place, length = _cells(rows, cols, low, high, align)
    lead = matrix.shape[:-2]
    want = (*lead, length) if low == high else (*lead, high - low + 1, length)
    if diagonal.shape != want:
        raise ShapeError(
            "Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] is not equal to the longests diagonal in range [lower_diag_index:upper_diag_index]: "
            f"expected {list(want)}, got {list(diagonal.shape)}"
        )
    return _put(xp, matrix, (Ellipsis, r, c), diagonal[..., place] if low == high else diagonal[..., line, place])


def _set_shape(input: Any, diagonal: Any, k: Any = None, **_: Any) -> Any:  # noqa: A002
    if input.shape is None:
        return None
    if len(input.shape) < 2:
        raise ShapeError(f"Shape must be at least rank 2 but is rank {len(input.shape)}: {input.name} has shape {as_text(input.shape)}")
    want = _diag_part_shape(input, k)
    if want is not None and diagonal.shape is not None:
        merge(want, diagonal.shape)
    return input.shape


MatrixSetDiag = op(
    "MatrixSetDiag(input: T, diagonal: T, *, T: type) -> output: T",
    shape=lambda input, diagonal: _set_shape(input, diagonal),
)(lambda xp, input, diagonal: _set_diag(xp, input, diagonal, 0, "LEFT_LEFT"))
MatrixSetDiagV2 = op(
    "MatrixSetDiagV2(input: T, diagonal: T, k: int32, *, T: type) -> output: T", shape=_set_shape, static=("k",)
)(lambda xp, input, diagonal, k: _set_diag(xp, input, diagonal, k, "LEFT_LEFT"))
MatrixSetDiagV3 = op(
    f"MatrixSetDiagV3(input: T, diagonal: T, k: int32, *, T: type, {_ALIGN}) -> output: T",
    shape=_set_shape,
    static=("k",),
)(lambda xp, input, diagonal, k, *, align: _set_diag(xp, input, diagonal, k, align))


# -- gradients ---------------------------------------------------------------------------------------------------------
def _zero_of(x: Any) -> Any:
    return door.convert(np.zeros((), x.dtype.array_dtype), x.dtype.base_dtype)


MatrixDiag.grad(lambda node, dy: MatrixDiagPart(dy))
MatrixDiagV2.grad(lambda node, dy: (MatrixDiagPartV2(dy, node.inputs[1], _zero_of(dy)), None, None, None, None))
MatrixDiagV3.grad(
    lambda node, dy: (
        MatrixDiagPartV3(dy, node.inputs[1], _zero_of(dy), align=node.attrs["align"]),
        None,
        None,
        None,
        None,
    )
)


def _part_grad(node: Any, dy: Any) -> Any:
    """The gradient of reading diagonals: they are set in a matrix of zeros."""
    x = node.inputs[0]
    if len(node.inputs) == 1:
        return MatrixSetDiag(ZerosLike(x), dy)
    align = node.attrs.get("align", "LEFT_LEFT")
    return MatrixSetDiagV3(ZerosLike(x), dy, node.inputs[1], align=align), None, None


MatrixDiagPart.grad(_part_grad)
MatrixDiagPartV2.grad(_part_grad)
MatrixDiagPartV3.grad(_part_grad)


def _set_grad(node: Any, dy: Any) -> Any:
    diagonal = node.inputs[1]
    k = node.inputs[2] if len(node.inputs) == 3 else np.int32(0)
    align = node.attrs.get("align", "LEFT_LEFT")
    d_diagonal = MatrixDiagPartV3(dy, k, _zero_of(dy), align=align)
    d_input = MatrixSetDiagV3(dy, ZerosLike(diagonal), k, align=align)
    return (d_input, d_diagonal) if len(node.inputs) == 2 else (d_input, d_diagonal, None)


for _op in (MatrixSetDiag, MatrixSetDiagV2, MatrixSetDiagV3):
    _op.grad(_set_grad)


# -- bands and tensors ------------------------------------------------------------------------------------------------
@op(
    "MatrixBandPart(input: T, num_lower: Tindex, num_upper: Tindex, *, T: type, Tindex: index = int64) -> band: T",
    shape=lambda input, num_lower, num_upper: input.shape,
)
def MatrixBandPart(xp, input, num_lower, num_upper):  # noqa: A002, N802
    """input with zeros outside the band of num_lower subdiagonals and num_upper superdiagonals (negative: all)."""
    if input.ndim < 2:
        raise ShapeError(f"input must be at least 2-dim, received shape: {list(input.shape)}")
    rows, cols = input.shape[-2:]
    distance = np.arange(cols)[None, :] - np.arange(rows)[:, None]
    inside = ((num_lower < 0) | (-distance <= num_lower)) & ((num_upper < 0) | (distance <= num_upper))
    return xp.where(inside, input, xp.zeros((), input.dtype))


@MatrixBandPart.check
def _(xp: Any, input: Any, num_lower: Any, num_upper: Any) -> Any:  # noqa: A002
    if input.ndim < 2:
        return False, ""
    rows, cols = input.shape[-2:]
    bad = (num_lower > rows) | (num_upper > cols)
    return (
        bad,
        f"num_lower must be negative or at most the number of rows ({rows}), num_upper at most that of columns ({cols})",
        InvalidArgumentError,
    )


MatrixBandPart.grad(lambda node, dy: (MatrixBandPart(dy, node.inputs[1], node.inputs[2]), None, None))

_TYPES = "{bfloat16|float16|float32|float64|int32|int64|complex64|complex128}"


@op(
    f"Diag(diagonal: T, *, T: {_TYPES}) -> output: T",
    shape=lambda diagonal: None if diagonal.shape is None else (*diagonal.shape, *diagonal.shape),
)
def Diag(xp, diagonal):  # noqa: N802
    """[d1, ..., dk] -> [d1, ..., dk, d1, ..., dk] with the elements where both halves of the index agree."""
    if diagonal.ndim < 1:
        raise ShapeError("Input must be at least rank 1, got 0")
    return xp.diag(diagonal.reshape(-1)).reshape(diagonal.shape * 2)


@op(f"DiagPart(input: T, *, T: {_TYPES}) -> diagonal: T")
def DiagPart(xp, input):  # noqa: A002, N802
    """[d1, ..., dk, d1, ..., dk] -> [d1, ..., dk]: the elements where both halves of the index agree."""
    half = input.ndim // 2
    if input.ndim % 2 or input.shape[:half] != input.shape[half:]:
        raise ShapeError(
            f"The rank of the tensor should be even, and its halves equal, got shape {list(input.shape)}"
        )
    n = int(np.prod(input.shape[:half], dtype=np.int64))
    return xp.diagonal(input.reshape(n, n)).reshape(input.shape[:half])


@DiagPart.shape
def _(input: Any) -> Any:  # noqa: A002
    if input.shape is None:
        return None
    half = len(input.shape) // 2
    if len(input.shape) % 2 or not half:
        raise ShapeError(f"Input must have even and non-zero rank, input rank is {len(input.shape)}")
    return merge(input.shape[:half], input.shape[half:])


Diag.grad(lambda node, dy: DiagPart(dy))
DiagPart.grad(lambda node, dy: Diag(dy))


# -- public functions ------------------------------------------------------------------------------------------------
@export("linalg.diag", v1=("matrix_diag",))
def matrix_diag(
    diagonal: Any,
    name: str = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Matrices with the given (k-th) diagonals, and `padding_value` elsewhere.

    >>> tf.linalg.diag([1, 2]).numpy().tolist()
    [[1, 0], [0, 2]]
    """
    diagonal = door.convert(diagonal)
    padding = (
        np.asarray(padding_value, diagonal.dtype.array_dtype)
        if isinstance(padding_value, (int, float, bool))
        else padding_value
    )
    return MatrixDiagV3(diagonal, k, num_rows, num_cols, padding, align=align, name=name)


@export("linalg.diag_part", v1=("matrix_diag_part",))
def matrix_diag_part(
    input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:  # noqa: A002
    """The (k-th, or k[0]-th to k[1]-th) diagonals of matrices.

    >>> tf.linalg.diag_part([[1, 2], [3, 4]]).numpy().tolist()
    [1, 4]
    """
    input = door.convert(input)  # noqa: A001
    padding = (
        np.asarray(padding_value, input.dtype.array_dtype)
        if isinstance(padding_value, (int, float, bool))
        else padding_value
    )
    return MatrixDiagPartV3(input, k, padding, align=align, name=name)


@export("linalg.set_diag", v1=("matrix_set_diag",))
def matrix_set_diag(input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT") -> Any:  # noqa: A002
    """Matrices with their (k-th) diagonals replaced.

    >>> tf.linalg.set_diag([[1, 2], [3, 4]], [8, 9]).numpy().tolist()
    [[8, 2], [3, 9]]
    """
    return MatrixSetDiagV3(input, diagonal, k, align=align, name=name)


@export("linalg.tensor_diag", v1=("diag",))
def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """A tensor of twice the rank with `diagonal` where both halves of the index agree.

    >>> tf.linalg.tensor_diag([1, 2]).numpy().tolist()
    [[1, 0], [0, 2]]
    """
    return Diag(diagonal, name=name)


@export("linalg.tensor_diag_part", v1=("diag_part",))
def tensor_diag_part(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The elements where both halves of the index agree.

    >>> tf.linalg.tensor_diag_part([[1, 2], [3, 4]]).numpy().tolist()
    [1, 4]
    """
    return DiagPart(input, name=name)


@export("linalg.band_part", v1=("matrix_band_part",))
def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:  # noqa: A002
    """Matrices with zeros outside a band around the diagonal: (-1, 0) keeps the lower triangle.

    >>> tf.linalg.band_part([[1, 2], [3, 4]], -1, 0).numpy().tolist()
    [[1, 0], [3, 4]]
    """
    return MatrixBandPart(input, num_lower, num_upper, name=name)


@export("linalg.trace", v1=("trace",))
def trace(x: Any, name: str | None = None) -> Any:
    """The sum of the diagonal of each matrix.

    >>> tf.linalg.trace([[1, 2], [3, 4]]).numpy().item()
    5
    """
    with scoped(name, "Trace") as scope:
        return later("Sum")(matrix_diag_part(door.convert(x, None, "x")), [-1], name=scope or None)
