"""Whole files as strings: `tf.io.read_file`, `tf.io.write_file`, `tf.io.matching_files`."""

import glob
import os
import time
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.base.files import told_as
from penstock.ir.op import op


def _text(value: Any, what: str) -> str:
    if np.ndim(value):
        raise InvalidArgumentError(
            None, None, f"Input {what} tensor must be scalar, but had shape: {list(np.shape(value))}"
        )
    return _path(np.asarray(value, object).item())


def _path(raw: bytes) -> str:
    return os.fsdecode(raw).removeprefix("file://")


@op("ReadFile(filename: string) -> contents: string", where="host", shape=lambda filename: ())
def read_file_op(xp, filename):
    """The bytes of a file."""
    path = _text(filename, "filename")
    with told_as(path), open(path, "rb") as file:
        return np.array(file.read(), object)


@op("WriteFile(filename: string, contents: string)", where="host", effect="io", shape=lambda filename, contents: ())
def write_file_op(xp, filename, contents):
    """Write a file, and the folders above it where they are missing."""
    path = _text(filename, "filename")
    if np.ndim(contents):
        raise InvalidArgumentError(
            None, None, f"Contents tensor must be scalar, but had shape: {list(np.shape(contents))}"
        )
    with told_as(path):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "wb") as file:
            file.write(np.asarray(contents, object).item())
    return ()


@op("MatchingFiles(pattern: string) -> filenames: string", where="host", shape=lambda pattern: (None,))
def matching_files_op(xp, pattern):
    """The sorted paths that match any of the patterns."""
    found: set[str] = set()
    for one in np.asarray(pattern, object).ravel():
        found.update(glob.glob(_path(one)))
    return np.array([os.fsencode(path) for path in sorted(found)], object)


@op("Timestamp() -> ts: float64", where="host", effect="io", shape=lambda: ())
def timestamp_op(xp):
    """Seconds since 1970, each time it runs."""
    return np.array(time.time(), np.float64)


read_file_op.no_grad()
write_file_op.no_grad()
matching_files_op.no_grad()
timestamp_op.no_grad()


@export("io.read_file", v1=("read_file",))
def read_file(filename, name=None):
    """The contents of the file as a scalar string tensor; NotFoundError when it is not there."""
    return read_file_op(filename, name=name)


@export("io.write_file", v1=("write_file",))
def write_file(filename, contents, name=None):
    """Write a scalar string tensor to a file; missing folders are made."""
    return write_file_op(filename, contents, name=name)


@export("io.matching_files", v1=("matching_files",))
def matching_files(pattern, name=None):
    """The sorted paths that match a glob pattern, or any of a vector of patterns."""
    return matching_files_op(pattern, name=name)


@export("timestamp")
def timestamp(name=None):
    """Seconds since 1970 as float64: the time at which the op runs, not that at which the graph is built."""
    return timestamp_op(name=name)
