"""TensorFlow's protocol buffer messages in a descriptor pool of our own, under their real names.

Most descriptors come with the `tensorboard` package, under names of its own; they are renamed to `tensorflow.*`.  The
others are the `.proto` files beside this one.  The pool is our own, so that a real TensorFlow can live in the same process.
"""

import importlib
import os
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.internal import enum_type_wrapper

_HERE = os.path.dirname(__file__)
_FOLDERS = {
    "tensorflow/core/framework": "allocation_description api_def attr_value cost_graph cpp_shape_inference full_type function graph graph_debug_info "
    "node_def op_def resource_handle step_stats summary tensor tensor_description tensor_shape types variable versions",
    "tensorflow/core/protobuf": "cluster config debug meta_graph rewriter_config saved_object_graph saver struct trackable_object_graph verifier_config",
    "tensorflow/core/util": "event",
    "tensorflow/core/profiler": "tfprof_log",
    "xla/tsl/protobuf": "coordination_config histogram rpc_options",
}
_PACKAGES = {"tfprof_log": "tensorflow.tfprof", "cpp_shape_inference": "tensorflow.core"}
_PREFIX = "tensorboard/compat/proto/"
PATHS = {_PREFIX + f"{name}.proto": f"{folder}/{name}.proto" for folder, names in _FOLDERS.items() for name in names.split()}
"""The name of a file in the tensorboard package -> its real one."""
_BUNDLED = {real: os.path.basename(path).removesuffix(".proto") for path, real in PATHS.items()}

POOL = descriptor_pool.DescriptorPool()
_own: dict[str, str] = {}
_files: dict[str, Any] = {}


def own_files() -> dict[str, str]:
    """Real file name -> path, of the `.proto` files beside this one."""
    if not _own:
        for entry in os.listdir(_HERE):
            if entry.endswith(".proto"):
                path = os.path.join(_HERE, entry)
                with open(path, encoding="utf-8") as file:
                    _own[file.readline().lstrip("/ ").strip()] = path
    return _own


def file(name: str) -> Any:
    """The FileDescriptor of a real file name, added to the pool with all that it imports."""
    if name not in _files:
        made = _read(name)
        for dependency in made.dependency:
            file(dependency)
        POOL.AddSerializedFile(made.SerializeToString())
        _files[name] = POOL.FindFileByName(name)
    return _files[name]


def find_message(name: str) -> Any:
    """The descriptor of a message by its full name (`tensorflow.Example`), or None."""
    for known in ("", *own_files(), *_BUNDLED):
        if known:
            file(known)
        try:
            return POOL.FindMessageTypeByName(name)
        except KeyError:
            continue
    return None


def _read(name: str) -> Any:
    if name in _BUNDLED:
        return _renamed(_BUNDLED[name])
    for known in (any_pb2, wrappers_pb2):
        if known.DESCRIPTOR.name == name:
            made = descriptor_pb2.FileDescriptorProto()
            known.DESCRIPTOR.CopyToProto(made)
            return made
    from penstock.base.proto.declare import parse

    with open(own_files()[name], encoding="utf-8") as source:
        return parse(source.read())


def _renamed(name: str) -> Any:
    module = importlib.import_module(f"tensorboard.compat.proto.{name}_pb2")
    made = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(made)
    made.name = PATHS[made.name]
    made.package = _PACKAGES.get(name, "tensorflow")
    inside = {m.name for m in made.message_type} | {e.name for e in made.enum_type}
    made.dependency[:] = [PATHS.get(d, d) for d in made.dependency]
    made.public_dependency[:] = []

    def rename(message: Any) -> None:
        for field in message.field:
            if field.type_name.startswith(".tensorboard."):
                rest = field.type_name.removeprefix(".tensorboard.")
                package = made.package if rest.partition(".")[0] in inside else "tensorflow"
                field.type_name = f".{package}.{rest}"
        for nested in message.nested_type:
            rename(nested)

    for message in made.message_type:
        rename(message)
    return made


def load(name: str, names: dict[str, Any]) -> None:
    """Fill a module's names with the messages, enums and enum values of a file."""
    descriptor = file(name)
    module = names["__name__"]
    names["DESCRIPTOR"] = descriptor
    for key, message in descriptor.message_types_by_name.items():
        names[key] = _class(message, module, key)
    for key, enum in descriptor.enum_types_by_name.items():
        names[key] = enum_type_wrapper.EnumTypeWrapper(enum)
        for value in enum.values:
            names[value.name] = value.number


def _class(descriptor: Any, module: str, path: str) -> Any:
    made = message_factory.GetMessageClass(descriptor)
    made.__module__, made.__qualname__ = module, path
    for nested in descriptor.nested_types:
        _class(nested, module, f"{path}.{nested.name}")
    return made
