"""Rows of CSV files: `CsvDataset` and `make_csv_dataset`."""

import collections
import csv
import glob
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.base.records import open_for_reading
from penstock.data import structure
from penstock.data.dataset import AUTOTUNE, DatasetV2, int64
from penstock.data.files import FilesPipe, text_array
from penstock.data.pipeline import scalar
from penstock.data.readers import BUFFER, _Made, _of_1x, _text
from penstock.data.stage_op import PLAIN, emit_stage, stage
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec

KINDS = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)


def fields_of(lines: Iterator[bytes], delimiter: bytes, quotes: bool) -> Iterator[list[bytes]]:
    """The fields of each record; a quoted field may hold delimiters, doubled quotes and ends of lines."""
    for line in lines:
        text = line
        if not quotes or b'"' not in text:
            yield text.rstrip(b"\r\n").split(delimiter)
            continue
        while text.count(b'"') % 2:
            more = next(lines, None)
            if more is None:
                raise InvalidArgumentError(None, None, "Reached end of file without closing quoted field in record")
            text += more
        yield _quoted(text.rstrip(b"\r\n"), delimiter)


def _quoted(text: bytes, delimiter: bytes) -> list[bytes]:
    out, at, n = [], 0, len(text)
    while True:
        if at < n and text[at : at + 1] == b'"':
            part = bytearray()
            at += 1
            while True:
                end = text.find(b'"', at)
                if end < 0:
                    raise InvalidArgumentError(None, None, "Quoted field has to end with quote followed by delim or end")
                part += text[at:end]
                if text[end + 1 : end + 2] == b'"':
                    part += b'"'
                    at = end + 2
                    continue
                at = end + 1
                break
            if at < n and text[at : at + 1] != delimiter:
                raise InvalidArgumentError(None, None, "Quote inside a string has to be escaped by another quote")
            out.append(bytes(part))
        else:
            end = text.find(delimiter, at)
            end = n if end < 0 else end
            if b'"' in text[at:end]:
                raise InvalidArgumentError(None, None, "Unquoted fields cannot have quotes inside")
            out.append(text[at:end])
            at = end
        if at >= n:
            return out
        at += 1
        if at >= n:
            out.append(b"")
            return out


def converter(dtype: Any, default: Any, index: int, missing: bytes) -> Any:
    """A function that makes the value of one field."""
    required = default is None

    def lacking() -> Any:
        if required:
            raise InvalidArgumentError(None, None, f"Field {index} is required but missing in record!")
        return default

    if dtype is dtypes.string:
        return lambda field: lacking() if not field or field == missing else text_array(field)
    kind = dtype.array_dtype
    info = np.iinfo(kind) if dtype.is_integer else None

    def number(field: bytes) -> Any:
        if not field or field == missing:
            return lacking()
        try:
            value = int(field) if info is not None else float(field)
            if info is not None and not info.min <= value <= info.max or b"_" in field:
                raise ValueError
        except ValueError:
            raise InvalidArgumentError(None, None, f"Field {index} in record is not a valid {dtype.name.replace('float32', 'float').replace('float64', 'double')}: {field.decode(errors='replace')}") from None
        return np.array(value, kind)

    return number


