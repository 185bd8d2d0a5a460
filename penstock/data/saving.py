"""Datasets in files: `save`, `load` and `snapshot`, in the files of TensorFlow.

A snapshot is a folder: `dataset_spec.pb`, `snapshot.metadata`, and `RUN/SHARD.shard/CHUNK.snapshot`, TFRecord files that hold a
TensorProto for each component of each element.
"""

import glob
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock.base import dtypes, trackable
from penstock.base.errors import DataLossError, NotFoundError
from penstock.base.export import export
from penstock.base.files import told_as, write_whole
from penstock.base.records import RecordWriter, open_for_reading, read_record
from penstock.base.sorted_table import read_varint, varint
from penstock.data import functions, structure
from penstock.data.calls import Call
from penstock.data.dataset import DatasetSpec, DatasetV2
from penstock.data.iterator_state import from_bytes, to_bytes
from penstock.data.ordering import UnaryPipe
from penstock.data.pipeline import Context, Pipe, Stream
from penstock.data.sources import ListPipe
from penstock.data.stage_op import TYPED, emit_stage, stage
from penstock.ir import door
from penstock.ir.tensor_proto import array_to_proto, proto_to_array
from penstock.ir.type_spec import TensorSpec

_NAMES = {None: "", "": "", "NONE": "", "AUTO": "", "GZIP": "GZIP", "SNAPPY": "SNAPPY"}


def compression_name(given: Any) -> str:
    """How files are compressed."""
    if given not in _NAMES:
        raise ValueError(f"compression must be None, 'GZIP', 'SNAPPY' or 'AUTO', got {given!r}")
    return _NAMES[given]


# -- metadata ----------------------------------------------------------------------------------------------------------
def _metadata(run: str, types: Any, count: int, graph_hash: str = "") -> bytes:
    out = b""
    if graph_hash:
        out += b"\x0a" + varint(len(graph_hash)) + graph_hash.encode()
    out += b"\x12" + varint(len(run)) + run.encode()
    out += b"\x18" + varint(int(time.time() * 1e6)) + b"\x20\x02"
    kinds = b"".join(varint(int(t.as_datatype_enum)) for t in types)
    out += b"\x2a" + varint(len(kinds)) + kinds
    return out + b"\x30" + varint(count) + b"\x38\x01"


def _read_metadata(path: str) -> dict[int, Any]:
    with told_as(path), open(path, "rb") as file:
        data = file.read()
    fields: dict[int, Any] = {}
    at = 0
    try:
        while at < len(data):
            tag, at = read_varint(data, at)
            if tag & 7 == 2:
                n, at = read_varint(data, at)
                fields[tag >> 3] = data[at : at + n]
                at += n
            elif tag & 7 == 0:
                fields[tag >> 3], at = read_varint(data, at)
            else:
                raise DataLossError(None, None, f"{path} is damaged")
    except (IndexError, ValueError) as e:
        raise DataLossError(None, None, f"{path} is damaged: {e}") from None
    return fields


# -- files -------------------------------------------------------------------------------------------------------------
def _to_proto(component: Any, dtype: Any) -> bytes:
    if dtype is dtypes.variant:
        holder = np.empty((), object)
        holder[()] = to_bytes(component)
        return array_to_proto(holder, dtypes.string).SerializeToString()
    return array_to_proto(np.asarray(component), dtype).SerializeToString()


def _from_proto(data: bytes, dtype: Any) -> Any:
    from penstock.base.proto import tensor_pb2

    try:
        array = proto_to_array(tensor_pb2.TensorProto.FromString(data))
    except Exception as e:
        raise DataLossError(None, None, f"a record of the snapshot is no tensor: {e}") from None
    return from_bytes(array.item()) if dtype is dtypes.variant else array


