"""Write tests/golden/node_counts.json: run by TensorFlow 1.15.5, `.oracle/tf1.15/bin/python tests/golden/make_node_counts.py`."""

import json
import os
import sys

if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    import tensorflow as tf
    from node_count_programs import measure, programs

    tf.logging.set_verbosity(tf.logging.ERROR)
    found = {name: measure(tf, build) for name, build in programs(tf).items()}
    with open(os.path.join(here, "node_counts.json"), "w") as f:
        json.dump(found, f, indent=0, sort_keys=True)
        f.write("\n")
    print(len(found), "programs")
