"""What to read from an Example: `tf.io.FixedLenFeature`, `VarLenFeature`, `SparseFeature`, `RaggedFeature` and the like."""

import collections
import re
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.shape import as_shape
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find


@export("io.VarLenFeature", v1=("VarLenFeature",))
class VarLenFeature(collections.namedtuple("VarLenFeature", ["dtype"])):
    """A feature of any number of values: parsed to a SparseTensor."""

    __slots__ = ()


@export("io.SparseFeature", v1=("SparseFeature",))
class SparseFeature(collections.namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"])):
    """A sparse tensor spread over several features: one or more of indices, one of values."""

    __slots__ = ()

    def __new__(cls, index_key: Any, value_key: Any, dtype: Any, size: Any, already_sorted: bool = False) -> Any:
        return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


@export("io.FixedLenFeature", v1=("FixedLenFeature",))
class FixedLenFeature(collections.namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """A feature with a fixed number of values: parsed to a dense tensor; without a default it must be there."""

    __slots__ = ()

    def __new__(cls, shape: Any, dtype: Any, default_value: Any = None) -> Any:
        return super().__new__(cls, shape, dtype, default_value)


@export("io.FixedLenSequenceFeature", v1=("FixedLenSequenceFeature",))
class FixedLenSequenceFeature(collections.namedtuple("FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"])):
    """Rows of a fixed shape, as many as there are: parsed to a dense tensor filled up with the default."""

    __slots__ = ()

    def __new__(cls, shape: Any, dtype: Any, allow_missing: bool = False, default_value: Any = None) -> Any:
        return super().__new__(cls, shape, dtype, allow_missing, default_value)


@export("io.RaggedFeature")
class RaggedFeature(collections.namedtuple("RaggedFeature", ["dtype", "value_key", "partitions", "row_splits_dtype", "validate"])):
    """A feature of any number of values, perhaps partitioned by further features: parsed to a RaggedTensor."""

    RowSplits = collections.namedtuple("RowSplits", ["key"])
    RowLengths = collections.namedtuple("RowLengths", ["key"])
    RowStarts = collections.namedtuple("RowStarts", ["key"])
    RowLimits = collections.namedtuple("RowLimits", ["key"])
    ValueRowIds = collections.namedtuple("ValueRowIds", ["key"])
    UniformRowLength = collections.namedtuple("UniformRowLength", ["length"])
    _KINDS = (RowSplits, RowLengths, RowStarts, RowLimits, ValueRowIds, UniformRowLength)

    def __new__(cls, dtype: Any, value_key: Any = None, partitions: Any = (), row_splits_dtype: Any = dtypes.int32, validate: bool = False) -> Any:
        if value_key is not None and not isinstance(value_key, str):
            raise ValueError(f"Argument `value_key` must be a string; got {value_key!r} of type {type(value_key)}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"Argument `partitions` must be a list or tuple. Received partitions={partitions} of type {type(partitions).__name__}.")
        for one in partitions:
            if not isinstance(one, cls._KINDS):
                raise TypeError(f"Argument `partitions` cannot be cast to any of the partition types in {cls._KINDS}; got: {one!r} with type {type(one)}")
        splits = dtypes.as_dtype(row_splits_dtype)
        if splits not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"Argument `row_splits_dtype` must be int32 or int64; got {row_splits_dtype!r}")
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must be a bool; got {validate!r} of type {type(validate)}")
        return super().__new__(cls, dtype, value_key, tuple(partitions), splits, validate)


for _kind in RaggedFeature._KINDS:
    _kind.__qualname__ = f"RaggedFeature.{_kind.__name__}"


class Plan:
    """A dict of features sorted into what the parsing ops take."""

    def __init__(self, features: dict[str, Any] | None, allowed: tuple[type, ...]):
        self.features = features or {}
        self.sparse: dict[str, Any] = {}  # key -> dtype
        self.dense: dict[str, tuple[Any, Any, Any]] = {}  # key -> dtype, shape, default
        self.ragged: dict[str, tuple[Any, Any]] = {}  # key -> dtype, dtype of the splits
        self.built: dict[str, Any] = {}  # features made of several parsed ones
        self.missing: set[str] = set()  # feature lists that may be missing
        for key in sorted(self.features):
            feature = self.features[key]
            if not isinstance(feature, allowed):
                raise ValueError(f"Unsupported {type(feature).__name__} {feature} for key {key!r}")
            kind = next(k for k in allowed if isinstance(feature, k))
            getattr(self, f"_{kind.__name__}")(key, feature)
        self._check_kinds()

    def _check_kinds(self) -> None:
        """A key is of one kind."""
        kinds = {"dense": self.dense, "ragged": self.ragged, "sparse": self.sparse}
        for one, other in (("dense", "sparse"), ("dense", "ragged"), ("ragged", "sparse")):
            both = set(kinds[one]) & set(kinds[other])
            if both:
                shown = f"{one}_keys: {sorted(kinds[one])}, {other}_keys: {sorted(kinds[other])}, intersection: {both}"
                raise ValueError(f"{one.capitalize()} and {other} keys must not intersect; {shown}")

    def _add_sparse(self, key: str, dtype: Any) -> None:
        dtype = dtypes.as_dtype(dtype)
        if self.sparse.get(key, dtype) is not dtype:
            raise ValueError(f"Conflicting type {self.sparse[key]} vs {dtype} for feature {key}.")
        self.sparse[key] = dtype

    def _add_ragged(self, key: str, dtype: Any, splits: Any) -> None:
        dtype = dtypes.as_dtype(dtype)
        had = self.ragged.get(key)
        if had is not None and had[0] is not dtype:
            raise ValueError(f"Conflicting type {had[0]} vs {dtype} for feature {key}.")
        if had is not None and had[1] is not splits:
            raise ValueError(f"Conflicting row_splits_dtype {had[1]} vs {splits} for feature {key}.")
        self.ragged[key] = (dtype, splits)

    def _VarLenFeature(self, key: str, feature: Any) -> None:  # noqa: N802
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}")
        self._add_sparse(key, feature.dtype)

    def _SparseFeature(self, key: str, feature: Any) -> None:  # noqa: N802
        for name in ("index_key", "value_key", "dtype", "size"):
            if getattr(feature, name) is None or (name != "size" and not getattr(feature, name)):
                raise ValueError(f"Missing {name} for SparseFeature {key}. Received feature={feature}")
        for index in listed(feature.index_key):
            self._add_sparse(index, dtypes.int64)
        self._add_sparse(feature.value_key, feature.dtype)
        self.built[key] = feature

    def _FixedLenFeature(self, key: str, feature: Any) -> None:  # noqa: N802
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
        if feature.shape is None:
            raise ValueError(f"Missing shape for feature {key}. Received feature={feature}.")
        shape = as_shape(feature.shape)
        dims = shape.as_list()
        if dims and dims[0] is None:
            raise ValueError(f"First dimension of shape for feature {key} unknown. Consider using FixedLenSequenceFeature. Received feature={feature}.")
        if not shape.is_fully_defined():
            raise ValueError(f"All dimensions of shape for feature {key} need to be known but received {shape!s}.")
        self.dense[key] = (dtypes.as_dtype(feature.dtype), dims, feature.default_value)

    def _FixedLenSequenceFeature(self, key: str, feature: Any) -> None:  # noqa: N802
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
        if feature.shape is None:
            raise ValueError(f"Missing shape for feature {key}. Received feature={feature}.")
        if feature.allow_missing:
            self.missing.add(key)
        self.dense[key] = (dtypes.as_dtype(feature.dtype), as_shape(feature.shape).as_list(), feature.default_value)

    def _RaggedFeature(self, key: str, feature: Any) -> None:  # noqa: N802
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
        value_key = key if feature.value_key is None else feature.value_key
        self._add_ragged(value_key, feature.dtype, feature.row_splits_dtype)
        for one in feature.partitions:
            if not isinstance(one, RaggedFeature.UniformRowLength):
                self._add_ragged(one.key, dtypes.int64, feature.row_splits_dtype)
        if value_key != key or feature.partitions:
            self.built[key] = feature

    def defaults(self) -> list[Any]:
        """The default of each dense feature as a tensor; an empty one where there is none."""
        made = []
        for key, (dtype, shape, default) in self.dense.items():
            if isinstance(self.features[key], FixedLenSequenceFeature):
                value = default if default is not None else "" if dtype is dtypes.string else 0
                made.append(convert_to_tensor(value, dtype))
            elif default is None:
                made.append(convert_to_tensor(np.zeros(0, dtype.array_dtype), dtype))
            else:
                name = "key_" + re.sub(r"[^A-Za-z0-9_.\-/]", "_", key)
                made.append(find("Reshape")(convert_to_tensor(default, dtype, name=name), shape))
        return made


EXAMPLE = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature, RaggedFeature)
CONTEXT = (VarLenFeature, FixedLenFeature, RaggedFeature)
LISTS = (VarLenFeature, FixedLenSequenceFeature, RaggedFeature)


def listed(key: Any) -> list[Any]:
    return [key] if isinstance(key, str) else list(key)
