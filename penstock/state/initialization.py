"""Ops that initialise variables, and ops that tell which ones are not initialised yet."""

from typing import Any

from penstock.base.dtypes import string
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ops import state
from penstock.state.collections import global_variables, local_variables


def _group(operations: list[Any], name: str) -> Any:
    from penstock.fronts.grouping import group

    return group(*operations, name=name)


@export(v1=("variables_initializer", "initializers.variables"))
def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An op that runs the initializers of the variables."""
    if var_list and door.current().is_graph:
        return _group([v.initializer for v in var_list], name)
    return _group([], name)


@export(v1=("initialize_variables",))
def initialize_variables(var_list: Any, name: str = "init") -> Any:
    """The oldest name of `variables_initializer`."""
    return variables_initializer(var_list, name=name)


@export(v1=("global_variables_initializer", "initializers.global_variables"))
def global_variables_initializer() -> Any:
    """An op that initialises the global variables."""
    if not door.current().is_graph:
        return _group([], "global_variables_initializer")
    return variables_initializer(global_variables())


@export(v1=("initialize_all_variables",))
def initialize_all_variables() -> Any:
    """The oldest name of `global_variables_initializer`."""
    return global_variables_initializer()


@export(v1=("local_variables_initializer", "initializers.local_variables"))
def local_variables_initializer() -> Any:
    """An op that initialises the local variables."""
    if not door.current().is_graph:
        return _group([], "local_variables_initializer")
    return variables_initializer(local_variables())


@export(v1=("initialize_local_variables",))
def initialize_local_variables() -> Any:
    """The oldest name of `local_variables_initializer`."""
    return local_variables_initializer()


@export(v1=("is_variable_initialized",))
def is_variable_initialized(variable: Any) -> Any:
    """A bool tensor: has the variable a value?"""
    return _is_initialized(variable)


def _is_initialized(variable: Any) -> Any:
    ref = getattr(variable, "_ref_tensor", None)
    if ref is not None:
        return state.is_variable_initialized(ref)
    return state.var_is_initialized_op(variable.handle)


@export(v1=("report_uninitialized_variables",))
def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Any:
    """A string tensor with the names of the variables that have no value yet."""
    if var_list is None:
        var_list = global_variables() + local_variables() or _reference_variables()
    with scoped(name, "report_uninitialized_variables"):
        if not var_list:
            return door.convert([], string)
        from penstock.ops.masks import boolean_mask

        flags = find("Pack")([_is_initialized(v) for v in var_list], axis=0)
        wrong = find("LogicalNot")(flags)
        names = door.convert([v.name.removesuffix(":0") for v in var_list], string)
        return boolean_mask(names, wrong)


def _reference_variables() -> list[Any]:
    graph = door.current()
    if not graph.is_graph:
        return []
    return [n.outputs[0] for n in graph.get_operations() if n.type in ("Variable", "VariableV2", "AutoReloadVariable")]


@export(v1=("assert_variables_initialized",))
def assert_variables_initialized(var_list: Any = None) -> Any:
    """A tensor whose evaluation is a FailedPreconditionError while a variable has no value."""
    if var_list is None:
        var_list = global_variables() + local_variables() or _reference_variables()
    if not var_list:
        return None
    ranks = []
    for v in var_list:
        read = v.read_value() if hasattr(v, "read_value") else v
        with door.current().control_dependencies([read]):
            ranks.append(find("Identity")(find("Rank")(read)))
    return ranks[0] if len(ranks) == 1 else find("Pack")(ranks)
