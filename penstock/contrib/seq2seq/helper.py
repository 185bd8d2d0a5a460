"""Helpers of `tf.contrib.seq2seq`: what a decoder reads at each step, and how it samples."""

import abc
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.ir import node_count


def _transpose_batch_time(x: Any) -> Any:
    rank = x.get_shape().ndims
    if rank is not None and rank < 2:
        return x
    rest = list(range(2, rank)) if rank is not None else tf.range(2, tf.rank(x))
    with node_count.exactly(8):
        moved = tf.transpose(x, [1, 0, *rest] if rank is not None else tf.concat([[1, 0], rest], 0))
    if rank is not None:
        dims = x.get_shape().as_list()
        moved.set_shape([dims[1], dims[0], *dims[2:]])
    return moved


def _unstack(inp: Any) -> Any:
    array = tf.TensorArray(dtype=inp.dtype, size=tf.shape(inp)[0], element_shape=inp.get_shape()[1:])
    return array.unstack(inp)


def categorical(logits: Any, seed: int | None = None) -> Any:
    """One int32 sample for each row of logits (of any rank)."""
    classes = tf.shape(logits)[-1]
    drawn = tf.random.categorical(tf.reshape(logits, [-1, classes]), 1, dtype=tf.int32, seed=seed)
    sample = tf.reshape(drawn, tf.shape(logits)[:-1])
    sample.set_shape(logits.get_shape()[:-1])
    return sample


def bernoulli(probability: Any, size: Any, seed: int | None = None) -> Any:
    """`size` booleans that are true with the given probability."""
    probability = tf.convert_to_tensor(probability)
    shape = tf.concat([tf.reshape(size, [1]), tf.shape(probability)], 0) if probability.get_shape().ndims != 0 else tf.reshape(size, [1])
    return tf.less(tf.random_uniform(shape, dtype=probability.dtype, seed=seed), probability)


@contrib("seq2seq.Helper")
class Helper(metaclass=abc.ABCMeta):
    """The interface: `initialize`, `sample`, `next_inputs`."""

    @property
    @abc.abstractmethod
    def batch_size(self) -> Any:
        """How many sequences are decoded."""

    @property
    @abc.abstractmethod
    def sample_ids_shape(self) -> Any:
        """The shape of a sample, without the batch."""

    @property
    @abc.abstractmethod
    def sample_ids_dtype(self) -> Any:
        """The dtype of a sample."""

    @abc.abstractmethod
    def initialize(self, name: Any = None) -> Any:
        """(finished, the first inputs)."""

    @abc.abstractmethod
    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """The sample ids of a step."""

    @abc.abstractmethod
    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        """(finished, the next inputs, the next state)."""


@contrib("seq2seq.CustomHelper")
class CustomHelper(Helper):
    """A helper made of three functions."""

    def __init__(self, initialize_fn: Any, sample_fn: Any, next_inputs_fn: Any, sample_ids_shape: Any = None, sample_ids_dtype: Any = None):
        self._initialize_fn, self._sample_fn, self._next_inputs_fn = initialize_fn, sample_fn, next_inputs_fn
        self._batch_size: Any = None
        self._sample_ids_shape = tf.TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = sample_ids_dtype or tf.int32

    @property
    def batch_size(self) -> Any:
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    sample_ids_shape = property(lambda self: self._sample_ids_shape)
    sample_ids_dtype = property(lambda self: self._sample_ids_dtype)

    def initialize(self, name: Any = None) -> Any:
        with tf.name_scope(name, "CustomHelperInitialize"):
            finished, next_inputs = self._initialize_fn()
            if self._batch_size is None:
                self._batch_size = tf.size(finished)
        return finished, next_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "CustomHelperSample", (time, outputs, state)):
            return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "CustomHelperNextInputs", (time, outputs, state)):
            return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


