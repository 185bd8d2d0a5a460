"""Batches of examples of like kind, through a queue a bucket: `bucket`, `bucket_by_sequence_length`."""

from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


def _listed(tensors: Any) -> tuple[list[Any], Any]:
    if isinstance(tensors, dict):
        names = sorted(tensors)
        return [tensors[n] for n in names], lambda values: dict(zip(names, values))
    return list(tensors), list


@contrib("training.bucket")
def bucket(
    tensors: Any, which_bucket: Any, batch_size: Any, num_buckets: int, num_threads: int = 1, capacity: int = 32, bucket_capacities: Any = None,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, keep_input: Any = True, shared_name: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """(number of the bucket, tensors) of the next batch, all of one bucket."""
    per_bucket = isinstance(batch_size, (list, tuple))
    sizes = list(batch_size) if per_bucket else [batch_size] * num_buckets
    if len(sizes) != num_buckets:
        raise ValueError(f"If batch_size is a list it must have num_buckets elements, got {len(sizes)} for {num_buckets} buckets")
    if num_buckets < 1:
        raise ValueError("Must have at least one bucket")
    capacities = bucket_capacities or [capacity] * num_buckets
    if len(capacities) != num_buckets:
        raise ValueError(f"The list bucket_capacities (len={len(capacities)}) must have the same number of elements as the number of buckets ({num_buckets}).")
    values, packed = _listed(tensors)
    with tf.name_scope(name, "bucket", values) as name:
        values = [tf.convert_to_tensor(v) for v in values]
        keep = tf.convert_to_tensor(keep_input, name="keep_input")
        shapes = [v.get_shape() for v in values] if shapes is None else [tf.TensorShape(s) for s in shapes]
        if not dynamic_pad and not all(s.is_fully_defined() for s in shapes):
            raise ValueError("Cannot infer Tensor's rank or shape: use dynamic_pad=True for tensors of unknown size")
        types = [v.dtype for v in values]
        queue_class = tf.PaddingFIFOQueue if dynamic_pad else tf.FIFOQueue
        queues = [queue_class(capacity=c, dtypes=types, shapes=shapes, shared_name=shared_name, name=f"bucket_queue_{i}") for i, c in enumerate(capacities)]
        static = None if allow_smaller_final_batch else sizes[0] if len(set(map(str, sizes))) == 1 else None
        static = static if isinstance(static, int) else None
        top_shapes = [tf.TensorShape([]), *[tf.TensorShape([static]).concatenate(s) for s in shapes]]
        top = tf.FIFOQueue(capacity=capacity, dtypes=[tf.int32, *types], shapes=None, shared_name=shared_name, name="top_queue")

        def enqueue_which() -> Any:
            into = [lambda i=i: tf.cond(tf.equal(which_bucket, i), lambda: tf.group(queues[i].enqueue(values)), tf.no_op) for i in range(num_buckets)]
            return tf.group(*[f() for f in into], name="group_enqueue")

        if tf.get_static_value(keep) is not None:
            enqueue = enqueue_which() if bool(tf.get_static_value(keep)) else tf.no_op()
        else:
            enqueue = tf.cond(keep, enqueue_which, tf.no_op)
        to_top = []
        for i, (queue, size) in enumerate(zip(queues, sizes)):
            batch = queue.dequeue_up_to(size) if allow_smaller_final_batch else queue.dequeue_many(size)
            batch = list(batch) if isinstance(batch, (list, tuple)) else [batch]
            to_top.append(top.enqueue([tf.constant(i), *batch], name=f"read_bucket_{i}"))
        close = tf.group(*[q.close() for q in queues])
        cancel = tf.group(*[q.close(cancel_pending_enqueues=True) for q in queues])
        closed = (tf.errors.OutOfRangeError, tf.errors.CancelledError)
        tf.train.add_queue_runner(tf.train.QueueRunner(queues[0], [enqueue] * num_threads, close_op=close, cancel_op=cancel, queue_closed_exception_types=closed))
        tf.train.add_queue_runner(tf.train.QueueRunner(top, to_top, queue_closed_exception_types=closed))
        tf.summary.scalar("bucket/%s/fraction_of_%d_full" % (top.name.split("/")[-1], capacity), tf.cast(top.size(), tf.float32) * (1.0 / capacity))
        found = list(top.dequeue(name=name))
        for one, shape in zip(found, top_shapes):
            one.set_shape(shape)
        return found[0], packed(found[1:])


@contrib("training.bucket_by_sequence_length")
def bucket_by_sequence_length(
    input_length: Any, tensors: Any, batch_size: Any, bucket_boundaries: Any, num_threads: int = 1, capacity: int = 32, bucket_capacities: Any = None,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, keep_input: Any = True, shared_name: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """(lengths, tensors) of the next batch, whose sequences fall between the same two boundaries."""
    if not isinstance(bucket_boundaries, (list, tuple)):
        raise TypeError("bucket_boundaries must be a list or tuple, but received: %s" % bucket_boundaries)
    if not bucket_boundaries:
        raise ValueError("bucket_boundaries must not be empty")
    for a, b in zip(bucket_boundaries[:-1], bucket_boundaries[1:]):
        if not isinstance(a, int) or not isinstance(b, int):
            raise TypeError("bucket boundaries must be integers, but saw: %s and %s" % (a, b))
        if a >= b:
            raise ValueError("Buckets must contain sequential increasing lengths, but saw: %d before %d" % (a, b))
    values, packed = _listed(tensors)
    with tf.name_scope(name, "bucket_by_sequence_length", [input_length, *values]) as name:
        length = tf.convert_to_tensor(input_length, dtype=tf.int32, name="input_length")
        low = np.array([np.iinfo(np.int32).min, *bucket_boundaries], np.int32)
        high = np.array([*bucket_boundaries, np.iinfo(np.int32).max], np.int32)
        which = tf.cast(tf.argmax(tf.cast(tf.logical_and(tf.less_equal(low, length), tf.less(length, high)), tf.int32)), tf.int32)
        _, found = bucket(
            tensors=[length, *values], which_bucket=which, batch_size=batch_size, num_buckets=len(bucket_boundaries) + 1, num_threads=num_threads,
            capacity=capacity, bucket_capacities=bucket_capacities, shapes=None if shapes is None else [tf.TensorShape([]), *shapes],
            dynamic_pad=dynamic_pad, allow_smaller_final_batch=allow_smaller_final_batch, keep_input=keep_input, shared_name=shared_name,
        )  # fmt: skip
        return found[0], packed(found[1:])