class ShardWriter:
    """Writes elements into the shards of a run."""

    def __init__(self, folder: str, types: Any, compression: str):
        self.folder, self.types, self.compression = folder, types, compression
        self.run = str(random.SystemRandom().getrandbits(64))
        self.files: dict[int, RecordWriter] = {}
        self.count = 0
        os.makedirs(os.path.join(folder, self.run), exist_ok=True)

    def write(self, element: Any, shard: int) -> None:
        file = self.files.get(shard)
        if file is None:
            where = os.path.join(self.folder, self.run, f"{shard:08d}.shard")
            os.makedirs(where, exist_ok=True)
            file = self.files[shard] = RecordWriter(os.path.join(where, "00000000.snapshot"), self.compression)
        for component, dtype in zip(element, self.types):
            file.write(_to_proto(component, dtype))
        self.count += 1

    def finish(self, graph_hash: str = "") -> None:
        for file in self.files.values():
            file.flush()
            file.close()
        write_whole(os.path.join(self.folder, "snapshot.metadata"), [_metadata(self.run, self.types, self.count, graph_hash)])

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def read_elements(path: str, types: Any, compression: str) -> Iterator[list[Any]]:
    """The elements of one file of a snapshot."""
    file = open_for_reading(path, compression)
    offset = 0
    try:
        while True:
            element = []
            for dtype in types:
                data = read_record(file, offset)
                if data is None:
                    break
                offset += len(data) + 16
                element.append(_from_proto(data, dtype))
            if len(element) < len(types):
                if element:
                    raise DataLossError(None, None, f"{path} ends inside of an element")
                return
            yield element
    finally:
        file.close()


class ShardPipe(Pipe):
    """The elements of one shard."""

    def __init__(self, folder: str, types: Any, compression: str):
        self.files = sorted(glob.glob(os.path.join(glob.escape(folder), "*.snapshot")))
        self.kinds, self.compression = types, compression

    def stream(self, ctx: Context) -> Stream:
        return ShardStream(self)


class ShardStream(Stream):
    def __init__(self, pipe: ShardPipe):
        self.pipe, self.taken = pipe, 0
        self.elements = self._all()

    def _all(self) -> Iterator[Any]:
        for path in self.pipe.files:
            yield from read_elements(path, self.pipe.kinds, self.pipe.compression)

    def next(self) -> Any:
        found = next(self.elements, None)
        if found is not None:
            self.taken += 1
        return found

    def save(self) -> Any:
        return self.taken

    def restore(self, state: Any) -> None:
        self.taken, self.elements = 0, self._all()
        for _ in range(state):
            self.next()


def shard_folders(folder: str) -> tuple[list[str], int]:
    """The shards of a snapshot, and how many elements they hold (-2: unknown)."""
    path = os.path.join(folder, "snapshot.metadata")
    if not os.path.exists(path):
        raise NotFoundError(None, None, f"Failed to find snapshot metadata in {folder}: no dataset was saved there")
    fields = _read_metadata(path)
    run = fields.get(2, b"").decode()
    if not re.fullmatch(r"[\w.-]+", run):
        raise DataLossError(None, None, f"{path} names no run")
    shards = sorted(p for p in glob.glob(os.path.join(glob.escape(os.path.join(folder, run)), "*.shard")))
    return shards, int(fields.get(6, -2))


class LoadPipe(Pipe):
    """The elements of a saved dataset."""

    def __init__(self, folder: str, types: Any, compression: str, reader: Any, captured: Any):
        self.folder, self.kinds, self.compression, self.reader, self.captured = folder, list(types), compression, reader, captured

    def size(self) -> int:
        return shard_folders(self.folder)[1]

    def stream(self, ctx: Context) -> Stream:
        shards, _ = shard_folders(self.folder)
        pipes: list[Any] = [ShardPipe(s, self.kinds, self.compression) for s in shards]
        found = Call(self.reader, self.captured, ctx)([ListPipe(pipes, 1)])[0]
        return (found if isinstance(found, Pipe) else found.item()).stream(ctx)


_READER = "reader_func_other_args: Treader_func_args"


