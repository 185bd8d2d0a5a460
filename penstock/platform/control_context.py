"""What `tensorflow.python.ops.control_flow_util` says about the control flow around an op, for libraries that ask."""

from penstock.state.behavior import control_flow_v2_enabled


def EnableControlFlowV2(graph):  # noqa: N802
    """Do conds and loops become functions in this graph, rather than Switch and Merge?"""
    return control_flow_v2_enabled() or graph.building_function


def GraphOrParentsInXlaContext(graph):  # noqa: N802
    """Is the graph inside `xla.compile` or a TPU's rewrite?  Neither marks graphs here, so never."""
    return False


InXlaContext = GraphOrParentsInXlaContext


def IsInXLAContext(op):  # noqa: N802
    """Is an op inside `xla.compile` or a TPU's rewrite?  Neither marks ops here, so never."""
    return False
