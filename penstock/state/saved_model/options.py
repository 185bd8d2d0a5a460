"""How SavedModels are written and read: `tf.saved_model.SaveOptions` and `LoadOptions`."""

import enum
from typing import Any

from penstock.base.export import export


@export("saved_model.experimental.VariablePolicy")
class VariablePolicy(enum.Enum):
    """What is written of a variable beside its value: nothing, its device, or its parts on several devices."""

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"

    def _save_variable_devices(self) -> bool:
        return self is not VariablePolicy.NONE

    def _expand_distributed_variables(self) -> bool:
        return self is VariablePolicy.EXPAND_DISTRIBUTED_VARIABLES

    @staticmethod
    def from_obj(obj: Any) -> "VariablePolicy":
        """The policy that a policy, its value or None means."""
        if obj is None:
            return VariablePolicy.NONE
        if isinstance(obj, VariablePolicy):
            return obj
        key = str(obj).lower()
        for policy in VariablePolicy:
            if policy.value == key:
                return policy
        raise ValueError(f"Received invalid VariablePolicy value: {obj}.")


@export("saved_model.SaveOptions")
class SaveOptions:
    """How `tf.saved_model.save` writes."""

    __slots__ = (
        "namespace_whitelist", "save_debug_info", "function_aliases", "experimental_debug_stripper", "experimental_io_device",
        "experimental_variable_policy", "experimental_custom_gradients", "experimental_image_format", "experimental_skip_saver",
        "experimental_sharding_callback", "extra_tags",
    )  # fmt: skip

    def __init__(
        self, namespace_whitelist: Any = None, save_debug_info: bool = False, function_aliases: Any = None, experimental_debug_stripper: bool = False,
        experimental_io_device: str | None = None, experimental_variable_policy: Any = None, experimental_custom_gradients: bool = True,
        experimental_image_format: bool = False, experimental_skip_saver: bool = False, experimental_sharding_callback: Any = None, extra_tags: Any = None,
    ):  # fmt: skip
        self.namespace_whitelist = _check_namespaces(namespace_whitelist)
        self.save_debug_info, self.function_aliases = save_debug_info, function_aliases or {}
        if not isinstance(self.function_aliases, dict):
            raise TypeError(f"`function_aliases` must be a dict from aliases to functions, got {function_aliases!r}")
        self.experimental_debug_stripper, self.experimental_io_device = experimental_debug_stripper, experimental_io_device
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_custom_gradients, self.experimental_image_format = experimental_custom_gradients, experimental_image_format
        self.experimental_skip_saver, self.experimental_sharding_callback = experimental_skip_saver, experimental_sharding_callback
        self.extra_tags = extra_tags


def _check_namespaces(names: Any) -> list[str]:
    if names is None:
        return []
    if not isinstance(names, list):
        raise TypeError(f"`namespace_whitelist` must be a list of strings. Got: {names} with type {type(names)}.")
    for n in names:
        if not isinstance(n, str):
            raise ValueError(f"Whitelisted namespace must be a string. Got: {n} of type {type(n)}.")
    return names


@export(v2=("saved_model.LoadOptions",))
class LoadOptions:
    """How `tf.saved_model.load` reads."""

    __slots__ = ("allow_partial_checkpoint", "experimental_io_device", "experimental_skip_checkpoint", "experimental_variable_policy",
                 "experimental_load_function_aliases")  # fmt: skip

    def __init__(self, allow_partial_checkpoint: bool = False, experimental_io_device: str | None = None, experimental_skip_checkpoint: bool = False,
                 experimental_variable_policy: Any = None, experimental_load_function_aliases: bool = False):  # fmt: skip
        self.experimental_io_device, self.allow_partial_checkpoint = experimental_io_device, allow_partial_checkpoint
        self.experimental_skip_checkpoint = experimental_skip_checkpoint
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_load_function_aliases = experimental_load_function_aliases
