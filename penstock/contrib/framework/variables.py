"""Variables of models: made in the collections that training and saving look in, found by scope, name or suffix."""

import functools
import re
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import add_arg_scope
from penstock.contrib.names import again, contrib, contrib_constant

_AUTO, _NONE = tf.VariableSynchronization.AUTO, tf.VariableAggregation.NONE


@contrib("framework.zero_initializer")
def zero_initializer(ref: Any, use_locking: bool = True, name: str = "zero_initializer") -> Any:
    """Set an uninitialized 1.x variable to zeros."""
    with tf.name_scope(name):
        return tf.assign(ref, tf.zeros(ref.shape, ref.dtype.base_dtype), validate_shape=False, use_locking=use_locking)


@contrib("framework.assert_global_step")
def assert_global_step(global_step_tensor: Any) -> None:
    """Check that a tensor can be the global step: a scalar integer."""
    tf.train.assert_global_step(global_step_tensor)


@contrib("framework.assert_or_get_global_step")
def assert_or_get_global_step(graph: Any = None, global_step_tensor: Any = None) -> Any:
    """The given global step, checked, or that of the graph."""
    if global_step_tensor is None:
        return tf.train.get_global_step(graph)
    tf.train.assert_global_step(global_step_tensor)
    return global_step_tensor


@contrib("framework.get_global_step", "slim.get_global_step")
def get_global_step(graph: Any = None) -> Any:
    """The global step of the graph, or None."""
    return tf.train.get_global_step(graph)


@contrib("framework.create_global_step", "slim.create_global_step")
def create_global_step(graph: Any = None) -> Any:
    """Make the global step of the graph; ValueError when it has one."""
    return tf.train.create_global_step(graph)


@contrib("framework.get_or_create_global_step", "slim.get_or_create_global_step")
def get_or_create_global_step(graph: Any = None) -> Any:
    """The global step of the graph, made when it has none."""
    return tf.train.get_or_create_global_step(graph)


@contrib("framework.local_variable", "slim.local_variable")
def local_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: Any = None) -> Any:
    """A variable of this process alone: in the collection of local variables, never saved."""
    return tf.Variable(initial_value, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], validate_shape=validate_shape,
                       use_resource=use_resource, name=name)  # fmt: skip


@contrib("framework.global_variable", "slim.global_variable")
def global_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: Any = None) -> Any:
    """A variable that is saved but not trained."""
    return tf.Variable(initial_value, trainable=False, collections=[tf.GraphKeys.GLOBAL_VARIABLES], validate_shape=validate_shape,
                       use_resource=use_resource, name=name)  # fmt: skip


@contrib("framework.variable", "slim.variable")
@add_arg_scope
def variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: bool = True,
    collections: Any = None, caching_device: Any = None, device: Any = None, partitioner: Any = None, custom_getter: Any = None,
    use_resource: Any = None, synchronization: Any = _AUTO, aggregation: Any = _NONE,
) -> Any:  # fmt: skip
    """`tf.get_variable` with a device, and defaults that `arg_scope` may set."""
    collections = list(collections if collections is not None else [tf.GraphKeys.GLOBAL_VARIABLES])
    collections = sorted(set(collections), key=collections.index)
    getter = tf.get_variable if custom_getter is None else functools.partial(custom_getter, reuse=tf.get_variable_scope().reuse)
    with tf.device(device or ""):
        return getter(
            name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable, collections=collections,
            caching_device=caching_device, partitioner=partitioner, use_resource=use_resource, synchronization=synchronization,
            aggregation=aggregation,
        )  # fmt: skip


@contrib("framework.model_variable", "slim.model_variable")
@add_arg_scope
def model_variable(
    name: str, shape: Any = None, dtype: Any = tf.float32, initializer: Any = None, regularizer: Any = None, trainable: bool = True,
    collections: Any = None, caching_device: Any = None, device: Any = None, partitioner: Any = None, custom_getter: Any = None,
    use_resource: Any = None, synchronization: Any = _AUTO, aggregation: Any = _NONE,
) -> Any:  # fmt: skip
    """A variable in the collections of global and of model variables."""
    collections = [*(collections or []), tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES]
    return variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable, collections=collections,
        caching_device=caching_device, device=device, partitioner=partitioner, custom_getter=custom_getter, use_resource=use_resource,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@contrib("framework.add_model_variable", "slim.add_model_variable")
def add_model_variable(var: Any) -> None:
    """Put a variable into the collection of model variables, once."""
    if not any(var is v for v in tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)):
        tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, var)


@contrib("framework.get_variables", "slim.get_variables")
def get_variables(scope: Any = None, suffix: str | None = None, collection: str = "variables") -> list[Any]:
    """The variables of a collection whose name starts with `scope` (a name or a variable scope) and ends with `suffix`."""
    if isinstance(scope, tf.VariableScope):
        scope = scope.name
    if suffix is not None:
        if ":" not in suffix:
            suffix += ":"
        scope = (scope or "") + ".*" + suffix
    return tf.get_collection(collection, scope)


