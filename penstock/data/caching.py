"""`Dataset.cache`: the elements, kept in memory or in the files of a tensor bundle."""

import os
from typing import Any

import numpy as np

from penstock.base import bundle, dtypes
from penstock.base.errors import AlreadyExistsError
from penstock.base.files import told_as, write_whole
from penstock.data.batching import ElementsPipe
from penstock.data.iterator_state import from_bytes, to_bytes
from penstock.data.ordering import UnaryPipe
from penstock.data.pipeline import Context, Stream, check_index
from penstock.data.stage_op import TYPED, stage
from penstock.ir.op import op


class MemoryStream(Stream):
    """Fills the memory, or reads it once it is full."""

    def __init__(self, pipe: "CachePipe", ctx: Context):
        self.pipe, self.ctx = pipe, ctx
        self.begin()

    def begin(self) -> None:
        full = self.pipe.elements is not None
        self.inner = (ElementsPipe(self.pipe.elements) if full else self.pipe.inputs[0]).stream(self.ctx)  # type: ignore[arg-type]
        self.held: list[Any] | None = None if full else []

    def next(self) -> Any:
        element = self.inner.next()
        if self.held is not None:
            if element is None:
                if self.pipe.elements is None:
                    self.pipe.elements = self.held
                self.held = None
            else:
                self.held.append(element)
        return element

    def save(self) -> Any:
        return {"inner": self.inner.save(), "held": self.held, "elements": self.pipe.elements}

    def restore(self, state: Any) -> None:
        if state["elements"] is not None and self.pipe.elements is None:
            self.pipe.elements = state["elements"]
        self.begin()
        if state["held"] is not None:
            self.inner = self.pipe.inputs[0].stream(self.ctx)
            self.held = list(state["held"])
        self.inner.restore(state["inner"])


class CachePipe(UnaryPipe):
    """The elements, kept in memory from the first time on."""

    elements: list[Any] | None = None

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        if self.elements is None:
            kept = self.__dict__.setdefault("_found", {})
            if index not in kept:
                kept[index] = self.inputs[0].get(index, ctx)
            return kept[index]
        return self.elements[index]

    def stream(self, ctx: Context) -> Stream:
        return MemoryStream(self, ctx)


# -- files -------------------------------------------------------------------------------------------------------------
def _key(index: int, component: int) -> str:
    return f"{index:7d}_{component}"


