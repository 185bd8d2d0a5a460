"""`tf.contrib.learn.Estimator`: `fit`, `evaluate`, `predict` over `tf.estimator.Estimator`."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.layers.feature_columns import real_valued_column
from penstock.contrib.learn.model_fn import ESTIMATORS, MetricSpec, RunConfig, ops_of
from penstock.contrib.names import contrib
from penstock.estimator import estimator as new
from penstock.estimator.input_results import has_dataset_or_queue_runner


@contrib("learn.NotFittedError", ESTIMATORS + "_sklearn.NotFittedError")
class NotFittedError(ValueError, AttributeError):
    """A model was asked before it was trained."""


def _array(given: Any) -> Any:
    made = np.asarray(given)
    return made.astype(np.float32) if made.dtype == np.float64 else made.astype(np.int64) if made.dtype.kind in "iu" else made


def input_of(x: Any, y: Any, input_fn: Any, batch_size: Any, epochs: int | None, shuffle: bool) -> Any:
    """The input function of the arrays `x` and `y`, or `input_fn` itself."""
    if input_fn is not None:
        if x is not None or y is not None:
            raise ValueError("Can not provide both input_fn and x or y.")
        if batch_size is not None:
            raise ValueError("Can not provide both input_fn and batch_size.")
        return input_fn
    if x is None:
        raise ValueError("Either x or input_fn must be provided.")
    arrays = {k: _array(v) for k, v in x.items()} if isinstance(x, dict) else _array(x)
    labels = None if y is None else {k: _array(v) for k, v in y.items()} if isinstance(y, dict) else _array(y)
    whole = arrays if labels is None else (arrays, labels)
    rows = len(tf.nest.flatten(whole)[0])
    size = min(batch_size or rows, rows)
    kinds = tf.nest.map_structure(lambda v: tf.as_dtype(v.dtype), whole)
    shapes = tf.nest.map_structure(lambda v: tf.TensorShape([None, *v.shape[1:]]), whole)

    def batches() -> Iterator[Any]:
        left = epochs
        while left is None or left > 0:
            order = np.random.permutation(rows) if shuffle else np.arange(rows)
            for at in range(0, rows, size):
                taken = order[at : at + size]
                yield tf.nest.map_structure(lambda v, taken=taken: v[taken], whole)
            left = None if left is None else left - 1

    return lambda: tf.data.Dataset.from_generator(batches, kinds, shapes)


@contrib("learn.infer_real_valued_columns_from_input_fn", ESTIMATORS + "estimator.infer_real_valued_columns_from_input_fn")
def infer_real_valued_columns_from_input_fn(input_fn: Any) -> list[Any]:
    """A column of numbers for each feature that an input function gives."""
    with tf.Graph().as_default():
        features, _ = input_fn()
    made = []
    for name, tensor in sorted(features.items()) if isinstance(features, dict) else [("", features)]:
        if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
            raise ValueError(f"Unsupported dtype {tensor.dtype} of feature {name!r}: a column of real values takes numbers")
        made.append(real_valued_column(name, dimension=tensor.shape.as_list()[1] if tensor.shape.rank > 1 else 1, dtype=tensor.dtype))
    return made


@contrib("learn.infer_real_valued_columns_from_input", ESTIMATORS + "estimator.infer_real_valued_columns_from_input")
def infer_real_valued_columns_from_input(x: Any) -> list[Any]:
    """A column of numbers for each feature of `x`, an array or a dict of them."""
    arrays = {k: _array(v)[:1] for k, v in x.items()} if isinstance(x, dict) else _array(x)[:1]
    return infer_real_valued_columns_from_input_fn(lambda: (tf.nest.map_structure(tf.constant, arrays), None))


def _metric_ops(metrics: Any, features: Any, labels: Any, predictions: Any) -> dict[str, Any]:
    made = {}
    for name, metric in (metrics or {}).items():
        if isinstance(metric, MetricSpec):
            made[name] = metric.create_metric_ops(features, labels, predictions)
        elif isinstance(name, tuple):
            if len(name) != 2:
                raise ValueError(f"Invalid metric for {name}. It returned a tuple with len {len(name)}, expected 2.")
            made[name[0]] = metric(predictions[name[1]], labels)
        else:
            if isinstance(predictions, dict):
                raise ValueError(f"Metrics passed provide only name, no prediction, but predictions are dict. Metrics: {metrics}, Predictions: {sorted(predictions)}.")
            made[name] = metric(predictions, labels)
    return made


class _Parameters:
    """`get_params` and `set_params` of scikit-learn."""

    def _names(self) -> list[str]:
        return sorted(n for n in inspect.signature(type(self).__init__).parameters if n != "self")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters that the constructor took."""
        return {name: getattr(self, name) for name in self._names() if hasattr(self, name)}

    def set_params(self, **params: Any) -> Any:
        """Set parameters of the constructor."""
        for key, value in params.items():
            if key not in self._names():
                raise ValueError(f"Invalid parameter {key} for estimator {type(self).__name__}")
            setattr(self, key, value)
        return self


