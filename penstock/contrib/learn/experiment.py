"""`tf.contrib.learn.Experiment` and `learn_runner.run`: train and evaluate an Estimator as one program."""

import copy
import time
from typing import Any

from penstock.contrib.learn.model_fn import RunConfig
from penstock.contrib.names import contrib


@contrib("learn.Experiment", "learn.python.learn.experiment.Experiment")
class Experiment:
    """An Estimator with the data it trains and is evaluated on."""

    def __init__(self, estimator: Any, train_input_fn: Any, eval_input_fn: Any, eval_metrics: Any = None, train_steps: Any = None, eval_steps: Any = 100,
                 train_monitors: Any = None, eval_hooks: Any = None, eval_delay_secs: Any = 120):  # fmt: skip
        self._estimator, self._train_input_fn, self._eval_input_fn = estimator, train_input_fn, eval_input_fn
        self._eval_metrics, self._train_steps, self._eval_steps, self._delay = eval_metrics, train_steps, eval_steps, eval_delay_secs
        self._train_monitors, self._eval_hooks = list(train_monitors or []), list(eval_hooks or [])

    estimator = property(lambda self: self._estimator)
    eval_metrics = property(lambda self: self._eval_metrics)
    train_steps = property(lambda self: self._train_steps)
    eval_steps = property(lambda self: self._eval_steps)

    def extend_train_hooks(self, additional_hooks: Any) -> None:
        """More hooks for training."""
        self._train_monitors.extend(additional_hooks)

    def _fit(self, steps: Any) -> Any:
        if hasattr(self._estimator, "fit"):
            return self._estimator.fit(input_fn=self._train_input_fn, max_steps=steps, monitors=self._train_monitors)
        return self._estimator.train(input_fn=self._train_input_fn, max_steps=steps, hooks=self._train_monitors)

    def _evaluate(self, name: Any, steps: Any) -> Any:
        more = {"metrics": self._eval_metrics} if hasattr(self._estimator, "fit") else {}
        return self._estimator.evaluate(input_fn=self._eval_input_fn, steps=steps, name=name, hooks=self._eval_hooks, **more)

    def train(self, delay_secs: Any = None) -> Any:
        """Train up to `train_steps`."""
        if delay_secs:
            time.sleep(delay_secs)
        return self._fit(self._train_steps)

    def evaluate(self, delay_secs: Any = None, name: Any = None) -> Any:
        """The metrics, after a wait of `delay_secs`."""
        delay = self._delay if delay_secs is None else delay_secs
        if delay:
            time.sleep(delay)
        return self._evaluate(name, self._eval_steps)

    def train_and_evaluate(self) -> Any:
        """Train, then (the metrics, what was exported)."""
        self.train(delay_secs=0)
        return self._evaluate("one_pass", self._eval_steps), []

    local_run = train_and_evaluate

    def test(self) -> Any:
        """One step of training, one of evaluation."""
        self._fit(1)
        return self._evaluate("one_pass", 1), []


@contrib("learn.learn_runner.run", "learn.python.learn.learn_runner.run")
def run(experiment_fn: Any, output_dir: Any = None, schedule: Any = None, run_config: Any = None, hparams: Any = None) -> Any:
    """Make an Experiment and run the method `schedule` of it."""
    if output_dir is not None and run_config is not None:
        raise ValueError("Cannot provide both `output_dir` and `run_config`")
    if not callable(experiment_fn):
        raise TypeError(f"Experiment builder \"{experiment_fn}\" is not callable.")
    if run_config is not None:
        if not isinstance(run_config, RunConfig):
            raise ValueError("`run_config` must be `tf.contrib.learn.RunConfig` instance")
        if not run_config.model_dir:
            raise ValueError("Must specify a model directory `model_dir` in `run_config`.")
        experiment = experiment_fn(run_config=copy.copy(run_config), hparams=hparams)
    else:
        if not output_dir:
            raise ValueError("Must specify an output directory")
        experiment = experiment_fn(output_dir)
    if not isinstance(experiment, Experiment):
        raise TypeError("Experiment builder did not return an Experiment instance.")
    if hparams is not None and run_config is None:
        raise ValueError("`hparams` needs `run_config`")
    if schedule is None:
        schedule = "train_and_evaluate"
    if not callable(getattr(experiment, schedule, None)):
        raise ValueError(f"Schedule references non-existent task {schedule}")
    return getattr(experiment, schedule)()
