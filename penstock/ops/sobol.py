"""Sobol's quasi-random sequence."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.ir.op import op


def _sample_shape(dim: Any, num_results: Any, skip: Any, **_: Any) -> Any:
    known = lambda spec: None if spec.value is None else int(spec.value)
    return known(num_results), known(dim)


@op(
    "SobolSample(dim: int32, num_results: int32, skip: int32, *, dtype: {float32|float64} = float32) -> samples: dtype",
    where="host",
    shape=_sample_shape,
)
def SobolSample(xp, dim, num_results, skip, *, dtype):  # noqa: N802
    """num_results points of the sequence in [0, 1)^dim, after the first `skip`, with Joe and Kuo's direction numbers."""
    from scipy.stats import qmc

    engine = qmc.Sobol(int(dim), scramble=False, bits=32)
    engine.fast_forward(int(skip) + 1)  # the origin is left out
    return (
        np.atleast_2d(engine.random(int(num_results))).astype(dtype.array_dtype)
        if num_results
        else np.zeros((0, int(dim)), dtype.array_dtype)
    )


@SobolSample.check
def _(xp: Any, dim: Any, num_results: Any, skip: Any, *, dtype: Any) -> Any:
    for value, low, what in (
        (dim, 1, "dim must be at least one"),
        (num_results, 1, "num_results must be at least one"),
        (skip, 0, "skip must be non-negative"),
    ):
        if int(value) < low:
            return True, what
    return False, ""


SobolSample.no_grad()


@export("math.sobol_sample")
def sobol_sample(
    dim: Any, num_results: Any, skip: Any = 0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Points [num_results, dim] of Sobol's sequence, which fills the unit cube evenly.

    >>> tf.math.sobol_sample(2, 2).numpy().tolist()
    [[0.5, 0.5], [0.75, 0.25]]
    """
    return SobolSample(dim, num_results, skip, dtype=as_dtype(dtype), name=name)
