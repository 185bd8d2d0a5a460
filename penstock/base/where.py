"""Where in the *user's* file are we?  Every graph node and every error asks."""

import linecache
import os
import sys
import types
from typing import NamedTuple

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Line(NamedTuple):
    """One place in a source file."""

    file: str
    lineno: int
    func: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.lineno).strip()
        return f"{os.path.basename(self.file)}:{self.lineno} in {self.func}:  {text}"


def user_line() -> Line:
    """The innermost stack frame that is not penstock's own."""
    frame: types.FrameType | None = sys._getframe(1)
    outer = frame
    while outer is not None and outer.f_code.co_filename.startswith(_HERE):
        outer = outer.f_back
    found = outer or frame
    assert found is not None
    return Line(found.f_code.co_filename, found.f_lineno, found.f_code.co_name)


def is_own_frame(filename: str) -> bool:
    """Is this file part of penstock itself?"""
    return filename.startswith(_HERE)
