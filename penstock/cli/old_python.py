"""What Python and NumPy took away since TensorFlow 1.15: programs of its time (Python 3.7, NumPy 1.18) use these names.

`penstock run --tf1` gives them back to the process of the program; a name that still exists is left as it is.
"""

import base64
import collections
import ctypes
import fractions
import gc
import inspect
import math
import threading
import time
import types
import warnings
from collections import abc
from functools import wraps
from typing import Any

from penstock.cli import old_messages

ArgSpec = collections.namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])
NUMPY_SAME = """
    float_=float64 complex_=complex128 cfloat=complex128 singlecomplex=complex64 longfloat=longdouble clongfloat=clongdouble
    longcomplex=clongdouble string_=bytes_ unicode_=str_ bytes0=bytes_ str0=str_ object0=object_ bool8=bool_ int0=intp uint0=uintp
    Inf=inf Infinity=inf infty=inf PINF=inf NaN=nan product=prod cumproduct=cumprod sometrue=any alltrue=all round_=round
    in1d=isin trapz=trapezoid mat=asmatrix row_stack=vstack""".split()
"""Names of NumPy that became another's, `old=new`."""


def bring_back() -> None:
    """Give this process the names that programs of 1.x know."""
    give(collections, {name: getattr(abc, name) for name in abc.__all__})
    give(inspect, {"getargspec": getargspec, "ArgSpec": ArgSpec})
    give(fractions, {"gcd": math.gcd})
    give(time, {"clock": time.perf_counter})
    give(threading.Thread, {"isAlive": threading.Thread.is_alive})
    give(base64, {"encodestring": base64.encodebytes, "decodestring": base64.decodebytes})
    numpy_names()
    warnings.filterwarnings("ignore", "Conversion of an array with ndim > 0")  # the NumPy of their time did not warn
    old_messages.install()


def give(owner: Any, names: dict[str, Any]) -> None:
    """Set the names that `owner` does not have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in names.items():
            if not hasattr(owner, name):
                setattr(owner, name, value)


def getargspec(func: Any) -> ArgSpec:
    """`inspect.getargspec`, gone since Python 3.11: ValueError when there are keyword-only parameters or annotations."""
    found = inspect.getfullargspec(func)
    if found.kwonlyargs or found.annotations:
        raise ValueError(
            "Function has keyword-only parameters or annotations, use inspect.signature() API which can support them"
        )
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)


def numpy_names() -> None:
    """Aliases of Python's types, other spellings, small functions and methods of arrays that NumPy 1.20 to 2.3 removed."""
    import numpy as np

    give(np, {"int": int, "float": float, "complex": complex, "object": object, "str": str, "unicode": str, "long": int})
    give(np, {old: getattr(np, new) for old, _, new in (pair.partition("=") for pair in NUMPY_SAME)})
    give(np, {"NINF": -np.inf, "PZERO": 0.0, "NZERO": -0.0})
    scalars = {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
        "complex": [np.complex64, np.complex128, np.clongdouble],
        "others": [bool, object, bytes, str, np.void],
    }
    give(
        np,
        {
            "asscalar": lambda a: a.item(),
            "asfarray": lambda a, dtype=np.float64: np.asarray(
                a, dtype if np.issubdtype(dtype, np.inexact) else np.float64
            ),
            "msort": lambda a: np.sort(a, axis=0),
            "rank": np.ndim,
            "alen": lambda a: len(np.array(a, ndmin=1)),
            "sctypes": scalars,
            "typeDict": np.sctypeDict,
            "obj2sctype": lambda rep, default=None: np.dtype(rep).type,
            "issubclass_": lambda arg1, arg2: isinstance(arg1, type) and issubclass(arg1, arg2),
            "issubsctype": lambda arg1, arg2: issubclass(np.dtype(arg1).type, np.dtype(arg2).type),
            "find_common_type": lambda array_types, scalar_types: np.result_type(*array_types, *scalar_types),
            "cast": Casts(),
            "fastCopyAndTranspose": lambda a: np.transpose(a).copy(),
        },
    )
    np.fromstring = text_or_bytes(np.fromstring)
    give_methods(
        np.ndarray,
        {
            "tostring": lambda self, order="C": self.tobytes(order),
            "itemset": itemset,
            "newbyteorder": lambda self, new_order="S": self.view(self.dtype.newbyteorder(new_order)),
            "ptp": lambda self, axis=None, out=None, **rest: np.ptp(self, axis, out, **rest),
        },
    )


class Casts(dict[Any, Any]):
    """`np.cast[dtype](x)`."""

    def __missing__(self, key: Any) -> Any:
        import numpy as np

        return lambda x: np.asarray(x).astype(key)


def itemset(self: Any, *args: Any) -> None:
    """`a.itemset(value)` of an array of one element, `a.itemset(index, value)` of any."""
    *index, value = args
    if index:
        place = index[0] if len(index) == 1 else tuple(index)
        if isinstance(place, tuple):
            self[place] = value
        else:
            self.flat[place] = value
    elif self.size == 1:
        self.flat[0] = value
    else:
        raise ValueError("can only convert an array of size 1 to a Python scalar")


def text_or_bytes(fromstring: Any) -> Any:
    """`np.fromstring` that reads bytes again when no separator is given."""

    @wraps(fromstring)
    def read(string: Any, dtype: Any = float, count: int = -1, *, sep: str = "", **rest: Any) -> Any:
        import numpy as np

        if sep:
            return fromstring(string, dtype=dtype, count=count, sep=sep, **rest)
        data = string.encode("latin-1") if isinstance(string, str) else string
        if count < 0 and len(data) % np.dtype(dtype).itemsize:
            raise ValueError("string size must be a multiple of element size")
        return np.frombuffer(data, dtype, count).copy()

    return read


def give_methods(cls: Any, methods: dict[str, Any]) -> None:
    """Set methods on a class that is written in C, through the dictionary behind its `__dict__`."""
    names = gc.get_referents(cls.__dict__)[0]
    for name, method in methods.items():
        if name not in names or isinstance(names[name], types.GetSetDescriptorType):  # NumPy 2.3 has one that says it is gone
            method.__name__ = name
            names[name] = method
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))
