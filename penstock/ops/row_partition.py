"""RowPartition: how the values of a ragged tensor are cut into rows."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ops.families import later
from penstock.ops.ragged_tensor import RaggedTensor

_KEY = object()
_Range, _Cast, _Mul, _Sub, _Size, _FloorDiv = (later(n) for n in ("Range", "Cast", "Mul", "Sub", "Size", "FloorDiv"))


@export("experimental.RowPartition")
class RowPartition:
    """Where each row of a ragged dimension begins and ends among the values.

    >>> tf.experimental.RowPartition.from_row_lengths([2, 0, 1]).row_splits().numpy().tolist()
    [0, 2, 2, 3]
    """

    def __init__(self, key: Any, row_splits: Any = None, uniform_row_length: Any = None, nvals: Any = None):
        if key is not _KEY:
            raise ValueError("RowPartition constructor is private; please use one of the factory methods instead (e.g., RowPartition.from_row_lengths())")
        self._row_splits, self._uniform, self._nvals = row_splits, uniform_row_length, nvals

    # -- how they are made ---------------------------------------------------------------------------------------------
    @classmethod
    def _of(cls, ragged: RaggedTensor, nvals: Any = None, uniform: Any = None) -> "RowPartition":
        return cls(_KEY, ragged.row_splits, uniform, nvals)

    @classmethod
    def from_value_rowids(cls, value_rowids: Any, nrows: Any = None, validate: bool = True, dtype: Any = None, dtype_hint: Any = None) -> "RowPartition":
        """The row of each value, in order."""
        ids = _numbers(value_rowids, dtype, dtype_hint)
        return cls._of(RaggedTensor.from_value_rowids(ids, ids, nrows, validate=validate), None if ids._dims is None else ids._dims[0])

    @classmethod
    def from_row_splits(cls, row_splits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None) -> "RowPartition":
        """Where the rows are cut: one more number than there are rows, from 0 to the number of values."""
        splits = _numbers(row_splits, dtype, dtype_hint)
        known = known_value(splits)
        if validate and known is not None:
            if known.size and known[0] != 0:
                raise InvalidArgumentError(None, None, f"Arguments to from_row_splits do not form a valid RaggedTensor:zero: row_splits begin with {known[0]}, not 0")
            if (np.diff(known) < 0).any():
                raise InvalidArgumentError(None, None, f"Arguments to from_row_splits do not form a valid RaggedTensor:monotonic: row_splits fall in {known.tolist()}")
        return cls(_KEY, splits)

    @classmethod
    def from_row_lengths(cls, row_lengths: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None) -> "RowPartition":
        """How many values each row has."""
        lengths = _numbers(row_lengths, dtype, dtype_hint)
        known = known_value(lengths)
        if validate and known is not None and (known < 0).any():
            raise InvalidArgumentError(None, None, f"Arguments to from_row_lengths do not form a valid RowPartition: negative among {known.tolist()}")
        sums = find("Cumsum")(lengths, 0)
        return cls(_KEY, find("ConcatV2")([find("Fill")([1], door.convert(0, lengths.dtype)), sums], 0))

    @classmethod
    def from_row_starts(cls, row_starts: Any, nvals: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None) -> "RowPartition":
        """Where each row begins, and how many values there are."""
        starts = _numbers(row_starts, dtype, dtype_hint)
        total = door.convert(nvals, starts.dtype)
        made = cls.from_row_splits(find("ConcatV2")([starts, find("Reshape")(total, [1])], 0), validate)
        made._nvals = None if known_value(total) is None else int(known_value(total))
        return made

    @classmethod
    def from_row_limits(cls, row_limits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None) -> "RowPartition":
        """Where each row ends."""
        limits = _numbers(row_limits, dtype, dtype_hint)
        return cls.from_row_splits(find("ConcatV2")([find("Fill")([1], door.convert(0, limits.dtype)), limits], 0), validate)

    @classmethod
    def from_uniform_row_length(cls, uniform_row_length: Any, nvals: Any = None, nrows: Any = None, validate: bool = True, dtype: Any = None,
                                dtype_hint: Any = None) -> "RowPartition":  # fmt: skip
        """Rows of one length: give the number of values, of rows, or both."""
        if nvals is None and nrows is None:
            raise ValueError("At least one of nvals and nrows must be specified")
        length = _numbers(uniform_row_length, dtype, dtype_hint)
        rows = _FloorDiv(door.convert(nvals, length.dtype), length) if nrows is None else door.convert(nrows, length.dtype)
        one, zero = door.convert(1, length.dtype), door.convert(0, length.dtype)
        splits = _Mul(_Range(zero, find("AddV2")(rows, one), one), length)
        total = known_value(_Mul(rows, length))
        if validate and nvals is not None and total is not None and known_value(door.convert(nvals)) != total:
            raise InvalidArgumentError(None, None, f"uniform_row_length does not divide nvals: {int(total)} values in the rows, nvals is {nvals}")
        return cls(_KEY, splits, length, None if total is None else int(total))

    # -- what they say -------------------------------------------------------------------------------------------------
    dtype = property(lambda self: self._row_splits.dtype)

    @property
    def static_nrows(self) -> int | None:
        """The number of rows as far as it is known."""
        dims = self._row_splits._dims
        return None if dims is None or dims[0] is None else dims[0] - 1

    @property
    def static_nvals(self) -> int | None:
        """The number of values where it was given."""
        return self._nvals

    @property
    def static_uniform_row_length(self) -> int | None:
        """The length of all rows where that is known."""
        value = None if self._uniform is None else known_value(self._uniform)
        return None if value is None else int(value)

    def is_uniform(self) -> bool:
        """Was it made of rows of one length?"""
        return self._uniform is not None

    def uniform_row_length(self) -> Any:
        """The length of all rows, or None."""
        return self._uniform

    def row_splits(self) -> Any:
        """Where the rows are cut."""
        return self._row_splits

    def row_starts(self) -> Any:
        """Where each row begins."""
        return self._row_splits[:-1]

    def row_limits(self) -> Any:
        """Where each row ends."""
        return self._row_splits[1:]

    def row_lengths(self) -> Any:
        """How many values each row has."""
        return _Sub(self._row_splits[1:], self._row_splits[:-1])

    def nrows(self) -> Any:
        """The number of rows."""
        return _Sub(_Size(self._row_splits, out_type=self.dtype), door.convert(1, self.dtype))

    def nvals(self) -> Any:
        """The number of values."""
        return self._row_splits[-1]

    def value_rowids(self) -> Any:
        """The row of each value."""
        return self._ragged().value_rowids()

    def offsets_in_rows(self) -> Any:
        """The place of each value in its row."""
        return _Sub(self._all_values(), find("GatherV2")(self._row_splits, self.value_rowids(), 0))

    def with_dtype(self, dtype: Any) -> "RowPartition":
        """The same with row splits of another integer type."""
        dtype = _checked(dtype)
        if dtype == self.dtype:
            return self
        cast = lambda t: None if t is None else _Cast(t, DstT=dtype)
        return RowPartition(_KEY, cast(self._row_splits), cast(self._uniform), self._nvals)

    def _all_values(self) -> Any:
        return _Range(door.convert(0, self.dtype), self.nvals(), door.convert(1, self.dtype))

    def _ragged(self) -> RaggedTensor:
        return RaggedTensor.from_row_splits(self._all_values(), self._row_splits, validate=False)

    def __repr__(self) -> str:
        if self._uniform is not None:
            return f"tf.RowPartition(nrows={_shown(self.nrows())}, uniform_row_length={_shown(self._uniform)})"
        return f"tf.RowPartition(row_splits={_shown(self._row_splits)})"


def _shown(tensor: Any) -> Any:
    value = known_value(tensor)
    return tensor if value is None else value


def _checked(dtype: Any) -> Any:
    dtype = as_dtype(dtype)
    if dtype not in (dtypes.int32, dtypes.int64):
        raise ValueError(f"dtype must be int32 or int64, got {dtype!r}")
    return dtype


def _numbers(value: Any, dtype: Any, hint: Any) -> Any:
    """A partition's tensor: of `dtype`, else of its own integer type, else of the hinted one, else int64."""
    if dtype is not None:
        found = door.convert(value)
        return found if found.dtype == as_dtype(dtype) else _Cast(found, DstT=_checked(dtype))
    own = getattr(value, "dtype", None)
    if own is not None and as_dtype(own) in (dtypes.int32, dtypes.int64):
        return door.convert(value)
    return door.convert(value, as_dtype(hint) if hint is not None else dtypes.int64)
