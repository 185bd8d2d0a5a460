"""Functions of a loaded SavedModel: concrete ones, and those that choose the concrete one that fits a call."""

import inspect
from typing import Any

import numpy as np

from penstock.base import nest
from penstock.base.errors import InvalidArgumentError
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.ir import door
from penstock.ir.spec_proto import value_from_proto
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec, TypeSpec


class LoadedConcrete(ConcreteFunction):
    """A function of one signature whose body came from a file."""

    _keywords: list[str] | None = None  # what the flat signature calls the tensors
    _positional = 0
    _parameters: inspect.Signature | None = None
    _arg_keywords = property(lambda s: s._keywords)
    _num_positional_args = property(lambda s: s._positional)

    def __init__(self, graph: Any, count: int, signature: Any, structure: Any):
        super().__init__(graph, graph.inputs[:count], signature, structure)
        self._flat_outputs = _outputs_of(structure, graph.outputs)
        self._single = isinstance(structure, TensorSpec)
        self._expected = nest.flatten(signature, expand_composites=True)
        self._bound: list[Any] = []

    def bind(self, captures: list[Any]) -> None:
        """Say which tensors outside stand behind the body's last inputs."""
        graph = self.graph
        inner = graph.inputs[len(self._arguments) :]
        if len(inner) != len(captures):
            raise ValueError(f"Function {self.name} takes {len(inner)} captured tensors, the SavedModel binds {len(captures)}")
        graph._captured = {id(i): (outer, i) for outer, i in zip(captures, inner)}
        graph._outside = {i._id: outer for outer, i in zip(captures, inner)}
        for outer, i in zip(captures, inner):
            if outer.dtype.base_dtype is not i.dtype.base_dtype:
                raise ValueError(f"Function {self.name} captures {i.op.name} as {i.dtype.name}, the SavedModel binds a {outer.dtype.name}")
            data = getattr(outer, "_handle_data", None)
            if data is not None:
                i._handle_data = data
        self._captures = None

    # -- calling -----------------------------------------------------------------------------------------------------
    def _tensors_of(self, args: Any, kwargs: Any) -> list[Any]:
        try:
            return self._structured(args, kwargs)
        except TypeError as e:
            failed = e
        if self._keywords is None:
            raise failed
        try:
            return self._flat(args, kwargs)
        except TypeError as e:
            raise TypeError(f"Binding inputs to tf.function failed due to `{failed}`. Received args: {args} and kwargs: {kwargs} for signature: "
                            f"{self._signature}.\nFallback to flat signature also failed due to: {e}") from None  # fmt: skip

    def _structured(self, args: Any, kwargs: Any) -> list[Any]:
        if self._parameters is not None:
            bound = self._parameters.bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        want_args, want_kwargs = self._signature
        if len(args) != len(want_args):
            raise TypeError(f"{self.name}() takes {len(want_args)} positional arguments, got {len(args)}")
        if set(kwargs) != set(want_kwargs):
            raise TypeError(f"{self.name}() takes the keyword arguments {sorted(want_kwargs)}, got {sorted(kwargs)}")
        given = flat_like(self._signature, (tuple(args), dict(kwargs)))
        if given is None:
            raise TypeError(f"the structure of the arguments is not that of the signature {self._signature}")
        tensors = []
        for value, spec in zip(given, nest.flatten(self._signature)):
            if isinstance(spec, TensorSpec):
                tensors.append(self._one(value, len(tensors)))
            elif isinstance(spec, TypeSpec):
                parts = [value.handle] if hasattr(value, "handle") else spec._to_tensor_list(value)
                for part in parts:
                    tensors.append(self._one(part, len(tensors)))
            elif value is not spec and not _equal(value, spec):
                raise TypeError(f"Can not cast {value!r} to the constant {spec!r} that the function was traced with")
        return tensors

    def _flat(self, args: Any, kwargs: Any) -> list[Any]:
        keywords = self._keywords or []
        shown = f"{self.name}({', '.join(keywords)})"
        if len(args) > self._positional:
            raise TypeError(f"{shown} takes {self._positional} positional arguments, got {len(args)}.")
        given = dict(zip(keywords, args))
        twice = sorted(set(given) & set(kwargs))
        if twice:
            raise TypeError(f"{shown} got two values for {', '.join(twice)}.")
        given.update(kwargs)
        missing = [k for k in keywords if k not in given]
        if missing:
            raise TypeError(f"{shown} missing required arguments: {', '.join(missing)}.")
        extra = sorted(set(given) - set(keywords))
        if extra:
            raise TypeError(f"{shown} got unexpected keyword arguments: {', '.join(extra)}.")
        return [self._one(given[k], i) for i, k in enumerate(keywords[: len(self._arguments)])]

    def _one(self, value: Any, index: int) -> Any:
        parameter = self._arguments[index]
        want = parameter.dtype.base_dtype
        if want.name == "resource":
            return value.handle if hasattr(value, "handle") else door.convert(value)
        if isinstance(value, (Tensor,)) or hasattr(type(value), "__tf_tensor__"):
            tensor = door.convert(value)
        else:
            try:
                tensor = door.convert(_as_type(value, want), want)
            except ValueError as e:
                raise TypeError(str(e)) from None
        if tensor.dtype.base_dtype is not want:
            raise InvalidArgumentError(
                None, None, f"cannot compute {self.name} as input #{index}(zero-based) was expected to be a {want.name} tensor but is a {tensor.dtype.name} tensor"
            )
        return tensor

    def _pack(self, results: list[Any]) -> Any:
        return results[0] if self._single else _packed(self._structure, iter(results))

    @property
    def structured_outputs(self) -> Any:
        return self._structure


