"""`tf.compat.v1.train.Saver`: variables of a graph into checkpoints, and back."""

import contextlib
import logging
import os
import time
from typing import Any

from penstock.base import bundle, dtypes, errors
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops import state
from penstock.ops.checkpoint import restore_v2, save_v2
from penstock.ops.constants import placeholder, placeholder_with_default
from penstock.ops.identity import identity
from penstock.state import saver_shards
from penstock.state.checkpoints import checkpoint_exists, get_checkpoint_mtimes, record_state, remove_checkpoint
from penstock.state.collections import _all_saveable_objects
from penstock.state.variable import Variable


class Saveable:
    """One thing to save: its key in the checkpoint, the slice it is, how it is read and restored."""

    def __init__(self, key: str, variable: Any):
        self.key, self.variable = key, variable
        info = variable._get_save_slice_info() if isinstance(variable, Variable) else None
        self.spec = info.spec if info is not None else ""
        self.dtype = variable.dtype.base_dtype
        self.device = variable.device or ""

    def tensor(self) -> Any:
        v = self.variable
        if isinstance(v, Tensor):
            return v
        if hasattr(v, "handle"):
            return v._graph_element if v._in_graph_mode else v.read_value()
        return v.value() if self.spec else v._ref_tensor

    def restore(self, value: Any, reshape: bool) -> Any:
        v = self.variable
        shape = v.get_shape()
        if reshape:
            value = find("Reshape")(
                value, shape.as_list() if shape.is_fully_defined() else find("Shape")(self.tensor())
            )
        if hasattr(v, "handle"):
            return state.assign_variable_op(v.handle, identity(value))
        return state.assign(
            getattr(v, "_ref_tensor", v), value, validate_shape=not reshape and shape.is_fully_defined()
        ).op


    @property
    def entries(self) -> list[tuple[str, str, Any, Any]]:
        return [(self.key, self.spec, self.tensor, self.dtype)]

    def restore_all(self, values: list[Any], reshape: bool) -> Any:
        return self.restore(values[0], reshape)


class SaveableOfObject:
    """An object to save that says itself which tensors it is made of."""

    def __init__(self, key: str, held: Any):
        self.key, self.held = key, held
        self.device = getattr(held, "device", None) or ""

    @property
    def entries(self) -> list[tuple[str, str, Any, Any]]:
        """(key, slice, what gives the tensor, dtype) of each tensor."""
        return [(s.name, s.slice_spec, lambda s=s: s.tensor, as_dtype(s.dtype).base_dtype) for s in self.held.specs]

    def restore_all(self, values: list[Any], reshape: bool) -> Any:
        shapes = None
        if reshape:
            shapes = [s.tensor.shape.as_list() for s in self.held.specs]
        return self.held.restore(values, shapes)


def _entries(things: list[Any]) -> tuple[list[str], list[str], list[Any], list[Any]]:
    """The keys, slices, makers of tensors and dtypes of all that is saved."""
    found = [e for t in things for e in t.entries]
    return [k for k, *_ in found], [s for _, s, _, _ in found], [t for _, _, t, _ in found], [d for *_, d in found]


def _restored(things: list[Any], values: Any, reshape: bool, one_by_one: bool = False) -> list[Any]:
    """The ops that give all things their values."""
    values, done = list(values), []
    for thing in things:
        count = len(thing.entries)
        mine, values = values[:count], values[count:]
        here = door.current()
        with here.control_dependencies(done[-1:] if one_by_one else []) if here.is_graph else contextlib.nullcontext():
            with here.device(thing.device) if here.is_graph and thing.device else contextlib.nullcontext():
                made = thing.restore_all(mine, reshape)
        done.append(getattr(made, "op", made) if here.is_graph else made)
    return done


def saveables(var_list: Any) -> list[Any]:
    """The things to save of a list or dictionary of variables, by key."""
    if isinstance(var_list, dict):
        named = list(var_list.items())
    elif isinstance(var_list, (list, tuple)):
        named = []
        held: dict[str, list[Any]] = {}
        for v in var_list:
            if hasattr(v, "_get_variable_list"):
                named.append((v.name, v))
            elif isinstance(v, Variable) and v._save_slice_info is not None:
                held.setdefault(v._save_slice_info.full_name, []).append(v)
            else:
                if not isinstance(v, (Variable, Tensor)) and not hasattr(v, "specs"):
                    raise TypeError(f"Variable to save is not a Variable: {v}")
                named.append(
                    (v._shared_name if isinstance(v, Variable) else v.op.name if isinstance(v, Tensor) else v.name, v)
                )
        named += held.items()
    else:
        raise TypeError(f"Variables to save should be passed in a dict or a list. Got {var_list}")
    found, seen = [], set()
    for key, value in sorted(named, key=lambda pair: pair[0]):
        if not isinstance(key, str):
            raise TypeError(
                f"names_to_saveables must be a dict mapping string names to trackable operations. Name is not a string: {key}"
            )
        if key in seen:
            raise ValueError(f"At least two variables have the same name: {key}")
        seen.add(key)
        parts = list(value) if hasattr(value, "_get_variable_list") or isinstance(value, list) else [value]
        found += [SaveableOfObject(key, p) if hasattr(p, "specs") else Saveable(key, p) for p in parts]
    return found


