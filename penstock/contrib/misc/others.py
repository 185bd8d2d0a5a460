"""Small parts of contrib that are other names of what the 1.x interface has."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib, contrib_constant

again("signal", "signal", "frame hamming_window hann_window inverse_stft inverse_stft_window_fn linear_to_mel_weight_matrix mfccs_from_log_mel_spectrograms overlap_and_add stft")
again("stateless", "random", "stateless_multinomial stateless_random_normal=stateless_normal stateless_random_uniform=stateless_uniform stateless_truncated_normal")
again("autograph", "autograph", "do_not_convert set_verbosity to_code to_graph")
again("nn", "nn", "conv1d_transpose=conv1d_transpose")
again("util", "", "constant_value=get_static_value make_ndarray make_tensor_proto")
again("eager", "", "GradientTape Variable TensorSpec custom_gradient enable_eager_execution executing_eagerly in_eager_mode=executing_eagerly make_template py_func py_function")
again("eager", "", "defun=function function", api="")
again("checkpoint", "train", "Checkpoint CheckpointManager")
again("eager", "train", "Checkpoint Saver")
again("summary", "summary", "create_file_writer scalar histogram image audio flush graph", api="")
again("estimator", "estimator", "add_metrics stop_if_higher_hook stop_if_lower_hook")
again("estimator", "estimator.experimental", "stop_if_higher_hook stop_if_lower_hook stop_if_no_decrease_hook stop_if_no_increase_hook make_early_stopping_hook InMemoryEvaluatorHook")
again("cluster_resolver", "distribute.cluster_resolver", "ClusterResolver SimpleClusterResolver TFConfigClusterResolver TPUClusterResolver UnionClusterResolver=UnionResolver GCEClusterResolver KubernetesClusterResolver SlurmClusterResolver", api="")
again("distribute", "distribute", "MirroredStrategy OneDeviceStrategy Strategy DistributionStrategy=Strategy")


@contrib("nn.alpha_dropout")
def alpha_dropout(x: Any, keep_prob: Any, noise_shape: Any = None, seed: Any = None, name: Any = None) -> Any:
    """Dropout that keeps the mean and the variance of SELU's outputs."""
    with tf.name_scope(name, "alpha_dropout", [x]):
        x = tf.convert_to_tensor(x, name="x")
        if isinstance(keep_prob, (int, float)) and not 0 < keep_prob <= 1.0:
            raise ValueError("keep_prob must be a scalar tensor or a float in the range (0, 1], got %g" % keep_prob)
        keep_prob = tf.convert_to_tensor(keep_prob, dtype=x.dtype, name="keep_prob")
        if tf.get_static_value(keep_prob) == 1:
            return x
        alpha = -1.7580993408473766
        shape = tf.shape(x) if noise_shape is None else noise_shape
        kept = tf.floor(tf.random_uniform(shape, seed=seed, dtype=x.dtype) + keep_prob)
        x = kept * x + alpha * (1 - kept)
        a = (keep_prob + keep_prob * (1 - keep_prob) * alpha**2) ** -0.5
        b = -a * alpha * (1 - keep_prob)
        made = a * x + b
        made.set_shape(x.get_shape())
        return made


@contrib("nn.deprecated_flipped_softmax_cross_entropy_with_logits")
def deprecated_flipped_softmax_cross_entropy_with_logits(logits: Any, labels: Any, dim: int = -1, name: Any = None) -> Any:
    """`softmax_cross_entropy_with_logits`, logits first."""
    return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=dim, name=name)


@contrib("nn.deprecated_flipped_sparse_softmax_cross_entropy_with_logits")
def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(logits: Any, labels: Any, name: Any = None) -> Any:
    """`sparse_softmax_cross_entropy_with_logits`, logits first."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


@contrib("nn.deprecated_flipped_sigmoid_cross_entropy_with_logits")
def deprecated_flipped_sigmoid_cross_entropy_with_logits(logits: Any, targets: Any, name: Any = None) -> Any:
    """`sigmoid_cross_entropy_with_logits`, logits first."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name=name)


@contrib("eager.implicit_value_and_gradients")
def implicit_value_and_gradients(f: Any) -> Any:
    """A function like f that gives (value, [(gradient, variable)]) for all variables that f reads."""

    def run(*args: Any, **kwargs: Any) -> Any:
        with tf.GradientTape() as tape:
            value = f(*args, **kwargs)
        variables = sorted(tape.watched_variables(), key=lambda v: v.name)
        if not variables:
            raise ValueError("No trainable variables were accessed while the function was being computed.")
        return value, list(zip(tape.gradient(value, variables), variables))

    return run


