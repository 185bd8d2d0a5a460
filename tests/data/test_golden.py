"""Programs of tf.data give what TensorFlow gives (tests/golden/make_data.py): elements, order, specs, error classes."""

import importlib.util
import json
import os

import pytest

import penstock as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
_spec = importlib.util.spec_from_file_location("data_programs", os.path.join(HERE, "data_programs.py"))
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)
with open(os.path.join(HERE, "data.json")) as file:
    GOLDEN = json.load(file)


def near(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(near(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(near, a, b))
    return a == b or (isinstance(a, float) and isinstance(b, float) and abs(a - b) < 1e-6 * max(1.0, abs(a)))


@pytest.fixture(autouse=True)
def unseeded():
    tf.random.set_seed(None)
    yield
    tf.random.set_seed(None)


@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda p: p.__name__)
def test_equals_tensorflow(program):
    want, got = GOLDEN[program.__name__], json.loads(json.dumps(program(tf)))
    assert len(want) == len(got)
    for i, (w, g) in enumerate(zip(want, got)):
        assert near(w, g), f"part {i}: {g} is not {w}"
