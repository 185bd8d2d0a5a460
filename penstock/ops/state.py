"""Variables: the handles, reads and writes that every variable comes down to."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, OutOfRangeError, ShapeError
from penstock.base.shape import Dims, as_text, merge
from penstock.ir.op import op


def handle_dims(tensor: Any) -> Dims:
    """The static shape of the variable behind a handle tensor; None when it is not known."""
    cell = getattr(tensor, "_array", None)
    if cell is not None:  # eager
        return getattr(cell, "dims", None)
    data = getattr(tensor, "_handle_data", None)
    if data is not None:
        return data[1]
    node = getattr(tensor, "op", None)
    if node is not None and node.type in ("VarHandleOp", "VariableV2", "Variable"):
        return node.attrs["shape"]
    return None


def held(spec: Any) -> Dims:
    """The dims of the variable that a shape rule's handle or reference input stands for."""
    if spec.dtype.base_dtype.name == "resource":
        return handle_dims(spec._tensor)
    return spec.shape


def put(xp: Any, variable: Any, value: Any) -> Any:
    """Write `value` as an array of the variable's dtype; gives the handle back, as reference ops do."""
    dtype = variable.dtype
    variable.write(xp.asarray(value, dtype.array_dtype) if dtype.on_device else np.asarray(value, object))
    return variable


# -- handles ---------------------------------------------------------------------------------------------------------
@op("VarHandleOp(*, allowed_devices: list(str) = [], container: str = \"\", debug_name: str = \"\", dtype: type, shape: shape, "
    "shared_name: str = \"\") -> resource: resource", effect="handle", where="host", shape=lambda **_: ())  # fmt: skip
def var_handle_op(xp, store, *, container, shared_name, dtype, shape):
    """The variable of this name, made empty on first use."""
    return store.cell(container, shared_name, dtype, shape)


def named(name: str, body: Any) -> Any:
    """A factory's body under the module-level name that its op gets."""
    body.__name__ = body.__qualname__ = name
    return body


def _reference(name: str, text: str) -> Any:
    def body(xp, store, *, container, shared_name, dtype, shape):
        """The variable of this name, made empty on first use."""
        return store.cell(container, shared_name, dtype, shape)

    text = f'{text}(*, container: str = "", dtype: type, shape: shape, shared_name: str = "") -> ref: Ref(dtype)'
    return op(text, effect="handle", where="host", shape=lambda *, shape, **_: shape)(named(name, body))


variable_v2 = _reference("variable_v2", "VariableV2")
variable = _reference("variable", "Variable")
variable.shape(lambda *, shape, **_: shape or None)  # the oldest op writes [] for "unknown"


@op('TemporaryVariable(*, dtype: type, shape: shape, var_name: str = "") -> ref: Ref(dtype)', effect="handle", where="host",
    shape=lambda *, shape, **_: shape)  # fmt: skip
def temporary_variable(xp, store, *, dtype, shape, var_name):
    """A variable that lives for one step; it holds zeros until it is assigned."""
    cell = store.cell("", var_name, dtype, shape)
    if cell.value is None and shape is not None and None not in shape and dtype.on_device:
        cell.value = np.zeros(shape, dtype.array_dtype)
    return cell


@op(
    "DestroyTemporaryVariable(ref: Ref(T), *, T: type, var_name: str) -> value: T",
    effect="read",
    shape=lambda ref, **_: ref.shape,
)
def destroy_temporary_variable(xp, ref):
    """The last value of a temporary variable."""
    return ref.read()


@op(
    "DestroyResourceOp(resource: resource, *, ignore_lookup_error: bool = True) -> ()",
    effect="io",
    where="host",
    shape=lambda resource, **_: (),
)
def destroy_resource_op(xp, resource):
    """Forget what the resource holds."""
    if hasattr(resource, "clear"):
        resource.clear()
    return ()


@op("DisableCopyOnRead(resource: resource) -> ()", effect="read", shape=lambda resource: ())
def disable_copy_on_read(xp, resource):
    """Nothing to do: reads never copy."""
    return ()


# -- reads -----------------------------------------------------------------------------------------------------------
@op(
    "ReadVariableOp(resource: resource, *, dtype: type) -> value: dtype",
    effect="read",
    shape=lambda resource, **_: handle_dims(resource._tensor),
)
def read_variable_op(xp, resource, *, dtype):
    """The variable's value."""
    value = resource.read()
    if resource.dtype is not dtype:
        raise InvalidArgumentError(
            f"Trying to read variable with wrong dtype. Expected {dtype.name} got {resource.dtype.name}"
        )
    return value


@read_variable_op.grad
def _(node, dy):
    return dy


@op("VarIsInitializedOp(resource: resource) -> is_initialized: bool", effect="read", shape=lambda resource: ())
def var_is_initialized_op(xp, resource):
    """Has the variable been written?"""
    return np.asarray(bool(resource.initialized))


var_is_initialized_op.no_grad()


@op(
    "IsVariableInitialized(ref: Ref(dtype), *, dtype: type) -> is_initialized: bool",
    effect="read",
    shape=lambda ref, **_: (),
)
def is_variable_initialized(xp, ref):
    """Has the variable been written?"""
    return np.asarray(bool(ref.initialized))


