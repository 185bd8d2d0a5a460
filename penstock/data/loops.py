"""`for x in dataset` and `for x in iterator` inside functions that AutoGraph converted."""

from typing import Any

from penstock.data import structure
from penstock.data.iterators import ITERATOR_GET_NEXT_AS_OPTIONAL
from penstock.data.optional import OPTIONAL_GET_VALUE, OPTIONAL_NONE
from penstock.fronts import control
from penstock.fronts.autograph.loops import _Later
from penstock.fronts.trace import FuncGraph
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.source import PLACEHOLDER


def _next(resource: Any, spec: Any) -> Any:
    return ITERATOR_GET_NEXT_AS_OPTIONAL(resource, **structure.attrs_of(spec))


def _example(spec: Any) -> Any:
    """An element like those to come, in the graph of a trial."""
    here: FuncGraph = door.current()  # type: ignore[assignment]
    flat = [here.emit(PLACEHOLDER, (), {"dtype": s.dtype, "shape": s.shape._dims}, "item") for s in structure.flat_specs(spec)]
    return structure.from_tensor_list(spec, flat)


def loop_over(resource: Any, spec: Any, loop: Any, then: Any = lambda element: element) -> bool:
    """Run a `for` loop over the elements of an iterator's resource; the loop sees what `then` makes of each.

    The graph holds a `While` that carries the next element as an optional: ops of TensorFlow alone, and an iterator that a
    `break` leaves has given no more than the loop has seen.
    """
    state = loop.start(_Later(lambda: then(_example(spec))))
    more = find("OptionalHasValue")
    if loop.test is None:
        first = _next(resource, spec)
    else:
        first = control.cond(loop.goes_on(state), lambda: _next(resource, spec), OPTIONAL_NONE)

    def turn(ahead: Any, values: Any) -> Any:
        flat = OPTIONAL_GET_VALUE(ahead[0], **structure.attrs_of(spec))
        element = structure.from_tensor_list(spec, list(flat) if isinstance(flat, (list, tuple)) else [flat])
        after = loop.step(values, then(element))
        with door.current().control_dependencies([getattr(t, "op", t) for t in after]):
            if loop.test is None:
                return [_next(resource, spec), *after]
            return [control.cond(loop.goes_on(after), lambda: _next(resource, spec), OPTIONAL_NONE), *after]

    loop.run(lambda ahead, _: more(ahead[0]), turn, state, [first])
    return True
