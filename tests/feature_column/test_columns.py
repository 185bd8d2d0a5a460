"""Feature columns give what TensorFlow 2.15 gives (tests/golden/feature_column_programs.py)."""

import json
import pathlib
import sys

import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
from feature_column_programs import cases, specs  # noqa: E402
from make_feature_columns import outcome  # noqa: E402

EXPECTED = json.loads((GOLDEN / "feature_columns.json").read_text(encoding="utf-8"))
CASES = cases(tf)


@pytest.mark.parametrize("name", CASES)
def test_same_as_tensorflow(name):
    wanted, got = EXPECTED["cases"][name], json.loads(json.dumps(outcome(tf, CASES[name])))
    if "error" in wanted:
        assert got.get("error") == wanted["error"], (wanted, got)
        return
    assert "error" not in got, got
    assert sorted(got["variables"]) == sorted(wanted["variables"])
    for a, b in zip(got["values"], wanted["values"], strict=True):
        assert a == pytest.approx(b, abs=2e-5) if not isinstance(b, list) or not b or not isinstance(b[0], list) else _close(a, b)


def _close(a, b):
    import numpy as np

    np.testing.assert_allclose(a, b, atol=2e-5)
    return True


def test_names_specs_and_representations():
    assert specs(tf) == EXPECTED["specs"]


def test_config_round_trip():
    from penstock.feature_column.config import deserialize_feature_column, serialize_feature_column

    fc = tf.feature_column
    idc = fc.categorical_column_with_identity("id", 3)
    for column in (fc.numeric_column("a", 2), fc.crossed_column([idc, "s"], 5), fc.embedding_column(idc, 2), fc.bucketized_column(fc.numeric_column("b"), [1, 2]),
                   fc.indicator_column(fc.categorical_column_with_vocabulary_list("v", ["x", "y"])), fc.sequence_numeric_column("q")):  # fmt: skip
        made = deserialize_feature_column(json.loads(json.dumps(serialize_feature_column(column))))
        assert made.name == column.name and made.parse_example_spec == column.parse_example_spec and made.get_config() == column.get_config()


def test_columns_of_ones_own():
    """The protocol of the public base classes."""
    internal = tf.__internal__.feature_column

    class Doubled(internal.DenseColumn):
        name = property(lambda s: "doubled")
        variable_shape = property(lambda s: tf.TensorShape([1]))
        parse_example_spec = property(lambda s: {"a": tf.io.FixedLenFeature([1], tf.float32)})
        _is_v2_column = property(lambda s: True)
        parents = property(lambda s: ["a"])

        def transform_feature(self, transformation_cache, state_manager):
            return transformation_cache.get("a", state_manager) * 2.0

        def get_dense_tensor(self, transformation_cache, state_manager):
            return transformation_cache.get(self, state_manager)

        def get_config(self):
            return {}

        @classmethod
        def from_config(cls, config, custom_objects=None, columns_by_name=None):
            return cls()

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        out = tf.compat.v1.feature_column.input_layer({"a": [[1.0], [4.0]]}, [Doubled()])
        assert session.run(out).tolist() == [[2], [8]]
