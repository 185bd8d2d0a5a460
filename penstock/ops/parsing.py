"""The ops that parse serialised Examples: whole batches, a feature at a time."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op

_THREE = "{float32|int64|string}"
_SHORT = {"float32": "float", "int64": "int64", "string": "string"}


def bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def text_of(keys: Any) -> list[str]:
    """Keys as the parser knows them."""
    flat = keys.reshape(-1).tolist() if isinstance(keys, np.ndarray) else [k.item() if isinstance(k, np.ndarray) else k for k in keys]
    return [k.decode("utf-8", "surrogateescape") if isinstance(k, bytes) else k for k in flat]


def _dims(shape: Any) -> str:
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def empty_like(dtype: Any, n: int = 0) -> np.ndarray:
    """n zeros, or n empty strings."""
    if dtype.name == "string":
        made = np.empty(n, object)
        made[:] = [b""] * n
        return made
    return np.zeros(n, dtype.array_dtype)


class Batch:
    """The Examples of one call and what they are called in messages."""

    def __init__(self, serialized: np.ndarray, names: Any = ()):
        from penstock.base import example_wire

        self.wire = example_wire
        self.one = serialized.ndim == 0
        if serialized.ndim > 1:
            raise bad(f"Expected serialized to be a scalar or vector, got shape: {_dims(serialized.shape)}")
        self.names = np.asarray(names, object)
        if self.names.size and self.names.shape != serialized.shape:
            raise bad(f"Expected names have the same shape as serialized: name.shape={_dims(self.names.shape)}, serialized.shape={_dims(serialized.shape)}")
        self.texts = serialized.reshape(-1).tolist()
        self.n = len(self.texts)
        try:
            self.gets = example_wire.read_examples(self.texts)
        except example_wire.Malformed as e:
            raise self.malformed(e.index) from None

    def malformed(self, index: int) -> InvalidArgumentError:
        text = self.texts[index]
        return bad(f"Could not parse example input, value: '{text[:200].decode('utf-8', 'backslashreplace')}'")

    def name(self, index: int) -> str:
        if self.one and not self.names.size:
            return ""
        named = self.names.reshape(-1)[index].decode("utf-8", "replace") if self.names.size else "<unknown>"
        return f"Name: {named}, "

    def at(self, key: str, index: int) -> str:
        return f"{self.name(index)}Key: {key}" + ("" if self.one else f", Index: {index}")

    def column(self, key: str, dtype: Any, dense: bool) -> Any:
        """All values of a feature, and how many each example has (-1: none, not even an empty list)."""
        try:
            return self.wire.column([get(key) for get in self.gets], dtype.name)
        except self.wire.Malformed as e:
            raise self.malformed(e.index) from None
        except self.wire.WrongKind as e:
            wanted = _SHORT[dtype.name]
            said = f"Data type: {e.actual} but expected type: {wanted}" if dense else f"Expected type: {wanted}, Actual type: {e.actual}"
            raise bad(f"{self.at(key, e.index)}.  Data types don't match. {said}") from None

    def dense(self, key: str, dtype: Any, shape: Any, default: np.ndarray) -> np.ndarray:
        """[n, *shape] (or `shape` for a scalar call); rows of an unknown first size are filled up with the default."""
        values, counts = self.column(key, dtype, True)
        if shape and shape[0] is None:
            made = self._padded(key, dtype, shape, default, values, counts)
        else:
            size = int(np.prod(shape, dtype=np.int64))
            wrong = np.flatnonzero((counts != size) & (counts >= 0))
            if len(wrong):
                at = int(wrong[0])
                raise bad(f"{self.at(key, at)}.  Number of {_SHORT[dtype.name]} values != expected.  Values size: {counts[at]} but output shape: {_dims(shape)}")
            if values.size == self.n * size and (size or not (counts < 0).any()):
                made = values.reshape(self.n, *shape)
            else:
                lacks = counts < 0
                if default.size != size or not default.size:
                    at = int(np.argmax(lacks))
                    raise bad(f"{self.name(at)}Feature: {key} (data type: {_SHORT[dtype.name]}) is required but could not be found.")
                made = np.empty((self.n, size), dtype.array_dtype)
                made[~lacks] = values.reshape(-1, size)
                made[lacks] = default.reshape(-1)
                made = made.reshape(self.n, *shape)
        return made.reshape(made.shape[1:]) if self.one else made

    def _padded(self, key: str, dtype: Any, shape: Any, default: np.ndarray, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
        stride = int(np.prod(shape[1:], dtype=np.int64))
        counts = np.maximum(counts, 0)
        wrong = np.flatnonzero(counts % stride) if stride else np.flatnonzero(counts)
        if len(wrong):
            at = int(wrong[0])
            raise bad(f"{self.at(key, at)}.  Number of {_SHORT[dtype.name]} values is not a multiple of stride length. "
                      f"Saw {counts[at]} values but output shape is: {_dims(shape)}")  # fmt: skip
        longest = int(counts.max()) if self.n else 0
        if len(values) == self.n * longest:
            made = values
        else:
            made = np.empty((self.n, longest), dtype.array_dtype)
            made[...] = default.reshape(-1)[0] if default.size else empty_like(dtype, 1)[0]
            made[np.arange(longest) < counts[:, None]] = values
        return made.reshape(self.n, longest // stride if stride else 0, *shape[1:])

    def sparse(self, key: str, dtype: Any) -> tuple[Any, Any, Any]:
        """Indices [m, 2], values [m] and the shape [n, longest]; a scalar call: [m, 1], [m], [m]."""
        values, counts = self.column(key, dtype, False)
        counts = np.maximum(counts, 0)
        columns = positions(counts)
        if self.one:
            return columns[:, None], values, np.array([len(values)], np.int64)
        rows = np.repeat(np.arange(self.n), counts)
        return np.stack([rows, columns], 1), values, np.array([self.n, counts.max() if self.n else 0], np.int64)

    def ragged(self, key: str, dtype: Any, split_type: Any) -> tuple[Any, Any]:
        """Values [m] and splits [n + 1]; a scalar call has no splits."""
        values, counts = self.column(key, dtype, False)
        if self.one:
            return values, np.zeros(0, split_type.array_dtype)
        return values, splits_of(counts, split_type)


def positions(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... count - 1 for each count, in a row."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def splits_of(counts: np.ndarray, split_type: Any) -> np.ndarray:
    """The row splits of rows of these lengths."""
    splits = np.zeros(len(counts) + 1, split_type.array_dtype)
    np.cumsum(np.maximum(counts, 0), out=splits[1:])
    return splits


def _example_shapes(serialized: Any, sparse: int, dense_shapes: Any, ragged: int) -> Any:
    lead = serialized.shape
    if lead is None:
        rank = None
        dense: list[Any] = [None] * len(dense_shapes)
        splits: Any = (None,)
    else:
        rank = 1 + len(lead)
        dense = [None if s is None else (*lead, *s) for s in dense_shapes]
        splits = (None if not lead or lead[0] is None else lead[0] + 1,)
    return [(None, rank)] * sparse, [(None,)] * sparse, [(rank,)] * sparse, dense, [(None,)] * ragged, [splits] * ragged


def _check_defaults(defaults: Any, shapes: Any) -> None:
    for i, (default, shape) in enumerate(zip(defaults, shapes)):
        if shape is None:
            raise bad(f"dense_shapes[{i}] is not fully defined: <unknown>")
        if shape and shape[0] is None:
            if default.size != 1:
                raise bad(f"dense_shape[{i}] is a variable length shape: {_dims(shape)}, therefore def_value[{i}] must contain a single element "
                          f"(the padding element).  But its shape is: {_dims(default.shape)}")  # fmt: skip
        elif default.size and tuple(default.shape) != tuple(shape):
            raise bad(f"def_value[{i}].shape() == {_dims(default.shape)} is not compatible with dense_shapes_[{i}] == {_dims(shape)}")


def _columns(batch: Batch, sparse_keys: Any, sparse_types: Any, dense_keys: Any, dense_types: Any, dense_shapes: Any, defaults: Any, ragged: Any = ()) -> Any:
    _check_defaults(defaults, dense_shapes)
    dense = [batch.dense(k, t, s, d) for k, t, s, d in zip(text_of(dense_keys), dense_types, dense_shapes, defaults)]
    sparse = [batch.sparse(k, t) for k, t in zip(text_of(sparse_keys), sparse_types)]
    rows = [batch.ragged(k, t, s) for k, t, s in ragged]
    columns = lambda found, n: [[f[i] for f in found] for i in range(n)]
    return (*columns(sparse, 3), dense, *columns(rows, 2))


_V2_IN = "serialized: string, names: string, sparse_keys: string, dense_keys: string, ragged_keys: string, dense_defaults: Tdense"


@op(f"ParseExampleV2({_V2_IN}, *, Tdense: list({_THREE}) >= 0, dense_shapes: list(shape) >= 0, num_sparse: int >= 0, "
    f"ragged_split_types: list(index) >= 0, ragged_value_types: list({_THREE}) >= 0, sparse_types: list({_THREE}) >= 0) -> (sparse_indices: num_sparse*int64, "
    "sparse_values: sparse_types, sparse_shapes: num_sparse*int64, dense_values: Tdense, ragged_values: ragged_value_types, "
    "ragged_row_splits: ragged_split_types)", where="host")  # fmt: skip
def parse_example_v2(
    xp, serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults, *, Tdense, dense_shapes, num_sparse, ragged_split_types, ragged_value_types, sparse_types  # noqa: N803
):  # fmt: skip
    """Sparse, dense and ragged features of a vector of serialised Examples, or of one."""
    for keys, types, what in ((sparse_keys, sparse_types, "sparse"), (dense_keys, Tdense, "dense"), (ragged_keys, ragged_value_types, "ragged")):
        if np.size(keys) != len(types):
            raise bad(f"Expected {what}_keys to have {len(types)} elements, got {np.size(keys)}")
    batch = Batch(serialized, names)
    ragged = list(zip(text_of(ragged_keys), ragged_value_types, ragged_split_types))
    return _columns(batch, sparse_keys, sparse_types, dense_keys, Tdense, dense_shapes, dense_defaults, ragged)


@parse_example_v2.shape
def _(serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults, *, Tdense, dense_shapes, num_sparse, ragged_value_types):  # noqa: N803
    if serialized.shape is not None and len(serialized.shape) > 1:
        raise bad(f"Input serialized must be a scalar or a vector, got shape {_dims(serialized.shape)}")
    return _example_shapes(serialized, num_sparse, dense_shapes, len(ragged_value_types))


@op("ParseExample(serialized: string, names: string, sparse_keys: Nsparse*string, dense_keys: Ndense*string, dense_defaults: Tdense, *, Ndense: int >= 0, "
    f"Nsparse: int >= 0, Tdense: list({_THREE}) >= 0, dense_shapes: list(shape) >= 0, sparse_types: list({_THREE}) >= 0) -> (sparse_indices: Nsparse*int64, "
    "sparse_values: sparse_types, sparse_shapes: Nsparse*int64, dense_values: Tdense)", where="host",
    shape=lambda serialized, names, sparse_keys, dense_keys, dense_defaults, *, Nsparse, dense_shapes: _example_shapes(serialized, Nsparse, dense_shapes, 0)[:4])  # fmt: skip
def parse_example_v1(xp, serialized, names, sparse_keys, dense_keys, dense_defaults, *, Tdense, dense_shapes, sparse_types):  # noqa: N803
    """Sparse and dense features of a vector of serialised Examples."""
    if serialized.ndim != 1:
        raise bad(f"Expected serialized to be a vector, got shape: {_dims(serialized.shape)}")
    return _columns(Batch(serialized, names), sparse_keys, sparse_types, dense_keys, Tdense, dense_shapes, dense_defaults)[:4]


@op(f"ParseSingleExample(serialized: string, dense_defaults: Tdense, *, Tdense: list({_THREE}) >= 0, dense_keys: list(str) >= 0, dense_shapes: list(shape) >= 0, "
    f"num_sparse: int >= 0, sparse_keys: list(str) >= 0, sparse_types: list({_THREE}) >= 0) -> (sparse_indices: num_sparse*int64, sparse_values: sparse_types, "
    "sparse_shapes: num_sparse*int64, dense_values: Tdense)", where="host",
    shape=lambda serialized, dense_defaults, *, num_sparse, dense_shapes: (
        [(None, 1)] * num_sparse, [(None,)] * num_sparse, [(1,)] * num_sparse, list(dense_shapes)))  # fmt: skip
def parse_single_example_op(xp, serialized, dense_defaults, *, Tdense, dense_keys, dense_shapes, num_sparse, sparse_keys, sparse_types):  # noqa: N803
    """Sparse and dense features of one serialised Example."""
    if serialized.ndim:
        raise bad(f"Input serialized must be a scalar, got shape: {_dims(serialized.shape)}")
    return _columns(Batch(serialized), sparse_keys, sparse_types, dense_keys, Tdense, dense_shapes, dense_defaults)[:4]


for _one in (parse_example_v2, parse_example_v1, parse_single_example_op):
    _one.no_grad()
