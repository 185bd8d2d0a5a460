"""Public functions have TensorFlow's parameters, in its order; classes have its public methods."""

import pytest

from penstock.api import coverage, lazy, raw

EXTRA = {
    "op_scope": "takes the graph too, as 1.x did",
    "device": "the parameter is `device_name` in TensorFlow 2.x",
    "zeros_like": "`_optimize` is for its own gradient rules",
    "ones_like": "`_optimize` is for its own gradient rules",
    **dict.fromkeys(
        ("fftnd", "ifftnd", "rfftnd", "irfftnd"), "the 2.x names of `tf.signal` stand at the top level too"
    ),
}
CASES = [row for row in coverage.read_api() if row[1] == "f" and lazy.INDEX.get(row[0])]


def test_the_interface_is_large():
    assert len(CASES) > 1500


@pytest.mark.parametrize("api", ["1.x", "2.x"])
def test_functions_have_tensorflows_parameters(api):
    different = {}
    for name, kind, parameters, methods in CASES:
        if name.startswith(lazy.V1) == (api == "1.x") and name.removeprefix(lazy.V1) not in EXTRA:
            note = coverage.difference(name, kind, parameters, methods)
            if note and "cannot be loaded" not in note:
                different[name] = note
    assert different == {}


def test_every_public_name_can_be_loaded():
    broken = {}
    for name in lazy.INDEX.under(""):
        try:
            raw.named(name.removeprefix("raw_ops.")) if name.startswith("raw_ops.") else lazy.resolve(
                lazy.INDEX.get(name)
            )
        except Exception as error:  # the test says which and why
            broken[name] = repr(error)
    assert broken == {}
