"""`tf.fingerprint`: eight bytes that stand for each row of a tensor."""

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.ir.op import op
from penstock.ops.string_hash import fingerprint64


@op("Fingerprint(data: T, method: string, *, T: type) -> fingerprint: uint8", where="host")
def fingerprint_op(xp, data, method):
    """The FarmHash fingerprint of each row, little end first: [rows, 8]."""
    if data.ndim == 0:
        raise ShapeError("`data` should have at least one dimension: []")
    name = method.reshape(())[()]
    if name != b"farmhash64":
        raise InvalidArgumentError(f"Unsupported fingerprint method: {name.decode()}")
    rows = data.reshape(data.shape[0], -1) if data.size else np.zeros((data.shape[0], 0), np.uint8)
    if data.dtype != object:
        hashes = [fingerprint64(np.ascontiguousarray(r).tobytes()) for r in rows]
    elif data.ndim == 1:
        hashes = [fingerprint64(r[0]) for r in rows]
    else:  # a row of strings: the fingerprint of their fingerprints
        hashes = [fingerprint64(np.array([fingerprint64(s) for s in r], "<u8").tobytes()) for r in rows]
    return np.array(hashes, "<u8").view(np.uint8).reshape(-1, 8)


@fingerprint_op.shape
def _(data, method):
    if data.shape == ():
        raise ShapeError("`data` should have at least one dimension: []")
    return (None if data.shape is None else data.shape[0], 8)


fingerprint_op.no_grad()


@export("fingerprint")
def fingerprint(data, method="farmhash64", name=None):
    """Eight bytes that stand for each row of `data`: [rows, 8] uint8.

    >>> tf.fingerprint(["a"]).numpy().tolist()
    [[227, 117, 223, 182, 101, 66, 69, 179]]
    """
    return fingerprint_op(data, method, name=name)
