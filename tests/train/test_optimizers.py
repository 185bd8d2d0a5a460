"""1.x training programs give the numbers that TensorFlow gives (tests/golden/make_optimizers.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("optimizer_programs", os.path.join(HERE, "optimizer_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
GOLDEN = np.load(os.path.join(HERE, "optimizers.npz"))


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("use_resource", [True, False], ids=["resource", "reference"])
@pytest.mark.parametrize("name", programs.OPTIMIZERS)
def test_trains_as_tensorflow_does(name, use_resource, sparse):
    prefix = f"{name}-{use_resource}-{sparse}/"
    want = {k.removeprefix(prefix): GOLDEN[k] for k in GOLDEN.files if k.startswith(prefix)}
    got = programs.train(tf, name, use_resource, sparse)
    assert sorted(got) == sorted(want)
    for key, value in want.items():
        np.testing.assert_allclose(got[key], value, rtol=2e-5, atol=2e-6, err_msg=key)
