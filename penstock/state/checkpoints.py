"""Checkpoints on disk: which is the latest, what is inside."""

import glob
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock.base import bundle
from penstock.base.export import export
from penstock.base.files import told_as, write_whole


@export("train.latest_checkpoint")
def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint in a folder, None when there is none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state and state.model_checkpoint_path and checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    return None


@export("train.get_checkpoint_state")
def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """The CheckpointState of a folder, None when it has none."""
    from google.protobuf import text_format

    from penstock.base.proto import checkpoint_state_pb2

    folder = os.fspath(checkpoint_dir)
    path = os.path.join(folder, latest_filename or "checkpoint")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    state = checkpoint_state_pb2.CheckpointState()
    try:
        text_format.Merge(text, state)
    except text_format.ParseError:
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {folder}")
    whole = lambda p: p if os.path.isabs(p) else os.path.join(folder, p)
    state.model_checkpoint_path = whole(state.model_checkpoint_path)
    for i, p in enumerate(state.all_model_checkpoint_paths):
        state.all_model_checkpoint_paths[i] = whole(p)
    return state


@export(v1=("train.generate_checkpoint_state_proto",))
def generate_checkpoint_state_proto(save_dir: str, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None,
                                    all_model_checkpoint_timestamps: Any = None, last_preserved_timestamp: Any = None) -> Any:  # fmt: skip
    """The CheckpointState that says which checkpoints a folder has."""
    from penstock.base.proto import checkpoint_state_pb2

    paths = list(all_model_checkpoint_paths or [])
    if not paths or paths[-1] != model_checkpoint_path:
        paths.append(model_checkpoint_path)
    if all_model_checkpoint_timestamps and len(all_model_checkpoint_timestamps) != len(paths):
        raise ValueError("Checkpoint timestamps, if provided, must match checkpoint paths "
                         f"(got paths {paths} and timestamps {all_model_checkpoint_timestamps})")  # fmt: skip
    if not os.path.isabs(save_dir):
        near = lambda p: p if os.path.isabs(p) else os.path.relpath(p, save_dir)
        paths, model_checkpoint_path = [near(p) for p in paths], near(model_checkpoint_path)
    return checkpoint_state_pb2.CheckpointState(model_checkpoint_path=model_checkpoint_path, all_model_checkpoint_paths=paths,
                                                all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
                                                last_preserved_timestamp=last_preserved_timestamp)  # fmt: skip


@export(v1=("train.update_checkpoint_state",))
def update_checkpoint_state(save_dir: str, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None, latest_filename: str | None = None,
                            all_model_checkpoint_timestamps: Any = None, last_preserved_timestamp: Any = None) -> None:  # fmt: skip
    """Write the file that says which checkpoints a folder has."""
    record_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        latest_filename,
        False,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )


@export(v2=("__internal__.train.update_checkpoint_state",))
def update_checkpoint_state_internal(save_dir: str, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None, latest_filename: str | None = None,
                                     save_relative_paths: bool = False, all_model_checkpoint_timestamps: Any = None,
                                     last_preserved_timestamp: Any = None) -> None:  # fmt: skip
    """The same, with the choice of paths relative to the folder."""
    record_state(save_dir, model_checkpoint_path, all_model_checkpoint_paths, latest_filename, save_relative_paths,
                 all_model_checkpoint_timestamps, last_preserved_timestamp)  # fmt: skip


def record_state(save_dir: str, model_checkpoint_path: str, paths: Any, latest_filename: str | None, relative: bool, timestamps: Any = None,
                 last_preserved: Any = None) -> None:  # fmt: skip
    """The same, with paths below the folder written relative to it where `relative`."""
    from google.protobuf import text_format

    target = os.path.join(save_dir, latest_filename or "checkpoint")
    if relative:
        near = lambda p: os.path.relpath(p, save_dir) if os.path.isabs(p) else p
        model_checkpoint_path = near(model_checkpoint_path)
        paths = [near(p) for p in paths or []]
    state = generate_checkpoint_state_proto(save_dir, model_checkpoint_path, paths, timestamps, last_preserved)
    if target == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  Please use a different save path."
        )
    with told_as(target):
        write_whole(target, [text_format.MessageToString(state).encode()])


