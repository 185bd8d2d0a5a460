"""Hostile calls of raw ops: ranks that are off, sizes of 2^31 and 2^63, NaN, wrong types, overlong strings; drawn from the signatures.

`python -m tests.hostile.calls [--calls N] [OP ...]` makes N calls of each registered op in child processes with bounded memory and
prints what went wrong: a crash, a hang, memory that ran away, or an error that is none of TensorFlow's.
"""

import argparse
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import zlib

import numpy as np

SECONDS = 20
ROOM = 3 << 30
"""Bytes of address space that a child may ask for beyond what it starts with."""
GROWTH = 1 << 30
"""Bytes of memory in use that an op may leave a child with."""
INTEGERS = [-1, 0, 1, 2, 3, 7, 65536, 10**9, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, -(2**63)]
FLOATS = [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.0, -1.5, 1e38, 1e-45, 2.5]
STRINGS = [b"", b"a", b"\0" * 9, b"\xff\xfe\xfd", b"(((((", b"[" * 300, b"x" * 100_000, b"1e999", b"-", b"{\"a\":", b"\x08\x96\x01\xff", b"PNG", b"%s%n"]
TYPES = "float32 int32 float64 int64 bool string complex64 float16 uint8 bfloat16 int8 uint64 qint8 quint8 qint32".split()
BLOCKS = ("Dequeue", "Unstage", "StagePeek", "MapPeek", "TakeMany", "ReaderRead", "TakeGradient", "Sleep", "MutexLock", "GetNext", "RecordInput", "TakeMany")
"""Parts of the names of ops that wait by design."""
OF_TENSORFLOW = ("OpError", "TypeError", "ValueError", "RuntimeError", "NotImplementedError", "UnicodeError")


def size(r):
    return r.choice([0, 1, 1, 2, 2, 3, 5, 8])


def dims(r):
    return [size(r) for _ in range(r.choice([0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 9]))]


def whole(r, dtype):
    info = np.iinfo(dtype)
    return [min(max(v, info.min), info.max) for v in r.sample(INTEGERS, 4) + [0, 1, 2]]


def value(r, name):
    """An array of a dtype (a name), plain NumPy; quantized ones by their integers."""
    shape = dims(r)
    n = int(np.prod(shape)) if shape else 1
    if n > 4096:
        shape, n = [3], 3
    if name == "string":
        flat = np.empty(n, object)
        flat[:] = [r.choice(STRINGS) for _ in range(n)]
    elif name == "bool":
        flat = np.array([r.random() < 0.5 for _ in range(n)], bool)
    elif name.startswith(("float", "bfloat")):
        tame = r.random() < 0.5
        flat = np.array([r.gauss(0, 1) if tame else r.choice(FLOATS) for _ in range(n)], np.float64)
    elif name.startswith("complex"):
        flat = np.array([complex(r.choice(FLOATS), r.gauss(0, 1)) for _ in range(n)], np.complex128)
    else:
        dtype = np.dtype(name.removeprefix("q"))
        few = [0, 1, 2, -1] if r.random() < 0.4 and dtype.kind == "i" else whole(r, dtype)
        flat = np.array([r.choice(few) for _ in range(n)], dtype)
    return flat.reshape(shape)


def attr(r, a):
    """A value for an attr of this kind, mostly one that nobody expects."""
    kind = a.type
    if a.allowed and kind == "str" and r.random() < 0.8:
        return r.choice(a.allowed)
    one = {
        "int": lambda: r.choice(INTEGERS),
        "float": lambda: r.choice(FLOATS),
        "bool": lambda: r.random() < 0.5,
        "str": lambda: r.choice(["", "a", "x" * 100_000, "\0", "NHWC", "(("]),
        "shape": lambda: r.choice([None, [], [2], [0, 3], [2**31, 2**31], [2**62], [-1, 2], [1] * 40]),
        "func": lambda: "no_such_function",
        "tensor": lambda: r.choice([None, 3]),
    }
    if kind.startswith("list("):
        inner = kind[5:-1]
        count = r.choice([0, 1, 2, 3, 4, 4, 5, 100])
        return [one[inner]() for _ in range(count)] if inner in one else [r.choice(TYPES) for _ in range(r.choice([0, 1, 2, 3]))]
    return one[kind]()


def draw(op, k):
    """Call number k of an op: (inputs by name, attrs by name, dtype attrs by name)."""
    r = random.Random(zlib.crc32(f"hostile/{op.name}/{k}".encode()))
    types = {}
    for name, a in op.sig.attrs.items():
        allowed = [d.name for d in a.allowed if d.name in TYPES] if a.allowed and a.type == "type" else TYPES
        if a.type == "type":
            types[name] = r.choice(allowed or TYPES)
    settled = {a.type for a in op.sig.inputs} | {a.number for a in op.sig.inputs if a.number}
    attrs = {n: attr(r, a) for n, a in op.sig.attrs.items() if n not in settled and a.type != "type" and (repr(a.default) == "REQUIRED" or r.random() < 0.5)}
    given = {n: t for n, t in types.items() if n not in settled}
    inputs = {}
    for arg in op.sig.inputs:
        name = types.get(arg.type) or (arg.dtype.name if arg.dtype is not None else r.choice(TYPES))
        if r.random() < 0.06 or name not in TYPES:
            name = r.choice(TYPES)
        made = [(name, value(r, name)) for _ in range(r.choice([0, 1, 1, 2, 3]))] if arg.many else (name, value(r, name))
        inputs[op.called.get(arg.name, arg.name)] = made
    return inputs, attrs, given


