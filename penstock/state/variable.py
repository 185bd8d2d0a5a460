"""`tf.Variable`: what both kinds of variable have in common, and how a call of the class makes one of them."""

import enum
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.base.trackable import VARIABLE_VALUE_KEY, Trackable
from penstock.ir import door
from penstock.ir.tensor import Reference, Tensor
from penstock.state.collections import eager_outside_functions
from penstock.state.variable_interface import VariableInterface


@export("VariableSynchronization")
class VariableSynchronization(enum.Enum):
    """When the copies of a distributed variable are brought together."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@export(v2=("VariableAggregation",))
class VariableAggregationV2(enum.Enum):
    """How updates of a distributed variable's copies are put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, (VariableAggregation, VariableAggregationV2)) and int(self.value) == int(other.value)


@export(v1=("VariableAggregation",))
class VariableAggregation(enum.Enum):
    """How updates of a distributed variable's copies are put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3

    def __hash__(self) -> int:
        return hash(self.value)

    __eq__ = VariableAggregationV2.__eq__


class _Creators(threading.local):
    stack: tuple[Callable[..., Any], ...] = ()


_creators = _Creators()
default_creator: Callable[..., Any] | None = None
"""Slot: makes a variable from the arguments of `tf.Variable` (variables)."""
default_creator_v1: Callable[..., Any] | None = None
"""Slot: makes a variable from the arguments of `tf.compat.v1.Variable` (variables)."""


@contextmanager
def _creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    before = _creators.stack
    _creators.stack = (*before, variable_creator)
    try:
        yield
    finally:
        _creators.stack = before


@export(v2=("variable_creator_scope",))
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Any:
    """A context in which `variable_creator(next_creator, **kwargs)` makes the variables; the newest one is asked first."""
    return _creator_scope(variable_creator)


@export(v1=("variable_creator_scope",))
def variable_creator_scope_v1(variable_creator: Callable[..., Any]) -> Any:
    """A context in which `variable_creator(next_creator, **kwargs)` makes the variables; the newest one is asked first."""
    return _creator_scope(variable_creator)


def create(default: Callable[..., Any], kwargs: dict[str, Any]) -> Any:
    """Pass `kwargs` down the creators to the default one."""
    getter = default
    here = door.current()
    hook = getattr(here if here.is_graph else door.state.lifted, "_variable_creator", None)  # the trace around knows of it
    for creator in (*(() if hook is None else (hook,)), *_creators.stack):
        getter = _bind(creator, getter)
    return getter(**kwargs)


def _bind(creator: Callable[..., Any], following: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **kwargs: creator(following, **kwargs)


class _Meta(type):
    """`Variable(...)` asks the creators; its subclasses are made as any class is."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Variable:
            return _variable_call(*args, **kwargs)
        if cls is VariableV1:
            return _variable_v1_call(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is VariableV1:
            return isinstance(instance, Variable)
        return super().__instancecheck__(instance)


def _variable_call(
    initial_value: Any = None, trainable: Any = None, validate_shape: bool = True, caching_device: Any = None, name: str | None = None,
    variable_def: Any = None, dtype: Any = None, import_scope: str | None = None, constraint: Any = None,
    synchronization: Any = VariableSynchronization.AUTO, aggregation: Any = VariableAggregation.NONE, shape: Any = None,
    experimental_enable_variable_lifting: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    assert default_creator is not None
    return create(default_creator, dict(
        initial_value=initial_value, trainable=trainable, validate_shape=validate_shape, caching_device=caching_device, name=name,
        variable_def=variable_def, dtype=dtype, import_scope=import_scope, constraint=constraint, synchronization=synchronization,
        aggregation=aggregation, shape=shape, experimental_enable_variable_lifting=experimental_enable_variable_lifting, **kwargs,
    ))  # fmt: skip


def _variable_v1_call(
    initial_value: Any = None, trainable: Any = None, collections: Any = None, validate_shape: bool = True, caching_device: Any = None,
    name: str | None = None, variable_def: Any = None, dtype: Any = None, expected_shape: Any = None, import_scope: str | None = None,
    constraint: Any = None, use_resource: bool | None = None, synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE, shape: Any = None, experimental_enable_variable_lifting: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    assert default_creator_v1 is not None
    return create(default_creator_v1, dict(
        initial_value=initial_value, trainable=trainable, collections=collections, validate_shape=validate_shape, caching_device=caching_device,
        name=name, variable_def=variable_def, dtype=dtype, expected_shape=expected_shape, import_scope=import_scope, constraint=constraint,
        use_resource=use_resource, synchronization=synchronization, aggregation=aggregation, shape=shape,
        experimental_enable_variable_lifting=experimental_enable_variable_lifting, **kwargs,
    ))  # fmt: skip


class SaveSliceInfo:
    """Where a partition stands in the whole variable, for checkpoints."""

    def __init__(self, full_name: Any = None, full_shape: Any = None, var_offset: Any = None, var_shape: Any = None, save_slice_info_def: Any = None,
                 import_scope: str | None = None):  # fmt: skip
        if save_slice_info_def is not None:
            d = save_slice_info_def
            self.full_name = f"{import_scope}/{d.full_name}" if import_scope else d.full_name
            self.full_shape, self.var_offset, self.var_shape = list(d.full_shape), list(d.var_offset), list(d.var_shape)
        else:
            self.full_name, self.full_shape, self.var_offset, self.var_shape = (
                full_name,
                full_shape,
                var_offset,
                var_shape,
            )

    @property
    def spec(self) -> str:
        """The slice as checkpoints write it: "10 20 0,5:0,20"."""
        sizes = " ".join(str(d) for d in self.full_shape)
        return f"{sizes} " + ":".join(f"{o},{s}" for o, s in zip(self.var_offset, self.var_shape))

    def to_proto(self, export_scope: str | None = None) -> Any:
        from penstock.base.proto import variable_pb2

        if export_scope and not self.full_name.startswith(export_scope):
            return None
        name = self.full_name[len(export_scope) :].lstrip("/") if export_scope else self.full_name
        return variable_pb2.SaveSliceInfoDef(
            full_name=name, full_shape=self.full_shape, var_offset=self.var_offset, var_shape=self.var_shape
        )


@export(v2=("Variable",))
class Variable(VariableInterface, Trackable, metaclass=_Meta):
    """A tensor that keeps its value between steps and can be changed.

    >>> v = tf.Variable([1.0, 2.0]); v.assign_add([0.5, 0.5]).numpy()
    array([1.5, 2.5], dtype=float32)
    """

    SaveSliceInfo = SaveSliceInfo
    __array_priority__ = 100
    _save_slice_info: Any = None
    _shape: TensorShape

    @property
    def shape(self) -> TensorShape:
        return self._shape

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Say more about the shape."""
        self._shape = self._shape.merge_with(shape)

    @property
    def _dims(self) -> Any:
        return self._shape._dims

    def ref(self) -> Reference:
        """A hashable stand-in that compares by identity."""
        return Reference(self)

    experimental_ref = ref

    def _set_save_slice_info(self, save_slice_info: Any) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> Any:
        return self._save_slice_info

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {VARIABLE_VALUE_KEY: self}

    def _serialize_to_tensors(self) -> dict[str, Any]:
        info = self._get_save_slice_info()
        return {VARIABLE_VALUE_KEY: self if info is None else {info.spec: self}}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        value = restored_tensors[VARIABLE_VALUE_KEY]
        if isinstance(value, dict):
            (value,) = value.values()
        if not self.shape.is_compatible_with(value.shape):
            raise ValueError(
                f"Received incompatible tensor with shape {value.shape} when attempting to restore variable with shape "
                f"{self.shape} and name {self.name}."
            )
        return self.assign(value, read_value=False)

    def value(self) -> Any:
        raise NotImplementedError

    def __iter__(self) -> Any:
        return iter(self.value())

    def __hash__(self) -> int:
        if Tensor._USE_EQUALITY and eager_outside_functions():  # type: ignore[attr-defined]
            raise TypeError(f"Variable is unhashable. Instead, use variable.ref() as the key. (Variable: {self!r})")
        return id(self)

    def __eq__(self, other: Any) -> Any:
        if Tensor._USE_EQUALITY and eager_outside_functions():  # type: ignore[attr-defined]
            return self.value() == other
        return self is other

    def __ne__(self, other: Any) -> Any:
        if Tensor._USE_EQUALITY and eager_outside_functions():  # type: ignore[attr-defined]
            return self.value() != other
        return self is not other

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Any:
        """The variable that a VariableDef describes."""
        return Variable(variable_def=variable_def, import_scope=import_scope)

    @classmethod
    def _OverloadAllOperators(cls) -> None:  # noqa: N802
        for name in Tensor.OVERLOADABLE_OPERATORS:
            cls._OverloadOperator(name)

    @classmethod
    def _OverloadOperator(cls, operator: str) -> None:  # noqa: N802
        if operator in ("__getitem__", "__iter__") or operator in ("__eq__", "__ne__"):
            return
        on_tensor = getattr(Tensor, operator)

        def run(self: Variable, *args: Any, **kwargs: Any) -> Any:
            return on_tensor(self.value(), *args, **kwargs)

        run.__name__ = operator
        run.__doc__ = getattr(on_tensor, "__doc__", None)
        setattr(cls, operator, run)


@export(v1=("Variable",))
class VariableV1(Variable):
    """A variable of a 1.x graph: made once, initialised by running its initializer, then read and assigned in sessions."""

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Any:
        """The variable that a VariableDef describes."""
        return VariableV1(variable_def=variable_def, import_scope=import_scope)


def settle_trainable(synchronization: Any, aggregation: Any, trainable: Any, name: Any) -> tuple[Any, Any, Any]:
    """The three with their defaults; ValueError where one is not what it should be."""
    if aggregation is None:
        aggregation = VariableAggregation.NONE
    elif not isinstance(aggregation, (VariableAggregation, VariableAggregationV2)):
        raise ValueError(f"Invalid variable aggregation mode: {aggregation} for variable: {name}")
    if synchronization is None:
        synchronization = VariableSynchronization.AUTO
    elif not isinstance(synchronization, VariableSynchronization):
        raise ValueError(f"Invalid variable synchronization mode: {synchronization} for variable: {name}")
    if trainable is None:
        trainable = synchronization != VariableSynchronization.ON_READ
    return synchronization, aggregation, trainable
