"""Gradients of linear algebra against TensorFlow's own numbers."""

import importlib.util
import pathlib

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
_spec = importlib.util.spec_from_file_location("make_linalg", GOLDEN / "make_linalg.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
CASES = list(make.cases())


@pytest.mark.parametrize(("key", "text", "arrays"), CASES, ids=[c[0] for c in CASES])
def test_gradient(key: str, text: str, arrays: tuple[np.ndarray, ...]) -> None:
    golden = np.load(GOLDEN / "linalg.npz")
    for n, g in enumerate(make.gradients(tf, text, arrays)):
        np.testing.assert_allclose(g, golden[f"{key} {n}"], rtol=1e-7, atol=1e-8)
