"""`tf.train.Checkpoint`: the values of objects, saved and restored by their paths from a root."""

import os
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.base import bundle, dtypes, errors
from penstock.base.export import export
from penstock.base.trackable import Trackable, TrackableReference
from penstock.fronts.lift import init_scope
from penstock.fronts.session import get_default_session
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.ops.checkpoint import save_v2
from penstock.ops.constants import placeholder
from penstock.ops.identity import identity
from penstock.state.auto_trackable import AutoTrackable, wrap_or_unwrap
from penstock.state.checkpoint_restore import (
    CheckpointPosition,
    NameBasedRestore,
    PathTensor,
    Restore,
    read_object_graph,
)
from penstock.state.checkpoint_status import CheckpointLoadStatus, InitializationOnlyStatus, NameBasedSaverStatus
from penstock.state.checkpoint_values import evaluated, gather
from penstock.state.checkpoint_writer import writer
from penstock.state.checkpoints import record_state
from penstock.state.object_graph import OBJECT_GRAPH_KEY, ObjectGraphView
from penstock.state.variable import VariableV1

_session_provider: Callable[[], Any] | None = None


@export("__internal__.tracking.register_session_provider")
def register_session_provider(session_provider: Callable[[], Any]) -> None:
    """Say which session saves and restores in graphs where none is the default."""
    global _session_provider
    if _session_provider is None:
        _session_provider = session_provider


def get_session() -> Any:
    """The default session, else what was registered gives, else None."""
    found = get_default_session()
    return _session_provider() if found is None and _session_provider is not None else found


@export("train.CheckpointOptions")
class CheckpointOptions:
    """How a Checkpoint is saved and restored.

    >>> checkpoint.save("ckpt", options=tf.train.CheckpointOptions(enable_async=True))
    """

    __slots__ = ("experimental_io_device", "experimental_enable_async_checkpoint", "experimental_write_callbacks", "enable_async",
                 "experimental_skip_slot_variables", "experimental_sharding_callback")  # fmt: skip

    def __init__(self, experimental_io_device: Any = None, experimental_enable_async_checkpoint: bool = False,
                 experimental_write_callbacks: Sequence[Callable[..., Any]] | None = None, enable_async: bool = False,
                 experimental_skip_slot_variables: bool = False, experimental_sharding_callback: Any = None):  # fmt: skip
        self.experimental_io_device = experimental_io_device
        self.enable_async = experimental_enable_async_checkpoint or enable_async
        self.experimental_enable_async_checkpoint = self.enable_async
        if experimental_write_callbacks is not None:
            import inspect

            for callback in experimental_write_callbacks:
                if len(inspect.signature(callback).parameters) > 1:
                    raise AssertionError(f"A callback given in `experimental_write_callbacks` must take zero or one argument, {callback} takes more.")
        self.experimental_write_callbacks = experimental_write_callbacks
        self.experimental_skip_slot_variables = experimental_skip_slot_variables
        self.experimental_sharding_callback = experimental_sharding_callback

    def __copy__(self) -> "CheckpointOptions":
        made = type(self)()
        for name in self.__slots__:
            setattr(made, name, getattr(self, name))
        return made