@contrib("seq2seq.TrainingHelper")
class TrainingHelper(Helper):
    """Reads the true inputs (teacher forcing)."""

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: Any = None):
        with tf.name_scope(name, "TrainingHelper", [inputs, sequence_length]):
            inputs = tf.nest.map_structure(tf.convert_to_tensor, inputs)
            self._inputs = inputs
            if not time_major:
                inputs = tf.nest.map_structure(_transpose_batch_time, inputs)
            self._input_tas = tf.nest.map_structure(_unstack, inputs)
            self._sequence_length = tf.convert_to_tensor(sequence_length, name="sequence_length")
            if self._sequence_length.get_shape().ndims != 1:
                raise ValueError(f"Expected sequence_length to be a vector, but received shape: {self._sequence_length.get_shape()}")
            self._zero_inputs = tf.nest.map_structure(lambda inp: tf.zeros_like(inp[0, :]), inputs)
            self._start_inputs = self._zero_inputs
            self._batch_size = tf.size(self._sequence_length)

    inputs = property(lambda self: self._inputs)
    sequence_length = property(lambda self: self._sequence_length)
    batch_size = property(lambda self: self._batch_size)
    sample_ids_shape = property(lambda self: tf.TensorShape([]))
    sample_ids_dtype = property(lambda self: tf.int32)

    def _read(self, all_finished: Any, at: Any) -> Any:
        zeros, arrays = tf.nest.flatten(self._zero_inputs), tf.nest.flatten(self._input_tas)
        read = tf.cond(all_finished, lambda: zeros, lambda: [a.read(at) for a in arrays])
        read = read if isinstance(read, (list, tuple)) else [read]
        for r, z in zip(read, zeros):
            r.set_shape(z.get_shape())
        return tf.nest.pack_sequence_as(self._zero_inputs, list(read))

    def initialize(self, name: Any = None) -> Any:
        with tf.name_scope(name, "TrainingHelperInitialize"):
            finished = tf.equal(0, self._sequence_length)
            return finished, self._read(tf.reduce_all(finished), 0)

    def sample(self, time: Any, outputs: Any, name: Any = None, **unused_kwargs: Any) -> Any:
        with tf.name_scope(name, "TrainingHelperSample", [time, outputs]):
            return tf.cast(tf.argmax(outputs, axis=-1), tf.int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, name: Any = None, **unused_kwargs: Any) -> Any:
        with tf.name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
            next_time = time + 1
            finished = next_time >= self._sequence_length
            return finished, self._read(tf.reduce_all(finished), next_time), state


def _rows(condition: Any, value: Any) -> Any:
    """A condition by example, spread over the value's other axes."""
    return tf.reshape(condition, tf.concat([tf.shape(condition), tf.ones([tf.rank(value) - 1], tf.int32)], 0))


@contrib("seq2seq.ScheduledEmbeddingTrainingHelper")
class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """Reads the true inputs, or with some probability the embedding of what was sampled."""

    def __init__(
        self, inputs: Any, sequence_length: Any, embedding: Any, sampling_probability: Any, time_major: bool = False, seed: int | None = None,
        scheduling_seed: int | None = None, name: Any = None,
    ):  # fmt: skip
        with tf.name_scope(name, "ScheduledEmbeddingSamplingWrapper", [embedding, sampling_probability]):
            self._embedding_fn = embedding if callable(embedding) and not isinstance(embedding, tf.Tensor) else lambda ids: tf.nn.embedding_lookup(embedding, ids)
            self._sampling_probability = tf.convert_to_tensor(sampling_probability, name="sampling_probability")
            if self._sampling_probability.get_shape().ndims not in (0, 1):
                raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {self._sampling_probability.get_shape()}")
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "ScheduledEmbeddingTrainingHelperSample", [time, outputs, state]):
            chosen = _chosen(self._sampling_probability, self.batch_size, self._scheduling_seed)
            return tf.where(chosen, categorical(outputs, self._seed), tf.fill([self.batch_size], -1))

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
            finished, base, state = super().next_inputs(time=time, outputs=outputs, state=state, sample_ids=sample_ids, name=name)
            sampled = self._embedding_fn(tf.maximum(sample_ids, 0))
            use = tf.logical_and(sample_ids > -1, tf.logical_not(tf.reduce_all(finished)))
            result = tf.where_v2(_rows(use, base), sampled, base)
            result.set_shape(base.get_shape())
            return finished, result, state


def _chosen(probability: Any, batch_size: Any, seed: int | None) -> Any:
    if probability.get_shape().ndims == 0:
        return bernoulli(probability, batch_size, seed)
    return tf.less(tf.random_uniform([batch_size], dtype=probability.dtype, seed=seed), probability)


