"""`Dataset.from_generator`: what a Python generator yields, checked against its signature."""

from typing import Any

import numpy as np

from penstock.base import dtypes, errors
from penstock.base.dtypes import as_dtype
from penstock.base.shape import TensorShape, as_dims
from penstock.data import sources, structure, structure_nest as nest
from penstock.data.stage_op import emit_stage
from penstock.fronts.autograph import do_not_convert
from penstock.fronts.eager import EAGER, EagerTensor
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import convert, door
from penstock.ir.type_spec import TensorSpec, TypeSpec
from penstock.ops.py_func import PY_FUNC, PythonFunction, keep


class Yielding:
    """A generator function, and how what it yields becomes elements."""

    def __init__(self, generator: Any, element_spec: Any, by_types: bool):
        self.generator, self.spec, self.by_types = generator, element_spec, by_types
        specs = nest.flatten(element_spec)
        self.dense = all(isinstance(s, TensorSpec) for s in specs)
        self.kinds = [(s.dtype, s.shape._dims) for s in specs] if self.dense else []
        self.single = isinstance(element_spec, TensorSpec)
        self.plain = type(element_spec) is tuple and all(isinstance(s, TensorSpec) for s in element_spec)
        self.args_made = convert.to_array

    def start(self, args: Any) -> Any:
        """A new iterator of the generator."""
        given = [_argument(a) for a in args]
        try:
            return iter(self.generator(*given))
        except errors.OpError:
            raise
        except Exception as e:
            raise failed(e) from e

    def element(self, iterator: Any) -> Any:
        """The next element as flat arrays, or None at the end."""
        try:
            values = next(iterator)
        except StopIteration:
            return None
        except Exception as e:
            raise failed(e) from e
        try:
            return self.flat(values)
        except (TypeError, ValueError, OverflowError) as e:
            raise failed(e) from e

    def flat(self, values: Any) -> list[Any]:
        if not self.dense:
            with door.using(EAGER), door.watching(None):
                element = structure.normalize_element(values, self.spec)
                spec = structure.type_spec_from_element(element)
                if not structure.are_compatible(spec, self.spec):
                    raise TypeError(f"`generator` yielded an element of {spec} where an element of {self.spec} was expected.")
                return [t._array if type(t._array) is not np.ndarray and not hasattr(t._array, "devices") else np.asarray(t._array) for t in structure.to_tensor_list(self.spec, element)]
        if self.single:
            leaves: Any = [values]
        elif self.plain and type(values) is tuple and len(values) == len(self.kinds):
            leaves = values
        else:
            try:
                leaves = nest.flatten_up_to(self.spec, _tupled(self.spec, values))
            except (TypeError, ValueError) as e:
                shown = nest.map_structure(lambda s: s.dtype, self.spec) if self.by_types else self.spec
                raise TypeError(f"`generator` yielded an element that did not match the expected structure. The expected structure was {shown}, but the yielded element was {values}.") from e
        out = []
        for value, (dtype, dims) in zip(leaves, self.kinds):
            array = _array(value, dtype, self.by_types)
            if dims is not None and array.shape != dims and (len(dims) != array.ndim or any(d is not None and d != n for d, n in zip(dims, array.shape))):
                raise TypeError(f"`generator` yielded an element of shape {array.shape} where an element of shape {TensorShape._of(dims)} was expected.")
            out.append(array)
        return out


def _argument(array: Any) -> Any:
    return array[()] if type(array) is np.ndarray and array.ndim == 0 else array


def _tupled(spec: Any, values: Any) -> Any:
    """Lists where tuples are expected."""
    if type(spec) is tuple and isinstance(values, list):
        values = tuple(values)
    return values


def _array(value: Any, dtype: Any, by_types: bool) -> np.ndarray:
    kind = dtype.array_dtype
    if type(value) is np.ndarray:
        if value.dtype == kind:
            return value
    elif type(value) is EagerTensor:
        array = np.asarray(value._array)
        if array.dtype == kind:
            return array
        raise TypeError(f"`generator` yielded an element of type {value.dtype.name} where an element of type {dtype.name} was expected.")
    try:
        if kind == np.dtype(object):
            return convert.to_array(value, dtype)
        if isinstance(value, (str, bytes)):
            raise ValueError(value)
        return np.asarray(value, kind)
    except (TypeError, ValueError):
        raise TypeError(f"`generator` yielded an element that could not be converted to the expected type. The expected type was {dtype.name}, but the yielded element was {value}.") from None


