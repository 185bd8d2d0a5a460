"""Slots: variables that an optimizer keeps beside another variable, named after it."""

from typing import Any

from penstock.base.shape import TensorShape
from penstock.state.resource_variable import BaseResourceVariable
from penstock.state.scopes import get_variable, get_variable_scope, variable_scope
from penstock.state.variable import SaveSliceInfo, Variable


def _slot_variable(primary: Any, value: Any, shape: Any, dtype: Any, validate_shape: bool) -> Any:
    scope = get_variable_scope()
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    try:
        slot = get_variable("", initializer=value, trainable=False, use_resource=isinstance(primary, BaseResourceVariable), shape=shape,
                            dtype=dtype, validate_shape=validate_shape)  # fmt: skip
    finally:
        scope.set_partitioner(partitioner)
    if isinstance(primary, Variable) and primary._save_slice_info is not None:
        info = primary._save_slice_info
        name = slot.name[: slot.name.rindex(":")]
        # TensorFlow cuts as many characters off as the primary's name has, whatever scope stands in front of the slot's
        full = f"{info.full_name}/{name[len(primary._shared_name) + 1 :]}"
        rank = len(slot.get_shape().as_list())
        slot._set_save_slice_info(
            SaveSliceInfo(full, info.full_shape[:rank], info.var_offset[:rank], info.var_shape[:rank])
        )
    return slot


def _prefix(primary: Any) -> str:
    return primary._shared_name if isinstance(primary, Variable) else primary.op.name


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """A slot of `primary` that begins as the tensor `val`."""
    shape = getattr(val, "shape", None)
    fixed = not hasattr(val, "get_shape") or TensorShape(shape).is_fully_defined()
    with variable_scope(None, f"{_prefix(primary)}/{name}"):
        return _slot_variable(primary, val, None, None, fixed)


def create_slot_with_initializer(
    primary: Any, initializer: Any, shape: Any, dtype: Any, name: str, colocate_with_primary: bool = True
) -> Any:
    """A slot of `primary` that an initializer fills."""
    shape = TensorShape(shape)
    fixed = shape.is_fully_defined()
    with variable_scope(None, f"{_prefix(primary)}/{name}"):
        return _slot_variable(primary, initializer, shape, dtype, fixed)


def create_zeros_slot(primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True) -> Any:
    """A slot of zeros in the shape of `primary`."""
    from penstock.state.initializers import ZerosV1

    dtype = primary.dtype.base_dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        return create_slot_with_initializer(primary, ZerosV1(), shape, dtype, name)
    from penstock.ops.constants import zeros
    from penstock.ops.shapes import shape as shape_of

    initial = primary.initialized_value() if isinstance(primary, Variable) else primary
    return create_slot(primary, zeros(shape_of(initial), dtype=dtype), name)
