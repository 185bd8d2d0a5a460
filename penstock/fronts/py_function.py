"""`tf.py_function`: a Python function of eager tensors as an op, with its gradient from a tape."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import nest
from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import export
from penstock.fronts.eager import EAGER, make
from penstock.fronts.tape import GradientTape
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TypeSpec
from penstock.ops.py_func import EAGER_PY_FUNC, PythonFunction, _decorator, _hold, check_callable, keep


class EagerFunction(PythonFunction):
    """A function of eager tensors; the tape of its last call is kept for the gradient."""

    def __init__(self, function: Callable[..., Any], types: list[DType], structure: Any, specs: Any, record: bool = True):
        super().__init__(function, types)
        self.structure, self.specs, self.record = structure, specs, record
        self.last: Any = None
        self.lock = threading.Lock()
        self.dtypes: list[DType] = []

    def __call__(self, arrays: list[Any]) -> list[Any]:
        with door.using(EAGER), door.watching(None):
            tensors = [make(a, d) for a, d in zip(arrays, self.dtypes)]
            inputs = nest.pack_sequence_as(self.structure, tensors, expand_composites=True)
            if not self.record:
                outs = self.outputs(self.function(*inputs))
                return [o._array for o in outs]
            with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                for t in tensors:
                    if t.dtype.is_differentiable:
                        tape.watch(t)
                outs = self.outputs(self.function(*inputs))
            with self.lock:
                self.last = tape, tensors, outs
            return [o._array for o in outs]

    def outputs(self, found: Any) -> list[Any]:
        """What the function returned, flat, as tensors of the promised dtypes."""
        if self.specs is None:
            values = list(found) if isinstance(found, (list, tuple)) else [] if found is None else [found]
        else:
            parts = list(found) if isinstance(found, (list, tuple)) else [found]
            values = [t for spec, v in zip(self.specs, parts) for t in (spec.to_tensors(v) if isinstance(spec, TypeSpec) else [v])]
        if self.specs is None:
            values = values[: len(self.types)]  # TensorFlow leaves out what was not announced
        self.count(values)
        return [self.as_output(v, t) for v, t in zip(values, self.types)]

    @staticmethod
    def as_output(value: Any, dtype: DType) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        return convert_to_tensor(value, dtype)

    def reverse(self, wanted: list[int]) -> "EagerFunction":
        """The function of the outputs' gradients that gives those of the inputs at `wanted`."""

        def gradients(*dys: Any) -> list[Any]:
            with self.lock:
                if self.last is None:
                    raise ValueError(f"the gradient of {self.token} is asked for before the function has run")
                tape, inputs, outputs = self.last
            sources = [inputs[i] for i in wanted]
            found = tape.gradient(outputs, sources, output_gradients=list(dys))
            return [make(np.zeros(s._dims, s.dtype.array_dtype), s.dtype) if g is None else g for s, g in zip(sources, found)]

        made = EagerFunction(gradients, [self.dtypes[i] for i in wanted], list(self.types), None)
        made.dtypes = list(self.types)
        return made


@export("py_function")
def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: str | None = None) -> Any:
    """What `func` gives for the eager tensors of `inp`, as tensors of the dtypes or specs `Tout`; gradients flow through it.

    >>> tf.py_function(lambda x: x * x, [tf.constant(3.0)], tf.float32).numpy()
    np.float32(9.0)
    """
    if Tout is None:
        raise TypeError("Missing required argument: 'Tout'\n  If using tf.py_function as a decorator, set `Tout`\n  **by name** above the function:\n  `@tf.py_function(Tout=tout)`")
    if func is None:
        return _decorator(py_function, Tout=Tout, name=name)
    check_callable(func)
    many = isinstance(Tout, (list, tuple))
    listed = list(Tout) if many else [Tout]
    composite = any(isinstance(t, TypeSpec) for t in listed)
    types = [d for t in listed for d in ([s.dtype for s in t.flatten()] if isinstance(t, TypeSpec) else [as_dtype(t)])]
    inputs = nest.map_structure(lambda x: x if isinstance(x, Tensor) or getattr(type(x), "__composite__", False) else convert_to_tensor(x), list(inp))
    flat = [convert_to_tensor(t) for t in nest.flatten(inputs, expand_composites=True)]
    function = EagerFunction(func, types, inputs, listed if composite else None)
    function.structure = nest.map_structure(lambda t: 0, inputs) if not any(getattr(type(i), "__composite__", False) and not isinstance(i, Tensor) for i in inputs) else inputs
    function.dtypes = [t.dtype.base_dtype for t in flat]
    here = door.current()
    keep(here, function)
    result = EAGER_PY_FUNC(flat, token=function.token, Tout=types, name=name)
    if not types:
        return result if here.is_graph else []
    if not here.is_graph:
        _hold(result, function)
    if composite:
        given = iter(result)
        result = [t.from_tensors(given) if isinstance(t, TypeSpec) else next(given) for t in listed]
    return result if many else result[0]
