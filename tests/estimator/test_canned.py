"""Canned Estimators train, evaluate and predict as TensorFlow 2.15's do, from the same seeds (tests/golden/canned_programs.py)."""

import json
import pathlib
import sys

import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
from canned_programs import BINARY, input_fn, programs, story  # noqa: E402

EXPECTED = json.loads((GOLDEN / "canned.json").read_text(encoding="utf-8"))
PROGRAMS = programs(tf)


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_tensorflow(name, tmp_path):
    got, wanted = story(tf, *PROGRAMS[name], str(tmp_path)), EXPECTED[name]
    assert sorted(got["variables"]) == sorted(wanted["variables"])
    assert got["metrics"] == pytest.approx(wanted["metrics"], rel=2e-4, abs=2e-5)
    assert sorted(got["prediction"]) == sorted(wanted["prediction"])
    for key, (kind, values) in wanted["prediction"].items():
        assert got["prediction"][key] == [kind, pytest.approx(values, rel=2e-4, abs=2e-5) if kind == "f" else values], key


def test_heads_say_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="n_classes must be > 2"):
        tf.estimator.MultiClassHead(2)
    with pytest.raises(ValueError, match="thresholds not in"):
        tf.estimator.BinaryClassHead(thresholds=[1.0])
    with pytest.raises(ValueError, match="Either linear_feature_columns or dnn_feature_columns"):
        tf.estimator.DNNLinearCombinedClassifier(str(tmp_path))
    with pytest.raises(ValueError, match="Unsupported optimizer name: Foo"):
        column = tf.feature_column.numeric_column("age")
        tf.compat.v1.estimator.LinearClassifier([column], str(tmp_path), optimizer="Foo").train(input_fn(tf, BINARY), steps=1)


def test_parsing_specs():
    a = tf.feature_column.numeric_column("a")
    spec = tf.estimator.classifier_parse_example_spec([a], "y", weight_column="w")
    assert spec["y"] == tf.io.FixedLenFeature((1,), tf.int64) and spec["w"] == tf.io.FixedLenFeature((1,), tf.float32)
    assert tf.estimator.regressor_parse_example_spec([a], "y", label_dimension=3)["y"].shape == (3,)
    with pytest.raises(ValueError, match="label should not be used as feature"):
        tf.estimator.classifier_parse_example_spec([a], "a")