@contrib("framework.get_model_variables", "slim.get_model_variables")
def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The model variables of a scope."""
    return get_variables(scope, suffix, tf.GraphKeys.MODEL_VARIABLES)


@contrib("framework.get_local_variables", "slim.get_local_variables")
def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The local variables of a scope."""
    return get_variables(scope, suffix, tf.GraphKeys.LOCAL_VARIABLES)


@contrib("framework.get_trainable_variables", "slim.get_trainable_variables")
def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The trainable variables of a scope."""
    return get_variables(scope, suffix, tf.GraphKeys.TRAINABLE_VARIABLES)


@contrib("framework.get_variables_to_restore", "slim.get_variables_to_restore")
def get_variables_to_restore(include: Any = None, exclude: Any = None) -> list[Any]:
    """The global variables of the included scopes (all of them) without those of the excluded ones."""
    for what, value in (("include", include), ("exclude", exclude)):
        if value is not None and not isinstance(value, (list, tuple)):
            raise TypeError(f"{what} must be None or a list of strings, got {type(value).__name__}.")
    chosen = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    left_out = {v.name for scope in exclude or () for v in get_variables(scope)}
    seen: dict[str, Any] = {}
    for v in chosen:
        if v.name not in left_out:
            seen.setdefault(v.name, v)
    return list(seen.values())


@contrib("framework.get_variables_by_suffix", "slim.get_variables_by_suffix")
def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The global variables whose name ends with `suffix`."""
    return get_variables(scope=scope, suffix=suffix)


