"""`tf.estimator.inputs`: input functions over NumPy arrays and pandas data frames, through a queue."""

import random
from collections import OrderedDict
from typing import Any

import numpy as np

from penstock.base import errors
from penstock.base.dtypes import as_dtype, float32, int64
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.ops import summaries
from penstock.ops.arithmetic import Maximum as maximum
from penstock.ops.cast import cast
from penstock.ops.constants import placeholder
from penstock.ops.queues import FIFOQueue, RandomShuffleQueue
from penstock.train.feeding_queue_runner import FeedingQueueRunner
from penstock.train.queue_runner import add_queue_runner

_TARGET_KEY = "__target_key__"
_SHUFFLE = (
    "shuffle must be provided and explicitly set as boolean (it is recommended to set it as True for training); got {}"
)


class _FeedFn:
    """The rows of the columns in batches, epoch after epoch; the row number is the first column."""

    def __init__(
        self,
        placeholders: list[Any],
        columns: list[Any],
        batch_size: int,
        random_start: bool,
        num_epochs: int | None,
        index: Any = None,
    ):
        self._placeholders, self._columns, self._batch_size = placeholders, columns, batch_size
        self._rows = len(columns[0])
        self._index = index
        self._at = random.randrange(self._rows) if random_start else 0
        self._epoch_end = (self._at - 1) % self._rows
        self._epoch, self._num_epochs = 0, num_epochs

    def __call__(self) -> dict[Any, Any]:
        if self._num_epochs and self._epoch >= self._num_epochs:
            raise errors.OutOfRangeError(None, None, f"Already emitted {self._epoch} epochs.")
        rows = [(self._at + i) % self._rows for i in range(self._batch_size)]
        if self._epoch_end in rows:  # the batch may run over the end of an epoch, not over that of the last one
            self._epoch += 1
            if self._epoch == self._num_epochs:
                rows = rows[: rows.index(self._epoch_end) + 1]
        self._at = (rows[-1] + 1) % self._rows
        first = rows if self._index is None else self._index[rows]
        return dict(zip(self._placeholders, [first, *(c[rows] for c in self._columns)]))


def enqueue_data(columns: list[Any], capacity: int, shuffle: bool = False, min_after_dequeue: int | None = None, num_threads: int = 1,
                 seed: int | None = None, name: str = "enqueue_input", enqueue_size: int = 1, num_epochs: int | None = None, index: Any = None) -> Any:  # fmt: skip
    """A queue that threads fill with the rows of the columns."""
    graph = get_default_graph()
    with graph.name_scope(name):
        index_type = int64 if index is None else as_dtype(index.dtype)
        types = [index_type, *(as_dtype(c.dtype) if c.dtype.kind not in "OSU" else as_dtype("string") for c in columns)]
        shapes: list[Any] = [(), *(c.shape[1:] for c in columns)]
        queue: Any
        if shuffle:
            kept = int(capacity / 4 if min_after_dequeue is None else min_after_dequeue)
            queue = RandomShuffleQueue(capacity, kept, dtypes=types, shapes=shapes, seed=seed)
        elif num_threads > 1:
            kept, queue = 0, FIFOQueue(capacity, dtypes=types, shapes=shapes)
        else:
            kept, queue = 0, FIFOQueue(capacity, dtypes=types, shapes=shapes)
        ops, feeds = [], []
        for i in range(num_threads):
            placeholders = [placeholder(t) for t in types]
            ops.append(queue.enqueue_many(placeholders))
            if shuffle and seed is not None:
                random.seed(seed + i)
            feeds.append(_FeedFn(placeholders, columns, enqueue_size, shuffle, num_epochs, index))
        add_queue_runner(FeedingQueueRunner(queue=queue, enqueue_ops=ops, feed_fns=feeds))
        full = cast(maximum(0, queue.size() - kept), float32) * (1.0 / (capacity - kept))
        summaries.scalar(f"queue/{queue.name}fraction_over_{kept}_of_{capacity - kept}_full", full)
        return queue


def _take(queue: Any, batch_size: int, num_epochs: int | None) -> Any:
    return queue.dequeue_many(batch_size) if num_epochs is None else queue.dequeue_up_to(batch_size)


