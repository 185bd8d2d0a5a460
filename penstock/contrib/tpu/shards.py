"""`tensorflow.python.tpu.tpu_function`: how many shards the code that is being traced runs on."""

import contextlib
from collections.abc import Iterator
from typing import Any


class TpuContext:
    """What a computation may ask about the shards it runs on."""

    def __init__(self) -> None:
        self._number_of_shards: int | None = None

    @property
    def number_of_shards(self) -> int | None:
        """The number of shards; None outside of `tpu_shard_context`."""
        return self._number_of_shards

    def set_number_of_shards(self, number_of_shards: int | None) -> None:
        """Set it for what is traced next."""
        self._number_of_shards = number_of_shards


_current = TpuContext()


def get_tpu_context() -> TpuContext:
    """The one context of this process."""
    return _current


@contextlib.contextmanager
def tpu_shard_context(number_of_shards: int) -> Iterator[None]:
    """Trace for so many shards; no such context may be open already."""
    if _current.number_of_shards is not None:
        raise NotImplementedError("tpu_shard_context cannot be nested.")
    _current.set_number_of_shards(number_of_shards)
    try:
        yield
    finally:
        _current.set_number_of_shards(None)


def on_device_training_loop(func: Any) -> Any:
    """Mark a function as the training loop on the device."""
    func.step_marker_location = "STEP_MARK_AT_TOP_LEVEL_WHILE_LOOP"
    return func
