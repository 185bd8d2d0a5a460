"""`tf.data.TextLineDataset`, `TFRecordDataset`, `FixedLengthRecordDataset` and the like."""

import inspect
import os
from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.data import files, structure, structure_nest as nest
from penstock.data.dataset import DatasetV2, int64
from penstock.data.dataset_v1 import DatasetV1
from penstock.data.stage_op import emit_stage
from penstock.fronts.autograph import do_not_convert
from penstock.ir import door, node_count
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec

BUFFER = 256 * 1024
STRING = TensorSpec([], dtypes.string)


def _text(value: Any, default: Any = "", name: str | None = None) -> Any:
    return door.convert(default if value is None else value, dtypes.string, name)


def _number(value: Any, default: int, name: str) -> Any:
    return int64(default if value is None else value, name)


def _files_dataset(filenames: Any) -> Any:
    """The names as a dataset."""
    if isinstance(filenames, DatasetV2):
        spec = filenames.element_spec
        if not isinstance(spec, TensorSpec) or spec.dtype is not dtypes.string:
            raise TypeError(f"The `filenames` argument must contain `tf.string` elements. Got a dataset of `{getattr(spec, 'dtype', spec)!r}` elements.")
        if not spec.shape.is_compatible_with([]):
            raise TypeError(f"The `filenames` argument must contain `tf.string` elements of shape [] (i.e. scalars). Got a dataset of element shape {spec.shape}.")
        return filenames
    names = filenames if isinstance(filenames, Tensor) else door.convert(_paths(filenames), dtypes.string)
    if names.dtype is not dtypes.string:
        raise TypeError(f"The `filenames` argument must contain `tf.string` elements. Got `{names.dtype!r}` elements.")
    from penstock.ir.op import find

    return DatasetV2.from_tensor_slices(find("Reshape")(names, [-1], name="flat_filenames"))


def _paths(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        return [_paths(v) for v in value]
    return value


def _read(kind: str, filenames: Any, parallel: Any, make: Any, buffer_output: Any = None) -> Any:
    """A dataset for each file, one after the other, or several at a time."""
    names = _files_dataset(filenames)
    make = do_not_convert(make)
    if parallel is None:
        made = names.flat_map(make)
    elif node_count.active():
        from penstock.data.experimental import parallel_interleave

        made = names.apply(parallel_interleave(make, parallel))
    else:
        made = names.interleave(make, cycle_length=parallel, num_parallel_calls=parallel)
    return DatasetV2._made(kind, made._variant_tensor, made.element_spec, [names])


def _one(kind: str, definition: Any, *inputs: Any) -> Any:
    return DatasetV2._made(kind, emit_stage(definition, inputs, {}), STRING)


class _Made(type):
    """The class of readers: calling one gives a dataset, and datasets that it gave are instances of it."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type(instance).__name__ == cls.kind or super().__instancecheck__(instance)  # type: ignore[attr-defined]


@export(v2=("data.TextLineDataset",))
class TextLineDatasetV2(DatasetV2, metaclass=_Made):
    """The lines of text files, without their ends."""

    kind = "TextLineDatasetV2"

    def __new__(cls, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None, name: str | None = None) -> Any:
        make = lambda f: _one("_TextLineDataset", files.TEXT_LINE_DATASET, f, _text(compression_type), _number(buffer_size, BUFFER, "buffer_size"))
        return _read(cls.kind, filenames, num_parallel_reads, make)

    def __init__(self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None, name: str | None = None):
        return None


@export(v2=("data.TFRecordDataset",))
class TFRecordDatasetV2(DatasetV2, metaclass=_Made):
    """The records of TFRecord files."""

    kind = "TFRecordDatasetV2"

    def __new__(cls, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None, name: str | None = None) -> Any:
        make = lambda f: _one("_TFRecordDataset", files.TF_RECORD_DATASET, f, _text(compression_type), _number(buffer_size, BUFFER, "buffer_size"))
        return _read(cls.kind, filenames, num_parallel_reads, make)

    def __init__(self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None, name: str | None = None):
        return None


@export(v2=("data.FixedLengthRecordDataset",))
class FixedLengthRecordDatasetV2(DatasetV2, metaclass=_Made):
    """Records of `record_bytes` bytes each, between a header and a footer."""

    kind = "FixedLengthRecordDatasetV2"

    def __new__(cls, filenames: Any, record_bytes: Any, header_bytes: Any = None, footer_bytes: Any = None, buffer_size: Any = None, compression_type: Any = None,
                num_parallel_reads: Any = None, name: str | None = None) -> Any:  # fmt: skip
        make = lambda f: _one(
            "_FixedLengthRecordDataset", files.FIXED_LENGTH_RECORD_DATASET_V2, f, _number(header_bytes, 0, "header_bytes"), int64(record_bytes, "record_bytes"),
            _number(footer_bytes, 0, "footer_bytes"), _number(buffer_size, BUFFER, "buffer_size"), _text(compression_type),
        )  # fmt: skip
        return _read(cls.kind, filenames, num_parallel_reads, make)

    def __init__(self, filenames: Any, record_bytes: Any, header_bytes: Any = None, footer_bytes: Any = None, buffer_size: Any = None, compression_type: Any = None,
                 num_parallel_reads: Any = None, name: str | None = None):  # fmt: skip
        return None


@export(v2=("data.experimental.SqlDataset",))
class SqlDatasetV2(DatasetV2, metaclass=_Made):
    """The rows that an SQL query gives."""

    kind = "SqlDatasetV2"

    def __new__(cls, driver_name: Any, data_source_name: Any, query: Any, output_types: Any) -> Any:
        types = structure.types_of(output_types)
        spec = nest.map_structure(lambda d: TensorSpec([], d), types)
        variant = emit_stage(files.SQL_DATASET, (_text(driver_name), _text(data_source_name), _text(query)), structure.attrs_of(spec))
        return DatasetV2._made(cls.kind, variant, spec)

    def __init__(self, driver_name: Any, data_source_name: Any, query: Any, output_types: Any):
        return None


def _of_1x(new: Any, name: str, public: str) -> Any:
    """The reader of 1.x: the same, with the methods of 1.x."""

    def make(cls: Any, *args: Any, **kwargs: Any) -> Any:
        from penstock.data.dataset_v1 import _as_v1

        return _as_v1(new(*args, **kwargs))

    make.__signature__ = _signature(new)  # type: ignore[attr-defined]
    init = lambda self, *args, **kwargs: None
    init.__signature__ = _signature(new)  # type: ignore[attr-defined]
    made = _Made(name, (DatasetV1,), {"__doc__": new.__doc__, "__module__": new.__module__, "kind": new.kind, "__new__": make, "__init__": init})
    return export(v1=(public,))(made)


def _signature(new: Any) -> inspect.Signature:
    return inspect.signature(new.__init__)


TextLineDatasetV1 = _of_1x(TextLineDatasetV2, "TextLineDatasetV1", "data.TextLineDataset")
TFRecordDatasetV1 = _of_1x(TFRecordDatasetV2, "TFRecordDatasetV1", "data.TFRecordDataset")
FixedLengthRecordDatasetV1 = _of_1x(FixedLengthRecordDatasetV2, "FixedLengthRecordDatasetV1", "data.FixedLengthRecordDataset")
SqlDatasetV1 = _of_1x(SqlDatasetV2, "SqlDatasetV1", "data.experimental.SqlDataset")
