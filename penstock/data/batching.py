"""Stages that put elements together and take them apart: batch, padded_batch, window, unbatch, rebatch, sparse batches."""

from typing import Any

import numpy as np

from penstock.base.errors import DataLossError, InvalidArgumentError
from penstock.data.ordering import UnaryPipe, UnaryStream
from penstock.data.pipeline import UNKNOWN, Context, Pipe, Stream, batched, check_index, row, scalar
from penstock.data.sources import IndexedPipe
from penstock.data.stage_op import PLAIN, TYPED, stage


def batch_count(n: int, size: int, drop: bool) -> int:
    """How many batches n elements make."""
    return n if n < 0 else n // size if drop else -(-n // size)


class BatchStream(UnaryStream):
    def __init__(self, inner: Stream, size: int, drop: bool):
        self.inner, self.size, self.drop = inner, size, drop

    def next(self) -> Any:
        rows: list[Any] = []
        pull, size = self.inner.next, self.size
        while len(rows) < size:
            element = pull()
            if element is None:
                break
            rows.append(element)
        if not rows or (self.drop and len(rows) < size):
            return None
        return batched(rows)


class BatchPipe(UnaryPipe):
    """So many elements as one."""

    def __init__(self, source: Pipe, size: int, drop: bool):
        if size <= 0:
            raise InvalidArgumentError(None, None, "Batch size must be greater than zero.")
        self.inputs, self.batch, self.drop = (source,), size, drop

    def size(self) -> int:
        return batch_count(self.inputs[0].size(), self.batch, self.drop)

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        first = index * self.batch
        n = self.inputs[0].size()
        last = first + self.batch if n < 0 else min(n, first + self.batch)
        return batched([self.inputs[0].get(i, ctx) for i in range(first, last)])

    def stream(self, ctx: Context) -> Stream:
        return BatchStream(self.inputs[0].stream(ctx), self.batch, self.drop)


@stage(f"BatchDataset(input_dataset: variant, batch_size: int64, *, {TYPED}) -> handle: variant")
def BATCH_DATASET(xp, input_dataset, batch_size):
    """So many elements as one."""
    return BatchPipe(input_dataset, scalar(batch_size), False)


@stage(f"BatchDatasetV2(input_dataset: variant, batch_size: int64, drop_remainder: bool, *, {TYPED}, parallel_copy: bool = False) -> handle: variant")
def BATCH_DATASET_V2(xp, input_dataset, batch_size, drop_remainder):
    """So many elements as one."""
    return BatchPipe(input_dataset, scalar(batch_size), scalar(drop_remainder))


@stage(f'ParallelBatchDataset(input_dataset: variant, batch_size: int64, num_parallel_calls: int64, drop_remainder: bool, *, deterministic: str = "default", '
       f"{TYPED}, parallel_copy: bool = False) -> handle: variant")  # fmt: skip
def PARALLEL_BATCH_DATASET(xp, input_dataset, batch_size, num_parallel_calls, drop_remainder):
    """So many elements as one."""
    return BatchPipe(input_dataset, scalar(batch_size), scalar(drop_remainder))


# -- padded batches ----------------------------------------------------------------------------------------------------
def padded(column: Any, shape: Any, value: Any, component: int) -> Any:
    """Arrays filled up to one shape (-1: the largest among them) and stacked."""
    rank = len(shape)
    for c in column:
        if c.ndim != rank:
            raise InvalidArgumentError(None, None, f"All elements in a batch must have the same rank as the padded shape for component{component}: expected rank {rank} but got element with rank {c.ndim}")
    full = []
    for axis, wanted in enumerate(shape):
        largest = max(c.shape[axis] for c in column)
        if wanted < 0:
            full.append(largest)
        elif largest > wanted:
            raise DataLossError(None, None, f"Attempted to pad to a smaller size than the input element: component {component} has size {largest} at axis {axis}, the padded shape {wanted}")
        else:
            full.append(int(wanted))
    first = column[0]
    out = np.empty((len(column), *full), first.dtype)
    if not all(c.shape == out.shape[1:] for c in column):
        out[...] = value if first.dtype != object else np.asarray(value, object)
    if rank == 0:
        out[:] = [c.item() for c in column]
        return out
    for i, c in enumerate(column):
        out[(i, *[slice(0, n) for n in c.shape])] = c
    return out


