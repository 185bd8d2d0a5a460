"""A traced function: its graph, what it captured, and how it is called."""

from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.engine.control import PARTITIONED_CALL, STATEFUL_PARTITIONED_CALL
from penstock.engine.kernels import eager_store
from penstock.engine.plan import is_stateful
from penstock.engine.run import function_plan
from penstock.fronts.body_gradients import extended, watched
from penstock.fronts.eager import EagerTensor, make
from penstock.fronts.implementations import prefer
from penstock.fronts.signature_text import one_line, parameters, verbose_text
from penstock.fronts.tape import variable_accessed
from penstock.fronts.trace import FuncGraph, inaccessible
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec

_new = object.__new__


@export("types.experimental.ConcreteFunction")
class ConcreteFunction(Trackable):
    """One trace of a `tf.function`, for one signature of its inputs."""

    def __init__(self, graph: FuncGraph, arguments: Any, signature: Any, structure: Any, attrs: dict[str, Any] | None = None, names: Any = None):
        self.graph = graph
        self._arguments = arguments  # the placeholders of the tensor arguments, flat
        self._signature = signature  # ((specs and values), {kwargs})
        self._structure = structure  # what the function returned, in structure
        self._attrs = attrs or {}
        self._names = names
        self._flat_outputs: list[Any] = []
        self._single = isinstance(structure, Tensor)
        self._captures: list[Any] | None = None
        self._types: list[Any] | None = None
        self._plan: Any = None
        self._stateful: bool | None = None
        self._owner: Any = None

    name = property(lambda s: s.graph.name.encode())
    inputs = property(lambda s: list(s.graph.inputs))
    outputs = property(lambda s: list(s.graph.outputs))
    variables = property(lambda s: s.graph.variables)
    trainable_variables = property(lambda s: s.graph.trainable_variables)
    captured_inputs = property(lambda s: s.graph.external_captures)
    function_type = property(lambda s: s._owner.function_type if s._owner is not None else None)

    @property
    def structured_input_signature(self) -> Any:
        """((specs and values), {keywords}) of the arguments; a spec without a name has its placeholder's."""
        leaves = nest.flatten(self._signature, expand_composites=False)
        at = [i for i, v in enumerate(leaves) if isinstance(v, TensorSpec)]
        if self._names is None or len(at) != len(self._names):
            return self._signature
        for i, name in zip(at, self._names):
            leaves[i] = TensorSpec(leaves[i].shape, leaves[i].dtype, leaves[i].name or name)
        return nest.pack_sequence_as(self._signature, leaves, expand_composites=False)

    @property
    def structured_outputs(self) -> Any:
        """The outputs in the structure that the function returns: tensors of its graph, or specs where it was loaded."""
        leaves = nest.flatten(self._structure, expand_composites=False)
        if len(leaves) == len(self._flat_outputs):  # numbers that it returned became tensors
            leaves = self._flat_outputs
        if self._owner is not None:
            return nest.pack_sequence_as(self._structure, leaves, expand_composites=False)
        specs = [TensorSpec(t.shape, t.dtype) if isinstance(t, Tensor) else t for t in leaves]
        return nest.pack_sequence_as(self._structure, specs, expand_composites=False)

    output_shapes = property(lambda s: nest.map_structure(lambda t: t.shape if isinstance(t, Tensor) else t, s._structure))
    output_dtypes = property(lambda s: nest.map_structure(lambda t: t.dtype if isinstance(t, Tensor) else t, s._structure))
    _func_graph = property(lambda s: s.graph)

    @property
    def function_def(self) -> Any:
        from penstock.ir.graphdef import function_def

        return function_def(self.graph)

    def add_to_graph(self, g: Any = None, overwrite: bool = False) -> None:
        """Put the function into a graph's library."""
        from penstock.fronts.default_graph import get_default_graph

        where = g or get_default_graph()
        where._functions[self.graph.name] = self.graph
        if "api_preferred_device" in self._attrs:
            prefer(self, where)

    def add_gradient_functions_to_graph(self, g: Any = None) -> None:
        """Put the functions of the backward pass into a graph's library: they are made from this one when a gradient asks for them."""
        self.add_to_graph(g)

    def finish(self, outputs: list[Any]) -> None:
        """Take the flat outputs (None where the function returned None) once tracing is over."""
        self._flat_outputs = outputs
        self.graph.outputs = [o for o in outputs if o is not None]
        self.graph.inputs = [*self._arguments, *self.graph.internal_captures]
        self.graph._version += 1

    # -- calling -----------------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call_flat(self._tensors_of(args, kwargs))

    def _tensors_of(self, args: Any, kwargs: Any) -> list[Any]:
        """The tensor arguments, flat, out of a call in the function's structure or with its tensors alone."""
        if self._names is not None and not args and kwargs and set(kwargs) == set(self._names):
            return [kwargs[n] for n in self._names]
        want_args, want_kwargs = self._signature
        want = nest.flatten((want_args, want_kwargs), expand_composites=True)
        if self._owner is not None:
            try:
                args, kwargs = self._owner.bind(args, kwargs, relaxed=True, defaults=(want_args, want_kwargs))
            except TypeError:
                pass
        given = nest.flatten((tuple(args), dict(kwargs)), expand_composites=True)
        tensors = [g for g in given if g is not None and _is_value(g)]
        if len(given) == len(want):
            tensors = [g for g, w in zip(given, want) if _is_tensor_like(w)]
        if len(tensors) != len(self._arguments):
            raise TypeError(f"{self.graph.name}() takes {len(self._arguments)} tensors, got {len(tensors)}; its signature is {self._signature}")
        out = []
        for t, p in zip(tensors, self._arguments):
            if hasattr(t, "handle") and p.dtype.name == "resource":
                t = t.handle
            t = door.convert(t, p.dtype.base_dtype) if p.dtype.name != "resource" else door.convert(t)
            if t.dtype.base_dtype is not p.dtype.base_dtype:
                raise TypeError(f"{self.graph.name}(): {p.op.name} is {t.dtype.name}, expected {p.dtype.name}")
            out.append(t)
        return out

    def captures(self) -> list[Any]:
        if self._captures is None:
            self._captures = self.graph.external_captures
        return self._captures

    def call_flat(self, tensors: list[Any]) -> Any:
        """Call with one tensor for each tensor argument."""
        state = door.state
        captures = self._captures
        if captures is None:
            captures = self.captures()
        here = state.emitter or door.default_emitter
        if not here.is_graph and not state.watchers:
            plan = self._plan
            if plan is None:
                plan = self._plan = function_plan(self.graph, eager_store)
                self._types = [t.dtype.base_dtype for t in self.graph.outputs]
                for c in captures:
                    if not hasattr(c, "_array"):
                        raise TypeError(str(inaccessible(c, self.graph)))
                self._capture_values = [c._array for c in captures]
            outs = plan([t._array for t in tensors] + self._capture_values)
            if self._single:
                made = _new(EagerTensor)
                made._array = outs[0]
                made.dtype = self._types[0]  # type: ignore[index]
                return made
            return self._pack([make(o, t) for o, t in zip(outs, self._types)])  # type: ignore[arg-type]
        if state.watchers or here.is_graph:
            for v in self.graph.variables:
                variable_accessed(v)
        graph: Any = self.graph
        if state.watchers and not here.is_graph:
            followed = watched((*tensors, *captures))
            if any(followed):
                graph = extended(graph, followed)  # with what the backward pass will ask for
        if self._stateful is None:
            self._stateful = is_stateful(self.graph)
        op = STATEFUL_PARTITIONED_CALL if self._stateful else PARTITIONED_CALL
        results = op([*tensors, *[here.convert(c) for c in captures]], f=graph, Tout=[t.dtype.base_dtype for t in graph.outputs])
        if not isinstance(results, list):
            results = []
        return self._pack(results[: len(self.graph.outputs)])

    def _pack(self, results: list[Any]) -> Any:
        given = iter(results)
        flat = []
        for o in self._flat_outputs:
            if o is None:
                flat.append(None)
                continue
            t = next(given)
            data = getattr(o, "_handle_data", None)
            if data is not None:
                t._handle_data = data
            flat.append(t)
        if self._single:
            return flat[0]
        return nest.pack_sequence_as(self._structure, flat, expand_composites=True)

    def _call_flat(self, args: Any, captured_inputs: Any = None) -> Any:
        return self.call_flat([door.convert(a) for a in args])

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """The parameters, the result and (`verbose`) the captures as text."""
        rows = parameters(self._signature, self.function_type)
        return verbose_text(rows, self.structured_outputs, self.captures()) if verbose else one_line(rows, self.structured_outputs)

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.pretty_printed_signature(verbose=False)} at 0x{id(self):X}>"

    def __str__(self) -> str:
        return f"ConcreteFunction {self.pretty_printed_signature()}"


def _is_value(x: Any) -> bool:
    return isinstance(x, Tensor) or hasattr(x, "__array__") or hasattr(x, "handle") or isinstance(x, (int, float, list))


def _is_tensor_like(x: Any) -> bool:
    return isinstance(x, (Tensor, TensorSpec)) or hasattr(x, "_is_variable_spec")
