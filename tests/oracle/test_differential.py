"""Drawn calls of every op that calls can be drawn for, on TensorFlow and here: values, types, shapes, and the classes of errors.

What differs for a reason stands in known_differences.txt, a line for an op: `KIND OP the reason`.
"""

import os
import sys

import pytest

from tests.oracle.differences import KINDS, compare, drawn, outcomes
from tests.oracle.real import ROOT, oracle

HARD = ("crash", "slow", "count", "dtype", "shape", "value", "refused", "static")
SHARE = {"accepted": 0.10, "class": 0.12}
"""How many of the calls may be accepted here alone (types without a kernel there, above all), or fail with another class."""


def known():
    with open(os.path.join(ROOT, "tests", "oracle", "known_differences.txt"), encoding="utf-8") as file:
        return {tuple(line.split(None, 2)[:2]) for line in file if line.strip() and not line.startswith("#")}


@pytest.fixture(scope="module")
def found():
    calls = drawn(int(os.environ.get("CALLS", "6")))
    return compare(outcomes(calls, "tensorflow", oracle("2.21")), outcomes(calls, "penstock", sys.executable))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", HARD)
def test_the_same(found, kind):
    allowed = known()
    assert {n: c[0] for n, c in found[0][kind].items() if (kind, n) not in allowed} == {}


@pytest.mark.parametrize("kind", SHARE)
def test_few_others(found, kind):
    differences, same = found
    total = same + sum(len(c) for k in KINDS for c in differences[k].values())
    assert sum(map(len, differences[kind].values())) <= SHARE[kind] * total