class PaddedBatchStream(BatchStream):
    def __init__(self, inner: Stream, pipe: "PaddedBatchPipe"):
        super().__init__(inner, pipe.batch, pipe.drop)
        self.pipe = pipe

    def next(self) -> Any:
        rows: list[Any] = []
        while len(rows) < self.size:
            element = self.inner.next()
            if element is None:
                break
            rows.append(element)
        if not rows or (self.drop and len(rows) < self.size):
            return None
        return self.pipe.together(rows)


class PaddedBatchPipe(BatchPipe):
    """So many elements as one, filled up to one shape."""

    def __init__(self, source: Pipe, size: int, drop: bool, shapes: Any, values: Any):
        super().__init__(source, size, drop)
        self.padded_shapes = [tuple(np.asarray(s).tolist()) for s in shapes]
        self.values = [np.asarray(v) for v in values]

    def together(self, rows: list[Any]) -> Any:
        columns = zip(*rows)
        return [padded(c, s, v, i) for i, (c, s, v) in enumerate(zip(columns, self.padded_shapes, self.values))]

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        first, n = index * self.batch, self.inputs[0].size()
        last = first + self.batch if n < 0 else min(n, first + self.batch)
        return self.together([self.inputs[0].get(i, ctx) for i in range(first, last)])

    def stream(self, ctx: Context) -> Stream:
        return PaddedBatchStream(self.inputs[0].stream(ctx), self)


_PADDED = ("padded_shapes: N*int64, padding_values: Toutput_types{}, *, N: int >= 1, Toutput_types: list(type) >= 1, metadata: str = \"\", "
           "output_shapes: list(shape) >= 1")  # fmt: skip


@stage(f"PaddedBatchDataset(input_dataset: variant, batch_size: int64, {_PADDED.format('')}) -> handle: variant")
def PADDED_BATCH_DATASET(xp, input_dataset, batch_size, padded_shapes, padding_values):
    """So many elements as one, filled up to one shape."""
    return PaddedBatchPipe(input_dataset, scalar(batch_size), False, padded_shapes, padding_values)


@stage(f"PaddedBatchDatasetV2(input_dataset: variant, batch_size: int64, {_PADDED.format(', drop_remainder: bool')}, parallel_copy: bool = False) -> handle: variant")
def PADDED_BATCH_DATASET_V2(xp, input_dataset, batch_size, padded_shapes, padding_values, drop_remainder):
    """So many elements as one, filled up to one shape."""
    return PaddedBatchPipe(input_dataset, scalar(batch_size), scalar(drop_remainder), padded_shapes, padding_values)


# -- window ------------------------------------------------------------------------------------------------------------
class ElementsPipe(IndexedPipe):
    """Elements that are there: a window."""

    def __init__(self, elements: list[Any]):
        self.elements = elements

    def size(self) -> int:
        return len(self.elements)

    def element(self, i: int) -> Any:
        return self.elements[i]


class WindowStream(UnaryStream):
    kept = ("held", "ended", "gap")

    def __init__(self, inner: Stream, pipe: "WindowPipe"):
        self.inner, self.pipe = inner, pipe
        self.held: list[Any] = []
        self.ended, self.gap = False, 0

    def next(self) -> Any:
        p = self.pipe
        reach = (p.window - 1) * p.stride + 1
        if self.gap and not self.ended:
            if self.inner.skip(self.gap) < self.gap:
                self.ended = True
            self.gap = 0
        while not self.ended and len(self.held) < reach:
            element = self.inner.next()
            if element is None:
                self.ended = True
                break
            self.held.append(element)
        if not self.held or (p.drop and len(self.held) < reach):
            return None
        chosen = self.held[: reach : p.stride]
        if p.shift < len(self.held):
            self.held = self.held[p.shift :]
        else:
            self.gap = p.shift - len(self.held)
            self.held = []
        return [ElementsPipe([[e[i]] for e in chosen]) for i in range(len(chosen[0]))]


