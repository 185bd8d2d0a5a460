"""`tf.estimator.Estimator`: trains, evaluates and exports the model that a model function builds."""

import copy
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.estimator import exporting
from penstock.estimator.arguments import fn_args
from penstock.estimator.input_results import has_dataset_or_queue_runner, parse_input_fn_result
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.model_fn import LOSS_METRIC_KEY, EstimatorSpec, verify_model_fn_args
from penstock.estimator.names import estimator_export
from penstock.estimator.run_config import RunConfig, TaskType, overwrite_model_dir_and_session_config
from penstock.estimator.warm_start_settings import default_warm_start_settings
from penstock.estimator.whole_checkpoint import whole_checkpoint
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir import node_count
from penstock.ir.graph import Graph
from penstock.ops import summaries
from penstock.platform import messages
from penstock.state.checkpoints import latest_checkpoint, list_variables, load_checkpoint, load_variable
from penstock.state.collections import GraphKeys, add_to_collection, get_collection
from penstock.state.saver import Saver
from penstock.train import metrics
from penstock.train.basic_session_run_hooks import LoggingTensorHook, NanTensorHook, StopAtStepHook
from penstock.train.evaluation import StopAfterNEvalsHook, evaluate_once, get_or_create_eval_step
from penstock.train.global_step import create_global_step, get_global_step
from penstock.train.monitored_session import ChiefSessionCreator, MonitoredSession, MonitoredTrainingSession
from penstock.train.saving_hooks import CheckpointSaverHook, CheckpointSaverListener
from penstock.train.scaffold import Scaffold
from penstock.train.session_run_hook import SessionRunHook

_OVERRIDABLE = {"model_fn", "latest_checkpoint"}


