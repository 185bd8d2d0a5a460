"""Functions with several implementations: `api_implements` says which function one implements, `api_preferred_device` where it is the better one."""

from typing import Any

from penstock.engine.devices import found

CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def prefer(concrete: Any, graph: Any) -> None:
    """Calls in `graph` of other implementations of what `concrete` does call `concrete`, where programs run on its device."""
    wanted = concrete._attrs.get("api_preferred_device")
    if not wanted or not graph.is_graph or str(wanted).upper() not in found()[-1][0]:
        return
    for node in graph._nodes:
        if node.type not in CALLS:
            continue
        body = node.attrs["f"]
        attrs = getattr(body, "_api_attributes", None)
        if not attrs or attrs.get("api_implements") != concrete._attrs.get("api_implements") or attrs.get("api_preferred_device"):
            continue
        if [t.dtype for t in body.outputs] != [t.dtype for t in concrete.graph.outputs]:
            continue
        arguments = list(node._inputs)[: len(body.inputs) - len(body.external_captures)]
        if len(arguments) == len(concrete._arguments):
            node._inputs = (*arguments, *[graph.convert(c) for c in concrete.captures()])
            node.attrs = {**node.attrs, "f": concrete.graph}
            graph._version += 1
