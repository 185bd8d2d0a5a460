"""Tracebacks of a user's program: the user's own frames, with penstock's and JAX's folded into one line each."""

import itertools
import os
import sys
import threading
import traceback

from penstock.base.where import is_own_frame

SWITCH = "PENSTOCK_TRACEBACK"
_JAX = tuple(f"{os.sep}site-packages{os.sep}{name}{os.sep}" for name in ("jax", "jaxlib"))


def is_internal(filename):
    """Is this a frame that a user of penstock need not see?"""
    return is_own_frame(filename) or any(part in filename for part in _JAX) or filename.startswith("<frozen importlib")


class FoldedStack(traceback.StackSummary):
    """A stack that prints each run of internal frames as one line."""

    def format(self, **how):
        for internal, frames in itertools.groupby(self, lambda frame: is_internal(frame.filename)):
            frames = list(frames)
            if internal:
                s = "" if len(frames) == 1 else "s"
                yield f"  ... {len(frames)} frame{s} inside penstock ({SWITCH}=full shows them)\n"
            else:
                yield from traceback.StackSummary.from_list(frames).format(**how)


def fold(report):
    """Fold the stacks of a `TracebackException` and of all that it was raised from."""
    waiting, seen = [report], set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if not all(is_internal(frame.filename) for frame in one.stack):
            one.stack = FoldedStack(one.stack)
        waiting += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]
    return report


def text_of(error_type, error, trace):
    """The whole traceback as text."""
    report = traceback.TracebackException(error_type, error, trace, compact=True)
    if os.environ.get(SWITCH, "").lower() != "full":
        fold(report)
    return "".join(report.format())


def show(error_type, error, trace):
    """What `sys.excepthook` does, folded."""
    sys.stdout.flush()
    sys.stderr.write(text_of(error_type, error, trace))
    sys.stderr.flush()


def install():
    """Fold the tracebacks of the main thread and of all others."""
    sys.excepthook = show

    def in_thread(args):
        if args.exc_type is not SystemExit:
            sys.stderr.write(f"Exception in thread {args.thread.name if args.thread else '?'}:\n")
            show(args.exc_type, args.exc_value, args.exc_traceback)

    threading.excepthook = in_thread
