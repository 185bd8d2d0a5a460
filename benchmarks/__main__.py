"""`make bench`: penstock against TensorFlow and PyTorch, medians of pairs measured in one run.

Every peer is a process in its own environment; the rounds go from peer to peer, so that what else the machine does falls on
all alike.  A ratio is the median over the rounds of penstock's time divided by the peer's in the same round.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHONS = {"penstock": ROOT / ".venv/bin/python", "tensorflow": ROOT / ".oracle/tf2.21/bin/python", "tensorflow-xla": ROOT / ".oracle/tf2.21/bin/python",
           "torch": ROOT / ".oracle/torch/bin/python", "torch-compile": ROOT / ".oracle/torch/bin/python"}  # fmt: skip
TF, BOTH, ALL = ("tensorflow",), ("tensorflow", "torch"), ("tensorflow", "tensorflow-xla", "torch", "torch-compile")
CASES = {  # name: (repeats a round, peers, at most this ratio to the best of them)
    "session_run": (2000, TF, 0.25), "function_call": (2000, TF, 0.12), "eager_add": (3000, TF, 0.35), "eager_matmul": (3000, TF, 0.35),
    "eager_reduce_sum": (3000, TF, 0.35), "tape_gradient": (400, TF, 0.4), "deep_build": (1, TF, 0.5), "deep_first": (1, TF, 1.0),
    "deep_steady": (10, TF, 0.3), "many_variables": (200, TF, 0.5), "mlp": (30, ALL, 1.0), "lstm": (4, BOTH, 0.5), "transformer": (4, ALL, 1.0),
    "convnet": (4, TF, 1.8), "data_memory": (1, TF, 1.0), "data_map": (1, TF, 1.0), "data_jpeg": (1, TF, 1.0), "data_examples": (1, TF, 1.0),
    "data_text": (1, TF, 1.0), "data_generator": (1, TF, 1.0),
}  # fmt: skip
FAMILIES = {  # of ops: repeats a round; the limit is of the geometric mean of all, and 2 for each
    "ops_reductions": 20, "ops_gather_scatter": 10, "ops_sort": 5, "ops_sparse_dense": 20, "ops_segments": 10, "ops_cumulative": 20,
    "ops_resizes": 5, "ops_fft": 10, "ops_decode": 20, "ops_unicode_parse": 10, "ops_nms": 10, "ops_embedding": 20,
}  # fmt: skip
REASONS = {  # why a family may be above 2
    "ops_unicode_parse": "strings are Python objects here: about 1 us each where TensorFlow's C++ takes 0.1",
    "ops_nms": "a block of 128 boxes is some thirty NumPy calls, 0.4 ms, where TensorFlow's C++ loop ends after 0.2",
}
IN_TORCH = {"ops_reductions", "ops_gather_scatter", "ops_sort", "ops_sparse_dense", "ops_segments", "ops_cumulative", "ops_fft", "ops_embedding"}
CASES |= {f: (n, BOTH if f in IN_TORCH else TF, 2.0) for f, n in FAMILIES.items()}
STARTS = {
    "import": "import {m}",
    "first_result": "import {m} as tf; float(tf.reduce_sum(tf.matmul(tf.ones([4, 4]), tf.ones([4, 4]))))",
    "second_start": "import sys; sys.path.insert(0, 'benchmarks'); import {m} as tf, cases_tf; cases_tf.mlp(tf)()",
}
START_LIMITS = {"import": 0.03, "first_result": 0.4, "second_start": 1.0, "resident": 0.7}
RESIDENT = """
import sys; sys.path.insert(0, 'benchmarks')
import {m} as tf, cases_tf
step = cases_tf.mlp(tf)
for _ in range(100):
    step()
