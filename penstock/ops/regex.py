"""Regular expressions by RE2's rules, on Python's engine."""

import functools
import re
import sys
import unicodedata
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.op import op
from penstock.ir.tensor import Tensor
from penstock.ops.families import of_elements

_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ", "cntrl": r"\x00-\x1F\x7F", "digit": "0-9", "graph": "!-~",
    "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip


@functools.cache
def _category(name: str) -> str:
    """The ranges of characters of a Unicode general category, as they stand in a character class."""
    found, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code)).startswith(name)
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            found.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    if not found:
        raise re.error(f"invalid character class range: \\p{{{name}}}")
    return "".join(found)


def _complement(ranges: str) -> str:
    """The ranges between the given ones."""
    edges = [int(e, 16) for e in re.findall(r"\\U([0-9a-f]{8})", ranges)]
    found, last = [], 0
    for low, high in zip(edges[::2], edges[1::2]):
        if low > last:
            found.append(f"\\U{last:08x}-\\U{low - 1:08x}")
        last = high + 1
    return "".join(found) + (f"\\U{last:08x}-\\U0010ffff" if last <= 0x10FFFF else "")


def translate(pattern: str) -> str:
    """A RE2 pattern in Python's syntax; re.error for what RE2 does not allow."""
    out, i, n, inside = [], 0, len(pattern), False
    multiline = False
    while i < n:
        c = pattern[i]
        if c == "\\":
            if i + 1 == n:
                raise re.error("trailing \\")
            d = pattern[i + 1]
            if d in "pP":
                end = pattern.index("}", i) if pattern[i + 2 : i + 3] == "{" and "}" in pattern[i:] else i + 2
                name = pattern[i + 3 : end] if end > i + 2 else pattern[i + 2 : i + 3]
                negative = (d == "P") != name.startswith("^")
                ranges = _category(name.lstrip("^"))
                out.append((_complement(ranges) if negative else ranges) if inside else f"[{'^' if negative else ''}{ranges}]")
                i = end + 1
                continue
            if d == "Q":
                end = pattern.find("\\E", i)
                end = n if end < 0 else end
                out.append(re.escape(pattern[i + 2 : end]))
                i = end + 2
                continue
            if d.isdigit() and d != "0" and not inside:
                raise re.error(f"invalid escape sequence: \\{d}")
            if d in "zCx" or not d.isalnum() or d in "AbBdDsSwWafnrtv0E":
                if d == "x" and pattern[i + 2 : i + 3] == "{":
                    end = pattern.index("}", i)
                    out.append(f"\\U{int(pattern[i + 3 : end], 16):08x}")
                    i = end + 1
                    continue
                out.append({"z": r"\Z", "C": "(?s:.)"}.get(d, c + d))
                i += 2
                continue
            raise re.error(f"invalid escape sequence: \\{d}")
        if inside:
            named = re.match(r"\[:(\^?)(\w+):\]", pattern[i:])
            if named:
                if named[2] not in _POSIX:
                    raise re.error(f"invalid character class range: {named[0]}")
                if named[1]:
                    raise re.error(f"negated class {named[0]} inside a class")
                out.append(_POSIX[named[2]])
                i += len(named[0])
                continue
            inside = c != "]" or pattern[i - 1] == "[" or (pattern[i - 1] == "^" and pattern[i - 2] == "[")
            out.append("\\[" if c == "[" else c)
            if c in "&~|-" and pattern[i + 1 : i + 2] == c:
                out[-1] = "\\" + c
        elif c == "[":
            inside = True
            out.append(c)
        elif c == "(" and pattern[i + 1 : i + 2] == "?":
            flags = re.match(r"\(\?([imsU]*)(-[imsU]+)?([:)])", pattern[i:])
            if flags:
                multiline = multiline or "m" in flags[1]
                if flags[3] == ")" :
                    rest = translate(pattern[i + len(flags[0]) :]) if not _closes_early(pattern[i + len(flags[0]) :]) else None
                    if rest is None:
                        raise re.error(f"flags inside a group are not supported here: {flags[0]}")
                    return "".join(out) + f"(?{flags[1]}{flags[2] or ''}:{rest})"
                out.append(flags[0])
                i += len(flags[0])
                continue
            name = re.match(r"\(\?P?<(\w+)>", pattern[i:])
            if not name:
                raise re.error(f"invalid perl operator: {pattern[i : i + 3]}")
            out.append(f"(?P<{name[1]}>")
            i += len(name[0])
            continue
        elif c == "$" and not multiline:
            out.append(r"\Z")
        else:
            out.append(c)
        i += 1
    return "".join(out)


def _closes_early(rest: str) -> bool:
    """Is there a closing parenthesis of a group that was opened before?"""
    depth = 0
    for part in re.findall(r"\\.|[()]", rest):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth < 0:
            return True
    return False


@functools.lru_cache(1024)
def compiled(pattern: bytes) -> Any:
    """The compiled pattern; InvalidArgumentError says what is wrong with it."""
    text = pattern.decode("utf-8", "surrogateescape")
    try:
        return re.compile(translate(text), re.ASCII)
    except (re.error, ValueError, OverflowError) as e:
        raise InvalidArgumentError(None, None, f"Invalid pattern: {text}, error: {e}") from None