class TrackableSaver:
    """Saves and restores what hangs on one root."""

    def __init__(self, view: ObjectGraphView):
        self._graph_view = view
        self._path_tensor = PathTensor()
        self._restore_ops: dict[Any, Any] = {}
        self._save_ops: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    # -- saving ----------------------------------------------------------------------------------------------------------
    def save(self, path: Any, options: CheckpointOptions, session: Any = None, done: Sequence[Callable[[str], None]] = ()) -> str:
        """Write all values to `path`; `done` is called with it when the files are there."""
        if door.current().is_graph:
            path = self._save_in_graph(path, session)
            for one in done:
                one(path)
            return path
        proto, entries = gather(self._graph_view.layout())
        arrays = [(k, s, _array(evaluated(t), options.enable_async), d) for k, s, t, d in entries]
        graph_text = np.empty((), object)
        graph_text[()] = proto.SerializeToString(deterministic=True)
        arrays.append((OBJECT_GRAPH_KEY, "", graph_text, dtypes.string))
        shards = self._shards(arrays, entries, options)
        writer.write(path, shards, options.enable_async, done)
        return path

    def _shards(self, arrays: list[Any], entries: list[Any], options: CheckpointOptions) -> list[list[Any]]:
        if options.experimental_sharding_callback is None:
            return [arrays]
        from penstock.state.checkpoint_shards import split

        return split(arrays, options.experimental_sharding_callback)

    def _save_in_graph(self, path: str, session: Any) -> str:
        graph = door.current()
        proto, entries = gather(self._graph_view.layout())
        names = [(k, s) for k, s, _, _ in entries]
        made = self._save_ops.get(graph)
        if made is None or made[2] != names:
            with graph.control_dependencies(None), graph.name_scope("save"):
                prefix, text = (placeholder(dtypes.string, shape=[], name=n) for n in ("checkpoint_prefix", "object_graph"))
                fed = {k: placeholder(dtypes.string, shape=[]) for k, _, t, _ in entries if isinstance(t, bytes)}
                tensors = [fed[k] if k in fed else evaluated(t) for k, _, t, _ in entries]
                op = save_v2(prefix, [*(k for k, _ in names), OBJECT_GRAPH_KEY], [*(s for _, s in names), ""], [*tensors, text])
            made = self._save_ops[graph] = (op, (prefix, text, fed), names)
        op, (prefix, text, fed), _ = made
        session = get_session() if session is None else session
        if session is None:
            raise RuntimeError("When called in a graph, save needs a session: pass `session`, or save inside of `with tf.compat.v1.Session():`.")
        feeds = {prefix: path, text: proto.SerializeToString(deterministic=True)}
        feeds.update({fed[k]: t for k, _, t, _ in entries if k in fed})
        session.run(op, feed_dict=feeds)
        return path

    def save_in_function(self, path: Any) -> Any:
        """The ops that write a checkpoint, in a function being traced; the path as a tensor."""
        here = door.current()
        proto, entries = gather(self._graph_view.layout())
        path = here.convert(path, dtypes.string)
        tensors = [here.convert(evaluated(t)) for _, _, t, _ in entries]
        text = here.convert(proto.SerializeToString(deterministic=True))
        op = save_v2(path, [*(k for k, *_ in entries), OBJECT_GRAPH_KEY], [*(s for _, s, *_ in entries), ""], [*tensors, text])
        with here.control_dependencies([op]):
            return identity(path)

    # -- restoring -------------------------------------------------------------------------------------------------------
    def restore(self, path: str | None, options: CheckpointOptions) -> Any:
        """Give the objects the values of the checkpoint; the status that says what was matched."""
        if path is None:
            return InitializationOnlyStatus(self._graph_view, 0)
        reader = bundle.Reader(path)
        proto = read_object_graph(reader)
        if proto is None:
            named = NameBasedRestore(path, reader)
            if not door.current().is_graph:
                named.restore_by_name(self._graph_view.root)
                for one in self._graph_view.attached_dependencies or ():
                    named.restore_by_name(one.ref)
            return NameBasedSaverStatus(named, self._graph_view)
        checkpoint = Restore(proto, path, self._path_tensor, self._restore_ops, self._graph_view, options)
        position = CheckpointPosition(checkpoint, 0)
        position.restore(self._graph_view.root)
        attached = self._graph_view.attached_dependencies
        if attached:
            for ref in attached:
                if ref.name == "root":
                    continue  # the root does not depend on itself
                number = next((c.node_id for c in proto.nodes[0].children if c.local_name == ref.name), None)
                if number is None:
                    continue
                following = CheckpointPosition(checkpoint, number)
                if checkpoint.bound(number) is None:
                    self._forget_waiting(ref.name, checkpoint)
                    following.restore(ref.ref)
        return CheckpointLoadStatus(checkpoint, self._path_tensor.feeds(path), self._graph_view, options)

    def _forget_waiting(self, name: str, checkpoint: Restore) -> None:
        waiting = self._graph_view.root._deferred_dependencies.get(name, [])
        waiting[:] = [p for p in waiting if p.checkpoint is not checkpoint]


def _array(tensor: Any, copied: bool) -> np.ndarray:
    if isinstance(tensor, Tensor):
        tensor = tensor._numpy_view()  # type: ignore[attr-defined]
    array = np.asarray(tensor)
    return array.copy() if copied and array.dtype != object else array


def _check_trackable(value: Any, name: str) -> None:
    if not isinstance(value, Trackable):
        raise ValueError(
            f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from `Trackable`), got {value}. If you believe this "
            "object should be trackable (i.e. it is part of the TensorFlow Python API and manages state), please open an issue."
        )


def _text(path: Any) -> str:
    if isinstance(path, Tensor):
        path = path.numpy() if hasattr(path, "numpy") else path
    if isinstance(path, np.ndarray):
        path = path.item()
    path = os.fspath(path)
    return path.decode() if isinstance(path, bytes) else path


