"""`tf.estimator.WarmStartSettings`: from which checkpoint variables take their first values."""

import os
from collections import namedtuple
from typing import Any

from penstock.estimator.names import estimator_export


@estimator_export("WarmStartSettings")
class WarmStartSettings(
    namedtuple(
        "WarmStartSettings",
        ["ckpt_to_initialize_from", "vars_to_warm_start", "var_name_to_vocab_info", "var_name_to_prev_var_name"],
    )
):
    """A checkpoint, a pattern or list of variables, vocabularies that changed, names that changed."""

    def __new__(cls, ckpt_to_initialize_from: Any, vars_to_warm_start: Any = ".*", var_name_to_vocab_info: Any = None,
                var_name_to_prev_var_name: Any = None) -> "WarmStartSettings":  # fmt: skip
        if not ckpt_to_initialize_from:
            raise ValueError("`ckpt_to_initialize_from` MUST be set in WarmStartSettings")
        return super().__new__(
            cls,
            ckpt_to_initialize_from,
            vars_to_warm_start,
            var_name_to_vocab_info or {},
            var_name_to_prev_var_name or {},
        )


def default_warm_start_settings(warm_start_from: Any) -> Any:
    """The settings of a path (a checkpoint, a folder, a SavedModel); None for None."""
    if warm_start_from is None or isinstance(warm_start_from, WarmStartSettings):
        return warm_start_from
    if isinstance(warm_start_from, (str, bytes, os.PathLike)):
        path = os.fspath(warm_start_from)
        path = path.decode() if isinstance(path, bytes) else path
        variables = os.path.join(path, "variables", "variables")
        if os.path.exists(f"{variables}.index"):  # a SavedModel
            return WarmStartSettings(ckpt_to_initialize_from=variables)
        return WarmStartSettings(ckpt_to_initialize_from=path)
    raise ValueError(f"warm_start_from must be a string or a WarmStartSettings, instead got {type(warm_start_from)}")
