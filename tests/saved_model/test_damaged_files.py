"""Damaged files are read or refused with a documented error, never more."""

import random

import pytest

from tests.saved_model import mutations


@pytest.fixture(scope="module")
def cases():
    made = mutations.Cases()
    yield made
    made.close()


@pytest.mark.parametrize("kind", range(10))
def test_damage(cases, kind):
    results = {mutations.attempt(cases, cases.kinds[kind], random.Random(f"suite/{kind}/{i}")) for i in range(24)}
    assert results - {"read"}  # some of it was noticed
