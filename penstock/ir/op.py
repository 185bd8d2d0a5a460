"""An Op is everything penstock knows about one kind of node, in one object."""

import collections
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

from penstock.base.export import PUBLIC
from penstock.ir import door, signature
from penstock.ir.signature import REQUIRED

REGISTRY: dict[str, "Op"] = {}


class Op:
    """One kind of node.

    `body(xp, *inputs, **attrs)` computes it: `xp` is `numpy` for known values and small eager tensors, `jax.numpy` under a
    trace.  It is handed those attrs that its own parameters name.
    """

    def __init__(
        self, text: str, body: Callable[..., Any], *, where: str = "any", effect: str | None = None,
        static: tuple[str, ...] = (), keeps: tuple[str, ...] | None = None, public: bool = True, hints: bool = False, moves: bool = False,
        called: dict[str, str] | None = None, needs_store: bool = False,
    ):  # fmt: skip
        sig = signature.parse(text)
        self.sig, self.name, self.body = sig, sig.name, body
        self.where = where  # any | xla | host | control
        self.effect = effect  # read | write | random | io | handle
        self.static = frozenset(static)
        self.keeps = keeps
        self.moves = moves  # it only moves elements about: NumPy does that as fast as a compiled kernel, at any size
        self.hints = hints  # under a trace the body also takes `hints`: what is known of the value of each flat input
        self.needs_store = needs_store  # a host op whose body also takes the store of the session, before its inputs
        self.public = public
        self.called = called or {}  # what `tf.raw_ops` calls a parameter, where that is not the signature's name
        self.shape_rule: Callable[..., Any] | None = None
        self.grad_rule: Callable[..., Any] | None = None
        self.check_rule: Callable[..., Any] | None = None
        self.dims_rule: Callable[..., Any] | None = None
        self.differentiable = True
        self.__doc__ = body.__doc__
        self.__name__ = self.__qualname__ = sig.name
        parameters = inspect.signature(body).parameters
        self.takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.takes = tuple(sig.attrs) if self.takes_all else tuple(a for a in sig.attrs if a in parameters)
        self.n_in = len(sig.inputs)
        self.lists = any(a.many for a in sig.inputs)
        self.list_outputs = any(a.many for a in sig.outputs)
        self.reference = next((a.name for a in (*sig.outputs, *sig.inputs) if a.is_ref), None)
        self.functions = tuple(n for n, a in sig.attrs.items() if "func" in a.type)
        self.plain = not self.lists and not self.list_outputs and len(sig.outputs) == 1
        self.free_attrs = {n: a.default for n, a in sig.attrs.items() if n not in sig.inferred}
        self.types = {n for n, a in sig.attrs.items() if a.type in ("type", "list(type)")}
        self.static_at = frozenset(i for i, a in enumerate(sig.inputs) if a.name in self.static)
        self.tuple_type = collections.namedtuple(sig.name, [a.name for a in sig.outputs]) if len(sig.outputs) > 1 else None
        self.kernels: dict[Any, Any] = {}  # the eager runner's cache
        REGISTRY[sig.name] = self

    def shape(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """The shape rule: (spec of each input, **attrs) -> the output's dims, or a tuple of them for several outputs."""
        self.shape_rule = self._selective(rule)
        return rule

    def grad(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """The gradient rule: (node, dy of each output) -> dx of each input (None: no gradient), built from ops."""
        self.grad_rule = rule
        return rule

    def check(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """(xp, *inputs, **attrs) -> (True where wrong, message); the body itself must not fail on such input."""
        self.check_rule = self._selective(rule)
        return rule

    def dims(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """(spec of each input, **attrs) -> the value of an integer output as far as it is known: a tuple of int | None."""
        self.dims_rule = self._selective(rule)
        return rule

    def _selective(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """The rule, called with all attrs, handed those that its own parameters name."""
        parameters = inspect.signature(rule).parameters
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return rule
        names = tuple(a for a in self.sig.attrs if a in parameters)
        return lambda *inputs, **attrs: rule(*inputs, **{k: attrs[k] for k in names})

    def no_grad(self) -> "Op":
        """Say that no gradient flows through this op: asking for one gives None, not an error."""
        self.differentiable = False
        return self

    def __call__(self, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
        return door.emit(self, inputs, attrs, name)

    def raw(self, **arguments: Any) -> Any:
        """Call by keyword, as `tf.raw_ops` does."""
        name = arguments.pop("name", None)
        if self.reference is not None and not door.current().is_graph:
            raise RuntimeError(f"{snake_case(self.name)} op does not support eager execution. Arg {self.reference!r} is a ref.")
        for own, public in self.called.items():
            if public in arguments:
                arguments[own] = arguments.pop(public)
        inputs = []
        for arg in self.sig.inputs:
            if arg.name not in arguments:
                raise TypeError(f"{self.name}() missing required keyword-only argument: {self.called.get(arg.name, arg.name)!r}")
            inputs.append(arguments.pop(arg.name))
        unknown = [a for a in arguments if a not in self.sig.attrs]
        if unknown:
            raise TypeError(f"{self.name}() got an unexpected keyword argument {unknown[0]!r}; it is {self.sig.text}")
        for key in self.functions:
            for one in arguments[key] if isinstance(arguments.get(key), (list, tuple)) else [arguments.get(key)]:
                if isinstance(one, (str, bytes)):
                    raise ValueError(f"{self.name}: {key} must be a function, not the name {one!r}; make one with tf.function and get_concrete_function")
        missing = [n for n, d in self.free_attrs.items() if d is REQUIRED and n not in arguments]
        if missing:
            raise TypeError(f"{self.name}() missing required keyword-only argument: {missing[0]!r}")
        return self(*inputs, name=name, **{k: v for k, v in arguments.items() if k not in self.sig.inferred or v is not None})

    def __repr__(self) -> str:
        return f"<op {self.sig.text}>"


def snake_case(name: str) -> str:
    """`fifo_queue_v2` for `FIFOQueueV2`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def op(text: str, *, shape: Callable[..., Any] | None = None, grad: Callable[..., Any] | None = None, **fields: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op on the function that computes it.

    Fields: where="host"|"xla", effect="read"|"write"|"random"|"io"|"handle", static=("shape",), public=False for ops that
    TensorFlow does not have.
    """

    def declare(body: Callable[..., Any]) -> Op:
        made = Op(text, body, **fields)
        made.grad_rule = grad
        if shape is not None:
            made.shape(shape)
        if made.public:
            PUBLIC[f"raw_ops.{made.name}"] = f"{body.__module__}:{body.__qualname__}" if body.__name__ != "<lambda>" else f"{body.__module__}:{made.name}"
        return made

    return declare


def also(text: str, source: Op, module: str, **changes: Any) -> Op:
    """Declare `source` once more under another signature, as the global of `module` that has the op's name; `changes` are fields of `@op`."""
    fields = {f: getattr(source, f) for f in ("where", "effect", "static", "keeps", "public", "hints", "moves", "needs_store")}
    made = Op(text, changes.pop("body", source.body), **{**fields, **changes})
    made.shape_rule, made.grad_rule, made.check_rule, made.dims_rule = source.shape_rule, source.grad_rule, source.check_rule, source.dims_rule
    made.differentiable = source.differentiable
    PUBLIC[f"raw_ops.{made.name}"] = f"{module}:{made.name}"
    setattr(sys.modules[module], made.name, made)
    return made


def find(name: str) -> Op:
    """The registered op of this name, loading the file it stands in; KeyError when there is none."""
    found = REGISTRY.get(name)
    if found is None and door.load_op is not None:
        door.load_op(name)
        found = REGISTRY.get(name)
    if found is None:
        raise KeyError(name)
    return found
