"""Raw ops that few programs use give what TensorFlow gives (tests/golden/raw_op_programs.py)."""

import importlib.util
import pathlib

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
_spec = importlib.util.spec_from_file_location("raw_op_programs", GOLDEN / "raw_op_programs.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
EXPECTED = np.load(GOLDEN / "raw_ops.npz")
LOOSE = {"float16": 3e-2, "bfloat16": 6e-2}
PROGRAMS = {(group, name): run for group, cases in _module.GROUPS.items() for name, run in cases(tf).items()}

def flat(result):
    """The arrays of a result, in order."""
    if isinstance(result, (list, tuple)):
        return [a for part in result for a in flat(part)]
    if hasattr(result, "dense_shape"):
        return flat([result.indices, result.values, result.dense_shape])
    return [np.asarray("none" if result is None else result)]


@pytest.mark.parametrize("group, name", PROGRAMS, ids=["-".join(p) for p in PROGRAMS])
def test_same_as_tensorflow(group, name):
    key = f"{group}|{name}"
    if f"{key}|error" in EXPECTED:
        wanted = str(EXPECTED[f"{key}|error"])
        with pytest.raises(Exception) as caught:  # noqa: B017, PT011 - the class is compared below
            PROGRAMS[group, name]()
        assert wanted in [c.__name__ for c in caught.type.__mro__]
        return
    got = flat(PROGRAMS[group, name]())
    assert len(got) == EXPECTED[f"{key}|count"]
    for k, g in enumerate(got):
        want, kind = EXPECTED[f"{key}|{k}"], str(EXPECTED[f"{key}|{k}|type"])
        if kind == "object":
            g, kind = g.astype("S"), want.dtype.name
        assert g.dtype.name == kind
        assert g.shape == want.shape
        if g.dtype.kind in "OSU":
            assert g.tolist() == want.tolist()
            continue
        tol = LOOSE.get(kind, 3e-5)
        scale = max(1.0, np.abs(want[np.isfinite(want)]).astype(np.float64).max(initial=0))
        wide = np.complex128 if g.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(g.astype(wide), want.astype(wide), rtol=tol, atol=tol * scale)
