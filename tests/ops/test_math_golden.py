"""Expressions of tf.math, tf.linalg, tf.signal and the operators: TensorFlow's values, dtypes, shapes and error classes."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
_spec = importlib.util.spec_from_file_location("make_math", GOLDEN / "make_math.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
RESULTS = json.loads((GOLDEN / "math.json").read_text())


@pytest.mark.parametrize("text", RESULTS)
def test_expression(text: str) -> None:
    want = RESULTS[text]
    if "error" in want:
        kind = getattr(tf.errors, want["error"], None) or getattr(__builtins__, want["error"], None)
        kind = kind or __builtins__[want["error"]]
        with pytest.raises(kind):
            eval(text, {"tf": tf, "np": np, "nan": make.nan, "inf": make.inf, "m": tf.constant(make.m), **make.matrices()})  # noqa: S307
        return
    got = make.result(tf, text)
    assert "error" not in got, got
    assert len(got["outputs"]) == len(want["outputs"])
    for g, w in zip(got["outputs"], want["outputs"]):
        assert (g["dtype"], g["shape"]) == (w["dtype"], w["shape"])
        if w["dtype"] == "object":
            assert g["re"] == w["re"]
            continue
        for part in ("re", "im"):
            if part in w:
                np.testing.assert_allclose(np.array(g[part], float), np.array(w[part], float), rtol=1e-4, atol=1e-5)
