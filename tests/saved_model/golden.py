"""The SavedModels that real TensorFlow wrote, and what it says they give."""

import json
import os

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "saved_models")
X = np.arange(6, dtype=np.float32).reshape(2, 3) / 5

with open(os.path.join(FOLDER, "expected.json"), encoding="utf-8") as _file:
    EXPECTED = json.load(_file)


def path(name):
    return os.path.join(FOLDER, name)


def same(found, expected):
    """Equal structure and text; numbers up to rounding."""
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, list) and expected and isinstance(expected[0], str | list | dict):
        assert len(found) == len(expected)
        for f, e in zip(found, expected):
            same(f, e)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
