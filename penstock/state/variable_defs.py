"""Variables as VariableDef protocol buffers, and back: what a MetaGraph keeps of them."""

from typing import Any

from penstock.fronts.default_graph import get_default_graph
from penstock.state.variable import SaveSliceInfo, VariableAggregation, VariableSynchronization


def variable_def(variable: Any, export_scope: str | None) -> Any:
    """The VariableDef of a variable; None when it is not in the scope."""
    from penstock.base.proto import variable_pb2

    name = variable.name if not hasattr(variable, "handle") else variable.handle.name
    if export_scope is not None and not name.startswith(export_scope):
        return None
    strip = lambda n: n[len(export_scope) :].lstrip("/") if export_scope and n.startswith(export_scope) else n
    made = variable_pb2.VariableDef(
        variable_name=strip(name), initializer_name=strip(variable.initializer.name), trainable=bool(variable.trainable)
    )
    if variable._initial_value is not None:
        made.initial_value_name = strip(variable._initial_value.name)
    made.synchronization, made.aggregation = variable.synchronization.value, variable.aggregation.value
    if hasattr(variable, "handle"):
        made.is_resource = True
        made.snapshot_name = strip(
            (variable._cached_value if variable._cached_value is not None else variable._graph_element).name
        )
    else:
        made.snapshot_name = strip(variable._snapshot.name)
    if variable._save_slice_info is not None:
        made.save_slice_info_def.MergeFrom(variable._save_slice_info.to_proto(export_scope=export_scope))
    return made


def _common(variable: Any, d: Any, import_scope: str | None) -> Any:
    graph = get_default_graph()
    find = lambda n: graph.as_graph_element(f"{import_scope}/{n}" if import_scope else n)
    variable._initializer_op = find(d.initializer_name)
    variable._initial_value = find(d.initial_value_name) if d.initial_value_name else None
    variable._trainable = d.trainable
    variable._synchronization = VariableSynchronization(d.synchronization)
    variable._aggregation = VariableAggregation(d.aggregation)
    variable._constraint = None
    variable._caching_device = None
    variable._save_slice_info = (
        SaveSliceInfo(save_slice_info_def=d.save_slice_info_def, import_scope=import_scope)
        if d.HasField("save_slice_info_def")
        else None
    )
    return find


def restore_reference(variable: Any, d: Any, import_scope: str | None) -> None:
    """Make a reference variable out of the nodes that a VariableDef names."""
    find = _common(variable, d, import_scope)
    variable._variable = find(d.variable_name)
    variable._snapshot = find(d.snapshot_name)


def restore_resource(variable: Any, d: Any, import_scope: str | None, validate_shape: bool) -> None:
    """Make a resource variable out of the nodes that a VariableDef names."""
    import weakref

    from penstock.base.shape import TensorShape

    if not d.is_resource:
        raise ValueError("The `variable_def` you passed to `tf.Variable` is not for a resource variable.")
    find = _common(variable, d, import_scope)
    variable._in_graph_mode, variable._validate_shape = True, validate_shape
    variable._handle = find(d.variable_name)
    attrs = variable._handle.op.attrs
    variable._dtype, variable._shape = attrs["dtype"].base_dtype, TensorShape._of(attrs["shape"])
    variable._handle_name = variable._handle.name
    variable._handle._handle_data = (variable._dtype, attrs["shape"])
    variable._handle._variable = weakref.ref(variable)
    graph = get_default_graph()
    if d.snapshot_name:
        snapshot = find(d.snapshot_name)
        if snapshot.op.type != "ReadVariableOp":
            variable._cached_value = snapshot
            variable._graph_element = snapshot.op.inputs[0] if snapshot.op.inputs else snapshot
        else:
            variable._graph_element = snapshot
    else:
        name = f"{variable._handle.op.name}/Read/ReadVariableOp:0"
        variable._graph_element = graph.get_tensor_by_name(name)
