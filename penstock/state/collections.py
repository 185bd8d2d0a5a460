"""Graph collections: their standard names, and the functions that fill and read those of the default graph."""

from typing import Any

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.ir import door


@export(v1=("GraphKeys",))
class GraphKeys:
    """The names of the collections that the library itself uses."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    VARIABLES = "variables"
    _SUMMARY_COLLECTION = "_SUMMARY_V2"
    _VARIABLE_COLLECTIONS = [GLOBAL_VARIABLES, LOCAL_VARIABLES, METRIC_VARIABLES, MODEL_VARIABLES, TRAINABLE_VARIABLES, MOVING_AVERAGE_VARIABLES,
                             CONCATENATED_VARIABLES, TRAINABLE_RESOURCE_VARIABLES]  # fmt: skip
    _STREAMING_MODEL_PORTS = "streaming_model_ports"


@export(v1=("add_to_collection",))
def add_to_collection(name: Any, value: Any) -> None:
    """Append `value` to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


@export(v1=("add_to_collections",))
def add_to_collections(names: Any, value: Any) -> None:
    """Append `value` to several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


@export(v1=("get_collection",))
def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """The values of a collection, those whose names match the regular expression `scope`."""
    return get_default_graph().get_collection(key, scope)


@export(v1=("get_collection_ref",))
def get_collection_ref(key: Any) -> list[Any]:
    """The list that holds a collection itself; changing it changes the collection."""
    return get_default_graph().get_collection_ref(key)


def _variables_in(key: str, scope: str | None) -> list[Any]:
    return get_collection(key, scope)


@export(v1=("global_variables",))
def global_variables(scope: str | None = None) -> list[Any]:
    """The variables that are shared between machines and saved: all that are not local."""
    return _variables_in(GraphKeys.GLOBAL_VARIABLES, scope)


@export(v1=("all_variables",))
def all_variables() -> list[Any]:
    """The oldest name of `global_variables`."""
    return global_variables()


def _all_saveable_objects(scope: str | None = None) -> list[Any]:
    return global_variables(scope) + get_collection(GraphKeys.SAVEABLE_OBJECTS, scope)


@export(v1=("local_variables",))
def local_variables(scope: str | None = None) -> list[Any]:
    """The variables that belong to one process and are not saved."""
    return _variables_in(GraphKeys.LOCAL_VARIABLES, scope)


@export(v1=("model_variables",))
def model_variables(scope: str | None = None) -> list[Any]:
    """The variables that inference needs."""
    return _variables_in(GraphKeys.MODEL_VARIABLES, scope)


@export(v1=("trainable_variables",))
def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers change by default."""
    return _variables_in(GraphKeys.TRAINABLE_VARIABLES, scope)


@export(v1=("moving_average_variables",))
def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables that have a moving average."""
    return _variables_in(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def eager_outside_functions() -> bool:
    """Is code that is not inside a function being traced run at once?"""
    here = door.current()
    while here.is_graph and here.building_function:
        here = here.outer
    return not here.is_graph
