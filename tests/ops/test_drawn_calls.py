"""Calls drawn from the signatures of ops give what TensorFlow gave (tests/golden/make_drawn_calls.py)."""

import collections
import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock.ir.op import find
from tests.golden.make_drawn_calls import fingerprint
from tests.oracle import calls, draws
from tests.oracle.differences import close

tf.constant(0)
GOLDEN = np.load(pathlib.Path(__file__).parent.parent / "golden" / "drawn_calls.npz")
CASES = collections.defaultdict(dict)
for _key in GOLDEN:
    _op, _number, *_rest = _key.split("|")
    CASES[_op, int(_number)][tuple(_rest)] = _key
BEYOND = {
    "EncodePng",  # other bytes for the same picture
    "TensorSummaryV2",  # metadata that is none
    "FakeParam", "Switch", "SparseReorder",  # what TensorFlow gives is memory that nobody set, or indices outside of the shape
}  # fmt: skip
OPS = sorted({op for op, _ in CASES} - BEYOND)


def make(op, k):
    """A drawn call made here: [(dtype, array)]."""
    call = draws.case(find(op), k)
    mark = next(GOLDEN[key] for rest, key in CASES[op, k].items() if rest[1] in ("count", "error"))
    assert fingerprint(call) == mark, "the drawn call is another one: run tests/golden/make_drawn_calls.py"
    arguments = {n: [calls.tensor(tf, *v) for v in given] if isinstance(given, list) else calls.tensor(tf, *given) for n, given in call["inputs"].items()}
    attrs = {n: tf.as_dtype(v) if kind == "type" else [tf.as_dtype(t) for t in v] if kind == "types" else v for n, (kind, v) in call["attrs"].items()}
    return calls.kept(tf, getattr(tf.raw_ops, op)(**arguments, **attrs))


@pytest.mark.parametrize("op", OPS)
def test_as_tensorflow(op):
    for k in sorted(number for name, number in CASES if name == op):
        kept = CASES[op, k]
        if ("0", "error") in kept:
            with pytest.raises(tf.errors.InvalidArgumentError):
                make(op, k)
            continue
        found = make(op, k)
        wanted = {int(i): (dtype, GOLDEN[key]) for (i, dtype), key in kept.items() if dtype != "count"}
        assert len(found) == len(wanted)
        for i, (dtype, array) in enumerate(found):
            kind, want = wanted[i]
            assert dtype == kind and array.shape == want.shape, f"call {k}, output {i}"
            got = array.astype("S") if array.dtype == object else array
            assert close(want, got, dtype), f"call {k}, output {i}: {got.tolist()}, expected {want.tolist()}"
