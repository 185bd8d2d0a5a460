"""Graph programs of tf.data give what TensorFlow 1.15 gives (tests/golden/make_data_v1.py)."""

import importlib.util
import json
import os

import pytest

import penstock.compat.v1 as tf
from penstock.ir import node_count

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
_spec = importlib.util.spec_from_file_location("data_v1_programs", os.path.join(HERE, "data_v1_programs.py"))
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)
with open(os.path.join(HERE, "data_v1.json")) as file:
    GOLDEN = json.load(file)


@pytest.fixture(autouse=True)
def as_in_1x():
    before, node_count.enabled = node_count.enabled, True
    tf.disable_v2_behavior()
    yield
    tf.enable_v2_behavior()
    node_count.enabled = before


class Old:
    """The 1.x namespace, with `tf.compat.v1` being itself."""

    def __init__(self):
        self.compat = type("compat", (), {"v1": tf})

    def __getattr__(self, name):
        return getattr(tf, name)


@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda p: p.__name__)
def test_equals_tensorflow(program):
    with tf.Graph().as_default():
        assert json.loads(json.dumps(program(Old()))) == GOLDEN[program.__name__]
