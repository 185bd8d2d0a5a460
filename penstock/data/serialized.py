"""A dataset of a graph as the GraphDef of its stages: what Keras looks through for a shuffle."""

from typing import Any

from penstock.ir import door
from penstock.ir.graph import GraphTensor


def as_serialized_graph(variant: Any) -> Any:
    """A string tensor: the nodes that a dataset's variant follows from, in their order, with the functions they call."""
    if not isinstance(variant, GraphTensor):
        raise RuntimeError("A dataset of eager code has no nodes; make it in a graph or a tf.function")
    needed, stack = set(), [variant.op]
    while stack:
        node = stack.pop()
        if node.name not in needed:
            needed.add(node.name)
            stack.extend(t.op for t in node.inputs)
    made = variant.graph.as_graph_def()
    kept = [node for node in made.node if node.name in needed]
    del made.node[:]
    made.node.extend(kept)
    end = made.node.add(name="dataset", op="_Retval", input=[variant.op.name])
    end.attr["T"].type = variant.dtype.as_datatype_enum
    end.attr["index"].i = 0
    with variant.graph.as_default(), door.watching(None):
        return variant.graph.constant(_text(made.SerializeToString()), "DatasetToGraph")


def _text(data: bytes) -> Any:
    import numpy as np

    out = np.empty((), object)
    out[()] = data
    return out