@estimator_export("Estimator", v1_only=True)
class Estimator:
    """Trains and evaluates a model; its checkpoints, summaries and exports live in `model_dir`.

    >>> estimator = tf.estimator.Estimator(model_fn, "/tmp/model", params={"rate": 0.1})
    >>> estimator.train(input_fn, steps=100); estimator.evaluate(input_fn, steps=10)
    """

    def __init__(
        self, model_fn: Any, model_dir: Any = None, config: Any = None, params: Any = None, warm_start_from: Any = None
    ):
        self._assert_members_are_not_overridden(self)
        self._config: RunConfig = overwrite_model_dir_and_session_config(config, model_dir)
        self._model_dir = self._config.model_dir
        self._session_config = self._config.session_config
        messages.info("Using config: %s", str(vars(self._config)))
        self._train_distribution, self._eval_distribution = self._config.train_distribute, self._config.eval_distribute
        self._device_fn = self._config.device_fn
        if self._device_fn is None and self._config.num_ps_replicas > 0:
            from penstock.train.device_setter import replica_device_setter

            worker = f"/job:{self._config.task_type}/task:{self._config.task_id}"
            self._device_fn = replica_device_setter(
                ps_tasks=self._config.num_ps_replicas, worker_device=worker, cluster=self._config.cluster_spec
            )
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        verify_model_fn_args(model_fn, params)
        self._model_fn = model_fn
        self._params = copy.deepcopy(params or {})
        self._warm_start_settings = default_warm_start_settings(warm_start_from)

    @staticmethod
    def _assert_members_are_not_overridden(self: Any) -> None:
        members = {m for m in Estimator.__dict__ if not m.startswith("_")}
        for cls in type(self).__mro__:
            if cls in (Estimator, EstimatorV2):
                break
            if not cls.__module__.startswith("penstock."):
                wrong = (set(cls.__dict__) & members) - _OVERRIDABLE
                if wrong:
                    raise ValueError(
                        f"Subclasses of Estimator cannot override members of Estimator. {type(self)} does override {list(wrong)}"
                    )

    @property
    def model_dir(self) -> Any:
        return self._model_dir

    @property
    def config(self) -> RunConfig:
        return copy.deepcopy(self._config)

    @property
    def params(self) -> Any:
        return copy.deepcopy(self._params)

    @property
    def model_fn(self) -> Any:
        """The model function with the arguments `features, labels, mode, config`."""

        def public_model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
            return self._call_model_fn(features, labels, mode, config)

        return public_model_fn

    # -- what is in the folder ---------------------------------------------------------------------------------------
    def get_variable_value(self, name: str) -> Any:
        """The value of a variable in the latest checkpoint."""
        self._need_checkpoint()
        return load_variable(self.model_dir, name)

    def get_variable_names(self) -> list[str]:
        """The names of the variables in the latest checkpoint."""
        self._need_checkpoint()
        return [name for name, _ in list_variables(self.model_dir)]

    def _need_checkpoint(self) -> None:
        if latest_checkpoint(self._model_dir) is None:
            raise ValueError(f"Could not find trained model in model_dir: {self._model_dir}.")

    def latest_checkpoint(self) -> Any:
        """The prefix of the newest checkpoint, None when there is none."""
        return latest_checkpoint(self.model_dir)

    def eval_dir(self, name: str | None = None) -> str:
        """The folder of the event files of an evaluation."""
        return os.path.join(self._model_dir, "eval" if not name else f"eval_{name}")

    # -- training ----------------------------------------------------------------------------------------------------
    def train(
        self,
        input_fn: Any,
        hooks: Any = None,
        steps: int | None = None,
        max_steps: int | None = None,
        saving_listeners: Any = None,
    ) -> "Estimator":
        """Train: for `steps` more steps, or up to `max_steps` in all, or until the input ends or a hook stops it."""
        if self.config.task_type in (TaskType.EVALUATOR, TaskType.PS):
            raise ValueError(
                f"Train has been called wrong configuration. Please use tf.estimator.train_and_evaluate which calls proper API according to given configuration. Current configuration: {self.config}."
            )
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        if max_steps is not None and max_steps <= global_step_of_newest(self._model_dir):
            messages.info("Skipping training since max_steps has already saved.")
            return self
        all_hooks = check_hooks(hooks)
        if steps is not None or max_steps is not None:
            all_hooks.append(StopAtStepHook(steps, max_steps))
        listeners = check_listeners(saving_listeners)
        loss = self._train_model(input_fn, all_hooks, listeners)
        messages.info("Loss for final step: %s.", loss)
        return self

    def _train_model(self, input_fn: Any, hooks: list[Any], saving_listeners: list[Any]) -> Any:
        worker_hooks: list[Any] = []
        with Graph().as_default() as graph, graph.device(self._device_fn):
            set_graph_seed(self._config.tf_random_seed)
            self._create_and_assert_global_step(graph)
            node_count.more(11)  # a read of the global step
            features, labels, input_hooks = self._get_features_and_labels_from_input_fn(input_fn, ModeKeys.TRAIN)
            worker_hooks.extend(input_hooks)
            spec = self._call_model_fn(features, labels, ModeKeys.TRAIN, self.config)
            return self._train_with_estimator_spec(spec, worker_hooks, hooks, get_global_step(graph), saving_listeners)

    def _train_with_estimator_spec(
        self, spec: Any, worker_hooks: list[Any], hooks: list[Any], global_step: Any, saving_listeners: list[Any]
    ) -> Any:
        config = self._config
        if self._warm_start_settings:
            self._warm_start()
        if not any(x.op.name == "loss" for x in get_collection(GraphKeys.SUMMARIES)):
            summaries.scalar("loss", spec.loss)
        add_to_collection(GraphKeys.LOSSES, spec.loss)
        worker_hooks.extend(hooks)
        worker_hooks.append(NanTensorHook(spec.loss))
        if config.log_step_count_steps is not None:
            worker_hooks.append(
                LoggingTensorHook({"loss": spec.loss, "step": global_step}, every_n_iter=config.log_step_count_steps)
            )
        worker_hooks.extend(spec.training_hooks)
        if not (spec.scaffold.saver or get_collection(GraphKeys.SAVERS)):
            saver = Saver(sharded=True, max_to_keep=config.keep_checkpoint_max, keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
                          defer_build=True, save_relative_paths=True)  # fmt: skip
            add_to_collection(GraphKeys.SAVERS, saver)
        chief_hooks: list[Any] = []
        savers = [h for h in (*worker_hooks, *spec.training_chief_hooks) if isinstance(h, CheckpointSaverHook)]
        if (config.save_checkpoints_secs or config.save_checkpoints_steps) and not savers:
            chief_hooks = [CheckpointSaverHook(self._model_dir, save_secs=config.save_checkpoints_secs, save_steps=config.save_checkpoints_steps,
                                               scaffold=spec.scaffold, save_graph_def=config.checkpoint_save_graph_def)]  # fmt: skip
            savers = chief_hooks[:]
        if saving_listeners:
            if not savers:
                raise ValueError("There should be a CheckpointSaverHook to use saving_listeners. Please set one of the RunConfig.save_checkpoints_steps or "
                                 "RunConfig.save_checkpoints_secs.")  # fmt: skip
            savers[0]._listeners.extend(saving_listeners)
        worker_hooks = list(worker_hooks)
        with MonitoredTrainingSession(
            master=config.master, is_chief=config.is_chief, checkpoint_dir=self._model_dir, scaffold=spec.scaffold, hooks=worker_hooks,
            chief_only_hooks=(*chief_hooks, *spec.training_chief_hooks), save_checkpoint_secs=0, save_summaries_steps=config.save_summary_steps,
            config=self._session_config, max_wait_secs=config.session_creation_timeout_secs, log_step_count_steps=config.log_step_count_steps,
            save_graph_def=config.checkpoint_save_graph_def,
        ) as session:  # fmt: skip
            loss, any_step_done = None, False
            while not session.should_stop():
                _, loss = session.run([spec.train_op, spec.loss])
                any_step_done = True
        if not any_step_done:
            messages.warning("Training with estimator made no steps. Perhaps input is empty or misspecified.")
        return loss

    # -- evaluation --------------------------------------------------------------------------------------------------
    def evaluate(
        self,
        input_fn: Any,
        steps: int | None = None,
        hooks: Any = None,
        checkpoint_path: Any = None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """The metrics over `steps` batches, or all of the input; also written to the event files of `eval_dir(name)`."""
        all_hooks = check_hooks(hooks)
        if steps is not None:
            if steps <= 0:
                raise ValueError(f"Must specify steps > 0, given: {steps}")
            all_hooks.append(StopAfterNEvalsHook(num_evals=steps))
        if not checkpoint_path:
            checkpoint_path = whole_checkpoint(self.latest_checkpoint())
            if not checkpoint_path:
                messages.info(
                    "Could not find trained model in model_dir: %s, running initialization to evaluate.",
                    self._model_dir,
                )
        with Graph().as_default() as graph, graph.device(self._device_fn):
            scaffold, update_op, eval_dict, all_hooks = self._evaluate_build_graph(
                graph, input_fn, all_hooks, checkpoint_path
            )
            return self._evaluate_run(checkpoint_path, scaffold, update_op, eval_dict, all_hooks, self.eval_dir(name))

    def _evaluate_build_graph(
        self, graph: Any, input_fn: Any, hooks: list[Any], checkpoint_path: Any
    ) -> tuple[Any, Any, Any, list[Any]]:
        set_graph_seed(self._config.tf_random_seed)
        self._create_and_assert_global_step(graph)
        features, labels, input_hooks = self._get_features_and_labels_from_input_fn(input_fn, ModeKeys.EVAL)
        spec = self._call_model_fn(features, labels, ModeKeys.EVAL, self.config)
        if not checkpoint_path and self._warm_start_settings:
            self._warm_start()
        metric_ops = spec.eval_metric_ops
        if LOSS_METRIC_KEY in metric_ops:
            raise ValueError(
                f'Metric with name "{LOSS_METRIC_KEY}" is not allowed, because Estimator already defines a default metric with the same name.'
            )
        metric_ops[LOSS_METRIC_KEY] = metrics.mean(spec.loss)
        update_op, eval_dict = extract_metric_update_ops(metric_ops)
        if GraphKeys.GLOBAL_STEP in eval_dict:
            raise ValueError(
                "Metric with name `global_step` is not allowed, because Estimator already defines a default metric with the same name."
            )
        eval_dict[GraphKeys.GLOBAL_STEP] = get_global_step(graph)
        all_hooks = [*input_hooks, *hooks, *(spec.evaluation_hooks or [])]
        scaffold = spec.scaffold
        if scaffold and scaffold.local_init_op is not None:
            get_or_create_eval_step()
            scaffold = Scaffold(
                local_init_op=group(scaffold.local_init_op, Scaffold.default_local_init_op()),
                copy_from_scaffold=scaffold,
            )
        return scaffold, update_op, eval_dict, all_hooks

    def _evaluate_run(
        self, checkpoint_path: Any, scaffold: Any, update_op: Any, eval_dict: Any, hooks: list[Any], output_dir: str
    ) -> dict[str, Any]:
        results = evaluate_once(checkpoint_path=checkpoint_path, master=self._config.evaluation_master, scaffold=scaffold, eval_ops=update_op,
                                final_ops=eval_dict, hooks=hooks, config=self._session_config)  # fmt: skip
        step = results[GraphKeys.GLOBAL_STEP]
        write_results(output_dir, results, step)
        if checkpoint_path:
            write_checkpoint_path(output_dir, checkpoint_path, step)
        return results

    # -- prediction --------------------------------------------------------------------------------------------------
    def predict(self, input_fn: Any, predict_keys: Any = None, hooks: Any = None, checkpoint_path: Any = None,
                yield_single_examples: bool = True) -> Iterator[Any]:  # fmt: skip
        """A generator of the predictions, an example or (`yield_single_examples=False`) a batch at a time."""
        all_hooks = check_hooks(hooks)
        if not checkpoint_path:
            checkpoint_path = whole_checkpoint(self.latest_checkpoint())
            if not checkpoint_path:
                messages.info(
                    "Could not find trained model in model_dir: %s, running initialization to predict.", self._model_dir
                )
        graph = Graph()
        with graph.as_default(), graph.device(self._device_fn):
            set_graph_seed(self._config.tf_random_seed)
            self._create_and_assert_global_step(graph)
            features, _, input_hooks = parse_input_fn_result(self._call_input_fn(input_fn, ModeKeys.PREDICT))
            if not has_dataset_or_queue_runner(features):
                messages.warning(
                    "Input graph does not use tf.data.Dataset or contain a QueueRunner. That means predict yields forever. This is probably a mistake."
                )
            spec = self._call_model_fn(features, None, ModeKeys.PREDICT, self.config)
            if not checkpoint_path and self._warm_start_settings:
                self._warm_start()
            predictions = extract_keys(spec.predictions, predict_keys)
            all_hooks = [*input_hooks, *all_hooks, *(spec.prediction_hooks or [])]
            creator = ChiefSessionCreator(checkpoint_filename_with_path=checkpoint_path, master=self._config.master, scaffold=spec.scaffold,
                                          config=self._session_config)  # fmt: skip
            session = MonitoredSession(session_creator=creator, hooks=all_hooks)
        yield from self._predictions(graph, session, predictions, yield_single_examples)

    @staticmethod
    def _predictions(graph: Any, session: Any, predictions: Any, single: bool) -> Iterator[Any]:
        """The graph is the default one while it runs, not while the caller holds a prediction."""
        error: tuple[Any, Any, Any] = (None, None, None)
        try:
            while True:
                with graph.as_default():
                    if session.should_stop():
                        break
                    values = session.run(predictions)
                if not single:
                    yield values
                elif not isinstance(predictions, dict):
                    yield from values
                else:
                    for i in range(batch_length(values)):
                        yield {key: value[i] for key, value in values.items()}
        except BaseException as e:
            error = (type(e), e, e.__traceback__)
            with graph.as_default():
                swallowed = session.__exit__(*error)
            if not swallowed:
                raise
            return
        with graph.as_default():
            session.__exit__(*error)

    # -- export ------------------------------------------------------------------------------------------------------
    def export_savedmodel(self, export_dir_base: Any, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False,
                          checkpoint_path: Any = None, strip_default_attrs: bool = False) -> Any:  # fmt: skip
        """The older name of `export_saved_model`."""
        receivers = {ModeKeys.PREDICT: serving_input_receiver_fn}
        return exporting.export_all_saved_models(
            self, export_dir_base, receivers, assets_extra, as_text, checkpoint_path, strip_default_attrs
        )

    def export_saved_model(self, export_dir_base: Any, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False,
                           checkpoint_path: Any = None, experimental_mode: str = ModeKeys.PREDICT) -> Any:  # fmt: skip
        """Write the model as a SavedModel into a new folder, named after the time, in `export_dir_base`; gives its path."""
        if not serving_input_receiver_fn:
            raise ValueError("An input_receiver_fn must be defined.")
        receivers = {experimental_mode: serving_input_receiver_fn}
        return exporting.export_all_saved_models(
            self, export_dir_base, receivers, assets_extra, as_text, checkpoint_path, True
        )

    def experimental_export_all_saved_models(self, export_dir_base: Any, input_receiver_fn_map: Any, assets_extra: Any = None, as_text: bool = False,
                                             checkpoint_path: Any = None) -> Any:  # fmt: skip
        """Write a SavedModel with a graph for each mode of `input_receiver_fn_map`."""
        return exporting.export_all_saved_models(
            self, export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path, True
        )

    # -- the user's functions ----------------------------------------------------------------------------------------
    def _get_features_and_labels_from_input_fn(self, input_fn: Any, mode: Any) -> tuple[Any, Any, list[Any]]:
        return parse_input_fn_result(self._call_input_fn(input_fn, mode))

    def _create_global_step(self, graph: Any) -> Any:
        return create_global_step(graph)

    def _create_and_assert_global_step(self, graph: Any) -> Any:
        step = self._create_global_step(graph)
        if step is not get_global_step() or not step.dtype.is_integer:
            raise AssertionError("_create_global_step must make the graph's global step, an integer")
        return step

    def _call_input_fn(self, input_fn: Any, mode: Any, input_context: Any = None) -> Any:
        args = fn_args(input_fn)
        known = {"mode": mode, "params": self.params, "config": self.config, "input_context": input_context}
        with get_default_graph().device("/cpu:0"):
            return input_fn(**{k: v for k, v in known.items() if k in args})

    def _call_model_fn(self, features: Any, labels: Any, mode: Any, config: Any) -> Any:
        args = fn_args(self._model_fn)
        known: dict[str, Any] = {}
        if "labels" in args:
            known["labels"] = labels
        elif labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        known.update({k: v for k, v in (("mode", mode), ("params", self.params), ("config", config)) if k in args})
        messages.info("Calling model_fn.")
        spec = self._model_fn(features=features, **known)
        messages.info("Done calling model_fn.")
        if not isinstance(spec, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return spec

    def _warm_start(self) -> None:
        from penstock.train.warm_starting import warm_start

        messages.info("Warm-starting with WarmStartSettings: %s", self._warm_start_settings)
        warm_start(*self._warm_start_settings)


@estimator_export("Estimator", v2_only=True)
class EstimatorV2(Estimator):
    """The Estimator of 2.x: the same without `export_savedmodel`."""

    @property
    def export_savedmodel(self) -> Any:  # type: ignore[override]
        raise AttributeError(
            "`Estimator.export_savedmodel` has been deprecated. Please use `export_saved_model` instead."
        )


EstimatorV2.__name__ = EstimatorV2.__qualname__ = "EstimatorV2"


def set_graph_seed(seed: Any) -> None:
    """The seed of the graph being built."""
    get_default_graph().seed = seed


def global_step_of_newest(folder: Any) -> int:
    """The global step of the newest checkpoint of a folder, 0 when there is none."""
    path = whole_checkpoint(latest_checkpoint(folder))
    if path is None:
        return 0
    reader = load_checkpoint(path)
    return int(reader.get_tensor(GraphKeys.GLOBAL_STEP)) if reader.has_tensor(GraphKeys.GLOBAL_STEP) else 0


def check_hooks(hooks: Any) -> list[Any]:
    """The hooks as a list; TypeError where one is no hook."""
    hooks = list(hooks or [])
    for h in hooks:
        if not isinstance(h, SessionRunHook):
            raise TypeError(f"Hooks must be a SessionRunHook, given: {h}")
    return hooks


def check_listeners(listeners: Any) -> list[Any]:
    """The listeners as a list; TypeError where one is no listener."""
    listeners = list(listeners or [])
    for listener in listeners:
        if not isinstance(listener, CheckpointSaverListener):
            raise TypeError(f"saving_listeners must be a list of CheckpointSaverListener, given: {listener}")
    return listeners


def extract_metric_update_ops(eval_dict: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """(all update ops as one, the value tensors by name)."""
    values = {name: pair[0] for name, pair in sorted(eval_dict.items())}
    updates = [pair[1] for _, pair in sorted(eval_dict.items())]
    return (group(*updates) if updates else None), values


def extract_keys(predictions: Any, predict_keys: Any) -> Any:
    """Those predictions that were asked for."""
    if not predict_keys:
        return predictions
    if not isinstance(predictions, dict):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    existing = predictions.keys()
    found = {k: v for k, v in predictions.items() if k in predict_keys}
    if not found:
        raise ValueError(f"Expected to run at least one output from {existing}, provided {predict_keys}.")
    return found


def batch_length(values: dict[str, Any]) -> int:
    """How many examples a batch of predictions holds."""
    length = None
    for key, value in values.items():
        length = length or value.shape[0]
        if value.shape[0] != length:
            raise ValueError(
                f"Batch length of predictions should be same. {key} has different batch length than others."
            )
    return length or 0


def dict_to_str(dictionary: dict[str, Any]) -> str:
    return ", ".join("%s = %s" % (k, v) for k, v in sorted(dictionary.items()) if not isinstance(v, bytes))  # noqa: UP031 - str(), not format()


def write_results(output_dir: str, dictionary: dict[str, Any], step: int) -> None:
    """Write the results of an evaluation as summaries."""
    from penstock.base.proto import summary_pb2
    from penstock.summary.file_writer import FileWriterCache

    messages.info("Saving dict for global step %d: %s", step, dict_to_str(dictionary))
    writer = FileWriterCache.get(output_dir)
    made = summary_pb2.Summary()
    for key in dictionary:
        value = dictionary[key]
        if value is None or key == GraphKeys.GLOBAL_STEP:
            continue
        if isinstance(value, (np.float32, float, np.float64)):
            made.value.add(tag=key, simple_value=float(value))
        elif isinstance(value, (np.int64, np.int32, int)):
            made.value.add(tag=key, simple_value=int(value))
        elif isinstance(value, bytes):
            try:
                summary = summary_pb2.Summary.FromString(value)
            except Exception:  # noqa: BLE001 - any other bytes
                messages.warning("Skipping summary for %s, cannot parse string to Summary.", key)
                continue
            for i, held in enumerate(summary.value):
                held.tag = f"{key}/{i}"
            made.value.extend(summary.value)
        elif isinstance(value, np.ndarray):
            from penstock.ir.tensor_proto import array_to_proto

            held = made.value.add(tag=key)
            held.node_name = key
            held.tensor.CopyFrom(array_to_proto(value))
            held.metadata.plugin_data.plugin_name = "tensor"
            messages.info('Summary for np.ndarray is not visible in Tensorboard by default. Consider using a Tensorboard plugin for visualization '
                          "(see https://github.com/tensorflow/tensorboard-plugin-example/blob/master/README.md for more information).")  # fmt: skip
        else:
            messages.warning(
                "Skipping summary for %s, must be a float, np.float32, np.int64, np.int32 or int or np.ndarray or a serialized string of Summary.",
                key,
            )
    writer.add_summary(made, step)
    writer.flush()


def write_checkpoint_path(output_dir: str, checkpoint_path: str, step: int) -> None:
    """Write which checkpoint was evaluated as a summary."""
    from penstock.base.proto import summary_pb2
    from penstock.ir.tensor_proto import array_to_proto
    from penstock.summary.file_writer import FileWriterCache

    tag = "checkpoint_path"
    messages.info("Saving '%s' summary for global step %d: %s", tag, step, checkpoint_path)
    made = summary_pb2.Summary()
    value = made.value.add(tag=tag)
    value.tensor.CopyFrom(array_to_proto(np.array(os.fspath(checkpoint_path).encode(), dtype=object)))
    writer = FileWriterCache.get(output_dir)
    writer.add_summary(made, step)
    writer.flush()
