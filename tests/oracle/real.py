"""Real TensorFlow in environments of its own: `.oracle/tf2.21` and `.oracle/tf1.15`, made by `make oracle`."""

import json
import os
import subprocess
import sys
import tempfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "PYTHONWARNINGS": "ignore",
    "CUDA_VISIBLE_DEVICES": "",
}


def oracle(version):
    """The Python of a real TensorFlow; skips the test where it is not installed."""
    python = os.path.join(ROOT, ".oracle", f"tf{version}", "bin", "python")
    if not os.path.exists(os.path.join(ROOT, ".oracle", f"tf{version}", "ready")):
        pytest.skip(f"TensorFlow {version} is not installed in .oracle/tf{version}: run `make oracle`")
    return python


def run(command, timeout=280, **env):
    """Standard output of a process that must succeed."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, env={**os.environ, **QUIET, **env}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def both(program, version="2.21", tf1=False):
    """What a program shows on TensorFlow and on penstock: a pair of {name: value}.

    The program finds `tf`, `np`, and `show(name, value)`, which takes values, nests of them, and callables, whose
    result or class of error it shows.  `tf1` makes `tf` the 1.x API of TensorFlow 2.21.
    """
    text = PRELUDE.replace("TF", "tensorflow.compat.v1" if tf1 and version != "1.15" else "tensorflow")
    text += program + POSTLUDE
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        theirs = run([oracle(version), path])
        ours = run([sys.executable, "-m", "penstock", "run", *(["--tf1"] if version == "1.15" else []), path])
    last = lambda out: json.loads(out.strip().splitlines()[-1])
    return last(theirs), last(ours)


def close(theirs, ours, rtol=1e-5, atol=1e-6):
    """Are two shown values the same, numbers up to rounding?"""
    if isinstance(theirs, float) and isinstance(ours, int | float):
        return theirs == ours or abs(theirs - ours) <= atol + rtol * abs(theirs) or (theirs != theirs and ours != ours)
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and all(close(a, b, rtol, atol) for a, b in zip(theirs, ours))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return theirs.keys() == ours.keys() and all(close(v, ours[k], rtol, atol) for k, v in theirs.items())
    if isinstance(theirs, str) and isinstance(ours, str) and theirs.startswith("raises "):
        return ours.startswith("raises ") and theirs.split()[1] in ours.split()
    return theirs == ours


def differences(theirs, ours, **tolerance):
    """{name: (TensorFlow's value, penstock's)} of what differs."""
    names = [n for n in theirs if n not in ours or not close(theirs[n], ours[n], **tolerance)]
    return {n: (theirs[n], ours.get(n, "not shown")) for n in names}


PRELUDE = """
import json, numpy as np
import TF as tf
_shown = {}
def _plain(value):
    if isinstance(value, dict): return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return [_plain(v) for v in value]
    if isinstance(value, bytes): return value.decode("latin1")
    if isinstance(value, (str, bool, int, float, type(None))): return value
    if hasattr(value, "as_list"): return None if value.rank is None else value.as_list()
    if hasattr(value, "as_numpy_dtype"): return value.name
    if hasattr(value, "numpy"): value = value.numpy()
    if hasattr(value, "to_list"): return value.to_list()
    array = np.asarray(value)
    if array.dtype.kind in "OS": return [str(array.dtype.kind), _plain(array.tolist())]
    if array.dtype.name == "bfloat16": return ["bfloat16", array.astype("float32").tolist()]
    if array.dtype.kind == "c": return [array.dtype.name, array.real.tolist(), array.imag.tolist()]
    return [array.dtype.name, array.tolist()]
def show(name, value):
    if callable(value):
        try: value = value()
        except Exception as error: value = "raises " + " ".join(c.__name__ for c in type(error).__mro__)
    _shown[name] = _plain(value)
"""
POSTLUDE = """
print(json.dumps(_shown))
"""