@contrib("seq2seq.ScheduledOutputTrainingHelper")
class ScheduledOutputTrainingHelper(TrainingHelper):
    """Reads the true inputs, or with some probability the decoder's own outputs."""

    def __init__(
        self, inputs: Any, sequence_length: Any, sampling_probability: Any, time_major: bool = False, seed: int | None = None,
        next_inputs_fn: Any = None, auxiliary_inputs: Any = None, name: Any = None,
    ):  # fmt: skip
        with tf.name_scope(name, "ScheduledOutputTrainingHelper", [inputs, auxiliary_inputs, sampling_probability]):
            self._sampling_probability = tf.convert_to_tensor(sampling_probability, name="sampling_probability")
            if self._sampling_probability.get_shape().ndims not in (0, 1):
                raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {self._sampling_probability.get_shape()}")
            if auxiliary_inputs is None:
                maybe_concatenated = inputs
            else:
                inputs = tf.convert_to_tensor(inputs)
                auxiliary_inputs = tf.convert_to_tensor(auxiliary_inputs)
                maybe_concatenated = tf.nest.map_structure(lambda x, y: tf.concat((x, y), -1), inputs, auxiliary_inputs)
                if not time_major:
                    auxiliary_inputs = tf.nest.map_structure(_transpose_batch_time, auxiliary_inputs)
            self._auxiliary_input_tas = tf.nest.map_structure(_unstack, auxiliary_inputs) if auxiliary_inputs is not None else None
            self._seed, self._next_inputs_fn = seed, next_inputs_fn
            super().__init__(inputs=maybe_concatenated, sequence_length=sequence_length, time_major=time_major, name=name)

    def initialize(self, name: Any = None) -> Any:
        return super().initialize(name)

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "ScheduledOutputTrainingHelperSample", [time, outputs, state]):
            return tf.cast(_chosen(self._sampling_probability, self.batch_size, self._seed), tf.int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "ScheduledOutputTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
            finished, base, state = super().next_inputs(time=time, outputs=outputs, state=state, sample_ids=sample_ids, name=name)
            use = tf.logical_and(tf.cast(sample_ids, tf.bool), tf.logical_not(tf.reduce_all(finished)))
            own = outputs if self._next_inputs_fn is None else self._next_inputs_fn(outputs)
            if self._auxiliary_input_tas is not None:
                at = tf.minimum(time + 1, tf.shape(tf.nest.flatten(self._inputs)[0])[1] - 1)
                own = tf.nest.map_structure(lambda o, ta: tf.concat((o, ta.read(at)), -1), own, self._auxiliary_input_tas)
            result = tf.nest.map_structure(lambda o, b: tf.where_v2(_rows(use, b), o, b), own, base)
            for r, b in zip(tf.nest.flatten(result), tf.nest.flatten(base)):
                r.set_shape(b.get_shape())
            return finished, result, state


@contrib("seq2seq.GreedyEmbeddingHelper")
class GreedyEmbeddingHelper(Helper):
    """Feeds the embedding of the likeliest word; a sequence ends with `end_token`."""

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any):
        self._embedding_fn = embedding if callable(embedding) and not isinstance(embedding, tf.Tensor) else lambda ids: tf.nn.embedding_lookup(embedding, ids)
        self._start_tokens = tf.convert_to_tensor(start_tokens, dtype=tf.int32, name="start_tokens")
        self._end_token = tf.convert_to_tensor(end_token, dtype=tf.int32, name="end_token")
        if self._start_tokens.get_shape().ndims != 1:
            raise ValueError("start_tokens must be a vector")
        self._batch_size = tf.size(self._start_tokens)
        if self._end_token.get_shape().ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._start_inputs = self._embedding_fn(self._start_tokens)

    batch_size = property(lambda self: self._batch_size)
    sample_ids_shape = property(lambda self: tf.TensorShape([]))
    sample_ids_dtype = property(lambda self: tf.int32)

    def initialize(self, name: Any = None) -> Any:
        return tf.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        if not isinstance(outputs, tf.Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return tf.argmax(outputs, axis=-1, output_type=tf.int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        finished = tf.equal(sample_ids, self._end_token)
        next_inputs = tf.cond(tf.reduce_all(finished), lambda: tf.identity(self._start_inputs), lambda: self._embedding_fn(sample_ids))
        return finished, next_inputs, state


@contrib("seq2seq.SampleEmbeddingHelper")
class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Feeds the embedding of a word drawn from the outputs' distribution."""

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any, softmax_temperature: Any = None, seed: int | None = None):
        super().__init__(embedding, start_tokens, end_token)
        self._softmax_temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        if not isinstance(outputs, tf.Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        logits = outputs if self._softmax_temperature is None else outputs / self._softmax_temperature
        return categorical(logits, self._seed)


@contrib("seq2seq.InferenceHelper")
class InferenceHelper(Helper):
    """Feeds what a function samples."""

    def __init__(self, sample_fn: Any, sample_shape: Any, sample_dtype: Any, start_inputs: Any, end_fn: Any, next_inputs_fn: Any = None):
        self._sample_fn, self._end_fn, self._next_inputs_fn = sample_fn, end_fn, next_inputs_fn
        self._sample_shape, self._sample_dtype = tf.TensorShape(sample_shape), sample_dtype
        self._start_inputs = tf.convert_to_tensor(start_inputs, name="start_inputs")
        self._batch_size = tf.shape(start_inputs)[0]

    batch_size = property(lambda self: self._batch_size)
    sample_ids_shape = property(lambda self: self._sample_shape)
    sample_ids_dtype = property(lambda self: self._sample_dtype)

    def initialize(self, name: Any = None) -> Any:
        return tf.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        return self._sample_fn(outputs)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        next_inputs = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
        return self._end_fn(sample_ids), next_inputs, state
