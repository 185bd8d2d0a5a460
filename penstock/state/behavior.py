"""`enable_v2_behavior` and its opposites: which of the two TensorFlows a program sees."""

from penstock.base.export import export
from penstock.base.shape import disable_v2_tensorshape, enable_v2_tensorshape
from penstock.fronts.default_graph import disable_eager_execution, enable_eager_execution
from penstock.ir import flow_style
from penstock.ops.overloads import disable_tensor_equality, enable_tensor_equality
from penstock.state.variables import disable_resource_variables, enable_resource_variables


@export(v1=("enable_v2_behavior",))
def enable_v2_behavior() -> None:
    """2.x behaviour: eager execution, resource variables, int shapes, elementwise `==`."""
    enable_eager_execution()
    enable_v2_tensorshape()
    enable_resource_variables()
    enable_tensor_equality()
    enable_control_flow_v2()


@export(v1=("disable_v2_behavior",))
def disable_v2_behavior() -> None:
    """1.x behaviour: graphs, reference variables, Dimension objects in shapes, `==` by identity."""
    disable_eager_execution()
    disable_v2_tensorshape()
    disable_resource_variables()
    disable_tensor_equality()
    disable_control_flow_v2()


@export(v1=("enable_control_flow_v2",))
def enable_control_flow_v2() -> None:
    """Name conditionals and loops as functional nodes, as they always are here."""
    flow_style.functional = True


@export(v1=("disable_control_flow_v2",))
def disable_control_flow_v2() -> None:
    """Name what conditionals and loops of graphs return as TensorFlow 1.x does (`cond/Merge`, `while/Exit`); they stay functional nodes."""
    flow_style.functional = False


@export(v1=("control_flow_v2_enabled",))
def control_flow_v2_enabled() -> bool:
    """Was control flow v2 asked for?"""
    return flow_style.functional
