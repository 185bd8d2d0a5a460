"""What every variable can do: the methods of `tf.Variable`, which the kinds of variables fill in."""

import inspect
from typing import Any

_SPARSE = "sparse_delta, use_locking=False, name=None"
_ND = "indices, updates, name=None"
_METHODS = {
    "assign": ("value, use_locking=False, name=None, read_value=True", "Assign a new value."),
    "assign_add": ("delta, use_locking=False, name=None, read_value=True", "Add `delta` to the value."),
    "assign_sub": ("delta, use_locking=False, name=None, read_value=True", "Subtract `delta` from the value."),
    "batch_scatter_update": (_SPARSE, "Assign IndexedSlices, batch by batch."),
    "count_up_to": ("limit", "Add 1, up to a limit."),
    "eval": ("session=None", "The value in a session, as an array."),
    "gather_nd": ("indices, name=None", "The slices at indices of several axes."),
    "initialized_value": ("", "The value, or the initial value before the variable is initialised."),
    "load": ("value, session=None", "Assign a value in a session."),
    "read_value": ("", "The value, read anew."),
    "scatter_add": (_SPARSE, "Add IndexedSlices."),
    "scatter_div": (_SPARSE, "Divide by IndexedSlices."),
    "scatter_max": (_SPARSE, "The maximum with IndexedSlices."),
    "scatter_min": (_SPARSE, "The minimum with IndexedSlices."),
    "scatter_mul": (_SPARSE, "Multiply by IndexedSlices."),
    "scatter_nd_add": (_ND, "Add updates at indices of several axes."),
    "scatter_nd_sub": (_ND, "Subtract updates at indices of several axes."),
    "scatter_nd_update": (_ND, "Assign updates at indices of several axes."),
    "scatter_sub": (_SPARSE, "Subtract IndexedSlices."),
    "scatter_update": (_SPARSE, "Assign IndexedSlices."),
    "sparse_read": ("indices, name=None", "The slices at indices of the first axis."),
    "to_proto": ("export_scope=None", "A VariableDef that describes the variable."),
}


def _abstract(name: str, parameters: str, text: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    made: Any = method
    made.__name__, made.__qualname__, made.__doc__ = name, f"Variable.{name}", text
    made.__signature__ = inspect.signature(eval(f"lambda self, {parameters}: None", {}))  # noqa: S307 - our own literal
    return made


class VariableInterface:
    """The methods that every kind of variable has; each kind has its own."""


for _name, (_parameters, _text) in _METHODS.items():
    setattr(VariableInterface, _name, _abstract(_name, _parameters, _text))
