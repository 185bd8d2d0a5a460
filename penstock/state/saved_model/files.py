"""The files of a SavedModel: reading and writing its message, finding one of its graphs and its assets."""

import os
from collections.abc import Iterable
from typing import Any

from penstock.base.export import export
from penstock.base.files import write_whole
from penstock.state.saved_model import constants as c

_written: set[tuple[str, int, int]] = set()
"""SavedModels that this process has written: it may call its own Python functions in them."""


def saved_model_path(export_dir: Any) -> str | None:
    """The file that holds the SavedModel message of a folder."""
    folder = os.fspath(export_dir)
    folder = folder.decode() if isinstance(folder, bytes) else folder
    for name in (c.SAVED_MODEL_FILENAME_PB, c.SAVED_MODEL_FILENAME_PBTXT):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    return None


@export("saved_model.contains_saved_model", v1=("saved_model.maybe_saved_model_directory", "saved_model.loader.maybe_saved_model_directory"))
def contains_saved_model(export_dir: Any) -> bool:
    """Is there a SavedModel in the folder?"""
    return saved_model_path(export_dir) is not None


@export(v2=("__internal__.saved_model.parse_saved_model",))
def parse_saved_model(export_dir: Any) -> Any:
    """The SavedModel message of a folder; OSError when there is none or it cannot be read."""
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    from penstock.base.proto import saved_model_pb2

    folder = os.fspath(export_dir)
    folder = folder.decode() if isinstance(folder, bytes) else folder
    path = saved_model_path(folder)
    if path is None:
        raise OSError(f"SavedModel file does not exist at: {folder}{os.path.sep}{{{c.SAVED_MODEL_FILENAME_PBTXT}|{c.SAVED_MODEL_FILENAME_PB}}}")
    with open(path, "rb") as file:
        data = file.read()
    made = saved_model_pb2.SavedModel()
    try:
        if path.endswith(".pbtxt"):
            text_format.Parse(data.decode("utf-8"), made)
        else:
            made.ParseFromString(data)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError, RecursionError) as e:
        raise OSError(f"Cannot parse file {path}: {e}.") from None
    return made


read_saved_model = parse_saved_model


def find_meta_graph(saved_model: Any, tags: Iterable[str]) -> Any:
    """The MetaGraphDef that has exactly these tags; RuntimeError when none does."""
    wanted = set(tags)
    available = []
    for graph in saved_model.meta_graphs:
        there = set(graph.meta_info_def.tags)
        available.append(there)
        if there == wanted:
            return graph
    raise RuntimeError(
        f"MetaGraphDef associated with tags {str(sorted(wanted))[1:-1]} could not be found in SavedModel, with available tags '{available}'. "
        "To inspect available tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`."
    )


def variables_path(export_dir: str) -> str:
    """The prefix of the checkpoint of a SavedModel."""
    return os.path.join(os.fspath(export_dir), c.VARIABLES_DIRECTORY, c.VARIABLES_FILENAME)


def asset_path(export_dir: str, name: str) -> str:
    """The file of an asset, which must lie inside of the model's own folder."""
    folder = os.path.join(os.fspath(export_dir), c.ASSETS_DIRECTORY)
    if os.path.isabs(name) or ".." in name.replace("\\", "/").split("/"):
        raise ValueError(f"The SavedModel names the asset {name!r}, which is outside of its folder {folder}")
    return os.path.join(folder, name)


def asset_tensors(export_dir: str, meta_graph: Any, import_scope: str | None = None) -> dict[str, str]:
    """Tensor name -> file of the assets of a graph."""
    from penstock.base.proto import meta_graph_pb2

    assets = list(meta_graph.asset_file_def)
    if not assets and c.ASSETS_KEY in meta_graph.collection_def:
        for one in meta_graph.collection_def[c.ASSETS_KEY].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            one.Unpack(asset)
            assets.append(asset)
    scope = f"{import_scope}/" if import_scope else ""
    return {f"{scope}{a.tensor_info.name}": asset_path(export_dir, a.filename) for a in assets}


def write_saved_model(export_dir: str, saved_model: Any, as_text: bool = False) -> str:
    """Write the SavedModel message into its folder."""
    from google.protobuf import text_format

    path = os.path.join(export_dir, c.SAVED_MODEL_FILENAME_PBTXT if as_text else c.SAVED_MODEL_FILENAME_PB)
    data = text_format.MessageToString(saved_model).encode() if as_text else saved_model.SerializeToString(deterministic=True)
    write_whole(path, [data])
    remember(path)
    return path


def _mark(path: str) -> tuple[str, int, int]:
    found = os.stat(path)
    return os.path.realpath(path), found.st_mtime_ns, found.st_size


def remember(path: str) -> None:
    """Note that this process has written the file."""
    _written.add(_mark(path))


def written_here(export_dir: Any) -> bool:
    """Is the model as this process has written it?"""
    path = saved_model_path(export_dir)
    return path is not None and _mark(path) in _written


def copy_assets(assets: dict[str, str], export_dir: str) -> None:
    """Copy files (name in the model -> source) into the folder of the assets."""
    import shutil

    from penstock.base.files import told_as

    folder = os.path.join(export_dir, c.ASSETS_DIRECTORY)
    if assets:
        os.makedirs(folder, exist_ok=True)
    for name, source in assets.items():
        target = os.path.join(folder, name)
        with told_as(source):
            if not os.path.exists(target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(source, target)
