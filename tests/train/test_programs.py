"""Schedules, moving averages, scopes and templates give TensorFlow's numbers and names (tests/golden/make_programs.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("training_programs", os.path.join(HERE, "training_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
GOLDEN = np.load(os.path.join(HERE, "programs.npz"))


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_equals_tensorflow(name):
    want = {k.removeprefix(f"{name}/"): GOLDEN[k] for k in GOLDEN.files if k.startswith(f"{name}/")}
    got = programs.PROGRAMS[name](tf)
    assert sorted(got) == sorted(want)
    for key, value in want.items():
        if value.dtype.kind == "U":
            assert got[key].tolist() == value.tolist(), key
        else:
            np.testing.assert_allclose(got[key], value, rtol=1e-5, atol=1e-6, err_msg=key)
