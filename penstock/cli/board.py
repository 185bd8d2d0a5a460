"""`penstock board`: the real TensorBoard over a folder of event files."""

import os
import sys
from importlib.util import find_spec


def main(arguments):
    """Become TensorBoard."""
    if find_spec("tensorboard") is None:
        sys.exit("penstock board: the tensorboard package is missing; install it with: pip install tensorboard")
    arguments = list(arguments)
    for i, argument in enumerate(arguments):
        folder = arguments[i + 1] if argument == "--logdir" and i + 1 < len(arguments) else argument.removeprefix("--logdir=")
        if argument.startswith("--logdir") and "," not in folder and ":" not in folder and not os.path.isdir(folder):
            print(f"penstock board: there is no folder {folder} yet; waiting for event files in it", file=sys.stderr)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "tensorboard.main", *arguments])  # noqa: S606 - our own interpreter
