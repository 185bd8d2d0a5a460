"""Makes `contrib_*.npz` with a real TensorFlow 1.15: `python tests/golden/make_contrib.py [layer ...]` where it is installed."""

import glob
import importlib
import os
import sys

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
kinds = sys.argv[1:] or sorted(os.path.basename(p)[8:-12] for p in glob.glob(os.path.join(HERE, "contrib_*_programs.py")))
for kind in kinds:
    programs = importlib.import_module("contrib_%s_programs" % kind)
    found = {}
    for name in programs.PROGRAMS:
        try:
            for key, value in programs.run(tf, name).items():
                found["%s/%s" % (name, key)] = value
        except Exception:
            print("failed:", kind, name)
            raise
    np.savez_compressed(os.path.join(HERE, "contrib_%s.npz" % kind), **found)
