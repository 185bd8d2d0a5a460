"""The API reference: pages with signatures, executed examples and coverage."""

import penstock as tf
from penstock.api import reference


def test_a_page_has_signatures_examples_ops_and_coverage(tmp_path):
    done = reference.write(str(tmp_path), {"bitwise", "compat.v1.bitwise", "xla"}, progress=lambda _: None)
    assert not done.failed
    page = (tmp_path / "bitwise.md").read_text()
    assert "Of TensorFlow 2.21's names: 6 of 6" in page and "tf.bitwise.invert(x, name=None)" in page
    assert "Also: `tf.compat.v1.bitwise.invert`" in page
    assert "| [tf.bitwise](bitwise.md) |" in (tmp_path / "index.md").read_text()


def test_examples_show_what_came_out_and_those_that_lie_are_named():
    examples = reference.Examples()
    told, shown = examples.of("a", "Adds.\n\n>>> x = tf.constant(1)\n>>> (x + 1).numpy()\nnp.int32(2)\n")
    assert told == "Adds." and shown == "```pycon\n>>> x = tf.constant(1)\n>>> (x + 1).numpy()\nnp.int32(2)\n```"
    examples.of("b", ">>> 1 + 1\n3\n")
    _, fragment = examples.of("c", ">>> model.fit()\n")
    assert examples.failed == ["b"] and examples.fragments == ["c"] and "Not executed" in fragment


def test_signatures_and_methods():
    assert reference.signature(tf.nn.relu) == "(features, name=None)"
    assert [n for n, _ in reference.methods(tf.CriticalSection)] == ["execute", "name"]
