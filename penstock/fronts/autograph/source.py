"""From a function back to the syntax tree it was compiled from, with the line and column of every node."""

import ast
import copy
import linecache
import threading
import types
from typing import Any

FUNCTION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_files: dict[str, tuple[tuple[str, ...], dict[int, list[Any]]]] = {}
_lock = threading.Lock()


class NoSource(Exception):
    """The source of a function cannot be found or does not match it."""


def _lines(code: types.CodeType, namespace: dict[str, Any]) -> list[str]:
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, namespace)
    if not lines:
        raise NoSource(f"the source code of {code.co_name!r} ({code.co_filename}) is not available")
    return lines


def _functions_by_line(filename: str, lines: list[str]) -> dict[int, list[Any]]:
    """All functions of a file by the line their code object names as the first; parsed once."""
    with _lock:
        known = _files.get(filename)
        if known is not None and known[0] == tuple(lines):
            return known[1]
        try:
            tree = ast.parse("".join(lines), filename)
        except SyntaxError as error:
            raise NoSource(f"{filename} cannot be parsed: {error}") from None
        table: dict[int, list[Any]] = {}
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION_NODES):
                decorators = getattr(node, "decorator_list", [])
                first = min([node.lineno, *(d.lineno for d in decorators)])
                table.setdefault(first, []).append(node)
        if len(_files) > 256:
            _files.clear()
        _files[filename] = tuple(lines), table
        return table


def _positions(code: types.CodeType) -> set[tuple[int, int]]:
    """Line and column where the expressions of a code object begin."""
    found: set[tuple[int, int]] = set()
    for line, _, column, _ in code.co_positions():
        if line is not None and column is not None:
            found.add((line, column))
    return found


def _encloses(node: Any, place: tuple[int, int]) -> bool:
    body = node.body if isinstance(node.body, list) else [node.body]
    return (body[0].lineno, body[0].col_offset) <= place <= (body[-1].end_lineno, body[-1].end_col_offset)


def _same_parameters(node: Any, code: types.CodeType) -> bool:
    args = node.args
    plain = [a.arg for a in (*args.posonlyargs, *args.args)]
    names = plain + [a.arg for a in args.kwonlyargs] + [a.arg for a in (args.vararg, args.kwarg) if a]
    own = code.co_varnames[: len(names)]
    unmangled = [n if n.startswith("__") or "__" not in n else n[n.index("__") :] for n in own]
    return list(own) == names or unmangled == names


def function_node(function: types.FunctionType) -> Any:
    """A copy of the tree of a function or lambda; NoSource when there is none that surely belongs to it."""
    code = function.__code__
    lines = _lines(code, function.__globals__)
    table = _functions_by_line(code.co_filename, lines)
    is_lambda = code.co_name == "<lambda>"
    found = [
        n for n in table.get(code.co_firstlineno, [])
        if isinstance(n, ast.Lambda) == is_lambda
        and (is_lambda or n.name == code.co_name)
        and _same_parameters(n, code)
    ]  # fmt: skip
    if len(found) > 1:
        places = _positions(code)
        found = [n for n in found if places and any(_encloses(n, p) for p in places)]
        if len(found) > 1:  # a lambda around another one on the same line
            inner = min(found, key=lambda n: (n.body.end_col_offset - n.body.col_offset, n.lineno))
            outer = [n for n in found if n is not inner]
            only_outer = any(not _encloses(inner, p) and any(_encloses(n, p) for n in outer) for p in places)
            found = [outer[-1]] if only_outer and len(outer) == 1 else [inner]
    if not found:
        raise NoSource(
            f"line {code.co_firstlineno} of {code.co_filename} does not hold {code.co_name!r}: the file may have "
            "changed since it was imported"
        )
    return copy.deepcopy(found[0])