def _text(s: bytes) -> str:
    return s.decode("utf-8", "surrogateescape")


def _rewrite(match: Any, parts: list[Any]) -> str:
    return "".join(p if isinstance(p, str) else match.group(p) or "" for p in parts)


def _parts(rewrite: bytes, groups: int) -> list[Any] | None:
    """The rewrite string as texts and group numbers; None when it asks for a group that there is not."""
    found: list[Any] = []
    for piece in re.findall(r"\\.|[^\\]+|\\$", _text(rewrite), re.S):
        if piece[0] != "\\":
            found.append(piece)
        elif piece[1:].isdigit():
            if int(piece[1]) > groups:
                return None
            found.append(int(piece[1]))
        elif piece == "\\\\":
            found.append("\\")
        else:
            return None
    return found


@functools.lru_cache(256)
def _substitution(pattern: bytes, rewrite: bytes) -> tuple[Any, Any, bool]:
    """(regex, parts of the rewrite, can no match be empty)."""
    regex = compiled(pattern)
    return regex, _parts(rewrite, regex.groups), re._parser.parse(regex.pattern, regex.flags).getwidth()[0] > 0  # type: ignore[attr-defined]


def replace(s: bytes, pattern: bytes, rewrite: bytes, everywhere: bool) -> bytes:
    """The string with matches rewritten; an empty match right after another one does not count."""
    regex, parts, never_empty = _substitution(pattern, rewrite)
    if parts is None:
        return s
    text = _text(s)
    if never_empty:
        return regex.sub(lambda match: _rewrite(match, parts), text, 0 if everywhere else 1).encode("utf-8", "surrogateescape")
    out, at, last = [], 0, -1
    while at <= len(text):
        match = regex.search(text, at)
        if match is None:
            break
        start, end = match.span()
        out.append(text[at:start])
        if start == end == last:
            out.append(text[start : start + 1])
            at = start + 1
            last = -1 if start >= len(text) else last
            continue
        out.append(_rewrite(match, parts))
        at = last = end
        if not everywhere:
            break
    out.append(text[at:])
    return "".join(out).encode("utf-8", "surrogateescape")


def _map(function: Any, strings: Any) -> np.ndarray:
    out = np.empty(strings.shape, object)
    out.reshape(-1)[:] = [function(s) for s in strings.ravel().tolist()]
    return out


_same = lambda x, *_, **__: x.shape


@op("RegexReplace(input: string, pattern: string, rewrite: string, *, replace_global: bool = True) -> output: string", where="host", shape=_same)
def regex_replace_op(xp, input, pattern, rewrite, *, replace_global):
    """Each string with its matches rewritten; the pattern is a tensor."""
    for what, one in (("Pattern", pattern), ("Rewrite", rewrite)):
        if one.ndim:
            raise InvalidArgumentError(None, None, f"{what} must be scalar, but received {list(one.shape)}")
    return _map(lambda s: replace(s, pattern[()], rewrite[()], replace_global), input)


@op("StaticRegexReplace(input: string, *, pattern: str, rewrite: str, replace_global: bool = True) -> output: string", where="host", shape=_same)
def static_regex_replace_op(xp, input, *, pattern, rewrite, replace_global):
    """Each string with its matches rewritten."""
    return _map(lambda s: replace(s, _bytes(pattern), _bytes(rewrite), replace_global), input)


@op("RegexFullMatch(input: string, pattern: string) -> output: bool", where="host", shape=_same)
def regex_full_match_op(xp, input, pattern):
    """Does the whole of each string match?  The pattern is a tensor."""
    regex = compiled(pattern[()])
    return np.array([regex.fullmatch(_text(s)) is not None for s in input.ravel().tolist()], bool).reshape(input.shape)


@op("StaticRegexFullMatch(input: string, *, pattern: str) -> output: bool", where="host", shape=_same)
def static_regex_full_match_op(xp, input, *, pattern):
    """Does the whole of each string match?"""
    regex = compiled(_bytes(pattern))
    return np.array([regex.fullmatch(_text(s)) is not None for s in input.ravel().tolist()], bool).reshape(input.shape)


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


for _one in (regex_replace_op, static_regex_replace_op, regex_full_match_op, static_regex_full_match_op):
    _one.no_grad()


@export("strings.regex_replace", v1=("regex_replace",))
@of_elements
def regex_replace(input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None) -> Any:  # noqa: A002
    r"""Each string with the matches of a RE2 pattern rewritten; `\1` ... `\9` stand for the groups.

    >>> tf.strings.regex_replace("hello", "(l+)", r"<\1>").numpy()
    b'he<ll>o'
    """
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return static_regex_replace_op(input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name)
    return regex_replace_op(input, pattern, rewrite, replace_global=replace_global, name=name)


@export("strings.regex_full_match")
@of_elements
def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Any:  # noqa: A002
    """bool: does the whole of each string match a RE2 pattern?

    >>> tf.strings.regex_full_match(["abc", "abcd"], "a.c").numpy().tolist()
    [True, False]
    """
    if isinstance(pattern, (str, bytes)) and not isinstance(pattern, Tensor):
        return static_regex_full_match_op(input, pattern=pattern, name=name)
    return regex_full_match_op(input, pattern, name=name)
