"""The ops that write and read checkpoints."""

import os
from typing import Any

import numpy as np

from penstock.base import bundle
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.files import told_as
from penstock.ir.op import op


def _text(value: Any) -> str:
    return np.asarray(value).reshape(-1)[0].decode("utf-8", "surrogateescape")


def _texts(values: Any) -> list[str]:
    return [v.decode("utf-8", "surrogateescape") for v in np.asarray(values).reshape(-1)]


@op("SaveV2(prefix: string, tensor_names: string, shape_and_slices: string, tensors: dtypes, *, dtypes: list(type) >= 1) -> ()",
    where="host", effect="io", shape=lambda *_, **__: ())  # fmt: skip
def save_v2(xp, prefix, tensor_names, shape_and_slices, tensors, *, dtypes):
    """Write tensors, or slices of them, into a checkpoint."""
    names, specs = _texts(tensor_names), _texts(shape_and_slices)
    if not len(names) == len(specs) == len(tensors):
        raise InvalidArgumentError(
            f"Got {len(names)} names, {len(specs)} slices and {len(tensors)} tensors: there must be one of each for every tensor"
        )
    bundle.write(_text(prefix), [(n, s, np.asarray(t), d) for n, s, t, d in zip(names, specs, tensors, dtypes)])
    return ()


def _scalars(**given: Any) -> None:
    for name, array in given.items():
        if array.ndim:
            raise InvalidArgumentError(f"{name} must be a scalar, got shape {list(array.shape)}")


@op("RestoreV2(prefix: string, tensor_names: string, shape_and_slices: string, *, dtypes: list(type) >= 1) -> tensors: dtypes",
    where="host", effect="io")  # fmt: skip
def restore_v2(xp, prefix, tensor_names, shape_and_slices, *, dtypes):
    """Read tensors, or slices of them, from a checkpoint."""
    _scalars(prefix=prefix)
    if not len(tensor_names) == len(shape_and_slices) == len(dtypes):
        raise InvalidArgumentError(
            f"{len(tensor_names)} tensor_names, {len(shape_and_slices)} shape_and_slices and {len(dtypes)} dtypes: there must be as many of each"
        )
    reader = bundle.Reader(_text(prefix))
    found = []
    for name, spec, dtype in zip(_texts(tensor_names), _texts(shape_and_slices), dtypes):
        if reader.dtype(name) is not dtype:
            raise InvalidArgumentError(
                f"tensor_name = {name}; expected dtype {dtype.name} does not equal original dtype {reader.dtype(name).name}"
            )
        found.append(reader.tensor(name, spec))
    return found


@restore_v2.shape
def _(prefix, tensor_names, shape_and_slices, *, dtypes):
    specs = shape_and_slices.value
    if specs is None:
        return [None] * len(dtypes)
    dims = []
    for spec in _texts(specs):
        if not spec:
            dims.append(None)
            continue
        shape, part = bundle.parse_slice(spec)
        dims.append(tuple(size if n < 0 else n for size, (_, n) in zip(shape, part)))
    return dims


@op("MergeV2Checkpoints(checkpoint_prefixes: string, destination_prefix: string, *, allow_missing_files: bool = False, "
    "delete_old_dirs: bool = True) -> ()", where="host", effect="io", shape=lambda *_, **__: ())  # fmt: skip
def merge_v2_checkpoints(xp, checkpoint_prefixes, destination_prefix, *, allow_missing_files, delete_old_dirs):
    """Put several checkpoints together into one, which keeps their data files."""
    shards: list[list[Any]] = []
    prefixes = [p for p in _texts(checkpoint_prefixes) if not allow_missing_files or os.path.exists(f"{p}.index")]
    for prefix in prefixes:
        reader = bundle.Reader(prefix)
        own: list[list[Any]] = [[] for _ in range(max(1, len(_data_files(prefix))))]
        for name, entry in reader.entries.items():
            tensors = own[entry.shard_id] if entry.shard_id < len(own) else own[0]
            dims = " ".join(str(d.size) for d in entry.shape.dim)
            if not entry.slices:
                tensors.append((name, "", reader.tensor(name), as_dtype(entry.dtype)))
            for s in entry.slices:
                spec = f"{dims} " + ":".join(f"{e.start},{e.length}" if e.HasField("length") else "-" for e in s.extent)
                tensors.append((name, spec, reader.tensor(name, spec), as_dtype(entry.dtype)))
        shards += own
    with told_as(_text(destination_prefix)):
        bundle.write_shards(_text(destination_prefix), shards or [[]])
    for prefix in prefixes:
        for path in (f"{prefix}.index", *(p for p in _data_files(prefix))):
            os.remove(path)
        if delete_old_dirs:
            try:
                os.rmdir(os.path.dirname(prefix))
            except OSError:
                pass
    return ()


def _data_files(prefix: str) -> list[str]:
    import glob

    return glob.glob(f"{glob.escape(prefix)}.data-*")


@op(
    "ShardedFilename(basename: string, shard: int32, num_shards: int32) -> filename: string",
    where="host",
    shape=lambda *_: (),
)
def sharded_filename(xp, basename, shard, num_shards):
    """basename-00001-of-00002."""
    _scalars(basename=basename, shard=shard, num_shards=num_shards)
    return _scalar(f"{_text(basename)}-{int(shard):05d}-of-{int(num_shards):05d}")


@op("ShardedFilespec(basename: string, num_shards: int32) -> filename: string", where="host", shape=lambda *_: ())
def sharded_filespec(xp, basename, num_shards):
    """basename-?????-of-00002."""
    _scalars(basename=basename, num_shards=num_shards)
    return _scalar(f"{_text(basename)}-?????-of-{int(num_shards):05d}")


def _scalar(text: str) -> Any:
    out = np.empty((), object)
    out[()] = text.encode()
    return out


for _op in (save_v2, restore_v2, merge_v2_checkpoints, sharded_filename, sharded_filespec):
    _op.no_grad()
