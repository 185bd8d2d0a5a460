"""From a Python function to the function whose control flow also works on tensors.

    source -> prepare -> jumps -> liveness -> flow_rewrite -> expression_rewrite -> a code object

The new code object names the user's file and lines, shares globals and closure cells with the function it came from,
and gets the operators through one more cell, `ag__`.  Code objects are kept by the code they came from.
"""

import ast
import threading
import types
import weakref
from typing import Any

from penstock.fronts.autograph import source
from penstock.fronts.autograph.context import ConversionOptions, Feature, say
from penstock.fronts.autograph.expression_rewrite import ExpressionRewriter
from penstock.fronts.autograph.flow_rewrite import FlowRewriter, has_flow
from penstock.fronts.autograph.growing import AppendRewriter
from penstock.fronts.autograph.jumps import Jumps
from penstock.fronts.autograph.liveness import Liveness
from penstock.fronts.autograph.prepare import deleted_names, drop_decorators, prepare
from penstock.fronts.autograph.symbols import all_identifiers, is_generator, parameters

FUTURES = 0x20000 | 0x40000 | 0x80000 | 0x100000 | 0x200000 | 0x400000 | 0x800000 | 0x1000000
"""The flags of `from __future__` imports in a code object."""


class Unsupported(ValueError):
    """Why a function cannot be converted."""


class Converter:
    """Rewrites the tree of one function and of the functions inside of it."""

    def __init__(self, options: ConversionOptions):
        self.equality = options.uses(Feature.EQUALITY_OPERATORS)

    def function(self, node: Any, outer_undefined: set[str]) -> Any:
        if isinstance(node, ast.Lambda):
            rewriter = ExpressionRewriter(outer_undefined - set(parameters(node.args)), self.function, self.equality)
            node.body = rewriter.visit(node.body)
            return node
        names = parameters(node.args)
        AppendRewriter(node).generic_visit(node)
        undefined = deleted_names(node.body)
        jumps = Jumps(all_identifiers(node) | {"ag__"})
        statements = jumps.function(node.body, node)
        if has_flow(statements):
            Liveness(statements, names)
            flow = FlowRewriter(statements, names, node.name)
            statements, undefined = flow.statements, undefined | flow.undefined
        shadowed = outer_undefined & set(names)
        rewriter = ExpressionRewriter((outer_undefined - shadowed) | undefined, self.function, self.equality)
        node.body = [made for s in statements for made in _as_list(rewriter.visit(s))]
        return node


def _as_list(made: Any) -> list[Any]:
    return made if isinstance(made, list) else [made]


def _class_name(function: types.FunctionType) -> str | None:
    """The class in whose body a function was defined."""
    parts = function.__qualname__.split(".")
    return parts[-2] if len(parts) > 1 and parts[-2] != "<locals>" else None


def converted_tree(function: types.FunctionType, options: ConversionOptions) -> Any:
    """The rewritten tree of a function; Unsupported or NoSource where there is none."""
    node = source.function_node(function)
    if isinstance(node, ast.AsyncFunctionDef):
        raise Unsupported("coroutines are not supported")
    if is_generator(node):
        raise Unsupported("generators are not supported")
    name = getattr(node, "name", None)
    node = prepare(drop_decorators(node), _class_name(function))
    if name is not None:
        node.name = name  # as the code object has it
    return Converter(options).function(node, set())


class Converted:
    """What is kept of a conversion: the code object and the tree it was made from."""

    __slots__ = ("code", "tree", "origin")

    def __init__(self, code: types.CodeType, tree: Any, origin: types.CodeType):
        self.code, self.tree, self.origin = code, tree, origin


_lock = threading.RLock()
_by_code: dict[Any, Converted | Exception] = {}
_LIMIT = 8192


def converted_code(function: types.FunctionType, options: ConversionOptions) -> Converted:
    """The converted code of a function, made once for each code object and options."""
    key = (id(function.__code__), options.key())
    with _lock:
        found = _by_code.get(key)
        if isinstance(found, Converted) and found.origin is function.__code__:
            return found
        if isinstance(found, tuple) and found[0] is function.__code__:
            raise found[1]
        if len(_by_code) >= _LIMIT:
            _by_code.clear()
        try:
            made = _convert(function, options)
        except (Unsupported, source.NoSource) as error:
            _by_code[key] = (function.__code__, error)  # type: ignore[assignment]
            raise
        _by_code[key] = made
        return made


