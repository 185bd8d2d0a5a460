"""What a graph from a file may not do unless the program says so: run Python, write files, read files of its own choice."""

import os
from typing import Any

from penstock.base.errors import PermissionDeniedError

SWITCH = "PENSTOCK_TRUST_MODELS"
PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
WRITES = frozenset({
    "WriteFile", "CreateSummaryFileWriter", "CreateSummaryDbWriter", "SaveDatasetV2", "SaveDataset", "SnapshotDatasetV2", "SnapshotDataset",
    "DatasetToTFRecord", "FileSystemSetConfiguration",
})  # fmt: skip
READS = frozenset({
    "ReadFile", "MatchingFiles", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2",
    "MatchingFilesDataset", "CSVDataset", "CSVDatasetV2", "SqlDataset", "LMDBDataset", "LoadDataset", "ExperimentalCSVDataset",
    "ExperimentalMatchingFilesDataset", "LatestCheckpoint",
})  # fmt: skip
PROCESSES = frozenset({"RpcServer", "RpcServerStart", "RpcClient", "XlaLaunchCustomCall"})


def trusted() -> bool:
    """Has the user said that models may do everything?"""
    return os.environ.get(SWITCH, "").lower() in ("1", "true", "yes", "on")


def dangerous(graph_def: Any) -> list[str]:
    """What the graph would do, a line for each kind of op: empty for a graph that only computes."""
    found: dict[str, str] = {}
    note = lambda kind, node: found.setdefault(node.op, f"{node.op} (node {node.name!r}): {kind}")
    bodies = [(graph_def.node, frozenset())] + [(f.node_def, frozenset(a.name for a in f.signature.input_arg)) for f in graph_def.library.function]
    for nodes, parameters in bodies:
        by_name: dict[str, Any] | None = None
        for node in nodes:
            if node.op in PYTHON:
                note("calls a Python function", node)
            elif node.op in WRITES:
                note("writes files", node)
            elif node.op in PROCESSES:
                note("talks to other processes", node)
            elif node.op == "PrintV2" and node.attr["output_stream"].s.startswith(b"file://"):
                note("writes files", node)
            elif node.op in READS:
                by_name = by_name if by_name is not None else {n.name: n for n in nodes}
                if not _from_caller(node, by_name, parameters):
                    note("reads a file that the model names, not its caller", node)
    return list(found.values())


def _from_caller(node: Any, by_name: dict[str, Any], parameters: frozenset[str]) -> bool:
    """Does the name of the file depend on what the caller feeds?"""
    stack, seen = list(node.input[:1]), set()
    while stack:
        name = stack.pop().removeprefix("^").partition(":")[0]
        if name in parameters:
            return True
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        source = by_name[name]
        if source.op in ("Placeholder", "PlaceholderWithDefault", "PlaceholderV2"):
            return True
        stack.extend(source.input)
    return False


def check_safe(graph_def: Any, where: Any = None) -> None:
    """PermissionDeniedError when the graph holds ops that touch files or run Python, unless the user trusts it."""
    if trusted():
        return
    if where is not None:
        from penstock.state.saved_model.files import written_here

        if written_here(where):
            return
    found = dangerous(graph_def)
    if found:
        listed = "".join(f"\n  {line}" for line in found)
        raise PermissionDeniedError(
            None, None, f"The model{f' at {os.fspath(where)}' if where is not None else ''} holds ops that do more than compute:{listed}\n"
            f"  fix: if you trust where it comes from, set the environment variable {SWITCH}=1 and load it again",
        )  # fmt: skip
