"""`tf.RaggedTensor`: a tensor whose rows differ in length."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export_constant
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import ragged_bodies as bodies
from penstock.ops.sparse_tensor import SparseTensor, as_sparse


class RaggedTensorValue:
    """The value of a RaggedTensor in NumPy arrays: `values` (an array or such a value) and `row_splits`."""

    def __init__(self, values: Any, row_splits: Any):
        if not (isinstance(row_splits, (np.ndarray, np.generic)) and row_splits.dtype in (np.int64, np.int32) and row_splits.ndim == 1):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, (np.ndarray, np.generic, RaggedTensorValue)):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        self._values, self._row_splits = values, row_splits

    row_splits = property(lambda s: s._row_splits)
    values = property(lambda s: s._values)
    dtype = property(lambda s: s._values.dtype)
    flat_values = property(lambda s: s._values.flat_values if isinstance(s._values, RaggedTensorValue) else s._values)
    ragged_rank = property(lambda s: s._values.ragged_rank + 1 if isinstance(s._values, RaggedTensorValue) else 1)

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def shape(self) -> tuple[Any, ...]:
        return (self._row_splits.shape[0] - 1, None, *self._values.shape[1:])

    def to_list(self) -> list[Any]:
        """Nested Python lists."""
        rows = self._values.to_list() if isinstance(self._values, RaggedTensorValue) else self._values.tolist()
        return [rows[a:b] for a, b in zip(self._row_splits[:-1], self._row_splits[1:])]

    def __str__(self) -> str:
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self) -> str:
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"


export_constant(module=__name__, attr="RaggedTensorValue", v1=("ragged.RaggedTensorValue",))


def _index(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A partition tensor: int32 stays, all else becomes int64."""
    if isinstance(x, np.ndarray) and x.dtype == np.int32 or isinstance(x, Tensor) and x.dtype.base_dtype is dtypes.int32:
        found = door.convert(x, None, name)
    else:
        found = x if isinstance(x, Tensor) else door.convert(x, dtypes.int64, name)
    wanted = found.dtype.base_dtype if dtype is None else as_dtype(dtype)
    return found if found.dtype.base_dtype is wanted else find("Cast")(found, DstT=wanted)


def _values_of(values: Any, name: str = "values") -> Any:
    return values if isinstance(values, RaggedTensor) else _convert(values, name)


def _convert(values: Any, name: str) -> Any:
    found = convert_to_tensor(values, name=name)
    if found.shape.rank == 0:
        raise ValueError("Shape () must have rank at least 1")
    return found


def rows_of(x: Any, dtype: Any = dtypes.int64) -> Any:
    """How many rows a tensor or RaggedTensor has."""
    if isinstance(x, RaggedTensor):
        return x.nrows(dtype)
    return find("StridedSlice")(find("Shape")(x, out_type=dtype), [0], [1], [1], shrink_axis_mask=1)


def _static(values: Any) -> Any:
    return values.shape if isinstance(values, RaggedTensor) else TensorShape._of(values._dims)