class CsvPipe(FilesPipe):
    """The records of CSV files, field by field."""

    def __init__(self, filenames: Any, compression: Any, buffer: Any, header: bool, delimiter: Any, quotes: bool, missing: Any, select: Any, exclude: Any, defaults: Any, types: Any):
        super().__init__(filenames, compression, buffer)
        self.header, self.quotes = header, quotes
        self.delimiter, self.missing = np.asarray(delimiter, object).item(), np.asarray(missing, object).item()
        if len(self.delimiter) != 1:
            raise InvalidArgumentError(None, None, "field_delim should be only 1 char")
        self.select, self.exclude = np.asarray(select).reshape(-1).tolist(), np.asarray(exclude).reshape(-1).tolist()
        self.converters = [converter(t, None if d.size == 0 else d.reshape(-1)[:1].reshape(()), i, self.missing) for i, (t, d) in enumerate(zip(types, defaults))]

    def open(self, at: int) -> Iterator[Any]:
        file = open_for_reading(self.paths[at], self.compression)
        lines = iter(file) if not self.compression else _lines(file)
        try:
            records = fields_of(lines, self.delimiter, self.quotes)
            if self.header:
                if next(records, None) is None:
                    raise InvalidArgumentError(None, None, f"Can't read header of file {self.paths[at]}")
            wanted = len(self.converters)
            for fields in records:
                if fields == [b""] and wanted > 1:
                    continue
                if self.select:
                    if self.select[-1] >= len(fields):
                        raise InvalidArgumentError(None, None, f"Expect {wanted} fields but have {sum(s < len(fields) for s in self.select)} in record")
                    fields = [fields[s] for s in self.select]
                elif self.exclude:
                    fields = [f for i, f in enumerate(fields) if i not in self.exclude]
                if len(fields) != wanted:
                    raise InvalidArgumentError(None, None, f"Expect {wanted} fields but have {len(fields)} in record")
                yield [c(f) for c, f in zip(self.converters, fields)]
        finally:
            file.close()


def _lines(file: Any) -> Iterator[bytes]:
    held = b""
    while block := file.read(1 << 18):
        *whole, held = (held + block).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if held:
        yield held


_CSV = ("filenames: string, compression_type: string, buffer_size: int64, header: bool, field_delim: string, use_quote_delim: bool, na_value: string, "
        "select_cols: int64, record_defaults: output_types")  # fmt: skip
_TYPES = PLAIN.replace("list(type)", "list({float32|float64|int32|int64|string})")


@stage(f"CSVDataset({_CSV}, *, {_TYPES}) -> handle: variant")
def CSV_DATASET(xp, filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value, select_cols, record_defaults, *, output_types):
    """The records of CSV files."""
    return CsvPipe(filenames, compression_type, buffer_size, scalar(header), field_delim, scalar(use_quote_delim), na_value, select_cols, [], record_defaults, output_types)


@stage(f"CSVDatasetV2({_CSV}, exclude_cols: int64, *, {_TYPES}) -> handle: variant")
def CSV_DATASET_V2(xp, filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value, select_cols, record_defaults, exclude_cols, *, output_types):
    """The records of CSV files."""
    return CsvPipe(filenames, compression_type, buffer_size, scalar(header), field_delim, scalar(use_quote_delim), na_value, select_cols, exclude_cols, record_defaults, output_types)


def _default(value: Any) -> Any:
    """A default as a tensor of one element, or of none where the field is required."""
    if isinstance(value, Tensor):
        return value
    try:
        return door.convert(np.empty(0, as_dtype(value).array_dtype), as_dtype(value))
    except TypeError:
        made = door.convert(value)
        return made if made._dims else door.convert([value], made.dtype)


@export(v2=("data.experimental.CsvDataset",))
class CsvDatasetV2(DatasetV2, metaclass=_Made):
    """The records of CSV files as tuples; a dtype in `record_defaults` is a required field, a value the default of an optional one."""

    kind = "CsvDatasetV2"

    def __new__(cls, filenames: Any, record_defaults: Any, compression_type: Any = None, buffer_size: Any = None, header: bool = False, field_delim: str = ",",
                use_quote_delim: bool = True, na_value: str = "", select_cols: Any = None, exclude_cols: Any = None) -> Any:  # fmt: skip
        if select_cols is not None and exclude_cols is not None:
            raise ValueError("select_cols and exclude_cols cannot both be specified")
        defaults = [_default(d) for d in record_defaults]
        for d in defaults:
            if d.dtype not in KINDS:
                raise TypeError(f"CSV fields may be {[k.name for k in KINDS]}, got {d.dtype.name}")
        spec = tuple(TensorSpec([], d.dtype) for d in defaults)
        empty = np.empty(0, np.int64)
        inputs = (_text(filenames), _text(compression_type), int64(BUFFER if buffer_size is None else buffer_size), door.convert(header, dtypes.bool), _text(field_delim),
                  door.convert(use_quote_delim, dtypes.bool), _text(na_value), door.convert(empty if select_cols is None else np.array(select_cols, np.int64)), defaults,
                  door.convert(empty if exclude_cols is None else np.array(exclude_cols, np.int64)))  # fmt: skip
        variant = emit_stage(CSV_DATASET_V2, inputs, {"output_shapes": structure.attrs_of(spec)["output_shapes"]})
        return DatasetV2._made(cls.kind, variant, spec)

    def __init__(self, filenames: Any, record_defaults: Any, compression_type: Any = None, buffer_size: Any = None, header: bool = False, field_delim: str = ",",
                 use_quote_delim: bool = True, na_value: str = "", select_cols: Any = None, exclude_cols: Any = None):  # fmt: skip
        return None


