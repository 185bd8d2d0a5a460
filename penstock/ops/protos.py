"""Protocol buffers in string tensors: fields out of messages and back, and Examples written as JSON."""

from typing import Any

import numpy as np

from penstock.base.errors import DataLossError
from penstock.base.export import export
from penstock.base.files import told_as
from penstock.ir.op import op
from penstock.ops.parsing import bad, empty_like

_KINDS = {  # protobuf's field type -> the dtypes it is read as
    1: "float64", 2: "float32 float64", 3: "int64", 4: "uint64 int64", 5: "int32 int64", 6: "uint64 int64", 7: "uint32 int64 int32", 8: "bool", 9: "string",
    10: "string", 11: "string", 12: "string", 13: "uint32 int64 int32", 14: "int32", 15: "int32 int64", 16: "int64", 17: "int32 int64", 18: "int64",
}  # fmt: skip
_NAMES = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64", 7: "fixed32", 8: "bool", 9: "string", 10: "group", 11: "message",
          12: "bytes", 13: "uint32", 14: "enum", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64"}  # fmt: skip


def _message(name: str, source: str) -> Any:
    """The class of a message: of TensorFlow's own ones, or of a FileDescriptorSet in a file or after `bytes://`."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError

    from penstock.base.proto import pool

    if source in ("", "local://"):
        found = pool.find_message(name)
        if found is None:
            raise bad(f"No descriptor found for message type {name}")
        return message_factory.GetMessageClass(found)
    if source.startswith("bytes://"):
        text = source.removeprefix("bytes://").encode("utf-8", "surrogateescape")
    else:
        with told_as(source), open(source, "rb") as file:
            text = file.read()
    own = descriptor_pool.DescriptorPool()
    try:
        for one in descriptor_pb2.FileDescriptorSet.FromString(text).file:
            own.AddSerializedFile(one.SerializeToString())
        return message_factory.GetMessageClass(own.FindMessageTypeByName(name))
    except (DecodeError, TypeError):
        raise bad(f"Could not parse the FileDescriptorSet of descriptor_source {source[:80]!r}") from None
    except KeyError:
        raise bad(f"No descriptor found for message type {name}") from None


def _fields(message: Any, names: Any, types: Any, doing: str) -> list[Any]:
    found = []
    for name, dtype in zip(names, types, strict=True):
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise bad(f"Unknown field: {name} in message type {message.DESCRIPTOR.full_name}")
        if dtype.name not in _KINDS[field.type].split():
            raise bad(f"Unexpected {doing} type for {message.DESCRIPTOR.full_name}.{name}: {_NAMES[field.type]} to DT_{dtype.name.upper()}")
        found.append(field)
    return found


@op('DecodeProtoV2(bytes: string, *, descriptor_source: str = "local://", field_names: list(str), message_format: str = "binary", message_type: str, '
    "output_types: list(type) >= 0, sanitize: bool = False) -> (sizes: int32, values: output_types)", where="host",
    shape=lambda bytes, *, output_types: (
        (None, [None] * len(output_types)) if bytes.shape is None else ((*bytes.shape, len(output_types)), [(*bytes.shape, None)] * len(output_types))))  # fmt: skip
def decode_proto_v2(xp, bytes, *, descriptor_source, field_names, message_format, message_type, output_types, sanitize):  # noqa: A002
    """The named fields of each message: how many values each holds, and the values filled up with the field's default."""
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    if message_format not in ("binary", "text"):
        raise bad(f'format must be one of binary or text, got "{message_format}"')
    cls = _message(message_type, descriptor_source)
    fields = _fields(cls, field_names, output_types, "output")
    sizes = np.zeros((bytes.size, len(fields)), np.int32)
    columns: list[list[Any]] = [[] for _ in fields]
    for row, text in enumerate(bytes.reshape(-1).tolist()):
        try:
            message = cls.FromString(text) if message_format == "binary" else text_format.Parse(text, cls())
        except DecodeError:
            raise DataLossError(None, None, f"Unable to parse a message of type {message_type} from element {row}") from None
        except text_format.ParseError as e:
            raise DataLossError(None, None, f"Unable to parse contents as text: {e}") from None
        for i, field in enumerate(fields):
            values = _values(message, field)
            sizes[row, i] = len(values)
            columns[i].append(values)
    made = []
    for field, rows, dtype in zip(fields, columns, output_types):
        width = max([1, *map(len, rows)]) if rows else 0
        block = empty_like(dtype, bytes.size * width).reshape(bytes.size, width)
        if field.type not in (9, 10, 11, 12) and not field.is_repeated and field.default_value:
            block[...] = field.default_value
        for row, values in enumerate(rows):
            block[row, : len(values)] = values
        made.append(block.reshape(*bytes.shape, width))
    return sizes.reshape(*bytes.shape, len(fields)), made


def _values(message: Any, field: Any) -> list[Any]:
    found = getattr(message, field.name)
    if field.is_repeated:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entry = field.message_type._concrete_class
            found = [entry(key=k, value=found[k]) for k in found]
        many = list(found)
    elif field.has_presence:
        many = [found] if message.HasField(field.name) else []
    else:
        many = [found] if found else []
    if field.type in (10, 11):
        return [m.SerializeToString() for m in many]
    return [m.encode() for m in many] if field.type == 9 else many


