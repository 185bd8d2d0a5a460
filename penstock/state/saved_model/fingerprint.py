"""Fingerprints of SavedModels: numbers that tell two of them apart, in a file beside each."""

import os
from typing import Any

from penstock.base.export import export
from penstock.base.files import write_whole
from penstock.ops.string_hash import fingerprint64
from penstock.state.saved_model import constants as c, files

_FIELDS = ("saved_model_checksum", "graph_def_program_hash", "signature_def_hash", "saved_object_graph_hash", "checkpoint_hash")


@export("saved_model.experimental.Fingerprint")
class Fingerprint:
    """What tells one SavedModel from another: hashes of its file, graph, signatures, objects and checkpoint."""

    def __init__(self, saved_model_checksum: int | None = None, graph_def_program_hash: int | None = None, signature_def_hash: int | None = None,
                 saved_object_graph_hash: int | None = None, checkpoint_hash: int | None = None, version: int | None = None):  # fmt: skip
        self.saved_model_checksum, self.graph_def_program_hash = saved_model_checksum, graph_def_program_hash
        self.signature_def_hash, self.saved_object_graph_hash = signature_def_hash, saved_object_graph_hash
        self.checkpoint_hash, self.version = checkpoint_hash, version

    @classmethod
    def from_proto(cls, proto: Any) -> "Fingerprint":
        """The fingerprint in a FingerprintDef message."""
        if isinstance(proto, bytes):
            from penstock.base.proto import fingerprint_pb2

            proto = fingerprint_pb2.FingerprintDef.FromString(proto)
        return cls(*[getattr(proto, f) for f in _FIELDS], proto.version)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Fingerprint) or hasattr(other, "graph_def_program_hash"):
            try:
                return all(getattr(self, f) == getattr(other, f) for f in _FIELDS[1:])
            except AttributeError:
                return False
        return False

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, f) for f in _FIELDS[1:]))

    def __str__(self) -> str:
        return "\n".join(["SavedModel Fingerprint", *[f"  {f}: {getattr(self, f)}" for f in _FIELDS]])

    def __repr__(self) -> str:
        return f"Fingerprint({', '.join(str(getattr(self, f)) for f in _FIELDS)})"

    def singleprint(self) -> str:
        """The four hashes that stay when the model is written again, in one text."""
        values = [getattr(self, f) for f in _FIELDS[1:]]
        if any(v is None for v in values):
            raise ValueError("Encounted invalid fingerprint values when creating singleprint.")
        return "/".join(str(v) for v in values)


@export("saved_model.experimental.read_fingerprint")
def read_fingerprint(export_dir: Any) -> Fingerprint:
    """The fingerprint of the SavedModel in a folder; FileNotFoundError when it has none."""
    from google.protobuf.message import DecodeError

    from penstock.base.proto import fingerprint_pb2

    folder = os.fspath(export_dir)
    path = os.path.join(folder, c.FINGERPRINT_FILENAME)
    if not os.path.exists(path):
        raise FileNotFoundError(f"SavedModel Fingerprint Error: Could not find fingerprint in directory: {folder}\nNOT_FOUND: {path} not found")
    with open(path, "rb") as file:
        data = file.read()
    try:
        return Fingerprint.from_proto(fingerprint_pb2.FingerprintDef.FromString(data))
    except DecodeError as e:
        raise RuntimeError(f"SavedModel Fingerprint Error: Could not read fingerprint in {folder}: {e}") from None


def write_fingerprint(export_dir: str, saved_model: Any, path: str) -> None:
    """Write the fingerprint of a model that has just been written."""
    from penstock.base.proto import fingerprint_pb2, graph_pb2

    meta = saved_model.meta_graphs[0]
    graph = graph_pb2.GraphDef()
    graph.CopyFrom(meta.graph_def)
    names = {f.signature.name: f"function_{i}" for i, f in enumerate(sorted(graph.library.function, key=lambda f: len(f.node_def)))}
    for node in graph.node:
        node.device = ""
        if node.attr["f"].func.name in names:
            node.attr["f"].func.name = names[node.attr["f"].func.name]
    graph.ClearField("library")
    with open(path, "rb") as file:
        checksum = fingerprint64(file.read())
    signatures = b"".join(k.encode() + meta.signature_def[k].SerializeToString(deterministic=True) for k in sorted(meta.signature_def))
    index = f"{files.variables_path(export_dir)}.index"
    held = b""
    if os.path.exists(index):
        with open(index, "rb") as file:
            held = file.read()
    made = fingerprint_pb2.FingerprintDef(
        saved_model_checksum=checksum, graph_def_program_hash=fingerprint64(graph.SerializeToString(deterministic=True)),
        signature_def_hash=fingerprint64(signatures), saved_object_graph_hash=fingerprint64(meta.object_graph_def.SerializeToString(deterministic=True)),
        checkpoint_hash=fingerprint64(held),
    )  # fmt: skip
    made.version.producer = 1
    write_whole(os.path.join(export_dir, c.FINGERPRINT_FILENAME), [made.SerializeToString(deterministic=True)])