@contrib("eager.implicit_gradients")
def implicit_gradients(f: Any) -> Any:
    """A function like f that gives [(gradient, variable)]."""
    both = implicit_value_and_gradients(f)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


@contrib("eager.value_and_gradients_function")
def value_and_gradients_function(f: Any, params: Any = None) -> Any:
    """A function like f that gives (value, gradients of its arguments, or of those that `params` numbers)."""

    def run(*args: Any) -> Any:
        chosen = range(len(args)) if params is None else params
        args = [tf.convert_to_tensor(a) if i in chosen else a for i, a in enumerate(args)]
        with tf.GradientTape() as tape:
            for i in chosen:
                tape.watch(args[i])
            value = f(*args)
        return value, tape.gradient(value, [args[i] for i in chosen])

    return run


@contrib("eager.gradients_function")
def gradients_function(f: Any, params: Any = None) -> Any:
    """A function like f that gives the gradients of its arguments."""
    both = value_and_gradients_function(f, params)
    return lambda *args: both(*args)[1]


@contrib("eager.Iterator")
class Iterator:
    """Iterates over a dataset eagerly."""

    def __init__(self, dataset: Any):
        self._iterator = iter(dataset)

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)

    next = __next__

    def get_next(self, name: Any = None) -> Any:
        return self._iterator.get_next()


@contrib("eager.num_gpus")
def num_gpus() -> int:
    """How many GPUs there are."""
    return len(tf.config.experimental.list_physical_devices("GPU"))


@contrib("eager.list_devices")
def list_devices() -> list[str]:
    """The names of the devices."""
    return [d.name for d in tf.config.experimental.list_logical_devices()]


@contrib("summary.always_record_summaries")
def always_record_summaries() -> Any:
    """A context in which summaries are recorded."""
    from penstock.api.lazy import INDEX, resolve

    return resolve(INDEX.get("summary.record_if"))(True)


@contrib("summary.never_record_summaries")
def never_record_summaries() -> Any:
    """A context in which no summaries are recorded."""
    from penstock.api.lazy import INDEX, resolve

    return resolve(INDEX.get("summary.record_if"))(False)


@contrib("summary.record_summaries_every_n_global_steps")
def record_summaries_every_n_global_steps(n: int, global_step: Any = None) -> Any:
    """A context in which summaries are recorded at every n-th step."""
    from penstock.api.lazy import INDEX, resolve

    step = tf.train.get_or_create_global_step() if global_step is None else global_step
    return resolve(INDEX.get("summary.record_if"))(lambda: tf.equal(tf.floormod(step, n), 0))


@contrib("text.skip_gram_sample")
def skip_gram_sample(
    input_tensor: Any, min_skips: int = 1, max_skips: int = 5, start: int = 0, limit: int = -1, emit_self_as_target: bool = False,
    vocab_freq_table: Any = None, vocab_min_count: Any = None, vocab_subsampling: Any = None, corpus_size: Any = None,
    batch_size: Any = None, batch_capacity: Any = None, seed: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """(tokens, labels): each token with the tokens of a window around it, whose width is drawn between the two."""
    import numpy as np

    def pairs(values: Any) -> Any:
        values = values[start:] if limit < 0 else values[start : start + limit]
        random = np.random.RandomState(seed)
        tokens, labels = [], []
        for i, token in enumerate(values):
            skips = random.randint(min_skips, max_skips + 1)
            for j in range(max(0, i - skips), min(len(values), i + skips + 1)):
                if j != i or emit_self_as_target:
                    tokens.append(token)
                    labels.append(values[j])
        return np.array(tokens, values.dtype), np.array(labels, values.dtype)

    if vocab_freq_table is not None:
        raise ValueError("skip_gram_sample: filter the tokens by the frequency table before, with tf.boolean_mask")
    with tf.name_scope(name, "skip_gram_sample", [input_tensor]):
        input_tensor = tf.convert_to_tensor(input_tensor)
        tokens, labels = tf.py_func(pairs, [input_tensor], [input_tensor.dtype, input_tensor.dtype])
        tokens.set_shape([None])
        labels.set_shape([None])
        return tokens, labels


contrib_constant("staging.StagingArea", module="penstock.ops.staging_areas", attr="StagingArea")
contrib_constant("staging.MapStagingArea", module="penstock.ops.staging_areas", attr="MapStagingArea")
