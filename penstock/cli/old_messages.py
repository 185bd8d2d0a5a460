"""Files that a protoc before 3.19 wrote (`_pb2.py`), as libraries of 1.x ship them: today's protobuf refuses their code.

Each carries its `.proto` as bytes; the module is built from those, and the code that made descriptors by hand is not run.
"""

import ast
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import Any

BUILD = """
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(_serialized)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
"""


class Finder:
    """Finds `..._pb2` modules that are source files."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec with a loader that knows old files; None for all other modules."""
        if not fullname.endswith("_pb2") or fullname.startswith(("google.", "penstock.", "tensorflow.")):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(fullname, spec.loader.path)
        return spec


class Loader(SourceFileLoader):
    """Compiles an old file to what a new protoc would have written; others as they are."""

    def get_code(self, fullname: str) -> Any:
        source = self.get_data(self.path)
        if b"serialized_pb=" not in source or b"_descriptor.FileDescriptor(" not in source:
            return super().get_code(fullname)
        return compile(rewritten(ast.parse(source, self.path)), self.path, "exec")


def rewritten(tree: ast.Module) -> ast.Module:
    """The imports of the file (of other messages, and the names they are given), its bytes, and how they become classes."""
    kept: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("google.protobuf") and is_library(node)):
                kept.append(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            found = next((k.value for k in node.value.keywords if k.arg == "serialized_pb"), None)
            if found is not None:
                kept.append(ast.Assign(targets=[ast.Name(id="_serialized", ctx=ast.Store())], value=found))
                break
        elif isinstance(node, (ast.Assign, ast.Try)):
            kept.append(node)
    kept.extend(ast.parse(BUILD).body)
    return ast.fix_missing_locations(ast.Module(body=kept, type_ignores=[]))


def is_library(node: ast.ImportFrom) -> bool:
    """Does it import modules of protobuf itself, not messages?"""
    return not any(name.name.endswith("_pb2") for name in node.names)


def install() -> None:
    """Put the finder first, once."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
