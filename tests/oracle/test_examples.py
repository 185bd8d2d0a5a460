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
def test_runs_on_penstock(program, options, tmp_path):
    output = run([sys.executable, "-m", "penstock", "run", *options, os.path.join(EXAMPLES, program), "--out", str(tmp_path)])
    assert accuracy(output) >= 95
    assert re.search(r"first step \d+ ms, then [\d.]+ ms a step", output)
    name = program.removesuffix(".py")
    assert (tmp_path / name / "saved_model.pb").exists() and any((tmp_path / "logs" / name[-3:]).iterdir())
    import penstock as tf

    read = tf.saved_model.load(str(tmp_path / name)).signatures["serving_default"]
    found = read(images=tf.zeros([3, 8, 8] if options else [3, 8, 8, 1]))
    assert found["digits"].shape == (3,) and found["probabilities"].shape == (3, 10)
