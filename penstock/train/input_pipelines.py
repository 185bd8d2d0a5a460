"""Input pipelines of 1.x: queues that threads fill with files, numbers, slices and batches."""

from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door, node_count
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.asserts import Assert
from penstock.ops.constants import range as range_of
from penstock.ops.identity import identity
from penstock.ops.queues import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from penstock.ops.shapes import shape, size
from penstock.ops.sparse_tensor import SparseTensor
from penstock.ops.summaries import scalar
from penstock.state.collections import GraphKeys
from penstock.state.variable import VariableV1
from penstock.train.queue_runner import QueueRunner, add_queue_runner


def _graphs_only() -> None:
    if not door.current().is_graph:
        raise RuntimeError(
            "Input pipelines based on Queues are not supported when eager execution is enabled. "
            "Please use tf.data to ingest data into your model instead."
        )


@export(v1=("train.limit_epochs",))
def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """`tensor`, `num_epochs` times; then OutOfRangeError.  The count is a local variable."""
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with scoped(name, "limit_epochs") as scope:
        zero = door.convert(0, dtypes.int64)
        epochs = VariableV1(zero, name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
        counter = epochs.count_up_to(num_epochs)
        with door.current().control_dependencies([counter]):
            return identity(tensor, name=scope or None)


@export(v1=("train.input_producer",))
def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> Any:
    """A queue of the rows of `input_tensor`, in a new order each epoch where `shuffle`."""
    _graphs_only()
    with scoped(name, "input_producer"):
        tensor = door.convert(input_tensor, None, "input_tensor")
        shape = tensor.shape[1:].merge_with(element_shape)
        if not shape.is_fully_defined():
            raise ValueError("Either `input_tensor` must have a fully defined shape or `element_shape` must be specified")
        if shuffle:
            from penstock.ops.random import shuffle as random_shuffle

            tensor = random_shuffle(tensor, seed=seed)
        tensor = limit_epochs(tensor, num_epochs)
        queue = FIFOQueue(capacity, dtypes=[tensor.dtype.base_dtype], shapes=[shape], shared_name=shared_name, name=name)
        add_queue_runner(QueueRunner(queue, [queue.enqueue_many([tensor])], cancel_op=cancel_op))
        if summary_name is not None:
            scalar(summary_name, _filled(queue, capacity))
        return queue


def _filled(queue: Any, capacity: int) -> Any:
    return find("Cast")(queue.size(), DstT=dtypes.float32) * (1.0 / capacity)


@export(v1=("train.string_input_producer",))
def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> Any:
    """A queue of strings, most often of file names."""
    empty = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and hasattr(string_tensor, "__len__") and not len(string_tensor):
        raise ValueError(empty)
    _graphs_only()
    with scoped(name, "input_producer") as scope:
        tensor = door.convert(string_tensor, dtypes.string)
        some = find("Greater")(size(tensor), 0)
        node_count.more(1)  # the message is a node twice over
        with door.current().control_dependencies([Assert(some, [empty])]):
            tensor = identity(tensor)
        return input_producer(
            tensor,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
            cancel_op,
        )


@export(v1=("train.range_input_producer",))
def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """A queue of the ints below `limit`."""
    _graphs_only()
    with scoped(name, "input_producer") as scope:
        summary = f"fraction_of_{capacity}_full"
        return input_producer(range_of(limit), [], num_epochs, shuffle, seed, capacity, shared_name, summary, scope)


@export(v1=("train.slice_input_producer",))
def slice_input_producer(
    tensor_list: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Any]:
    """One row of each tensor, the same one of all."""
    with scoped(name, "input_producer"):
        tensors = [door.convert(t) for t in tensor_list]
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        queue = range_input_producer(shape(tensors[0])[0], num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [find("GatherV2")(t, index, 0) for t in tensors]


# -- batches ---------------------------------------------------------------------------------------------------------
def _as_list(tensors: Any) -> tuple[list[Any], Any]:
    """The tensors of one example, and how a list of results is given back."""
    if isinstance(tensors, dict):
        keys = sorted(tensors)
        return [tensors[k] for k in keys], lambda out: dict(zip(keys, out))
    if isinstance(tensors, (list, tuple)):
        return list(tensors), lambda out: out
    return [tensors], lambda out: out[0]


def _batches(
    examples: list[Any],
    batch_size: Any,
    capacity: int,
    enqueue_many: bool,
    shapes: Any,
    allow_smaller: bool,
    shared_name: str | None,
    name: str | None,
    default: str,
    make: Any,
    threads: int = 1,
    keep_input: Any = True,
    minimum: int | None = None,
) -> Any:
    _graphs_only()
    if not examples:
        raise ValueError("Expected at least one tensor in batch().")
    with scoped(name, default) as scope:
        parts = [_as_list(e) for e in examples]
        rebuild = parts[0][1]
        rows = [[t if isinstance(t, SparseTensor) else door.convert(t) for t in p] for p, _ in parts]
        keep = _checked_keep(keep_input, enqueue_many)
        aside = SparseColumns(rows, enqueue_many)
        rows = aside.rows
        kinds = [t.dtype.base_dtype for t in rows[0]]
        for other in rows[1:]:
            if [t.dtype.base_dtype for t in other] != kinds:
                raise TypeError(f"Expected types to be consistent: {kinds} and {[t.dtype.base_dtype for t in other]}.")
        if shapes is None:
            shapes = []
            for column in zip(*rows):
                found = [t.shape[1:] if enqueue_many else t.shape for t in column]
                one = found[0]
                for s in found[1:]:
                    one = TensorShape([a if a == b else None for a, b in zip(one.as_list(), s.as_list())])
                shapes.append(one)
        elif len(examples[0]) != len(shapes) if isinstance(examples[0], (list, tuple)) else False:
            raise ValueError(f"shapes has {len(shapes)} entries, each example {len(examples[0])} tensors")
        queue = make(kinds, shapes, shared_name)
        add = queue.enqueue_many if enqueue_many else queue.enqueue
        enqueue = [_enqueue(add, r, keep) for r in rows] * threads
        add_queue_runner(QueueRunner(queue, enqueue))
        if minimum is None:
            scalar(f"fraction_of_{capacity}_full", _filled(queue, capacity))
        else:
            rest = capacity - minimum
            over = find("Maximum")(0, queue.size() - minimum)
            scalar(f"fraction_over_{minimum}_of_{rest}_full", find("Cast")(over, DstT=dtypes.float32) * (1.0 / rest if rest else 1.0))
        taken = (queue.dequeue_up_to if allow_smaller else queue.dequeue_many)(batch_size, name=scope or None)
        return rebuild(aside.back(list(taken) if isinstance(taken, (list, tuple)) else [taken]))


def _checked_keep(keep_input: Any, enqueue_many: bool) -> Any:
    """Which examples go into the queue: a bool, or with `enqueue_many` one for each row."""
    keep = door.convert(keep_input, dtypes.bool)
    if keep.shape.rank is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if keep.shape.rank > (1 if enqueue_many else 0):
        raise ValueError("`keep_input` must be a scalar, or with `enqueue_many` a vector: a bool for each row.")
    return keep


def _enqueue(add: Any, row: list[Any], keep: Any) -> Any:
    """An op that adds an example, or some of the rows of several, where `keep` says so."""
    from penstock.fronts.control import cond
    from penstock.fronts.grouping import no_op

    if keep.shape.rank == 1:
        which = find("Cast")(keep, DstT=dtypes.int32)
        return add([find("DynamicPartition")(t, which, num_partitions=2)[1] for t in row])
    known = known_value(keep)
    if known is not None:
        return add(row) if known else no_op()
    return cond(keep, lambda: add(row), no_op)


class SparseColumns:
    """Examples of which some parts are sparse: queues hold numbers in their place."""

    def __init__(self, rows: list[list[Any]], enqueue_many: bool):
        self.kept: dict[int, tuple[Any, Any, Any]] = {}
        self.rows = [list(row) for row in rows]
        for place, column in enumerate(zip(*rows)):
            if not isinstance(column[0], SparseTensor):
                continue
            first = None
            for row, sparse in zip(self.rows, column):
                adds = find("AddManySparseToTensorsMap" if enqueue_many else "AddSparseToTensorsMap")
                shared = "" if first is None else first.op.name
                number = adds(sparse.indices, sparse.values, sparse.dense_shape, shared_name=shared)
                first = number if first is None else first
                row[place] = find("ExpandDims")(number, -1)
            ranks = [s.dense_shape.shape[0] for s in column]
            rank = ranks[0].value if hasattr(ranks[0], "value") else ranks[0]
            self.kept[place] = first, column[0].dtype, None if rank is None else rank + (0 if enqueue_many else 1)

    def back(self, taken: list[Any]) -> list[Any]:
        """The batch with sparse tensors in the place of their numbers."""
        if not self.kept:
            return taken
        made = []
        for place, tensor in enumerate(taken):
            if place not in self.kept:
                made.append([tensor])
                continue
            first, dtype, rank = self.kept[place]
            indices, values, dense_shape = find("TakeManySparseFromTensorsMap")(find("Squeeze")(tensor, squeeze_dims=[1]), dtype=dtype, shared_name=first.op.name)
            if rank is not None:
                indices.set_shape([None, rank])
                dense_shape.set_shape([rank])
            made.append([indices, values, dense_shape])
        parts = iter(tied([t for one in made for t in one]))
        return [SparseTensor(next(parts), next(parts), next(parts)) if len(one) == 3 else next(parts) for one in made]


def tied(tensors: list[Any]) -> list[Any]:
    """The tensors, each only when all of them are there."""
    ops = list(dict.fromkeys(t.op for t in tensors))
    found = []
    for tensor in tensors:
        with door.current().control_dependencies([o for o in ops if o is not tensor.op]), door.current().colocate_with(tensor):
            found.append(identity(tensor, name="control_dependency"))
    return found


def _plain(capacity: int, dynamic_pad: bool) -> Any:
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    return lambda kinds, shapes, shared: kind(capacity=capacity, dtypes=kinds, shapes=shapes, shared_name=shared)


def _shuffled(capacity: int, min_after_dequeue: int, seed: int | None) -> Any:
    return lambda kinds, shapes, shared: RandomShuffleQueue(
        capacity=capacity, min_after_dequeue=min_after_dequeue, seed=seed, dtypes=kinds, shapes=shapes, shared_name=shared
    )


@export(v1=("train.batch",))
def batch(
    tensors: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of examples, through a queue that threads fill."""
    make = _plain(capacity, dynamic_pad)
    return _batches(
        [tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name, "batch",
        make, num_threads,
    )  # fmt: skip


@export(v1=("train.batch_join",))
def batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of examples that come from several places, a thread each."""
    make = _plain(capacity, dynamic_pad)
    return _batches(
        list(tensors_list), batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name,
        "batch_join", make,
    )  # fmt: skip


@export(v1=("train.shuffle_batch",))
def shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of examples in random order; `min_after_dequeue` of them wait in the queue to be mixed."""
    make = _shuffled(capacity, min_after_dequeue, seed)
    return _batches(
        [tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name,
        "shuffle_batch", make, num_threads, minimum=min_after_dequeue,
    )  # fmt: skip


@export(v1=("train.shuffle_batch_join",))
def shuffle_batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches in random order of examples that come from several places, a thread each."""
    make = _shuffled(capacity, min_after_dequeue, seed)
    return _batches(
        list(tensors_list), batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name,
        "shuffle_batch_join", make, minimum=min_after_dequeue,
    )  # fmt: skip


@export("io.match_filenames_once", v1=("train.match_filenames_once",))
def match_filenames_once(pattern: Any, name: str | None = None) -> Any:
    """A local variable of the sorted paths that match the pattern when it is initialised, and no later."""
    return VariableV1(
        find("MatchingFiles")(pattern), trainable=False, validate_shape=False, collections=[GraphKeys.LOCAL_VARIABLES], name=name or "matching_filenames",
    )  # fmt: skip


# -- batches of some of the examples ---------------------------------------------------------------------------------
@export(v1=("train.maybe_batch",))
def maybe_batch(tensors: Any, keep_input: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32, enqueue_many: bool = False, shapes: Any = None,
                dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, shared_name: str | None = None, name: str | None = None) -> Any:  # fmt: skip
    """Batches of those examples for which `keep_input` is true."""
    make = _plain(capacity, dynamic_pad)
    return _batches([tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name, "batch", make, num_threads,
                    keep_input)  # fmt: skip


@export(v1=("train.maybe_batch_join",))
def maybe_batch_join(tensors_list: Any, keep_input: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False, shapes: Any = None,
                     dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                     name: str | None = None) -> Any:  # fmt: skip
    """Batches of those examples of several places for which `keep_input` is true."""
    make = _plain(capacity, dynamic_pad)
    return _batches(list(tensors_list), batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name, "batch_join", make,
                    keep_input=keep_input)  # fmt: skip


@export(v1=("train.maybe_shuffle_batch",))
def maybe_shuffle_batch(tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any, num_threads: int = 1, seed: int | None = None,
                        enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                        name: str | None = None) -> Any:  # fmt: skip
    """Batches in random order of those examples for which `keep_input` is true."""
    make = _shuffled(capacity, min_after_dequeue, seed)
    return _batches([tensors], batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name, "shuffle_batch", make, num_threads,
                    keep_input, min_after_dequeue)  # fmt: skip


@export(v1=("train.maybe_shuffle_batch_join",))
def maybe_shuffle_batch_join(tensors_list: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any, seed: int | None = None,
                             enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                             name: str | None = None) -> Any:  # fmt: skip
    """Batches in random order of those examples of several places for which `keep_input` is true."""
    make = _shuffled(capacity, min_after_dequeue, seed)
    return _batches(list(tensors_list), batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name, "shuffle_batch_join", make,
                    keep_input=keep_input, minimum=min_after_dequeue)  # fmt: skip
