"""Debugging switches that look at every op: check_numerics, the log of devices, the folding of tracebacks."""

import os
import sys
from typing import Any

import numpy as np

from penstock.base.dtypes import bfloat16, float16, float32, float64
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor

_EXEMPT = frozenset("CheckNumerics CheckNumericsV2 Const Identity Empty Reshape Print".split())


def _check(op: Any, inputs: Any, attrs: Any, outputs: Any, node: Any) -> None:
    """A watcher: InvalidArgumentError where an output of the op holds infinity or NaN."""
    if op.name in _EXEMPT:
        return
    for i, out in enumerate(outputs):
        if out.dtype.is_floating and hasattr(out, "_array"):
            array = np.asarray(out._array, np.float64)
            if not np.isfinite(array).all():
                raise InvalidArgumentError(None, None, _story(op, inputs, outputs, i, array))


def _story(op: Any, inputs: Any, outputs: Any, i: int, array: np.ndarray) -> str:
    lines = ["", "", f'!!! Detected Infinity or NaN in output {i} of eagerly-executing op "{op.name}" (# of outputs: {len(outputs)}) !!!']
    lines += [f"  dtype: {outputs[i].dtype!s}", f"  shape: {outputs[i].shape}"]
    for what, bad in (("-Inf", array == -np.inf), ("+Inf", array == np.inf), ("+NaN", np.isnan(array))):
        if bad.any():
            lines.append(f"  # of {what} elements: {int(bad.sum())}")
    shown = [t for t in inputs if isinstance(t, Tensor)]
    if len(shown) == 1:
        lines += ["", f"  Input tensor: {shown[0]!s}"]
    elif shown:
        lines += ["", f"  Input tensors ({len(shown)}):", *[f"         {k}: {t!s}" for k, t in enumerate(shown)]]
    return "\n".join(lines)


def _log(op: Any, inputs: Any, attrs: Any, outputs: Any, node: Any) -> None:
    """A watcher: say where each eager op ran."""
    if node is None:
        device = outputs[0].device if outputs else "/job:localhost/replica:0/task:0/device:CPU:0"
        sys.stderr.write(f"Executing op {op.name} in device {device}\n")


def _switch(watcher: Any, on: bool) -> None:
    others = tuple(w for w in door.state.watchers if w is not watcher)
    door.state.watchers = (*others, watcher) if on else others


@export("debugging.enable_check_numerics")
def enable_check_numerics(stack_height_limit=30, path_length_limit=50):
    """Make infinity or NaN in what an eager op (or the call of a `tf.function`) gives an InvalidArgumentError, in this thread."""
    _switch(_check, True)


@export("debugging.disable_check_numerics")
def disable_check_numerics():
    """Undo `tf.debugging.enable_check_numerics`."""
    _switch(_check, False)


@export("debugging.set_log_device_placement")
def set_log_device_placement(enabled):
    """Write to standard error where each eager op of this thread runs."""
    _switch(_log, bool(enabled))


@export("debugging.get_log_device_placement")
def get_log_device_placement():
    """Is it being written where ops run?"""
    return _log in door.state.watchers


_FLOATS = (bfloat16, float16, float32, float64)
_TRACEBACK = "PENSTOCK_TRACEBACK"


@export("debugging.enable_traceback_filtering")
def enable_traceback_filtering():
    """Fold the frames inside the package into one line in tracebacks (the default)."""
    os.environ.pop(_TRACEBACK, None)


@export("debugging.disable_traceback_filtering")
def disable_traceback_filtering():
    """Show the frames inside the package in tracebacks."""
    os.environ[_TRACEBACK] = "full"


@export("debugging.is_traceback_filtering_enabled")
def is_traceback_filtering_enabled():
    """Are the frames inside the package folded in tracebacks?"""
    return os.environ.get(_TRACEBACK, "").lower() != "full"


@export(v1=("add_check_numerics_ops",))
def add_check_numerics_ops():
    """An operation that checks every float tensor of the graph for infinity and NaN; graphs only."""
    graph = door.current()
    if not graph.is_graph:
        raise RuntimeError("add_check_numerics_ops() is not compatible with eager execution. To check for Inf's and NaN's under eager execution call "
                           "tf.debugging.enable_check_numerics() once before executing the checked operations.")  # fmt: skip
    checks: list[Any] = []
    for node in graph.get_operations():
        for out in node.outputs:
            if out.dtype in _FLOATS:
                if node.definition.where == "control" and node.type not in ("Placeholder",):
                    raise ValueError("`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow operations such as `tf.cond()` or `tf.while_loop()`.")
                with graph.control_dependencies(checks[-1:]):
                    checks.append(find("CheckNumerics")(out, message=out.name).op)
    with graph.control_dependencies(checks[-1:]):
        return find("NoOp")(name="group_deps")