CsvDatasetV1 = _of_1x(CsvDatasetV2, "CsvDatasetV1", "data.experimental.CsvDataset")


# -- whole tables ------------------------------------------------------------------------------------------------------
def _files(pattern: Any) -> list[str]:
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    if not patterns:
        raise ValueError("Argument `file_pattern` should not be empty.")
    found = []
    for p in patterns:
        found.extend(sorted(glob.glob(p)))
    if not found:
        raise ValueError(f"No files match `file_pattern` {pattern}.")
    return sorted(found)


def _rows(paths: list[str], delimiter: str, quotes: bool, header: bool, encoding: str, compression: Any) -> Iterator[list[str]]:
    for path in paths:
        file = open_for_reading(path, compression or "")
        try:
            text = file.read().decode(encoding)
        finally:
            file.close()
        rows = csv.reader(text.splitlines(True), delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
        if header:
            next(rows, None)
        yield from rows


def _column_names(paths: list[str], delimiter: str, quotes: bool, encoding: str, compression: Any) -> list[str]:
    names: list[str] | None = None
    for path in paths:
        own = next(_rows([path], delimiter, quotes, False, encoding, compression), None)
        if own is None:
            raise ValueError(f"Received StopIteration when reading the header line of {path}.  Empty file?")
        if names is None:
            names = own
        elif names != own:
            raise ValueError(f"All input CSV files should have the same column names in the header row. File {path} has different column names.")
    return names or []


_INFERRED = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.string)


def _type_of(text: str, missing: str, before: Any) -> Any:
    if text in ("", missing):
        return before
    for dtype in _INFERRED:
        if before is not None and _INFERRED.index(dtype) < _INFERRED.index(before):
            continue
        if dtype is dtypes.string:
            return dtype
        try:
            value = float(text)
        except ValueError:
            continue
        if dtype.is_integer:
            try:
                whole = int(text)
            except ValueError:
                continue
            if not np.iinfo(dtype.array_dtype).min <= whole <= np.iinfo(dtype.array_dtype).max:
                continue
        elif dtype is dtypes.float32 and not np.finfo(np.float32).min <= value <= np.finfo(np.float32).max:
            continue
        return dtype
    return dtypes.string


def _inferred_defaults(paths: list[str], count: int, delimiter: str, quotes: bool, missing: str, header: bool, rows: Any, chosen: list[int], encoding: str, compression: Any) -> list[Any]:
    kinds: list[Any] = [None] * len(chosen)
    for i, fields in enumerate(_rows(paths, delimiter, quotes, header, encoding, compression)):
        if rows is not None and i >= rows:
            break
        if len(fields) != count:
            raise ValueError(f"Problem inferring types: CSV row {fields} has {len(fields)} number of fields. Expected: {count}.")
        for j, c in enumerate(chosen):
            kinds[j] = _type_of(fields[c], missing, kinds[j])
    return [[0] if k is dtypes.int32 else door.convert([0], k) if k is dtypes.int64 else [0.0] if k is dtypes.float32 else door.convert([0.0], k) if k is dtypes.float64 else [""]
            for k in kinds]  # fmt: skip


