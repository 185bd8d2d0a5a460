"""`break`, `continue` and `return` inside blocks become flags, so that every block runs from its start to its end.

`if c: return a` followed by more puts what follows into the else branch; where that cannot be done, what follows is
guarded by `if not do_return`.  Loops gain a test of the flags; a `for` carries it as its `extra_test` attribute.
"""

import ast
from typing import NamedTuple

from penstock.fronts.autograph.symbols import blocks
from penstock.fronts.autograph.templates import locate


class Lowered(NamedTuple):
    """Statements without jumps, the flags they may set, and whether they can come to their end without a jump."""

    statements: list[ast.stmt]
    flags: tuple[str, ...]
    falls: bool


class Flags(NamedTuple):
    """The flags of the innermost loop."""

    broken: str
    skipped: str


def has_inner_return(statements: list[ast.stmt]) -> bool:
    """Is there a `return` inside a block?"""
    return any(_returns(inner) for node in statements for inner in blocks(node))


def _returns(statements: list[ast.stmt]) -> bool:
    return any(isinstance(s, ast.Return) or any(_returns(inner) for inner in blocks(s)) for s in statements)


def _located(node: ast.AST, like: ast.AST) -> ast.AST:
    return locate(node, like)


def assign(name: str, value: ast.expr, like: ast.AST) -> ast.stmt:
    """`name = value` at the line of another node."""
    statement = ast.Assign([ast.Name(name, ast.Store())], value)
    return _located(statement, like)  # type: ignore[return-value]


def _or(names: tuple[str, ...]) -> ast.expr:
    loads: list[ast.expr] = [ast.Name(n, ast.Load()) for n in names]
    return loads[0] if len(loads) == 1 else ast.BoolOp(ast.Or(), loads)


def _unless(names: tuple[str, ...]) -> ast.expr:
    return ast.UnaryOp(ast.Not(), _or(names))


