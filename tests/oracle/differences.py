"""Compares the outcomes of drawn calls on TensorFlow and here: `python -m tests.oracle.differences [OP ...]` draws, runs and prints."""

import collections
import json
import os
import pickle
import subprocess
import sys
import tempfile

import numpy as np

from tests.oracle import draws
from tests.oracle.real import QUIET, ROOT

TOLERANCE = {"float16": 5e-3, "bfloat16": 4e-2, "float32": 2e-4, "complex64": 5e-4}
KINDS = ("crash", "slow", "count", "dtype", "shape", "value", "refused", "accepted", "class", "static")


def drawn(calls, only=()):
    """{op: {number: call}} for the ops that calls can be drawn for."""
    import penstock as tf
    from penstock.api.lazy import INDEX
    from penstock.ir.op import find

    tf.constant(0)
    found = {}
    for name in only or INDEX.under("raw_ops."):
        op = find(name)
        if draws.usable(op):
            made = {k: draws.case(op, k) for k in range(calls)}
            found[name] = {k: c for k, c in made.items() if c is not None}
    return {n: c for n, c in found.items() if c}


def outcomes(calls, which, python, timeout=7200):
    """What the calls give in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "calls"), os.path.join(folder, "outcomes")
        with open(source, "wb") as file:
            pickle.dump(calls, file)
        script = os.path.join(ROOT, "tests", "oracle", "calls.py")
        subprocess.run([python, script, which, source, target], cwd=folder, check=True, timeout=timeout, env={**os.environ, **QUIET, "PYTHONPATH": ROOT})
        with open(target, "rb") as file:
            return pickle.load(file)


def close(want, got, dtype):
    """Equal to rounding."""
    if want.dtype.kind in "SUO" or got.dtype.kind in "SUO":
        return want.astype(object).tolist() == got.astype(object).tolist()
    tol = TOLERANCE.get(dtype, 1e-6)
    wide = np.complex128 if "complex" in dtype else np.float64
    with np.errstate(all="ignore"):
        return np.allclose(want.astype(wide), got.astype(wide), rtol=tol, atol=tol, equal_nan=True)


def difference(theirs, ours):
    """(kind, detail) of what differs between two outcomes; None for nothing."""
    if ours[0] in ("crash", "slow"):
        return ours[0], theirs[:2]
    if theirs[0] in ("crash", "slow"):
        return None
    if theirs[0] == "error" and ours[0] == "error":
        return None if theirs[1][0] in ours[1] else ("class", (theirs[1][0], theirs[2], ours[1][0], ours[2]))
    if theirs[0] == "error":
        return "accepted", (theirs[1][0], theirs[2])
    if ours[0] == "error":
        return "refused", (ours[1][0], ours[2])
    if len(theirs[1]) != len(ours[1]):
        return "count", (len(theirs[1]), len(ours[1]))
    for (kind, want), (own, got) in zip(theirs[1], ours[1]):
        if kind != own:
            return "dtype", (kind, own)
        if want is None:
            continue
        if want.shape != got.shape:
            return "shape", (want.shape, got.shape)
        if not close(want, got, kind):
            return "value", (want.ravel()[:6].tolist(), got.ravel()[:6].tolist())
    if isinstance(theirs[2], str) or isinstance(ours[2], str):
        return None if theirs[2] == ours[2] or isinstance(theirs[2], str) else ("static", (theirs[2], ours[2]))
    for (_, value), s, o in zip(theirs[1], theirs[2], ours[2]):
        if o is not None and value is not None and (len(o) != value.ndim or any(a not in (None, n) for a, n in zip(o, value.shape))):
            return "static", (s, o)
        if s is not None and (o is None or any(a is not None and b is None for a, b in zip(s, o))):
            return "static", (s, o)  # known there, unknown here
    return None


def compare(theirs, ours):
    """{kind: {op: [(number, detail)]}} of all differences, and how many calls agree."""
    found = {kind: collections.defaultdict(list) for kind in KINDS}
    same = 0
    for name, calls in theirs.items():
        for k, outcome in calls.items():
            differs = difference(outcome, ours[name][k])
            if differs is None:
                same += 1
            else:
                found[differs[0]][name].append((k, differs[1]))
    return found, same


def main(only):
    count = int(os.environ.get("CALLS", "24"))
    calls = drawn(count, only)
    theirs = outcomes(calls, "tensorflow", os.path.join(ROOT, ".oracle", "tf2.21", "bin", "python"))
    ours = outcomes(calls, "penstock", sys.executable)
    if os.environ.get("KEEP"):
        with open(os.environ["KEEP"], "wb") as file:
            pickle.dump((calls, theirs, ours), file)
    found, same = compare(theirs, ours)
    for kind in KINDS:
        for name, cases in sorted(found[kind].items()):
            print(kind, name, len(cases), json.dumps(cases[0], default=str)[:400])
    print({k: sum(map(len, v.values())) for k, v in found.items()}, "same:", same, "ops:", len(calls))


if __name__ == "__main__":
    main(sys.argv[1:])