@export(v1=("train.Saver",))
class Saver:
    """Saves the variables of a graph to numbered checkpoints and restores them.

    >>> saver = tf.train.Saver(); saver.save(sess, "model", global_step=step); saver.restore(sess, "model-100")  # doctest: +SKIP
    """

    def __init__(self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
                 keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None, restore_sequentially: bool = False, saver_def: Any = None,
                 builder: Any = None, defer_build: bool = False, allow_empty: bool = False, write_version: int = 2, pad_step_number: bool = False,
                 save_relative_paths: bool = False, filename: str | None = None):  # fmt: skip
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. Either set defer_build=False or var_list=None."
            )
        if not door.current().is_graph and var_list is None:
            raise RuntimeError(
                "When eager execution is enabled, `var_list` must specify a list or dict of variables to save"
            )
        self._var_list, self._reshape, self._sharded, self._name = var_list, reshape, sharded, name
        self._max_to_keep, self._every_hours = max_to_keep, keep_checkpoint_every_n_hours
        self._restore_sequentially, self._allow_empty, self._write_version = (
            restore_sequentially,
            allow_empty,
            write_version,
        )
        self._pad_step_number, self._save_relative_paths, self._filename = (
            pad_step_number,
            save_relative_paths,
            filename,
        )
        self._is_built, self._is_empty, self.saver_def = False, False, saver_def
        self._object_restore: Any = None
        self._last_checkpoints: list[tuple[str, float]] = []
        self._checkpoints_to_be_deleted: list[tuple[str, float]] = []
        self._next_checkpoint_time = time.time() + (keep_checkpoint_every_n_hours or 0) * 3600
        if not defer_build and door.current().is_graph:
            self.build()
        elif saver_def is not None:
            self._take(saver_def)

    # -- building ----------------------------------------------------------------------------------------------------
    def _take(self, saver_def: Any) -> None:
        self.saver_def = saver_def
        self._max_to_keep, self._every_hours = saver_def.max_to_keep, saver_def.keep_checkpoint_every_n_hours
        self._is_built = True

    def build(self) -> None:
        """Add the save and restore ops to the graph."""
        if not door.current().is_graph:
            raise RuntimeError("Use save/restore instead of build in eager mode.")
        if self._is_built:
            return
        if self.saver_def is not None:
            self._take(self.saver_def)
            return
        if self._var_list is None:
            self._var_list = _all_saveable_objects()
        if not self._var_list:
            if not self._allow_empty:
                raise ValueError("No variables to save")
            self._is_built = self._is_empty = True
            return
        self._add_ops(get_default_graph())
        self._is_built = True

    def _add_ops(self, graph: Any) -> None:
        from penstock.base.proto import saver_pb2

        things = saveables(self._var_list)
        with graph.as_default(), graph.name_scope(self._name or "save"), graph.control_dependencies(None):
            filename = placeholder_with_default(self._filename or "model", shape=(), name="filename")
            filename = placeholder_with_default(filename, shape=(), name="Const")
            again = lambda things, values: _restored(things, values, self._reshape, self._restore_sequentially)
            if self._sharded:
                parts = saver_shards.by_device(things)
                done = saver_shards.add_save(graph, filename, parts, _entries)
                restore = saver_shards.add_restore(graph, filename, parts, _entries, again)
            else:
                names, specs, tensors, kinds = _entries(things)
                saved = save_v2(filename, names, specs, [t() for t in tensors])
                with graph.control_dependencies([saved]):
                    done = identity(filename, name="control_dependency")
                with graph.device("/device:CPU:0"):
                    values = restore_v2(filename, names, specs, dtypes=kinds)
                restore = group(*again(things, values), name="restore_all")
        self.saver_def = saver_pb2.SaverDef(
            filename_tensor_name=filename.name, save_tensor_name=done.name, restore_op_name=restore.name, max_to_keep=self._max_to_keep or 0,
            sharded=self._sharded, keep_checkpoint_every_n_hours=self._every_hours or 0, version=saver_pb2.SaverDef.V2,
        )  # fmt: skip

    # -- the checkpoints that are kept -------------------------------------------------------------------------------
    def _record(self, path: str) -> None:
        if not self._max_to_keep:
            return
        self._last_checkpoints = [(p, t) for p, t in self._last_checkpoints if p != path]
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self._max_to_keep:
            self._checkpoints_to_be_deleted.append(self._last_checkpoints.pop(0))

    def _forget_old(self, meta_graph_suffix: str) -> None:
        if not self._checkpoints_to_be_deleted:
            return
        path, written = self._checkpoints_to_be_deleted.pop(0)
        if written > self._next_checkpoint_time:  # one in so many hours is kept
            self._next_checkpoint_time += (self._every_hours or 0) * 3600
            return
        remove_checkpoint(path, 2, meta_graph_suffix)

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints not deleted yet, the oldest first."""
        return [p for p, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Any) -> None:
        """Say which checkpoints there are, the oldest first."""
        if not isinstance(last_checkpoints, list):
            raise AssertionError(f"last_checkpoints must be a list, got {last_checkpoints!r}")
        self._last_checkpoints = [(p, float("inf")) for p in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Any) -> None:
        """Say which checkpoints there are and when they were written."""
        if not isinstance(last_checkpoints_with_time, list):
            raise AssertionError(f"last_checkpoints_with_time must be a list, got {last_checkpoints_with_time!r}")
        self._last_checkpoints = last_checkpoints_with_time

    def recover_last_checkpoints(self, checkpoint_paths: Any) -> None:
        """Take up the checkpoints of an earlier run."""
        there = [p for p in checkpoint_paths if checkpoint_exists(p)]
        self.set_last_checkpoints_with_time(list(zip(there, get_checkpoint_mtimes(there))))

    # -- saving and restoring ----------------------------------------------------------------------------------------
    def save(self, sess: Any, save_path: Any, global_step: Any = None, latest_filename: str | None = None, meta_graph_suffix: str = "meta",
             write_meta_graph: bool = True, write_state: bool = True, strip_default_attrs: bool = False, save_debug_info: bool = False) -> str | None:  # fmt: skip
        """Write a checkpoint; gives its prefix, `save_path` with the step's number behind."""
        in_graph = door.current().is_graph or sess is not None
        if not self._is_built and in_graph:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        save_path = os.fspath(save_path)
        if global_step is not None:
            if (
                not isinstance(global_step, int)
                and not hasattr(global_step, "__index__")
                or isinstance(global_step, (Tensor, Variable))
            ):
                global_step = sess.run(global_step) if in_graph else int(global_step)
            path = f"{save_path}-{int(global_step):08d}" if self._pad_step_number else f"{save_path}-{int(global_step)}"
        else:
            path = save_path
            if os.path.basename(path) == latest_filename and not self._sharded:
                raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
        if self._is_empty:
            return None
        folder = os.path.dirname(save_path)
        if in_graph and not hasattr(sess, "run"):
            raise TypeError(f"'sess' must be a Session; {sess}")
        there = folder if self._sharded else os.path.dirname(os.path.abspath(folder))  # one folder is made, not two
        if folder and "://" not in folder and not os.path.isdir(there):
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.")
        try:
            path = self._write(sess, path) if in_graph else self._write_eagerly(path)
        except (errors.FailedPreconditionError, errors.NotFoundError) as e:
            if folder and not os.path.isdir(folder):
                raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.") from e
            raise
        if write_state:
            self._record(path)
            record_state(folder, path, self.last_checkpoints, latest_filename, self._save_relative_paths)
            self._forget_old(meta_graph_suffix)
        if write_meta_graph and in_graph:
            with sess.graph.as_default():
                self.export_meta_graph(
                    f"{path}.{meta_graph_suffix}",
                    strip_default_attrs=strip_default_attrs,
                    save_debug_info=save_debug_info,
                )
        return path

    def _write(self, sess: Any, path: str) -> str:
        return _text(sess.run(self.saver_def.save_tensor_name, {self.saver_def.filename_tensor_name: path}))

    def _write_eagerly(self, path: str) -> str:
        names, specs, tensors, _ = _entries(saveables(self._var_list))
        save_v2(path, names, specs, [t() for t in tensors])
        return path

    def restore(self, sess: Any, save_path: Any) -> None:
        """Give the variables the values of a checkpoint."""
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        path = os.fspath(save_path)
        if not checkpoint_exists(path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {path}")
        logging.getLogger("tensorflow").info("Restoring parameters from %s", path)
        if sess is None and not door.current().is_graph:
            things = saveables(self._var_list)
            names, specs, _, kinds = _entries(things)
            _restored(things, restore_v2(path, names, specs, dtypes=kinds), self._reshape)
            return
        try:
            sess.run(self.saver_def.restore_op_name, {self.saver_def.filename_tensor_name: path})
        except errors.NotFoundError as e:
            if self._restore_objects(sess, path):
                return
            raise errors.NotFoundError(
                e.node_def, e.op, _failed(e, "a Variable name or other graph key that is missing from the checkpoint")
            ) from e
        except errors.InvalidArgumentError as e:
            raise errors.InvalidArgumentError(
                e.node_def, e.op, _failed(e, "a mismatch between the current graph and the graph from the checkpoint")
            ) from e

    def _restore_objects(self, sess: Any, path: str) -> bool:
        """Restore, by the names that its variables had, a checkpoint of objects; False when it is none."""
        from penstock.state.checkpoint_restore import read_object_graph

        reader = bundle.Reader(path)
        proto = read_object_graph(reader)
        if proto is None:
            return False
        keys = {a.full_name: a.checkpoint_key for node in proto.nodes for a in node.attributes if a.full_name}
        things = saveables(self._var_list if self._var_list is not None else _all_saveable_objects())
        lacking = sorted({t.key for t in things} - keys.keys())
        if lacking:
            gone = sorted(keys.keys() - {t.key for t in things})
            raise errors.NotFoundError(
                None, None, _UNKNOWN_NAMES.format(", ".join(lacking), ", ".join(gone), len(keys.keys() & {t.key for t in things})),
            )  # fmt: skip
        logging.getLogger("tensorflow").warning(
            "Restoring an object-based checkpoint using a name-based saver. This may be somewhat fragile, and will re-build the Saver. Instead, "
            "consider loading object-based checkpoints using tf.train.Checkpoint()."
        )
        if self._object_restore is None:
            with sess.graph.as_default(), sess.graph.control_dependencies(None), sess.graph.name_scope("save_objects"):
                prefix = placeholder(dtypes.string, shape=())
                _, specs, _, kinds = _entries(things)
                values = restore_v2(prefix, [keys[t.key] for t in things], specs, dtypes=kinds)
                self._object_restore = prefix, group(*_restored(things, values, self._reshape))
        prefix, restore = self._object_restore
        sess.run(restore, {prefix: path})
        return True

    # -- protocol buffers --------------------------------------------------------------------------------------------
    def as_saver_def(self) -> Any:
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The SaverDef, with names relative to the scope; None when it is not in it."""
        if export_scope is None:
            return self.saver_def
        if not (self.saver_def.filename_tensor_name.startswith(export_scope) and self.saver_def.save_tensor_name.startswith(export_scope)
                and self.saver_def.restore_op_name.startswith(export_scope)):  # fmt: skip
            return None
        made = type(self.saver_def)()
        made.CopyFrom(self.saver_def)
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(made, field, getattr(made, field)[len(export_scope) :].lstrip("/"))
        return made

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> "Saver":
        """The saver that a SaverDef describes."""
        if import_scope:
            copied = type(saver_def)()
            copied.CopyFrom(saver_def)
            for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
                setattr(copied, field, f"{import_scope}/{getattr(copied, field)}")
            saver_def = copied
        return Saver(saver_def=saver_def)

    def export_meta_graph(self, filename: str | None = None, collection_list: Any = None, as_text: bool = False, export_scope: str | None = None,
                          clear_devices: bool = False, clear_extraneous_savers: bool = False, strip_default_attrs: bool = False,
                          save_debug_info: bool = False) -> Any:  # fmt: skip
        """The graph, its collections and this saver as a MetaGraphDef."""
        from penstock.state.meta_graph import export_meta_graph

        return export_meta_graph(filename, saver_def=self.saver_def, collection_list=collection_list, as_text=as_text, export_scope=export_scope,
                                 clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)  # fmt: skip


_UNKNOWN_NAMES = (
    "\n\nExisting variables not in the checkpoint: {}\n\nVariables names when this checkpoint was written which don't exist now: {}\n\n"
    "({} variable name(s) did match)\n\nCould not find some variables in the checkpoint (see names above). Saver was attempting to load an "
    "object-based checkpoint (saved using tf.train.Checkpoint or tf.keras.Model.save_weights) using variable names. If the checkpoint was written "
    "with eager execution enabled, it's possible that variable names have changed (for example missing a '_1' suffix). It's also possible that "
    "there are new variables which did not exist when the checkpoint was written. You can construct a Saver(var_list=...) with only the variables "
    "which previously existed, and if variable names have changed you may need to make this a dictionary with the old names as keys."
)


def _text(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    return value.decode() if isinstance(value, bytes) else str(value)


def _failed(error: Any, cause: str) -> str:
    return (f"Restoring from checkpoint failed. This is most likely due to {cause}. Please ensure that you have not altered the graph expected based "
            f"on the checkpoint. Original error:\n\n{error.message}")  # fmt: skip