class FileWriter(Stream):
    """Passes the elements on and writes them down; the cache is there once the last one was."""

    def __init__(self, pipe: "FileCachePipe", ctx: Context):
        self.pipe = pipe
        self.inner = pipe.inputs[0].stream(ctx)
        self.entries: dict[bytes, Any] = {}
        self.count = self.offset = 0
        self.file: Any = None
        self.lock = f"{pipe.path}_0.lockfile"
        self.done = False

    def _begin(self) -> None:
        folder = os.path.dirname(self.pipe.path)
        with told_as(self.pipe.path):
            if folder:
                os.makedirs(folder, exist_ok=True)
            try:
                os.close(os.open(self.lock, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                raise AlreadyExistsError(
                    None, None, f"There appears to be a concurrent caching iterator running - cache lockfile already exists ('{self.lock}'). If you are sure no other "
                    "running TF computations are using this cache prefix, delete the lockfile and re-initialize the iterator.",
                ) from None  # fmt: skip
            self.part = f"{self.pipe.path}_0.data.part"
            self.file = open(self.part, "wb")  # noqa: SIM115 - it stays open while elements come

    def next(self) -> Any:
        if self.done:
            return None
        if self.file is None:
            self._begin()
        element = self.inner.next()
        if element is None:
            self._finish()
            return None
        rows = [(_key(self.count, i), "", *_as_tensor(c)) for i, c in enumerate(element)]
        fresh: dict[bytes, Any] = {}
        chunks = bundle._pack(rows, 0, fresh)
        for entry in fresh.values():
            entry.offset += self.offset
        self.entries.update(fresh)
        for c in chunks:
            self.file.write(c)
            self.offset += len(c)
        self.count += 1
        return element

    def _finish(self) -> None:
        path = self.pipe.path
        self.done = True
        with told_as(path):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.replace(self.part, bundle.data_file(path, 0, 1))
            write_whole(f"{path}.index", [bundle._index(self.entries, 1, 0)])
            os.remove(self.lock)

    def __del__(self) -> None:
        if self.file is not None and not self.done:
            self.file.close()
            for name in (self.part, self.lock):
                if os.path.exists(name):
                    os.remove(name)

    def save(self) -> Any:
        return {"inner": self.inner.save(), "count": self.count, "done": self.done}

    def restore(self, state: Any) -> None:
        """What was written so far is gone: it is made once more."""
        for _ in range(state["count"]):
            self.next()
        if state["done"]:
            self.done = True


def _as_tensor(component: Any) -> tuple[np.ndarray, Any]:
    if type(component) is np.ndarray and component.dtype != object:
        return component, dtypes.as_dtype(component.dtype)
    if type(component) is np.ndarray and all(isinstance(v, (bytes, str)) for v in (component.reshape(-1).tolist() if component.ndim else [component.item()])):
        return component, dtypes.string
    out = np.empty((), object)
    out[()] = to_bytes(component)
    return out, dtypes.string


class FileReader(Stream):
    def __init__(self, pipe: "FileCachePipe"):
        self.pipe, self.at = pipe, 0
        self.reader = bundle.Reader(pipe.path)
        self.width = 1 + max((int(k.rpartition("_")[2]) for k in self.reader.entries), default=-1)
        self.count = len(self.reader.entries) // max(1, self.width)

    def next(self) -> Any:
        if self.at >= self.count:
            return None
        element = []
        for i in range(self.width):
            array = self.reader.tensor(_key(self.at, i))
            if self.pipe.types is not None and self.pipe.types[i] is dtypes.variant:
                array = from_bytes(array.item())
            element.append(array)
        self.at += 1
        return element

    def save(self) -> Any:
        return self.at

    def restore(self, state: Any) -> None:
        self.at = state


class FileStream(Stream):
    """Reads the cache where it is complete, writes it otherwise."""

    def __init__(self, pipe: "FileCachePipe", ctx: Context):
        self.pipe, self.ctx = pipe, ctx
        self.inner: Stream | None = None

    def _ready(self) -> Stream:
        if self.inner is None:
            self.inner = FileReader(self.pipe) if os.path.exists(f"{self.pipe.path}.index") else FileWriter(self.pipe, self.ctx)
        return self.inner

    def next(self) -> Any:
        return self._ready().next()

    def save(self) -> Any:
        return {"reads": isinstance(self._ready(), FileReader), "inner": self._ready().save()}

    def restore(self, state: Any) -> None:
        self.inner = None
        inner = self._ready()
        if isinstance(inner, FileReader):
            inner.restore(state["inner"] if state["reads"] else state["inner"]["count"])
        elif not state["reads"]:
            inner.restore(state["inner"])


class FileCachePipe(UnaryPipe):
    """The elements, kept in files from the first time on."""

    def __init__(self, source: Any, path: str):
        self.inputs, self.path = (source,), path

    def stream(self, ctx: Context) -> Stream:
        return FileStream(self, ctx)


def _cached(source: Any, filename: Any) -> Any:
    name = np.asarray(filename, object).item()
    path = os.fsdecode(name)
    if not path:
        return CachePipe(source)
    made = FileCachePipe(source, path)
    made.types = source.types
    return made


@stage(f"CacheDataset(input_dataset: variant, filename: string, *, {TYPED}) -> handle: variant")
def CACHE_DATASET(xp, input_dataset, filename):
    """The elements, kept in memory or in files."""
    return _cached(input_dataset, filename)


@stage(f"CacheDatasetV2(input_dataset: variant, filename: string, cache: resource, *, {TYPED}) -> handle: variant")
def CACHE_DATASET_V2(xp, input_dataset, filename, cache):
    """The elements, kept in memory or in files."""
    return _cached(input_dataset, filename)


class _Memory:
    """Stands for the memory of a cache; each dataset has its own."""


@op("AnonymousMemoryCache() -> (handle: resource, deleter: variant)", where="host", effect="io", shape=lambda: ((), ()))
def ANONYMOUS_MEMORY_CACHE(xp):
    """The memory of a cache."""
    return _Memory(), None


@op("DummyMemoryCache() -> handle: resource", where="host", effect="io", shape=lambda: ())
def DUMMY_MEMORY_CACHE(xp):
    """The memory of a cache."""
    return _Memory()


@op("DeleteMemoryCache(handle: resource, deleter: variant) -> ()", where="host", effect="io")
def DELETE_MEMORY_CACHE(xp, handle, deleter):
    """Nothing is left to do: the memory goes with the dataset."""
    return ()
