"""Crops at random places."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.scope import scoped
from penstock.ops.asserts import Assert
from penstock.ops.families import later
from penstock.ops.random import uniform
from penstock.ops.random_from_seed import stateless_uniform
from penstock.ops.reduce import reduce_all
from penstock.ops.shapes import shape as shape_of

_GreaterEqual, _Identity, _Sub, _AddV2, _FloorMod, _Slice = (
    later(n) for n in ("GreaterEqual", "Identity", "Sub", "AddV2", "FloorMod", "Slice")
)


def _crop(value: Any, size: Any, name: str | None, default: str, draw: Callable[..., Any]) -> Any:
    with scoped(name, default) as scope:
        value = door.convert(value, name="value")
        size = door.convert(size, dtypes.int32, "size")
        shape = shape_of(value)
        check = Assert(
            reduce_all(_GreaterEqual(shape, size)), ["Need value.shape >= size, got ", shape, size], summarize=1000
        )
        here = door.current()
        if here.is_graph:
            with here.control_dependencies([check] if check is not None else []):
                shape = _Identity(shape, name="control_dependency")
        limit = _AddV2(_Sub(shape, size, name="sub"), np.ones((), np.int32), name="add")
        offset = _FloorMod(draw(shape_of(shape), maxval=size.dtype.max, dtype=size.dtype), limit, name="mod")
        return _Slice(value, offset, size, name=scope or None)


@export("image.random_crop", v1=("random_crop",))
def random_crop(value, size, seed=None, name=None):
    """A part of `value` of this size, at a random place.

    >>> tf.image.random_crop(tf.zeros([4, 5, 3]), [2, 2, 3]).shape
    TensorShape([2, 2, 3])
    """
    return _crop(value, size, name, "random_crop", lambda shape, **given: uniform(shape, seed=seed, **given))


@export("image.stateless_random_crop")
def stateless_random_crop(value, size, seed, name=None):
    """A part of `value` of this size, at a place that follows from the seed.

    >>> tf.image.stateless_random_crop(tf.range(5), [2], seed=[1, 2]).shape
    TensorShape([2])
    """
    return _crop(value, size, name, "random_crop", lambda shape, **given: stateless_uniform(shape, seed, **given))
