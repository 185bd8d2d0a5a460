"""Ordinary functions on RaggedTensors give TensorFlow's values, dtypes, shapes and error classes."""

import json
import pathlib
import sys

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import make_ragged as make  # noqa: E402

RESULTS = json.loads((GOLDEN / "ragged.json").read_text())
GIVEN = make.operands(tf)


def same(got, want):
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    if isinstance(want, float):
        return np.isclose(got, want, rtol=1e-3, atol=1e-5, equal_nan=True)
    return got == want


@pytest.mark.parametrize("text", RESULTS)
def test_expression(text: str) -> None:
    got = json.loads(json.dumps(make.result(tf, text, GIVEN)))
    assert same(got, RESULTS[text]), f"{got} is not {RESULTS[text]}"
