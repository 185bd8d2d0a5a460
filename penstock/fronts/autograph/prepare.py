"""First pass over a function's tree: what Python does by itself in the original place and not in the new one."""

import ast
from typing import Any

from penstock.fronts.autograph.symbols import FUNCTIONS, declared, parameters
from penstock.fronts.autograph.templates import expression, locate, make


def prepare(node: Any, class_name: str | None) -> Any:
    """Names as the compiler mangles them, `super()` with its arguments, no annotations, no bare `del name`."""
    if class_name:
        node = _Mangle(class_name.lstrip("_")).visit(node)
    return _Plain(node).visit(node)


class _Mangle(ast.NodeTransformer):
    """`self.__x` in a method of class A is `self._A__x`."""

    def __init__(self, class_name: str):
        self.prefix = f"_{class_name}"

    def mangled(self, name: str | None) -> Any:
        if name is None or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        return self.prefix + name

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return node  # it mangles by its own name

    def generic_visit(self, node: ast.AST) -> Any:
        for field in ("id", "attr", "arg", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str) and not isinstance(node, ast.alias):
                setattr(node, field, self.mangled(value))
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            node.names = [self.mangled(n) for n in node.names]
        return super().generic_visit(node)


class _Plain(ast.NodeTransformer):
    """One function and those inside of it; classes inside stay as they are."""

    def __init__(self, function: Any):
        self.function = function
        names = parameters(function.args)
        self.globals = declared(function.body, ast.Global) if isinstance(function, FUNCTIONS) else set()
        self.first = names[0] if function.args.posonlyargs or function.args.args else None

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        if node is not self.function:
            return _Plain(node).visit(node)
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        node.returns = None
        node.body = [made for s in node.body for made in _as_list(self.visit(s))]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self.generic_visit(node)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_Delete(self, node: ast.Delete) -> Any:
        made: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id not in self.globals:
                (one,) = make("AG_NAME = ag__.deleted(AG_LOAD, AG_TEXT)", node, AG_NAME=target.id,
                              AG_LOAD=ast.Name(target.id, ast.Load()), AG_TEXT=ast.Constant(target.id))  # fmt: skip
                one.deletes = target.id  # type: ignore[attr-defined]
                made.append(one)
            else:
                made.append(locate(ast.Delete([target]), node))
        return made

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        bare = isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args and not node.keywords
        if bare and self.first is not None:
            node.args = [expression("__class__", node), expression(self.first, node)]
        return node


def deleted_names(statements: list[ast.stmt]) -> set[str]:
    """Names that a function deletes: they may have no value later."""
    found: set[str] = set()
    for node in statements:
        for part in ast.walk(node):
            name = getattr(part, "deletes", None)
            if name:
                found.add(name)
    return found


def drop_decorators(node: Any) -> Any:
    """A function's tree as the code object has it: without decorators and default values."""
    if isinstance(node, FUNCTIONS):
        node.decorator_list = []
    none: Any = ast.Constant(None)
    node.args.defaults = [ast.copy_location(ast.Constant(None), d) for d in node.args.defaults]
    node.args.kw_defaults = [d and ast.copy_location(none, d) for d in node.args.kw_defaults]
    return node


def _as_list(made: Any) -> list[Any]:
    return made if isinstance(made, list) else [made]