@contrib("framework.get_variables_by_name", "slim.get_variables_by_name")
def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The global variables whose last name part is `given_name`."""
    return get_variables(scope=scope, suffix="/" + given_name + ":|^" + given_name + ":")


@contrib("framework.get_variable_full_name", "slim.get_variable_full_name")
def get_variable_full_name(var: Any) -> str:
    """The name that a variable, or the whole one of a slice, has in checkpoints."""
    info = getattr(var, "_save_slice_info", None)
    return info.full_name if info else var.op.name


@contrib("framework.get_unique_variable", "slim.get_unique_variable")
def get_unique_variable(var_op_name: str) -> Any:
    """The one variable of that op name; ValueError when there is none or more than one."""
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


@contrib("framework.filter_variables")
def filter_variables(var_list: Any, include_patterns: Any = None, exclude_patterns: Any = None, reg_search: bool = True) -> list[Any]:
    """The variables whose name any of the regular expressions of `include_patterns` finds and none of `exclude_patterns`."""
    find = re.search if reg_search else re.match
    kept = list(var_list)
    if include_patterns is not None:
        if not isinstance(include_patterns, (list, tuple)):
            raise ValueError("include_patterns must be a list of strings.")
        kept = [v for v in kept if any(find(p, v.op.name) for p in include_patterns)]
    if exclude_patterns is not None:
        if not isinstance(exclude_patterns, (list, tuple)):
            raise ValueError("exclude_patterns must be a list of strings.")
        kept = [v for v in kept if not any(find(p, v.op.name) for p in exclude_patterns)]
    return kept


# -- from values and checkpoints ---------------------------------------------------------------------------------------
@contrib("framework.assign_from_values", "slim.assign_from_values")
def assign_from_values(var_names_to_values: dict[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """(an op, a feed dict for it) that set variables to NumPy values."""
    feeds, assigns = {}, []
    for name, value in var_names_to_values.items():
        value = np.asarray(value)
        found = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, name)
        if not found:
            raise ValueError(f"Variable {name} wasn't found")
        if len(found) > 1:
            exact = [v for v in found if v.op.name == name]
            if not exact:
                raise ValueError(f"Variable {name} doesn't uniquely identify a variable")
            found = exact
        placeholder_name = "placeholder/" + found[0].op.name
        held = tf.placeholder(found[0].dtype.base_dtype, found[0].get_shape(), name=placeholder_name)
        assigns.append(found[0].assign(held))
        feeds[held] = value.reshape(found[0].get_shape().as_list())
    return tf.group(*assigns), feeds


@contrib("framework.assign_from_values_fn", "slim.assign_from_values_fn")
def assign_from_values_fn(var_names_to_values: dict[str, Any]) -> Any:
    """A function of a session that sets variables to NumPy values."""
    op, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(op, feeds)


def _grouped(var_list: Any) -> dict[str, list[Any]]:
    """Name in the checkpoint -> the variables (or the slices of one) that it fills."""
    if not isinstance(var_list, dict):
        groups: dict[str, list[Any]] = {}
        for v in var_list:
            groups.setdefault(get_variable_full_name(v), []).append(v)
        return groups
    return {name: list(v) if isinstance(v, (list, tuple)) else [v] for name, v in var_list.items()}


@contrib("framework.assign_from_checkpoint", "slim.assign_from_checkpoint")
def assign_from_checkpoint(model_path: str, var_list: Any, ignore_missing_vars: bool = False) -> tuple[Any, dict[Any, Any]]:
    """(an op, a feed dict for it) that set variables to what a checkpoint holds."""
    reader = tf.train.NewCheckpointReader(model_path)
    feeds, assigns = {}, []
    for name, variables in _grouped(var_list).items():
        if not reader.has_tensor(name):
            said = f"Checkpoint is missing variable [{name}]"
            if not ignore_missing_vars:
                raise ValueError(said)
            tf.logging.warning(said)
            continue
        whole = reader.get_tensor(name)
        for var in variables:
            held = tf.placeholder(var.dtype.base_dtype, var.get_shape(), name="placeholder/" + var.op.name)
            assigns.append(var.assign(held))
            if not var.get_shape().is_compatible_with(whole.shape):
                info = getattr(var, "_save_slice_info", None)
                if not info:
                    raise ValueError(f"Cannot assign value of shape {whole.shape} to variable {var.op.name} of shape {var.get_shape()}: "
                                     "the total size of new array must be unchanged")  # fmt: skip
                part = whole[tuple(slice(o, o + n) for o, n in zip(info.var_offset, info.var_shape))]
                feeds[held] = part.reshape(var.get_shape().as_list())
            else:
                feeds[held] = whole.reshape(var.get_shape().as_list())
    return tf.group(*assigns), feeds


@contrib("framework.assign_from_checkpoint_fn", "slim.assign_from_checkpoint_fn")
def assign_from_checkpoint_fn(model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False) -> Any:
    """A function of a session that restores variables from a checkpoint; None when there is nothing to restore."""
    if ignore_missing_vars:
        reader = tf.train.NewCheckpointReader(model_path)
        grouped = var_list if isinstance(var_list, dict) else {get_variable_full_name(v): v for v in var_list}
        available = {}
        for name, var in grouped.items():
            if reader.has_tensor(name):
                available[name] = var
            else:
                tf.logging.warning("Variable %s missing in checkpoint %s", name, model_path)
        var_list = available
    if not var_list:
        tf.logging.warning("No Variables to restore")
        return None
    saver = tf.train.Saver(var_list, reshape=reshape_variables, write_version=tf.train.SaverDef.V1)
    return lambda session: saver.restore(session, model_path)


@contrib("framework.load_checkpoint")
def load_checkpoint(filepattern: str) -> Any:
    """A reader of a checkpoint."""
    return tf.train.load_checkpoint(filepattern)


@contrib("framework.load_variable")
def load_variable(checkpoint_dir: str, name: str) -> Any:
    """One variable of a checkpoint, as a NumPy array."""
    return tf.train.load_variable(checkpoint_dir, name)


@contrib("framework.list_variables")
def list_variables(checkpoint_dir: str) -> list[Any]:
    """(name, shape) of all variables of a checkpoint."""
    return tf.train.list_variables(checkpoint_dir)


@contrib("framework.init_from_checkpoint")
def init_from_checkpoint(checkpoint_dir: str, assignment_map: Any) -> None:
    """Let variables start from a checkpoint instead of from their initializers."""
    tf.train.init_from_checkpoint(checkpoint_dir, assignment_map)


# -- devices -----------------------------------------------------------------------------------------------------------
@contrib("framework.VariableDeviceChooser", "slim.VariableDeviceChooser")
class VariableDeviceChooser:
    """Gives variables to the tasks of a job in turn; to be handed to `arg_scope` as `device`."""

    def __init__(
        self, num_tasks: int = 0, job_name: str = "ps", device_type: str = "CPU", device_index: int = 0, replica: int | None = None
    ):  # fmt: skip
        self._job_name, self._device_type, self._device_index = job_name, device_type, device_index
        self._replica, self._num_tasks, self._next_task_id = replica, num_tasks, 0

    def __call__(self, op: Any) -> str:
        task = ""
        if self._num_tasks > 0:
            task = f"/task:{self._next_task_id}"
            self._next_task_id = (self._next_task_id + 1) % self._num_tasks
        job = f"/job:{self._job_name}" if self._num_tasks > 0 else ""
        replica = "" if self._replica is None else f"/replica:{self._replica}"
        return f"{job}{replica}{task}/device:{self._device_type}:{self._device_index}"


again("framework", "", "argsort sort TensorSpec py_func convert_to_tensor_or_sparse_tensor is_tensor")
again("framework.nest", "nest", "assert_same_structure flatten is_nested map_structure pack_sequence_as is_sequence=is_nested")
for _name in (
    "assert_shallow_structure flatten_dict_items flatten_up_to flatten_with_joined_string_paths flatten_with_tuple_paths "
    "flatten_with_tuple_paths_up_to get_traverse_shallow_structure map_structure_up_to map_structure_with_paths "
    "map_structure_with_tuple_paths map_structure_with_tuple_paths_up_to yield_flat_paths"
).split():
    contrib_constant(f"framework.nest.{_name}", module="penstock.base.nest", attr=_name)
contrib_constant("framework.nest.is_sequence_or_composite", module="penstock.base.nest", attr="is_nested_or_composite")
