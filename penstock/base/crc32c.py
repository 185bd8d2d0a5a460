"""CRC-32C (Castagnoli) of bytes, many lanes at a time, and the masked form that TensorFlow's files store."""

import functools
from typing import Any

import numpy as np

_POLYNOMIAL = 0x82F63B78
_LANES = 2048


def _table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1).astype(np.uint32)
    return table


_TABLE = _table()
_INTS = [int(v) for v in _TABLE]


def _times(matrix: list[int], vector: int) -> int:
    total, i = 0, 0
    while vector:
        if vector & 1:
            total ^= matrix[i]
        vector >>= 1
        i += 1
    return total


@functools.lru_cache(64)
def _zeros(count: int) -> tuple[int, ...]:
    """What `count` zero bytes do to a register, as a matrix over bits."""
    one = [_INTS[1 << i] if i < 8 else 1 << (i - 8) for i in range(32)]
    result = [1 << i for i in range(32)]
    while count:
        if count & 1:
            result = [_times(one, r) for r in result]
        one = [_times(one, c) for c in one]
        count >>= 1
    return tuple(result)


def extend(crc: int, data: Any) -> int:
    """The CRC of what came before (of CRC `crc`) followed by `data`."""
    view = np.frombuffer(data, np.uint8)
    register = crc ^ 0xFFFFFFFF
    step = len(view) // _LANES
    if step >= 8:
        lanes = np.ascontiguousarray(view[: step * _LANES].reshape(_LANES, step).T)
        state = np.zeros(_LANES, np.uint32)
        state[0] = register
        for column in lanes:
            state = _TABLE[(state ^ column) & 0xFF] ^ (state >> np.uint32(8))
        shift = list(_zeros(step))
        register = 0
        for lane in state.tolist():
            register = _times(shift, register) ^ lane
        view = view[step * _LANES :]
    for byte in view.tobytes():
        register = _INTS[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ 0xFFFFFFFF


def crc32c(data: Any) -> int:
    """The CRC of `data`."""
    return extend(0, data)


def masked(crc: int) -> int:
    """The form in which files store a CRC, so that a CRC over stored CRCs stays meaningful."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
