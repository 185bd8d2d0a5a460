"""The two programs of the demo are TensorFlow programs: byte for byte they run on the real thing too."""

import os
import re
import sys

import pytest

from tests.oracle.real import ROOT, oracle, run

EXAMPLES = os.path.join(ROOT, "examples")


def accuracy(output):
    return float(re.findall(r"^held-out accuracy ([\d.]+) %", output, re.M)[-1])


@pytest.mark.oracle
@pytest.mark.parametrize("program, version", [("digits_tf1.py", "1.15"), ("digits_tf2.py", "2.21")])
def test_runs_on_real_tensorflow(program, version):
    output = run([oracle(version), os.path.join(EXAMPLES, program)])
    assert f"TensorFlow {version}" in output
    assert accuracy(output) >= 95


@pytest.mark.parametrize("program, options", [("digits_tf1.py", ["--tf1"]), ("digits_tf2.py", [])])
def test_runs_on_penstock(program, options):
    output = run([sys.executable, "-m", "penstock", "run", *options, os.path.join(EXAMPLES, program)])
    assert accuracy(output) >= 95
    assert re.search(r"first step \d+ ms, then [\d.]+ ms a step", output)
