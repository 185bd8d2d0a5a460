"""`tf.compat.v1.profiler`: profiles of a graph and of traced runs."""

import copy
import os
import re
import sys
from typing import Any

from penstock.base.export import export, export_constant
from penstock.base.files import write_whole
from penstock.fronts.default_graph import get_default_graph
from penstock.ir import door
from penstock.profiler.facts import TRAINABLE, facts_of
from penstock.profiler.options import ProfileOptionBuilder
from penstock.profiler.views import View

for _name, _module in (("GraphNodeProto", "tfprof_output_pb2"), ("MultiGraphNodeProto", "tfprof_output_pb2"), ("AdviceProto", "tfprof_output_pb2"), ("OpLogProto", "tfprof_log_pb2")):
    export_constant(module=f"penstock.base.proto.{_module}", attr=_name, v1=(f"profiler.{_name}",))


def _graph(graph: Any) -> Any:
    if graph is None and not door.current().is_graph:
        raise ValueError("In eager execution there is no default graph: pass `graph`")
    return get_default_graph() if graph is None else graph


def _put_out(view: View, options: dict[str, Any], run_metas: list[Any]) -> None:
    kind, _, settings = options["output"].partition(":")
    path = dict(s.split("=", 1) for s in settings.split(",") if "=" in s).get("outfile")
    if kind == "none":
        return
    if kind == "timeline":
        from penstock.platform.timeline import Timeline

        stats = run_metas[-1].step_stats if run_metas else None
        if stats is None:
            raise ValueError("A timeline needs `run_meta`, the RunMetadata of a traced run")
        write_whole(path, [Timeline(stats).generate_chrome_trace_format().encode()])
    elif path:
        write_whole(path, [view.text().encode()])
    else:
        sys.stdout.write(f"\n==================Model Analysis Report======================\n\n{view.text()}\n======================End of Report==========================\n")


@export(v1=("profiler.profile",))
def profile(graph: Any = None, run_meta: Any = None, op_log: Any = None, cmd: str = "scope", options: Any = 0) -> Any:
    """Count the parameters, float operations, times or bytes of a graph's nodes, print them, and give them as a message.

    >>> profile(graph, options=ProfileOptionBuilder.float_operation()).total_float_ops
    """
    graph = _graph(graph)
    options = ProfileOptionBuilder.trainable_variables_parameter() if options == 0 or options is None else copy.deepcopy(options)
    if cmd not in ("scope", "graph", "op", "code"):
        raise ValueError(f"unknown cmd: {cmd}")
    metas = [run_meta] if run_meta is not None else []
    view = View(facts_of(graph, metas, op_log), options, cmd)
    _put_out(view, options, metas)
    return view.proto()


@export(v1=("profiler.advise",))
def advise(graph: Any = None, run_meta: Any = None, options: Any = 0) -> Any:
    """Say which operations take most of a run's time, and which could be laid out better; an AdviceProto."""
    from penstock.base.proto import tfprof_output_pb2

    names = ("ExpensiveOperationChecker", "AcceleratorUtilizationChecker", "JobChecker", "OperationChecker")
    chosen = dict.fromkeys(names, {}) if options in (0, None) else options
    facts = facts_of(_graph(graph), [run_meta] if run_meta is not None else [])
    made = tfprof_output_pb2.AdviceProto()
    for name in chosen:
        reports = made.checkers[name].reports
        if name == "ExpensiveOperationChecker":
            whole = sum(f.micros for f in facts)
            by_op: dict[str, int] = {}
            for f in facts:
                by_op[f.op or ""] = by_op.get(f.op or "", 0) + f.micros
            for rank, (op, micros) in enumerate(sorted(by_op.items(), key=lambda p: -p[1])[:3] if whole else (), 1):
                reports.append(f"top {rank} operation type: {op}, cpu: {micros}us, accelerator: 0us, total: {micros}us ({100 * micros / whole:.2f}%)")
        elif name == "OperationChecker":
            for f in facts:
                if f.op == "FusedBatchNorm" and any(d.startswith("/device:GPU") for d in f.devices):
                    reports.append(f"{f.name}: Found operation using NHWC data_format on GPU. Maybe NCHW is faster.")
    return made


