"""Calls drawn from the signatures of the ops: shapes, types, attrs, right and wrong ones; the same calls for the same op and number."""

import random
import zlib

import numpy as np

PREFERRED = "float32 int32 float64 int64 bool string complex64 float16 uint8 bfloat16 int8 int16 complex128 uint16 uint32 uint64".split()
SHAPES = [[2, 3], [3], [2, 2], [1], [], [2, 3, 4], [1, 4, 4, 2], [2, 5, 5, 3], [3, 3], [0], [2, 0], [4], [1, 1, 3, 3, 2]]
UNFIT = (
    "Assert Print Placeholder Tmp Timestamp WriteFile Delete Restore Save MergeV2 Sleep ReadFile Matching Iterator Dataset RecordInput ImmutableConst Debug Copy Abort "
    "FileSystem InitializeTable CheckPinned SyncDevice Checkpoint GenerateVocab LoadAndRemap Fingerprint Fractional Timestamp Fact Xla KmeansPlus KMC2"
).split()
"""Parts of the names of ops that act on files or on the machine, that give other values at each call, or that real TensorFlow
dies of."""


def usable(op):
    """Can calls of this op be drawn, and their results compared?"""
    if not op.public or op.effect or op.where == "control" or op.needs_store or any(part in op.name for part in UNFIT):
        return False
    tensors = op.sig.inputs + op.sig.outputs
    return not any(a.is_ref or (a.dtype is not None and a.dtype.name in ("resource", "variant")) for a in tensors) and not any(
        "func" in a.type or "tensor" == a.type for a in op.sig.attrs.values()
    )


def array(r, dtype, shape, mode):
    """An array as plain NumPy: floats as float64, integers as int64, strings as objects."""
    n = int(np.prod(shape)) if shape else 1
    if dtype == "string":
        flat = np.empty(n, object)
        flat[:] = [r.choice([b"a", b"bc", b"", b"1", b"-2.5", b"hello world", b"\xc3\xa9"]) for _ in range(n)]
        return flat.reshape(shape)
    if dtype == "bool":
        return np.array([r.random() < 0.5 for _ in range(n)], bool).reshape(shape)
    if "float" in dtype:
        special = [0.0, -0.0, 1.0, float("inf"), float("nan"), -1.5, 1e4 if dtype == "float16" else 1e30, 2.5]
        one = (lambda: r.gauss(0, 1), r.random, lambda: float(r.randint(-3, 3)), lambda: r.choice(special))[mode]
        return np.array([one() for _ in range(n)], np.float64).reshape(shape)
    if dtype.startswith("complex"):
        return np.array([complex(r.gauss(0, 1), r.gauss(0, 1)) for _ in range(n)], np.complex128).reshape(shape)
    low = -2 if mode == 2 and not dtype.startswith("u") else 0
    return np.array([r.randint(low, 3 if mode < 3 else 6) for _ in range(n)], np.int64).reshape(shape)


def _attr(r, a):
    """(kind, value) of an attr that no input settles; None for one that cannot be drawn."""
    if a.default is not None and not _required(a) and r.random() < 0.6:
        return ()
    low = a.minimum or 0
    if a.allowed and a.type == "str":
        return "plain", r.choice(a.allowed)
    if a.type == "bool":
        return "plain", r.random() < 0.5
    if a.type == "int":
        return "plain", max(low, r.choice([0, 1, 2, 3, -1])) if r.random() < 0.9 else -1
    if a.type == "float":
        return "plain", r.choice([0.0, 0.5, 1.0, 2.0])
    if a.type == "str":
        return "plain", "a" if _required(a) else a.default
    if a.type == "list(int)":
        if low in (4, 5):
            return "plain", r.choice([[1] * low, [1, 2, 2, 1] if low == 4 else [1] * 5, [1] * low])
        return "plain", [r.randint(0, 2) for _ in range(r.randint(low, low + 2))]
    if a.type == "list(float)":
        return "plain", [r.choice([0.5, 1.0, 2.0]) for _ in range(r.randint(low, low + 2))]
    if a.type == "list(str)":
        return "plain", [r.choice("ab") for _ in range(r.randint(low, low + 2))]
    if a.type == "shape":
        return "plain", [r.randint(1, 3) for _ in range(r.randint(0, 2))]
    if a.type == "list(shape)":
        return "plain", [[r.randint(1, 3) for _ in range(r.randint(0, 2))] for _ in range(r.randint(1, 2))]
    return None


def _required(a):
    return repr(a.default) == "REQUIRED"


def case(op, k):
    """Call number k of an op: {"inputs": {name: [(dtype, array)] | (dtype, array)}, "attrs": {name: (kind, value)}}; None if there is none."""
    r = random.Random(zlib.crc32(f"{op.name}/{k}".encode()))
    attrs, types, counts = {}, {}, {}
    settled = {a.type for a in op.sig.inputs} | {a.number for a in op.sig.inputs if a.number}
    for name, a in op.sig.attrs.items():
        allowed = [t for t in PREFERRED if not a.allowed or t in [getattr(d, "name", d) for d in a.allowed]]
        if a.type == "type":
            if not allowed:
                return None
            types[name] = r.choices(allowed, [max(1, 12 - 3 * i) for i in range(len(allowed))])[0]
            if not _required(a) and a.default is not None and r.random() < 0.5 and a.default.name in PREFERRED:
                types[name] = a.default.name
            if name not in settled:
                attrs[name] = "type", types[name]
        elif a.type == "list(type)":
            types[name] = [r.choice(allowed[:4]) for _ in range(r.randint(max(1, a.minimum or 1), 2))]
            if name not in settled:
                attrs[name] = "types", types[name]
        elif name in settled:
            counts[name] = r.randint(max(1, a.minimum or 1), 3)
        else:
            found = _attr(r, a)
            if found is None:
                return None
            if found:
                attrs[name] = found
    mode, base = r.choice([0, 0, 1, 1, 2, 3]), r.choice(SHAPES)
    family = r.choice(["same", "same", "broadcast", "mixed", "mixed", "mixed"])

    def shape():
        if family == "same":
            return list(base)
        if family == "broadcast":
            return list(r.choice([base, base[-1:], [1] * len(base), []]))
        return list(r.choice([base, base, [], [r.randint(1, 4)], [2, 3], [len(base)], [2], [r.randint(1, 3), 2], base[:-1], base[1:]]))

    inputs = {}
    for arg in op.sig.inputs:
        kind = types.get(arg.type) if arg.dtype is None else arg.dtype.name
        if isinstance(kind, list):
            inputs[op.called.get(arg.name, arg.name)] = [(t, array(r, t, shape(), mode)) for t in kind]
        elif kind not in PREFERRED:
            return None
        elif arg.number:
            inputs[op.called.get(arg.name, arg.name)] = [(kind, array(r, kind, shape(), mode)) for _ in range(counts[arg.number])]
        else:
            inputs[op.called.get(arg.name, arg.name)] = (kind, array(r, kind, shape(), mode))
    return {"inputs": inputs, "attrs": attrs}
