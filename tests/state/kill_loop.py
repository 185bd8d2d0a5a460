"""Saves in a loop and is killed at random moments: `python kill_loop.py FOLDER COUNT SEED` prints how many kills left a whole checkpoint."""

import os
import random
import signal
import sys
import time

import numpy as np

from penstock.base import bundle, dtypes
from penstock.state.checkpoints import latest_checkpoint, record_state

SIZE = 20_000


def save_forever(folder, first, same):
    """Checkpoints whose tensors all hold the same number, under numbered prefixes or always the same one."""
    number = first
    while True:
        number += 1
        prefix = os.path.join(folder, "ck" if same else f"ck-{number % 7}")
        tensors = [(f"t{i}", "", np.full([SIZE], number, np.float32), dtypes.float32) for i in range(3)]
        bundle.write_shards(prefix, [tensors[:1], tensors[1:]] if number % 3 else [tensors])
        record_state(folder, prefix, [prefix], None, True)


def newest(folder):
    """The number that the latest checkpoint holds; an error when it is no whole one."""
    reader = bundle.Reader(latest_checkpoint(folder))
    values = {float(v) for i in range(3) for v in np.unique(reader.tensor(f"t{i}"))}
    assert len(values) == 1, f"a mixture of {values}"
    return int(values.pop())


def main(folder, count, seed):
    random.seed(seed)
    last = 0
    for round_ in range(count):
        same = bool(round_ % 2)
        here = os.path.join(folder, "same" if same else "numbered")
        os.makedirs(here, exist_ok=True)
        before = newest(here) if os.path.exists(os.path.join(here, "checkpoint")) else None
        child = os.fork()
        if child == 0:
            try:
                save_forever(here, last, same)
            finally:
                os._exit(1)
        if before is None:
            while not os.path.exists(os.path.join(here, "checkpoint")):
                time.sleep(0.001)
        time.sleep(random.random() * 0.03)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = newest(here)
        assert before is None or found >= before, f"went back from {before} to {found}"
        last = max(last, found)
    print(count)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