@contrib("learn.Estimator", ESTIMATORS + "estimator.Estimator")
class Estimator(_Parameters):
    """Trains and evaluates the model of `model_fn(features, labels[, mode, params, config, model_dir])`."""

    def __init__(self, model_fn: Any = None, model_dir: Any = None, config: Any = None, params: Any = None, feature_engineering_fn: Any = None):
        if model_fn is not None:
            names = set(inspect.signature(model_fn).parameters)
            if params is not None and "params" not in names:
                raise ValueError(f"Estimator's model_fn ({model_fn}) does not have a params argument, but params ({params}) were passed to the Estimator's constructor.")
            self._takes = names
        self._model_fn, self._engineer, self.params, self._metrics = model_fn, feature_engineering_fn, params, None
        self._inner = new.Estimator(self._spec, model_dir=model_dir, config=RunConfig(model_dir=model_dir) if config is None else config)

    model_dir = property(lambda self: self._inner.model_dir)
    config = property(lambda self: self._inner.config)

    @property
    def model_fn(self) -> Any:
        """The model function with the arguments `features, labels, mode, params, config`."""
        return lambda features, labels, mode: self._ops(features, labels, mode)

    def _ops(self, features: Any, labels: Any, mode: Any) -> Any:
        if self._engineer is not None:
            features, labels = self._engineer(features, labels)
        given = {"mode": mode, "params": self.params, "config": self.config, "model_dir": self.model_dir}
        made = ops_of(self._model_fn(features, labels, **{k: v for k, v in given.items() if k in self._takes}), mode)
        if mode == "eval":
            made.eval_metric_ops.update(_metric_ops(self._metrics, features, labels, made.predictions))
        return made

    def _spec(self, features: Any, labels: Any, mode: Any) -> Any:
        return self._ops(features, labels, mode).estimator_spec()

    def fit(self, x: Any = None, y: Any = None, input_fn: Any = None, steps: Any = None, batch_size: Any = None, monitors: Any = None, max_steps: Any = None) -> Any:
        """Train on arrays or an input function, for `steps` more steps or up to `max_steps`; the hooks of `monitors` run along."""
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        made = input_of(x, y, input_fn, batch_size, None, True)
        self._inner.train(made, hooks=list(monitors or []), steps=steps, max_steps=max_steps)
        return self

    def partial_fit(self, x: Any = None, y: Any = None, input_fn: Any = None, steps: int = 1, batch_size: Any = None, monitors: Any = None) -> Any:
        """Train on a part of the data that don't fit memory as a whole."""
        return self.fit(x=x, y=y, input_fn=input_fn, steps=steps, batch_size=batch_size, monitors=monitors)

    def _checkpoint(self, path: Any = None) -> Any:
        found = path or self._inner.latest_checkpoint()
        if not found:
            raise NotFittedError(f"Couldn't find trained model at {self.model_dir}.")
        return found

    def evaluate(self, x: Any = None, y: Any = None, input_fn: Any = None, feed_fn: Any = None, batch_size: Any = None, steps: Any = None, metrics: Any = None,
                 name: Any = None, checkpoint_path: Any = None, hooks: Any = None, log_progress: bool = True) -> Any:  # fmt: skip
        """The metrics over `steps` batches, or one pass over the arrays."""
        made = input_of(x, y, input_fn, batch_size, 1, False)
        if metrics is not None and not isinstance(metrics, dict):
            raise ValueError(f"Metrics argument should be None or dict. Got {metrics}.")
        if not log_progress:
            messages = tf.logging.get_verbosity()
            tf.logging.set_verbosity(max(messages, tf.logging.WARN))
        hooks = [*(hooks or []), *([_Feeds(feed_fn)] if feed_fn is not None else [])]
        self._metrics = metrics
        try:
            return self._inner.evaluate(made, steps=steps, hooks=hooks, checkpoint_path=self._checkpoint(checkpoint_path), name=name)
        finally:
            self._metrics = None
            if not log_progress:
                tf.logging.set_verbosity(messages)

    def predict(self, x: Any = None, input_fn: Any = None, batch_size: Any = None, outputs: Any = None, as_iterable: bool = True,
                iterate_batches: bool = False) -> Any:  # fmt: skip
        """The predictions: a generator of examples (or batches), or all of them in arrays."""
        made = input_of(x, None, input_fn, batch_size, 1, False)
        batches = self._batches(made, self._checkpoint(), outputs)
        if as_iterable:
            return batches if iterate_batches else (one for batch in batches for one in _examples(batch))
        parts = list(batches)
        if isinstance(parts[0], dict):
            return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return np.concatenate(parts)

    def _batches(self, input_fn: Any, checkpoint: Any, outputs: Any) -> Iterator[Any]:
        """Batches of predictions: one only, where the input is constant."""
        ends = []

        def watched() -> Any:
            result = input_fn()
            features = result[0] if isinstance(result, tuple) else result
            ends.append(hasattr(result, "make_one_shot_iterator") or has_dataset_or_queue_runner(features))
            return result

        keys = None if not outputs else list(outputs)
        for batch in self._inner.predict(watched, keys, checkpoint_path=checkpoint, yield_single_examples=False):
            yield batch
            if not ends[0]:
                return

    def get_variable_value(self, name: str) -> Any:
        """The value of a variable in the latest checkpoint."""
        return self._inner.get_variable_value(name)

    def get_variable_names(self) -> list[str]:
        """The names of the variables in the latest checkpoint."""
        return self._inner.get_variable_names()


