"""Small integer arguments of eager calls (axes, shapes, bounds) as tensors, made once."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.ir import door

_made: dict[Any, Any] = {}
_LIMIT = 4096


def fixed(value: Any) -> Any:
    """An int, or a list or tuple of ints, as an int32 tensor when ops run at once; everything else as it is."""
    kind = type(value)
    if kind is int:
        key: Any = value
    elif kind is list or kind is tuple:
        for v in value:
            if type(v) is not int:
                return value
        key = tuple(value)
    else:
        return value
    found = _made.get(key)
    if found is None:
        if door.current().is_graph or not all(-(2**31) <= v < 2**31 for v in ((key,) if kind is int else key)):
            return value
        if len(_made) > _LIMIT:
            _made.clear()
        found = _made[key] = door.current().convert(np.array(key, np.int32), dtypes.int32)
        return found
    return value if door.current().is_graph else found