is_variable_initialized.no_grad()


@op("VariableShape(input: resource, *, out_type: index = int32) -> output: out_type", effect="read")
def variable_shape(xp, input, *, out_type):
    """The shape of the variable's value."""
    return np.array(input.read().shape, out_type.array_dtype)


@variable_shape.shape
def _(input, **_):
    dims = handle_dims(input._tensor)
    return (None,) if dims is None else (len(dims),)


@variable_shape.dims
def _(input, **_):
    return handle_dims(input._tensor)


variable_shape.no_grad()


# -- writes ----------------------------------------------------------------------------------------------------------
def _fits(what: str, variable: Dims, value: Dims) -> None:
    """ShapeError unless a value of this shape may go into a variable of that shape."""
    try:
        merge(variable, value)
    except ShapeError as e:
        raise ShapeError(
            f"{what}: the variable has shape {as_text(variable)}, the value {as_text(value)}: {e.message}"
        ) from None


@op(
    "AssignVariableOp(resource: resource, value: dtype, *, dtype: type, validate_shape: bool = False) -> ()",
    effect="write",
)
def assign_variable_op(xp, resource, value, *, dtype, validate_shape):
    """Give the variable a new value."""
    if resource.dtype is not dtype:
        raise InvalidArgumentError(
            f"Trying to assign variable with wrong dtype. Expected {resource.dtype.name} got {dtype.name}"
        )
    if validate_shape and resource.dims is not None:
        _fits("assign", resource.dims, tuple(value.shape))
    put(xp, resource, value)
    return ()


@assign_variable_op.shape
def _(resource, value, **_):
    _fits("assign", handle_dims(resource._tensor), value.shape)
    return ()


def _resource_arithmetic(name: str, text: str, compute: Any) -> Any:
    def body(xp, resource, value):
        """Change the variable in place."""
        old = resource.read()
        _fits(text, tuple(old.shape), tuple(value.shape))
        put(xp, resource, compute(old, value))
        return ()

    def shape(resource, value, **_):
        _fits(text, handle_dims(resource._tensor), value.shape)
        return ()

    return op(f"{text}(resource: resource, value: dtype, *, dtype: type) -> ()", effect="write", shape=shape)(
        named(name, body)
    )


assign_add_variable_op = _resource_arithmetic("assign_add_variable_op", "AssignAddVariableOp", lambda a, b: a + b)
assign_sub_variable_op = _resource_arithmetic("assign_sub_variable_op", "AssignSubVariableOp", lambda a, b: a - b)


@op(
    "Assign(ref: Ref(T), value: T, *, T: type, use_locking: bool = True, validate_shape: bool = True) -> output_ref: Ref(T)",
    effect="write",
)
def assign(xp, ref, value, *, validate_shape):
    """Give the variable a new value."""
    if validate_shape and ref.dims is not None:
        _fits("Assign requires shapes of both tensors to match", ref.dims, tuple(value.shape))
    return put(xp, ref, value)


@assign.shape
def _(ref, value, *, validate_shape, **_):
    if not validate_shape:
        return value.shape
    _fits("Assign requires shapes of both tensors to match", ref.shape, value.shape)
    return merge(ref.shape, value.shape)


def _reference_arithmetic(name: str, text: str, compute: Any) -> Any:
    def body(xp, ref, value):
        """Change the variable in place."""
        old = ref.read()
        _fits(f"{text} requires shapes of both tensors to match", tuple(old.shape), tuple(value.shape))
        return put(xp, ref, compute(old, value))

    def shape(ref, value, **_):
        _fits(f"{text} requires shapes of both tensors to match", ref.shape, value.shape)
        return merge(ref.shape, value.shape)

    text_ = f"{text}(ref: Ref(T), value: T, *, T: numeric, use_locking: bool = False) -> output_ref: Ref(T)"
    return op(text_, effect="write", shape=shape)(named(name, body))


assign_add = _reference_arithmetic("assign_add", "AssignAdd", lambda a, b: a + b)
assign_sub = _reference_arithmetic("assign_sub", "AssignSub", lambda a, b: a - b)


# -- counting --------------------------------------------------------------------------------------------------------
def _counter(name: str, text: str) -> Any:
    def body(xp, ref, *, limit):
        """The counter before it is increased by one."""
        old = ref.read()
        put(xp, ref, old + xp.asarray(1, old.dtype))
        return old

    made = op(text, effect="write", shape=lambda ref, **_: ())(named(name, body))
    made.check(lambda xp, ref, *, limit: (ref.read() >= limit, f"Reached limit of {limit}", OutOfRangeError))
    return made


count_up_to = _counter("count_up_to", "CountUpTo(ref: Ref(T), *, T: index, limit: int) -> output: T")
resource_count_up_to = _counter(
    "resource_count_up_to", "ResourceCountUpTo(resource: resource, *, T: index, limit: int) -> output: T"
)

for _op in (destroy_resource_op, disable_copy_on_read, assign_variable_op, assign_add_variable_op, assign_sub_variable_op, assign, assign_add,
            assign_sub, count_up_to, resource_count_up_to, var_handle_op, variable_v2, variable, temporary_variable):  # fmt: skip
    _op.no_grad()
