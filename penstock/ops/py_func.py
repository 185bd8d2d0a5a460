"""Python functions as ops: `tf.numpy_function`, `tf.py_func`, and the ops behind `tf.py_function`."""

import functools
import itertools
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import errors, nest
from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import export
from penstock.ir import convert, door
from penstock.ir.op import op

_numbers = itertools.count()
_functions: "weakref.WeakValueDictionary[str, PythonFunction]" = weakref.WeakValueDictionary()
_CODES = {
    TypeError: errors.InvalidArgumentError, ValueError: errors.InvalidArgumentError, StopIteration: errors.OutOfRangeError,
    MemoryError: errors.ResourceExhaustedError, NotImplementedError: errors.UnimplementedError,
}  # fmt: skip


class PythonFunction:
    """A Python function that a node calls, found by the node's token; the graph keeps it alive."""

    def __init__(self, function: Callable[..., Any], types: list[DType]):
        self.function, self.types = function, types
        self.token = f"pyfunc_{next(_numbers)}"
        _functions[self.token] = self

    def __call__(self, arrays: list[Any]) -> list[Any]:
        """The values that the function gives for NumPy arrays, as arrays of the promised dtypes."""
        found = self.function(*[_own(a) for a in arrays])
        values = list(found) if isinstance(found, (list, tuple)) else [] if found is None else [found]
        self.count(values)
        out = []
        for i, (value, wanted) in enumerate(zip(values, self.types)):
            array = _as_array(value)
            got = as_dtype(array.dtype)
            if got is not wanted:
                raise errors.InvalidArgumentError(None, None, f"{i}-th value returned by {self.token} is {convert.runtime_name(got)}, but expects {convert.runtime_name(wanted)}")
            out.append(array)
        return out

    def count(self, values: list[Any]) -> None:
        if len(values) != len(self.types):
            raise errors.InvalidArgumentError(None, None, f"{self.token} returns {len(values)} values, but expects to see {len(self.types)} values.")


def _own(array: Any) -> Any:
    """A function may keep or change what it is given."""
    array = np.array(array)
    return array[()] if array.ndim == 0 and array.dtype == object else array


def _as_array(value: Any) -> np.ndarray:
    """A NumPy array as NumPy itself makes it: Python floats are float64, ints int64."""
    array = np.asarray(getattr(value, "_array", value))
    if array.dtype.kind in "SUO":
        return convert.to_array(array)
    return array


def keep(emitter: Any, function: PythonFunction) -> None:
    """Keep a function alive as long as the graph that calls it, or the graphs around that one."""
    while emitter is not None and emitter.is_graph:
        emitter._extras.setdefault("python functions", []).append(function)
        emitter = emitter.outer if emitter.building_function else None


def call(token: str, arrays: list[Any]) -> list[Any]:
    """Call the function of a token; what it raises becomes the error of its kind."""
    function = _functions.get(token)
    if function is None:
        raise errors.InvalidArgumentError(
            None, None, f"ValueError: callback {token} is not found: the Python function was not made in this process, or its graph is gone"
        )
    try:
        return function(arrays)
    except errors.OpError as e:
        raise (e if type(e) is errors.InvalidArgumentError else errors.UnknownError(None, None, f"{type(e).__name__}: {e}\n{traceback.format_exc()}")) from e
    except Exception as e:
        kind = next((code for cls, code in _CODES.items() if isinstance(e, cls)), errors.UnknownError)
        raise kind(None, None, f"{type(e).__name__}: {e}\n{traceback.format_exc()}") from e


@op("PyFunc(input: Tin, *, token: str, Tin: list(type), Tout: list(type)) -> output: Tout", where="host", effect="io")
def PY_FUNC(xp, input, *, token):
    """Call the Python function of `token` on NumPy arrays."""
    return call(token, input)


@op("PyFuncStateless(input: Tin, *, token: str, Tin: list(type), Tout: list(type)) -> output: Tout", where="host")
def PY_FUNC_STATELESS(xp, input, *, token):
    """`PyFunc` of a function without effects."""
    return call(token, input)


