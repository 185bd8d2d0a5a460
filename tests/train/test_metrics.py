"""Streaming metrics give TensorFlow's numbers and names (tests/golden/make_metrics.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("metric_programs", os.path.join(HERE, "metric_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
GOLDEN = np.load(os.path.join(HERE, "metrics.npz"))


@pytest.fixture(scope="module")
def got():
    return programs.run(tf)


@pytest.mark.parametrize("name", programs.METRICS)
def test_equals_tensorflow(name, got):
    names = slice(None, -2 if name == "iou" else None)  # the ops of mean_iou are put together in another way
    assert got[f"{name}/names"][names].tolist() == GOLDEN[f"{name}/names"][names].tolist()
    for key in (f"{name}/updates", f"{name}/values"):
        np.testing.assert_allclose(got[key], GOLDEN[key], rtol=1e-5, atol=1e-6, err_msg=key)