class _Checkpoint(AutoTrackable):
    """What `tf.train.Checkpoint` is in both APIs."""

    _attached: list[TrackableReference] | None = None
    _save_counter: Any
    _saver: TrackableSaver

    def _begin(self) -> None:
        self._maybe_initialize_trackable()
        before, self._self_setattr_tracking = self._setattr_tracking, False
        self._save_counter = None
        self._save_assign_op: Any = None
        self._self_setattr_tracking = before

    def _maybe_create_save_counter(self) -> None:
        """The counter of saves comes to be at the first save or restore."""
        if self._save_counter is not None:
            return
        with init_scope():
            home = self if self._attached is None else self._saver._graph_view.root
            initial = home._preload_simple_restoration("save_counter")
            counter = VariableV1(
                0 if initial is None else initial, name="save_counter", dtype=dtypes.int64, trainable=False, use_resource=True
            )
        self._save_counter = self._no_dependency(counter)
        self._track_trackable(counter, name="save_counter")
        if self._attached is not None:
            self._attached.append(TrackableReference("save_counter", counter))
            home._handle_deferred_dependencies("save_counter", counter)

    @property
    def save_counter(self) -> Any:
        """How often `save` was called: the number that the next path gets is one more."""
        self._maybe_create_save_counter()
        return self._save_counter

    def _next_path(self, prefix: str, session: Any) -> str:
        graph_building = door.current().is_graph
        if graph_building:
            session = get_session() if session is None else session
            if session is None:
                raise RuntimeError("When called in a graph, save needs a session: pass `session`, or save inside of `with tf.compat.v1.Session():`.")
            if self._save_counter is None:
                session.run(self.save_counter.initializer)
        if self._save_assign_op is None or not graph_building:
            self._self_setattr_tracking = False
            self._save_assign_op = self.save_counter.assign_add(1, read_value=True)
            self._self_setattr_tracking = True
        number = int(session.run(self._save_assign_op) if graph_building else self._save_counter.numpy())
        return f"{prefix}-{number:d}"


