"""`tf.GradientTape`: gradients of what ran while the tape was on."""

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.fronts import backprop
from penstock.fronts.gradients import UnconnectedGradients, source_tensor
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor


class Record:
    """One call that a tape saw: as much of an operation as a gradient rule looks at."""

    __slots__ = ("definition", "_inputs", "attrs", "outputs", "_gradient_function", "gradient_name")

    def __init__(self, definition: Any, inputs: Any, attrs: Any, outputs: Any, own: Any = None):
        self.definition, self._inputs, self.attrs, self.outputs, self._gradient_function = definition, inputs, attrs, outputs, own
        self.gradient_name = None

    inputs = property(lambda s: s._inputs)
    type = property(lambda s: s.definition.name)

    def get_attr(self, name: str) -> Any:
        return self.attrs[name]


@export("GradientTape", "autodiff.GradientTape")
class GradientTape:
    """Records what runs inside its context, for gradients of it.

    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x).numpy()
    np.float32(6.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent, self._watch_variables = persistent, watch_accessed_variables
        self._records: list[Any] | None = []
        self._watched: set[int] = set()
        self._held: dict[int, Any] = {}  # keeps what is watched alive, so that ids stay its own
        self._variables: dict[int, Any] = {}
        self._recording = False
        self._used = False

    def __enter__(self) -> "GradientTape":
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._recording:
            self._stop()

    def _start(self) -> None:
        if self._recording:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        self._recording = True
        if self._records is None:
            self._records = []
        door.state.watchers = (*door.state.watchers, self)

    def _stop(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._recording = False
        door.state.watchers = tuple(w for w in door.state.watchers if w is not self)

    # -- the watcher -------------------------------------------------------------------------------------------------
    def __call__(self, op: Any, inputs: Any, attrs: Any, outputs: Any, node: Any) -> None:
        watched = self._watched
        for t in inputs:
            if t._id in watched:
                break
        else:
            return
        hit = False
        for o in outputs:
            if o.dtype.is_differentiable or o.dtype.group == "" or o.dtype.is_ref:
                watched.add(o._id)
                hit = True
        if hit:
            self._records.append(node if node is not None else Record(op, inputs, attrs, outputs))  # type: ignore[union-attr]

    def record(self, definition: Any, inputs: Any, attrs: Any, outputs: Any, own: Any) -> None:
        """Take a call whose gradient is a function of its own."""
        if any(t._id in self._watched for t in inputs):
            self._records.append(Record(definition, inputs, attrs, outputs, own))  # type: ignore[union-attr]
            self._watched.update(o._id for o in outputs)

    def watches(self, tensor: Any) -> bool:
        return tensor._id in self._watched

    def captured(self, outer: Any, inner: Any) -> None:
        """A function being traced took `outer` in as `inner`."""
        if outer._id in self._watched:
            self._watched.add(inner._id)

    def variable(self, variable: Any) -> None:
        """A variable is read while the tape is on."""
        if self._watch_variables and variable.trainable:
            self._watch_variable(variable)

    def _watch_variable(self, variable: Any) -> None:
        source = source_tensor(variable)
        self._watched.add(source._id)
        self._held[source._id] = source
        self._variables[id(variable)] = variable

    # -- what programs call ------------------------------------------------------------------------------------------
    def watch(self, tensor: Any) -> None:
        """Follow `tensor` (a tensor, a variable, or a nest of them)."""
        for t in nest.flatten(tensor, expand_composites=True) if not hasattr(tensor, "handle") else [tensor]:
            if not isinstance(t, Tensor) and not hasattr(t, "handle"):
                raise ValueError(f"Passed in object {t!r} of type {type(t).__name__!r}, not tf.Tensor or tf.Variable or ExtensionType.")
            if not t.dtype.is_differentiable and t.dtype.group != "":
                import logging

                logging.getLogger("tensorflow").warning("The dtype of the watched tensor must be floating (e.g. tf.float32), got %r", t.dtype)
            if hasattr(t, "handle") and not isinstance(t, Tensor):
                self._watch_variable(t)
            else:
                self._watched.add(t._id)
                self._held[t._id] = t

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A context in which this tape sees nothing."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forget everything recorded so far."""
        on = self._recording
        if on:
            self._stop()
        self._records, self._watched, self._held, self._variables = [], set(), {}, {}
        self._used = False
        if on:
            self._start()

    def watched_variables(self) -> tuple[Any, ...]:
        return tuple(self._variables.values())

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """The derivatives of the sum of `target` with respect to `sources`, in the structure of `sources`."""
        if self._used and not self._persistent:
            raise RuntimeError("A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)")
        if self._recording and not self._persistent:
            self._stop()
        unconnected = UnconnectedGradients(unconnected_gradients)
        self._used = True
        parts, rebuild = flatten_sources(sources)
        targets = [t for t in nest.flatten(target, expand_composites=True) if t is not None]
        targets = [self._target(t) for t in targets]
        if output_gradients is None:
            seeds = [None] * len(targets)
        else:
            seeds = [None if g is None else door.convert(g, t.dtype.base_dtype) if not backprop.is_slices(g) else g
                     for g, t in zip(nest.flatten(output_gradients, expand_composites=True), targets)]  # fmt: skip
        sums = self._pull(targets, seeds, parts)
        found = []
        for p, s in zip(parts, sums):
            if s is None and unconnected is UnconnectedGradients.ZERO:
                s = find("ZerosLike")(door.convert(p))
            found.append(s)
        if not self._persistent:
            self._records = None
            self._watched = set()
        return rebuild(found)

    def _target(self, target: Any) -> Any:
        found = self._recorded(target)
        return door.convert(target) if found is None else found

    def _recorded(self, value: Any) -> Any:
        """The tensor that stands for a value in what was recorded, which may have been in a graph further out; None when there is none."""
        t = value if isinstance(value, Tensor) else getattr(value, "handle", None)
        if not isinstance(t, Tensor):
            return None
        graphs, here = [], door.current()
        while here is not None and here.is_graph:
            graphs.append(here)
            here = getattr(here, "outer", None)
        for graph in (None, *reversed(graphs)):
            if graph is not None:
                t = getattr(graph, "_captured", {}).get(t._id, (t, t))[1]
            if t._id in self._watched:
                return t
        return None

    def _pull(self, targets: list[Any], seeds: list[Any], parts: list[Any]) -> list[Any]:
        records = self._records or []
        sources = [source_tensor(p) if (s := self._recorded(p)) is None else s for p in parts]
        grads: dict[int, list[Any]] = {}
        wanted = {s._id for s in sources}
        for t, dy in zip(targets, seeds):
            watched = t._id in self._watched
            if watched or t._id in wanted:  # a target that is a source itself needs no record
                if dy is None and watched and not t.dtype.is_differentiable:
                    continue
                grads.setdefault(t._id, []).append(find("OnesLike")(t) if dy is None else dy)
        sums = backprop.backprop(records, grads, self._watched, frozenset(), [s._id for s in sources])
        return [sums.get(s._id) for s in sources]

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: Any = UnconnectedGradients.NONE, parallel_iterations: Any = None,
                 experimental_use_pfor: bool = True) -> Any:  # fmt: skip
        """The derivative of every element of `target` with respect to `sources`: shape(target) + shape(source)."""
        from penstock.fronts.jacobian import jacobian

        return jacobian(self, target, sources, unconnected_gradients, parallel_iterations)

    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: Any = UnconnectedGradients.NONE, parallel_iterations: Any = None,
                       experimental_use_pfor: bool = True) -> Any:  # fmt: skip
        """The jacobian of each row of `target` with respect to the same row of `source`: [b, ...target, ...source]."""
        from penstock.fronts.jacobian import batch_jacobian

        return batch_jacobian(self, target, source, unconnected_gradients, parallel_iterations)


