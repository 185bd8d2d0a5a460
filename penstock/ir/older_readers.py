"""GraphDefs that TensorFlow 1.15 can read: attrs that came later are left out where they hold their defaults, or are hints."""

import functools
from os.path import dirname, join
from typing import Any

from penstock.ir import node_count
from penstock.ir.attrs import default_of

HINTS = frozenset({"grad_a", "grad_b", "grad_x", "grad_y", "debug_name"})
"""Attrs that change no value."""
RENAMED = {"MatrixDiagV3": "MatrixDiagV2", "MatrixDiagPartV3": "MatrixDiagPartV2", "MatrixSetDiagV3": "MatrixSetDiagV2"}
"""Ops that have an older form of the same inputs, which one attr (`align`) more made newer."""


def wanted() -> bool:
    """Is this a program of TensorFlow 1.x, whose graphs TensorFlow 1.x should read?"""
    return node_count.enabled


@functools.cache
def _newer() -> dict[str, list[str]]:
    """The attrs of each op that TensorFlow 1.15 does not know (`tests/golden/make_newer_attrs.py` writes the file)."""
    with open(join(dirname(__file__), "newer_attrs.txt"), encoding="utf-8") as file:
        return {op: attrs for op, *attrs in map(str.split, file)}


def drop_hints(nodes: Any) -> None:
    """Take the attrs that are hints out of NodeDefs."""
    for node in nodes:
        for key in HINTS & set(_newer().get(node.op, ())):
            node.attr.pop(key, None)


def drop_newer(proto: Any, definition: Any) -> None:
    """Take out of a NodeDef what TensorFlow 1.15 would not accept and can do without."""
    if proto.op in RENAMED:
        proto.op = RENAMED[proto.op]
        proto.attr.pop("align", None)
    for key in _newer().get(proto.op, ()):
        attr = definition.sig.attrs.get(key)
        if key in HINTS or key == "validate_shape":
            proto.attr.pop(key, None)
        elif attr is not None and key in proto.attr and (default := default_of(attr)) is not None and default == proto.attr[key]:
            del proto.attr[key]