@export(v1=("estimator.inputs.numpy_input_fn",))
def numpy_input_fn(x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: bool | None = None, queue_capacity: int = 1000,
                   num_threads: int = 1) -> Any:  # fmt: skip
    """An input function over arrays: features `x` (an array, or a dictionary of arrays), labels `y`.

    >>> input_fn = tf.estimator.inputs.numpy_input_fn({"age": ages}, labels, batch_size=32, num_epochs=None, shuffle=True)
    """
    if not isinstance(shuffle, bool):
        raise ValueError(_SHUFFLE.format(shuffle))

    def input_fn() -> Any:
        if not isinstance(x, (dict, np.ndarray)):
            raise TypeError(f"x must be a dict or array; got {type(x).__name__}")
        features = OrderedDict(sorted(x.items())) if isinstance(x, dict) else OrderedDict({"": x})
        if not features:
            raise ValueError("x cannot be an empty dict")
        if isinstance(y, dict):
            if not y:
                raise ValueError("y cannot be empty dict, use None instead.")
            same = set(features) & set(y)
            if same:
                raise ValueError(f"{len(same)} duplicate keys are found in both x and y: {same}")
            labels = OrderedDict(sorted(y.items()))
        else:
            labels = OrderedDict() if y is None else OrderedDict({_TARGET_KEY: y})
        columns = OrderedDict((("x", k), np.asarray(v)) for k, v in features.items())
        columns.update((("y", k), np.asarray(v)) for k, v in labels.items())
        if len({len(v) for v in columns.values()}) != 1:
            shapes = [{k[1]: v.shape for k, v in columns.items() if k[0] == part} for part in ("x", "y")]
            raise ValueError("Length of tensors in x and y is mismatched. All elements in x and y must have the same length.\n"
                             f"Shapes in x: {shapes[0]}\nShapes in y: {shapes[1]}\n")  # fmt: skip
        queue = enqueue_data(
            list(columns.values()),
            queue_capacity,
            shuffle=shuffle,
            num_threads=num_threads,
            enqueue_size=batch_size,
            num_epochs=num_epochs,
        )
        taken = dict(zip(columns, _take(queue, batch_size, num_epochs)[1:]))
        out: Any = OrderedDict((k, taken["x", k]) for k in features) if isinstance(x, dict) else taken["x", ""]
        if isinstance(x, dict):
            out = dict(out)
        if y is None:
            return out
        return out, ({k: taken["y", k] for k in labels} if isinstance(y, dict) else taken["y", _TARGET_KEY])

    return input_fn


@export(v1=("estimator.inputs.pandas_input_fn",))
def pandas_input_fn(x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: bool | None = None, queue_capacity: int = 1000,
                    num_threads: int = 1, target_column: str = "target") -> Any:  # fmt: skip
    """An input function over a pandas DataFrame: a feature for each column, labels from the Series (or DataFrame) `y`."""
    if not isinstance(shuffle, bool):
        raise ValueError(_SHUFFLE.format(shuffle))
    if not isinstance(target_column, str):
        raise TypeError(f"target_column must be a string type; got {target_column}")
    frame = x.copy()
    target: Any = None
    if y is not None:
        if target_column in frame:
            raise ValueError(
                f"Cannot use name {target_column} for target column: DataFrame already has a column with that name: {frame.columns}"
            )
        if not np.array_equal(frame.index, y.index):
            raise ValueError(f"Index for x and y are mismatched.\nIndex for x: {frame.index}\nIndex for y: {y.index}\n")
        if hasattr(y, "columns"):
            target = [f"{target_column}_{i}" for i in range(len(y.columns))]
            for name, column in zip(target, y.columns):
                frame[name] = y[column]
        else:
            target = target_column
            frame[target_column] = y

    def input_fn() -> Any:
        columns = [np.asarray(frame[c]) for c in frame.columns]
        columns = [c.astype(object) if c.dtype.kind in "OSU" else c for c in columns]
        queue = enqueue_data(columns, queue_capacity, shuffle=shuffle, num_threads=num_threads, enqueue_size=batch_size, num_epochs=num_epochs,
                             index=np.asarray(frame.index))  # fmt: skip
        features = dict(zip(list(frame.columns), _take(queue, batch_size, num_epochs)[1:]))
        if y is None:
            return features
        if isinstance(target, list):
            labels: Any = {c: features.pop(t) for t, c in zip(target, y.columns)}
        else:
            labels = features.pop(target)
        return features, labels

    return input_fn
