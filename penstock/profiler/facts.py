"""What is known of each node of a graph: its types, parameters, float operations, times and memory."""

from typing import Any

from penstock.profiler.float_ops import float_ops

TRAINABLE = "_trainable_variables"
_VARIABLES = ("VariableV2", "Variable", "VarHandleOp", "AutoReloadVariable")


class Facts:
    """The figures of one node, or the sums of many."""

    __slots__ = ("name", "op", "types", "shape", "params", "float_ops", "micros", "cpu_micros", "bytes", "peak_bytes", "output_bytes", "residual_bytes",
                 "occurrence", "devices", "line", "input_shapes")  # fmt: skip
    SUMMED = ("params", "float_ops", "micros", "cpu_micros", "bytes", "peak_bytes", "output_bytes", "residual_bytes", "occurrence")

    def __init__(self, name: str):
        self.name, self.op, self.types = name, None, []
        self.shape: Any = None
        self.params = self.float_ops = self.micros = self.cpu_micros = 0
        self.bytes = self.peak_bytes = self.output_bytes = self.residual_bytes = self.occurrence = 0
        self.devices: list[str] = []
        self.line: Any = None
        self.input_shapes: list[Any] = []

    def add(self, other: "Facts") -> None:
        for field in self.SUMMED:
            setattr(self, field, getattr(self, field) + getattr(other, field))

    accelerator_micros = 0


def facts_of(graph: Any, run_metas: list[Any], op_log: Any = None) -> list[Facts]:
    """The facts of all nodes, with the mean of what the runs measured."""
    trainable = {v.op.name for v in graph.get_collection("trainable_variables") if hasattr(v, "op")}
    found: dict[str, Facts] = {}
    for node in graph.get_operations():
        made = found[node.name] = Facts(node.name)
        made.op, made.types, made.occurrence = node.type, [node.type], 1
        made.line = getattr(node, "line", None)
        made.input_shapes = [t._dims for t in node.inputs]
        if node.type in _VARIABLES:
            dims = node.attrs["shape"] if node.type == "VarHandleOp" else node.outputs[0]._dims
            if dims is not None and all(d is not None for d in dims):
                made.shape, made.params = list(dims), 1
                for d in dims:
                    made.params *= d
        if node.name in trainable:
            made.types.append(TRAINABLE)
        made.float_ops = float_ops(node) or 0
    for entry in op_log.log_entries if op_log is not None else ():
        if entry.name in found:
            found[entry.name].types += [t for t in entry.types if t not in found[entry.name].types]
            found[entry.name].float_ops = entry.float_ops or found[entry.name].float_ops
    _measure(found, run_metas)
    return list(found.values())


def _measure(found: dict[str, Facts], run_metas: list[Any]) -> None:
    runs = max(len(run_metas), 1)
    for meta in run_metas:
        for device in meta.step_stats.dev_stats:
            for stats in device.node_stats:
                made = found.get(stats.node_name.partition(":")[0])
                if made is None:
                    continue
                took = stats.op_end_rel_micros - stats.op_start_rel_micros
                made.micros += took
                made.cpu_micros += took
                held = sum(m.total_bytes for m in stats.memory)
                made.bytes += held
                made.peak_bytes += sum(m.peak_bytes for m in stats.memory)
                made.output_bytes += sum(o.tensor_description.allocation_description.requested_bytes for o in stats.output)
                if device.device not in made.devices:
                    made.devices.append(device.device)
    if runs > 1:
        for made in found.values():
            for field in ("micros", "cpu_micros", "bytes", "peak_bytes", "output_bytes"):
                setattr(made, field, getattr(made, field) // runs)
