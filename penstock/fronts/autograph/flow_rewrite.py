"""`if`, `while` and `for` become calls of operators that take the blocks as functions.

if x > 0:           def ag__body(): nonlocal y; y = 1
    y = 1           def ag__else(): nonlocal y; y = 2
else:               def ag__get(): return (y,)
    y = 2           def ag__set(ag__values): nonlocal y; y, = ag__values
                    ag__.if_stmt(x > 0, ag__body, ag__else, ag__get, ag__set, ('y',), 1)
"""

import ast
from collections.abc import Iterable

from penstock.fronts.autograph.growing import appended_names
from penstock.fronts.autograph.symbols import Place, Writes, declared, every_statement, targets
from penstock.fronts.autograph.templates import expression, locate, make

LOOP_OPTIONS = ("parallel_iterations", "swap_memory", "maximum_iterations", "shape_invariants")


def has_flow(statements: list[ast.stmt]) -> bool:
    """Is there an if or a loop anywhere in a function?"""
    return any(isinstance(s, (ast.If, ast.While, ast.For)) for s in every_statement(statements))


class Frame:
    """The function (the user's or a made-up one) whose statements are being written."""

    def __init__(self, shared: Iterable[str], assigned: Iterable[str]):
        self.shared = frozenset(shared)  # these live in a function around this one
        self.assigned = set(assigned)
        self.needed: dict[str, None] = {}  # these get a first, undefined value


