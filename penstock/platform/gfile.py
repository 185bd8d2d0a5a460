"""`tf.io.gfile` and `tf.gfile`: files and folders, with `tf.errors` in place of `OSError`."""

import errno
import fnmatch
import glob as globbing
import os
import shutil

from penstock.base import errors
from penstock.base.export import Old, export, export_constant
from penstock.base.files import told_as, write_whole
from penstock.platform.text import as_bytes, as_str_any, path_to_str


def plain(path):
    """The path as text, without a leading `file://`."""
    return as_str_any(path_to_str(path)).removeprefix("file://")


class FileStatistics:
    """What `stat` knows of a file: `length` in bytes, `mtime_nsec`, `is_directory`."""

    def __init__(self, status, is_directory):
        self.length = 0 if is_directory and status.st_size < 0 else status.st_size
        self.mtime_nsec = status.st_mtime_ns
        self.is_directory = is_directory

    def __repr__(self):
        return f"FileStatistics(length={self.length}, mtime_nsec={self.mtime_nsec}, is_directory={self.is_directory})"


@export("io.gfile.GFile", v1=("gfile.GFile", "gfile.Open"))
class GFile:
    """A file, opened when it is first read or written; text unless `b` is in the mode."""

    def __init__(self, name, mode="r"):
        self._name, self._mode = name, mode
        self._binary = "b" in mode
        kind = mode.replace("b", "")
        if kind not in ("r", "w", "a", "r+", "w+", "a+"):
            raise errors.InvalidArgumentError(
                None, None, f"mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'; it is {mode!r}"
            )
        self._kind = kind
        self._file = None

    @property
    def name(self):
        """The path as it was given."""
        return self._name

    @property
    def mode(self):
        """The mode as it was given."""
        return self._mode

    def _open(self, writing=False):
        if writing and self._kind == "r":
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if not writing and self._kind in ("w", "a"):
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if self._file is None:
            with told_as(self._name):
                self._file = open(plain(self._name), self._kind[0] + "b" + self._kind[1:])
        return self._file

    def _shown(self, data):
        return data if self._binary else as_str_any(data)

    def read(self, n=-1):
        """The next `n` bytes (characters of text), all that is left by default."""
        with told_as(self._name):
            return self._shown(self._open().read(n))

    def readline(self):
        """The next line with its end, or "" at the end of the file."""
        with told_as(self._name):
            return self._shown(self._open().readline())

    def readlines(self):
        """All lines that are left."""
        with told_as(self._name):
            return [self._shown(line) for line in self._open().readlines()]

    def write(self, file_content):
        """Write text or bytes."""
        with told_as(self._name):
            self._open(writing=True).write(as_bytes(file_content))

    def size(self):
        """The size in bytes."""
        self.flush()
        return stat(self._name).length

    def seek(self, offset=None, whence=0, position=None):
        """Go to an offset from the start (0), from here (1) or from the end (2); OutOfRangeError past the end."""
        offset = position if offset is None else offset
        if offset is None:
            raise TypeError("seek(): offset argument required")
        file = self._open()
        base = {0: lambda: 0, 1: file.tell, 2: self.size}.get(whence)
        if base is None:
            raise errors.InvalidArgumentError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        with told_as(self._name):
            target, end = base() + offset, self.size()
            file.seek(min(target, end))
        if target > end:
            raise errors.OutOfRangeError(None, None, "reached end of file")

    def tell(self):
        """The offset from the start."""
        if self._kind[0] == "r" or self._file is not None:
            return self._open(writing=self._kind != "r").tell()
        self._open(writing=True)
        return self._file.tell()

    def seekable(self):
        """Always."""
        return True

    def flush(self):
        """Hand what was written to the operating system."""
        if self._file is not None and self._kind != "r" and not self._file.closed:
            with told_as(self._name):
                self._file.flush()

    def close(self):
        """Close the file; a file opened for writing is made even when nothing was written."""
        if self._file is None and self._kind[0] in "wa":
            self._open(writing=True)
        if self._file is not None:
            with told_as(self._name):
                self._file.close()
            self._file = None

    def next(self):
        """The next line; StopIteration at the end."""
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    __next__ = next

    def __iter__(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@export(v1=("gfile.FastGFile",))
class FastGFile(GFile):
    """A file without thread locks: the same as GFile."""


@export("io.gfile.exists")
def exists(path):
    """Is there a file or folder?"""
    return os.path.exists(plain(path))


@export("io.gfile.isdir")
def isdir(path):
    """Is it a folder?"""
    return os.path.isdir(plain(path))


@export("io.gfile.stat")
def stat(path):
    """Size, time of change and kind of a file."""
    with told_as(path):
        return FileStatistics(os.stat(plain(path)), isdir(path))


@export("io.gfile.listdir")
def listdir(path):
    """The names in a folder, in no particular order."""
    if not isdir(path):
        raise errors.NotFoundError(None, None, f"Could not find directory {path_to_str(path)}")
    with told_as(path):
        return os.listdir(plain(path))


@export("io.gfile.mkdir")
def mkdir(path):
    """Make a folder whose parent is there."""
    if not isdir(path):
        with told_as(path):
            os.mkdir(plain(path))


@export("io.gfile.makedirs")
def makedirs(path):
    """Make a folder with all its parents; no name is no folder, and no error."""
    at = plain(path)
    if not at:
        return
    while at and not os.path.isdir(at):
        if os.path.exists(at):
            raise errors.FailedPreconditionError(None, None, f"{at} is not a directory")
        at = os.path.dirname(at)
    with told_as(path):
        os.makedirs(plain(path), exist_ok=True)


@export("io.gfile.remove")
def remove(path):
    """Remove a file."""
    with told_as(path):
        if isdir(path):
            raise OSError(errno.EISDIR, "")
        os.remove(plain(path))


@export("io.gfile.rmtree")
def rmtree(path):
    """Remove a folder with all that is in it (or a file)."""
    if not os.path.lexists(plain(path)):
        raise errors.NotFoundError(None, None, f"{path_to_str(path)} not found")
    with told_as(path):
        if isdir(path):
            shutil.rmtree(plain(path))
        else:
            os.remove(plain(path))


@export("io.gfile.copy")
def copy(src, dst, overwrite=False):
    """Copy a file; the copy appears whole or not at all."""
    with told_as(src):
        os.stat(plain(src))
    if isdir(src):
        raise errors.InvalidArgumentError(None, None, f"{path_to_str(src)} is a directory; copy copies files")
    if exists(dst) and not overwrite:
        raise errors.AlreadyExistsError(None, None, f"file already exists: {path_to_str(dst)}; give overwrite=True")
    with told_as(dst), open(plain(src), "rb") as source:
        write_whole(plain(dst), iter(lambda: source.read(1 << 20), b""))


@export("io.gfile.rename")
def rename(src, dst, overwrite=False):
    """Rename or move a file or folder."""
    with told_as(src):
        os.stat(plain(src))
    if exists(dst) and not overwrite:
        raise errors.AlreadyExistsError(None, None, f"file already exists: {path_to_str(dst)}; give overwrite=True")
    with told_as(src):
        try:
            os.replace(plain(src), plain(dst))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.move(plain(src), plain(dst))


@export("io.gfile.glob")
def glob(pattern):
    """All paths that match a pattern (`*`, `?`, `[...]`) or any of a list of them; `*` does not cross a `/`."""
    patterns = [pattern] if isinstance(pattern, str | bytes) else list(pattern)
    found = []
    for one in patterns:
        one = plain(one)
        folder, name = os.path.split(one)
        for path in sorted(globbing.glob(one)) + _hidden(folder, name):
            if path not in found:
                found.append(path)
    return found


def _hidden(folder, name):
    """Matches that begin with a dot, which `glob` leaves out."""
    if globbing.has_magic(folder) or not globbing.has_magic(name) or name.startswith(".") or not os.path.isdir(folder):
        return []
    names = [n for n in os.listdir(folder) if n.startswith(".") and fnmatch.fnmatchcase(n, name)]
    return [os.path.join(folder, n) for n in sorted(names)]


@export("io.gfile.walk")
def walk(top, topdown=True, onerror=None):
    """(folder, [folders in it], [files in it]) of a folder and all below it."""
    top = plain(top)
    try:
        names = sorted(listdir(top))
    except errors.NotFoundError as error:
        if onerror:
            onerror(error)
        return
    folders = [n for n in names if os.path.isdir(os.path.join(top, n))]
    here = top, folders, [n for n in names if n not in folders]
    if topdown:
        yield here
    for folder in folders:
        yield from walk(os.path.join(top, folder), topdown, onerror)
    if not topdown:
        yield here


@export("io.gfile.join")
def join(path, *paths):
    """Join parts of a path; an absolute part starts anew."""
    return os.path.join(path, *paths)


@export("io.gfile.get_registered_schemes")
def get_registered_schemes():
    """The kinds of paths that can be read: local files."""
    return ["file", ""]


# What `tensorflow.python.lib.io.file_io` has and `tf.io.gfile` has not.
FileIO = GFile


def read_file_to_string(filename, binary_mode=False):
    """The whole content of a file."""
    with GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename, file_content):
    """Write the whole content of a file."""
    with GFile(filename, "w") as file:
        file.write(file_content)