def _positions(names: list[str], wanted: Any) -> list[int]:
    if all(isinstance(w, int) for w in wanted):
        out = list(wanted)
        if any(not 0 <= w < len(names) for w in out):
            raise ValueError(f"Invalid `select_columns`. Values must be in the range [0, {len(names)})")
    else:
        for w in wanted:
            if w not in names:
                raise ValueError(f"Invalid `select_columns`. Column {w!r} is not one of {names}")
        out = [names.index(w) for w in wanted]
    if len(set(out)) != len(out):
        raise ValueError("Invalid `select_columns`. Columns must be unique")
    return sorted(out)


def shuffle_and_repeat(dataset: Any, epochs: Any, shuffle: bool, buffer: int, seed: Any) -> Any:
    if shuffle:
        dataset = dataset.shuffle(buffer, seed)
    return dataset if epochs == 1 else dataset.repeat(epochs)


@export(v2=("data.experimental.make_csv_dataset",))
def make_csv_dataset(file_pattern: Any, batch_size: int, column_names: Any = None, column_defaults: Any = None, label_name: Any = None, select_columns: Any = None,
                     field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "", header: bool = True, num_epochs: Any = None, shuffle: bool = True,
                     shuffle_buffer_size: int = 10000, shuffle_seed: Any = None, prefetch_buffer_size: Any = None, num_parallel_reads: Any = None, sloppy: bool = False,
                     num_rows_for_inference: Any = 100, compression_type: Any = None, ignore_errors: bool = False, encoding: str = "utf-8") -> Any:  # fmt: skip
    """Batches of the columns of CSV files: an ordered dictionary of tensors by column name, with the labels where a label is named."""
    paths = _files(file_pattern)
    files = DatasetV2.from_tensor_slices(paths)
    if shuffle:
        files = files.shuffle(len(paths), shuffle_seed)
    if column_names is None:
        if not header:
            raise ValueError("Expected `column_names` or `header` arguments. Neither is provided.")
        column_names = _column_names(paths, field_delim, use_quote_delim, encoding, compression_type)
    if len(column_names) != len(set(column_names)):
        raise ValueError("Cannot have duplicate column names.")
    count = len(column_names)
    chosen = _positions(list(column_names), select_columns) if select_columns is not None else list(range(count))
    if column_defaults is not None:
        if len(column_defaults) != len(chosen):
            raise ValueError(f"Invalid `column_defaults`: expected one for each of the {len(chosen)} columns, got {len(column_defaults)}")
        defaults = list(column_defaults)
    else:
        defaults = _inferred_defaults(paths, count, field_delim, use_quote_delim, na_value, header, num_rows_for_inference, chosen, encoding, compression_type)
    names = [column_names[i] for i in chosen]
    if label_name is not None and label_name not in names:
        raise ValueError(f"`label_name` provided must be one of the columns: {names}. Received: {label_name}.")

    def one_file(path: Any) -> Any:
        made = CsvDatasetV2(path, defaults, compression_type=compression_type, field_delim=field_delim, use_quote_delim=use_quote_delim, na_value=na_value, header=header,
                            select_cols=chosen if select_columns is not None else None)  # fmt: skip
        return made.ignore_errors() if ignore_errors else made

    def named(*columns: Any) -> Any:
        features = collections.OrderedDict(zip(names, columns))
        if label_name is None:
            return features
        label = features.pop(label_name)
        return features, label

    if num_parallel_reads is None:
        num_parallel_reads = 1
    if prefetch_buffer_size is None:
        prefetch_buffer_size = AUTOTUNE
    dataset = files.interleave(one_file, cycle_length=num_parallel_reads, block_length=1) if num_parallel_reads != AUTOTUNE else files.interleave(one_file, num_parallel_calls=AUTOTUNE)
    dataset = shuffle_and_repeat(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None)
    return dataset.map(named).prefetch(prefetch_buffer_size)


