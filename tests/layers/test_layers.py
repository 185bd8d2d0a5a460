"""Programs of tf.layers give the names and numbers that TensorFlow 1.15 gives (tests/golden/make_layers.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("layer_programs", os.path.join(HERE, "layer_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
GOLDEN = np.load(os.path.join(HERE, "layers.npz"))


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_equals_tensorflow(name):
    want = {k.removeprefix(f"{name}/"): GOLDEN[k] for k in GOLDEN.files if k.startswith(f"{name}/")}
    got = programs.run(tf, name)
    assert list(got["names"]) == list(want["names"])
    for key, value in want.items():
        if key not in ("names", "op"):
            np.testing.assert_allclose(got[key], value, rtol=1e-4, atol=1e-5, err_msg=key)


def test_fused_batch_normalization_falls_back():
    with tf.Graph().as_default():
        image, row = tf.zeros([2, 3, 4, 5]), tf.zeros([2, 3, 4])
        for arguments, x, fused in (({}, image, True), ({}, row, False), ({"axis": 2}, image, False), ({"renorm": True}, image, False)):
            layer = tf.layers.BatchNormalization(fused=True, **arguments)
            layer(x)
            assert layer.fused is fused, arguments