@stage(f'LoadDataset(path: string, {_READER}, *, Treader_func_args: list(type) >= 0, compression: str = "", output_shapes: list(shape) >= 1, '
       "output_types: list(type) >= 1, reader_func: func) -> handle: variant")  # fmt: skip
def LOAD_DATASET(xp, path, reader_func_other_args, *, compression, output_types, reader_func):
    """The elements of a saved dataset."""
    return LoadPipe(_path(path), output_types, _NAMES.get(compression, compression), reader_func, reader_func_other_args)


def _path(value: Any) -> str:
    return os.fsdecode(np.asarray(value, object).item()).removeprefix("file://")


class SaveStream(Stream):
    def __init__(self, pipe: "SavePipe", ctx: Context):
        self.pipe, self.inner = pipe, pipe.inputs[0].stream(ctx)
        self.call = Call(pipe.shard[0], pipe.shard[1], ctx) if pipe.shard is not None else None
        self.writer = ShardWriter(pipe.folder, pipe.kinds, pipe.compression)
        self.number = 0

    def next(self) -> Any:
        element = self.inner.next()
        if element is None:
            self.writer.finish()
            return None
        shard = 0 if self.call is None else int(self.call(element)[0])
        self.writer.write(element, shard)
        return element


class SavePipe(UnaryPipe):
    """The elements, written down as they pass."""

    def __init__(self, source: Pipe, folder: str, compression: str, shard: Any, types: Any):
        self.inputs, self.folder, self.compression, self.shard, self.kinds = (source,), folder, compression, shard, list(types)

    def stream(self, ctx: Context) -> Stream:
        return SaveStream(self, ctx)


_SHARD = "shard_func_other_args: Tshard_func_args"


@stage(f'SaveDatasetV2(input_dataset: variant, path: string, {_SHARD}, *, Tshard_func_args: list(type) >= 0, compression: str = "", '
       "output_shapes: list(shape) >= 1, output_types: list(type) >= 1, shard_func: func, use_shard_func: bool = True) -> handle: variant")  # fmt: skip
def SAVE_DATASET_V2(xp, input_dataset, path, shard_func_other_args, *, compression, output_types, shard_func, use_shard_func):
    """The elements, written to files as they pass."""
    shard = (shard_func, shard_func_other_args) if use_shard_func else None
    return SavePipe(input_dataset, _path(path), _NAMES.get(compression, compression), shard, output_types)


# -- the public functions ----------------------------------------------------------------------------------------------
def _spec_path(path: str) -> str:
    return os.path.join(path, "dataset_spec.pb")


def save(dataset: Any, path: Any, compression: Any = None, shard_func: Any = None, checkpoint_args: Any = None) -> Any:
    """See `Dataset.save`."""
    from penstock.ir.spec_proto import value_to_proto

    name = compression_name(compression)
    if name == "SNAPPY":
        raise ValueError("compression='SNAPPY' is not available here; use 'GZIP' or None")
    if door.current().is_graph and not door.current().building_function:
        raise ValueError("save() can only be used in eager mode or inside a tf.function")
    folder = os.fspath(path) if not hasattr(path, "numpy") else os.fsdecode(path.numpy())
    if shard_func is None:
        traced = functions.trace(lambda *_: np.int64(0), "save_shard", dataset.element_spec, convert=False)
        use = False
    else:
        traced = functions.trace(shard_func, "save_shard", dataset.element_spec)
        use = True
        if not (isinstance(traced.output_structure, TensorSpec) and traced.output_structure.dtype is dtypes.int64):
            raise TypeError(f"Invalid `shard_func`. `shard_func` must return `tf.int64` scalar tensor but its return type is {traced.output_structure}.")
    os.makedirs(folder, exist_ok=True)
    write_whole(_spec_path(folder), [value_to_proto(dataset.element_spec).SerializeToString()])
    saved = dataset._then("_SaveDataset", SAVE_DATASET_V2, door.convert(folder, dtypes.string), traced.captured, compression=name, shard_func=traced.graph, use_shard_func=use)
    if checkpoint_args is not None:
        return _save_with_checkpoints(saved, checkpoint_args)
    if door.current().is_graph:
        from penstock.data.reducing import REDUCE_DATASET

        count = functions.trace(lambda n, *_: n, "save_run", (TensorSpec([], dtypes.int64), dataset.element_spec), convert=False)
        return REDUCE_DATASET(saved._variant_tensor, [door.convert(np.int64(0))], count.captured, f=count.graph, output_types=[dtypes.int64], output_shapes=[()])
    ctx = Context()
    try:
        stream = saved._variant_tensor._array.stream(ctx)
        while stream.next() is not None:
            pass
    finally:
        ctx.close()
    return None


