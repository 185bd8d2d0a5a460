"""`tensorflow.python.client.timeline`: the step statistics of a run as a trace for Chrome's viewer."""

import json


class Timeline:
    """What a traced run spent its time on: `Timeline(run_metadata.step_stats).generate_chrome_trace_format()`."""

    def __init__(self, step_stats, graph=None):
        self._step_stats, self._graph = step_stats, graph

    def generate_chrome_trace_format(self, show_dataflow=True, show_memory=False, op_time="schedule"):
        """The trace as JSON text, a process a device, a bar a node."""
        events = []
        for number, device in enumerate(self._step_stats.dev_stats):
            name = {"name": device.device}
            events.append({"name": "process_name", "ph": "M", "pid": number, "args": name})
            for node in device.node_stats:
                start = node.all_start_micros
                events.append({
                    "ph": "X", "cat": "Op", "pid": number, "tid": node.thread_id, "ts": start,
                    "dur": max(node.op_end_rel_micros - node.op_start_rel_micros, 1),
                    "name": node.timeline_label.partition("(")[2].rstrip(")") or node.node_name,
                    "args": {"name": node.node_name, "op": node.timeline_label},
                })  # fmt: skip
        return json.dumps({"traceEvents": events}, indent=4, separators=(",", ": "))