class WindowPipe(UnaryPipe):
    """Runs of elements, as datasets."""

    def __init__(self, source: Pipe, window: int, shift: int, stride: int, drop: bool):
        for name, n in (("size", window), ("shift", shift), ("stride", stride)):
            if n <= 0:
                raise InvalidArgumentError(None, None, f"Window {name} must be greater than zero.")
        self.inputs, self.window, self.shift, self.stride, self.drop = (source,), window, shift, stride, drop

    def size(self) -> int:
        n = self.inputs[0].size()
        if n < 0:
            return n
        reach = (self.window - 1) * self.stride + 1
        if self.drop:
            return 0 if n < reach else (n - reach) // self.shift + 1
        return -(-n // self.shift)

    get = Pipe.get

    def stream(self, ctx: Context) -> Stream:
        return WindowStream(self.inputs[0].stream(ctx), self)


@stage(f"WindowDataset(input_dataset: variant, size: int64, shift: int64, stride: int64, drop_remainder: bool, *, {TYPED}) -> handle: variant")
def WINDOW_DATASET(xp, input_dataset, size, shift, stride, drop_remainder):
    """Runs of elements, each component as a dataset."""
    return WindowPipe(input_dataset, scalar(size), scalar(shift), scalar(stride), scalar(drop_remainder))


class SlidingStream(WindowStream):
    def next(self) -> Any:
        found = super().next()
        return None if found is None else [batched(w.elements)[0] for w in found]


class SlidingPipe(WindowPipe):
    """Runs of elements, as batches."""

    def stream(self, ctx: Context) -> Stream:
        return SlidingStream(self.inputs[0].stream(ctx), self)


@stage(f"SlidingWindowDataset(input_dataset: variant, window_size: int64, window_shift: int64, window_stride: int64, *, drop_remainder: bool = True, {PLAIN}) "
       "-> handle: variant")  # fmt: skip
def SLIDING_WINDOW_DATASET(xp, input_dataset, window_size, window_shift, window_stride, *, drop_remainder):
    """Runs of elements as batches."""
    return SlidingPipe(input_dataset, scalar(window_size), scalar(window_shift), scalar(window_stride), drop_remainder)


# -- unbatch, rebatch --------------------------------------------------------------------------------------------------
class UnbatchStream(UnaryStream):
    kept = ("held", "at")

    def __init__(self, inner: Stream):
        self.inner = inner
        self.held: Any = None
        self.at = 0

    def next(self) -> Any:
        while self.held is None or self.at >= len(self.held[0]):
            self.held = self.inner.next()
            self.at = 0
            if self.held is None:
                return None
            for i, c in enumerate(self.held):
                if type(c) is not np.ndarray or c.ndim == 0:
                    raise InvalidArgumentError(None, None, "Input element must have a batch dimension in each component.")
                if len(c) != len(self.held[0]):
                    raise InvalidArgumentError(None, None, f"Input element must have the same batch size in each component. Component 0 had size {len(self.held[0])} but component {i} had size, {len(c)}.")
        i = self.at
        self.at = i + 1
        return [row(c, i) for c in self.held]


class UnbatchPipe(UnaryPipe):
    """The rows of the elements."""

    def __init__(self, source: Pipe, batch: int = -1):
        self.inputs, self.batch = (source,), batch

    def size(self) -> int:
        n = self.inputs[0].size()
        if n <= 0 and n != UNKNOWN:
            return n
        return n * self.batch if n > 0 and self.batch > 0 else UNKNOWN

    get = Pipe.get

    def stream(self, ctx: Context) -> Stream:
        return UnbatchStream(self.inputs[0].stream(ctx))


def _known_batch(pipe: Pipe) -> int:
    while type(pipe).__name__ in ("PrefetchPipe", "OptionsPipe"):
        pipe = pipe.inputs[0]
    if isinstance(pipe, BatchPipe) and (pipe.drop or (pipe.inputs[0].size() >= 0 and pipe.inputs[0].size() % pipe.batch == 0)):
        return pipe.batch if pipe.drop else -1
    return -1


@stage(f"UnbatchDataset(input_dataset: variant, *, {TYPED}) -> handle: variant")
def UNBATCH_DATASET(xp, input_dataset):
    """The rows of the elements."""
    return UnbatchPipe(input_dataset, _known_batch(input_dataset))


class RebatchStream(UnaryStream):
    kept = ("held", "at", "turn")

    def __init__(self, inner: Stream, pipe: "RebatchPipe"):
        self.inner, self.pipe = inner, pipe
        self.held: Any = None
        self.at = self.turn = 0

    def next(self) -> Any:
        wanted = self.pipe.sizes[self.turn % len(self.pipe.sizes)]
        parts: list[Any] = []
        have = 0
        while have < wanted:
            if self.held is None or self.at >= len(self.held[0]):
                self.held, self.at = self.inner.next(), 0
                if self.held is None:
                    break
                continue
            n = min(wanted - have, len(self.held[0]) - self.at)
            parts.append([c[self.at : self.at + n] for c in self.held])
            self.at += n
            have += n
        if wanted == 0 and self.held is None and (found := self.inner.next()) is not None:
            self.held, self.at = found, 0
        if have < wanted and (self.pipe.drop or not have):
            return None
        self.turn += 1
        if wanted == 0:
            return None if self.held is None else [c[:0] for c in self.held]
        for i in range(len(parts[0])):
            shapes = {p[i].shape[1:] for p in parts}
            if len(shapes) > 1:
                raise InvalidArgumentError(None, None, f"Cannot batch tensors with different shapes in component {i}: {sorted(shapes)}")
        return [np.concatenate(c) if len(c) > 1 else c[0] for c in zip(*parts)]


class RebatchPipe(UnaryPipe):
    """The rows of the elements, in batches of other sizes."""

    def __init__(self, source: Pipe, sizes: list[int], drop: bool):
        if any(s < 0 for s in sizes) or not any(sizes):
            raise InvalidArgumentError(None, None, f"batch sizes must be non-negative and not all zero, got {sizes}")
        self.inputs, self.sizes, self.drop = (source,), sizes, drop

    def size(self) -> int:
        n = self.inputs[0].size()
        if n <= 0 and n != UNKNOWN:
            return n
        return UNKNOWN

    get = Pipe.get

    def stream(self, ctx: Context) -> Stream:
        return RebatchStream(self.inputs[0].stream(ctx), self)


@stage(f"RebatchDatasetV2(input_dataset: variant, batch_sizes: int64, drop_remainder: bool, *, {PLAIN}) -> handle: variant")
def REBATCH_DATASET_V2(xp, input_dataset, batch_sizes, drop_remainder):
    """The rows of the elements, in batches of other sizes."""
    return RebatchPipe(input_dataset, np.asarray(batch_sizes).reshape(-1).tolist(), scalar(drop_remainder))


class SparseBatchStream(BatchStream):
    def __init__(self, inner: Stream, pipe: "SparseBatchPipe"):
        super().__init__(inner, pipe.batch, False)
        self.pipe = pipe

    def next(self) -> Any:
        rows = []
        while len(rows) < self.size:
            element = self.inner.next()
            if element is None:
                break
            rows.append(element[0])
        return self.pipe.together(rows) if rows else None


class SparseBatchPipe(BatchPipe):
    """Dense elements of any size, as one sparse tensor."""

    def __init__(self, source: Pipe, size: int, row_shape: Any):
        super().__init__(source, size, False)
        self.row_shape = tuple(np.asarray(row_shape).tolist())

    def together(self, rows: list[Any]) -> Any:
        shape = [max(r.shape[a] for r in rows) if n < 0 else n for a, n in enumerate(self.row_shape)]
        indices, values = [], []
        for i, r in enumerate(rows):
            if r.ndim != len(shape):
                raise InvalidArgumentError(None, None, f"Input element must have the same rank as the row shape: {r.ndim} and {len(shape)}")
            if any(a > b for a, b in zip(r.shape, shape)):
                raise InvalidArgumentError(None, None, f"Input element had shape {list(r.shape)} that is larger than the row shape {shape}")
            at = np.indices(r.shape, np.int64).reshape(r.ndim, -1).T
            indices.append(np.concatenate([np.full((len(at), 1), i, np.int64), at], 1))
            values.append(r.reshape(-1))
        out = np.empty(3, object)
        out[0], out[1], out[2] = np.concatenate(indices), np.concatenate(values), np.array([len(rows), *shape], np.int64)
        return [out]

    def get(self, index: int, ctx: Context) -> Any:
        return Pipe.get(self, index, ctx)

    def stream(self, ctx: Context) -> Stream:
        return SparseBatchStream(self.inputs[0].stream(ctx), self)


@stage(f"DenseToSparseBatchDataset(input_dataset: variant, batch_size: int64, row_shape: int64, *, {PLAIN}) -> handle: variant")
def DENSE_TO_SPARSE_BATCH_DATASET(xp, input_dataset, batch_size, row_shape):
    """Dense elements of any size, as one sparse tensor."""
    return SparseBatchPipe(input_dataset, scalar(batch_size), row_shape)
