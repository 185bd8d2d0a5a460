"""`tensorflow.python.ops.string_ops`: functions whose parameters are not those of the public names."""

from penstock.api.inner.public import public
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.sparse_tensor import SparseTensor


def string_split(source, sep=None, skip_empty=True, delimiter=None):
    """Each string split at any character of `sep`, as a SparseTensor."""
    return public("compat.v1.string_split")(source, sep, skip_empty, delimiter)


def string_split_v2(source, sep=None, maxsplit=-1):
    """Each string of a vector split at `sep`, as Python's `str.split` does, as a SparseTensor."""
    parts = find("StringSplitV2")(door.convert(source), "" if sep is None else sep, maxsplit=maxsplit)
    return SparseTensor(*parts)