def _as_type(value: Any, dtype: Any) -> Any:
    """NumPy arrays of another number type are cast, as the input of a signature is."""
    if isinstance(value, (np.ndarray, np.generic)) and dtype.on_device and value.dtype != dtype.array_dtype and value.dtype.kind in "iufb":
        return value.astype(dtype.array_dtype)
    return value


def _outputs_of(structure: Any, outputs: list[Any]) -> list[Any]:
    """The outputs, flat, with None where the function returns None."""
    given, flat = iter(outputs), []
    for leaf in nest.flatten(structure, expand_composites=True):
        flat.append(next(given, None) if isinstance(leaf, TypeSpec) else None)
    return flat


def _packed(structure: Any, results: Any) -> Any:
    if isinstance(structure, TensorSpec):
        return next(results)
    if isinstance(structure, TypeSpec):
        return structure._from_tensor_list([next(results) for _ in structure.flatten()])
    if isinstance(structure, dict):
        made = {k: _packed(structure[k], results) for k in sorted(structure)}
        return {k: made[k] for k in structure}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[_packed(s, results) for s in structure])
    if isinstance(structure, (list, tuple)):
        return type(structure)([_packed(s, results) for s in structure])
    return structure


def flat_like(structure: Any, value: Any) -> list[Any] | None:
    """The parts of `value` that stand where `structure` has its leaves; None when the two differ in structure."""
    try:
        return nest.flatten_up_to(structure, value)
    except (TypeError, ValueError, KeyError):
        return None


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - what cannot be compared is different
        return False


def parameters_of(spec: Any) -> tuple[inspect.Signature | None, Any]:
    """The Python signature that a FunctionSpec message describes, and its input signature."""
    given = value_from_proto(spec.fullargspec)
    if given is None:
        return None, None
    absent = [f for f in ("args", "varargs", "varkw", "defaults", "kwonlyargs", "kwonlydefaults") if not hasattr(given, f)]
    if absent:
        raise ValueError(f"The SavedModel describes a Python function without its {', '.join(absent)}")
    names = list(given.args or [])
    if spec.is_method and names:
        names = names[1:]
    defaults = list(given.defaults or ())
    kind, parameters = inspect.Parameter, []
    plain = lambda n: n if n.isidentifier() else f"_{n}"
    for i, name in enumerate(names):
        at = i - (len(names) - len(defaults))
        default = defaults[at] if at >= 0 else kind.empty
        parameters.append(kind(plain(name), kind.POSITIONAL_OR_KEYWORD, default=default))
    if given.varargs:
        parameters.append(kind(given.varargs, kind.VAR_POSITIONAL))
    keyword_defaults = given.kwonlydefaults or {}
    for name in given.kwonlyargs or []:
        if name.isidentifier():
            parameters.append(kind(name, kind.KEYWORD_ONLY, default=keyword_defaults.get(name, kind.empty)))
        elif not given.varkw:
            return None, value_from_proto(spec.input_signature)
    if given.varkw:
        parameters.append(kind(given.varkw, kind.VAR_KEYWORD))
    return inspect.Signature(parameters), value_from_proto(spec.input_signature)


