"""`tf.function`: trace a Python function once per input signature, then run its graph."""

import functools
import inspect
import logging
import threading
import types
import weakref
from typing import Any

import numpy as np

from penstock.base import nest, nest_kinds
from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.base.where import user_line
from penstock.fronts import trace as tracing
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.eager import EagerTensor
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door
from penstock.ir.graph import GraphTensor, Operation
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec, TypeSpec

log = logging.getLogger("tensorflow")
MANY = 5
"""Traces of one function after which the user is told why."""
_run_eagerly = False


@export("config.run_functions_eagerly", v1=("config.experimental_run_functions_eagerly",), v2=("config.experimental_run_functions_eagerly",))
def run_functions_eagerly(run_eagerly: bool) -> None:
    """Run the Python code of every tf.function as it stands, untraced: for debugging."""
    global _run_eagerly
    _run_eagerly = bool(run_eagerly)


@export("config.functions_run_eagerly", v1=("config.experimental_functions_run_eagerly",), v2=("config.experimental_functions_run_eagerly",))
def functions_run_eagerly() -> bool:
    """Are functions run untraced?"""
    return _run_eagerly


class _Static:
    """An argument that is part of the signature by its value or identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Static):
            return False
        try:
            return self.value is other.value or (type(self.value) is type(other.value) and bool(self.value == other.value))
        except Exception:  # noqa: BLE001 - objects that cannot be compared are different
            return False

    def __hash__(self) -> int:
        try:
            return hash(self.value)
        except TypeError:
            return id(self.value)


def key_of(value: Any) -> Any:
    """What a trace depends on in an argument: dtype and shape of tensors, structure of nests, value of the rest."""
    kind = type(value)
    if kind is EagerTensor:
        return value.dtype, value._array.shape if hasattr(value._array, "shape") else ()
    if kind in (int, float, bool, str, bytes, type(None), complex):
        return kind, value
    if isinstance(value, Tensor):
        return value.dtype, value._dims
    if isinstance(value, np.ndarray):
        t = door.convert(value)
        return t.dtype, t._dims
    if isinstance(value, TensorSpec):
        return value.dtype, None if value.shape.rank is None else tuple(value.shape.as_list())
    if hasattr(value, "handle") and hasattr(value, "trainable"):
        return "variable", id(value)
    if isinstance(value, TypeSpec):
        return value
    if isinstance(value, dict):
        return kind, tuple((k, key_of(value[k])) for k in sorted(value, key=str))
    if isinstance(value, (list, tuple)):
        return kind, tuple(key_of(v) for v in value)
    spec = getattr(value, "_type_spec", None)
    if spec is not None:
        held = [id(v) for v in nest.flatten(value, expand_composites=True) if hasattr(v, "handle")]
        return (spec, *held) if held else spec
    if hasattr(kind, "__attrs_attrs__"):
        return kind, tuple(key_of(getattr(value, a.name)) for a in kind.__attrs_attrs__)
    protocol = getattr(value, "__tf_tracing_type__", None)
    if protocol is not None:
        return protocol(None)
    if isinstance(value, np.generic):
        return key_of(np.asarray(value))
    return _Static(value)


def is_tensor_argument(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray, np.generic, TensorSpec))


def _check_constraints(parameters: inspect.Signature, given: int) -> None:
    """TypeError unless `given` specs are enough for the parameters, and not too many; `self` needs none."""
    for p in parameters.parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            given = 0
        elif p.kind is p.KEYWORD_ONLY and p.default is p.empty:
            raise TypeError(f"Since input_signature is defined, keyword-only parameter `{p.name}` must have a default value")
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "self":
            given -= 1
            if given < 0 and p.default is p.empty:
                raise TypeError(f"input_signature missing type constraint for {p.name}")
    if given > 0:
        raise TypeError(f"input_signature contains {given} extra type constraints.")


class Function(Trackable):
    """The callable that `tf.function` makes of a Python function."""

    def __init__(self, python_function: Any, name: str, input_signature: Any = None, autograph: bool = True, jit_compile: Any = None,
                 reduce_retracing: bool = False, experimental_implements: Any = None, experimental_autograph_options: Any = None,
                 experimental_attributes: Any = None, experimental_follow_type_hints: Any = None):  # fmt: skip
        self._python_function = python_function
        self._name = name
        self._autograph, self._jit_compile, self._reduce_retracing = autograph, jit_compile, reduce_retracing
        self._implements, self._autograph_options = experimental_implements, experimental_autograph_options
        self._attributes = experimental_attributes
        self._cache: dict[Any, ConcreteFunction] = {}
        self._keys: list[Any] = []
        self._lock = threading.RLock()
        self._traces = 0
        self._first = True
        self._methods: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()
        self._decorated: Any = None
        self._converted: Any = None
        self._read_parameters()
        self._input_signature = self._check_signature(input_signature)
        functools.update_wrapper(self, python_function)
        if self._parameters is not None:
            self.__signature__ = self._parameters  # Python takes callables with __get__ for builtins

    def _read_parameters(self) -> None:
        """What arguments the Python function takes."""
        try:
            self._parameters: inspect.Signature | None = _signature_of(self._python_function)
        except (TypeError, ValueError):
            self._parameters = None
        self._simple = self._parameters is not None and all(
            p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in self._parameters.parameters.values()
        )
        self._count = len(self._parameters.parameters) if self._parameters is not None else -1

    def _decorate(self, decorator: Any) -> None:
        """Trace `decorator(python_function)` in place of the Python function; ValueError once it was traced."""
        if self._traces:
            raise ValueError(
                f"Functions cannot be decorated after they have been traced: {self._name}() has {self._traces} trace(s). "
                "Decorate it before its first call."
            )
        self._python_function = decorator(self._python_function)
        self._converted = None
        self._read_parameters()

    python_function = property(lambda s: s._python_function)
    input_signature = property(lambda s: s._input_signature)
    name = property(lambda s: s._name)
    _jit = property(lambda s: s._jit_compile)

    @property
    def arg_names(self) -> list[str]:
        """The names of the parameters that may be given by position."""
        given = [] if self._parameters is None else self._parameters.parameters.values()
        return [p.name for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]

    @property
    def default_values(self) -> dict[str, Any]:
        """The defaults of the parameters that have one."""
        given = [] if self._parameters is None else self._parameters.parameters.values()
        return {p.name: p.default for p in given if p.default is not p.empty}

    @property
    def fullargspec(self) -> Any:
        """The parameters as `inspect.getfullargspec` gives them."""
        made = inspect.getfullargspec(_Parameters(self._parameters))
        return made._replace(annotations={})

    @property
    def _concrete_variable_creation_fn(self) -> Any:
        """A trace of the function, None before the first call."""
        return next(iter(self._list_all_concrete_functions()), None)

    @property
    def function_spec(self) -> Any:
        return self

    @property
    def function_type(self) -> Any:
        return self._parameters

    def _check_signature(self, input_signature: Any) -> Any:
        if input_signature is None:
            return None
        if not isinstance(input_signature, (tuple, list)):
            raise TypeError(f"input_signature must be either a tuple or a list, got {type(input_signature)}.")
        for s in nest.flatten(input_signature, expand_composites=False):
            if not isinstance(s, TypeSpec):
                raise TypeError(f"input_signature must be a possibly nested sequence of TensorSpec objects, got {s!r}")
        if self._parameters is not None:
            _check_constraints(self._parameters, len(input_signature))
        return tuple(input_signature)

    # -- calling -----------------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwds: Any) -> Any:
        if _run_eagerly:
            return self._python_function(*args, **kwds)
        if not kwds and self._simple and len(args) == self._count and self._input_signature is None:
            key: Any = tuple([key_of(a) for a in args])
            found = self._cache.get(key)
            if found is not None:
                tensors = []
                for a in args:
                    if type(a) is EagerTensor:
                        tensors.append(a)
                    elif type(a) in _SCALARS:
                        continue
                    else:
                        tensors.extend(_tensors(a))
                return found.call_flat(tensors)
        args, kwds = self.bind(args, kwds)
        if self._input_signature is not None:
            args, kwds = self._fit(args, kwds)
        concrete = self._concrete(args, kwds)
        return concrete.call_flat([t for a in (*args, *[kwds[k] for k in sorted(kwds)]) for t in _tensors(a)])

    def bind(self, args: Any, kwargs: Any, relaxed: bool = False, defaults: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments in the order of the parameters, defaults filled in; what **kwargs takes stays by name."""
        if self._parameters is None:
            return tuple(args), dict(kwargs)
        bound = self._parameters.bind(*args, **kwargs) if not relaxed else self._parameters.bind_partial(*args, **kwargs)
        bound.apply_defaults()
        return tuple(bound.args), dict(bound.kwargs)

    def _fit(self, args: Any, kwds: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments cast to the input signature; TypeError where they do not fit."""
        signature = self._input_signature
        if len(args) < len(signature):
            raise TypeError(f"{self._name}() takes {len(signature)} arguments by its input_signature, got {len(args)}")
        fitted = []
        for a, spec in zip(args, signature):
            fitted.append(_fit_one(a, spec, self._name, signature))
        for extra in args[len(signature) :]:
            fitted.append(extra)
        return tuple(fitted), kwds

    def _concrete(self, args: Any, kwds: Any) -> ConcreteFunction:
        key: Any = tuple([key_of(a) for a in args])
        if kwds:
            key = (key, tuple((k, key_of(kwds[k])) for k in sorted(kwds)))
        if self._input_signature is not None:
            key = (tuple([key_of(s) for s in self._input_signature]), tuple([key_of(a) for a in args[len(self._input_signature) :]]), key[1:] if kwds else ())
        found = self._cache.get(key)
        if found is None:
            with self._lock:
                found = self._cache.get(key) or self._general(key)
                if found is None:
                    found = self._trace(args, kwds, key)
        return found

    def _general(self, key: Any) -> ConcreteFunction | None:
        """A trace for a more general signature that takes these arguments too."""
        best = None
        for other, concrete in self._cache.items():
            if _is_within(key, other) and (best is None or _is_within(other, best[0])):
                best = (other, concrete)
        if best is not None:
            self._cache[key] = best[1]
            return best[1]
        return None

    def _trace(self, args: Any, kwds: Any, key: Any) -> ConcreteFunction:
        values = args
        if self._reduce_retracing and self._input_signature is None:
            args, kwds, key = self._relaxed(args, kwds, key)
        self._explain_retracing(key)
        specs = self._input_signature
        given = args
        if specs is not None:
            given = (*specs, *args[len(specs) :])
        created: list[Any] = []
        concrete = self._trace_once(given, kwds, created, values)
        if created:
            if not self._first:
                raise _created_late(created)
            late: list[Any] = []
            concrete = self._trace_once(given, kwds, late, values)
            if late:
                raise _created_late(late)
        self._first = False
        if len(self._cache) > 4096:
            self._cache.clear()
            self._keys.clear()
        self._cache[key] = concrete
        self._keys.append((key, weakref.ref(concrete)))
        return concrete

    def _relaxed(self, args: Any, kwds: Any, key: Any) -> Any:
        """Arguments as specs whose axes are unknown where earlier traces had other sizes."""
        for other, _ in reversed(self._keys):
            wide = _widen(key, other)
            if wide is not None and wide != key:
                relax = lambda a, k: TensorSpec(None if k[1] is None else list(k[1]), k[0]) if is_tensor_argument(a) else a
                if kwds:
                    break
                return tuple(relax(a, k) for a, k in zip(args, wide)), kwds, wide
        return args, kwds, key

    def _trace_once(self, args: Any, kwds: Any, created: list[Any], values: Any) -> ConcreteFunction:
        self._traces += 1
        graph = FuncGraph(fresh_name(f"__inference_{self._name}"))
        graph._api_attributes, graph._in_xla = self._attributes, bool(self._jit_compile)  # type: ignore[attr-defined]
        if tracing.traced is not None:
            tracing.traced.append(graph)
        placeholders: list[Any] = []

        def creator(next_creator: Any, **kwargs: Any) -> Any:
            v = next_creator(**kwargs)
            created.append(weakref.ref(v))
            return v

        graph._variable_creator = creator  # type: ignore[attr-defined]

        def enter(value: Any, label: str, now: Any = None) -> Any:
            if value is None:
                return None
            spec = value if isinstance(value, TypeSpec) else getattr(value, "_type_spec", None) if not isinstance(value, Tensor) else None
            if isinstance(value, TensorSpec) or is_tensor_argument(value):
                t = value if isinstance(value, TensorSpec) else door_outer(value)
                dims = t._dims if isinstance(t, Tensor) else None if t.shape.rank is None else tuple(t.shape.as_list())
                p = graph.add_input(t.dtype.base_dtype, dims, getattr(value, "name", None) if isinstance(value, TensorSpec) and value.name else label)
                data = getattr(t, "_handle_data", None)
                if data is not None:
                    p._handle_data = data
                placeholders.append(p)
                now = t if isinstance(t, Tensor) else now
                if now is not None and not isinstance(now, TypeSpec):
                    graph._arguments[p._id] = now if isinstance(now, Tensor) else outer.convert(now, p.dtype)
                return p
            if spec is not None and not hasattr(value, "handle"):
                if isinstance(value, TypeSpec):
                    parts = [enter(s, label) for s in nest.flatten(spec._component_specs)]
                    return spec._from_components(nest.pack_sequence_as(spec._component_specs, parts))
                parts = [enter(s, label) for s in nest.flatten(value, expand_composites=True)]
                return nest.pack_sequence_as(value, parts, expand_composites=True)
            if isinstance(value, (list, tuple, dict)) and nest.is_nested(value):
                return _map(lambda v: enter(v, label), value)
            return value

        outer = door.current()
        door_outer = lambda v: v if isinstance(v, Tensor) else outer.convert(v)
        with door.using(graph), door.watching(None):
            label = self._argument_name
            call_args = tuple(enter(a, label(i), values[i] if i < len(values) else None) for i, a in enumerate(args))
            call_kwds = {k: enter(kwds[k], k, kwds[k]) for k in sorted(kwds)}
            try:
                result = nest_kinds.plain(self._callable()(*call_args, **call_kwds))
            finally:
                graph._arguments = {}
            flat = [_identity(_returned(graph, r, self._name)) for r in nest.flatten(result, expand_composites=True)]
            result = _in_place(result, flat)
        structure = flat[0] if isinstance(result, (Tensor, np.ndarray)) or (not nest.is_nested(result) and not getattr(type(result), "__composite__", False) and flat[0] is not None) else result
        signature = (tuple(_specs_of(a, label(i)) for i, a in enumerate(args)), {k: _specs_of(v, k) for k, v in kwds.items()})
        concrete = ConcreteFunction(graph, placeholders, signature, structure, {**(self._attributes or {}), "jit_compile": self._jit_compile}, [p.op.name for p in placeholders])
        concrete.finish(flat)
        concrete._owner = self
        return concrete

    def _argument_name(self, index: int) -> str:
        """What the placeholder of a positional argument is called."""
        parameters = list(self._parameters.parameters.values()) if self._parameters is not None else []
        for i, p in enumerate(parameters):
            if p.kind is p.VAR_POSITIONAL:
                return f"{p.name}_{index - i}"
            if i == index and p.name != "self":
                return p.name
        return f"arg{index}"

    def _callable(self) -> Any:
        if not self._autograph:
            return self._python_function
        if self._converted is None:
            from penstock.fronts.autograph import convert_for_tracing

            self._converted = convert_for_tracing(self._python_function, self._autograph_options)
        return self._converted

    def _explain_retracing(self, key: Any) -> None:
        if len(self._keys) + 1 < MANY or self._reduce_retracing or len(self._keys) % MANY:
            return
        last = self._keys[-1][0]
        changed = ""
        try:
            for i, (a, b) in enumerate(zip(last, key)):
                if a != b:
                    names = list(self._parameters.parameters) if self._parameters is not None else []
                    changed = f" Argument {names[i] if i < len(names) else i!r} changed: it was {_shown(a)}, now it is {_shown(b)}."
                    break
        except TypeError:
            pass
        log.warning(
            "%d traces of %s so far (at %s): each new signature is traced and compiled anew.%s Pass tensors instead of Python numbers, give an "
            "input_signature, or use reduce_retracing=True.", len(self._keys) + 1, self._name, user_line(), changed,
        )  # fmt: skip

    def experimental_get_tracing_count(self) -> int:
        """How often the Python function was traced."""
        return self._traces

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for these arguments, which may be TensorSpecs."""
        if self._input_signature is not None and not args and not kwargs:
            args = self._input_signature
        args, kwargs = self.bind(args, kwargs)
        if self._input_signature is not None:
            args, kwargs = self._fit(args, kwargs)
        flat = nest.flatten((args, kwargs), expand_composites=True)
        if any(isinstance(t, GraphTensor) and not _is_around(t.graph) for t in flat):
            flat = [TensorSpec(t.shape, t.dtype.base_dtype) if isinstance(t, GraphTensor) and not _is_around(t.graph) else t for t in flat]
            args, kwargs = nest.pack_sequence_as((args, kwargs), flat, expand_composites=True)
        return self._concrete(args, kwargs)

    def _get_concrete_function_garbage_collected(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        return self.get_concrete_function(*args, **kwargs)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Its traces, for a SavedModel; a checkpoint has nothing of a function."""
        if save_type == "checkpoint":
            return {}
        if self._input_signature is not None:
            self.get_concrete_function()
        return {f"trace_{i}": c for i, c in enumerate(self._list_all_concrete_functions())}

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        return list(dict.fromkeys(self._cache.values()))

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Any:
        """A function of the stage (`hlo`, `optimized_hlo`, ...) that gives the compiler's text of this call."""
        concrete = self.get_concrete_function(*args, **kwargs)
        from penstock.engine.inspect import compiler_ir

        return compiler_ir(concrete.graph, [t._array for a in args for t in _tensors(a)] + [c._array for c in concrete.captures()])

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        try:
            found = self._methods.get(instance)
        except TypeError:
            found = None
        if found is None:
            bound = types.MethodType(self._python_function, instance)
            found = Function(bound, self._name, self._input_signature, self._autograph, self._jit_compile, self._reduce_retracing, self._implements,
                             self._autograph_options, self._attributes)  # fmt: skip
            try:
                self._methods[instance] = found
            except TypeError:
                pass
        return found

    def __repr__(self) -> str:
        return f"<tf.function {self._name} at 0x{id(self):x}>"

    def __deepcopy__(self, memo: Any) -> "Function":
        return self


_SCALARS = frozenset((int, float, bool, str, bytes, type(None)))


def _map(f: Any, value: Any) -> Any:
    if isinstance(value, dict):
        mapped = {k: f(v) for k, v in value.items()}
        return mapped if type(value) is dict else type(value)(mapped) if not hasattr(value, "default_factory") else type(value)(value.default_factory, mapped)
    if hasattr(value, "_fields"):
        return type(value)(*[f(v) for v in value])
    return type(value)([f(v) for v in value])


def _tensors(value: Any) -> list[Any]:
    """The tensors of an argument, flat, in the order in which tracing met them."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (np.ndarray, np.generic)):
        return [door.convert(value)]
    if value is None or type(value) in _SCALARS or (hasattr(value, "handle") and hasattr(value, "trainable")):
        return []
    if isinstance(value, dict):
        return [t for v in value.values() for t in _tensors(v)]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in _tensors(v)]
    if hasattr(value, "_type_spec"):
        return [t for t in nest.flatten(value, expand_composites=True) if isinstance(t, Tensor)]
    if hasattr(type(value), "__attrs_attrs__"):
        return [t for a in type(value).__attrs_attrs__ for t in _tensors(getattr(value, a.name))]
    return []


def _returned(graph: FuncGraph, value: Any, name: str) -> Any:
    if value is None or isinstance(value, Operation):
        return None
    try:
        return graph.convert(value)
    except (TypeError, ValueError) as e:
        raise TypeError(f"To be compatible with tf.function, Python functions must return zero or more Tensors or ExtensionTypes or None values; "
                        f"in compilation of {name}, found return value of type {type(value).__name__}, which is not a Tensor or ExtensionType. ({e})") from None  # fmt: skip


def _identity(output: Any) -> Any:
    """An output under the name that TensorFlow gives it."""
    if output is None:
        return None
    made = find("Identity")(output)
    data = getattr(output, "_handle_data", None)
    if data is not None:
        made._handle_data = data
    return made


def _in_place(result: Any, flat: list[Any]) -> Any:
    """What the function returned, with the outputs of its graph as the tensors."""
    leaves = nest.flatten(result, expand_composites=True)
    return nest.pack_sequence_as(result, [o if isinstance(r, Tensor) else r for r, o in zip(leaves, flat)], expand_composites=True)


def _specs_of(value: Any, label: str) -> Any:
    """An argument as specs, each named after its place in the argument."""
    if isinstance(value, dict):
        return _like(value, [_specs_of(v, f"{label}_{k}") for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        return _like(value, [_specs_of(v, f"{label}_{i}") for i, v in enumerate(value)])
    if isinstance(value, TensorSpec):
        return value if value.name else TensorSpec(value.shape, value.dtype, label)
    if isinstance(value, TypeSpec):
        return value
    if is_tensor_argument(value):
        t = door.convert(value)
        return TensorSpec(t.shape, t.dtype, label)
    return getattr(value, "_type_spec", value) if not hasattr(value, "handle") else value


def _like(value: Any, parts: list[Any]) -> Any:
    remaining = iter(parts)
    return _map(lambda _: next(remaining), value)


def _fit_one(value: Any, spec: Any, name: str, signature: Any) -> Any:
    if isinstance(spec, (list, tuple, dict)):
        flat_spec = nest.flatten(spec)
        try:
            flat = nest.flatten_up_to(spec, value)
        except (TypeError, ValueError) as e:
            raise TypeError(f"Structure of Python function inputs of {name} does not match input_signature {signature}: {e}") from None
        return nest.pack_sequence_as(spec, [_fit_one(v, s, name, signature) for v, s in zip(flat, flat_spec)])
    if isinstance(value, TypeSpec):
        if not value.is_subtype_of(spec) and not spec.is_compatible_with(value):
            raise TypeError(f"{name}(): {value} does not fit the input_signature {signature}")
        return value
    if isinstance(spec, TensorSpec):
        try:
            t = value if isinstance(value, Tensor) else door.convert(value, spec.dtype)
        except (TypeError, ValueError) as e:
            raise TypeError(f"When input_signature is provided, all inputs to the Python function must be convertible to tensors: {name}() got {value!r} for {spec}: {e}") from None
        if t.dtype.base_dtype is not spec.dtype or not t.shape.is_compatible_with(spec.shape):
            raise TypeError(f"Python inputs incompatible with input_signature: {name}() got {t.dtype.name}{t.shape} for {spec}\n  input_signature: {signature}")
        return t
    have = getattr(value, "_type_spec", None)
    if have is None or not spec.is_compatible_with(value):
        raise TypeError(f"Python inputs incompatible with input_signature: {name}() got {value!r} for {spec}")
    return value


def _is_within(key: Any, other: Any) -> bool:
    """Does `other` describe all that `key` describes?"""
    if key == other:
        return True
    if isinstance(key, tuple) and isinstance(other, tuple) and len(key) == len(other):
        if len(key) == 2 and hasattr(key[0], "as_numpy_dtype") and hasattr(other[0], "as_numpy_dtype"):
            if key[0] is not other[0]:
                return False
            if other[1] is None:
                return True
            return key[1] is not None and len(key[1]) == len(other[1]) and all(o is None or o == k for k, o in zip(key[1], other[1]))
        return all(_is_within(k, o) for k, o in zip(key, other))
    if isinstance(key, TypeSpec) and isinstance(other, TypeSpec):
        return key.is_subtype_of(other)
    return False


def _widen(key: Any, other: Any) -> Any:
    """The least general signature of tensors that holds both; None when something else differs."""
    if not (isinstance(key, tuple) and isinstance(other, tuple)) or len(key) != len(other):
        return None
    wide = []
    for k, o in zip(key, other):
        if k == o:
            wide.append(k)
        elif isinstance(k, tuple) and isinstance(o, tuple) and len(k) == len(o) == 2 and hasattr(k[0], "as_numpy_dtype") and k[0] is o[0]:
            a, b = k[1], o[1]
            wide.append((k[0], None if a is None or b is None or len(a) != len(b) else tuple(x if x == y else None for x, y in zip(a, b))))
        else:
            return None
    return tuple(wide)


def _shown(part: Any) -> str:
    if isinstance(part, tuple) and len(part) == 2 and hasattr(part[0], "as_numpy_dtype"):
        return f"{part[0].name}{list(part[1]) if part[1] is not None else '<unknown>'}"
    if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], type):
        return f"the Python {part[0].__name__} {part[1]!r}"
    return repr(part)


class _Parameters:
    """A callable with these parameters, for `inspect`."""

    def __init__(self, signature: Any):
        self.__signature__ = signature or inspect.Signature()

    def __call__(self) -> None:
        return None


def _is_around(graph: Any) -> bool:
    """Are ops added to this graph, or to a function inside it?  The tensors of other graphs stand for their specs."""
    here = door.current()
    while here is not graph and getattr(here, "outer", None) is not None:
        here = here.outer
    return here is graph


def _signature_of(function: Any) -> inspect.Signature:
    """The parameters of a function; those that a decorator names for a bound method begin with its object, which is bound."""
    found = inspect.signature(function)
    layer, bound = function, False
    while (made := getattr(layer, "_tf_decorator", None)) is not None and not bound:
        layer = made.decorated_target
        bound = inspect.ismethod(layer)
    parameters = list(found.parameters.values())
    return found.replace(parameters=parameters[1:]) if bound and parameters and parameters[0].name == "self" else found


def _created_late(created: list[Any]) -> ValueError:
    names = [v().name for v in created if v() is not None]
    return ValueError(
        "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only created once or created outside "
        f"tf.function. Created: {names or 'a variable that is gone already'}"
    )



@export("function")
def function(func: Any = None, input_signature: Any = None, autograph: bool = True, jit_compile: Any = None, reduce_retracing: bool = False,
             experimental_implements: Any = None, experimental_autograph_options: Any = None, experimental_attributes: Any = None,
             experimental_relax_shapes: Any = None, experimental_compile: Any = None, experimental_follow_type_hints: Any = None) -> Any:  # fmt: skip
    """Make a function that traces `func` into a graph once per signature of its inputs, compiles it, and runs that.

    >>> square = tf.function(lambda x: x * x)
    >>> square(tf.constant(3.0)).numpy()
    np.float32(9.0)
    """
    if experimental_relax_shapes is not None:
        reduce_retracing = experimental_relax_shapes
    if experimental_compile is not None:
        jit_compile = experimental_compile

    def decorated(inner: Any) -> Any:
        if isinstance(inner, Function):
            inner = inner.python_function
        if not callable(inner):
            raise TypeError(f"tf.function takes a callable, got {inner!r}")
        name = getattr(inner, "__name__", None) or getattr(getattr(inner, "func", None), "__name__", None) or type(inner).__name__
        name = "lambda" if name == "<lambda>" else name
        return Function(inner, name, input_signature, autograph, jit_compile, reduce_retracing, experimental_implements, experimental_autograph_options,
                        experimental_attributes)  # fmt: skip

    return decorated if func is None else decorated(func)
