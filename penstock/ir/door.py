"""The one door: every op call, from every front, passes `emit`.

The current emitter (a Graph, or the eager runner) resolves the arguments, then adds or runs the op; the watchers (gradient
tapes, forward accumulators) see what came of it.
"""

import threading
from collections.abc import Callable
from typing import Any, Protocol


class Emitter(Protocol):
    """Where ops go: a Graph adds them, the eager runner runs them."""

    is_graph: bool

    def emit(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None) -> Any: ...

    def convert(self, value: Any, dtype: Any = None, name: str | None = None) -> Any: ...


class _State(threading.local):
    emitter: Any = None  # None: `default_emitter`
    stack: tuple[Any, ...] = ()
    watchers: tuple[Any, ...] = ()
    name_scope: str = ""  # the eager name scope
    device: str = ""  # the eager device scope
    lifted: Any = None  # the function that is being traced around code which `init_scope` lifted out of it


state = _State()

# Slots handed down by upper floors, once, at import.
default_emitter: Any = None  # the eager runner; or the global default graph when eager execution is off
derive_shape: Callable[..., Any] | None = None  # engine.shapes
load_op: Callable[[str], Any] | None = None  # api: op name -> its file is imported


def current() -> Any:
    """The emitter that ops go to now."""
    return state.emitter or default_emitter


def executing_eagerly() -> bool:
    return not current().is_graph


def emit(op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
    return (state.emitter or default_emitter).emit(op, inputs, attrs, name)


def convert(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as a tensor of the current emitter."""
    return (state.emitter or default_emitter).convert(value, dtype, name)


class using:
    """A context in which ops go to `emitter` (None: the default one)."""

    def __init__(self, emitter: Any):
        self.emitter = emitter

    def __enter__(self) -> Any:
        state.stack = (*state.stack, state.emitter)
        state.emitter = self.emitter
        return self.emitter

    def __exit__(self, *_: object) -> None:
        *rest, state.emitter = state.stack
        state.stack = tuple(rest)


class watching:
    """A context in which `watcher` sees every op; `watching(None)` hides ops from all watchers."""

    def __init__(self, watcher: Any):
        self.watcher = watcher

    def __enter__(self) -> None:
        self.before = state.watchers
        state.watchers = (*self.before, self.watcher) if self.watcher is not None else ()

    def __exit__(self, *_: object) -> None:
        state.watchers = self.before
