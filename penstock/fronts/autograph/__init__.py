"""AutoGraph: Python's control flow on tensors, by rewriting functions before they are traced."""

from penstock.fronts.autograph.api import (
    ConversionError,
    convert_for_tracing,
    do_not_convert,
    set_loop_options,
    to_code,
    to_graph,
)
from penstock.fronts.autograph.calls import tf_convert
from penstock.fronts.autograph.context import Feature, control_status_ctx, set_verbosity, trace
from penstock.fronts.autograph.loops import register_for_loop

__all__ = [
    "ConversionError",
    "Feature",
    "control_status_ctx",
    "convert_for_tracing",
    "do_not_convert",
    "register_for_loop",
    "set_loop_options",
    "set_verbosity",
    "tf_convert",
    "to_code",
    "to_graph",
    "trace",
]