class RestoredFunction(Function):
    """A `tf.function` of a loaded model: a call runs the concrete function whose signature fits."""

    def __init__(self, name: str, parameters: inspect.Signature | None, input_signature: Any, concrete_functions: list[LoadedConcrete], jit_compile: Any = None):
        def restored_function_body(*args: Any, **kwargs: Any) -> Any:
            return self._choose(args, kwargs)

        restored_function_body.__name__ = name
        if parameters is not None:
            restored_function_body.__signature__ = parameters  # type: ignore[attr-defined]
        self.concrete_functions = concrete_functions
        super().__init__(restored_function_body, name, None, autograph=False, jit_compile=jit_compile)
        if input_signature is not None:
            self._input_signature = tuple(input_signature)

    def _list_all_concrete_functions_for_serialization(self) -> list[Any]:
        return self.concrete_functions

    def _list_all_concrete_functions(self) -> list[Any]:
        return self.concrete_functions

    def _choose(self, args: Any, kwargs: Any) -> Any:
        if not self.concrete_functions:
            raise ValueError("Found zero restored functions for caller function.")
        inputs = (tuple(args), dict(kwargs))
        for convert in (False, True):
            for concrete in self.concrete_functions:
                if fits(concrete, inputs, convert):
                    return concrete.call_flat(_arguments(concrete, inputs))
        options = []
        for i, concrete in enumerate(self.concrete_functions):
            options.append(f"Option {i + 1}:\n  {_described(*concrete.structured_input_signature)}")
        raise ValueError(
            f"Could not find matching concrete function to call loaded from the SavedModel. Got:\n  {_described(args, kwargs)}\n\n Expected these arguments to "
            f"match one of the following {len(options)} option(s):\n\n" + "\n\n".join(options)
        )


def _described(args: Any, kwargs: Any) -> str:
    listed = "\n".join(f"    * {a}" for a in args)
    return f"Positional arguments ({len(args)} total):\n{listed}\n  Keyword arguments: {kwargs}"


def fits(concrete: LoadedConcrete, inputs: Any, convert: bool) -> bool:
    """May the function be called with these arguments, made into tensors first where `convert`?"""
    expected = concrete.structured_input_signature
    flat = flat_like(expected, inputs)
    if flat is None:
        return False
    for value, spec in zip(flat, nest.flatten(expected)):
        if isinstance(spec, TensorSpec):
            if convert and not isinstance(value, (Tensor, TensorSpec)):
                try:
                    value = door.convert(value, spec.dtype)
                except (TypeError, ValueError):
                    return False
            if not isinstance(value, (Tensor, TensorSpec)) and not hasattr(value, "handle"):
                return False
            if value.dtype.base_dtype is not spec.dtype.base_dtype or not spec.shape.is_compatible_with(value.shape):
                return False
        elif isinstance(spec, TypeSpec):
            if not spec.is_compatible_with(value):
                return False
        elif isinstance(value, Tensor):
            if value is not spec:
                return False
        elif not (value is spec or (type(value) is type(spec) or isinstance(value, (int, float, str, list, tuple, dict))) and _equal(value, spec)):
            return False
    return True


def _arguments(concrete: LoadedConcrete, inputs: Any) -> list[Any]:
    expected = concrete.structured_input_signature
    tensors: list[Any] = []
    for value, spec in zip(nest.flatten_up_to(expected, inputs), nest.flatten(expected)):
        if isinstance(spec, TensorSpec):
            tensors.append(door.convert(value, spec.dtype))
        elif isinstance(spec, TypeSpec):
            tensors.extend([value.handle] if hasattr(value, "handle") else spec._to_tensor_list(value))
    return tensors
