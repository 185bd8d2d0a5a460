"""Recurrent programs give the names and numbers that TensorFlow 1.15 gives (tests/golden/make_rnn.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("rnn_programs", os.path.join(HERE, "rnn_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
GOLDEN = np.load(os.path.join(HERE, "rnn.npz"))


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_equals_tensorflow(name):
    want = {k.removeprefix(f"{name}/"): GOLDEN[k] for k in GOLDEN.files if k.startswith(f"{name}/")}
    got = programs.run(tf, name)
    assert list(got["names"]) == list(want["names"])
    for key, value in want.items():
        if key not in ("names", "op"):
            np.testing.assert_allclose(got[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
