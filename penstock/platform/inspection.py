"""`tensorflow.python.util.tf_inspect`: Python's `inspect`, with the function it lost."""

import collections
import inspect
from inspect import *  # noqa: F403 - this module stands for it

ArgSpec = collections.namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])


def getargspec(obj):
    """(args, varargs, keywords, defaults) of a callable; ValueError when it has keyword-only parameters."""
    found = inspect.getfullargspec(obj)
    if found.kwonlyargs:
        raise ValueError("Function has keyword-only parameters, use getfullargspec() API which can support them")
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)
