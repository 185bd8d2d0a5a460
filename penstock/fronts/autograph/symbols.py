"""Which variables a piece of Python reads, writes and captures: the facts that the rewrites of control flow go by."""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Place(NamedTuple):
    """A composite variable such as `self.x` or `d["key"]`: its text, its expression and the plain names in it."""

    text: str
    node: ast.expr
    root: str
    names: frozenset[str]


def place(node: ast.expr) -> Place | None:
    """The composite variable that a target is, None for one that cannot be followed (`f(x)[0]`, `a[1:]`)."""
    if not isinstance(node, (ast.Attribute, ast.Subscript)):
        return None
    names: set[str] = set()
    at: ast.expr = node
    while not isinstance(at, ast.Name):
        if isinstance(at, ast.Attribute):
            at = at.value
        elif isinstance(at, ast.Subscript):
            index = at.slice.operand if isinstance(at.slice, ast.UnaryOp) else at.slice
            if isinstance(index, ast.Name):
                names.add(index.id)
            elif not isinstance(index, ast.Constant):
                return None
            at = at.value
        else:
            return None
    return Place(ast.unparse(node), node, at.id, frozenset(names | {at.id}))


def targets(node: ast.expr) -> Iterator[ast.expr]:
    """The single targets of a possibly nested assignment target."""
    if isinstance(node, (ast.Tuple, ast.List)):
        for part in node.elts:
            yield from targets(part)
    elif isinstance(node, ast.Starred):
        yield from targets(node.value)
    else:
        yield node


class Writes:
    """Names and composite variables that a list of statements (or one of their headers) writes."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.places: dict[str, Place] = {}

    def target(self, node: ast.expr) -> None:
        for one in targets(node):
            if isinstance(one, ast.Name):
                self.names[one.id] = None
            else:
                found = place(one)
                if found:
                    self.places[found.text] = found

    def expression(self, node: ast.AST | None) -> None:
        """Assignment expressions inside an expression; those in comprehensions belong to the function as well."""
        if node is None or isinstance(node, SCOPES):
            return
        if isinstance(node, ast.NamedExpr):
            self.names[node.target.id] = None
        for child in ast.iter_child_nodes(node):
            self.expression(child)

    def header(self, node: ast.stmt) -> None:
        """What the statement writes itself, without the statements inside of it."""
        if isinstance(node, ast.Assign):
            for t in node.targets:
                self.target(t)
        elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
            self.target(node.target)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self.target(node.target)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    self.target(item.optional_vars)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self.names[node.name] = None
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                self.names[alias.asname or alias.name.partition(".")[0]] = None
        elif isinstance(node, ast.Delete):
            for t in node.targets:
                self.target(t)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                for part in ast.walk(case.pattern):
                    name = getattr(part, "name", None) or getattr(part, "rest", None)
                    if name:
                        self.names[name] = None
        elif isinstance(node, ast.Try):
            for handler in node.handlers:
                if handler.name:
                    self.names[handler.name] = None
        for value in header_expressions(node):
            self.expression(value)

    def block(self, statements: Iterable[ast.stmt]) -> "Writes":
        for node in statements:
            self.header(node)
            for inner in blocks(node):
                self.block(inner)
        return self


def header_expressions(node: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement, without the statements inside of it."""
    if isinstance(node, FUNCTIONS):
        yield from node.decorator_list
        yield from node.args.defaults
        yield from (d for d in node.args.kw_defaults if d is not None)
        return
    if isinstance(node, ast.ClassDef):
        yield from node.decorator_list
        yield from node.bases
        yield from (k.value for k in node.keywords)
        return
    if isinstance(node, ast.Match):
        yield node.subject
        yield from (case.guard for case in node.cases if case.guard is not None)
        return
    if isinstance(node, ast.Try):
        yield from (handler.type for handler in node.handlers if handler.type is not None)
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr
            if child.optional_vars is not None:
                yield child.optional_vars
        elif isinstance(child, ast.keyword):
            yield child.value


def blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists directly inside a statement, without those of functions and classes."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return
    for field in ("body", "orelse", "finalbody"):
        inner = getattr(node, field, None)
        if isinstance(inner, list) and inner:
            yield inner
    for handler in getattr(node, "handlers", ()):
        yield handler.body
    for case in getattr(node, "cases", ()):
        yield case.body


def reads(node: ast.AST | None) -> set[str]:
    """Names that an expression may read, those inside lambdas and comprehensions included unless bound there."""
    if node is None:
        return set()
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, (*SCOPES, *COMPREHENSIONS)):
        return free_names(node)
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        found |= reads(child)
    return found


def header_reads(node: ast.stmt) -> set[str]:
    """Names that a statement reads itself: its expressions and, for a nested function or class, what it captures."""
    found: set[str] = set()
    for value in header_expressions(node):
        found |= reads(value)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        found.add(node.target.id)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        found |= free_names(node)
    return found


def parameters(args: ast.arguments) -> list[str]:
    """All parameter names of a function in order."""
    plain = [a.arg for a in (*args.posonlyargs, *args.args)]
    extra = [a.arg for a in (args.vararg, *args.kwonlyargs, args.kwarg) if a is not None]
    return plain + extra


def declared(statements: Iterable[ast.stmt], kind: type) -> set[str]:
    """Names declared `global` or `nonlocal` anywhere in a function's statements."""
    found: set[str] = set()
    for node in statements:
        if isinstance(node, kind):
            found |= set(node.names)
        for inner in blocks(node):
            found |= declared(inner, kind)
    return found


def free_names(node: ast.AST) -> set[str]:
    """Names that a function, class, lambda or comprehension takes from around it (globals included)."""
    if isinstance(node, ast.Lambda):
        defaults = set().union(*(reads(d) for d in (*node.args.defaults, *node.args.kw_defaults)), set())
        return defaults | (reads(node.body) - set(parameters(node.args)))
    if isinstance(node, COMPREHENSIONS):
        bound: set[str] = set()
        found: set[str] = set()
        for generator in node.generators:
            found |= reads(generator.iter) - bound
            bound |= {t.id for t in targets(generator.target) if isinstance(t, ast.Name)}
            for test in generator.ifs:
                found |= reads(test) - bound
        parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        for part in parts:
            found |= reads(part) - bound
        return found
    assert isinstance(node, (*FUNCTIONS, ast.ClassDef))
    inner: set[str] = set()
    for statement in every_statement(node.body):
        inner |= header_reads(statement)
    own = set(Writes().block(node.body).names)
    if isinstance(node, FUNCTIONS):
        own |= set(parameters(node.args))
        outer = declared(node.body, ast.Nonlocal)
        return (inner - own) | outer
    return inner - own


def every_statement(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a list and of the blocks in them, functions and classes not entered."""
    for node in statements:
        yield node
        for inner in blocks(node):
            yield from every_statement(inner)


def all_identifiers(node: ast.AST) -> set[str]:
    """Every name that occurs anywhere in a tree, so that a made-up one can avoid them."""
    found: set[str] = set()
    for part in ast.walk(node):
        for field in ("id", "arg", "name", "attr"):
            value = getattr(part, field, None)
            if isinstance(value, str):
                found.add(value)
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            found |= set(part.names)
    return found


def is_generator(node: ast.AST) -> bool:
    """Does a function yield (not counting the functions inside of it)?"""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Yield, ast.YieldFrom, ast.Await)):
            return True
        if not isinstance(child, SCOPES) and is_generator(child):
            return True
    return False
