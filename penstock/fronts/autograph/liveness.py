"""Which names are still needed after each `if` and loop: only those become outputs of a branch or loop variables.

Works on statements without jumps (see `jumps`).  Each If, While and For gets two attributes: `live_out`, the names
needed after it, and `live_in`, the names needed before it (for a loop: at the start of each turn as well).
"""

import ast
from collections.abc import Iterable

from penstock.fronts.autograph.symbols import (
    FUNCTIONS,
    Writes,
    declared,
    every_statement,
    free_names,
    header_expressions,
    header_reads,
    reads,
    targets,
)


class Liveness:
    """One function's analysis: walk its body backwards, loops until nothing new comes up."""

    def __init__(self, statements: list[ast.stmt], parameters: Iterable[str] = ()):
        self.captures = _captures(statements)
        outside = declared(statements, ast.Nonlocal) | declared(statements, ast.Global)
        self.always: frozenset[str] = frozenset()
        self.block(statements, frozenset(outside))

    def close(self, live: frozenset[str]) -> frozenset[str]:
        """While a nested function is needed, so is what it captures."""
        todo = [name for name in live if name in self.captures]
        found = set(live | self.always)
        while todo:
            for name in self.captures[todo.pop()]:
                if name not in found:
                    found.add(name)
                    if name in self.captures:
                        todo.append(name)
        return frozenset(found)

    def block(self, statements: list[ast.stmt], live: frozenset[str]) -> frozenset[str]:
        for node in reversed(statements):
            live = self.close(self.statement(node, self.close(live)))
        return live

    def statement(self, node: ast.stmt, live: frozenset[str]) -> frozenset[str]:
        if isinstance(node, ast.If):
            node.live_out = live  # type: ignore[attr-defined]
            inside = self.block(node.body, live) | self.block(node.orelse, live)
            node.live_in = self.close(inside)  # type: ignore[attr-defined]
            return inside | reads(node.test)
        if isinstance(node, (ast.While, ast.For)):
            return self.loop(node, live)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            inside = self.block(node.body, live)
            return (inside - _writes(node)) | header_reads(node)
        if isinstance(node, (ast.Try, getattr(ast, "TryStar", ast.Try))):
            return self.attempt(node, live)  # type: ignore[arg-type]
        if isinstance(node, ast.Match):
            inside = live.union(*(self.block(case.body, live) for case in node.cases))
            return (inside - _writes(node)) | header_reads(node)
        if isinstance(node, (ast.Return, ast.Raise)):
            kept = live if isinstance(node, ast.Raise) else self.always
            return frozenset(kept | header_reads(node))
        return (live - _writes(node)) | header_reads(node)

    def loop(self, node: ast.While | ast.For, live: frozenset[str]) -> frozenset[str]:
        node.live_out = live  # type: ignore[attr-defined]
        if isinstance(node, ast.While):
            bound, tested = frozenset[str](), reads(node.test)
        else:
            bound = frozenset(t.id for t in targets(node.target) if isinstance(t, ast.Name))
            tested = reads(getattr(node, "extra_test", None)) | (reads(node.target))
        header = self.close(live | tested)
        while True:
            inside = self.block(node.body, header) - bound
            grown = self.close(header | inside)
            if grown == header:
                break
            header = grown
        node.live_in = header  # type: ignore[attr-defined]
        return header | reads(node.iter) if isinstance(node, ast.For) else header

    def attempt(self, node: ast.Try, live: frozenset[str]) -> frozenset[str]:
        after = self.block(node.finalbody, live)
        handled = after.union(*(self.block(h.body, after) for h in node.handlers), header_reads(node))
        outer, self.always = self.always, self.always | handled  # an exception may come at any statement
        try:
            inside = self.block(node.body, self.block(node.orelse, after))
        finally:
            self.always = outer
        return inside | handled


def _writes(node: ast.stmt) -> frozenset[str]:
    found = Writes()
    found.header(node)
    return frozenset(found.names)


def _captures(statements: list[ast.stmt]) -> dict[str, set[str]]:
    """Name -> what the functions that it may stand for capture: nested functions, classes, lambdas put into it."""
    found: dict[str, set[str]] = {}
    for node in every_statement(statements):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found.setdefault(node.name, set()).update(free_names(node))
            continue
        captured: set[str] = set()
        for value in header_expressions(node):
            for part in ast.walk(value):
                if isinstance(part, (ast.Lambda, ast.GeneratorExp)):
                    captured |= free_names(part)
        if captured:
            for name in (*_writes(node), *_receivers(node)):
                found.setdefault(name, set()).update(captured)
    return found


def _receivers(node: ast.stmt) -> set[str]:
    """The plain names whose methods are called or whose parts are assigned in a statement: `fs` of `fs.append(...)`."""
    found: set[str] = set()
    for value in header_expressions(node):
        for part in ast.walk(value):
            at: ast.expr | None = part.func if isinstance(part, ast.Call) else None
            if at is None and isinstance(part, (ast.Attribute, ast.Subscript)) and isinstance(part.ctx, ast.Store):
                at = part
            if not isinstance(at, (ast.Attribute, ast.Subscript)):
                continue
            while isinstance(at, (ast.Attribute, ast.Subscript)):
                at = at.value
            if isinstance(at, ast.Name):
                found.add(at.id)
    return found
