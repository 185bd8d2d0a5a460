"""Options as the bytes of TensorFlow's `tensorflow.data.Options` message, and back."""

import enum
from typing import Any

from penstock.data import options as o

# name -> (field number, type: bool | int | str | [str] | an enum | a dictionary of fields)
_AUTOTUNE = {"enabled": (1, bool), "cpu_budget": (2, int), "ram_budget": (3, int), "autotune_algorithm": (4, o.AutotuneAlgorithm), "initial_parallelism": (5, int), "min_parallelism": (6, int)}
_REWRITES = {
    n: (i, bool) for n, i in (
        ("apply_default_optimizations", 1), ("filter_fusion", 6), ("map_and_batch_fusion", 9), ("map_and_filter_fusion", 10), ("map_fusion", 11),
        ("map_parallelization", 12), ("noop_elimination", 14), ("parallel_batch", 15), ("shuffle_and_repeat_fusion", 17), ("filter_parallelization", 18),
        ("inject_prefetch", 19), ("seq_interleave_prefetch", 21),
    )
}  # fmt: skip
FIELDS: dict[str, Any] = {
    "deterministic": (1, bool), "experimental_distribute": (2, {"auto_shard_policy": (1, o.AutoShardPolicy), "num_devices": (2, int)}),
    "experimental_optimization": (3, _REWRITES), "experimental_slack": (4, bool),
    "threading": (5, {"max_intra_op_parallelism": (1, int), "private_threadpool_size": (2, int)}),
    "experimental_external_state_policy": (6, o.ExternalStatePolicy), "autotune": (7, _AUTOTUNE), "experimental_symbolic_checkpoint": (8, bool),
    "experimental_warm_start": (9, bool), "dataset_name": (10, str), "framework_type": (11, [str]), "experimental_service": (12, {"pinned": (1, bool)}),
}  # fmt: skip


def _varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def encode(given: dict[str, Any], fields: dict[str, Any] = FIELDS) -> bytes:
    """The message of the options that are set."""
    out = b""
    for name, (number, kind) in sorted(fields.items(), key=lambda f: f[1][0]):
        value = given.get(name)
        if value is None:
            continue
        if isinstance(kind, dict):
            inner = encode(value, kind)
            out += _varint(number << 3 | 2) + _varint(len(inner)) + inner
        elif kind is str or isinstance(kind, list):
            for text in [value] if kind is str else value:
                data = text.encode()
                out += _varint(number << 3 | 2) + _varint(len(data)) + data
        else:
            out += _varint(number << 3) + _varint(int(value.value if isinstance(value, enum.Enum) else value))
    return out


def _read(data: bytes, at: int) -> tuple[int, int]:
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return n, at


def decode(data: bytes, fields: dict[str, Any] = FIELDS) -> dict[str, Any]:
    """The options that a message sets."""
    by_number = {number: (name, kind) for name, (number, kind) in fields.items()}
    out: dict[str, Any] = {}
    at = 0
    while at < len(data):
        tag, at = _read(data, at)
        n, at = _read(data, at)
        name, kind = by_number.get(tag >> 3, ("", None))
        if tag & 7 == 2:
            part, at = data[at : at + n], at + n
            if isinstance(kind, dict):
                out[name] = decode(part, kind)
            elif isinstance(kind, list):
                out.setdefault(name, []).append(part.decode())
            elif kind is str:
                out[name] = part.decode()
        elif kind is not None:
            signed = n - 2**64 if n >= 2**63 else n
            out[name] = kind(signed)
    return out
