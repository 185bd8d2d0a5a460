"""Keeps drawn calls of raw ops with what TensorFlow gave: python -m tests.golden.make_drawn_calls, after `make oracle`.

For each op two small calls that TensorFlow takes, and one that it refuses: the calls are drawn again by the test, the file holds
the values and the classes of the errors.
"""

import pathlib
import zlib

import numpy as np

from tests.oracle.differences import drawn, outcomes
from tests.oracle.real import oracle

TARGET = pathlib.Path(__file__).parent / "drawn_calls.npz"
ROWS = pathlib.Path(__file__).parent.parent / "ops"


def fingerprint(call):
    """A number that changes when the drawn call does."""
    return zlib.crc32(repr([(n, v) for n, v in sorted(call["inputs"].items())]).encode() + repr(sorted(call["attrs"].items())).encode())


def main():
    rows = "".join(path.read_text() for path in ROWS.glob("rows_*.py"))
    calls = {n: c for n, c in drawn(12).items() if f'"{n}"' not in rows}  # ops without a row of their own
    given = outcomes(calls, "tensorflow", oracle("2.21"))
    kept = {}
    for name, found in given.items():
        good, bad = 0, 0
        for k, outcome in found.items():
            key = f"{name}|{k}"
            if outcome[0] == "ok" and good < 2 and all(a is not None and a.size <= 64 for _, a in outcome[1]):
                good += 1
                for i, (dtype, array) in enumerate(outcome[1]):
                    kept[f"{key}|{i}|{dtype}"] = array.astype("S") if array.dtype == object else array
                kept[f"{key}|{len(outcome[1])}|count"] = np.array(fingerprint(calls[name][k]))
            elif outcome[0] == "error" and bad < 1 and outcome[1][0] == "InvalidArgumentError" and "kernel" not in outcome[2].lower():
                bad += 1
                kept[f"{key}|0|error"] = np.array(fingerprint(calls[name][k]))
    np.savez_compressed(TARGET, **kept)
    print(len(given), "ops", len(kept), "arrays", TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
