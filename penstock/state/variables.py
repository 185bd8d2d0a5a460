"""Which kind of variable a call makes, and the operators of both kinds."""

from typing import Any

from penstock.base.export import export
from penstock.ir import door
from penstock.ops import overloads  # noqa: F401 - the operators of tensors, which variables pass on
from penstock.state import variable as base
from penstock.state.ref_variable import RefVariable
from penstock.state.resource_variable import ResourceVariable
from penstock.state.variable import Variable

_use_resource = True


@export(v1=("enable_resource_variables",))
def enable_resource_variables() -> None:
    """Make `tf.compat.v1.Variable` and `get_variable` give resource variables unless told otherwise: the behaviour of 2.x."""
    global _use_resource
    _use_resource = True


@export(v1=("disable_resource_variables",))
def disable_resource_variables() -> None:
    """Make `tf.compat.v1.Variable` and `get_variable` give reference variables in graphs unless told otherwise: the behaviour of 1.x."""
    global _use_resource
    _use_resource = False


@export(v1=("resource_variables_enabled",))
def resource_variables_enabled() -> bool:
    """Do graphs get resource variables by default?"""
    return _use_resource


_RESOURCE = ("initial_value", "trainable", "validate_shape", "caching_device", "name", "dtype", "variable_def", "import_scope", "constraint",
             "synchronization", "aggregation", "shape", "collections", "distribute_strategy")  # fmt: skip
_REFERENCE = ("initial_value", "trainable", "collections", "validate_shape", "caching_device", "name", "variable_def", "dtype", "expected_shape",
              "import_scope", "constraint", "synchronization", "aggregation", "shape")  # fmt: skip


def _default_creator(**kwargs: Any) -> Any:
    return ResourceVariable(**{k: v for k, v in kwargs.items() if k in _RESOURCE})


def _default_creator_v1(**kwargs: Any) -> Any:
    use_resource = kwargs.get("use_resource")
    if kwargs.get("variable_def") is not None:
        use_resource = kwargs["variable_def"].is_resource
    if use_resource is None:
        from penstock.state.scopes import get_variable_scope

        use_resource = get_variable_scope().use_resource
    if use_resource is None:
        use_resource = _use_resource
    here = door.current()
    while here.is_graph and here.building_function and here.is_control_flow_graph:
        here = here.outer
    if use_resource or not here.is_graph or here.building_function:
        return ResourceVariable(**{k: v for k, v in kwargs.items() if k in _RESOURCE})
    return RefVariable(**{k: v for k, v in kwargs.items() if k in _REFERENCE})


base.default_creator = _default_creator
base.default_creator_v1 = _default_creator_v1
Variable._OverloadAllOperators()
