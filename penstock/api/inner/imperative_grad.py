"""`imperative_grad`: what a tape recorded, differentiated."""

from penstock.base import nest
from penstock.fronts.gradients import UnconnectedGradients


def imperative_grad(
    tape, target, sources, output_gradients=None, sources_raw=None, unconnected_gradients=UnconnectedGradients.NONE
):
    """Gradients of the targets by each of `sources`, weighted by `output_gradients`."""
    targets = nest.flatten(target)
    given = [None] * len(targets) if output_gradients is None else list(output_gradients)
    return tape.gradient(targets, list(sources), output_gradients=given, unconnected_gradients=unconnected_gradients)
