"""`tf.CriticalSection`: code that one caller runs at a time."""

import threading
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.fronts.lift import control_dependencies
from penstock.ir import door
from penstock.ir.graph import Operation
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor

_locks: dict[str, Any] = {}


@export("CriticalSection")
class CriticalSection:
    """Runs functions one after the other: in eager code under a lock, in a graph by control edges.

    >>> v = tf.Variable(0.)
    >>> float(tf.CriticalSection().execute(lambda: v.assign_add(1.)))
    1.0
    """

    def __init__(self, name: str | None = None, shared_name: str | None = None, critical_section_def: Any = None, import_scope: Any = None):
        if critical_section_def and name is not None:
            raise ValueError(f"Arguments critical_section_def={critical_section_def} and shared_name={shared_name} are mutually exclusive. Please only specify one of them.")
        if critical_section_def:
            raise ValueError("Argument `critical_section_def` is not supported.")
        with scoped(name, "CriticalSection") as scope:
            self._name = (scope or name or "CriticalSection").rstrip("/")
        self._lock = _locks.setdefault(shared_name, threading.RLock()) if shared_name else threading.RLock()
        self._last: dict[Any, list[Any]] = {}  # graph -> what its last execution made
        self._running = threading.local()

    @property
    def name(self) -> str:
        """The name of its resource."""
        return self._name

    def execute(self, fn: Any, exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """What `fn()` gives, run while nobody else is in this section."""
        if getattr(self._running, "inside", False):
            raise ValueError(f"Attempting to lock a CriticalSection (self={self.name}) in which we are already running. This is illegal and would deadlock.")
        with scoped(name, "critical_section_execute"):
            here = door.current()
            if not here.is_graph:
                with self._lock:
                    return self._run(fn)
            with control_dependencies(self._last.get(here, [])):
                made = self._run(fn)
            flat = [t for t in nest.flatten(made, expand_composites=True) if isinstance(t, Tensor | Operation)]
            after = [t for t in flat if t.graph is here] if flat else []
            self._last[here] = after
            return nest.map_structure(lambda t: find("Identity")(t) if isinstance(t, Tensor) else t, made, expand_composites=True)

    def _run(self, fn: Any) -> Any:
        self._running.inside = True
        try:
            return fn()
        finally:
            self._running.inside = False
