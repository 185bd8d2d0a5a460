"""Variables behind handles: every variable of eager code and of functions, and those of graphs unless they ask for references."""

import copy
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.base.errors import OpError
from penstock.base.shape import TensorShape, as_dims
from penstock.engine.plan import order
from penstock.fronts.eager import EAGER, EagerTensor, make
from penstock.fronts.tape import variable_accessed
from penstock.ir import convert, door
from penstock.ir.graph import GraphTensor
from penstock.ir.known import group, known_value
from penstock.ir.scope import name_scope
from penstock.ops import state, state_scatter
from penstock.ops.identity import identity
from penstock.state.collections import GraphKeys
from penstock.state.variable import Variable, settle_trainable


@contextmanager
def outermost() -> Iterator[Any]:
    """A context outside of all functions being traced: the emitter that variables belong to; the name scope stays."""
    here = door.current()
    scope = here.get_name_scope() if here.is_graph else door.state.name_scope
    where = here
    while where.is_graph and where.building_function:
        where = where.outer
    if where is here:
        yield where
        return
    with door.using(where):
        if not where.is_graph:
            before, door.state.name_scope = door.state.name_scope, f"{scope}/" if scope else ""
            try:
                yield where
            finally:
                door.state.name_scope = before
        else:
            with where.control_dependencies(None), where.name_scope(f"{scope}/" if scope else None):
                yield where


@contextmanager
def colocated(graph: Any, name: str | None) -> Iterator[None]:
    """Nodes made inside say that they stand where the node `name` does."""
    outer = graph._colocation, graph._devices
    graph._colocation = (name,) if name else ()
    if name:
        graph._devices = ()  # the device is that of the node
    try:
        yield
    finally:
        graph._colocation, graph._devices = outer


def lifted(value: Any, graph: Any) -> Any:
    """A tensor of a function being traced, computed outside of it; ValueError when it depends on arguments without values."""
    if not isinstance(value, GraphTensor) or value.graph is graph:
        return value
    known = known_value(value)
    if known is not None:
        return door.convert(known, value.dtype.base_dtype)
    inner = value.graph
    env: dict[int, Any] = {}
    for inside, outside in (*getattr(inner, "_outside", {}).items(), *getattr(inner, "_arguments", {}).items()):
        env[inside] = (
            outside if not isinstance(outside, GraphTensor) or outside.graph is graph else lifted(outside, graph)
        )
    if value._id in env:
        return env[value._id]
    for node in order([value.op], env):
        if node.type == "Placeholder":
            raise ValueError(
                f"The initial value of a variable depends on {node.outputs[0]!r}, an argument of the function being traced: "
                "make the variable from values that are known outside, or pass a callable"
            )
        flat = [env[t._id] for t in node.inputs]
        op = node.definition
        attrs = {k: v for k, v in node.attrs.items() if k not in op.sig.inferred}
        outs = door.emit(op, tuple(group(op, flat, node.attrs)), attrs)
        for t, v in zip(node.outputs, outs if isinstance(outs, (list, tuple)) else [outs]):
            env[t._id] = v
    return env[value._id]


