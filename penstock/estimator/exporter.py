"""Exporters of `train_and_evaluate`: at the end, after every evaluation, or when the model got better."""

import abc
import glob
import os
import shutil
from collections.abc import Callable
from typing import Any

from penstock.estimator.names import estimator_export
from penstock.platform import messages


@estimator_export("Exporter")
class Exporter(abc.ABC):
    """Exports a model after an evaluation."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The folder below `export/` that it writes to."""

    @abc.abstractmethod
    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Export the checkpoint; gives the path written, or None."""


class _SavedModelExporter(Exporter):
    """Exports every time."""

    def __init__(self, name: str, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False):
        self._name, self._serving_input_receiver_fn, self._assets_extra, self._as_text = (
            name,
            serving_input_receiver_fn,
            assets_extra,
            as_text,
        )

    @property
    def name(self) -> str:
        return self._name

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        return estimator.export_saved_model(export_path, self._serving_input_receiver_fn, assets_extra=self._assets_extra, as_text=self._as_text,
                                            checkpoint_path=checkpoint_path)  # fmt: skip


def _keep_newest(export_dir_base: str, exports_to_keep: int | None) -> None:
    """Delete the exports that are older than the newest so many."""
    if exports_to_keep is None or not os.path.isdir(export_dir_base):
        return
    for name in sorted((n for n in os.listdir(export_dir_base) if n.isdigit()), key=int)[:-exports_to_keep]:
        try:
            shutil.rmtree(os.path.join(export_dir_base, name))
        except OSError as e:
            messages.warning("Can not delete %s recursively: %s", name, e)


def _check_keep(exports_to_keep: int | None) -> None:
    if exports_to_keep is not None and exports_to_keep <= 0:
        raise ValueError(f"`exports_to_keep`, if provided, must be a positive number. Got {exports_to_keep}")


@estimator_export("FinalExporter")
class FinalExporter(Exporter):
    """Exports once, at the end of training."""

    def __init__(self, name: str, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False):
        self._exporter = _SavedModelExporter(name, serving_input_receiver_fn, assets_extra, as_text)

    @property
    def name(self) -> str:
        return self._exporter.name

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        if not is_the_final_export:
            return None
        messages.info("Performing the final export in the end of training.")
        return self._exporter.export(estimator, export_path, checkpoint_path, eval_result, is_the_final_export)


@estimator_export("LatestExporter")
class LatestExporter(Exporter):
    """Exports after every evaluation, and keeps the newest exports."""

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: Any,
        assets_extra: Any = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ):
        self._exporter = _SavedModelExporter(name, serving_input_receiver_fn, assets_extra, as_text)
        self._exports_to_keep = exports_to_keep
        _check_keep(exports_to_keep)

    @property
    def name(self) -> str:
        return self._exporter.name

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        made = self._exporter.export(estimator, export_path, checkpoint_path, eval_result, is_the_final_export)
        _keep_newest(export_path, self._exports_to_keep)
        return made


def _loss_smaller(best_eval_result: Any, current_eval_result: Any) -> bool:
    """Is the current loss smaller than the best so far?"""
    for which, result in (("best_eval_result", best_eval_result), ("current_eval_result", current_eval_result)):
        if not result or "loss" not in result:
            raise ValueError(f"{which} cannot be empty or no loss is found in it.")
    return bool(best_eval_result["loss"] > current_eval_result["loss"])


@estimator_export("BestExporter")
class BestExporter(Exporter):
    """Exports when an evaluation is the best so far; earlier runs count through their event files."""

    def __init__(self, name: str = "best_exporter", serving_input_receiver_fn: Any = None, event_file_pattern: str | None = "eval/*.tfevents.*",
                 compare_fn: Callable[..., bool] = _loss_smaller, assets_extra: Any = None, as_text: bool = False, exports_to_keep: int | None = 5):  # fmt: skip
        self._compare_fn = compare_fn
        if compare_fn is None:
            raise ValueError("`compare_fn` must not be None.")
        self._exporter = _SavedModelExporter(name, serving_input_receiver_fn, assets_extra, as_text)
        self._event_file_pattern, self._exports_to_keep = event_file_pattern, exports_to_keep
        self._model_dir: Any = None
        self._best_eval_result: Any = None
        self._has_exported = False
        _check_keep(exports_to_keep)

    @property
    def name(self) -> str:
        return self._exporter.name

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        if self._model_dir != estimator.model_dir and self._event_file_pattern:
            self._model_dir = estimator.model_dir
            pattern = os.path.join(self._model_dir, self._event_file_pattern)
            self._best_eval_result = self._get_best_eval_result(pattern, eval_result)
            self._has_exported = bool(glob.glob(os.path.join(glob.escape(export_path), "[0-9]*")))
        if (
            not self._has_exported
            or self._best_eval_result is None
            or self._compare_fn(best_eval_result=self._best_eval_result, current_eval_result=eval_result)
        ):
            messages.info("Performing best model export.")
            self._best_eval_result = eval_result
            made = self._exporter.export(estimator, export_path, checkpoint_path, eval_result, is_the_final_export)
            _keep_newest(export_path, self._exports_to_keep)
            self._has_exported = True
            return made
        return None

    def _get_best_eval_result(self, event_files: str, current: Any) -> Any:
        from penstock.estimator.early_stopping import events_of

        best = None
        for path in sorted(glob.glob(event_files)):
            for event in events_of(path):
                if event.HasField("summary"):
                    found = {v.tag: v.simple_value for v in event.summary.value if v.HasField("simple_value")}
                    if (
                        found
                        and event.step != current.get("global_step")
                        and (best is None or self._compare_fn(best_eval_result=best, current_eval_result=found))
                    ):
                        best = found
        return best