pages = int(open('/proc/self/statm').read().split()[1])
print(pages * 4096 / 2**20)
"""


class Peer:
    """A worker process."""

    def __init__(self, name: str):
        env = {**os.environ, "PYTHONPATH": str(ROOT) if name == "penstock" else ""}
        self.process = subprocess.Popen([PYTHONS[name], ROOT / "benchmarks/worker.py", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=env, cwd="/tmp")  # fmt: skip
        assert self.process.stdout is not None
        while self.process.stdout.readline().strip() != "ready":
            if self.process.poll() is not None:
                raise RuntimeError(f"the peer {name} did not start")

    def time(self, case: str, repeats: int):
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{case} {repeats}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def start_seconds(peer: str, what: str) -> float:
    code = STARTS[what].format(m="penstock" if peer == "penstock" else "tensorflow")
    start = time.perf_counter()
    subprocess.run([PYTHONS[peer], "-c", code], check=True, cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    return time.perf_counter() - start


def resident_megabytes(peer: str, _: str) -> float:
    """Memory held after a hundred steps of the MLP."""
    code = RESIDENT.format(m="penstock" if peer == "penstock" else "tensorflow")
    return float(subprocess.run([PYTHONS[peer], "-c", code], check=True, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def show(case: str, ours: float, rows: dict, limit: float) -> None:
    unit, scale = ("MB", 1) if case == "resident" else ("us", 1e6) if ours < 1e-3 else ("ms", 1e3) if ours < 1 else ("s", 1)
    peers = "  ".join(f"{p} {t * scale:.1f}{unit} ({r:.2f}x)" for p, (t, r) in rows.items())
    worst = max((r for _, r in rows.values()), default=float("nan"))
    print(f"{case:16} {ours * scale:9.1f} {unit}   {peers}   limit {limit}: {'met' if worst <= limit else 'NOT MET'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help=f"default: all of {', '.join([*START_LIMITS, *CASES])}")
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    here = {p for p, python in PYTHONS.items() if python.exists()}
    if "tensorflow" not in here:
        print("no TensorFlow to compare with: run `make oracle` first", file=sys.stderr)
    names = chosen.cases or [*START_LIMITS, *CASES]
    for case in [n for n in names if n in START_LIMITS]:
        measure = start_seconds if case in STARTS else resident_megabytes
        times = {p: [] for p in ("penstock", *[t for t in TF if t in here])}
        for _ in range(chosen.rounds):
            for p, seen in times.items():
                seen.append(measure(p, case))
        show(case, statistics.median(times["penstock"]), {p: (statistics.median(t), statistics.median(a / b for a, b in zip(times["penstock"], t)))
                                                          for p, t in times.items() if p != "penstock"}, START_LIMITS[case])  # fmt: skip
    wanted = [n for n in names if n in CASES]
    peers = {p: Peer(p) for p in ("penstock", *{q for n in wanted for q in CASES[n][1] if q in here})} if wanted else {}
    ratios = {}
    for case in wanted:
        repeats, against, limit = CASES[case]
        times = {p: [] for p in ("penstock", *[q for q in against if q in peers])}
        for _ in range(chosen.rounds):
            for p in times:
                got = peers[p].time(case, repeats)
                if isinstance(got, str):
                    print(f"{case}: {p} failed: {got}")
                    got = float("nan")
                times[p].append(got)
        show(case, statistics.median(times["penstock"]), {p: (statistics.median(t), statistics.median(a / b for a, b in zip(times["penstock"], t)))
                                                          for p, t in times.items() if p != "penstock"}, limit)  # fmt: skip
        if case in FAMILIES:
            for p in times:
                ratios.setdefault(p, []).append(statistics.median(a / b for a, b in zip(times["penstock"], times[p])))
            if case in REASONS:
                print(f"{'':16} {REASONS[case]}")
    for p, found in ratios.items():
        if p != "penstock":
            print(f"families of ops against {p}: geometric mean of {len(found)} ratios {statistics.geometric_mean(found):.2f}")
    for p in peers.values():
        p.process.kill()


if __name__ == "__main__":
    main()