@export(v1=("profiler.write_op_log",))
def write_op_log(graph: Any, log_dir: str, op_log: Any = None, run_meta: Any = None, add_trace: bool = True) -> None:
    """Write `tfprof_log` with the types and float operations of a graph's nodes."""
    merged = _op_log(_graph(graph), op_log, run_meta, add_trace)
    os.makedirs(log_dir, exist_ok=True)
    write_whole(os.path.join(log_dir, "tfprof_log"), [merged.SerializeToString()])


def _op_log(graph: Any, op_log: Any, run_meta: Any, add_trace: bool) -> Any:
    from penstock.base.proto import tfprof_log_pb2

    made = tfprof_log_pb2.OpLogProto()
    texts: dict[str, int] = {}
    number = lambda text: texts.setdefault(text, len(texts) + 1)
    for f in facts_of(graph, [run_meta] if run_meta is not None else [], op_log):
        types = [t for t in f.types if t != f.op]
        place = re.match(r"(.*):(\d+) in (\S+?):", str(f.line or ""))
        if not types and not f.float_ops and not (add_trace and place):
            continue
        entry = made.log_entries.add(name=f.name, types=types, float_ops=f.float_ops)
        if add_trace and place:
            entry.code_def.traces.add(file_id=number(place[1]), lineno=int(place[2]), function_id=number(place[3]))
    for text, key in texts.items():
        made.id_to_string[key] = text
    return made


@export(v1=("profiler.Profiler",))
class Profiler:
    """Profiles of several steps of one graph.

    >>> profiler = Profiler(sess.graph); profiler.add_step(step, run_metadata); profiler.profile_operations(options)
    """

    def __init__(self, graph: Any = None, op_log: Any = None):
        self._graph, self._op_log = _graph(graph), op_log
        self._steps: dict[int, Any] = {}

    def add_step(self, step: int, run_meta: Any) -> None:
        """Add the RunMetadata of a step."""
        held = type(run_meta)()
        held.CopyFrom(run_meta)
        self._steps[step] = held

    def _view(self, kind: str, options: Any) -> Any:
        options = copy.deepcopy(options)
        step = options.get("step", -1)
        metas = list(self._steps.values()) if step < 0 else [self._steps[step]] if step in self._steps else []
        view = View(facts_of(self._graph, metas, self._op_log), options, kind)
        _put_out(view, options, metas)
        return view.proto()

    def profile_python(self, options: Any) -> Any:
        """By lines of code; a MultiGraphNodeProto."""
        return self._view("code", options)

    def profile_operations(self, options: Any) -> Any:
        """By op types; a MultiGraphNodeProto."""
        return self._view("op", options)

    def profile_name_scope(self, options: Any) -> Any:
        """By name scopes; a GraphNodeProto."""
        return self._view("scope", options)

    def profile_graph(self, options: Any) -> Any:
        """By nodes of the graph; a GraphNodeProto."""
        return self._view("graph", options)

    def advise(self, options: Any) -> Any:
        """What takes most time; an AdviceProto."""
        last = list(self._steps.values())[-1] if self._steps else None
        return advise(self._graph, last, options)

    def serialize_to_string(self) -> bytes:
        """The graph's facts and the steps as a ProfileProto."""
        from penstock.base.proto import tfprof_log_pb2

        made = tfprof_log_pb2.ProfileProto(has_trace=False)
        for number, f in enumerate(facts_of(self._graph, list(self._steps.values()), self._op_log)):
            node = made.nodes[number]
            node.name, node.op, node.id, node.float_ops = f.name, f.op or "", number, f.float_ops
            for t in f.types:
                node.op_types.append(t)
        made.steps.extend(self._steps)
        return made.SerializeToString()


__all__ = ["TRAINABLE", "Profiler", "advise", "profile", "write_op_log"]