def _save_with_checkpoints(saved: Any, given: dict[str, Any]) -> None:
    """Save element by element, keeping the iterator in a checkpoint as `checkpoint_args` says."""
    assert trackable.checkpointing is not None
    make, manager = trackable.checkpointing()
    iterator = iter(saved)
    checkpoint = make(iterator=iterator)
    options = {k: v for k, v in given.items() if k not in ("checkpoint_interval", "step_counter", "checkpoint")}
    step, every = given.get("step_counter"), given.get("checkpoint_interval", 1)
    manager = manager(given.get("checkpoint", checkpoint), **options)
    for done, _ in enumerate(iterator, 1):
        if step is not None:
            step.assign_add(1)
        if done % every == 0:
            manager.save(check_interval=True)


def load(path: Any, element_spec: Any = None, compression: Any = None, reader_func: Any = None, wait: bool = False) -> Any:
    """See `Dataset.load`."""
    from penstock.base.proto import struct_pb2
    from penstock.ir.spec_proto import value_from_proto

    folder = os.fspath(path) if not hasattr(path, "numpy") else os.fsdecode(path.numpy())
    name = compression_name(compression)
    while wait and not os.path.exists(os.path.join(folder, "snapshot.metadata")):
        time.sleep(0.1)
    if element_spec is None:
        if not os.path.exists(_spec_path(folder)):
            raise NotFoundError(None, None, f"Could not find file {_spec_path(folder)}; give the element_spec, or the path of a saved dataset")
        with open(_spec_path(folder), "rb") as file:
            data = file.read()
        element_spec = value_from_proto(struct_pb2.StructuredValue.FromString(data))
    traced = functions.trace(reader_func or _all_in_turn, "load_reader", DatasetSpec(DatasetSpec(element_spec)), convert=reader_func is not None)
    _check_reader(traced)
    attrs = {**structure.attrs_of(element_spec), "compression": name, "reader_func": traced.graph}
    variant = emit_stage(LOAD_DATASET, (door.convert(folder, dtypes.string), traced.captured), attrs)
    return DatasetV2._made("_LoadDataset", variant, element_spec)


def _all_in_turn(shards: Any) -> Any:
    return shards.flat_map(lambda s: s)


def _check_reader(traced: Any) -> None:
    if not isinstance(traced.output_structure, DatasetSpec):
        raise TypeError(f"Invalid `reader_func`. `reader_func` must return a `Dataset` object but its return type is {traced.output_structure}.")


class SnapshotStream(Stream):
    """Reads a finished snapshot; else passes the elements on and writes one."""

    def __init__(self, pipe: "SnapshotPipe", ctx: Context):
        self.pipe, self.ctx = pipe, ctx
        self.inner: Any = None
        self.writer: Any = None

    def _ready(self) -> None:
        p = self.pipe
        if os.path.exists(os.path.join(p.folder, "snapshot.metadata")):
            self.inner = LoadPipe(p.folder, p.kinds, p.compression, *p.reader).stream(self.ctx)
        else:
            self.inner = p.inputs[0].stream(self.ctx)
            self.writer = ShardWriter(p.folder, p.kinds, p.compression)
            self.call = Call(*p.shard, self.ctx) if p.shard is not None else None

    def next(self) -> Any:
        if self.inner is None:
            self._ready()
        element = self.inner.next()
        if self.writer is not None:
            if element is None:
                self.writer.finish(os.path.basename(self.pipe.folder))
                self.writer = None
            else:
                self.writer.write(element, 0 if self.call is None else int(self.call(element)[0]))
        return element

    def save(self) -> Any:
        if self.inner is None:
            self._ready()
        return self.inner.save()

    def restore(self, state: Any) -> None:
        self._ready()
        self.inner.restore(state)
        self.writer = None