class RaggedTensor:
    """Row i holds `values[row_splits[i] : row_splits[i + 1]]`; `values` may itself be ragged.

    >>> tf.RaggedTensor.from_row_splits([3, 1, 4, 1], [0, 2, 2, 4]).to_list()
    [[3, 1], [], [4, 1]]
    """

    __composite__ = True
    _counts_as_tensor = True  # for `tf.is_tensor`
    __array_priority__ = 100

    def __init__(self, values: Any, row_partition: Any, internal: bool = False):
        if not internal:
            raise ValueError("RaggedTensor constructor is private; please use one of the factory methods instead (e.g., RaggedTensor.from_row_lengths())")
        self._values, self._splits = values, row_partition
        self._uniform: int | None = None
        self._rowids: Any = None
        self._nrows: Any = None

    @classmethod
    def _make(cls, values: Any, splits: Any) -> "RaggedTensor":
        if isinstance(values, RaggedTensor) and values.row_splits.dtype is not splits.dtype:
            values, splits = values.with_row_splits_dtype(dtypes.int64), _index(splits, dtypes.int64)
        return cls(values, splits, internal=True)

    # -- making ------------------------------------------------------------------------------------------------------
    @classmethod
    def from_row_splits(cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """Rows of `values` between the splits, which begin with 0 and end with the number of values."""
        if not isinstance(validate, bool):
            raise TypeError(f"validate must have type bool. Received: {validate}")
        with scoped(name, "RaggedFromRowSplits"):
            values = _values_of(values)
            if isinstance(row_splits, (list, tuple)) and not row_splits:
                raise ValueError("row_splits tensor may not be empty.")
            splits = _index(row_splits, name="row_splits")
            if splits.shape.rank not in (None, 1):
                raise ValueError(f"Shape {splits.shape} must have rank 1")
            known = known_value(splits) if validate else None
            if known is not None:
                if not len(known) or known[0] != 0:
                    raise InvalidArgumentError(None, None, f"Arguments to from_row_splits do not form a valid RaggedTensor: row_splits[0] must be 0, row_splits is {known.tolist()}")
                if (np.diff(known) < 0).any():
                    raise InvalidArgumentError(None, None, f"Arguments to from_row_splits do not form a valid RaggedTensor: row_splits must not decrease, it is {known.tolist()}")
                rows = _static(values)[0] if _static(values).rank else None
                rows = getattr(rows, "value", rows)
                if rows is not None and known[-1] != rows:
                    raise InvalidArgumentError(None, None, f"Arguments to from_row_splits do not form a valid RaggedTensor: row_splits[-1] = {int(known[-1])} must be nvals = {rows}")
            return cls._make(values, splits)

    @classmethod
    def from_row_lengths(cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """Rows of the given lengths."""
        with scoped(name, "RaggedFromRowLengths"):
            values, lengths = _values_of(values), _index(row_lengths, name="row_lengths")
            known = known_value(lengths) if validate else None
            if known is not None and (known < 0).any():
                raise InvalidArgumentError(None, None, f"Arguments to from_row_lengths do not form a valid RaggedTensor: row_lengths {known.tolist()} must not be negative")
            rows = _static(values)[0] if _static(values).rank else None
            rows = getattr(rows, "value", rows)
            if known is not None and rows is not None and known.sum() != rows:
                raise InvalidArgumentError(None, None, f"Arguments to from_row_lengths do not form a valid RaggedTensor: the row lengths add up to {int(known.sum())}, there are {rows} values")
            return cls._make(values, splits_of_lengths(lengths))

    @classmethod
    def from_value_rowids(cls, values: Any, value_rowids: Any, nrows: Any = None, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """Value i belongs to row `value_rowids[i]`; the row numbers must not decrease."""
        with scoped(name, "RaggedFromValueRowIds"):
            values, ids = _values_of(values), _index(value_rowids, name="value_rowids")
            known = known_value(ids) if validate else None
            if known is not None and ((np.diff(known) < 0).any() or (len(known) and known[0] < 0)):
                raise InvalidArgumentError(None, None, f"Arguments to from_value_rowids do not form a valid RaggedTensor: value_rowids {known.tolist()} must be sorted and not negative")
            if nrows is None:
                last = find("StridedSlice")(find("ConcatV2")([door.convert(np.array([-1]), ids.dtype), ids], 0), [-1], [0], [1], shrink_axis_mask=1)
                nrows = find("AddV2")(last, np.array(1, ids.dtype.array_dtype))
            else:
                count = known_value(nrows) if isinstance(nrows, Tensor) else np.asarray(nrows)
                if count is not None and int(count) < 0:
                    raise ValueError(f"Expected nrows >= 0; got {int(count)}")
                if known is not None and count is not None and len(known) and known[-1] >= count:
                    raise ValueError(f"Expected nrows >= value_rowids[-1] + 1; got nrows={int(count)}, value_rowids[-1]={int(known[-1])}")
                nrows = _index(nrows, ids.dtype)
            ones = find("Fill")(find("Shape")(ids), np.array(1, ids.dtype.array_dtype))
            lengths = find("UnsortedSegmentSum")(ones, ids, nrows)
            made = cls._make(values, splits_of_lengths(lengths))
            made._rowids = ids
            return made

    @classmethod
    def from_row_starts(cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """Row i begins at `row_starts[i]`."""
        with scoped(name, "RaggedFromRowStarts"):
            values, starts = _values_of(values), _index(row_starts, name="row_starts")
            return cls.from_row_splits(values, find("ConcatV2")([starts, find("ExpandDims")(rows_of(values, starts.dtype), 0)], 0), validate=validate)

    @classmethod
    def from_row_limits(cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """Row i ends before `row_limits[i]`."""
        with scoped(name, "RaggedFromRowLimits"):
            values, limits = _values_of(values), _index(row_limits, name="row_limits")
            return cls.from_row_splits(values, find("ConcatV2")([door.convert(np.array([0]), limits.dtype), limits], 0), validate=validate)

    @classmethod
    def from_uniform_row_length(cls, values: Any, uniform_row_length: Any, nrows: Any = None, validate: bool = True, name: str | None = None) -> "RaggedTensor":
        """Rows that are all `uniform_row_length` long."""
        with scoped(name, "RaggedFromUniformRowLength"):
            values = _values_of(values)
            dtype = values.row_splits.dtype if isinstance(values, RaggedTensor) else dtypes.int64
            length = _index(uniform_row_length, dtype)
            known = known_value(length)
            if known is not None and int(known) < 0:
                raise ValueError(f"`uniform_row_length` must be greater than or equal to 0, but got {int(known)}")
            if nrows is None:
                count = rows_of(values, dtype)
                divisor = find("Maximum")(length, np.array(1, dtype.array_dtype))
                total = known_value(count)
                if validate and known is not None and total is not None and int(known) and int(total) % int(known):
                    raise ValueError(f"uniform_row_length={int(known)} times nrows={int(total) // int(known)} must equal nvals={int(total)}")
                nrows = find("FloorDiv")(count, divisor)
            nrows = _index(nrows, dtype)
            one = np.array(1, dtype.array_dtype)
            splits = find("Mul")(find("Range")(np.array(0, dtype.array_dtype), find("AddV2")(nrows, one), one), length)
            made = cls._make(values, splits)
            made._uniform = None if known is None else int(known)
            return made

    @classmethod
    def from_nested_row_splits(cls, flat_values: Any, nested_row_splits: Any, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """`from_row_splits` once for each of the splits, the innermost first."""
        return cls._nested(cls.from_row_splits, flat_values, nested_row_splits, "nested_row_splits", name, "RaggedFromNestedRowSplits", validate)

    @classmethod
    def from_nested_row_lengths(cls, flat_values: Any, nested_row_lengths: Any, name: str | None = None, validate: bool = True) -> "RaggedTensor":
        """`from_row_lengths` once for each of the lengths, the innermost first."""
        return cls._nested(cls.from_row_lengths, flat_values, nested_row_lengths, "nested_row_lengths", name, "RaggedFromNestedRowlengths", validate)

    @classmethod
    def _nested(cls, make: Any, flat_values: Any, nested: Any, what: str, name: str | None, scope: str, validate: bool) -> Any:
        if isinstance(nested, Tensor):
            raise TypeError(f"Argument `{what}` must be a list of Tensors. Received: {nested}")
        with scoped(name, scope):
            result = flat_values if isinstance(flat_values, RaggedTensor) else convert_to_tensor(flat_values)
            for one in reversed(list(nested)):
                result = make(result, one, validate=validate)
            return result

    @classmethod
    def from_nested_value_rowids(cls, flat_values: Any, nested_value_rowids: Any, nested_nrows: Any = None, name: str | None = None, validate: bool = True) -> Any:
        """`from_value_rowids` once for each of the row numbers, the innermost first."""
        if isinstance(nested_value_rowids, Tensor):
            raise TypeError(f"Argument `nested_value_rowids` must be a list of Tensors. Received: {nested_value_rowids}")
        rows = [None] * len(nested_value_rowids) if nested_nrows is None else list(nested_nrows)
        if len(rows) != len(nested_value_rowids):
            raise ValueError(f"Argument `nested_nrows` must have the same length as argument `nested_value_rowids`. len(nested_nrows) = {len(rows)} vs. len(nested_values_rowids) = {len(nested_value_rowids)}.")
        with scoped(name, "RaggedFromNestedValueRowIds"):
            result = flat_values if isinstance(flat_values, RaggedTensor) else convert_to_tensor(flat_values)
            for ids, n in reversed(list(zip(nested_value_rowids, rows))):
                result = cls.from_value_rowids(result, ids, n, validate=validate)
            return result

    @classmethod
    def from_tensor(
        cls, tensor: Any, lengths: Any = None, padding: Any = None, ragged_rank: int = 1, name: str | None = None, row_splits_dtype: Any = dtypes.int64
    ) -> Any:  # fmt: skip
        """A dense tensor as a ragged one: rows cut to `lengths`, or without the `padding` at their ends."""
        if lengths is not None and padding is not None:
            raise ValueError("Specify argument `lengths` or `padding`, but not both.")
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if ragged_rank <= 0:
            raise ValueError(f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}.")
        with scoped(name, "RaggedFromTensor"):
            tensor = convert_to_tensor(tensor)
            rank = tensor.shape.rank
            if rank is not None and rank <= ragged_rank:
                raise ValueError(f"Shape {tensor.shape} must have rank at least {ragged_rank + 1}")
            dtype = as_dtype(row_splits_dtype)
            shape = find("Shape")(tensor, out_type=dtype)
            dim = lambda i: find("StridedSlice")(shape, [i], [i + 1], [1], shrink_axis_mask=1)
            rest = find("StridedSlice")(shape, [ragged_rank + 1], [0], [1], end_mask=1)
            flat = find("Reshape")(tensor, find("ConcatV2")([np.array([-1], dtype.array_dtype), rest], 0))
            if lengths is not None and isinstance(lengths, (list, tuple)) and lengths and not isinstance(lengths[0], (int, np.integer)):
                return cls._from_padded(tensor, list(lengths), dtype)
            result: Any = flat
            outer_rows = dim(0)
            counts = [outer_rows]
            for i in range(1, ragged_rank):
                counts.append(find("Mul")(counts[-1], dim(i)))
            if padding is not None:
                lengths = _lengths_without(tensor, padding, ragged_rank, dtype)
            if lengths is not None:
                lens = find("Reshape")(_index(lengths, dtype), [-1])
                lens = find("Minimum")(find("Maximum")(lens, np.array(0, dtype.array_dtype)), dim(ragged_rank))
                column = find("Range")(np.array(0, dtype.array_dtype), dim(ragged_rank), np.array(1, dtype.array_dtype))
                mask = find("Reshape")(find("Less")(column, find("ExpandDims")(lens, -1)), [-1])
                result = find("GatherV2")(flat, find("Reshape")(find("Where")(mask), [-1]), 0)
                result = cls._make(result, splits_of_lengths(lens))
            else:
                result = cls.from_uniform_row_length(result, dim(ragged_rank), nrows=counts[-1])
                if dtype is not dtypes.int64:
                    result = result.with_row_splits_dtype(dtype)
                if tensor._dims is not None and tensor._dims[ragged_rank] is not None:
                    result._uniform = tensor._dims[ragged_rank]
            for i in range(ragged_rank - 1, 0, -1):
                result = cls.from_uniform_row_length(result, dim(i), nrows=counts[i - 1])
                result._uniform = None if tensor._dims is None else tensor._dims[i]
            return result

    @classmethod
    def _from_padded(cls, tensor: Any, nested: list[Any], dtype: Any) -> Any:
        """`from_tensor` with nested row lengths."""
        made = cls.from_tensor(tensor, lengths=nested[0], row_splits_dtype=dtype)
        if len(nested) == 1:
            return made
        return made.with_values(cls._from_padded(made.values, nested[1:], dtype))

    @classmethod
    def from_sparse(cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> "RaggedTensor":
        """The rows of a SparseTensor of rank 2 whose elements stand at the left of each row."""
        if not isinstance(st_input, SparseTensor):
            raise TypeError(f"Argument `st_input` must be of type SparseTensor, but is of type {type(st_input).__name__}.")
        with scoped(name, "RaggedFromSparse"):
            s = as_sparse(st_input)
            if s.shape.rank not in (None, 2):
                raise ValueError(f"SparseTensor must have rank 2; got rank {s.shape.rank}")
            rows = find("StridedSlice")(s.indices, [0, 0], [0, 1], [1, 1], begin_mask=1, end_mask=1, shrink_axis_mask=2)
            known = known_value(s.indices)
            if known is not None and len(known):
                expected = np.concatenate([np.arange(n) for n in np.bincount(known[:, 0])])
                if not np.array_equal(known[:, 1], expected):
                    raise InvalidArgumentError(None, None, "SparseTensor is not right-ragged")
            ids = find("Cast")(rows, DstT=as_dtype(row_splits_dtype)) if as_dtype(row_splits_dtype) is not dtypes.int64 else rows
            count = find("StridedSlice")(s.dense_shape, [0], [1], [1], shrink_axis_mask=1)
            return cls.from_value_rowids(s.values, ids, nrows=count, validate=False)

    # -- parts -------------------------------------------------------------------------------------------------------
    values = property(lambda s: s._values, doc="The rows one after the other.")
    row_splits = property(lambda s: s._splits, doc="[nrows + 1]: where the rows begin and end in `values`.")
    dtype = property(lambda s: s._values.dtype, doc="The dtype of the elements.")
    flat_values = property(lambda s: s._values.flat_values if isinstance(s._values, RaggedTensor) else s._values, doc="The innermost values.")
    ragged_rank = property(lambda s: s._values.ragged_rank + 1 if isinstance(s._values, RaggedTensor) else 1, doc="How many times rows are partitioned.")
    graph = property(lambda s: s._splits.graph)
    name = property(lambda s: s.flat_values.name)
    device = property(lambda s: s.flat_values.device)

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of all partitions, the outermost first."""
        return (self._splits, *(self._values.nested_row_splits if isinstance(self._values, RaggedTensor) else ()))

    @property
    def uniform_row_length(self) -> Any:
        """The length of all rows where it is known to be one, else None."""
        return None if self._uniform is None else door.convert(np.array(self._uniform), self._splits.dtype)

    @property
    def shape(self) -> TensorShape:
        """The shape as far as it is fixed: ragged axes are None."""
        splits = self._splits._dims
        rows = None if splits is None or splits[0] is None else splits[0] - 1
        inner = _static(self._values)
        if inner.rank is None:
            return TensorShape(None)
        return TensorShape._of((rows, self._uniform, *inner._dims[1:]))  # type: ignore[index]

    def get_shape(self) -> TensorShape:
        return self.shape

    def value_rowids(self, name: str | None = None) -> Any:
        """[nvals]: the row of each value."""
        if self._rowids is None:
            made = ids_of_splits(self._splits)
            if door.current().is_graph:
                return made
            self._rowids = made
        return self._rowids

    def nested_value_rowids(self, name: str | None = None) -> tuple[Any, ...]:
        inner = self._values.nested_value_rowids() if isinstance(self._values, RaggedTensor) else ()
        return (self.value_rowids(), *inner)

    def nrows(self, out_type: Any = None, name: str | None = None) -> Any:
        """How many rows there are."""
        dtype = self._splits.dtype.base_dtype
        count = find("Sub")(find("StridedSlice")(find("Shape")(self._splits, out_type=dtype), [0], [1], [1], shrink_axis_mask=1), np.array(1, dtype.array_dtype))
        return count if out_type is None or as_dtype(out_type) is dtype else find("Cast")(count, DstT=as_dtype(out_type))

    def row_starts(self, name: str | None = None) -> Any:
        """[nrows]: where each row begins."""
        return find("StridedSlice")(self._splits, [0], [-1], [1], begin_mask=1)

    def row_limits(self, name: str | None = None) -> Any:
        """[nrows]: where each row ends."""
        return find("StridedSlice")(self._splits, [1], [0], [1], end_mask=1)

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """How long the rows along `axis` are: [nrows], or ragged for inner axes."""
        if axis == 0:
            return self.nrows()
        if axis == 1:
            return find("Sub")(self.row_limits(), self.row_starts())
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.row_lengths(axis - 1))
        shape = find("Shape")(self._values, out_type=self._splits.dtype)
        n = find("StridedSlice")(shape, [axis - 1], [axis], [1], shrink_axis_mask=1)
        whole = find("Fill")(find("StridedSlice")(shape, [0], [axis - 1], [1], begin_mask=1), n)
        return self.with_values(whole)

    def nested_row_lengths(self, name: str | None = None) -> tuple[Any, ...]:
        inner = self._values.nested_row_lengths() if isinstance(self._values, RaggedTensor) else ()
        return (self.row_lengths(), *inner)

    def bounding_shape(self, axis: int | None = None, name: str | None = None, out_type: Any = None) -> Any:
        """The shape of the smallest dense tensor that holds this one; its length along `axis` when that is given."""
        dtype = self._splits.dtype.base_dtype if out_type is None else as_dtype(out_type)
        lengths = [self.nrows(dtype)]
        for splits in self.nested_row_splits:
            n = find("Sub")(find("StridedSlice")(splits, [1], [0], [1], end_mask=1), find("StridedSlice")(splits, [0], [-1], [1], begin_mask=1))
            zero = np.array([0], splits.dtype.array_dtype)
            longest = find("Max")(find("ConcatV2")([n, zero], 0), 0)
            lengths.append(longest if longest.dtype.base_dtype is dtype else find("Cast")(longest, DstT=dtype))
        inner = find("StridedSlice")(find("Shape")(self.flat_values, out_type=dtype), [1], [0], [1], end_mask=1)
        whole = find("ConcatV2")([find("Pack")(lengths, axis=0), inner], 0)
        return whole if axis is None else find("GatherV2")(whole, axis, 0)

    # -- other forms -------------------------------------------------------------------------------------------------
    def with_values(self, new_values: Any) -> "RaggedTensor":
        """The same rows of other values."""
        new = new_values if isinstance(new_values, RaggedTensor) else convert_to_tensor(new_values)
        made = RaggedTensor._make(new, self._splits)
        made._uniform, made._rowids = self._uniform, self._rowids
        return made

    def with_flat_values(self, new_values: Any) -> "RaggedTensor":
        """The same partitions of other innermost values."""
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype: Any) -> "RaggedTensor":
        """The same tensor with int32 or int64 partitions."""
        dtype = as_dtype(dtype)
        if dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"Argument `row_splits` dtype must be int32 or int64. Received {dtype}.")
        if self._splits.dtype.base_dtype is dtype:
            return self
        inner = self._values.with_row_splits_dtype(dtype) if isinstance(self._values, RaggedTensor) else self._values
        made = RaggedTensor(inner, find("Cast")(self._splits, DstT=dtype), internal=True)
        made._uniform = self._uniform
        return made

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """The axes from `outer_axis` to `inner_axis` made into one."""
        rank = self.shape.rank
        outer, inner = (a + rank if a < 0 and rank is not None else a for a in (outer_axis, inner_axis))
        if not outer < inner:
            raise ValueError(f"Expected outer_axis ({outer_axis}) to be less than inner_axis ({inner_axis})")
        return _merge(self, outer, inner)

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Any:
        """A dense tensor, with `default_value` (zero or "") where a row is too short; `shape` pads or cuts."""
        with scoped(name, "RaggedToTensor"):
            dtype = self.dtype.base_dtype
            if default_value is None:
                default_value = np.array(b"", object) if dtype is dtypes.string else np.zeros((), dtype.array_dtype)
            default = door.convert(default_value, dtype)
            if shape is not None and not isinstance(shape, Tensor):
                dims = as_dims([None if d == -1 else d for d in shape] if isinstance(shape, (list, tuple)) else shape)
                if dims is not None and self.shape.rank is not None and len(dims) != self.shape.rank:
                    raise ValueError(f"Shapes {self.shape} and {TensorShape(dims)} must have the same rank")
                shape = np.array(-1) if dims is None else np.array([-1 if d is None else d for d in dims], np.int64)
            shape = np.array(-1, np.int64) if shape is None else shape
            kinds = ["ROW_SPLITS"] * self.ragged_rank
            return bodies.RAGGED_TO_TENSOR(shape, self.flat_values, default, list(self.nested_row_splits), row_partition_types=kinds)

    def to_sparse(self, name: str | None = None) -> SparseTensor:
        """The same elements as a SparseTensor."""
        with scoped(name, "RaggedToSparse"):
            return SparseTensor(*bodies.RAGGED_TO_SPARSE(list(self.nested_row_splits), self.flat_values))

    def to_list(self) -> list[Any]:
        """Nested Python lists of the values; only for eager tensors."""
        if not hasattr(self.flat_values, "numpy"):
            raise ValueError("to_list can only be used in eager mode.")
        return self._value().to_list()

    def numpy(self) -> Any:
        """A NumPy array; of objects, one array a row, where rows differ in length."""
        if not hasattr(self.flat_values, "numpy"):
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        return _as_numpy(self._value())

    def _value(self) -> RaggedTensorValue:
        inner = self._values._value() if isinstance(self._values, RaggedTensor) else np.asarray(self._values.numpy())
        return RaggedTensorValue(inner, self._splits.numpy())

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, computed by the given or the default session."""
        return self.graph._session(session, "eval").run(self, feed_dict)

    def consumers(self) -> list[Any]:
        """The operations that take one of the parts."""
        return list(dict.fromkeys(c for t in (self.flat_values, *self.nested_row_splits) for c in t.consumers()))

    def _fetch_parts(self) -> Any:
        return [*self.nested_row_splits, self.flat_values], _value_of_parts

    def _feed_parts(self) -> Any:
        def split(value: Any) -> list[Any]:
            value = value._value() if isinstance(value, RaggedTensor) else value
            return [*value.nested_row_splits, value.flat_values]

        return [*self.nested_row_splits, self.flat_values], split

    index: Any = None
    """Slot: `ragged[key]` (ragged_indexing)."""
    spec_class: Any = None
    """Slot: RaggedTensorSpec (ragged_spec)."""

    @property
    def _type_spec(self) -> Any:
        return self.spec_class(self.shape, self.dtype, self.ragged_rank, self._splits.dtype)

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        return self.spec_class(shape, self.dtype, self.ragged_rank, self._splits.dtype)

    def __getitem__(self, key: Any) -> Any:
        return self.index(self, key)

    def __iter__(self) -> Any:
        if not hasattr(self._splits, "numpy"):
            raise TypeError("Cannot iterate over a symbolic RaggedTensor")
        return (self[i] for i in range(self.shape[0]))

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        if hasattr(self.flat_values, "numpy"):
            with np.printoptions(formatter={"all": _text}):
                return f"<tf.RaggedTensor {_text(self.numpy())}>"
        return f"tf.RaggedTensor(values={self._values}, row_splits={self._splits})"

    def __hash__(self) -> int:
        return id(self)


def _text(x: Any) -> str:
    """How a row is printed: as NumPy prints it, with its line breaks."""
    if isinstance(x, np.ndarray):
        return np.array2string(x, separator=", ") if x.size else repr(x.tolist())
    return repr(x) if isinstance(x, str) else str(x)


RaggedTensor.__module__ = "tensorflow.python.ops.ragged.ragged_tensor"  # programs ask for it


def _as_numpy(value: Any) -> Any:
    if not isinstance(value, RaggedTensorValue):
        return value
    rows = _as_numpy(value.values)
    parts = [rows[a:b] for a, b in zip(value.row_splits[:-1], value.row_splits[1:])]
    if len({p.shape for p in parts}) <= 1:
        return np.stack(parts) if parts else np.zeros((0, 0), rows.dtype)
    out = np.empty(len(parts), object)
    for i, p in enumerate(parts):
        out[i] = p
    return out


def _value_of_parts(parts: list[Any]) -> Any:
    *splits, value = parts
    for s in reversed(splits):
        value = RaggedTensorValue(value, s)
    return value


def splits_of_lengths(lengths: Any) -> Any:
    """[n + 1] row splits of [n] row lengths."""
    return find("ConcatV2")([np.array([0], lengths.dtype.array_dtype), find("Cumsum")(lengths, 0)], 0)


def ids_of_splits(splits: Any) -> Any:
    """[nvals] row numbers of row splits."""
    dtype = splits.dtype.array_dtype
    count = find("StridedSlice")(splits, [-1], [0], [1], shrink_axis_mask=1)
    at = find("Range")(np.array(0, dtype), count, np.array(1, dtype))
    rows = find("UpperBound")(find("ExpandDims")(splits, 0), find("ExpandDims")(at, 0), out_type=splits.dtype)
    return find("Sub")(find("Reshape")(rows, [-1]), np.array(1, dtype))


def _lengths_without(tensor: Any, padding: Any, ragged_rank: int, dtype: Any) -> Any:
    """How long each row is when the padding at its end is left out."""
    padding = door.convert(padding, tensor.dtype.base_dtype)
    same = find("Equal")(tensor, padding)
    rank = tensor.shape.rank
    if rank is None:
        raise ValueError("from_tensor with padding needs a tensor of known rank")
    if rank > ragged_rank + 1:
        same = find("All")(same, list(range(ragged_rank + 1, rank)))
    kept = find("Cast")(find("LogicalNot")(same), DstT=dtype)
    shape = find("Shape")(tensor, out_type=dtype)
    n = find("StridedSlice")(shape, [ragged_rank], [ragged_rank + 1], [1], shrink_axis_mask=1)
    one = np.array(1, dtype.array_dtype)
    numbers = find("Range")(one, find("AddV2")(n, one), one)
    return find("Max")(find("ConcatV2")([find("Mul")(kept, numbers), find("ZerosLike")(find("ExpandDims")(find("Sum")(kept, [ragged_rank]), -1))], ragged_rank), [ragged_rank])


def _without_inner_rows(r: RaggedTensor) -> RaggedTensor:
    """Axes 1 and 2 made into one."""
    inner = r.values
    if isinstance(inner, RaggedTensor):
        return RaggedTensor.from_row_splits(inner.values, find("GatherV2")(inner.row_splits, r.row_splits, 0), validate=False)
    width = find("StridedSlice")(find("Shape")(inner, out_type=r.row_splits.dtype), [1], [2], [1], shrink_axis_mask=1)
    return RaggedTensor.from_row_splits(_merge(inner, 0, 1), find("Mul")(r.row_splits, width), validate=False)


def _merge(value: Any, outer: int, inner: int) -> Any:
    if not isinstance(value, RaggedTensor):
        shape = find("Shape")(value)
        new = find("ConcatV2")([find("StridedSlice")(shape, [0], [outer], [1], begin_mask=1), np.array([-1], np.int32),
                                find("StridedSlice")(shape, [inner + 1], [0], [1], end_mask=1)], 0)  # fmt: skip
        return find("Reshape")(value, new)
    if outer > 1:
        return value.with_values(_merge(value.values, outer - 1, inner - 1))
    if outer == 1:
        for _ in range(inner - outer):
            value = _without_inner_rows(value)
        return value
    while inner > 0 and isinstance(value, RaggedTensor):
        value, inner = value.values, inner - 1
    return _merge(value, 0, inner) if inner > 0 else value


def is_ragged(value: Any) -> bool:
    """Is it a RaggedTensor?"""
    return isinstance(value, RaggedTensor)


def map_flat(function: Callable[[Any], Any], value: Any) -> Any:
    """`function` of a tensor, or of the innermost values of a RaggedTensor."""
    return value.with_flat_values(function(value.flat_values)) if isinstance(value, RaggedTensor) else function(value)
