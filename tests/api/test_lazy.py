"""The lazy namespaces: what is found, what is not, and what is imported on the way."""

import subprocess
import sys

import pytest

import penstock as tf
from penstock.api import lazy


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_import_loads_nothing_heavy():
    heavy = python(
        "import sys, penstock; print([m for m in ('jax', 'numpy', 'google.protobuf', 'keras') if m in sys.modules])"
    )
    assert heavy.strip() == "[]"


def test_namespaces_of_both_apis():
    out = python(
        "import penstock as tf, penstock.compat.v1 as tf1\n"
        "from penstock import errors\n"
        "from penstock.errors import NotFoundError\n"
        "from penstock.compat.v1 import errors as old\n"
        "print(tf.compat.v1 is tf1, errors.NotFoundError is NotFoundError is old.NotFoundError)\n"
        "print(tf.compat.v2.float32 is tf.float32)"
    )
    assert out.split() == ["True", "True", "True"]


def test_dir_lists_names_and_namespaces():
    assert {"float32", "errors", "compat", "TensorShape"} <= set(dir(tf))
    assert "NotFoundError" in dir(tf.errors)
    assert set(dir(tf.compat)) >= {"v1", "v2"}


@pytest.mark.parametrize(
    "space, key, meant",
    [
        (tf, "flot32", "tf.float32"),
        (tf.errors, "NotFundError", "tf.errors.NotFoundError"),
        (tf, "NotFoundError", "tf.errors.NotFoundError"),
        (tf.compat.v1, "flot64", "tf.compat.v1.float64"),
    ],
)
def test_unknown_name_says_the_nearest(space, key, meant):
    with pytest.raises(AttributeError) as caught:
        getattr(space, key)
    assert str(caught.value) == f"module {space.__name__!r} has no attribute {key!r}; did you mean {meant!r}?"
    assert not hasattr(space, key)


def test_unknown_module_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        __import__("penstock.no_such_namespace")


def test_names_are_sorted():
    with open(lazy.INDEX.path, encoding="utf-8") as file:
        names = [line.split()[0] for line in file]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    "path, prefix",
    [
        ("penstock", ""),
        ("penstock.compat.v2.errors", "errors."),
        ("penstock.compat.v1.compat.v2.errors", "errors."),
        ("penstock.compat.v1.errors", "compat.v1.errors."),
        ("penstock.base.errors", None),
        ("penstock.nothing", None),
        ("numpy", None),
    ],
)
def test_which_prefix_a_module_serves(path, prefix):
    assert lazy.FINDER.prefix_of(path) == prefix
