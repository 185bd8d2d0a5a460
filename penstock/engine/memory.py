"""How the C library's allocator treats the large buffers that XLA asks for at every call.

glibc gives memory of that size back to the system when it is freed and asks for it anew, page by page: tens of thousands of page
faults a training step.  Keeping it costs resident memory up to the largest step seen; `PENSTOCK_MALLOC=default` leaves glibc alone.
"""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> None:
    """Let freed buffers stay with the process; on glibc alone."""
    if not sys.platform.startswith("linux") or os.environ.get("PENSTOCK_MALLOC") == "default":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20), (_ARENA_MAX, 1)):
        mallopt(option, value)