def _merge(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


class Jumps:
    """Lowers the jumps of one function; made-up names avoid `taken`."""

    def __init__(self, taken: set[str]):
        self.taken = taken
        self.done = self.fresh("do_return")
        self.value = self.fresh("retval_")

    def fresh(self, base: str) -> str:
        name, n = base, 0
        while name in self.taken:
            n += 1
            name = f"{base}_{n}" if not base.endswith("_") else f"{base}{n}"
        self.taken.add(name)
        return name

    # -- a function ------------------------------------------------------------------------------------------------
    def function(self, statements: list[ast.stmt], like: ast.AST) -> list[ast.stmt]:
        """The body of a function with at most one `return`, its last statement."""
        if not has_inner_return(statements):
            return self.block(statements, None, keep_returns=True).statements
        taken = set(self.taken)
        lowered = self.block(statements, None)
        if lowered.falls:  # what falls off the end returns too, which matters where another path returns a value
            statements = [*statements, _located(ast.Return(ast.Constant(_FALLS_OFF)), like)]  # type: ignore[list-item]
            self.taken = taken
            lowered = self.block(statements, None)
        first = [
            assign(self.done, ast.Constant(False), like),
            assign(self.value, _ag("UndefinedReturnValue"), like),
        ]
        call = ast.Call(_ag("ret"), [ast.Name(self.value, ast.Load()), ast.Name(self.done, ast.Load())], [])
        last = _located(ast.Return(call), lowered.statements[-1])
        return [*first, *lowered.statements, last]  # type: ignore[list-item]

    # -- statement lists --------------------------------------------------------------------------------------------
    def block(self, statements: list[ast.stmt], loop: Flags | None, keep_returns: bool = False) -> Lowered:
        out: list[ast.stmt] = []
        flags: tuple[str, ...] = ()
        rest = list(statements)
        while rest:
            node, rest = rest[0], rest[1:]
            if isinstance(node, ast.Return) and keep_returns:
                return Lowered([*out, node], flags, False)
            if isinstance(node, ast.If) and rest:
                node, rest = self.push_into_branch(node, rest)
            one = self.statement(node, loop, keep_returns)
            out += one.statements
            flags = _merge(flags, one.flags)
            if not one.falls:
                return Lowered(out, flags, False)
            if one.flags and rest:
                tail = self.block(rest, loop, keep_returns)
                guard = ast.If(_unless(one.flags), tail.statements, [])
                out.append(_located(guard, rest[0]))  # type: ignore[arg-type]
                return Lowered(out, _merge(flags, tail.flags), tail.falls)
        return Lowered(out, flags, True)

    def push_into_branch(self, node: ast.If, rest: list[ast.stmt]) -> tuple[ast.If, list[ast.stmt]]:
        """`if c: jump` and the rest of the block as `if c: jump else: the rest`."""
        jumps_then, jumps_else = _ends_in_jump(node.body), _ends_in_jump(node.orelse)
        if jumps_then and not jumps_else:
            node = ast.copy_location(ast.If(node.test, node.body, [*node.orelse, *rest]), node)
            return node, []
        if jumps_else and not jumps_then:
            node = ast.copy_location(ast.If(node.test, [*node.body, *rest], node.orelse), node)
            return node, []
        return node, rest

    def statement(self, node: ast.stmt, loop: Flags | None, keep: bool) -> Lowered:
        if isinstance(node, ast.Return):
            value = node.value or ast.Constant(None)
            if isinstance(value, ast.Constant) and value.value is _FALLS_OFF:
                value = _ag("NO_RETURN")
            done = [assign(self.value, value, node), assign(self.done, ast.Constant(True), node)]
            return Lowered(done, (self.done,), False)
        if isinstance(node, ast.Break):
            assert loop is not None
            return Lowered([assign(loop.broken, ast.Constant(True), node)], (loop.broken,), False)
        if isinstance(node, ast.Continue):
            assert loop is not None
            return Lowered([assign(loop.skipped, ast.Constant(True), node)], (loop.skipped,), False)
        if isinstance(node, ast.Raise):
            return Lowered([node], (), False)
        if isinstance(node, (ast.While, ast.For)):
            return self.loop(node, loop, keep)
        if isinstance(node, ast.If):
            then, other = self.block(node.body, loop, keep), self.block(node.orelse, loop, keep)
            made: ast.stmt = ast.If(node.test, then.statements, other.statements)
            return Lowered([ast.copy_location(made, node)], _merge(then.flags, other.flags), then.falls or other.falls)
        if isinstance(node, ast.With):
            body = self.block(node.body, loop, keep)
            made = ast.With(node.items, body.statements, node.type_comment)
            return Lowered([ast.copy_location(made, node)], body.flags, body.falls)
        if isinstance(node, (ast.Try, getattr(ast, "TryStar", ast.Try))):
            return self.attempt(node, loop, keep)  # type: ignore[arg-type]
        if isinstance(node, ast.Match):
            cases = [self.block(case.body, loop, keep) for case in node.cases]
            new = [ast.match_case(c.pattern, c.guard, low.statements) for c, low in zip(node.cases, cases)]
            made = ast.copy_location(ast.Match(node.subject, new), node)
            return Lowered([made], _merge(*(c.flags for c in cases)), True)
        return Lowered([node], (), True)

    def attempt(self, node: ast.Try, loop: Flags | None, keep: bool) -> Lowered:
        body = self.block(node.body, loop, keep)
        orelse = self.block(node.orelse, loop, keep)
        final = self.block(node.finalbody, loop, keep)
        handlers = [self.block(h.body, loop, keep) for h in node.handlers]
        after = orelse.statements
        if after and body.flags:
            after = [_located(ast.If(_unless(body.flags), after, []), node.orelse[0])]  # type: ignore[list-item]
        new = [
            ast.copy_location(ast.ExceptHandler(h.type, h.name, low.statements), h)
            for h, low in zip(node.handlers, handlers)
        ]
        made = ast.copy_location(type(node)(body.statements, new, after, final.statements), node)
        flags = _merge(body.flags, orelse.flags, final.flags, *(h.flags for h in handlers))
        falls = final.falls and ((body.falls and orelse.falls) or any(h.falls for h in handlers))
        return Lowered([made], flags, falls)

    # -- loops -------------------------------------------------------------------------------------------------------
    def loop(self, node: ast.While | ast.For, outer: Flags | None, keep: bool) -> Lowered:
        if isinstance(node, ast.While) and any(isinstance(part, ast.NamedExpr) for part in ast.walk(node.test)):
            node = _test_inside(node)
        own = Flags(self.fresh("break_"), self.fresh("continue_"))
        body = self.block(node.body, own, keep)
        first: list[ast.stmt] = []
        stops = tuple(f for f in body.flags if f != own.skipped)
        statements = body.statements
        if own.skipped in body.flags:
            statements = [assign(own.skipped, ast.Constant(False), node), *statements]
        if own.broken in body.flags:
            first.append(assign(own.broken, ast.Constant(False), node))
        made: ast.stmt
        if isinstance(node, ast.While):
            test = node.test
            forever = isinstance(test, ast.Constant) and bool(test.value)
            if stops:
                test = _unless(stops) if forever else ast.BoolOp(ast.And(), [_unless(stops), test])
            made = ast.While(_located(test, node.test), statements, [])  # type: ignore[arg-type]
        else:
            forever = False
            made = ast.For(node.target, node.iter, statements, [], node.type_comment)
            if stops:
                made.extra_test = _located(_unless(stops), node)  # type: ignore[attr-defined]
        ast.copy_location(made, node)
        outward = tuple(f for f in stops if f != own.broken)
        out = [*first, made]
        orelse = self.block(node.orelse, outer, keep) if node.orelse else Lowered([], (), True)
        if node.orelse:
            after = orelse.statements
            if stops:
                after = [_located(ast.If(_unless(stops), after, []), node.orelse[0])]  # type: ignore[list-item]
            out += after
        ends = not forever or own.broken in body.flags
        falls = ends and (orelse.falls or own.broken in body.flags)
        return Lowered(out, _merge(outward, orelse.flags), falls)


def _test_inside(node: ast.While) -> ast.While:
    """`while (x := f()): ...`, whose test sets variables, with the test as the first statement of the body."""
    leave = ast.If(ast.UnaryOp(ast.Not(), node.test), [*node.orelse, ast.Break()], [])
    made = ast.While(ast.Constant(True), [leave, *node.body], [])
    return locate(ast.copy_location(made, node), node.test)


_FALLS_OFF = ("the end of the function",)


def _ends_in_jump(statements: list[ast.stmt]) -> bool:
    """Do all ways through these statements end in a break, continue or return (not: in a raise alone)?"""
    for node in statements:
        if isinstance(node, (ast.Return, ast.Break, ast.Continue)):
            return True
        if isinstance(node, ast.If) and _ends_in_jump(node.body) and _ends_in_jump(node.orelse):
            return True
        if isinstance(node, ast.With) and _ends_in_jump(node.body):
            return True
    return False


def _ag(attribute: str) -> ast.expr:
    return ast.Attribute(ast.Name("ag__", ast.Load()), attribute, ast.Load())