@op('EncodeProto(sizes: int32, values: Tinput_types, *, Tinput_types: list(type) >= 1, descriptor_source: str = "local://", field_names: list(str), '
    "message_type: str) -> bytes: string", where="host", shape=lambda sizes, values: None if sizes.shape is None else sizes.shape[:-1])  # fmt: skip
def encode_proto_op(xp, sizes, values, *, Tinput_types, descriptor_source, field_names, message_type):  # noqa: N803
    """A message of each row: the first `sizes[..., i]` of `values[i]` are field i."""
    cls = _message(message_type, descriptor_source)
    fields = _fields(cls, field_names, Tinput_types, "input")
    lead, n = sizes.shape[:-1], len(fields)
    if not sizes.ndim or sizes.shape[-1] != n:
        raise bad(f"The last dimension of sizes must be the number of fields, {n}; sizes has shape {list(sizes.shape)}")
    counts = sizes.reshape(-1, n)
    flat = []
    for field, value, i in zip(fields, values, range(n)):
        if value.shape[:-1] != lead:
            raise bad(f"Values for field {field.name} must have the leading shape {list(lead)} of sizes, they have {list(value.shape)}")
        if counts.size and (counts[:, i].max() > value.shape[-1] or counts[:, i].min() < 0):
            raise bad(f"Size of field {field.name} is {int(counts[:, i].max())}, its values have room for {value.shape[-1]}")
        flat.append(value.reshape(-1, value.shape[-1]))
    made = np.empty(len(counts), object)
    for row in range(len(counts)):
        message = cls()
        for field, value, count in zip(fields, flat, counts[row]):
            _set(message, field, value[row, : int(count)].tolist())
        made[row] = message.SerializeToString()
    return made.reshape(lead)


def _set(message: Any, field: Any, values: list[Any]) -> None:
    if not field.is_repeated and len(values) > 1:
        raise bad(f"Field {field.name} is not repeated, but has {len(values)} values")
    if field.type == 9:
        values = [v.decode("utf-8", "surrogateescape") for v in values]
    if field.type in (10, 11):
        for v in values:
            if field.is_repeated and field.message_type.GetOptions().map_entry:
                entry = field.message_type._concrete_class.FromString(v)
                message.MergeFromString(type(message)(**{field.name: {entry.key: entry.value}}).SerializeToString())
            else:
                (getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)).MergeFromString(v)
                if not field.is_repeated:
                    getattr(message, field.name).SetInParent()
    elif field.is_repeated:
        getattr(message, field.name).extend(values)
    elif values:
        setattr(message, field.name, values[0])


@op("DecodeJSONExample(json_examples: string) -> binary_examples: string", where="host", shape=lambda json_examples: json_examples.shape)
def decode_json_example_op(xp, json_examples):
    """Each Example written as JSON as the bytes of an Example."""
    from google.protobuf import json_format

    from penstock.base.proto import example_pb2

    def convert(text: bytes) -> bytes:
        try:
            return json_format.Parse(text, example_pb2.Example()).SerializeToString()
        except (json_format.ParseError, UnicodeDecodeError) as e:
            raise bad(f"Error while parsing JSON: {e}") from None

    made = np.empty(json_examples.shape, object)
    made.reshape(-1)[:] = [convert(t) for t in json_examples.reshape(-1).tolist()]
    return made


for _one in (decode_proto_v2, encode_proto_op, decode_json_example_op):
    _one.no_grad()


@export("io.decode_proto")
def decode_proto(
    bytes: Any, message_type: str, field_names: Any, output_types: Any, descriptor_source: str = "local://", message_format: str = "binary",  # noqa: A002
    sanitize: bool = False, name: str | None = None
) -> Any:  # fmt: skip
    """(sizes, values) of the named fields of serialised messages: sizes [..., fields], values[i] [..., longest].

    >>> tf.io.decode_proto([b"\\x0a\\x04\\x00\\x00\\x80\\x3f"], "tensorflow.FloatList", ["value"], [tf.float32]).values[0].numpy().tolist()
    [[1.0]]
    """
    return decode_proto_v2(
        bytes, message_type=message_type, field_names=list(field_names), output_types=list(output_types), descriptor_source=descriptor_source,
        message_format=message_format, sanitize=sanitize, name=name,
    )  # fmt: skip


@export("io.encode_proto")
def encode_proto(sizes: Any, values: Any, field_names: Any, message_type: str, descriptor_source: str = "local://", name: str | None = None) -> Any:
    """Serialised messages of fields: field i of each has the first `sizes[..., i]` of `values[i]`."""
    return encode_proto_op(sizes, values, field_names=list(field_names), message_type=message_type, descriptor_source=descriptor_source, name=name)


@export("io.decode_json_example", v1=("decode_json_example",))
def decode_json_example(json_examples: Any, name: str | None = None) -> Any:
    """Each Example in protobuf's JSON as the bytes of an Example, for `tf.io.parse_example`."""
    return decode_json_example_op(json_examples, name=name)
