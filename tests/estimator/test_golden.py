"""Estimators do what TensorFlow 2.15's do: numbers, files, events (tests/golden/make_estimators.py)."""

import importlib.util
import json
import os

import numpy as np
import pytest

import penstock as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("estimator_programs", os.path.join(HERE, "estimator_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
with open(os.path.join(HERE, "estimators.json")) as file:
    GOLDEN = json.load(file)


def same(got, want, where=""):
    """Equal structures; numbers to rounding."""
    if isinstance(want, dict):
        assert sorted(got) == sorted(want), where
        for key in want:
            same(got[key], want[key], f"{where}/{key}")
    elif isinstance(want, (list, tuple)):
        assert len(got) == len(want), where
        for i, (g, w) in enumerate(zip(got, want)):
            same(g, w, f"{where}[{i}]")
    elif isinstance(want, float):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=2e-6, err_msg=where)
    else:
        assert got == want, where


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_equals_tensorflow(name, tmp_path):
    same(json.loads(json.dumps(programs.PROGRAMS[name](tf, str(tmp_path / "model")))), GOLDEN[name])
