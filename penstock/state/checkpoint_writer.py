"""Writing checkpoints: at once, or by a thread while the program goes on."""

import atexit
import threading
from collections.abc import Callable, Sequence
from typing import Any

from penstock.base import bundle


class Writer:
    """Writes one checkpoint after the other; what goes wrong in the background is raised at the next call."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._registered = False

    def write(self, path: str, shards: list[list[Any]], background: bool, done: Sequence[Callable[[str], None]]) -> None:
        """Write the shards of a checkpoint, then call each of `done` with its path."""
        self.sync()
        if not background:
            self._write(path, shards, done)
            return
        if not self._registered:
            atexit.register(self.sync)
            self._registered = True
        self._thread = threading.Thread(target=self._guarded, args=(path, shards, done), name="checkpoint", daemon=False)
        self._thread.start()

    def _guarded(self, path: str, shards: list[list[Any]], done: Sequence[Callable[[str], None]]) -> None:
        try:
            self._write(path, shards, done)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error

    @staticmethod
    def _write(path: str, shards: list[list[Any]], done: Sequence[Callable[[str], None]]) -> None:
        bundle.write_shards(path, shards)
        for one in done:
            one(path)

    def sync(self) -> None:
        """Wait until all is written."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error


writer = Writer()
