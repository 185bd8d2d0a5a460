"""What `tensorflow.python.ops.control_flow_util` says about the control flow around an op, for libraries that ask."""

from penstock.platform import internal_api
from penstock.state.behavior import control_flow_v2_enabled


def EnableControlFlowV2(graph):  # noqa: N802
    """Do conds and loops become functions in this graph, rather than Switch and Merge?"""
    return control_flow_v2_enabled() or graph.building_function


def GraphOrParentsInXlaContext(graph):  # noqa: N802
    """Is the graph, or one around it, the body of a function with jit_compile=True?"""
    while graph is not None and graph.is_graph:
        if getattr(graph, "_in_xla", False):
            return True
        graph = getattr(graph, "outer", None)
    return False


get_enclosing_xla_context = internal_api.get_enclosing_xla_context


def InXlaContext(graph):  # noqa: N802
    """Is the graph the body of a function with jit_compile=True?"""
    return bool(getattr(graph, "_in_xla", False))


def IsInXLAContext(op):  # noqa: N802
    """Is an op inside `xla.compile` or a TPU's rewrite?  Neither marks ops here, so never."""
    return False
