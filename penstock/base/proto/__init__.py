"""TensorFlow's protocol buffer messages: `penstock.base.proto.graph_pb2.GraphDef` is `tensorflow.GraphDef`."""

import importlib
from typing import Any

from penstock.base.export import export_constant

_V1 = {
    "attr_value_pb2": "AttrValue NameAttrList",
    "config_pb2": "ConfigProto GPUOptions GraphOptions OptimizerOptions RunMetadata RunOptions",
    "event_pb2": "Event LogMessage SessionLog",
    "graph_pb2": "GraphDef",
    "meta_graph_pb2": "MetaGraphDef TensorInfo",
    "node_def_pb2": "NodeDef",
    "histogram_pb2": "HistogramProto",
    "summary_pb2": "Summary SummaryMetadata",
}
_TRAIN = {
    "cluster_pb2": "ClusterDef JobDef",
    "example_pb2": "Example SequenceExample",
    "feature_pb2": "BytesList Feature FeatureList FeatureLists Features FloatList Int64List",
    "tensorflow_server_pb2": "ServerDef",
}
_V1_MODULES = {
    "summary": {"event_pb2": "Event SessionLog TaggedRunMetadata", "summary_pb2": "Summary SummaryDescription"},
    "train": {"saver_pb2": "SaverDef"},
    "profiler": {"tfprof_output_pb2": "AdviceProto GraphNodeProto MultiGraphNodeProto", "tfprof_log_pb2": "OpLogProto"},
}
for _file, _names in _V1.items():
    for _name in _names.split():
        export_constant(module=__name__, attr=f"{_file}.{_name}", v1=(_name,))
for _file, _names in _TRAIN.items():
    for _name in _names.split():
        export_constant(f"train.{_name}", module=__name__, attr=f"{_file}.{_name}")
for _module, _files in _V1_MODULES.items():
    for _file, _names in _files.items():
        for _name in _names.split():
            export_constant(module=__name__, attr=f"{_file}.{_name}", v1=(f"{_module}.{_name}",))


def __getattr__(name: str) -> Any:
    if name.endswith("_pb2"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
