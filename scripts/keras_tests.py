"""Run the test files that the keras package ships, on penstock or (under its own Python) on real TensorFlow.

    python scripts/keras_tests.py [--workers N] [--out results.json] [FOLDER or FILE below keras/src ...]

What fails on penstock is compared with `tests/keras/known_differences.txt`: a line `start of the test's name, two spaces,
reason` for each known one.  0 when nothing else fails.  The share that passes is of those that pass on TensorFlow 2.21, by
`tests/keras/tensorflow_passes.txt`: a line `file, two spaces, number of tests that pass` for each file, below it the tests that do not.
That list is written under TensorFlow's own Python with `--record` (of an environment that also has torch, grain, pandas, ...).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
KNOWN = ROOT / "tests" / "keras" / "known_differences.txt"
PASSES = ROOT / "tests" / "keras" / "tensorflow_passes.txt"
SOURCE = Path(find_spec("keras").submodule_search_locations[0]) / "src"
LEFT_OUT = ("backend/jax", "backend/torch", "backend/openvino")
"""Tests of other backends."""
TIMEOUT = 1800
PER_TEST = 240


class Recorder:
    """Notes the outcome of each test as soon as it is known: one JSON line for each."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            text = str(report.longrepr)[-1500:] if report.outcome == "failed" else ""
            where, _, name = report.nodeid.partition("::")
            self._note(where, name, report.outcome, text)

    def pytest_collectreport(self, report):
        if report.outcome == "failed":
            self._note(report.nodeid, "(import)", "failed", str(report.longrepr)[-1500:])

    def _note(self, where, name, outcome, text):
        inside = str(where).replace(os.sep, "/").rpartition("keras/src/")[2]
        self.file.write(json.dumps([f"{inside}::{name}", outcome, text]) + "\n")
        self.file.flush()


def child(out, files, extra):
    """Run files in this process."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.path += extra
    try:
        import penstock

        penstock.install_alias()
    except ModuleNotFoundError:
        pass  # real TensorFlow
    import pytest

    sys.modules["conftest"] = settings(pytest)
    args = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-c", os.devnull, "--rootdir", str(SOURCE.parent.parent),
            "--no-header", "--tb=short", "-W", "ignore", "--timeout", str(PER_TEST)]  # fmt: skip
    sys.exit(pytest.main([*args, *files], plugins=[Recorder(out)]))


def settings(pytest):
    """The `conftest` module of Keras' own repository, as far as its tests import it."""
    module = ModuleType("conftest")
    module.skip_if_backend = lambda given, reason: pytest.mark.skipif(given == "tensorflow", reason=reason)
    return module


def groups(asked):
    """Folders of test files, each to be run in a process of its own."""
    found = {}
    for path in sorted(SOURCE.rglob("*_test.py")):
        inside = path.relative_to(SOURCE).as_posix()
        if (
            inside.startswith(LEFT_OUT)
            or asked
            and not any(inside == a or inside.startswith(a.rstrip("/") + "/") for a in asked)
        ):
            continue
        big = inside in ("ops/numpy_test.py", "ops/nn_test.py", "ops/math_test.py")
        found.setdefault(inside if big else str(Path(inside).parent), []).append(str(path))
    return found


def run_group(name, files, extra):
    """{test: (outcome, text)} of one folder; what a crash cut off is run again without the test that crashed."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.jsonl")
        command = [sys.executable, __file__, "--child", out, *extra_args(extra), *files]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, cwd=folder)
            tail = (ended.stdout + ended.stderr)[-800:] if ended.returncode not in (0, 1, 5) else ""
        except subprocess.TimeoutExpired:
            tail = f"more than {TIMEOUT} s"
        if os.path.exists(out):
            for line in open(out, encoding="utf-8"):
                test, outcome, text = json.loads(line)
                if found.get(test, ("",))[0] != "failed":
                    found[test] = (outcome, text)
    if tail:
        found[f"{name}::(run)"] = ("failed", tail)
    print(f"{name:45} {count(found, 'passed'):5} passed {count(found, 'failed'):5} failed", flush=True)
    return found


def extra_args(extra):
    return [part for folder in extra for part in ("--extra", folder)]


def count(found, outcome):
    return sum(o == outcome for o, _ in found.values())


def reasons():
    """(start of a test's name, reason) of the known differences."""
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("  ", 1)) for line in lines if line and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", help="write every outcome here, as JSON")
    parser.add_argument("--record", action="store_true", help="write the list of what passes")
    parser.add_argument("--extra", action="append", default=[], help="a folder of more packages (torch, grain, ...), searched last")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    if options.child:
        child(options.child, options.what, options.extra)
    found = {}
    with ThreadPoolExecutor(options.workers) as pool:
        for part in pool.map(lambda g: run_group(*g, options.extra), groups(options.what).items()):
            found.update(part)
    if options.out:
        Path(options.out).write_text(json.dumps(found, indent=0), encoding="utf-8")
    print(
        f"{len(found)} tests: {count(found, 'passed')} passed, {count(found, 'failed')} failed, {count(found, 'skipped')} skipped"
    )
    if options.record:
        record(found)
        return 0
    share(found)
    return compare(found)


def record(found):
    """Write the list of what passes on TensorFlow."""
    lines = ["# Tests of keras' own files that pass with TensorFlow 2.21: file, two spaces, their number; below it those that do not pass."]
    by_file = {}
    for test, (outcome, _) in found.items():
        by_file.setdefault(test.partition("::")[0], {})[test.partition("::")[2]] = outcome
    for file, tests in sorted(by_file.items()):
        if file.endswith(".py"):
            lines += [f"{file}  {sum(o == 'passed' for o in tests.values())}", *sorted(f"  {t}" for t, o in tests.items() if o != "passed")]
    PASSES.write_text("\n".join(lines) + "\n", encoding="utf-8")


def share(found):
    """Say how many of the tests that pass on TensorFlow pass here, in the files that were run and can be imported."""
    expected, others, file = {}, set(), ""
    for line in PASSES.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            others.add(f"{file}::{line.strip()}")
        elif not line.startswith("#"):
            file, number = line.split("  ")
            expected[file] = int(number)
    run = {test.partition("::")[0] for test in found}
    lacking = {start.partition("::")[0] for start, reason in reasons() if reason.startswith("needs ") and f"{start}" in found}
    total = sum(n for file, n in expected.items() if file in run - lacking)
    passed = Counter(t.partition("::")[0] for t, (o, _) in found.items() if o == "passed" and t not in others)
    here = sum(min(passed[file], n) for file, n in expected.items() if file in run - lacking)
    print(f"{here} of the {total} tests that pass on TensorFlow pass here: {here / max(total, 1):.2%}")
    if lacking:
        print(f"left out for want of packages: {len(lacking)} files with {sum(expected.get(f, 0) for f in lacking)} tests")


def compare(found):
    """Say what fails beyond what is known; the exit code."""
    known = reasons()
    failed = [test for test, (outcome, _) in found.items() if outcome == "failed"]
    new = sorted(test for test in failed if not any(test.startswith(start) for start, _ in known))
    for start, reason in known:
        hits = sum(test.startswith(start) for test in failed)
        if hits:
            print(f"known: {hits:4} {start}: {reason}")
    for test in new:
        print(f"FAILED {test}")
    return 1 if new and find_spec("penstock") is not None else 0


if __name__ == "__main__":
    sys.exit(main())
