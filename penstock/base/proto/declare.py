"""A `.proto` file's text -> its FileDescriptorProto: the part of proto3 that the files beside this one use."""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2

_TOKEN = re.compile(r'//[^\n]*|"[^"]*"|[A-Za-z_][\w.]*|-?\d+|[{}\[\]<>;=,]')
_SCALARS = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "fixed64": 6, "fixed32": 7, "bool": 8, "string": 9,
    "bytes": 12, "uint32": 13, "sfixed32": 15, "sfixed64": 16, "sint32": 17, "sint64": 18,
}  # fmt: skip


def parse(text: str) -> descriptor_pb2.FileDescriptorProto:
    """The descriptor of a file whose first line is a comment that gives its name."""
    file = descriptor_pb2.FileDescriptorProto(name=text.split("\n", 1)[0].lstrip("/ "), syntax="proto3")
    tokens = iter([t for t in _TOKEN.findall(text) if not t.startswith("//")])
    for word in tokens:
        if word == "package":
            file.package = next(tokens)
        elif word == "import":
            file.dependency.append(next(tokens).strip('"'))
        elif word == "message":
            _message(file.message_type.add(name=next(tokens)), tokens)
        elif word == "enum":
            _enum(file.enum_type.add(name=next(tokens)), tokens)
        elif word == "syntax":
            _until(tokens, ";")
    return file


def _until(tokens: Iterator[str], end: str) -> list[str]:
    found = []
    for word in tokens:
        if word == end:
            break
        found.append(word)
    return found


def _enum(enum: Any, tokens: Iterator[str]) -> None:
    _until(tokens, "{")
    for word in tokens:
        if word == "}":
            return
        rest = _until(tokens, ";")
        if word == "option":
            enum.options.allow_alias = rest[-1] == "true"
        else:
            enum.value.add(name=word, number=int(rest[1]))


def _message(message: Any, tokens: Iterator[str]) -> None:
    _until(tokens, "{")
    oneof: int | None = None
    for word in tokens:
        if word == "}":
            if oneof is None:
                return
            oneof = None
        elif word == "message":
            _message(message.nested_type.add(name=next(tokens)), tokens)
        elif word == "enum":
            _enum(message.enum_type.add(name=next(tokens)), tokens)
        elif word == "oneof":
            oneof = len(message.oneof_decl)
            message.oneof_decl.add(name=_until(tokens, "{")[0])
        else:
            _field(message, [word, *_until(tokens, ";")], oneof)


def _field(message: Any, words: list[str], oneof: int | None) -> None:
    label = 1
    if words[0] == "repeated":
        label, words = 3, words[1:]
    if words[0] == "map":
        key, value, words = words[2], words[4], words[6:]
        entry = message.nested_type.add(name="".join(p.capitalize() for p in words[0].split("_")) + "Entry")
        entry.options.map_entry = True
        _typed(entry.field.add(name="key", number=1, label=1), key)
        _typed(entry.field.add(name="value", number=2, label=1), value)
        label, words = 3, [entry.name, *words]
    field = message.field.add(name=words[1], number=int(words[3]), label=label)
    if "packed" in words:
        field.options.packed = words[-2] == "true"
    if oneof is not None:
        field.oneof_index = oneof
    _typed(field, words[0])


def _typed(field: Any, name: str) -> None:
    if name in _SCALARS:
        field.type = _SCALARS[name]
    else:
        field.type_name = name