def flatten_sources(sources: Any) -> tuple[list[Any], Any]:
    """The tensors and variables that gradients are wanted for, and how to give gradients back in the same structure."""
    flat = nest.flatten(sources)
    parts, rebuilders = [], []
    for s in flat:
        inner = getattr(s, "_gradient_part", None)
        if inner is not None:
            parts.append(inner)
            rebuilders.append(s._with_gradient)
        else:
            if not isinstance(s, Tensor) and not hasattr(s, "handle") and not hasattr(s, "_ref_tensor"):
                s = door.convert(s)
            parts.append(s)
            rebuilders.append(lambda g: g)

    def rebuild(found: list[Any]) -> Any:
        return nest.pack_sequence_as(sources, [None if g is None else r(g) for r, g in zip(rebuilders, found)])

    return parts, rebuild


def variable_accessed(variable: Any) -> None:
    """Tell the tapes and the function being traced that a variable is read."""
    for w in door.state.watchers:
        note = getattr(w, "variable", None)
        if note is not None:
            note(variable)
    here = door.current()
    if here.is_graph:
        watch = getattr(here, "watch_variable", None)
        if watch is not None:
            watch(variable)


@contextlib.contextmanager
def stop_recording() -> Iterator[None]:
    """A context in which no tape sees anything."""
    with door.watching(None):
        yield

