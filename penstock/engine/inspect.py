"""What the compiler makes of a function, as text."""

from collections.abc import Callable
from typing import Any

import jax

from penstock.engine.flow import inline
from penstock.engine.lower import Failures, Tracer
from penstock.engine.setup import OPTIONS, swap_x64
from penstock.engine.store import Cell

STAGES = ("hlo", "stablehlo", "hlo_serialized", "optimized_hlo", "optimized_hlo_serialized")


def compiler_ir(graph: Any, values: list[Any]) -> Callable[..., Any]:
    """A function of the stage that gives the compiler's text (bytes for the serialized stages) of a body on such values."""

    def at(stage: str = "hlo") -> Any:
        if stage not in STAGES:
            raise ValueError(f"stage must be one of {', '.join(STAGES)}, got {stage!r}")
        cells = [v for v in values if isinstance(v, Cell) and v.value is not None]

        def traced(state: Any, arrays: Any) -> Any:
            tracer = Tracer(cells[0].store if cells else None, Failures())
            tracer.state = dict(zip(cells, state))
            given = iter(arrays)
            return inline(tracer, graph, [v if isinstance(v, Cell) else next(given) for v in values])

        before = swap_x64(True)
        try:
            lowered = jax.jit(traced).lower([c.value for c in cells], [v for v in values if not isinstance(v, Cell)])
        finally:
            swap_x64(before)
        if stage == "stablehlo":
            return lowered.as_text()
        if stage.startswith("optimized"):
            text = lowered.compile(compiler_options=OPTIONS).as_text() or "" or ""
            return text.encode() if stage.endswith("serialized") else text
        hlo: Any = lowered.compiler_ir("hlo")
        return hlo.as_serialized_hlo_module_proto() if stage.endswith("serialized") else hlo.as_hlo_text()

    return at
