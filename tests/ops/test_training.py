"""The update rules of the optimizers against values that TensorFlow computed (tests/golden/make_training.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.fronts.eager  # noqa: F401
from penstock.ir import door
from penstock.ops import state, training

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("training_cases", os.path.join(HERE, "training_cases.py"))
cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)
GOLDEN = np.load(os.path.join(HERE, "training.npz"))
OPS = {o.name: o for o in vars(training).values() if type(o).__name__ == "Op"}


def variable(value):
    handle = state.var_handle_op(dtype=value.dtype, shape=value.shape)
    state.assign_variable_op(handle, value, dtype=value.dtype)
    return handle


@pytest.mark.parametrize("at", range(len(cases.CASES)), ids=lambda i: "-".join(cases.CASES[i][:2]) + "".join(cases.CASES[i][2]))
def test_equals_tensorflow(at):
    name, dtype, attrs = cases.CASES[at]
    slots, inputs = cases.arguments(name, dtype, at)
    handles = {k: variable(v) for k, v in slots.items()}
    OPS[name].raw(**handles, **{k: door.convert(v) for k, v in inputs.items()}, **attrs)
    for k, h in handles.items():
        np.testing.assert_allclose(h._array.read(), GOLDEN[f"{at}/{k}"], rtol=2e-6 if dtype == "float32" else 1e-12, atol=1e-7 if dtype == "float32" else 0)