def _convert(function: types.FunctionType, options: ConversionOptions) -> Converted:
    code = function.__code__
    say(3, "Converting %s", function)
    tree = converted_tree(function, options)
    free = [n for n in code.co_freevars if n != "ag__"]
    inner_name, name = "<lambda>", getattr(tree, "name", None)
    if name is not None:
        inner_name = tree.name = "ag__function"  # not its own name, which means the outer one inside of it
    (factory,) = ast.parse(f"def ag__factory({', '.join([*free, 'ag__'])}): pass").body
    assert isinstance(factory, ast.FunctionDef)
    factory.body = [tree if name is not None else ast.Return(tree)]
    module = ast.fix_missing_locations(ast.Module([factory], []))
    compiled = compile(module, code.co_filename, "exec", code.co_flags & FUTURES, dont_inherit=True)
    inner = _code_inside(_code_inside(compiled, "ag__factory"), inner_name)
    if name is not None:
        tree.name = name
    say(10, "Converted code of %s:\n%s", function, ast.unparse(tree))
    return Converted(_named(inner, code.co_name, code.co_qualname), tree, code)


def _code_inside(code: types.CodeType, name: str) -> types.CodeType:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType) and constant.co_name == name:
            return constant
    raise Unsupported(f"no code object named {name!r}")


def _named(code: types.CodeType, name: str, qualname: str) -> types.CodeType:
    """Made-up functions bear the name of the function they are part of, which is what tracebacks show."""
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            own = constant.co_name
            if own.startswith("ag__") or (own == "<lambda>" and name != "<lambda>" and not _is_users(constant)):
                constant = _named(constant, name, qualname)
            else:
                constant = _named(constant, own, f"{qualname}.<locals>.{own}")
        constants.append(constant)
    return code.replace(co_consts=tuple(constants), co_name=name, co_qualname=qualname)


def _is_users(code: types.CodeType) -> bool:
    return bool(code.co_argcount or code.co_kwonlyargcount)


# -- functions -------------------------------------------------------------------------------------------------------
_functions: "weakref.WeakKeyDictionary[Any, dict[Any, Any]]" = weakref.WeakKeyDictionary()


def convert_function(function: types.FunctionType, runtime: Any) -> types.FunctionType:
    """The converted function: the same globals, closure and defaults; kept as long as the original."""
    options = runtime.options
    per_options = _functions.get(function)
    if per_options is not None:
        found = per_options.get(options.key())
        if found is not None and found[0] is function.__code__:
            return found[1]
    converted = converted_code(function, options)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    cells["ag__"] = types.CellType(runtime)
    closure = tuple(cells[n] for n in converted.code.co_freevars)
    made = types.FunctionType(converted.code, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__dict__.update(function.__dict__)
    made.__doc__, made.__module__, made.__qualname__ = function.__doc__, function.__module__, function.__qualname__
    made.__annotations__ = function.__annotations__
    artifact(made)
    _functions.setdefault(function, {})[options.key()] = (function.__code__, made)
    return made


def artifact(function: Any) -> Any:
    """Mark a function as converted already."""
    function.autograph_info__ = function.__code__
    return function


def is_artifact(function: Any) -> bool:
    """Was this very function made by a conversion (a wrapper that copied its attributes was not)?"""
    mark = getattr(function, "autograph_info__", None)
    return mark is not None and mark is getattr(function, "__code__", None)


def code_text(function: types.FunctionType, options: ConversionOptions) -> str:
    """The converted function as Python text."""
    tree = converted_code(function, options).tree
    if isinstance(tree, ast.Lambda):
        return f"tf__lam = {ast.unparse(tree)}\n"
    name, tree.name = tree.name, f"tf__{tree.name}"
    try:
        return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    finally:
        tree.name = name
