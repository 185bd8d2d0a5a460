"""The walks of examples/ run on penstock and learn; beside real TensorFlow (`make oracle`) they end where it ends."""

import glob
import os
import re
import sys

import pytest

from tests.oracle.real import ROOT, oracle, run

CHEAP = {  # program -> (options, TensorFlow to compare with, least accuracy in %, how far from TensorFlow's it may be)
    "digits_estimator.py": (["--steps", "90"], "1.15", 80.0, 8.0),
    "transfer_learning.py": (["--epochs", "2"], "2.21", 20.0, 8.0),
}
FULLER = {
    "wide_and_deep.py": (["--epochs", "1"], "2.15", 75.0, 0.5),
    "seq2seq_reversal.py": (["--steps", "40", "--units", "32", "--longest", "4"], "1.15", 0.0, 0.5),
    "masked_words.py": (["--steps", "120"], "1.15", 60.0, 5.0),
    "text_languages.py": (["--epochs", "3", "--messages", "400"], "2.21", 50.0, 5.0),
}
OLD = ("digits_estimator.py", "seq2seq_reversal.py", "masked_words.py")


def accuracies(output):
    return [float(n) for n in re.findall(r"held-out accuracy ([\d.]+) %", output)]


def on_penstock(program, options):
    way = ["--tf1"] if program in OLD else []
    return accuracies(run([sys.executable, "-m", "penstock", "run", *way, os.path.join(ROOT, "examples", program), *options], timeout=1200))


@pytest.mark.parametrize("program", CHEAP)
def test_learns(program):
    options, _, least, _ = CHEAP[program]
    found = on_penstock(program, options)
    assert found and min(found) >= least


@pytest.mark.oracle
@pytest.mark.parametrize("program", {**CHEAP, **FULLER})
def test_ends_where_tensorflow_ends(program):
    options, version, least, far = {**CHEAP, **FULLER}[program]
    if program == "text_languages.py" and not glob.glob("/usr/share/locale/de/LC_MESSAGES/*.mo"):
        pytest.skip("there are no message catalogues on this machine")
    real = accuracies(run([oracle(version), os.path.join(ROOT, "examples", program), *options], timeout=1200))
    found = on_penstock(program, options)
    assert found == pytest.approx(real, abs=far) and min(found) >= least
