"""Calls, `and`/`or`/`not`, chained comparisons, conditional expressions, assertions and lambdas become operators."""

import ast
from collections.abc import Callable
from typing import Any

from penstock.fronts.autograph.symbols import is_generator, parameters
from penstock.fronts.autograph.templates import expression, locate, make

DIRECT = frozenset({"super", "locals", "globals", "vars", "dir", "eval", "exec", "breakpoint", "__import__"})
"""Builtins that look at the frame they are called from: never called through an operator."""

SYMBOLS: dict[type, str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class ExpressionRewriter(ast.NodeTransformer):
    """Rewrites the expressions of one function; nested functions go to `convert_function`."""

    def __init__(self, undefined: set[str], convert_function: Callable[[Any, set[str]], Any], equality: bool = False):
        self.undefined, self.convert_function, self.equality = undefined, convert_function, equality

    # -- scopes ------------------------------------------------------------------------------------------------------
    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        if getattr(node, "plain", False):
            return node
        if getattr(node, "generated", False):
            node.body = [made for s in node.body for made in _as_list(self.visit(s))]
            return node
        self.defaults(node.args)
        if is_generator(node):
            return node
        node = self.convert_function(node, self.undefined)
        node.decorator_list.append(expression("ag__.artifact", node))
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return node  # its methods are converted when they are called

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.defaults(node.args)
        if is_generator(node):
            return node
        shadowed = self.undefined & set(parameters(node.args))
        inner = ExpressionRewriter(self.undefined - shadowed, self.convert_function, self.equality)
        node.body = inner.visit(node.body)
        return expression("ag__.artifact(L)", node, L=node)

    def defaults(self, args: ast.arguments) -> None:
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [d and self.visit(d) for d in args.kw_defaults]

    # -- names and calls ---------------------------------------------------------------------------------------------
    def visit_Name(self, node: ast.Name) -> Any:
        if isinstance(node.ctx, ast.Load) and node.id in self.undefined:
            return expression("ag__.ld(N)", node, N=ast.copy_location(ast.Name(node.id, ast.Load()), node))
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "ag__":
            return self.generic_visit(node)
        self.generic_visit(node)
        if isinstance(func, ast.Name) and func.id in DIRECT:
            return node
        made = ast.Call(expression("ag__.call", node), [node.func, *node.args], node.keywords)
        return locate(ast.copy_location(made, node), node)

    # -- logic -------------------------------------------------------------------------------------------------------
    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        if any(_assigns(v) for v in node.values[1:]):
            return self.generic_visit(node)  # `:=` would bind in the wrong function
        self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        made = node.values[0]
        for value in node.values[1:]:
            made = expression(f"ag__.{name}(A, lambda: B)", value, A=made, B=value)
        return ast.copy_location(made, node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return ast.copy_location(expression("ag__.not_(A)", node, A=node.operand), node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) == 1:
            self.generic_visit(node)
            if self.equality and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
                name = "eq" if isinstance(node.ops[0], ast.Eq) else "not_eq"
                made = expression(f"ag__.{name}(A, B)", node, A=node.left, B=node.comparators[0])
                return ast.copy_location(made, node)
            return node
        if any(_assigns(v) for v in node.comparators):
            return self.generic_visit(node)
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for op, value in zip(node.ops, node.comparators):
            parts.append(expression("(S, lambda: B)", value, S=ast.Constant(SYMBOLS[type(op)]), B=value))
        made = ast.Call(expression("ag__.compare", node), [node.left, *parts], [])
        return locate(ast.copy_location(made, node), node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        if _assigns(node.body) or _assigns(node.orelse):
            return self.generic_visit(node)
        text = ast.unparse(node.test)
        self.generic_visit(node)
        made = expression(
            "ag__.if_exp(C, lambda: A, lambda: B, T)",
            node,
            C=node.test,
            A=node.body,
            B=node.orelse,
            T=ast.Constant(text),
        )
        return ast.copy_location(made, node)

    def visit_Assert(self, node: ast.Assert) -> Any:
        self.generic_visit(node)
        if _assigns(node.test) or (node.msg is not None and _assigns(node.msg)):
            return node
        message = node.msg or ast.Constant(None)
        (made,) = make("ag__.assert_stmt(C, lambda: M)", node, C=node.test, M=message)
        return ast.copy_location(made, node)


def _assigns(node: ast.AST) -> bool:
    return any(isinstance(part, ast.NamedExpr) for part in ast.walk(node))


def _as_list(made: Any) -> list[Any]:
    return made if isinstance(made, list) else [made]
