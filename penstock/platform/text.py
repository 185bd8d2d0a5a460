"""`tf.compat.as_bytes` and its kin: text and bytes of Python 2 and 3 alike."""

import datetime
import numbers

import numpy as np

from penstock.base.export import export, export_constant

integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)
bytes_or_text_types = (bytes, str)

for _name in ("integral_types", "real_types", "complex_types", "bytes_or_text_types"):
    export_constant(f"compat.{_name}", module=__name__, attr=_name)


@export("compat.as_bytes")
def as_bytes(bytes_or_text, encoding="utf-8"):
    """`"é"` -> `b"\\xc3\\xa9"`; bytes stay as they are."""
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@export("compat.as_text", "compat.as_str")
def as_text(bytes_or_text, encoding="utf-8"):
    """`b"\\xc3\\xa9"` -> `"é"`; text stays as it is."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@export("compat.as_str_any")
def as_str_any(value, encoding="utf-8"):
    """Bytes decoded, everything else as `str` shows it."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


@export("compat.path_to_str")
def path_to_str(path):
    """The text of a `pathlib` path; everything else as it is."""
    return as_str_any(path.__fspath__()) if hasattr(path, "__fspath__") else path


_HORIZON = datetime.date(2026, 3, 1)
_horizons = [_HORIZON]


@export("compat.forward_compatible")
def forward_compatible(year, month, day):
    """Is that date before the horizon up to which old readers must understand what is written?"""
    return _horizons[-1] > datetime.date(year, month, day)


@export("compat.forward_compatibility_horizon")
class forward_compatibility_horizon:
    """A context in which `forward_compatible` answers for another horizon."""

    def __init__(self, year, month, day):
        self.date = datetime.date(year, month, day)

    def __enter__(self):
        _horizons.append(self.date)

    def __exit__(self, *_):
        _horizons.pop()
