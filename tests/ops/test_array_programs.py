"""Array programs eagerly, in functions interpreted and compiled, with shapes known and hidden: as a real TensorFlow runs them."""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from tests.golden import array_programs

GOLDEN = json.loads((pathlib.Path(__file__).parent.parent / "golden" / "arrays.json").read_text())
PROGRAMS = array_programs.programs(tf)


def _same(got, want):
    if isinstance(want, str) or isinstance(got, str) or want is None:
        assert got == want
        return
    for g, w in zip(got, want):
        if g is None or w is None:
            assert g == w
        else:
            np.testing.assert_allclose(np.array(g), np.array(w), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_eagerly(name):
    _same(array_programs.run(tf, *PROGRAMS[name]), GOLDEN[name])


@pytest.mark.parametrize("hidden", [False, True], ids=["known", "hidden"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_in_a_function(name, hidden, monkeypatch):
    from penstock.engine import interpret

    monkeypatch.setattr(interpret, "MANY", -1)  # compile at once
    function, x, i = PROGRAMS[name]
    shapes = [tf.TensorSpec([None] * np.ndim(a), a.dtype) for a in (x, i)] if hidden else None
    if hidden and name == "unstack":
        pytest.skip("needs a known size")
    made = tf.function(function, input_signature=shapes, autograph=False)
    _same(array_programs.run(tf, made, x, i), GOLDEN[name])
