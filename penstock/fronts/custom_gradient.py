"""`tf.custom_gradient`, `tf.recompute_grad`, `tf.grad_pass_through`: functions that bring their own gradients."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.fronts.tape import GradientTape, variable_accessed
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor


class _Accesses:
    """A watcher that notes which variables are read."""

    def __init__(self) -> None:
        self.variables: dict[int, Any] = {}

    def __call__(self, *_: Any) -> None:
        return None

    def variable(self, variable: Any) -> None:
        if variable.trainable:
            self.variables[id(variable)] = variable


@export("custom_gradient")
def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate `f`, which returns `(result, grad_fn)`; `grad_fn(*upstream)` gives the gradients of its arguments.

    When `f` reads variables, `grad_fn` takes `variables=` too and returns `(argument gradients, variable gradients)`.

    >>> @tf.custom_gradient
    ... def clip(x): return x, lambda dy: tf.clip_by_value(dy, -1., 1.)
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        return _call(f, args, kwargs)

    return decorated


def _call(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    here = door.current()
    flat_args = nest.flatten(args, expand_composites=True)
    variables_given = [a for a in flat_args if hasattr(a, "handle") and not isinstance(a, Tensor)]
    tensors = [a if a is None else door.convert(a) for a in flat_args]
    with scoped(None, "CustomGradient"):
        op = find("IdentityN") if here.is_graph else None
        accesses = _Accesses()
        with door.watching(None), door.watching(accesses):
            result, grad_fn = f(*nest.pack_sequence_as(args, tensors, expand_composites=True), **kwargs)
        variables = [v for v in accesses.variables.values() if not any(v is g for g in variables_given)]
        if variables and not _takes_variables(grad_fn):
            raise TypeError(
                "If using @custom_gradient with a function that uses variables, then grad_fn must accept a 'variables' keyword argument."
            )
        flat_result = [door.convert(r) for r in nest.flatten(result, expand_composites=True)]
        for v in variables:
            variable_accessed(v)
        if here.is_graph:  # the values go through the node, so that their gradients reach the reads and then the variables
            handles = [v.value() if hasattr(v, "handle") else v._ref_tensor for v in variables]
        else:
            handles = [v.handle if hasattr(v, "handle") else v._ref_tensor for v in variables]
        inputs = [t for t in tensors if t is not None] + handles

        def backward(*dys: Any) -> Any:
            upstream = list(dys[: len(flat_result)])
            if variables:
                grads, variable_grads = grad_fn(*upstream, variables=variables)
                variable_grads = nest.flatten(variable_grads)
                if len(variable_grads) != len(variables):
                    raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
            else:
                grads, variable_grads = grad_fn(*upstream), []
            grads = nest.flatten(grads)
            if len(grads) != len(flat_args):
                raise ValueError(f"custom_gradient function expected to return {len(flat_args)} gradients, but returned {len(grads)} instead.")
            return [g for g, t in zip(grads, tensors) if t is not None] + list(variable_grads)

        if here.is_graph:
            together = op([*flat_result, *inputs])
            node = together[0].op

            def own(*dys: Any) -> Any:
                found = backward(*dys)
                return [None] * len(flat_result) + found

            node._gradient_function = own
            outputs = together[: len(flat_result)]
        else:
            with door.watching(None):
                outputs = [find("Identity")(r) for r in flat_result]
            for w in door.state.watchers:
                record = getattr(w, "record", None)
                if record is not None:
                    record(find("IdentityN"), inputs, {}, outputs, backward)
    return nest.pack_sequence_as(result, outputs, expand_composites=True)


def _takes_variables(grad_fn: Any) -> bool:
    try:
        parameters = inspect.signature(grad_fn).parameters
    except (TypeError, ValueError):
        return True
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


@export("recompute_grad")
def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function like `f` that keeps nothing for its backward pass and computes `f` again there."""

    @functools.wraps(f)
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        def inside(*inner: Any) -> Any:
            result = f(*inner, **kwargs)

            def grad(*dresult: Any, variables: Any = None) -> Any:
                again = [a if a is None or not isinstance(a, Tensor) else find("Identity")(a) for a in nest.flatten(inner, expand_composites=True)]
                with GradientTape() as tape:
                    tape.watch([a for a in again if isinstance(a, Tensor)])
                    for v in variables or ():
                        tape.watch(v)
                    out = f(*nest.pack_sequence_as(inner, again, expand_composites=True), **kwargs)
                sources = [a for a in again if isinstance(a, Tensor)]
                grads = tape.gradient(out, [*sources, *(variables or ())], output_gradients=list(dresult) if nest.is_nested(out) else dresult[0])
                given = iter(grads[: len(sources)])
                mine = [next(given) if isinstance(a, Tensor) else None for a in again]
                return (mine, grads[len(sources) :]) if variables is not None else mine

            return result, grad

        return _call(inside, args, {})

    return recomputed


@export("grad_pass_through")
def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` with the gradient of the identity: what comes from above goes on to the arguments as it is."""

    @custom_gradient
    def inner(*args: Any, **kwargs: Any) -> Any:
        def grad(*dys: Any, **grad_kwargs: Any) -> Any:
            variables = grad_kwargs.get("variables")
            return (dys, [None] * len(variables)) if variables is not None else dys

        return f(*args, **kwargs), grad

    return functools.wraps(f)(inner)
