"""An Estimator's model as a SavedModel: a graph a mode, with the signatures of its export outputs."""

import os
import shutil
import time
from typing import Any

from penstock.base import errors
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.model_fn import export_outputs_for_mode
from penstock.estimator.whole_checkpoint import whole_checkpoint
from penstock.fronts.session import Session
from penstock.ir.graph import Graph
from penstock.platform import messages
from penstock.state.checkpoints import latest_checkpoint
from penstock.state.collections import GraphKeys, get_collection
from penstock.state.saved_model.builder import SavedModelBuilder
from penstock.state.saved_model.signature_defs import is_valid_signature
from penstock.state.saver import Saver
from penstock.train.scaffold import Scaffold

MODE_TO_TAGS = {ModeKeys.TRAIN: ["train"], ModeKeys.EVAL: ["eval"], ModeKeys.PREDICT: ["serve"]}
MAX_DIRECTORY_CREATION_ATTEMPTS = 10


def timestamped_export_dir(export_dir_base: Any) -> str:
    """A folder below the base, named after the seconds since 1970, that does not exist yet."""
    base = os.fspath(export_dir_base)
    base = base.decode() if isinstance(base, bytes) else base
    for attempt in range(MAX_DIRECTORY_CREATION_ATTEMPTS):
        path = os.path.join(base, str(int(time.time())))
        if not os.path.exists(path):
            return path
        time.sleep(1)
        messages.warning(
            "Directory %s already exists; retrying (attempt %d/%d)", path, attempt + 1, MAX_DIRECTORY_CREATION_ATTEMPTS
        )
    raise RuntimeError(
        f"Failed to obtain a unique export directory name after {MAX_DIRECTORY_CREATION_ATTEMPTS} attempts."
    )


def export_all_saved_models(estimator: Any, export_dir_base: Any, input_receiver_fn_map: Any, assets_extra: Any, as_text: bool, checkpoint_path: Any,
                            strip_default_attrs: bool) -> bytes:  # fmt: skip
    """Write the SavedModel under a temporary name, then give it its own; returns its path."""
    if not checkpoint_path:
        checkpoint_path = whole_checkpoint(estimator.latest_checkpoint())
    if not checkpoint_path:
        if not estimator._warm_start_settings:
            raise ValueError(f"Couldn't find trained model at {estimator._model_dir}.")
        checkpoint_path = estimator._warm_start_settings.ckpt_to_initialize_from
        if os.path.isdir(checkpoint_path):
            checkpoint_path = latest_checkpoint(checkpoint_path)
    modes = [m for m in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT) if (input_receiver_fn_map or {}).get(m)]
    if not modes:
        raise ValueError(f"No valid modes for exporting found. Got {list((input_receiver_fn_map or {}).keys())}.")
    final = timestamped_export_dir(export_dir_base)
    folder, name = os.path.split(final)
    temporary = os.path.join(folder, f"temp-{name}")
    try:
        builder = SavedModelBuilder(temporary)
        for i, mode in enumerate(modes):
            _add_meta_graph(
                estimator, builder, input_receiver_fn_map[mode], checkpoint_path, i == 0, mode, strip_default_attrs
            )
        builder.save(as_text)
        for target, source in (assets_extra or {}).items():
            path = os.path.join(temporary, "assets.extra", target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(source, path)
        os.rename(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    messages.info(
        "SavedModel written to: %s", os.path.join(final, "saved_model.pbtxt" if as_text else "saved_model.pb")
    )
    return final.encode()


def _add_meta_graph(estimator: Any, builder: Any, input_receiver_fn: Any, checkpoint_path: Any, save_variables: bool, mode: Any,
                    strip_default_attrs: bool) -> None:  # fmt: skip
    with Graph().as_default() as graph:
        estimator._create_and_assert_global_step(graph)
        graph.seed = estimator._config.tf_random_seed
        receiver = input_receiver_fn()
        spec = estimator._call_model_fn(
            features=receiver.features, labels=getattr(receiver, "labels", None), mode=mode, config=estimator.config
        )
        outputs = export_outputs_for_mode(mode, serving_export_outputs=spec.export_outputs, predictions=spec.predictions, loss=spec.loss,
                                          metrics=spec.eval_metric_ops)  # fmt: skip
        signatures = build_all_signature_defs(receiver.receiver_tensors, outputs, getattr(receiver, "receiver_tensors_alternatives", None),
                                              serving_only=mode == ModeKeys.PREDICT)  # fmt: skip
        with Session(config=estimator._session_config) as session:
            local_init_op = spec.scaffold.local_init_op
            if local_init_op is None:
                local_init_op = Scaffold.default_local_init_op()
            saver = spec.scaffold.saver or Saver(sharded=True)
            if save_variables:
                try:
                    saver.restore(session, checkpoint_path)
                except errors.NotFoundError as e:
                    raise ValueError(
                        f"Could not load all requested variables from checkpoint. Please make sure your model_fn does not expect variables that were not saved in the checkpoint.\n\nEncountered error with mode `{mode}` while restoring checkpoint from: `{checkpoint_path}`. Full Traceback:\n\n{e}"
                    ) from e
            given = {"tags": MODE_TO_TAGS[mode], "signature_def_map": signatures, "assets_collection": get_collection(GraphKeys.ASSET_FILEPATHS),
                     "main_op": local_init_op, "saver": saver, "strip_default_attrs": strip_default_attrs}  # fmt: skip
            if save_variables:
                builder.add_meta_graph_and_variables(session, **given)
            else:
                builder.add_meta_graph(**given)


def build_all_signature_defs(receiver_tensors: Any, export_outputs: Any, receiver_tensors_alternatives: Any = None,
                             serving_only: bool = True) -> dict[str, Any]:  # fmt: skip
    """The SignatureDefs of every export output; those that are not valid are left out, with a message."""
    if not isinstance(receiver_tensors, dict):
        receiver_tensors = {"input": receiver_tensors}
    if export_outputs is None or not isinstance(export_outputs, dict):
        raise ValueError(
            f"`export_outputs` must be a dict. Received {export_outputs} with type {type(export_outputs).__name__}."
        )
    made, refused = {}, {}
    ways = [("", receiver_tensors), *(receiver_tensors_alternatives or {}).items()]
    for way, tensors in ways:
        if not isinstance(tensors, dict):
            tensors = {"input": tensors}
        for key, output in export_outputs.items():
            name = f"{key or 'None'}" if not way else f"{way}:{key or 'None'}"
            try:
                made[name] = output.as_signature_def(tensors)
            except ValueError as e:
                refused[name] = str(e)
    if serving_only:
        for name in [n for n, s in made.items() if not is_valid_signature(s)]:
            refused[name] = "not a signature for serving"
            del made[name]
    _log_signatures(made, refused)
    return made


def _log_signatures(made: dict[str, Any], refused: dict[str, str]) -> None:
    kinds = {"Classify": "serving/classify", "Regress": "serving/regress", "Predict": "serving/predict", "Train": "supervised/training",
             "Eval": "supervised/eval"}  # fmt: skip
    for kind, method in kinds.items():
        names = [n for n, s in made.items() if s.method_name == f"tensorflow/{method}"]
        messages.info("Signatures INCLUDED in export for %s: %s", kind, names or None)
    if refused:
        messages.info("Signatures EXCLUDED from export because they cannot be be served via TensorFlow Serving APIs:")
        for name, message in refused.items():
            messages.info("'%s' : %s", name, message)
    if not made:
        messages.warning("Export includes no signatures!")
    elif "serving_default" not in made and not any(
        s.method_name.startswith("tensorflow/supervised") for s in made.values()
    ):
        messages.warning("Export includes no default signature!")
