"""`tensorflow.python.eager.backprop`: gradients of functions, as they were before `GradientTape`."""

import functools
import inspect

from penstock.api.inner.public import public
from penstock.base import nest
from penstock.ir import door


def make_vjp(f, params=None, persistent=True):
    """`f` that gives `(result, vjp)`; `vjp(dy)` is dy times the derivatives by the parameters, a tuple."""

    def decorated(*args, **kwds):
        places = _places(f, params, args, kwds)
        args = _tensors(args, places)
        wanted = [args[i] for i in places]
        tape = public("GradientTape")(persistent=persistent)
        with tape:
            for value in nest.flatten(wanted):
                tape.watch(value)
            result = f(*args, **kwds)
            if result is None:
                raise ValueError(f"Cannot differentiate a function that returns None; did you forget to return a value from {f.__name__}?")
        flat = [door.convert(r) for r in nest.flatten(result)]

        def vjp(dy=None):
            given = None if dy is None else [door.convert(d) for d in nest.flatten(dy)]
            return tape.gradient(flat, wanted, output_gradients=given)

        return result, vjp

    return functools.wraps(f)(decorated)


def val_and_grad_function(f, params=None):
    """`f` that gives `(value, gradients by the parameters)`; `dy=` weighs them."""

    def decorated(*args, **kwds):
        dy = kwds.pop("dy", None)
        if kwds:
            raise ValueError("Functions to be differentiated cannot receive keyword arguments.")
        value, vjp = make_vjp(f, params)(*args)
        return value, vjp(dy=dy)

    return functools.wraps(f)(decorated)


def gradients_function(f, params=None):
    """`f` that gives its gradients by the parameters (names, positions, or all)."""
    both = val_and_grad_function(f, params=params)
    return functools.wraps(f)(lambda *args, **kwds: both(*args, **kwds)[1])


def implicit_val_and_grad(f):
    """`f` that gives `(value, [(gradient, variable), ...])` for the trainable variables it read."""

    def decorated(*args, **kwds):
        with public("GradientTape")() as tape:
            end = f(*args, **kwds)
            if end is None:
                raise ValueError(f"Cannot differentiate a function that returns None; did you forget to return a value from {f.__name__}?")
            variables = tape.watched_variables()
        if not variables:
            raise ValueError("No trainable variables were accessed while the function was being computed.")
        variables = sorted(variables, key=lambda v: v.name)
        return end, list(zip(tape.gradient(end, variables), variables))

    return functools.wraps(f)(decorated)


def implicit_grad(f):
    """`f` that gives `[(gradient, variable), ...]` for the trainable variables it read."""
    both = implicit_val_and_grad(f)
    return functools.wraps(f)(lambda *args, **kwds: both(*args, **kwds)[1])


def _places(f, params, args, kwds):
    """Positions of the arguments to differentiate by."""
    if params is None:
        return list(range(len(args)))
    if all(isinstance(p, str) for p in params):
        names = list(inspect.signature(f).parameters)
        unknown = [p for p in params if p not in names]
        if unknown:
            raise ValueError(f"params must be names of arguments: {unknown}")
        return [names.index(p) for p in params]
    if not all(isinstance(p, int) for p in params):
        raise ValueError(f"params must be all strings or all integers; got {params}.")
    return list(params)


def _tensors(args, places):
    """The arguments, those to differentiate by as tensors."""
    return [
        nest.map_structure(lambda v: v if hasattr(v, "handle") and hasattr(v, "assign") else door.convert(v), a)
        if i in places else a for i, a in enumerate(args)
    ]  # fmt: skip
