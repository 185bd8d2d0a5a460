"""Messages in files and flags on command lines, as the graph tools take them."""

import argparse
import os
from typing import Any


def read_message(path: Any, kind: Any, binary: bool) -> Any:
    """The message in a file, binary or text; OSError when there is none."""
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    path = os.fspath(path)
    if not os.path.exists(path):
        raise OSError(f"Input file '{path}' does not exist!")
    with open(path, "rb") as file:
        data = file.read()
    made = kind()
    try:
        if binary:
            made.ParseFromString(data)
        else:
            text_format.Merge(data.decode("utf-8"), made)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as e:
        raise ValueError(f"{path} holds no {kind.DESCRIPTOR.name} as {'binary' if binary else 'text'}: {e}") from None
    return made


def as_bool(value: Any) -> bool:
    """True for true, t, yes, y and 1."""
    return value if isinstance(value, bool) else str(value).lower() in ("true", "t", "yes", "y", "1")


def arguments(program: str, flags: list[tuple[str, Any, str]]) -> Any:
    """The flags of the command line, with their defaults."""
    parser = argparse.ArgumentParser(prog=program)
    for name, default, text in flags:
        parser.add_argument(f"--{name}", default=default, help=text, **({"nargs": "?", "const": True} if isinstance(default, bool) else {}))
    return parser.parse_known_args()[0]