def tensor(tf, name, array):
    if name == "string":
        return tf.constant(array, tf.string) if array.size else tf.zeros(array.shape, tf.string)
    if name.startswith("q"):
        return tf.bitcast(tf.constant(array), tf.as_dtype(name))
    if name == "bfloat16":
        return tf.cast(tf.constant(array, tf.float32), tf.bfloat16)
    return tf.constant(array.astype(name))


class Slow(BaseException):
    """A call took too long."""


def _late(*_):
    raise Slow


def make(tf, op, k):
    """What is wrong with call k of an op; None when nothing is."""
    inputs, attrs, given = draw(op, k)
    try:
        with np.errstate(all="ignore"):
            arguments = {n: [tensor(tf, *v) for v in a] if isinstance(a, list) else tensor(tf, *a) for n, a in inputs.items()}
    except MemoryError:
        return "no room for the arguments"
    signal.alarm(SECONDS)
    try:
        getattr(tf.raw_ops, op.name)(**arguments, **attrs, **{n: tf.as_dtype(t) for n, t in given.items()})
    except Slow:
        return "slow"
    except BaseException as e:  # noqa: BLE001 - whatever it raises
        if not any(c.__name__ in OF_TENSORFLOW for c in type(e).__mro__):
            return f"{type(e).__name__}: {str(e)[:200]}"
    finally:
        signal.alarm(0)
    return None


def limited(room=ROOM):
    """Bound the address space of this process."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + room, now + room))


def in_use():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def child(tf, names, numbers, path):
    from penstock.ir.op import find

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    signal.signal(signal.SIGALRM, _late)
    tf.linalg.matmul([[1.0]], [[1.0]])
    tf.nn.softmax([1.0])
    limited()
    found = {}
    for name in names:
        op, before = find(name), in_use()
        wrong = {}
        for k in numbers:
            with open(path + ".now", "w") as file:
                file.write(f"{name} {k}")
            what = make(tf, op, k)
            if what is not None:
                wrong[k] = what
        if in_use() - before > GROWTH:
            wrong[-1] = f"{(in_use() - before) >> 20} MiB more in use"
        found[name] = wrong
        with open(path + ".new", "wb") as file:
            pickle.dump(found, file)
        os.replace(path + ".new", path)


def run(names, numbers, report=None, batch=16):
    """{op: {number: what went wrong}} of the hostile calls `numbers` of ops."""
    import penstock as tf

    found, names = {}, list(names)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "found")
        while names:
            part, names = names[:batch], names[batch:]
            while part:
                for old in (path, path + ".now"):
                    if os.path.exists(old):
                        os.remove(old)
                pid = os.fork()
                if pid == 0:
                    code = 1
                    try:
                        os.chdir(folder)
                        child(tf, part, numbers, path)
                        code = 0
                    finally:
                        os._exit(code)
                signal.signal(signal.SIGALRM, lambda *_, pid=pid: os.kill(pid, signal.SIGKILL))
                signal.alarm(60 + SECONDS * len(part) + len(part) * len(numbers))
                _, status = os.waitpid(pid, 0)
                signal.alarm(0)
                done = {}
                if os.path.exists(path):
                    with open(path, "rb") as file:
                        done = pickle.load(file)
                found.update(done)
                part = [n for n in part if n not in done]
                if part:
                    at = open(path + ".now").read() if os.path.exists(path + ".now") else part[0]
                    found[part[0]] = {int(at.split()[-1]) if " " in at else 0: f"crash (status {status})"}
                    part = part[1:]
            if report is not None:
                report(found)
    return found


def registered():
    """The ops that hostile calls are made of."""
    import penstock.api.lazy as lazy

    return [n for n in lazy.INDEX.under("raw_ops.") if not any(b in n for b in BLOCKS)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("ops", nargs="*")
    given = parser.parse_args()
    os.environ["PENSTOCK_CACHE"] = "off"
    seen = set()

    def report(found):
        for name, wrong in found.items():
            if name not in seen:
                seen.add(name)
                if wrong:
                    print(name, len(wrong), next(iter(wrong.items())), flush=True)

    found = run(given.ops or registered(), range(given.calls), report)
    bad = {n: w for n, w in found.items() if w}
    print(f"{len(found)} ops, {given.calls} calls each: {len(bad)} with something wrong, {sum(map(len, bad.values()))} calls")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