@export(v1=("train.checkpoint_exists",))
def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Is there a checkpoint with this prefix?"""
    prefix = os.fspath(checkpoint_prefix)
    return bool(glob.glob(glob.escape(f"{prefix}.index")) or glob.glob(glob.escape(prefix)))


@export(v1=("train.get_checkpoint_mtimes",))
def get_checkpoint_mtimes(checkpoint_prefixes: Any) -> list[float]:
    """When each of the checkpoints was written."""
    found = []
    for prefix in checkpoint_prefixes:
        for path in (f"{prefix}.index", prefix):
            if os.path.exists(path):
                found.append(os.stat(path).st_mtime)
                break
    return found


@export(v1=("train.remove_checkpoint",))
def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta"
) -> None:
    """Delete the files of a checkpoint."""
    _remove(f"{checkpoint_prefix}.{meta_graph_suffix}")
    if checkpoint_format_version == 2:
        _remove(f"{checkpoint_prefix}.index")
        for path in glob.glob(f"{glob.escape(checkpoint_prefix)}.data-?????-of-?????"):
            _remove(path)
    else:
        _remove(checkpoint_prefix)


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)


@export("train.checkpoints_iterator")
def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Each new checkpoint of a folder as it appears, until `timeout` seconds pass without one."""
    last = None
    while True:
        started = time.time()
        new = None
        while True:
            new = latest_checkpoint(checkpoint_dir)
            if new is not None and new != last:
                break
            if timeout is not None and time.time() + 1 > started + timeout:
                new = None
                break
            time.sleep(1)
        if new is None:
            if not timeout_fn or timeout_fn():
                return
            continue
        begun = time.time()
        last = new
        yield new
        rest = begun + min_interval_secs - time.time()
        if rest > 0:
            time.sleep(rest)


@export(v1=("train.NewCheckpointReader",))
class NewCheckpointReader:
    """The tensors of a checkpoint, by name."""

    def __init__(self, filepattern: Any):
        self._reader = bundle.Reader(
            os.fspath(filepattern) if not isinstance(filepattern, bytes) else filepattern.decode()
        )

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {n: list(self._reader.shape(n)) for n in self._reader.entries}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        return {n: self._reader.dtype(n) for n in self._reader.entries}

    def get_tensor(self, tensor_str: Any) -> Any:
        """The value of a tensor; NotFoundError when it is not there."""
        value = self._reader.tensor(tensor_str.decode() if isinstance(tensor_str, bytes) else tensor_str)
        return (
            value[()]
            if value.ndim == 0 and value.dtype != np.dtype(object)
            else value.item()
            if value.ndim == 0
            else value
        )

    def has_tensor(self, tensor_str: Any) -> bool:
        return self._reader.has_tensor(tensor_str.decode() if isinstance(tensor_str, bytes) else tensor_str)

    def debug_string(self) -> bytes:
        """A line a tensor."""
        return "".join(
            f"{n} ({_type_name(self._reader.dtype(n))}) {list(self._reader.shape(n))}\n" for n in self._reader.entries
        ).encode()


def _type_name(dtype: Any) -> str:
    from penstock.base.proto import types_pb2

    return types_pb2.DataType.Name(dtype.as_datatype_enum)


def checkpoint_prefix(ckpt_dir_or_file: Any) -> str:
    """A checkpoint's path, of itself or of the folder whose latest it is; ValueError where there is none."""
    path = os.fspath(ckpt_dir_or_file)
    if os.path.isdir(path):
        found = latest_checkpoint(path)
        if found is None:
            raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
        return found
    return path


@export("train.load_checkpoint")
def load_checkpoint(ckpt_dir_or_file: Any) -> NewCheckpointReader:
    """A reader of a checkpoint, or of the newest one in a folder."""
    return NewCheckpointReader(checkpoint_prefix(ckpt_dir_or_file))


@export("train.load_variable")
def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """The value of one variable of a checkpoint."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name[:-2] if name.endswith(":0") else name)


@export("train.list_variables")
def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """The names and shapes of the variables of a checkpoint, by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
