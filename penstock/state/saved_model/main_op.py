"""The operation that a SavedModel runs when it is loaded."""

from typing import Any

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.state.initialization import global_variables_initializer, local_variables_initializer
from penstock.state.lookup import tables_initializer


@export(v1=("saved_model.main_op.main_op",))
def main_op() -> Any:
    """An operation that initialises variables, local variables and tables."""
    return group(global_variables_initializer(), local_variables_initializer(), tables_initializer())


@export(v1=("saved_model.main_op_with_restore", "saved_model.main_op.main_op_with_restore"))
def main_op_with_restore(restore_op_name: str) -> Any:
    """The same, then the operation of this name, which restores variables."""
    with get_default_graph().control_dependencies([main_op()]):
        return group(get_default_graph().get_operation_by_name(restore_op_name))
