"""`tensorflow.python.util.tf_inspect`: Python's `inspect`, with the function it lost."""

import collections
import inspect
import sys
from inspect import *  # noqa: F403 - this module stands for it

from penstock.base import dtypes

OURS = __name__.partition(".")[0]
ArgSpec = collections.namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])


def getfullargspec(obj):
    """Python's; of our own functions without annotations and, for a program of 1.x, as in 1.15: programs compare what they get."""
    found = inspect.getfullargspec(obj)
    if str(getattr(obj, "__module__", "")).partition(".")[0] != OURS:
        return found
    found = found._replace(annotations={})
    if not is_old() or not found.defaults:
        return found
    defaults = dict(zip(found.args[-len(found.defaults) :], found.defaults, strict=True))
    if defaults.pop("layout", 0) is None:
        found.args.remove("layout")
        known = inspect.signature(obj)  # what wraps the function by its signature shall pass the same
        obj.__signature__ = known.replace(parameters=[p for p in known.parameters.values() if p.name != "layout"])
    if defaults.get("out_type", 0) is None:
        defaults["out_type"] = dtypes.int32
    return found._replace(defaults=tuple(defaults.values()))


def is_old():
    """Does `import tensorflow` mean the 1.x API in this process?"""
    return getattr(sys.modules.get("tensorflow"), "VERSION", "").startswith("1.")


def getargspec(obj):
    """(args, varargs, keywords, defaults) of a callable; ValueError when it has keyword-only parameters."""
    found = inspect.getfullargspec(obj)
    if found.kwonlyargs:
        raise ValueError("Function has keyword-only parameters, use getfullargspec() API which can support them")
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)