@export(v2=("train.Checkpoint",))
class Checkpoint(_Checkpoint):
    """Saves and restores objects: models, optimizers, iterators, and all that they depend on.

    >>> checkpoint = tf.train.Checkpoint(model=tf.Module(), step=tf.Variable(1))
    >>> path = checkpoint.save("/tmp/ckpt"); checkpoint.restore(path).assert_consumed()
    """

    def __init__(self, root: Any = None, **kwargs: Any):
        super().__init__()
        self._begin()
        self._self_setattr_tracking = False
        attached: list[TrackableReference] | None = None
        if root is not None:
            root = root() if isinstance(root, weakref.ref) else root
            _check_trackable(root, "root")
            attached = []
            kwargs["root"] = root
            root._maybe_initialize_trackable()
        self._self_setattr_tracking = True
        for key, value in sorted(kwargs.items()):
            if key == "save_counter":
                raise AttributeError("property 'save_counter' of 'Checkpoint' object has no setter")
            setattr(self, key, value)
            converted = wrap_or_unwrap(getattr(self, key))
            held = converted() if isinstance(converted, weakref.ref) else converted
            _check_trackable(held, key)
            if attached is not None:
                if key != "root":
                    child = root._lookup_dependency(key)
                    if child is None:
                        child = root._trackable_children().get(key)
                    if child is not None and child is not held:
                        raise ValueError(f"Cannot create a Checkpoint with keyword argument {key} if root.{key} already exists.")
                    if child is not None:
                        continue
                attached.append(TrackableReference(key, held))
        self._self_setattr_tracking = False
        self._attached = attached
        self._saver = TrackableSaver(ObjectGraphView(self if root is None else root, attached))
        self._self_setattr_tracking = True

    def _write(self, file_prefix: Any, options: CheckpointOptions | None, state: bool) -> str:
        options = options or CheckpointOptions()
        use_async = options.experimental_enable_async_checkpoint  # what is no CheckpointOptions shows itself here
        path = _text(file_prefix)
        done = [lambda p: _record(p)] if state else []
        done += [_called_with_path(c) for c in options.experimental_write_callbacks or ()]
        if use_async and door.current().is_graph:
            raise NotImplementedError("Calling tf.train.Checkpoint.save() asynchronously is only possible in eager code.")
        return self._saver.save(path, options, done=done)

    def write(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Write a checkpoint to this very path, without counting or a `checkpoint` file; gives the path."""
        if door.current().is_graph and door.current().building_function:
            return self._saver.save_in_function(file_prefix)
        return self._write(file_prefix, options, state=False)

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Write a checkpoint to `file_prefix` with a running number and note it in the folder's `checkpoint` file; gives the path."""
        _not_in_function()
        options = options or CheckpointOptions()
        options.experimental_enable_async_checkpoint  # noqa: B018 - an AttributeError for what is no CheckpointOptions
        self._maybe_create_save_counter()
        return self._write(self._next_path(_text(file_prefix), None), options, state=True)

    def read(self, save_path: Any, options: CheckpointOptions | None = None) -> Any:
        """Restore what `write` wrote; gives a status whose assertions say what was matched."""
        writer.sync()
        options = options or CheckpointOptions()
        return self._saver.restore(None if save_path is None else _text(save_path), options)

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> Any:
        """Restore what `save` wrote; gives a status whose assertions say what was matched."""
        if isinstance(save_path, os.PathLike):
            save_path = os.fspath(save_path)
        if isinstance(save_path, str) and any(os.path.isfile(os.path.join(save_path, f"saved_model.{end}")) for end in ("pb", "pbtxt")):
            save_path = os.path.join(save_path, "variables", "variables")
        try:
            status = self.read(save_path, options=options)
        except errors.NotFoundError as e:
            raise errors.NotFoundError(
                None,
                None,
                f"Error when restoring from checkpoint or SavedModel at {save_path}: {e.message}\nPlease double-check that the path is correct. You may "
                "be missing the checkpoint suffix (e.g. the '-1' in 'path/to/ckpt-1').",
            ) from e
        self._maybe_create_save_counter()
        if isinstance(status, NameBasedSaverStatus):
            status.add_to_optionally_restored(self.save_counter)
        return status

    def sync(self) -> None:
        """Wait until what `enable_async` saves is written."""
        writer.sync()


@export(v1=("train.Checkpoint",))
class CheckpointV1(_Checkpoint):
    """Saves and restores objects in graphs and in eager code.

    >>> checkpoint = tf.train.Checkpoint(optimizer=optimizer, model=model); status = checkpoint.restore(path)
    >>> with tf.Session() as session: status.run_restore_ops(session); checkpoint.save("ckpt", session=session)
    """

    def __init__(self, **kwargs: Any):
        super().__init__()
        self._begin()
        for key, value in sorted(kwargs.items()):
            if key == "save_counter":
                raise AttributeError("property 'save_counter' of 'Checkpoint' object has no setter")
            if not isinstance(wrap_or_unwrap(value), Trackable):
                raise ValueError(
                    "`Checkpoint` was expecting a trackable object (an object derived from `Trackable`), got "
                    f"{value}. If you believe this object should be trackable (i.e. it is part of the TensorFlow Python API and manages state), "
                    "please open an issue."
                )
            setattr(self, key, value)
        self._self_setattr_tracking = False
        self._saver = TrackableSaver(ObjectGraphView(self))
        self._self_setattr_tracking = True

    def write(self, file_prefix: Any, session: Any = None) -> str:
        """Write a checkpoint to this very path; gives the path."""
        path = _text(file_prefix)
        return self._saver.save(path, CheckpointOptions(), session=session)

    def save(self, file_prefix: Any, session: Any = None) -> str:
        """Write a checkpoint with a running number and note it in the folder's `checkpoint` file; gives the path."""
        _not_in_function()
        path = self._next_path(_text(file_prefix), session)
        return self._saver.save(path, CheckpointOptions(), session=session, done=[_record])

    def restore(self, save_path: Any) -> Any:
        """Restore a checkpoint; in a graph by the `run_restore_ops` or `initialize_or_restore` of the status that this gives."""
        writer.sync()
        status = self._saver.restore(None if save_path is None else _text(save_path), CheckpointOptions())
        self._maybe_create_save_counter()
        if isinstance(status, NameBasedSaverStatus):
            status.add_to_optionally_restored(self.save_counter)
        return status


def _record(path: str) -> None:
    record_state(os.path.dirname(path), path, [path], None, relative=True)


def _called_with_path(callback: Callable[..., Any]) -> Callable[[str], Any]:
    import inspect

    return callback if len(inspect.signature(callback).parameters) == 1 else lambda path: callback()


def _not_in_function() -> None:
    here = door.current()
    if here.is_graph and here.building_function:
        raise NotImplementedError(
            "Calling tf.train.Checkpoint.save() from a function is not supported, as save() modifies saving metadata in ways not supported by "
            "TensorFlow Operations. Consider using tf.train.Checkpoint.write(), a lower-level API which does not update metadata. "
            "tf.train.latest_checkpoint and related APIs will not see this checkpoint."
        )
