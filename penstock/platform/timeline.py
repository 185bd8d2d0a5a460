"""`tensorflow.python.client.timeline`: the step statistics of a run as a trace for Chrome's viewer."""

import collections
import json
import re

AllocationMaximum = collections.namedtuple("AllocationMaximum", ("timestamp", "num_bytes", "tensors"))
StepStatsAnalysis = collections.namedtuple("StepStatsAnalysis", ("chrome_trace", "allocator_maximums"))

_LABEL = re.compile(r"(.*) = (.*)\((.*)\)")


class _Trace:
    """The events of a trace, in Chrome's format."""

    def __init__(self):
        self.heads, self.events = [], []

    def process(self, name, pid):
        self.heads.append({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}})

    def event(self, ph, category, name, pid, tid, timestamp, **more):
        self.events.append({"ph": ph, "cat": category, "name": name, "pid": pid, "tid": tid, "ts": timestamp, **more})

    def text(self):
        return json.dumps({"traceEvents": self.heads + self.events}, indent=4, separators=(",", ": "))


class Timeline:
    """What a traced run spent its time on.

    >>> Timeline(run_metadata.step_stats).generate_chrome_trace_format()
    """

    def __init__(self, step_stats, graph=None):
        self._step_stats, self._graph = step_stats, graph
        self._maximums = {}

    def generate_chrome_trace_format(self, show_dataflow=True, show_memory=False, op_time="schedule"):
        """The trace as JSON text: a process a device, a bar a node, arrows from node to node."""
        return self.analyze_step_stats(show_dataflow, show_memory, op_time).chrome_trace.text()

    def analyze_step_stats(self, show_dataflow=True, show_memory=True, op_time="schedule"):
        """The trace, and how much each allocator held at most."""
        trace = _Trace()
        trace.process("Allocators", 0)
        processes, made = {}, {}
        for device in self._step_stats.dev_stats:
            number = len(processes) * 2 + 1
            processes[device.device] = number
            trace.process(f"{device.device} Compute", number)
            trace.process(f"{device.device} Tensors", number + 1)
        for device in self._step_stats.dev_stats:
            self._bars(trace, device, processes[device.device], made, op_time)
        if show_dataflow:
            self._arrows(trace, processes, made)
        if show_memory:
            self._memory(trace, processes)
        return StepStatsAnalysis(chrome_trace=trace, allocator_maximums=self._maximums)

    @staticmethod
    def _parts(node):
        """The name, op and inputs that a node's label spells."""
        found = _LABEL.match(node.timeline_label)
        if found is None:
            name, _, op = node.node_name.partition(":")
            return name, op or name, []
        name, op, inputs = found.groups()
        return name, op, [i.lstrip("^").partition(":")[0] for i in inputs.split(", ") if i]

    def _bars(self, trace, device, pid, made, op_time):
        lanes = []
        for node in sorted(device.node_stats, key=lambda n: n.all_start_micros):
            start = node.all_start_micros
            duration = max(node.all_end_rel_micros if op_time == "schedule" else node.op_end_rel_micros - node.op_start_rel_micros, 1)
            lane = next((i for i, end in enumerate(lanes) if end <= start), len(lanes))
            lanes[lane:lane + 1] = [start + duration]
            name, op, inputs = self._parts(node)
            made[name] = (pid, lane, start, duration, node, inputs)
            arguments = {"name": name, "op": op, **{f"input{i}": source for i, source in enumerate(inputs)}}
            trace.event("X", "Op", op, pid, lane, start, dur=duration, args=arguments)

    @staticmethod
    def _arrows(trace, processes, made):
        flow = 0
        for pid, lane, start, _, _, inputs in made.values():
            for source in inputs:
                if source not in made:
                    continue
                from_pid, from_lane, begun, took, *_ = made[source]
                flow += 1
                trace.event("s", "DataFlow", source, from_pid, from_lane, begun + took, id=flow)
                trace.event("t", "DataFlow", source, pid, lane, start, id=flow)

    def _memory(self, trace, processes):
        number, changes = 0, collections.defaultdict(list)
        for device in self._step_stats.dev_stats:
            pid = processes[device.device] + 1
            for node in device.node_stats:
                name = self._parts(node)[0]
                at = node.all_start_micros + node.all_end_rel_micros
                for output in node.output:
                    described = output.tensor_description
                    held = described.allocation_description
                    trace.event("N", "Tensor", name, pid, 0, node.all_start_micros, id=number)
                    trace.event("O", "Tensor", name, pid, 0, at, id=number, args={"snapshot": {"tensor_description": str(described)}})
                    trace.event("D", "Tensor", name, pid, 0, at, id=number)
                    number += 1
                    changes[held.allocator_name].append((at, held.requested_bytes, name))
        for allocator, found in changes.items():
            total, names = 0, set()
            for at, size, name in sorted(found):
                total += size
                names.add(name)
                trace.event("C", "Memory", allocator, 0, 0, at, args={allocator: total})
            self._maximums[allocator] = AllocationMaximum(timestamp=max(at for at, *_ in found), num_bytes=total, tensors=names)
