"""Variables of 1.x graphs behind reference tensors: what a program gets that did not ask for resources."""

from collections.abc import Callable
from typing import Any

from penstock.base.dtypes import as_dtype
from penstock.base.shape import TensorShape, as_dims
from penstock.fronts.tape import variable_accessed
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.ops import state, state_scatter
from penstock.ops.identity import identity
from penstock.state.collections import GraphKeys
from penstock.state.resource_variable import _value, colocated, outermost
from penstock.state.variable import VariableV1, settle_trainable


class RefVariable(VariableV1):
    """A variable as a reference tensor and the tensor that reads it."""

    def __init__(
        self, initial_value: Any = None, trainable: bool | None = None, collections: Any = None, validate_shape: bool = True,
        caching_device: Any = None, name: str | None = None, variable_def: Any = None, dtype: Any = None, expected_shape: Any = None,
        import_scope: str | None = None, constraint: Callable[..., Any] | None = None, synchronization: Any = None, aggregation: Any = None,
        shape: Any = None,
    ):  # fmt: skip
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            from penstock.state.variable_defs import restore_reference

            restore_reference(self, variable_def, import_scope)
            return
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if not door.current().is_graph:
            raise RuntimeError(
                "Reference variables are not supported when eager execution is enabled. Please use `tf.compat.v1.Variable(..., use_resource=True)`."
            )
        collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
        if not isinstance(collections, (list, tuple, set)):
            raise ValueError(
                f"collections argument to Variable constructor must be a list, tuple, or set. Got {collections} of type {type(collections)}"
            )
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self._constraint = constraint
        self._synchronization, self._aggregation, self._trainable = settle_trainable(
            synchronization, aggregation, trainable, name
        )
        self._save_slice_info = None
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        with outermost() as graph:
            self._make(
                graph,
                initial_value,
                None if dtype is None else as_dtype(dtype).base_dtype,
                shape,
                name,
                validate_shape,
                caching_device,
            )
            graph.add_to_collections(collections, self)

    def _make(
        self,
        graph: Any,
        initial: Any,
        dtype: Any,
        shape: Any,
        name: str | None,
        validate_shape: bool,
        caching_device: Any,
    ) -> None:
        typed = isinstance(initial, Tensor) or hasattr(type(initial), "__tf_tensor__")
        with graph.control_dependencies(None), graph.name_scope(name or "Variable") as scope:
            if callable(initial) and not typed:
                with graph.name_scope("Initializer"), colocated(graph, scope[:-1]):
                    made = initial()
                    value = self._converted(graph, made, dtype)
            else:
                value = self._converted(graph, initial, dtype)
            self._initial_value = value
            dims = as_dims(shape) if shape is not None else value._dims
            if validate_shape and (value._dims is None or None in value._dims) and shape is None:
                raise ValueError(f"initial_value must have a shape specified: {value}")
            self._variable = state.variable_v2(dtype=value.dtype.base_dtype, shape=dims if validate_shape else (None if shape is None else dims),
                                               container=graph._container, name=scope)  # fmt: skip
            if callable(initial) and not typed:
                self._variable.op.colocation = (self._variable.op.name,)
            with colocated(graph, self._variable.op.name):
                made = state.assign(self._variable, value, validate_shape=validate_shape, name="Assign")
                self._initializer_op = made.op
                if caching_device is None:
                    self._snapshot = identity(self._variable, name="read")
            if caching_device is not None:
                with graph.device(caching_device):
                    self._snapshot = identity(self._variable, name="read")
            self._caching_device = caching_device

    @staticmethod
    def _converted(graph: Any, value: Any, dtype: Any) -> Any:
        tensor = graph.convert(value, None if isinstance(value, Tensor) else dtype, "initial_value")
        if dtype is not None and tensor.dtype.base_dtype is not dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {tensor.dtype.name}: {tensor!r}"
            )
        return tensor

    # -- what it is ---------------------------------------------------------------------------------------------------
    name = property(lambda s: s._variable.name)
    op = property(lambda s: s._variable.op)
    graph = property(lambda s: s._variable.graph)
    dtype = property(lambda s: s._variable.dtype)
    device = property(lambda s: s._variable.device)
    initializer = property(lambda s: s._initializer_op)
    initial_value = property(lambda s: s._initial_value)
    constraint = property(lambda s: s._constraint)
    trainable = property(lambda s: s._trainable)
    synchronization = property(lambda s: s._synchronization)
    aggregation = property(lambda s: s._aggregation)
    _ref_tensor = property(lambda s: s._variable)
    _shared_name = property(lambda s: s.name[: s.name.rindex(":")])

    @property
    def shape(self) -> TensorShape:
        return self._variable.get_shape()

    @property
    def _dims(self) -> Any:
        return self._variable._dims

    def set_shape(self, shape: Any) -> None:
        """Say more about the shape."""
        self._variable.set_shape(shape)
        self.value().set_shape(shape)

    def _ref(self) -> Any:
        return self._variable

    def _as_graph_element(self) -> Any:
        return self._variable

    # -- reads --------------------------------------------------------------------------------------------------------
    def value(self) -> Any:
        """The tensor that reads the variable."""
        variable_accessed(self)
        return self._snapshot

    def read_value(self) -> Any:
        """A tensor with the value at this point of the program, behind the control dependencies that hold here."""
        variable_accessed(self)
        return identity(self._variable, name="read")

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        if dtype is not None and as_dtype(dtype).base_dtype is not self.dtype.base_dtype:
            raise ValueError(
                f"Incompatible type conversion requested to type '{as_dtype(dtype).name}' for variable of type '{self.dtype.name}'"
            )
        return door.convert(self.value())

    def _AsTensor(self) -> Any:  # noqa: N802
        return self._snapshot

    def eval(self, session: Any = None) -> Any:
        """The value in a session."""
        return self._variable.eval(session=session)

    def initialized_value(self) -> Any:
        """The value when the variable has one, else its initial value."""
        from penstock.fronts.control import cond

        with outermost():
            return cond(state.is_variable_initialized(self._variable), self.read_value, lambda: self._initial_value)

    def is_initialized(self, name: str | None = None) -> Any:
        """Has the variable a value?"""
        return state.is_variable_initialized(self._variable, name=name)

    def count_up_to(self, limit: int) -> Any:
        """Count up by one; OutOfRangeError at the limit."""
        return state.count_up_to(self._variable, limit=limit)

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """The slices at `indices` of the first axis."""
        from penstock.ir.op import find

        return find("GatherV2")(self, indices, 0, name=name)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """The elements or slices at the coordinates in the last axis of `indices`."""
        from penstock.ir.op import find

        return find("GatherNd")(self.value(), indices, name=name)

    # -- writes -------------------------------------------------------------------------------------------------------
    def _update(self, op: Any, *arguments: Any, name: str | None, read_value: bool = True, **attrs: Any) -> Any:
        with colocated(door.current(), self.op.name):
            made = op(self._variable, *arguments, name=name, **attrs)
        return made if read_value else made.op

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Give the variable a new value; the reference after it (the op when not `read_value`)."""
        return self._update(state.assign, value, use_locking=bool(use_locking), name=name, read_value=read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add `delta` to the variable."""
        return self._update(state.assign_add, delta, use_locking=bool(use_locking), name=name, read_value=read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract `delta` from the variable."""
        return self._update(state.assign_sub, delta, use_locking=bool(use_locking), name=name, read_value=read_value)

    def _scatter(self, op: Any, delta: Any, use_locking: bool, name: str | None) -> Any:
        if not (hasattr(delta, "values") and hasattr(delta, "indices") and hasattr(delta, "dense_shape")):
            raise TypeError(f"sparse_delta is not IndexedSlices: {delta}")
        return self._update(op, delta.indices, delta.values, use_locking=bool(use_locking), name=name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace rows inside of each batch entry."""
        from penstock.state.assignments import batch_scatter_update

        return batch_scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract from elements or slices."""
        return self._update(state_scatter.scatter_nd_sub, indices, updates, use_locking=True, name=name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add to elements or slices."""
        return self._update(state_scatter.scatter_nd_add, indices, updates, use_locking=True, name=name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace elements or slices."""
        return self._update(state_scatter.scatter_nd_update, indices, updates, use_locking=True, name=name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Raise elements or slices."""
        return self._update(state_scatter.scatter_nd_max, indices, updates, use_locking=True, name=name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Lower elements or slices."""
        return self._update(state_scatter.scatter_nd_min, indices, updates, use_locking=True, name=name)

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None, masks: dict[str, int]
    ) -> Any:
        value = _value(value, self.dtype.base_dtype) if isinstance(value, Tensor) else value
        return self._update(state_scatter.strided_slice_assign, begin, end, strides, value, name=name, **masks)

    def load(self, value: Any, session: Any = None) -> None:
        """Give the variable a value without adding to the graph."""
        session = session or self.graph._session(None, "load")
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    # -- Python's protocols -------------------------------------------------------------------------------------------
    def __getitem__(self, slice_spec: Any) -> Any:
        from penstock.state.assignments import sliced

        return sliced(self, slice_spec)

    def __iter__(self) -> Any:
        return iter(self.value())

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The variable as a VariableDef, None when it is not in the scope."""
        from penstock.state.variable_defs import variable_def

        return variable_def(self, export_scope)


def _scatter_method(name: str, doc: str) -> None:
    op = getattr(state_scatter, name)

    def scatter(self: RefVariable, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        return self._scatter(op, sparse_delta, use_locking, name)

    scatter.__name__, scatter.__qualname__, scatter.__doc__ = name, f"RefVariable.{name}", doc
    setattr(RefVariable, name, scatter)


for _name, _doc in {
    "scatter_add": "Add the rows of an IndexedSlices.", "scatter_sub": "Subtract the rows of an IndexedSlices.",
    "scatter_max": "Raise rows to those of an IndexedSlices.", "scatter_min": "Lower rows to those of an IndexedSlices.",
    "scatter_mul": "Multiply by the rows of an IndexedSlices.", "scatter_div": "Divide by the rows of an IndexedSlices.",
    "scatter_update": "Replace rows by those of an IndexedSlices.",
}.items():  # fmt: skip
    _scatter_method(_name, _doc)
