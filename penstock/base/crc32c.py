"""CRC-32C (Castagnoli) of bytes, and the masked form that TensorFlow's files store."""

from typing import Any

import google_crc32c
import numpy as np


def extend(crc: int, data: Any) -> int:
    """The CRC of what came before (of CRC `crc`) followed by `data`."""
    if type(data) is not bytes:
        data = np.frombuffer(data, np.uint8)
        data.flags.writeable = False  # of this view: the library takes what cannot change under it
    return google_crc32c.extend(crc, data)


def crc32c(data: Any) -> int:
    """The CRC of `data`."""
    return extend(0, data)


def masked(crc: int) -> int:
    """The form in which files store a CRC, so that a CRC over stored CRCs stays meaningful."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
