"""Events out of event files."""

import os
from collections.abc import Iterator
from typing import Any

from penstock.base.export import export
from penstock.base.records import read_records


@export(v1=("train.summary_iterator",))
def summary_iterator(path: Any) -> Iterator[Any]:
    """Each Event of an event file in turn.

    >>> for event in tf.compat.v1.train.summary_iterator(path): print([v.tag for v in event.summary.value])
    """
    from penstock.base.proto import event_pb2

    for _, record in read_records(os.fspath(path)):
        yield event_pb2.Event.FromString(record)


@export(v1=("summary.get_summary_description",))
def get_summary_description(node_def: Any) -> Any:
    """The SummaryDescription that a TensorSummary node holds."""
    from google.protobuf import json_format

    from penstock.base.proto import summary_pb2

    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    description = summary_pb2.SummaryDescription()
    json_format.Parse(node_def.attr["description"].s.decode(), description)
    return description
