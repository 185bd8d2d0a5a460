"""What `tensorflow.python.framework.ops` and its neighbours define without a public name: programs import it."""

import contextlib
import itertools

from penstock.base.shape import TensorShape, broadcast
from penstock.fronts.backprop import registered
from penstock.fronts.eager import EagerTensor
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor

__all__ = ["EagerTensor"]
_uids = itertools.count(1)


def uid():
    """A number that was not given out before in this process."""
    return next(_uids)


def convert_n_to_tensor(values, dtype=None, name=None, preferred_dtype=None):
    """Each of a sequence of values as a tensor."""
    number = itertools.count()
    each = lambda: None if name is None else f"{name}_{next(number)}"
    return [convert_to_tensor(v, dtype=dtype, name=each(), dtype_hint=preferred_dtype) for v in values]


internal_convert_n_to_tensor = convert_n_to_tensor


def internal_convert_to_tensor(value, dtype=None, name=None, as_ref=False, preferred_dtype=None, ctx=None):
    """A value as a tensor."""
    return convert_to_tensor(value, dtype=dtype, name=name, dtype_hint=preferred_dtype)


def convert_to_tensor_or_composite(value, dtype=None, name=None):
    """A value as a tensor; composite tensors stay as they are."""
    composite = getattr(type(value), "__composite__", False)
    return value if composite else convert_to_tensor(value, dtype=dtype, name=name)


def name_from_scope_name(name):
    """`a/b/` -> `a/b`: the name of the op that a scope belongs to."""
    return name[:-1] if name and name[-1] == "/" else name


def strip_name_scope(name, export_scope):
    """`scope/a/b` -> `a/b`, control inputs (`^scope/a`) and colocations (`loc:@scope/a`) too."""
    if not export_scope:
        return name
    scope = export_scope.rstrip("/") + "/"
    for mark in ("^", "loc:@", ""):
        if name.startswith(mark + scope):
            return mark + name[len(mark + scope) :]
    return name


def prepend_name_scope(name, import_scope):
    """`a/b` -> `scope/a/b`, control inputs and colocations too."""
    if not import_scope:
        return name
    scope = import_scope.rstrip("/") + "/"
    for mark in ("^", "loc:@"):
        if name.startswith(mark):
            return mark + scope + name[len(mark) :]
    return scope + name


def has_default_graph():
    """Is a graph the current place that ops go to?"""
    return door.current().is_graph


def _get_graph_from_inputs(op_input_list, graph=None):
    """The graph that all the given tensors and operations belong to; ValueError when they are of several, or not of `graph`."""
    found = graph
    for item in op_input_list:
        owner = getattr(item, "graph", None)
        if owner is not None and found is not None and owner is not found:
            what = "must be from the same graph as the other inputs" if graph is None else "is not from the passed-in graph"
            raise ValueError(f"{item} {what}.")
        found = found or owner
    return found or door.current()


def dismantle_graph(graph):
    """Nothing to do: the garbage collector takes graphs apart."""


def get_gradient_function(op):
    """The gradient function `(op, *dys)` of a node: a registered one, else its op's own rule; None when it has none."""
    name = getattr(op, "gradient_name", None) or op.type
    return registered[name] if name in registered else op.definition.grad_rule


class NullContextmanager(contextlib.AbstractContextManager):
    """A context that does nothing, whatever it is made with."""

    def __init__(self, *args, **kwargs):
        pass

    def __exit__(self, *error):
        return False


class RegisterShape:
    """A decorator for shape functions of ops in Python; the op's own shape rule is used."""

    def __init__(self, op_type):
        self.op_type = op_type

    def __call__(self, function):
        return function


def broadcast_shape(shape_x, shape_y):
    """The shape of `x + y`."""
    dims = broadcast(TensorShape(shape_x)._dims, TensorShape(shape_y)._dims)
    return TensorShape(dims)


def is_broadcast_compatible(shape_x, shape_y):
    """Can the two shapes be broadcast against each other?"""
    try:
        broadcast_shape(shape_x, shape_y)
    except ValueError:
        return False
    return True


def rank(tensor):
    """The static rank, or None."""
    return tensor.shape.rank