def failed(error: Exception) -> errors.OpError:
    """The error of the op that runs the generator."""
    import traceback

    kind = {TypeError: errors.InvalidArgumentError, ValueError: errors.InvalidArgumentError, MemoryError: errors.ResourceExhaustedError,
            NotImplementedError: errors.UnimplementedError}  # fmt: skip
    made = next((c for k, c in kind.items() if isinstance(error, k)), errors.UnknownError)
    return made(None, None, f"{type(error).__name__}: {error}\n" + "".join(traceback.format_exception(error)))


def from_generator(cls: Any, generator: Any, output_types: Any, output_shapes: Any, args: Any, output_signature: Any, name: str | None) -> Any:
    """See `Dataset.from_generator`."""
    if not callable(generator):
        raise TypeError("`generator` must be a Python callable.")
    if output_signature is None and output_types is None:
        raise TypeError("To specify the output signature you need to provide either the `output_signature` argument or the `output_types` argument.")
    if output_signature is not None and (output_types is not None or output_shapes is not None):
        raise TypeError("The `output_types` and `output_shapes` arguments cannot be specified together with `output_signature`." if output_types is not None else "`output_shapes` must not be specified if `output_signature` is provided.")
    by_types = output_signature is None
    if output_signature is not None:
        for spec in nest.flatten(output_signature):
            if not isinstance(spec, TypeSpec):
                raise TypeError(f"`output_signature` must contain objects that are subclass of `tf.TypeSpec` but found {type(spec)} which is not.")
    else:
        if output_shapes is None:
            output_shapes = nest.map_structure(lambda _: TensorShape(None), output_types)
        else:
            output_shapes = nest.map_structure_up_to(output_types, lambda s: TensorShape._of(as_dims(s)), output_shapes)
        output_signature = nest.map_structure_up_to(output_types, lambda t, s: TensorSpec(s, as_dtype(t)), output_types, output_shapes)
    spec = nest.map_structure(lambda s: TensorSpec(s.shape, s.dtype) if isinstance(s, TensorSpec) else s, output_signature)
    values = tuple(door.convert(a) for a in nest.flatten(tuple(args))) if args is not None else ()
    yielding = Yielding(generator, spec, by_types)

    def one(_: Any) -> Any:
        graphs = _graphs(yielding, values, spec)
        attrs = {**structure.attrs_of(spec), "init_func": graphs[0], "next_func": graphs[1], "finalize_func": graphs[2]}
        variant = emit_stage(sources.GENERATOR_DATASET, (list(values), [], []), attrs)
        return cls._made("_GeneratorDataset", variant, spec)

    return cls.from_tensors(0).flat_map(do_not_convert(one))


def _graphs(yielding: Yielding, args: Any, spec: Any) -> list[Any]:
    """The three functions of a GeneratorDataset: begin, next, end."""
    running: dict[int, Any] = {}

    def begin(*given: Any) -> Any:
        number = len(running)
        running[number] = yielding.start(given)
        return np.array(number, np.int64)

    def step(number: Any) -> Any:
        found = yielding.element(running[int(number)])
        if found is None:
            raise StopIteration("Iteration finished.")
        return found

    def end(number: Any) -> Any:
        running.pop(int(number), None)
        return np.array(0, np.int64)

    types = structure.flat_types(spec)
    made = [_graph("begin", begin, [(a.dtype, a._dims) for a in args], [dtypes.int64]), _graph("next", step, [(dtypes.int64, ())], types),
            _graph("end", end, [(dtypes.int64, ())], [dtypes.int64])]  # fmt: skip
    made[0]._extras["python generator"] = yielding
    return made


def _graph(name: str, function: Any, parameters: Any, types: Any) -> FuncGraph:
    graph = FuncGraph(fresh_name(f"Dataset_from_generator_{name}"))
    with door.using(graph), door.watching(None):
        inputs = [graph.add_input(d, s, "args") for d, s in parameters]
        python = PythonFunction(function, list(types))
        keep(graph, python)
        found = PY_FUNC(inputs, token=python.token, Tout=list(types))
    graph.outputs = list(found) if isinstance(found, (list, tuple)) else [found]
    graph._version += 1
    return graph
