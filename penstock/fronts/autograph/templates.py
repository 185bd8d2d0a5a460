"""Python code with holes: `make("ag__.f(x)", like, x=node)` parses the text and puts nodes in place of names."""

import ast
import copy
import functools
from typing import Any


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> ast.Module:
    tree = ast.parse(text)
    for node in ast.walk(tree):  # the text's own positions mean nothing
        for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(node, field):
                delattr(node, field)
    return tree


class _Fill(ast.NodeTransformer):
    def __init__(self, holes: dict[str, Any]):
        self.holes = holes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        value = self.holes.get(node.id)
        if value is None:
            return node
        return ast.Name(value, node.ctx) if isinstance(value, str) else value

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Name) and isinstance(self.holes.get(node.value.id), list):
            return self.holes[node.value.id]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        name = self.holes.get(node.name)
        if isinstance(name, str):
            node.name = name
        return self.generic_visit(node)


def make(text: str, like: ast.AST, **holes: Any) -> list[ast.stmt]:
    """The statements of `text`; a hole is a node, a name (string) or, for a statement, a list of statements."""
    tree = _Fill(holes).visit(copy.deepcopy(_parsed(text)))
    return [locate(node, like) for node in tree.body]


def expression(text: str, like: ast.AST, **holes: Any) -> ast.expr:
    """The expression `text` with its holes filled."""
    (statement,) = make(text, like, **holes)
    assert isinstance(statement, ast.Expr)
    return statement.value


def locate(node: Any, like: ast.AST) -> Any:
    """Give every node that has no place in the source yet the place of `like`."""
    line, column = getattr(like, "lineno", 1), getattr(like, "col_offset", 0)
    _locate(
        node, (line, column, line, column)
    )  # of one line only: a call takes its line from where its function's name ends
    return node


def _locate(node: ast.AST, place: tuple[Any, ...]) -> None:
    if hasattr(node, "lineno"):
        return  # it has its place, and so has what is inside of it
    if "lineno" in node._attributes:
        node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = place  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        _locate(child, place)