@op("EagerPyFunc(input: Tin, *, token: str, is_async: bool = False, Tin: list(type), Tout: list(type)) -> output: Tout", where="host", effect="io")
def EAGER_PY_FUNC(xp, input, *, token):
    """Call the Python function of `token` on eager tensors."""
    return call(token, input)


PY_FUNC.no_grad()
PY_FUNC_STATELESS.no_grad()


@EAGER_PY_FUNC.grad
def _(node: Any, *dys: Any) -> Any:
    from penstock.ops.constants import zeros_like

    function = _functions[node.attrs["token"]]
    given = [zeros_like(o) if d is None else d for o, d in zip(node.outputs, dys)]
    wanted = [i for i, t in enumerate(node.inputs) if t.dtype.is_differentiable]
    reverse = function.reverse(wanted)  # type: ignore[attr-defined]
    keep(door.current(), reverse)
    dxs = EAGER_PY_FUNC(given, token=reverse.token, Tout=[node.inputs[i].dtype.base_dtype for i in wanted])
    _hold(dxs, reverse)
    for i, dx in zip(wanted, dxs):
        dx.set_shape(node.inputs[i].shape)
    found = dict(zip(wanted, dxs))
    return tuple(found.get(i) for i in range(len(node.inputs)))


def _hold(tensors: Any, function: PythonFunction) -> None:
    """Eager tensors keep the function alive that a tape may yet ask for its gradient."""
    for t in tensors:
        if hasattr(t, "__dict__"):
            t.__dict__["_python_function"] = function


def check_callable(func: Any) -> None:
    if not callable(func):
        raise ValueError(f"Expected func to be callable. Received func={func} of type {type(func)}.")


def as_types(tout: Any) -> tuple[list[DType], bool]:
    """The promised dtypes, and whether they came as a list."""
    many = isinstance(tout, (list, tuple))
    return [as_dtype(t) for t in (tout if many else [tout])], many


def _numpy_function(func: Callable[..., Any], inp: Any, tout: Any, stateful: bool, name: str | None) -> Any:
    here = door.current()
    if not here.is_graph:
        found = nest.flatten(func(*[_numpy(x) for x in inp]))
        made = [x if x is None else convert.convert_to_tensor(x) for x in found]
        return made[0] if len(made) == 1 else made
    check_callable(func)
    types, many = as_types(tout)
    function = PythonFunction(func, types)
    keep(here, function)
    result = (PY_FUNC if stateful else PY_FUNC_STATELESS)(list(inp), token=function.token, Tout=types, name=name)
    return result if many else result[0] if types else result


def _numpy(value: Any) -> Any:
    array = np.array(value if not hasattr(value, "numpy") else value.numpy())
    return convert.to_array(value) if array.dtype.kind in "SU" else array


def _decorator(public: Callable[..., Any], **given: Any) -> Callable[..., Any]:
    """`@tf.numpy_function(Tout=...)`: the call of a function that is given later."""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def called(*inp: Any) -> Any:
            return public(func, inp, **given)

        return called

    return decorate


@export("numpy_function")
def numpy_function(func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: str | None = None) -> Any:
    """What `func` gives for the NumPy arrays of `inp`, as tensors of the dtypes `Tout`; no gradient flows through it.

    >>> tf.numpy_function(np.sinh, [tf.constant(0.0)], tf.float32).numpy()
    np.float32(0.0)
    """
    if Tout is None:
        raise TypeError("Missing required argument: 'Tout'\n  If using tf.numpy_function as a decorator, set `Tout`\n  **by name** above the function:\n  `@tf.numpy_function(Tout=tout)`")
    if func is None:
        return _decorator(numpy_function, Tout=Tout, stateful=stateful, name=name)
    return _numpy_function(func, inp, Tout, stateful, name)


@export(v1=("py_func",))
def py_func(func: Any, inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """`tf.numpy_function` of 1.x: with `stateful=False`, equal inputs may share one call."""
    return _numpy_function(func, inp, Tout, stateful, name)