class _Feeds(tf.train.SessionRunHook):
    """Feeds every step what `feed_fn` gives."""

    def __init__(self, feed_fn: Any):
        self._feed_fn = feed_fn

    def before_run(self, run_context: Any) -> Any:
        return tf.train.SessionRunArgs(fetches=None, feed_dict=self._feed_fn())


def _examples(batch: Any) -> Iterator[Any]:
    if isinstance(batch, dict):
        for i in range(len(next(iter(batch.values())))):
            yield {key: value[i] for key, value in batch.items()}
    else:
        yield from batch


@contrib("learn.SKCompat", ESTIMATORS + "estimator.SKCompat")
class SKCompat(_Parameters):
    """An Estimator with the methods of scikit-learn."""

    def __init__(self, estimator: Any):
        self._estimator = estimator

    def fit(self, x: Any, y: Any, batch_size: int = 128, steps: Any = None, max_steps: Any = None, monitors: Any = None) -> Any:
        """Train on arrays."""
        self._estimator._inner.train(input_of(x, y, None, batch_size, None, True), hooks=list(monitors or []) or None, steps=steps, max_steps=max_steps)
        return self

    def score(self, x: Any, y: Any, batch_size: int = 128, steps: Any = None, metrics: Any = None, name: Any = None) -> Any:
        """The metrics over arrays."""
        return self._estimator.evaluate(x, y, batch_size=batch_size, steps=steps, metrics=metrics, name="score" if name is None else name)

    def predict(self, x: Any, batch_size: int = 128, outputs: Any = None) -> Any:
        """All predictions of an array, in arrays."""
        return Estimator.predict(self._estimator, x, batch_size=batch_size, outputs=outputs, as_iterable=False)
