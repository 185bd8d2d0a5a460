"""`tf.train.CheckpointManager`: which checkpoints of an object are kept."""

import collections
import os
import time
from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.state.checkpoint import CheckpointOptions, get_session
from penstock.state.checkpoint_writer import writer
from penstock.state.checkpoints import checkpoint_exists, get_checkpoint_state, record_state, remove_checkpoint
from penstock.state.variable import Variable


def _number(value: Any) -> int:
    """An integer, or what an integer tensor or variable holds."""
    return value if isinstance(value, int) else int(value.numpy())


def _value(counter: Any) -> int:
    if door.current().is_graph and isinstance(counter, (Tensor, Variable)):
        return int(get_session().run(counter))
    return int(counter.numpy()) if hasattr(counter, "numpy") else int(counter)


@export("train.CheckpointManager")
class CheckpointManager:
    """Saves numbered checkpoints into a folder, deletes old ones, and finds the latest again.

    >>> manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(1.0)), "/tmp/model", max_to_keep=3)
    >>> checkpoint.restore(manager.latest_checkpoint); manager.save()
    """

    def __init__(self, checkpoint: Any, directory: Any, max_to_keep: int | None, keep_checkpoint_every_n_hours: float | None = None,
                 checkpoint_name: str = "ckpt", step_counter: Any = None, checkpoint_interval: int | None = None,
                 init_fn: Callable[[], Any] | None = None, last_checkpoint_step: int | None = None):  # fmt: skip
        self._checkpoint = checkpoint
        self._save_counter_assign: Any = None
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        self._max_to_keep, self._keep_hours = max_to_keep, keep_checkpoint_every_n_hours
        self._directory = os.fspath(directory)
        self._checkpoint_prefix = os.path.join(self._directory, checkpoint_name)
        self._init_fn = init_fn
        if checkpoint_interval is not None:
            if step_counter is None:
                raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
            self._last_checkpoint_step = last_checkpoint_step
            self._step_counter = step_counter
        self._checkpoint_interval = checkpoint_interval
        now = time.time()
        self._maybe_delete: collections.OrderedDict[str, float] = collections.OrderedDict()
        recovered = get_checkpoint_state(self._directory)
        if recovered is None:
            self._latest_checkpoint: str | None = None
            self._last_preserved = now - 1.0
            return
        self._latest_checkpoint = recovered.model_checkpoint_path
        self._last_preserved = recovered.last_preserved_timestamp or now
        paths, times = list(recovered.all_model_checkpoint_paths), list(recovered.all_model_checkpoint_timestamps)
        if len(times) != len(paths):
            times = [now] * len(paths)
        for path, stamp in zip(paths, times):
            self._maybe_delete[path] = stamp

    @property
    def directory(self) -> str:
        """The folder of the checkpoints."""
        return self._directory

    @property
    def checkpoint_interval(self) -> int | None:
        return self._checkpoint_interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the newest checkpoint, for `Checkpoint.restore`; None when there is none."""
        return self._latest_checkpoint

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are managed, the oldest first."""
        return list(self._maybe_delete)

    @property
    def checkpoint(self) -> Any:
        """The `tf.train.Checkpoint` that is saved."""
        return self._checkpoint

    def _record_state(self) -> None:
        names, stamps = zip(*self._maybe_delete.items())
        assert self._latest_checkpoint is not None
        record_state(self._directory, self._latest_checkpoint, list(names), None, True, list(stamps), self._last_preserved)

    def _sweep(self) -> None:
        """Delete what is not kept."""
        if not self._max_to_keep:
            return
        while len(self._maybe_delete) > self._max_to_keep:
            path, stamp = self._maybe_delete.popitem(last=False)
            if self._keep_hours and stamp - self._keep_hours * 3600.0 >= self._last_preserved:
                self._last_preserved = stamp
                continue
            remove_checkpoint(path)

    @property
    def _prefix(self) -> str:
        return self._checkpoint_prefix

    def _due(self, check_interval: bool) -> bool:
        if self._checkpoint_interval is None:
            return True
        step = _value(self._step_counter)
        if self._last_checkpoint_step is not None and (
            step == self._last_checkpoint_step or (check_interval and step < self._last_checkpoint_step + self._checkpoint_interval)
        ):
            return False
        self._last_checkpoint_step = step
        return True

    def _count(self) -> int:
        if not door.current().is_graph:
            self._checkpoint.save_counter.assign_add(1)
            return int(self._checkpoint.save_counter.numpy())
        session = get_session()
        if self._save_counter_assign is None:
            fresh = getattr(self._checkpoint, "_save_counter", None) is None
            counter = self._checkpoint.save_counter
            if fresh:
                session.run(counter.initializer)
            self._save_counter_assign = counter.assign_add(1, read_value=True)
        return int(session.run(self._save_counter_assign))

    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: CheckpointOptions | None = None) -> str | None:
        """Write a checkpoint and delete what is too old; gives its path, None when none is due by `checkpoint_interval`."""
        if not self._due(check_interval):
            return None
        running = self._count()
        number = running if checkpoint_number is None else _number(checkpoint_number)
        prefix = f"{self._checkpoint_prefix}-{number}"
        if options is not None and options.experimental_enable_async_checkpoint:
            options = _with_callback(options, self._kept)
            return self._checkpoint._write(prefix, options, state=False)
        path = self._checkpoint.write(prefix) if options is None else self._checkpoint.write(prefix, options=options)
        self._kept(path)
        return path

    def _kept(self, path: str) -> None:
        """Note a checkpoint that was written."""
        self._latest_checkpoint = path
        self._maybe_delete.pop(path, None)
        self._maybe_delete[path] = time.time()
        self._record_state()
        self._sweep()
        self._record_state()

    def restore_or_initialize(self) -> str | None:
        """Restore the latest checkpoint, giving its path; call `init_fn` when there is none."""
        if self._latest_checkpoint is not None:
            self._checkpoint.restore(self._latest_checkpoint)
            if self._checkpoint_interval is not None:
                self._last_checkpoint_step = _value(self._step_counter)
            return self._latest_checkpoint
        if self._init_fn is not None:
            self._init_fn()
        return None

    def sync(self) -> None:
        """Wait until what is saved in the background is written."""
        writer.sync()


def _with_callback(options: CheckpointOptions, callback: Callable[[str], None]) -> CheckpointOptions:
    made = options.__copy__()
    made.experimental_write_callbacks = [*(options.experimental_write_callbacks or ()), callback]
    return made


__all__ = ["CheckpointManager", "checkpoint_exists"]
