"""`functional_ops`: If, While, For and Gradient over functions, and the `Defun` of 1.x that makes such functions."""

import functools

from penstock.api.inner.public import public
from penstock.base import nest
from penstock.ir import door
from penstock.ir.scope import scoped


def _listed(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [] if outputs is None else [outputs]


def _truth(value):
    """What If and While take for true: non-zero numbers, non-empty strings, tensors that are not empty."""
    value = door.convert(value)
    if value.dtype.name == "bool" and value.shape.rank == 0:
        return value
    if value.shape.rank == 0:
        if value.dtype.name == "string":
            return public("not_equal")(value, "")
        return public("not_equal")(value, public("zeros_like")(value))
    return public("greater")(public("size")(value), 0)


def If(cond, inputs, then_branch, else_branch, name=None):  # noqa: N802 - TensorFlow's name
    """`then_branch(*inputs)` or `else_branch(*inputs)`, as a list."""
    inputs = [door.convert(i) for i in inputs]
    with scoped(name, "If"):
        branch = lambda f: lambda: _listed(f(*inputs))
        return _listed(public("cond")(_truth(cond), branch(then_branch), branch(else_branch)))


def While(input_, cond, body, name=None, hostmem=None):  # noqa: N802
    """The values after `body(*values)` was repeated while `cond(*values)`."""
    count = len(input_)
    with scoped(name, "While"):
        extra = list(getattr(body, "captured_inputs", ()))[:0]
        found = public("while_loop")(
            lambda *v: _truth(cond(*v)), lambda *v: _listed(body(*v)), [door.convert(i) for i in [*input_, *extra]]
        )
    return _listed(found)[:count]


def For(start, limit, delta, inputs, body, name=None, hostmem=None, rewrite_with_while=None):  # noqa: N802
    """The values after `body(i, *values)` for each i of range(start, limit, delta)."""
    start, limit, delta = (door.convert(v) for v in (start, limit, delta))
    zero = public("zeros_like")(delta)
    going = lambda i, *_: public("where")(public("greater")(delta, zero), public("less")(i, limit), public("greater")(i, limit))
    with scoped(name, "For"):
        found = public("while_loop")(going, lambda i, *v: [i + delta, *_listed(body(i, *v))], [start, *map(door.convert, inputs)])
    return _listed(found)[1:]


def Gradient(inputs, f, name=None):  # noqa: N802
    """Gradients of the function `f` at its inputs: `inputs` holds them, then one gradient for each output."""
    with scoped(name, "SymbolicGradient"):
        values = [door.convert(i) for i in inputs]
        arguments = values[: _arity(f, len(values))]
        outputs = _listed(f(*arguments))
        return public("gradients")(outputs, arguments, grad_ys=values[len(arguments):])


def _arity(f, most):
    declared = getattr(f, "declared_input_types", None)
    return len(declared) if declared else most - 1


class Defun:
    """Decorate a function of tensors: a call is one function of the graph.

    `input_types` are the types of its arguments; with none, those of the first call. `python_grad_func(op, *grads)`
    gives its gradients, or `grad_func`, a Defun of the inputs and the outputs' gradients.
    """

    def __init__(self, *input_types, **kwargs):
        self._types = [public("as_dtype")(t) for t in input_types]
        self._name = kwargs.pop("func_name", None)
        self._grad, self._python_grad = kwargs.pop("grad_func", None), kwargs.pop("python_grad_func", None)
        self._options = kwargs

    def __call__(self, func):
        return DefinedFunction(func, self._types, self._name, self._grad, self._python_grad)


class DefinedFunction:
    """A function that `Defun` made."""

    def __init__(self, func, types, name, grad, python_grad):
        self._func, self.declared_input_types = func, types
        self._named, self._grad, self._python_grad = name, grad, python_grad
        functools.update_wrapper(self, func)
        self._traced = public("function")(func, autograph=False)

    @property
    def name(self):
        """The name that was asked for, or the Python function's."""
        return self._named or self._func.__name__

    def __call__(self, *args, name=None, **kwargs):
        kinds = self.declared_input_types or [None] * len(args)
        if len(args) != len(kinds):
            raise ValueError(f"Expected number of arguments: {len(kinds)}, received: {len(args)}")
        values = [door.convert(a, k) for a, k in zip(args, kinds)]
        for value, kind in zip(values, kinds):
            if kind is not None and value.dtype != kind:
                raise ValueError(f"Expected tensor of type {kind.name}, received {value.dtype.name}")
        with scoped(name, self.name):
            if self._grad is None and self._python_grad is None:
                return self._traced(*values)
            return self._with_gradient(values)

    def _with_gradient(self, values):
        @public("custom_gradient")
        def call(*inputs):
            outputs = self._traced(*inputs)

            def grad(*upstream):
                flat = list(nest.flatten(outputs))
                if self._python_grad is not None:
                    found = self._python_grad(_Called(inputs, flat), *upstream)
                else:
                    found = self._grad(*inputs, *upstream)
                found = _listed(found)
                return found[0] if len(found) == 1 else tuple(found)

            return outputs, grad

        return call(*values)

    def set_shape_function(self, *_):
        """Shapes are inferred here."""


class _Called:
    """What a Python gradient function is handed as `op`."""

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs
