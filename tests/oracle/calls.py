"""Makes drawn calls of raw ops and keeps what came of them: python calls.py tensorflow|penstock CALLS.pickle OUTCOMES.pickle

CALLS maps the name of an op to its calls by number (tests/oracle/draws.py).  An outcome is ("ok", [(dtype, array)], static shapes),
("error", class names, message), ("crash",) or ("slow",).  Ops run in child processes, so that a crash costs one op.
"""

import os
import pickle
import signal
import sys

import numpy as np

SECONDS = 20


class Slow(BaseException):
    """A call took too long."""


def main(which, source, target):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    os.environ["PENSTOCK_CACHE"] = "off"
    if which == "tensorflow":
        import tensorflow as tf
    else:
        import penstock as tf
    with open(source, "rb") as file:
        calls = pickle.load(file)
    signal.signal(signal.SIGALRM, _late)
    outcomes, names, part = {}, list(calls), target + ".part"
    while names:
        batch, names = names[:48], names[48:]
        while batch:
            if os.path.exists(part):
                os.remove(part)
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                found = {}
                for name in batch:
                    found[name] = {k: outcome(tf, name, call) for k, call in calls[name].items()}
                    with open(part + ".new", "wb") as file:
                        pickle.dump(found, file)
                    os.replace(part + ".new", part)
                os._exit(0)
            os.waitpid(child, 0)
            done = {}
            if os.path.exists(part):
                with open(part, "rb") as file:
                    done = pickle.load(file)
            outcomes.update(done)
            batch = [n for n in batch if n not in done]
            if batch:
                outcomes[batch[0]] = dict.fromkeys(calls[batch[0]], ("crash",))
                batch = batch[1:]
        with open(target, "wb") as file:
            pickle.dump(outcomes, file)


def _late(*_):
    raise Slow


def tensor(tf, dtype, value):
    if dtype == "string":
        return tf.constant(value, dtype=tf.string) if value.size else tf.zeros(value.shape, tf.string)
    if dtype == "bfloat16":
        return tf.cast(tf.constant(value, tf.float32), tf.bfloat16)
    return tf.constant(value.astype(tf.as_dtype(dtype).as_numpy_dtype))


def flat(found):
    if isinstance(found, (list, tuple)):
        return [t for part in found for t in flat(part)]
    return [found] if hasattr(found, "dtype") else []


def kept(tf, found):
    """(dtype, array) of each output."""
    plain = lambda t: tf.cast(t, tf.float32) if t.dtype == tf.bfloat16 else t
    return [(t.dtype.name, np.asarray(plain(t).numpy()) if t.dtype not in (tf.variant, tf.resource) else None) for t in flat(found)]


def outcome(tf, name, call):
    """What one call gives."""
    signal.alarm(SECONDS)
    try:
        arguments = {n: [tensor(tf, *v) for v in given] if isinstance(given, list) else tensor(tf, *given) for n, given in call["inputs"].items()}
        attrs = {n: tf.as_dtype(v) if kind == "type" else [tf.as_dtype(t) for t in v] if kind == "types" else v for n, (kind, v) in call["attrs"].items()}
        try:
            values = kept(tf, getattr(tf.raw_ops, name)(**arguments, **attrs))
        except Exception as e:  # noqa: BLE001 - whatever it raises
            return "error", [c.__name__ for c in type(e).__mro__], str(e)[:300]
        return "ok", values, shapes(tf, name, call, attrs)
    except Slow:
        return ("slow",)
    finally:
        signal.alarm(0)


def shapes(tf, name, call, attrs):
    """The static shapes in a graph where floats are fed, some of their sizes unknown, and integers are constants; or the class of an error."""
    count = 0

    def fed(dtype, value):
        nonlocal count
        count += 1
        if not dtype.startswith(("float", "bfloat", "complex")):
            return tensor(tf, dtype, value)
        return tf.compat.v1.placeholder(tf.as_dtype(dtype), [None if (i + count) % 3 == 0 else n for i, n in enumerate(value.shape)])

    with tf.Graph().as_default():
        try:
            made = {n: [fed(*v) for v in given] if isinstance(given, list) else fed(*given) for n, given in call["inputs"].items()}
            return [None if t.shape.rank is None else t.shape.as_list() for t in flat(getattr(tf.raw_ops, name)(**made, **attrs))]
        except Exception as e:  # noqa: BLE001
            return type(e).__name__


if __name__ == "__main__":
    main(*sys.argv[1:4])
