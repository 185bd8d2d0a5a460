"""Write penstock/ir/newer_attrs.txt: the attrs of ops that came after TensorFlow 1.15.

.oracle/tf1.15/bin/python tests/golden/make_newer_attrs.py old > /tmp/old.json
.oracle/tf2.21/bin/python tests/golden/make_newer_attrs.py new /tmp/old.json penstock/ir/newer_attrs.txt
"""

import json
import sys


def attrs():
    """The attrs of every op of this TensorFlow, by op."""
    import tensorflow as tf
    from tensorflow.core.framework import op_def_pb2

    if tf.__version__.startswith("1."):
        from tensorflow.python import pywrap_tensorflow as c

        data = bytes(c.TF_GetBuffer(c.TF_GetAllOpList()))
    else:
        from tensorflow.python.client import pywrap_tf_session as c

        data = bytes(c.TF_GetBuffer(c.TF_GetAllOpList()))
    found = op_def_pb2.OpList()
    found.ParseFromString(data)
    return {op.name: [a.name for a in op.attr] for op in found.op}


if __name__ == "__main__":
    if sys.argv[1] == "old":
        print(json.dumps(attrs()))
    else:
        with open(sys.argv[2]) as file:
            old = json.loads(file.read().strip().splitlines()[-1])
        with open(sys.argv[3], "w") as file:
            for op, now in sorted(attrs().items()):
                newer = sorted(a for a in now if a not in old.get(op, now))
                if newer and not op.startswith("_"):
                    file.write(" ".join([op, *newer]) + "\n")