class BaseResourceVariable(Variable):
    """A variable as its handle."""

    _in_graph_mode: bool
    _handle: Any
    _caching_device: Any = None
    _cached_value: Any = None
    _graph_element: Any = None
    _initializer_op: Any = None
    _initial_value: Any = None
    _is_initialized_op: Any = None
    _constraint: Any = None
    _validate_shape = True

    # -- what it is ---------------------------------------------------------------------------------------------------
    @property
    def _type_spec(self) -> Any:
        from penstock.state.variable_spec import VariableSpec

        return VariableSpec.from_value(self)

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        from penstock.state.variable_spec import VariableSpec

        return VariableSpec(shape, self.dtype, self.trainable)

    def _convert_variables_to_tensors(self) -> Any:
        return self

    handle = property(lambda s: s._handle)
    dtype = property(lambda s: s._dtype)
    trainable = property(lambda s: s._trainable)
    synchronization = property(lambda s: s._synchronization)
    aggregation = property(lambda s: s._aggregation)
    constraint = property(lambda s: s._constraint)
    device = property(lambda s: s._handle.device)
    graph = property(lambda s: s._handle.graph)
    op = property(lambda s: s._handle.op)

    @property
    def name(self) -> str:
        return self._handle_name

    @property
    def _shared_name(self) -> str:
        return self._handle_name[: self._handle_name.rindex(":")]

    @property
    def create(self) -> Any:
        """The op that initialises the variable."""
        if not self._in_graph_mode:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        return self._initializer_op

    @property
    def initializer(self) -> Any:
        return self._initializer_op

    @property
    def initial_value(self) -> Any:
        if not self._in_graph_mode:
            raise RuntimeError("This property is not supported when eager execution is enabled.")
        return self._initial_value

    def _as_graph_element(self) -> Any:
        return self._graph_element

    def _export_to_saved_model_graph(self, object_map: Any, tensor_map: Any, options: Any = None, **kwargs: Any) -> list[Any]:
        """Make a stand-in in the graph of a SavedModel; gives the handles that were mapped."""
        from penstock.state.saved_model.exported_graph import stand_in

        return stand_in(self, object_map, tensor_map)

    def _write_object_proto(self, proto: Any, options: Any) -> None:
        """Describe the variable in a SavedObject message."""
        from penstock.state.saved_model.exported_graph import write_variable

        write_variable(self, proto, options)

    def _itself(self) -> Any:
        """The variable that was made, behind the reads of assignments."""
        return self

    # -- reads --------------------------------------------------------------------------------------------------------
    def _read_variable_op(self) -> Any:
        here = door.current()
        if here is EAGER and not door.state.watchers:
            return make(self._handle._array.read(), self._dtype)
        variable_accessed(self._itself())
        return self._shaped(state.read_variable_op(self._handle, dtype=self._dtype))

    def _shaped(self, value: Any) -> Any:
        if isinstance(value, GraphTensor) and value._dims is None and self._shape._dims is not None:
            value.set_shape(self._shape)
        return value

    def value(self) -> Any:
        """A tensor with the value now."""
        if self._cached_value is not None:
            return self._cached_value
        return self._read_variable_op()

    def read_value(self) -> Any:
        """A tensor with the value at this point of the program, behind the control dependencies that hold here."""
        if not door.current().is_graph:
            return self._read_variable_op()
        with name_scope("Read"):
            value = self._read_variable_op()
        return identity(value)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        if dtype is not None and as_dtype(dtype).base_dtype is not self._dtype:
            raise ValueError(
                f"Incompatible type conversion requested to type {as_dtype(dtype).name} for `tf.Variable of type {self._dtype.name}. (Variable: {self!r})"
            )
        return self.value()

    def _dense_var_to_tensor(self, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
        return self._handle if as_ref else self.__tf_tensor__(dtype, name)

    def numpy(self) -> Any:
        """The value as a NumPy array; only in eager code."""
        if door.current().is_graph or self._in_graph_mode:
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        return self.value().numpy()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self._in_graph_mode:
            raise NotImplementedError(f"Cannot convert a symbolic tf.Variable ({self.name}) to a numpy array.")
        return np.asarray(self.numpy(), dtype)

    def eval(self, session: Any = None) -> Any:
        """The value in a session."""
        if not self._in_graph_mode:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        return self._graph_element.eval(session=session)

    def is_initialized(self, name: str | None = None) -> Any:
        """Has the variable a value?"""
        return state.var_is_initialized_op(self._handle, name=name)

    def initialized_value(self) -> Any:
        """The value when the variable has one, else its initial value."""
        if not self._in_graph_mode:
            return self.value()
        from penstock.fronts.control import cond

        with outermost():
            return cond(self.is_initialized(), self.read_value, lambda: self._initial_value)

    def count_up_to(self, limit: int) -> Any:
        """Count up by one; OutOfRangeError at the limit."""
        return state.resource_count_up_to(self._handle, T=self._dtype, limit=limit)

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """The rows at `indices`."""
        variable_accessed(self._itself())
        if door.current().is_graph:
            with name_scope("Gather" if name is None else name) as scope:
                value = state_scatter.resource_gather(self._handle, indices, dtype=self._dtype, name=scope)
            return identity(value)
        return state_scatter.resource_gather(self._handle, indices, dtype=self._dtype)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """The elements or slices at the coordinates in the last axis of `indices`."""
        variable_accessed(self._itself())
        return state_scatter.resource_gather_nd(self._handle, indices, dtype=self._dtype, name=name)

    # -- writes -------------------------------------------------------------------------------------------------------
    def _lazy_read(self, op: Any) -> Any:
        return UnreadVariable(self, op)

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Give the variable a new value; the variable as it is afterwards (the op when not `read_value`)."""
        tensor = _value(value, self._dtype)
        if not self._shape.is_compatible_with(tensor.shape):
            named = "" if self.name is None else f" {self.name}"
            raise ValueError(f"Cannot assign value to variable '{named}': Shape mismatch.The variable shape {self._shape}, and the assigned value shape "
                             f"{tensor.shape} are incompatible.")  # fmt: skip
        if type(tensor) is EagerTensor and type(self._handle) is EagerTensor:
            self._handle._array.write(tensor._array)
            return self._lazy_read(None) if read_value else None
        op = state.assign_variable_op(self._handle, tensor, name=name)
        return self._lazy_read(op) if read_value else op

    def assign_add(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add `delta` to the variable."""
        op = state.assign_add_variable_op(self._handle, _value(delta, self._dtype), name=name)
        return self._lazy_read(op) if read_value else op

    def assign_sub(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract `delta` from the variable."""
        op = state.assign_sub_variable_op(self._handle, _value(delta, self._dtype), name=name)
        return self._lazy_read(op) if read_value else op

    def _scatter(self, op: Any, delta: Any, name: str | None) -> Any:
        if not (hasattr(delta, "values") and hasattr(delta, "indices") and hasattr(delta, "dense_shape")):
            raise TypeError(f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {delta}")
        return self._lazy_read(op(self._handle, delta.indices, _value(delta.values, self._dtype), name=name))

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Add the rows of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_add, sparse_delta, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtract the rows of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_sub, sparse_delta, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Raise rows to those of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_max, sparse_delta, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Lower rows to those of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_min, sparse_delta, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiply by the rows of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_mul, sparse_delta, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divide by the rows of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_div, sparse_delta, name)

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace rows by those of an IndexedSlices."""
        return self._scatter(state_scatter.resource_scatter_update, sparse_delta, name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace rows inside of each batch entry."""
        from penstock.state.assignments import batch_scatter_update

        return self._lazy_read(
            batch_scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name)
        )

    def _scatter_nd(self, op: Any, indices: Any, updates: Any, name: str | None) -> Any:
        return self._lazy_read(op(self._handle, indices, _value(updates, self._dtype), name=name))

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add to elements or slices."""
        return self._scatter_nd(state_scatter.resource_scatter_nd_add, indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract from elements or slices."""
        return self._scatter_nd(state_scatter.resource_scatter_nd_sub, indices, updates, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace elements or slices."""
        return self._scatter_nd(state_scatter.resource_scatter_nd_update, indices, updates, name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Raise elements or slices."""
        return self._scatter_nd(state_scatter.resource_scatter_nd_max, indices, updates, name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Lower elements or slices."""
        return self._scatter_nd(state_scatter.resource_scatter_nd_min, indices, updates, name)

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None, masks: dict[str, int]
    ) -> Any:
        op = state_scatter.resource_strided_slice_assign(
            self._handle, begin, end, strides, _value(value, self._dtype), name=name, **masks
        )
        return self._lazy_read(op)

    def load(self, value: Any, session: Any = None) -> None:
        """Give the variable a value without adding to the graph."""
        if not self._in_graph_mode:
            self.assign(value)
            return
        session = session or self._graph_element.graph._session(None, "load")
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    # -- Python's protocols -------------------------------------------------------------------------------------------
    def __getitem__(self, slice_spec: Any) -> Any:
        from penstock.state.assignments import sliced

        return sliced(self, slice_spec)

    def __bool__(self) -> bool:
        return bool(self.value())

    __nonzero__ = __bool__

    def __int__(self) -> int:
        return int(self.value())

    def __float__(self) -> float:
        return float(self.value())

    def __index__(self) -> int:
        return self.value().__index__()

    def __complex__(self) -> complex:
        return complex(self.value().numpy())

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._in_graph_mode:
            raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")
        made = ResourceVariable(
            initial_value=self.read_value(), trainable=self._trainable, constraint=self._constraint, dtype=self._dtype, name=self._shared_name,
            synchronization=self._synchronization, aggregation=self._aggregation, shape=self._shape,
        )  # fmt: skip
        memo[id(self)] = made
        for key, value in self.__dict__.items():
            if key not in made.__dict__:
                made.__dict__[key] = copy.deepcopy(value, memo)
        return made

    def __reduce__(self) -> Any:
        if self._in_graph_mode:
            raise NotImplementedError("Only eager variables can be pickled.")
        settings = dict(
            name=self._shared_name,
            trainable=self._trainable,
            dtype=self._dtype,
            shape=self._shape.as_list() if self._shape.rank is not None else None,
        )
        return _from_pickle, (self.numpy(), settings)

    def __repr__(self) -> str:
        if self._in_graph_mode:
            return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self._dtype.name}>"
        try:
            value = self.value().numpy()
            text = repr(value) if isinstance(value, (np.ndarray, bytes)) else str(value)
        except (OpError, NotImplementedError):
            text = "<uninitialized>"
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self._dtype.name}, numpy={text}>"

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The variable as a VariableDef, None when it is not in the scope."""
        if not self._in_graph_mode:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        from penstock.state.variable_defs import variable_def

        return variable_def(self, export_scope)

    @property
    def _unique_id(self) -> str:
        return f"{self._shared_name}_{self._handle._id}"


def _value(value: Any, dtype: Any) -> Any:
    if isinstance(value, convert.Tensor) or hasattr(type(value), "__tf_tensor__"):
        tensor = door.convert(value)
        if tensor.dtype.base_dtype is not dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {tensor.dtype.name}: {tensor!r}"
            )
        return tensor
    return door.convert(value, dtype)


def _from_pickle(value: Any, settings: dict[str, Any]) -> Any:
    return ResourceVariable(initial_value=value, **settings)


class ResourceVariable(BaseResourceVariable):
    """A variable with an initial value."""

    def __init__(
        self, initial_value: Any = None, trainable: bool | None = None, collections: Any = None, validate_shape: bool = True,
        caching_device: Any = None, name: str | None = None, dtype: Any = None, variable_def: Any = None, import_scope: str | None = None,
        constraint: Callable[..., Any] | None = None, distribute_strategy: Any = None, synchronization: Any = None, aggregation: Any = None,
        shape: Any = None, handle: Any = None, experimental_enable_variable_lifting: Any = None,
    ):  # fmt: skip
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError(
                    "The variable_def and initial_value args to `tf.Variable` are mutually exclusive, but got both."
                )
            self._init_from_proto(variable_def, import_scope, validate_shape)
            return
        if initial_value is None:
            raise ValueError(
                "The `initial_value` arg to `tf.Variable` must be specified except when you are not providing a `variable_def`. You provided neither."
            )
        self._synchronization, self._aggregation, self._trainable = settle_trainable(
            synchronization, aggregation, trainable, name
        )
        if isinstance(initial_value, convert.Tensor) and getattr(getattr(initial_value, "graph", None) if isinstance(initial_value, GraphTensor) else None,
                                                                "is_control_flow_body", False) and initial_value.graph.outer.is_graph:  # fmt: skip
            raise ValueError("Tensor-typed variable initializers must either be wrapped in an init_scope or callable (e.g., `tf.Variable(lambda : "
                             "tf.truncated_normal([10, 40]))`) when building functions.")  # fmt: skip
        collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
        if not isinstance(collections, (list, tuple, set)):
            raise ValueError(
                f"collections argument to Variable constructor must be a list, tuple, or set. Got {collections} of type {type(collections)}"
            )
        if constraint is not None and not callable(constraint):
            raise ValueError(
                f"Argument `constraint` must be None or a callable. a callable. Got a {type(constraint)}:  {constraint}"
            )
        self._constraint = constraint
        self._validate_shape = validate_shape
        self._save_slice_info = None
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        wanted = None if dtype is None else as_dtype(dtype).base_dtype
        with outermost() as here:
            self._in_graph_mode = here.is_graph
            if here.is_graph:
                self._make_in_graph(here, initial_value, wanted, shape, name, caching_device)
            else:
                self._make_eagerly(here, initial_value, wanted, shape, name)
        self._handle._handle_data = (self._dtype, self._shape._dims)
        self._handle._variable = weakref.ref(self)
        if self._in_graph_mode:
            self.graph.add_to_collections(collections, self)
        elif GraphKeys.GLOBAL_STEP in collections:
            from penstock.fronts.default_graph import get_default_graph

            get_default_graph().add_to_collections(collections, self)

    def _make_eagerly(self, here: Any, initial: Any, dtype: Any, shape: Any, name: str | None) -> None:
        value = lifted(_checkpointed(initial() if callable(initial) else initial), here)
        tensor = here.convert(value, dtype if not _typed(value) else None)
        if dtype is not None and tensor.dtype.base_dtype is not dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {tensor.dtype.name}: {tensor!r}"
            )
        self._settle_shape(tensor, shape)
        self._dtype = tensor.dtype.base_dtype
        full = name[:-1] if name and name.endswith("/") else f"{door.state.name_scope}{name or 'Variable'}"
        self._handle_name = f"{full}:0"
        with door.watching(None):
            self._handle = state.var_handle_op(dtype=self._dtype, shape=self._shape._dims)
            self._handle._array.name = full
            state.assign_variable_op(self._handle, tensor)

    def _make_in_graph(
        self, graph: Any, initial: Any, dtype: Any, shape: Any, name: str | None, caching_device: Any
    ) -> None:
        with graph.name_scope(name or "Variable") as scope, graph.control_dependencies(None):
            handle_name = scope[:-1]
            if _typed(initial) and not callable(initial):
                value = graph.convert(lifted(initial, graph))
            else:
                with graph.name_scope("Initializer"), colocated(graph, handle_name):
                    made = _checkpointed(initial()) if callable(initial) else initial
                    made = lifted(made, graph) if isinstance(made, GraphTensor) else made
                    value = graph.convert(made, None if _typed(made) else dtype, "initial_value")
            if dtype is not None and value.dtype.base_dtype is not dtype:
                raise ValueError(
                    f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {value.dtype.name}: {value!r}"
                )
            self._settle_shape(value, shape)
            self._dtype = value.dtype.base_dtype
            self._initial_value = value
            self._handle_name = f"{handle_name}:0"
            self._handle = state.var_handle_op(dtype=self._dtype, shape=self._shape._dims, shared_name=handle_name, debug_name=scope,
                                               container=graph._container, name=scope)  # fmt: skip
            self._handle._handle_data = (self._dtype, self._shape._dims)
            with graph.name_scope("IsInitialized"):
                self._is_initialized_op = state.var_is_initialized_op(self._handle)
            if callable(initial):
                self._handle.op.colocation = (handle_name,)
            with graph.device(None), graph.device(self._handle.device) if self._handle.device else _nothing():
                self._initializer_op = state.assign_variable_op(self._handle, value, name="Assign")
            with graph.name_scope("Read"):
                with graph.device(self._handle.device or None) if self._handle.device else _nothing():
                    read = self._shaped(state.read_variable_op(self._handle, dtype=self._dtype))
                self._graph_element = read
                if caching_device is not None:
                    with graph.device(caching_device):
                        self._cached_value = identity(read)
                self._caching_device = caching_device

    def _settle_shape(self, value: Any, shape: Any) -> None:
        if shape is None:
            self._shape = TensorShape._of(
                value._dims if self._validate_shape or not self._in_graph_mode else value._dims
            )
            return
        if not value.shape.is_compatible_with(shape):
            raise ValueError(f"In this `tf.Variable` creation, the initial value's shape ({value.shape}) is not compatible with the explicitly supplied "
                             f"`shape` argument ({shape}).")  # fmt: skip
        self._shape = TensorShape._of(as_dims(shape))

    def _init_from_proto(self, variable_def: Any, import_scope: str | None, validate_shape: bool) -> None:
        from penstock.state.variable_defs import restore_resource

        restore_resource(self, variable_def, import_scope, validate_shape)


ResourceVariable.__module__ = "tensorflow.python.ops.resource_variable_ops"  # programs ask for it


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _typed(value: Any) -> bool:
    return isinstance(value, convert.Tensor) or hasattr(type(value), "__tf_tensor__")


def _checkpointed(value: Any) -> Any:
    """The value itself, where a checkpoint handed one over wrapped."""
    return getattr(value, "wrapped_value", value)


class UnreadVariable(BaseResourceVariable):
    """A variable as it is after an assignment: reads wait for it."""

    def __init__(self, variable: BaseResourceVariable, parent: Any):
        self.__dict__.update(variable.__dict__)
        self._variable, self._parent_op, self._graph_element = variable, parent, None
        here = door.current()
        if here.is_graph and parent is not None and not here.building_function:
            with here.control_dependencies([parent]):
                self._graph_element = super()._read_variable_op()

    @property
    def name(self) -> str:
        return self._parent_op.name if self._parent_op is not None else "UnreadVariable"

    @property
    def op(self) -> Any:
        return self._parent_op

    def _itself(self) -> Any:
        return self._variable._itself()

    def _read_variable_op(self) -> Any:
        here = door.current()
        if here.is_graph and self._parent_op is not None and self._parent_op.graph is here:
            with here.control_dependencies([self._parent_op]):
                return super()._read_variable_op()
        return super()._read_variable_op()

    def _as_graph_element(self) -> Any:
        if self._graph_element is None and self._parent_op is not None:
            self._graph_element = self._read_variable_op()
        return self._graph_element

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        with self._after():
            return super().assign(value, use_locking, name, read_value)

    def assign_add(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        with self._after():
            return super().assign_add(delta, use_locking, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        with self._after():
            return super().assign_sub(delta, use_locking, name, read_value)

    def _after(self) -> Any:
        here = door.current()
        return (
            here.control_dependencies([self._parent_op])
            if here.is_graph and self._parent_op is not None
            else _nothing()
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_variable" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._variable, name)