class SnapshotPipe(UnaryPipe):
    """The elements, kept in files from the first time on."""

    def __init__(self, source: Pipe, folder: str, compression: str, reader: Any, shard: Any, types: Any):
        self.inputs, self.compression, self.reader, self.shard, self.kinds = (source,), compression, reader, shard, list(types)
        from penstock.data.reducing import _fingerprint

        self.folder = os.path.join(folder, str(_fingerprint(source)))

    def stream(self, ctx: Context) -> Stream:
        return SnapshotStream(self, ctx)

    def get(self, index: int, ctx: Context) -> Any:
        return Pipe.get(self, index, ctx)


@stage(f'SnapshotDatasetV2(input_dataset: variant, path: string, {_READER}, {_SHARD}, *, Treader_func_args: list(type) >= 0, Tshard_func_args: list(type) >= 0, '
       f'compression: str = "", hash: int = 0, hash_valid: bool = False, {TYPED}, reader_func: func, reader_prefix: str = "", shard_func: func, '
       'writer_prefix: str = "") -> handle: variant')  # fmt: skip
def SNAPSHOT_DATASET_V2(xp, input_dataset, path, reader_func_other_args, shard_func_other_args, *, compression, output_types, reader_func, shard_func):
    """The elements, kept in files from the first time on."""
    name = _NAMES.get(compression, "")
    return SnapshotPipe(input_dataset, _path(path), "" if name == "SNAPPY" else name, (reader_func, reader_func_other_args), (shard_func, shard_func_other_args), output_types)


def snapshot(dataset: Any, path: Any, compression: str = "AUTO", reader_func: Any = None, shard_func: Any = None) -> Any:
    """See `Dataset.snapshot`."""
    shard = functions.trace(shard_func or (lambda *_: np.int64(0)), "snapshot_shard", dataset.element_spec, convert=shard_func is not None)
    if not (isinstance(shard.output_structure, TensorSpec) and shard.output_structure.dtype is dtypes.int64):
        raise TypeError(f"Invalid `shard_func`. `shard_func` must return `tf.int64` scalar tensor but its return type is {shard.output_structure}.")
    reader = functions.trace(reader_func or _all_in_turn, "snapshot_reader", DatasetSpec(DatasetSpec(dataset.element_spec)), convert=reader_func is not None)
    _check_reader(reader)
    made = dataset._then("_SnapshotDataset", SNAPSHOT_DATASET_V2, door.convert(path, dtypes.string), reader.captured, shard.captured, compression=compression,
                         reader_func=reader.graph, shard_func=shard.graph)  # fmt: skip
    return made


@export("data.experimental.save")
def save_dataset(dataset: Any, path: Any, compression: Any = None, shard_func: Any = None, checkpoint_args: Any = None) -> Any:
    """Write the elements of a dataset to files under `path`."""
    return dataset.save(path, compression, shard_func, checkpoint_args)


@export("data.experimental.load")
def load_dataset(path: Any, element_spec: Any = None, compression: Any = None, reader_func: Any = None) -> Any:
    """The dataset that `save` wrote."""
    return load(path, element_spec, compression, reader_func)


@export("data.experimental.snapshot")
def snapshot_transformation(path: Any, compression: str = "AUTO", reader_func: Any = None, shard_func: Any = None) -> Callable[[Any], Any]:
    """A transformation: the elements, kept in files from the first time on."""
    return lambda dataset: dataset.snapshot(path, compression, reader_func, shard_func)

