"""Programs of tf.contrib give the names and numbers that TensorFlow 1.15 gives (tests/golden/make_contrib.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.ir import node_count

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
KINDS = sorted(f[len("contrib_") : -len(".npz")] for f in os.listdir(HERE) if f.startswith("contrib_") and f.endswith(".npz"))


def _programs(kind):
    spec = importlib.util.spec_from_file_location(f"contrib_{kind}_programs", os.path.join(HERE, f"contrib_{kind}_programs.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = {kind: _programs(kind) for kind in KINDS}
GOLDEN = {kind: np.load(os.path.join(HERE, f"contrib_{kind}.npz")) for kind in KINDS}


@pytest.fixture(autouse=True)
def as_in_1x():
    before, node_count.enabled = node_count.enabled, True
    tf.disable_v2_behavior()
    yield
    tf.enable_v2_behavior()
    node_count.enabled = before


@pytest.mark.parametrize("kind,name", [(kind, name) for kind in KINDS for name in MODULES[kind].PROGRAMS])
def test_equals_tensorflow(kind, name):
    golden = GOLDEN[kind]
    want = {k[len(name) + 1 :]: golden[k] for k in golden.files if k.startswith(f"{name}/")}
    got = MODULES[kind].run(tf, name)
    assert sorted(got["names"]) == sorted(want["names"])
    loose = getattr(MODULES[kind], "LOOSE", {}).get(name, 1e-4)
    for key, value in want.items():
        if key in ("names", "op"):
            continue
        if value.dtype.kind in "SUO":
            assert np.asarray(got[key]).astype(str).tolist() == value.astype(str).tolist(), key
        else:
            np.testing.assert_allclose(got[key], value, rtol=loose, atol=loose / 10, err_msg=key)
