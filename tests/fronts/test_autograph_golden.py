"""Programs with control flow give in a graph what they give in TensorFlow; where that fails, what Python gives."""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from tests.golden import autograph_programs as programs

GOLDEN = json.loads((pathlib.Path(__file__).parents[1] / "golden" / "autograph.json").read_text())

OTHER_ERROR = {
    "for_range_return_missing": "ValueError",  # a return in a loop is fine, a missing one after it is not
    "logic_and_int": "TypeError",
    "assertion": "InvalidArgumentError",  # checked when the graph runs, as with Feature.ASSERT_STATEMENTS
    "assertion_nomsg": "InvalidArgumentError",
    "builtin_any_int": "ValueError",
    "builtin_sum2": "ValueError",
}
"""Where TensorFlow refuses the program as a whole, and here only a part of it is refused."""


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if value is None:
        return None
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    if array.dtype.kind in "OSU":
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in array.ravel().tolist()]
        return ["string", list(array.shape), texts]
    return [array.dtype.name, list(array.shape), array.tolist()]


def values_only(result):
    """The same without dtypes: Python numbers become tensors in a graph."""
    if isinstance(result, list) and len(result) == 3 and isinstance(result[0], str) and isinstance(result[1], list):
        return result[1:]
    if isinstance(result, list):
        return [values_only(r) for r in result]
    return {k: values_only(v) for k, v in result.items()} if isinstance(result, dict) else result


def has(name):
    at = tf
    for part in name.split("."):
        at = getattr(at, part, None)
    return at is not None


@pytest.fixture(scope="module", autouse=True)
def use_penstock():
    programs.use(tf)


ROWS = [pytest.param(c, i, id=f"{c[0]}/{i}") for c in programs.CASES for i in range(len(c[2]))]


@pytest.mark.parametrize("case, i", ROWS)
def test_program(case, i):
    name, function, arguments, features, needs = case
    if not all(has(n) for n in needs):
        pytest.skip(f"needs tf.{', tf.'.join(needs)}")
    golden = GOLDEN[f"{name}/{i}"]
    feature = features and tf.autograph.experimental.Feature[features]
    given = [tf.constant(a) for a in arguments[i]]
    graph = tf.function(function, experimental_autograph_options=feature)
    expected = OTHER_ERROR.get(name, golden["graph"])
    try:
        result = plain(graph(*given))
    except Exception as error:
        if not isinstance(expected, str):
            raise
        assert expected in [cls.__name__ for cls in type(error).__mro__], repr(error)
        return
    if isinstance(golden["graph"], str):  # TensorFlow cannot, this can: the numbers are Python's
        assert values_only(result) == values_only(golden["eager"])
    else:
        assert result == golden["graph"]
