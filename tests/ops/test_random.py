"""The same programs as TensorFlow ran draw the same numbers (tests/golden/random_cases.py)."""

import importlib.util
import pathlib

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
_spec = importlib.util.spec_from_file_location("random_cases", GOLDEN / "random_cases.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
EXPECTED = np.load(GOLDEN / "random.npz")
TOLERANCE = {"float16": (1e-3, 1e-4), "bfloat16": (8e-3, 1e-3), "float32": (2e-6, 1e-6), "float64": (1e-12, 1e-13)}


@pytest.mark.parametrize("name", _module.CASES)
def test_same_numbers_as_tensorflow(name):
    tf.random.set_seed(None)
    for k, got in enumerate(_module.CASES[name](tf)):
        want, got = EXPECTED[f"{name}|{k}"], np.asarray(got)
        assert got.shape == want.shape
        if got.dtype == object or got.dtype.kind in "iub":
            assert got.dtype == object or got.dtype == want.dtype
            np.testing.assert_array_equal(got.astype(want.dtype), want, err_msg=f"draw {k}")
            continue
        assert got.dtype.name == "bfloat16" or got.dtype == want.dtype
        relative, absolute = TOLERANCE[got.dtype.name]
        np.testing.assert_allclose(
            got.astype(np.float64), want.astype(np.float64), relative, absolute, err_msg=f"draw {k}"
        )