class FlowRewriter:
    """Rewrites one function; `undefined` are the names that may be read before they have a value."""

    def __init__(self, statements: list[ast.stmt], parameters: Iterable[str], name: str):
        self.globals = declared(statements, ast.Global)
        self.nonlocals = declared(statements, ast.Nonlocal)
        self.undefined: set[str] = set()
        self.name = name
        self.count = 0
        self.frame = Frame((), ())
        outside = {*parameters, *self.globals, *self.nonlocals}
        self.statements = self.body(statements, (), outside)

    def body(self, statements: list[ast.stmt], shared: Iterable[str], assigned: Iterable[str] = ()) -> list[ast.stmt]:
        outer, self.frame = self.frame, Frame(shared, assigned)
        try:
            new = self.block(statements)
            first: list[ast.stmt] = []
            for name in self.frame.needed:
                first += make("N = ag__.Undefined(T)", statements[0], N=name, T=ast.Constant(name))
            at = _after_docstring_and_declarations(new)
            return [*new[:at], *first, *new[at:]]
        finally:
            self.frame = outer

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        new: list[ast.stmt] = []
        for node in statements:
            if isinstance(node, ast.If):
                new += self.branch(node)
            elif isinstance(node, ast.While):
                new += self.while_loop(node)
            elif isinstance(node, ast.For):
                new += self.for_loop(node)
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                self.note(node)
                node.body = self.block(node.body)
                new.append(node)
            elif isinstance(node, (ast.Try, ast.Match, getattr(ast, "TryStar", ast.Try))):
                self.apart(node)
                new.append(node)
            else:
                self.note(node)
                new.append(node)
        return new

    def note(self, node: ast.stmt) -> None:
        written = Writes()
        written.header(node)
        self.frame.assigned |= set(written.names)

    def apart(self, node: ast.stmt) -> None:
        """Blocks of which some may not run: nothing is sure to be assigned after them."""
        parts = [node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())]
        for part in parts:
            for field in ("body", "orelse", "finalbody"):
                inner = getattr(part, field, None)
                if isinstance(inner, list) and inner:
                    before = set(self.frame.assigned)
                    setattr(part, field, self.block(inner))
                    self.frame.assigned = before

    # -- what a statement carries ------------------------------------------------------------------------------------
    def state(self, written: Writes, live: frozenset[str]) -> tuple[list[str], list[Place]]:
        names = sorted(n for n in written.names if n in live)
        places = [p for text, p in sorted(written.places.items()) if self.can_carry(p, text, written)]
        for name in names:
            if name not in self.frame.shared and name not in self.frame.assigned:
                self.frame.needed[name] = None
                self.frame.assigned.add(name)
                self.undefined.add(name)
        return names, places

    def can_carry(self, place: Place, text: str, written: Writes) -> bool:
        if any(name in written.names for name in place.names):
            return False
        return not any(text != other and text.startswith((other + ".", other + "[")) for other in written.places)

    def declarations(self, names: Iterable[str], like: ast.AST) -> list[ast.stmt]:
        outer = [n for n in names if n in self.globals]
        inner = [n for n in names if n not in self.globals]
        made: list[ast.stmt] = []
        if outer:
            made.append(locate(ast.Global(outer), like))
        if inner:
            made.append(locate(ast.Nonlocal(inner), like))
        return made

    def accessors(self, names: list[str], places: list[Place], order: list[str], like: ast.stmt) -> list[ast.stmt]:
        """The functions that read and write the state, whose parts stand in `order`."""
        composite = {p.text for p in places}
        values: list[ast.expr] = []
        sets: list[ast.stmt] = []
        for i, name in enumerate(order):
            item, text = f"ag__values[{i}]", ast.Constant(name)
            if name in composite:
                values.append(expression(f"ag__.ldu(lambda: {name}, AG_TEXT)", like, AG_TEXT=text))
                sets += make(
                    f"if ag__.defined({item}): {name} = {item}\n"
                    f"elif ag__.defined(ag__.ldu(lambda: {name}, AG_TEXT)): del {name}",
                    like, AG_TEXT=text,
                )  # fmt: skip
            else:
                values.append(locate(ast.Name(name, ast.Load()), like))
                sets += make(f"{name} = {item}", like)
        made = make(
            "def AG_GET(): return AG_TUPLE\ndef AG_SET(ag__values):\n AG_DECLARE\n AG_SETS",
            like, AG_GET=self.made("get"), AG_SET=self.made("set"), AG_TUPLE=ast.Tuple(values, ast.Load()),
            AG_DECLARE=self.declarations(names, like), AG_SETS=sets or [ast.Pass()],
        )  # fmt: skip
        for function in made:
            function.plain = True  # type: ignore[attr-defined]  # reads of undefined names are meant here
        return made

    def made(self, what: str) -> str:
        return f"ag__{what}_{self.count}"

    def texts(self, order: list[str], like: ast.AST) -> ast.expr:
        return locate(ast.Tuple([ast.Constant(t) for t in order], ast.Load()), like)

    # -- statements --------------------------------------------------------------------------------------------------
    def branch(self, node: ast.If) -> list[ast.stmt]:
        live_out, live_in = node.live_out, node.live_in  # type: ignore[attr-defined]
        tested = Writes()
        tested.expression(node.test)
        self.frame.assigned |= set(tested.names)
        written = Writes().block(node.body).block(node.orelse)
        names, places = self.state(written, live_out | live_in)
        outputs = [n for n in names if n in live_out] + [p.text for p in places]
        order = outputs + [n for n in names if n not in live_out]
        self.count += 1
        number = self.count
        accessors = self.accessors(names, places, order, node)
        holes = {what: f"ag__{what}_{number}" for what in ("body", "else", "get", "set")}
        body = [*self.declarations(names, node), *self.body(node.body, names)]
        orelse = [*self.declarations(names, node), *(self.body(node.orelse, names) if node.orelse else [])]
        made = make(
            "def B():\n BODY\ndef E():\n ORELSE\nag__.if_stmt(TEST, B, E, G, S, NAMES, COUNT)", node,
            B=holes["body"], E=holes["else"], G=holes["get"], S=holes["set"], BODY=body, ORELSE=orelse or [ast.Pass()],
            TEST=node.test, NAMES=self.texts(order, node), COUNT=ast.Constant(len(outputs)),
        )  # fmt: skip
        return _generated([*accessors, *made])

    def loop_state(self, node: ast.While | ast.For) -> tuple[list[str], list[Place], list[str]]:
        written = Writes().block(node.body)
        written.header(node)
        names, places = self.state(written, node.live_out | node.live_in)  # type: ignore[union-attr]
        return names, places, names + [p.text for p in places]

    def while_loop(self, node: ast.While) -> list[ast.stmt]:
        statements, options = _take_options(node.body)
        names, places, order = self.loop_state(node)
        self.count += 1
        number = self.count
        accessors = self.accessors(names, places, order, node)
        holes = {what: f"ag__{what}_{number}" for what in ("body", "test", "get", "set")}
        tested = Writes()
        tested.expression(node.test)
        body = [*self.declarations(names, node), *self.body(statements, names)]
        made = make(
            "def T():\n DECLARE\n return TEST\ndef B():\n BODY\nag__.while_stmt(T, B, G, S, NAMES, OPTIONS)", node,
            T=holes["test"], B=holes["body"], G=holes["get"], S=holes["set"], TEST=node.test, BODY=body,
            DECLARE=self.declarations([n for n in names if n in tested.names], node),
            NAMES=self.texts(order, node), OPTIONS=locate(options, node),
        )  # fmt: skip
        return _generated([*accessors, *made])

    def for_loop(self, node: ast.For) -> list[ast.stmt]:
        statements, options = _take_options(node.body)
        names, places, order = self.loop_state(node)
        self.count += 1
        number = self.count
        accessors = self.accessors(names, places, order, node)
        holes = {what: f"ag__{what}_{number}" for what in ("body", "test", "get", "set", "item")}
        item = ast.Assign([node.target], ast.Name(holes["item"], ast.Load()))
        ast.copy_location(item, node.target)
        body_statements: list[ast.stmt] = [locate(item, node.target), *statements]
        bound = [t.id for t in targets(node.target) if isinstance(t, ast.Name)]
        body = [*self.declarations(names, node), *self.body(body_statements, names, bound)]
        test = getattr(node, "extra_test", None)
        text = "def B(ITEM):\n BODY\nag__.for_stmt(ITER, T, B, G, S, NAMES, OPTIONS)"
        if test is not None:
            text = "def T():\n return TEST\n" + text
        made = make(
            text, node, B=holes["body"], ITEM=holes["item"], BODY=body, ITER=node.iter,
            T=holes["test"] if test is not None else ast.Constant(None), TEST=test, G=holes["get"], S=holes["set"],
            NAMES=self.texts(order, node), OPTIONS=locate(options, node),
        )  # fmt: skip
        for part in made:
            if isinstance(part, ast.FunctionDef) and part.name == holes["body"]:
                part.args.args[0].arg = holes["item"]
        return _generated([*accessors, *made])


