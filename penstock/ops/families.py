"""What families of ops share: a line each for unary and binary ops, broadcasting gradients, precision."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.export import Old, export
from penstock.base.shape import broadcast
from penstock.ir.op import Op, find, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor

_BUILTINS = frozenset("abs all any complex divmod max min pow range round sum".split())


composites: dict[type, Callable[..., Any]] = {}
"""Slot: class -> handler(function, arguments, name), for sparse and ragged tensors in elementwise functions."""


for_composites: dict[str, Callable[..., Any]] = {}
"""Slot: name of a `dispatched` function -> what it does with sparse or ragged arguments (NotImplemented: the ordinary thing)."""


def dispatched(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that hands composite tensors among its arguments to the one registered for them."""
    label = function.__name__

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if composites:
            for a in (*args, *kwargs.values()):
                if type(a) in composites or (type(a) is list or type(a) is tuple) and any(type(x) in composites for x in a):
                    handler = for_composites.get(label)
                    found = NotImplemented if handler is None else handler(*args, **kwargs)
                    if found is not NotImplemented:
                        return found
                    break
        return function(*args, **kwargs)

    return call


def of_elements(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of each element of its first arguments: of RaggedTensors it is taken row by row."""
    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if composites:
            given = dict(zip(names, args))
            given.update(kwargs)
            at = [n for n, v in given.items() if getattr(type(v), "takes_elements", False)]
            if at:
                spread = [*at, *(n for n in names[:2] if n in given and n not in at and isinstance(given[n], Tensor))]
                name = given.pop("name", None)
                rest = {n: v for n, v in given.items() if n not in spread}
                inner = lambda *values, name=None: function(**dict(zip(spread, values)), **rest)
                return composites[type(given[at[0]])](inner, tuple(given[n] for n in spread), name)
        return function(*args, **kwargs)

    return call


def later(name: str) -> Callable[..., Any]:
    """The op of this name, looked up at the first call: for gradients that use ops of a file further up."""
    found: list[Op] = []

    def call(*inputs: Any, **attrs: Any) -> Any:
        if not found:
            found.append(find(name))
        return found[0](*inputs, **attrs)

    call.__name__ = call.__qualname__ = name
    return call


_Shape, _Reshape, _Sum, _Conj = later("Shape"), later("Reshape"), later("Sum"), later("Conj")
_BroadcastGradientArgs = later("BroadcastGradientArgs")


def special(xp: Any) -> Any:
    """The special functions of an array namespace: SciPy's for NumPy, JAX's under a trace."""
    if xp is np:
        import scipy.special

        return scipy.special
    import jax.scipy.special

    return jax.scipy.special


def wide(xp: Any, x: Any) -> Any:
    """Two-byte floats as float32, others as they are: what sums and special functions are computed in."""
    dtype = x.dtype
    return x.astype(xp.float32) if dtype.itemsize == 2 and dtype.kind not in "iu" else x


def conj(x: Any) -> Any:
    """The complex conjugate; real tensors as they are."""
    return _Conj(x) if x.dtype.is_complex else x


def same_shape(x: Any, **_: Any) -> Any:
    """The shape rule of unary ops."""
    return x.shape


def broadcast_shape(x: Any, y: Any, **_: Any) -> Any:
    """The shape rule of binary ops."""
    return broadcast(x.shape, y.shape)


def publish(call: Any, doc: str | None, module: str, names: tuple[str, ...], **where: Any) -> Any:
    """Give a function made by a factory its name, its place in `module` and its public names."""
    name = (*names, *where.get("v2", ()), *where.get("v1", ()))[0].rpartition(".")[2]
    call.__name__ = name
    call.__qualname__ = f"{name}_" if name in _BUILTINS else name
    call.__module__, call.__doc__ = module, doc
    setattr(sys.modules[module], call.__qualname__, call)
    return export(*names, **where)(call)


def _halves_in_float32(body: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's own functions of float16 are off by a bit on some processors: TensorFlow rounds what float32 gives."""

    @functools.wraps(body)
    def computed(xp: Any, x: Any, **attrs: Any) -> Any:
        if xp is not np or x.dtype != np.float16:
            return body(xp, x, **attrs)
        made = body(xp, x.astype(np.float32), **attrs)
        return made.astype(np.float16) if getattr(made, "dtype", None) == np.float32 else made

    return computed


def unary(
    text: str,
    body: Callable[..., Any],
    *names: str,
    grad: Callable[..., Any] | None = None,
    doc: str,
    scope: str | None = None,
    label: str | None = None,
    v1: tuple[str, ...] = (),
    v2: tuple[str, ...] = (),
    **fields: Any,
) -> Op:
    """An op of one input that keeps its shape, its gradient `grad(dy, x, y)` and its public function `f(x, name=None)`.

    `scope`: the function opens a name scope; `label`: the node's default name, when it is not the op's.
    """
    body.__doc__ = doc
    made = op(text, shape=same_shape, **fields)(_halves_in_float32(body))
    if grad is not None:
        made.grad_rule = lambda node, dy: grad(dy, node.inputs[0], node.outputs[0])
    if names or v1 or v2:
        if scope:

            def call(x: Any, name: str | None = None) -> Any:
                if type(x) in composites:
                    return composites[type(x)](call, (x,), name)
                with scoped(name, scope):
                    return made(x)
        else:

            def call(x: Any, name: str | None = None) -> Any:
                if type(x) in composites:
                    return composites[type(x)](call, (x,), name)
                return made(x, name=name or label)

        publish(call, doc, body.__module__, names, v1=v1, v2=v2)
    return made


def binary(
    text: str,
    body: Callable[..., Any],
    *names: str,
    grad: Callable[..., Any] | None = None,
    doc: str,
    scope: str | None = None,
    label: str | None = None,
    v1: tuple[str, ...] = (),
    v2: tuple[str, ...] = (),
    shape: Any = broadcast_shape,
    **fields: Any,
) -> Op:
    """A broadcasting op of two inputs; `grad(dz, x, y, z)` gives both gradients before they are summed to the inputs' shapes."""
    body.__doc__ = doc
    made = op(text, shape=shape, **fields)(body)
    if grad is not None:

        def rule(node: Any, dz: Any) -> Any:
            x, y = node.inputs
            dx, dy = grad(dz, x, y, node.outputs[0])
            return unbroadcast(dx, x, y), unbroadcast(dy, y, x)

        made.grad_rule = rule
    if names or v1 or v2:
        if scope:

            def call(x: Any, y: Any, name: str | None = None) -> Any:
                if composites and (type(x) in composites or type(y) in composites):
                    return composites[type(x) if type(x) in composites else type(y)](call, (x, y), name)
                with scoped(name, scope):
                    return made(x, y)
        else:

            def call(x: Any, y: Any, name: str | None = None) -> Any:
                if composites and (type(x) in composites or type(y) in composites):
                    return composites[type(x) if type(x) in composites else type(y)](call, (x, y), name)
                return made(x, y, name=name or label)

        publish(call, doc, body.__module__, names, v1=v1, v2=v2)
    return made


def unbroadcast(dy: Any, x: Any, other: Any) -> Any:
    """`dy`, of the shape that x and other broadcast to, summed to the shape of x."""
    if dy is None:
        return None
    a, b = x._dims, other._dims
    if a is not None and (a == b and None not in a):
        return dy
    if a is not None and b is not None:
        lead = max(0, len(b) - len(a))
        padded = (1,) * (len(a) - len(b)) + tuple(b)
        undecided = any(d is None and padded[lead + i] != 1 for i, d in enumerate(a))
        if not undecided:
            if lead:
                dy = _Sum(dy, list(range(lead)))
            inner = [i for i, d in enumerate(a) if d == 1 and padded[lead + i] != 1]
            return _Sum(dy, inner, keep_dims=True) if inner else dy
    shape = _Shape(x)
    axes, _ = _BroadcastGradientArgs(shape, _Shape(other))
    return _Reshape(_Sum(dy, axes), shape)


def old_axis(
    parameters: str = "input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None",
) -> Old:
    """The 1.x parameters of a reduction."""
    return Old(parameters, reduction_indices="axis", keep_dims="keepdims")