def atomic_write_string_to_file(filename, contents, overwrite=True):
    """Write the whole content of a file, whole or not at all."""
    if exists(filename) and not overwrite:
        raise errors.AlreadyExistsError(None, None, f"file already exists: {path_to_str(filename)}")
    with told_as(filename):
        write_whole(plain(filename), [as_bytes(contents)])


_V1 = {
    "Copy": (copy, "oldpath, newpath, overwrite=False", {"oldpath": "src", "newpath": "dst"}),
    "DeleteRecursively": (rmtree, "dirname", {"dirname": "path"}),
    "Exists": (exists, "filename", {"filename": "path"}),
    "Glob": (glob, "filename", {"filename": "pattern"}),
    "IsDirectory": (isdir, "dirname", {"dirname": "path"}),
    "ListDirectory": (listdir, "dirname", {"dirname": "path"}),
    "MakeDirs": (makedirs, "dirname", {"dirname": "path"}),
    "MkDir": (mkdir, "dirname", {"dirname": "path"}),
    "Remove": (remove, "filename", {"filename": "path"}),
    "Rename": (rename, "oldname, newname, overwrite=False", {"oldname": "src", "newname": "dst"}),
    "Stat": (stat, "filename", {"filename": "path"}),
    "Walk": (walk, "top, in_order=True", {"in_order": "topdown"}),
}
for _name, (_function, _parameters, _renamed) in _V1.items():
    globals()[_name] = Old(_parameters, **_renamed).wrap(_function)
    export_constant(module=__name__, attr=_name, v1=(f"gfile.{_name}",))