def _generated(statements: list[ast.stmt]) -> list[ast.stmt]:
    for node in statements:
        node.generated = True  # type: ignore[attr-defined]
    return statements


def _take_options(statements: list[ast.stmt]) -> tuple[list[ast.stmt], ast.expr]:
    """A loop's statements without `set_loop_options(...)`, and that call's arguments as a dictionary."""
    kept: list[ast.stmt] = []
    keys: list[ast.expr | None] = []
    values: list[ast.expr] = []
    lists = appended_names(statements)
    if lists:
        keys.append(ast.Constant("lists"))
        values.append(ast.Tuple([ast.Constant(name) for name in lists], ast.Load()))
    for node in statements:
        call = node.value if isinstance(node, ast.Expr) else None
        name = call.func if isinstance(call, ast.Call) else None
        called = getattr(name, "attr", None) or getattr(name, "id", None)
        if not isinstance(call, ast.Call) or called != "set_loop_options":
            kept.append(node)
            continue
        for option, value in zip(LOOP_OPTIONS, call.args):
            keys.append(ast.Constant(option))
            values.append(value)
        for keyword in call.keywords:
            keys.append(None if keyword.arg is None else ast.Constant(keyword.arg))
            values.append(keyword.value)
    return kept or [locate(ast.Pass(), statements[0])], ast.Dict(keys, values)


def _after_docstring_and_declarations(statements: list[ast.stmt]) -> int:
    at = 0
    for node in statements:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_text and not isinstance(node, (ast.Global, ast.Nonlocal)):
            break
        at += 1
    return at
