"""The global step: the variable that counts training steps."""

from typing import Any

from penstock.base.dtypes import int64
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.tensor import Tensor
from penstock.state.collections import GraphKeys
from penstock.state.initializers import ZerosV1
from penstock.state.scopes import get_variable, home
from penstock.state.variable import Variable


@export(v1=("train.global_step",))
def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The global step's value in a session, as an int."""
    if sess is None and not door.current().is_graph:
        return int(global_step_tensor.numpy())
    return int(sess.run(global_step_tensor))


@export(v1=("train.get_global_step",))
def get_global_step(graph: Any = None) -> Any:
    """The global step of the graph, None when it has none."""
    graph = graph or home()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) == 1:
        step = found[0]
    elif not found:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    else:
        return None
    assert_global_step(step)
    return step


@export(v1=("train.create_global_step",))
def create_global_step(graph: Any = None) -> Any:
    """Make the global step; ValueError when there is one."""
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    here = door.current()
    if not here.is_graph:
        return _make()
    with graph.as_default() as g, g.name_scope(None):
        return _make()


def _make() -> Any:
    return get_variable(GraphKeys.GLOBAL_STEP, shape=[], dtype=int64, initializer=ZerosV1(), trainable=False,
                        collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP])  # fmt: skip


@export(v1=("train.get_or_create_global_step",))
def get_or_create_global_step(graph: Any = None) -> Any:
    """The global step, made when there is none."""
    graph = graph or get_default_graph()
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


@export(v1=("train.assert_global_step",))
def assert_global_step(global_step_tensor: Any) -> None:
    """TypeError unless it is a scalar of an integer type that can be counted."""
    if not isinstance(global_step_tensor, (Variable, Tensor)) and not hasattr(global_step_tensor, "dtype"):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}')
    shape = global_step_tensor.get_shape()
    if shape.ndims not in (0, None):
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')


def read_global_step() -> Any:
    """The global step as a tensor, None when the graph has none."""
    step = get_global_step()
    return None if step is None else step if isinstance(step, GraphTensor) else step.value()
