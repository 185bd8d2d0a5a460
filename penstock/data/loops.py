"""`for x in dataset` and `for x in iterator` inside functions that AutoGraph converted."""

from typing import Any

from penstock.data import structure
from penstock.data.iterators import ITERATOR_GET_NEXT, ITERATOR_HAS_NEXT
from penstock.fronts.autograph.loops import _Later
from penstock.fronts.trace import FuncGraph
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.source import PLACEHOLDER


def _next(resource: Any, spec: Any) -> Any:
    flat = ITERATOR_GET_NEXT(resource, **structure.attrs_of(spec))
    return structure.from_tensor_list(spec, list(flat) if isinstance(flat, (list, tuple)) else [flat])


def _example(spec: Any) -> Any:
    """An element like those to come, in the graph of a trial."""
    here: FuncGraph = door.current()  # type: ignore[assignment]
    flat = [here.emit(PLACEHOLDER, (), {"dtype": s.dtype, "shape": s.shape._dims}, "item") for s in structure.flat_specs(spec)]
    return structure.from_tensor_list(spec, flat)



def loop_over(resource: Any, spec: Any, loop: Any, then: Any = lambda element: element) -> bool:
    """Run a `for` loop over the elements of an iterator's resource; the loop sees what `then` makes of each."""
    state = loop.start(_Later(lambda: then(_example(spec))))

    def test(_: Any, values: Any) -> Any:
        more = ITERATOR_HAS_NEXT(resource)
        if loop.test is None:
            return more
        return find("LogicalAnd")(loop.goes_on(values), more)

    loop.run(test, lambda _, values: loop.step(values, then(_next(resource, spec))), state, [])
    return True
