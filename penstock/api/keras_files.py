"""Keras' files are whole or not at all, and a backup holds all that training depends on.

The keras package stays as it is on disk: when one of its modules named in `MENDED` is imported on the alias, its functions that write
are put into ones that write beside the target first.
"""

import contextlib
import functools
import json
import os
import shutil
import socket
import tempfile
import zlib
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any

STATE = "training_state"
"""The dataset of a backup's weights file that holds the rest of the state of a training run."""
_noted = []
"""What the file of weights that is written next holds besides: one function that fills it."""


class MendingLoader:
    """Imports a module of keras as its own loader does, then mends it."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        MENDED[module.__name__](module)


def find(fullname, path):
    """How a module of `MENDED` is imported; None where keras is not installed."""
    spec = PathFinder.find_spec(fullname, path)
    if spec is not None:
        spec.loader = MendingLoader(spec.loader)
    return spec


# -- files that are whole ----------------------------------------------------------------------------------------------
def whole(save, suits):
    """`save(model, filepath, ...)`, which then shows its file or folder only when all of it is on the disk."""

    @functools.wraps(save)
    def saved(model, filepath, *args, **kwargs):
        target = _local(filepath) if suits(filepath, *args, **kwargs) else None
        beside = None if target is None else _folder_beside(target)
        if target is None or beside is None:
            return save(model, filepath, *args, **kwargs)
        try:
            made = save(model, os.path.join(beside, os.path.basename(target)), *args, **kwargs)
            _show(beside, os.path.dirname(target), os.path.basename(target))
            return made
        except Exception:
            if not os.path.lexists(target):  # nothing good is lost, and keras leaves what it has written
                _show(beside, os.path.dirname(target), os.path.basename(target))
            raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    return saved


def _local(filepath):
    """The path to write to, links followed; None for what is no ordinary local file or folder, or may not be written."""
    if not isinstance(filepath, (str, os.PathLike)):
        return None
    path = os.fspath(filepath)
    if not isinstance(path, str) or "://" in path or path.startswith(("/gcs/", "/cns/", "/cfs/", "/readahead/")):
        return None
    path = os.path.realpath(path)
    there = os.path.lexists(path)
    usual = not there or os.path.isfile(path) or os.path.isdir(path)
    return path if usual and os.path.isdir(os.path.dirname(path)) and (not there or os.access(path, os.W_OK)) else None


def _folder_beside(target):
    """A new hidden folder next to the target, those of killed processes swept away; None where none can be made."""
    folder, name = os.path.split(target)
    start = f".{name}.{socket.gethostname()}-"
    try:
        for entry in os.listdir(folder):
            owner = entry[len(start) :].partition("-")[0] if entry.startswith(start) else ""
            if owner.isdigit() and not os.path.exists(f"/proc/{owner}") and os.path.isdir("/proc/self"):
                shutil.rmtree(os.path.join(folder, entry), ignore_errors=True)
        return tempfile.mkdtemp(prefix=f"{start}{os.getpid()}-", dir=folder)
    except OSError:
        return None


def _show(beside, folder, last):
    """Move every file to its place, each in one step; the one that was asked for comes last, after those that it names."""
    files = [os.path.relpath(os.path.join(at, f), beside) for at, _, names in os.walk(beside) for f in names]
    for name in sorted(files, key=lambda n: (n == last, n)):
        source, target = os.path.join(beside, name), os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, source)
        _sync(source)
        os.replace(source, target)
    for at in {os.path.dirname(os.path.join(folder, name)) for name in files}:
        _sync(at)


def _sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mend_saving(module):
    def zip_or_folder(filepath, weights_format="h5", zipped=True):
        return str(filepath).endswith(".keras") == bool(zipped)

    def weights(filepath, max_shard_size=None, objects_to_skip=None):
        return str(filepath).endswith(".weights.h5" if max_shard_size is None else ("weights.h5", "weights.json"))

    plain = module.save_weights_only

    @functools.wraps(plain)
    def with_notes(model, filepath, *args, **kwargs):
        plain(model, filepath, *args, **kwargs)
        if _noted:
            _noted.pop()(filepath)

    module.save_model = whole(module.save_model, zip_or_folder)
    module.save_weights_only = whole(with_notes, weights)


def _mend_old_saving(module):
    def new(filepath, overwrite=True, include_optimizer=True):
        return overwrite or isinstance(filepath, (str, os.PathLike)) and not os.path.isfile(filepath)  # keras asks the user

    module.save_model_to_hdf5 = whole(module.save_model_to_hdf5, new)


# -- backups -----------------------------------------------------------------------------------------------------------
def _mend_backups(module):
    """The weights, the epoch and every source of random numbers go into one file, so that no kill can part them."""
    callback = module.BackupAndRestore
    save, load = callback._save_model, callback._load_model

    @functools.wraps(save)
    def _save_model(self):
        _noted[:] = [lambda path: _write_state(path, {**_state_of(self), "epoch": self._current_epoch})]
        try:
            save(self)
        finally:
            _noted.clear()

    @functools.wraps(load)
    def _load_model(self):
        load(self)
        state = _read_state(self._weights_path)
        if state is not None:
            self.model._initial_epoch = self._current_epoch = state["epoch"]
            _restore(self, state)

    callback._save_model, callback._load_model = _save_model, _load_model


def _write_state(path, state):
    import h5py
    import numpy as np

    with h5py.File(path, "a") as file:
        file.create_dataset(STATE, data=np.frombuffer(zlib.compress(json.dumps(state).encode()), np.uint8))


def _read_state(path):
    """What `_write_state` wrote; None in a file of keras alone."""
    if not os.path.isfile(path):
        return None
    import h5py

    with h5py.File(path, "r") as file:
        held: Any = file.get(STATE)
        return None if held is None else json.loads(zlib.decompress(held[()].tobytes()))


def _state_of(callback):
    from penstock.api import random_streams

    shared = import_module("keras.src.backend.common.global_state").get_global_attribute("global_seed_generator")
    return {
        "streams": random_streams.positions(),
        "shared": None if shared is None else shared.state.numpy().tolist(),
        "layers": [v.numpy().tolist() for v in _seed_states(callback.model)],
    }


def _restore(callback, state):
    """Put every source of random numbers, and the data, to where they were."""
    from penstock.api import random_streams

    before = random_streams.dataset_positions()
    _replay(state["epoch"])
    moved = {number for number, *_ in random_streams.dataset_positions() ^ before}
    if state["shared"] is not None:
        import_module("keras.src.random.seed_generator").global_seed_generator().state.assign(state["shared"])
    for variable, value in zip(_seed_states(callback.model), state["layers"]):
        variable.assign(value)
    random_streams.restore(state["streams"], frozenset(moved))


def _seed_states(model):
    """The variables of the seed generators of a model's layers."""
    return [v for v in model.variables if v.name == "seed_generator_state"]


def _replay(epochs):
    """Take from an iterator that outlives its epochs (`steps_per_epoch`) the elements that those epochs took."""
    iterator = _training.get("iterator") and _training["iterator"]()
    if iterator is None or not iterator.steps_per_epoch:
        return
    for _ in range(epochs):
        with contextlib.suppress(StopIteration), iterator.catch_stop_iteration():
            for _, _, elements in iterator._enumerate_iterator():
                for _ in range(iterator.steps_per_execution):
                    next(elements)


_training = {}
"""The iterator over the data of the `fit` that began last."""


def _mend_training(module):
    import weakref

    begin = module.TFEpochIterator.__init__

    @functools.wraps(begin)
    def __init__(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        _training["iterator"] = weakref.ref(self)

    module.TFEpochIterator.__init__ = __init__


MENDED = {
    "keras.src.saving.saving_lib": _mend_saving,
    "keras.src.legacy.saving.legacy_h5_format": _mend_old_saving,
    "keras.src.callbacks.backup_and_restore": _mend_backups,
    "keras.src.backend.tensorflow.trainer": _mend_training,
}
