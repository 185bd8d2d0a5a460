"""`python scripts/make_internals.py internal_names.json`: write `penstock/api/internals.txt`.

The input says, for each module inside TensorFlow, which public name each of its functions has.  The output holds one
module a line, without the leading `tensorflow.`: `python.ops.math_ops abs=abs acosh=compat.v1.math.acosh ...`.
"""

import json
import os
import sys

OUT = os.path.join(os.path.dirname(__file__), "..", "penstock", "api", "internals.txt")

CORRECTIONS = {
    ("tensorflow.python.framework.ops", "name_scope"): "tf.compat.v1.name_scope",
}
"""Names whose public one has other parameters than the internal function."""

LAYERS = "tensorflow.python.layers."
"""Modules in which a name like `dropout` is that of the layer, not of the op."""


def main(path):
    with open(path, encoding="utf-8") as file:
        modules = json.load(file)
    lines = []
    for module, names in sorted(modules.items()):
        rows = []
        for name, public in sorted(names.items()):
            public = CORRECTIONS.get((module, name), public)
            guess, public = public.startswith("~"), public.lstrip("~")
            if module.startswith(LAYERS) and not module.endswith(".utils"):
                public = f"tf.compat.v1.layers.{name}"
            if not public.startswith("tf.") or public.startswith("tf.dtensor.") or (guess and "raw_ops" in public):
                continue
            rows.append(f"{name}={public.removeprefix('tf.').replace('compat.v1.raw_ops.', 'raw_ops.')}")
        lines.append(" ".join([module.removeprefix("tensorflow."), *rows]) + "\n")
    with open(OUT, "w", encoding="utf-8") as file:
        file.writelines(lines)
    print(f"{len(lines)} modules, {sum(line.count('=') for line in lines)} names")


if __name__ == "__main__":
    main(*sys.argv[1:])
