"""Graphs of 1.x programs count as many nodes as TensorFlow 1.15 makes, so seeded ops draw its numbers (tests/golden/make_node_counts.py)."""

import importlib.util
import json
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.ir import node_count

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
GOLDEN = json.load(open(os.path.join(HERE, "node_counts.json")))
_spec = importlib.util.spec_from_file_location("node_count_programs", os.path.join(HERE, "node_count_programs.py"))
PROGRAMS = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(PROGRAMS)


@pytest.fixture(autouse=True)
def as_in_1x(monkeypatch):
    monkeypatch.setattr(node_count, "enabled", True)
    tf.disable_v2_behavior()
    yield
    tf.enable_v2_behavior()


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_many_nodes_and_the_same_names(name):
    assert PROGRAMS.measure(tf, PROGRAMS.programs(tf)[name]) == GOLDEN[name]


def test_random_numbers_in_loops_and_after_them():
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        total = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + tf.random_uniform([2])), [0, tf.zeros([2])])[1]
        after = tf.random_uniform([])
        with tf.Session() as session:
            np.testing.assert_allclose(session.run(total), [2.1645944, 1.560798], rtol=1e-6)
            np.testing.assert_allclose(session.run(after), 0.96281314, rtol=1e-6)
