"""Keras' own package on the alias, for these tests alone."""

import os
from importlib.util import find_spec

import pytest


@pytest.fixture(scope="module")
def keras():
    """The real keras package, its backend penstock's `tensorflow`."""
    if find_spec("keras") is None:
        pytest.skip("keras is not installed")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from penstock.api import alias

    alias.install()
    import keras

    yield keras
    alias.remove()  # other tests of this process ask whether `tensorflow` is there


@pytest.fixture
def tf(keras):
    """penstock, as programs see it."""
    import tensorflow

    return tensorflow