@export(v1=("data.experimental.make_csv_dataset",))
def make_csv_dataset_v1(file_pattern: Any, batch_size: int, column_names: Any = None, column_defaults: Any = None, label_name: Any = None, select_columns: Any = None,
                        field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "", header: bool = True, num_epochs: Any = None, shuffle: bool = True,
                        shuffle_buffer_size: int = 10000, shuffle_seed: Any = None, prefetch_buffer_size: Any = None, num_parallel_reads: Any = None, sloppy: bool = False,
                        num_rows_for_inference: Any = 100, compression_type: Any = None, ignore_errors: bool = False, encoding: str = "utf-8") -> Any:  # fmt: skip
    """`make_csv_dataset`, with the datasets of 1.x."""
    from penstock.data.dataset_v1 import _as_v1

    return _as_v1(make_csv_dataset(file_pattern, batch_size, column_names, column_defaults, label_name, select_columns, field_delim, use_quote_delim, na_value, header, num_epochs,
                                   shuffle, shuffle_buffer_size, shuffle_seed, prefetch_buffer_size, num_parallel_reads, sloppy, num_rows_for_inference, compression_type,
                                   ignore_errors, encoding))  # fmt: skip


# -- Examples ----------------------------------------------------------------------------------------------------------
def _batched_features(file_pattern: Any, batch_size: int, features: Any, reader: Any, label_key: Any, reader_args: Any, num_epochs: Any, shuffle: bool,
                      shuffle_buffer_size: int, shuffle_seed: Any, prefetch_buffer_size: Any, reader_num_threads: Any, parser_num_threads: Any, drop_final_batch: bool) -> Any:  # fmt: skip
    from penstock.data.experimental import parse_example_dataset
    from penstock.data.readers import TFRecordDatasetV2

    reader = TFRecordDatasetV2 if reader is None else reader
    threads, parsers = reader_num_threads or 1, parser_num_threads or 2
    paths = _files(file_pattern)
    dataset = DatasetV2.from_tensor_slices(paths)
    if shuffle:
        dataset = dataset.shuffle(len(paths), shuffle_seed)
    dataset = dataset.interleave(lambda name: reader(name, *(reader_args or [])), cycle_length=threads, num_parallel_calls=threads)
    if type(dataset.element_spec) is tuple and len(dataset.element_spec) == 2:
        dataset = dataset.map(lambda _, value: value)
    dataset = shuffle_and_repeat(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    dataset = dataset.apply(parse_example_dataset(features, num_parallel_calls=parsers))
    if label_key:
        if label_key not in features:
            raise ValueError(f"The `label_key` provided ({label_key!r}) must be one of the `features` keys: {list(features)}.")
        dataset = dataset.map(lambda x: (x, x.pop(label_key)))
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


@export(v2=("data.experimental.make_batched_features_dataset",))
def make_batched_features_dataset(file_pattern: Any, batch_size: int, features: Any, reader: Any = None, label_key: Any = None, reader_args: Any = None, num_epochs: Any = None,
                                  shuffle: bool = True, shuffle_buffer_size: int = 10000, shuffle_seed: Any = None, prefetch_buffer_size: Any = None,
                                  reader_num_threads: Any = None, parser_num_threads: Any = None, sloppy_ordering: bool = False, drop_final_batch: bool = False) -> Any:  # fmt: skip
    """Batches of the features of Examples in files: a dictionary of tensors, with the labels where a label is named."""
    return _batched_features(file_pattern, batch_size, features, reader, label_key, reader_args, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed, prefetch_buffer_size,
                             reader_num_threads, parser_num_threads, drop_final_batch)  # fmt: skip


@export(v1=("data.experimental.make_batched_features_dataset",))
def make_batched_features_dataset_v1(file_pattern: Any, batch_size: int, features: Any, reader: Any = None, label_key: Any = None, reader_args: Any = None, num_epochs: Any = None,
                                     shuffle: bool = True, shuffle_buffer_size: int = 10000, shuffle_seed: Any = None, prefetch_buffer_size: Any = None,
                                     reader_num_threads: Any = None, parser_num_threads: Any = None, sloppy_ordering: bool = False, drop_final_batch: bool = False) -> Any:  # fmt: skip
    """`make_batched_features_dataset`, with the datasets of 1.x."""
    from penstock.data.dataset_v1 import _as_v1

    return _as_v1(_batched_features(file_pattern, batch_size, features, reader, label_key, reader_args, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed,
                                    prefetch_buffer_size, reader_num_threads, parser_num_threads, drop_final_batch))  # fmt: skip
