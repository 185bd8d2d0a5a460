"""One peer of a benchmark run, in a process of its own: reads `case repeats` lines, prints seconds per call."""

import json
import os
import sys
import time


def main(peer: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    if peer.startswith("torch"):
        import cases_torch as cases
        import torch

        torch.set_num_threads(2)
        build = lambda name: getattr(cases, name)(peer == "torch-compile")
    else:
        import cases_data
        import cases_ops
        import cases_tf as cases

        if peer == "penstock":
            import penstock as tf
        else:
            import tensorflow as tf
        if peer == "tensorflow-xla":
            plain = tf.function
            tf.function = lambda f: plain(f, jit_compile=True)
        files = {"data": cases_data, "ops": cases_ops}
        build = lambda name: getattr(files.get(name.partition("_")[0], cases), name)(tf)
    ready = {}
    print("ready", flush=True)
    for line in sys.stdin:
        name, repeats = line.split()
        try:
            if name not in ready:
                run = ready[name] = build(name)
                if not getattr(run, "times_itself", False):
                    for _ in range(3):
                        run()
            run = ready[name]
            if getattr(run, "times_itself", False):
                out = [run() for _ in range(int(repeats))]
                seconds = sum(out) / len(out)
            else:
                start = time.perf_counter()
                for _ in range(int(repeats)):
                    run()
                seconds = (time.perf_counter() - start) / int(repeats)
            print(json.dumps(seconds), flush=True)
        except Exception as e:  # noqa: BLE001 - a peer that cannot run a case says so
            print(json.dumps(f"{type(e).__name__}: {e}"[:200]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
