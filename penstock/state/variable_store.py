"""The variables of `get_variable` by name: found, checked against what is asked for, or made."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from penstock.base.dtypes import as_dtype, string
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.scope import name_scope
from penstock.state.collections import GraphKeys
from penstock.state.partitioned import PartitionedVariable, call_partitioner, shard_sizes
from penstock.state.variable import SaveSliceInfo, VariableAggregation, VariableSynchronization, VariableV1


def takes_keyword(function: Callable[..., Any], name: str) -> bool:
    """Does the function take this keyword argument?"""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in parameters)


class VariableStore:
    """Variables by full name."""

    def __init__(self, store_eager: bool = False):
        self.held: dict[str, Any] = {}
        self.partitioned: dict[str, PartitionedVariable] = {}
        self.store_eager = store_eager

    def get_variable(
        self, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, reuse: Any = None,
        trainable: Any = None, collections: Any = None, caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
        use_resource: bool | None = None, custom_getter: Any = None, constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO, aggregation: Any = VariableAggregation.NONE,
    ) -> Any:  # fmt: skip
        """The variable of this full name."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        if not _in_graph():
            if not self.store_eager and reuse:
                raise RuntimeError("When eager execution is enabled variable reuse is only supported when an EagerVariableStore is active. "
                                   "See the documentation on EagerVariableStore for example usage.")  # fmt: skip
            if self.store_eager:
                from penstock.state.scopes import AUTO_REUSE

                reuse = AUTO_REUSE
        if dtype is not None:
            dtype = as_dtype(dtype).base_dtype

        def getter(
            name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, reuse: Any = None,
            trainable: Any = None, collections: Any = None, caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
            use_resource: bool | None = None, constraint: Any = None, synchronization: Any = VariableSynchronization.AUTO,
            aggregation: Any = VariableAggregation.NONE,
        ) -> Any:  # fmt: skip
            dtype = None if dtype is None else as_dtype(dtype).base_dtype
            is_scalar = shape is not None and isinstance(shape, (list, tuple, TensorShape)) and len(shape) == 0
            settings = dict(regularizer=regularizer, reuse=reuse, trainable=trainable, collections=collections, caching_device=caching_device,
                            validate_shape=validate_shape, use_resource=use_resource, constraint=constraint, synchronization=synchronization,
                            aggregation=aggregation)  # fmt: skip
            if partitioner is not None and not is_scalar:
                if not callable(partitioner):
                    raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
                with name_scope(None):  # type: ignore[arg-type]
                    return self._partitions(name, shape, dtype, initializer, partitioner, **settings)
            if name in self.partitioned or f"{name}/part_0" in self.held:
                raise ValueError(f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. "
                                 "Perhaps a variable of the same name was already created with partitioning?")  # fmt: skip
            return self._single(name, shape, dtype, initializer, **settings)

        synchronization, aggregation, trainable = _settled(synchronization, aggregation, trainable, name)
        arguments = dict(name=name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, reuse=reuse, trainable=trainable,
                         collections=collections, caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
                         use_resource=use_resource, synchronization=synchronization, aggregation=aggregation)  # fmt: skip
        if custom_getter is None:
            return getter(constraint=constraint, **arguments)
        if takes_keyword(custom_getter, "constraint"):
            arguments["constraint"] = constraint
        return custom_getter(getter=getter, **arguments)

    # -- one variable -------------------------------------------------------------------------------------------------
    def _single(
        self, name: str, shape: Any, dtype: Any, initializer: Any, *, regularizer: Any, reuse: Any, trainable: Any, collections: Any,
        caching_device: Any, validate_shape: bool, use_resource: bool | None, constraint: Any, synchronization: Any, aggregation: Any,
        partition_info: Any = None,
    ) -> Any:  # fmt: skip
        from_value = initializer is not None and not callable(initializer)
        if from_value and shape is not None:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = as_dtype("float32") if dtype is None else dtype
        dims = TensorShape(shape)
        found = self.held.get(name)
        if found is not None:
            _check_found(found, name, dims, dtype, reuse)
            return found
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        if initializer is None:
            if shape is None:
                raise ValueError(
                    f"Variable {name} did not get an initializer, so its `shape` argument must be specified."
                )
            initializer = default_initializer(name, dtype)
        if from_value:
            initial, wanted = initializer, None
        else:
            if isinstance(initializer, type):
                initializer = initializer()
            if shape is not None and dims.is_fully_defined():
                extra = {"partition_info": partition_info} if _names_keyword(initializer, "partition_info") else {}
                initial = functools.partial(initializer, dims.as_list(), dtype=dtype, **extra)
                wanted = dtype
            elif _needs_no_arguments(initializer):
                initial, wanted = initializer, None
            else:
                raise ValueError("The initializer passed is not valid. It should be a callable with no arguments and the shape should not be "
                                 "provided or an instance of `tf.keras.initializers.*' and `shape` should be fully defined.")  # fmt: skip
        made = VariableV1(
            initial_value=initial, name=name, trainable=trainable, collections=collections, caching_device=caching_device, dtype=wanted,
            validate_shape=validate_shape, constraint=constraint, use_resource=use_resource, synchronization=synchronization,
            aggregation=aggregation,
        )  # fmt: skip
        if _in_graph() or self.store_eager:
            self.held[name] = made
        if regularizer is not None and _in_graph():
            _regularize(made, name, regularizer)
        return made

    # -- partitions ---------------------------------------------------------------------------------------------------
    def _partitions(
        self, name: str, shape: Any, dtype: Any, initializer: Any, partitioner: Any, *, reuse: Any, **settings: Any
    ) -> Any:
        from_value = initializer is not None and not callable(initializer)
        if name in self.held:
            raise ValueError(f"A partitioner was provided, but an unpartitioned version of the variable was found: {name}. "
                             "Perhaps a variable of the same name was already created without partitioning?")  # fmt: skip
        dims = TensorShape(shape)
        if from_value:
            have = door.convert(initializer).shape
            dims = dims.merge_with(have)
        if not dims.is_fully_defined():
            raise ValueError(
                f"Shape of a new partitioned variable ({name}) must be fully defined, but instead was {dims}."
            )
        dtype = as_dtype("float32") if dtype is None else dtype
        if name in self.partitioned:
            if reuse is False:
                raise ValueError(
                    f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
                )
            found = self.partitioned[name]
            if not dims.is_compatible_with(found.get_shape()):
                raise ValueError(
                    f"Trying to reuse partitioned variable {name}, but specified shape {dims} and found shape {found.get_shape()}."
                )
            return found
        if reuse is True:
            raise ValueError(f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). "
                             "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?")  # fmt: skip
        partitions = call_partitioner(partitioner, dims, dtype)
        axis, sizes = shard_sizes(dims.as_list(), partitions)
        parts, start = [], 0
        for i, size in enumerate(sizes):
            offset = [start if d == axis else 0 for d in range(len(partitions))]
            part_shape = [size if d == axis else n for d, n in enumerate(dims.as_list())]
            info = _PartitionInfo(dims.as_list(), offset)
            if from_value:
                index = tuple(slice(start, start + size) if d == axis else slice(None) for d in range(len(partitions)))
                part_init, given_shape = door.convert(initializer)[index], None
            else:
                part_init, given_shape = initializer, part_shape
            part = self._single(
                f"{name}/part_{i}", given_shape, dtype, part_init, reuse=reuse, partition_info=info, **settings
            )
            part._set_save_slice_info(SaveSliceInfo(name, dims.as_list(), offset, part_shape))
            parts.append(part)
            start += size
        made = PartitionedVariable(name, dims, dtype, parts, partitions)
        if _in_graph() or self.store_eager:
            self.partitioned[name] = made
        return made


class _PartitionInfo:
    """What an initializer is told about the partition that it fills."""

    def __init__(self, full_shape: list[int], var_offset: list[int]):
        self.full_shape, self.var_offset = full_shape, var_offset

    def single_offset(self, shape: Any) -> int:
        """The offset along the one axis that is partitioned, 0 when none is."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]

    def single_slice_dim(self, shape: Any) -> int | None:
        """The one axis that is partitioned; ValueError when there are more."""
        sizes = TensorShape(shape).as_list()
        if len(sizes) != len(self.full_shape):
            raise ValueError(
                f"Expected equal length, but received shape={sizes} of length {len(sizes)} while self.full_shape={self.full_shape} is of length {len(self.full_shape)}."
            )
        for have, full in zip(sizes, self.full_shape):
            if have + 0 > full:
                raise ValueError(
                    f"With self.var_offset={self.var_offset}, a partition of shape={sizes} would exceed self.full_shape={self.full_shape}"
                )
        axes = [d for d, (have, full) in enumerate(zip(sizes, self.full_shape)) if have != full]
        if len(axes) > 1:
            raise ValueError(
                f"Cannot use single_slice_dim() with shape={sizes} and self.full_shape={self.full_shape} since slice dim could be either dimension {axes[0]} or {axes[1]}."
            )
        return axes[0] if axes else None


def default_initializer(name: str, dtype: Any) -> Any:
    """What fills a variable that nobody gave an initializer."""
    from penstock.state import initializers

    if dtype.is_floating:
        return initializers.GlorotUniformV1()
    if dtype.is_integer or dtype.is_bool or dtype is string:
        return initializers.ZerosV1()
    raise ValueError(
        f"An initializer for variable {name} of {dtype} is required. Use something like `tf.zeros_initializer()`."
    )


def _settled(synchronization: Any, aggregation: Any, trainable: Any, name: str) -> tuple[Any, Any, Any]:
    from penstock.state.variable import settle_trainable

    if synchronization is VariableSynchronization.ON_READ and trainable:
        raise ValueError("Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. "
                         "You have specified trainable=True and synchronization=VariableSynchronization.ON_READ.")  # fmt: skip
    return settle_trainable(synchronization, aggregation, trainable, name)


def _in_graph() -> bool:
    here = door.current()
    while here.is_graph and here.building_function:
        here = here.outer
    return here.is_graph


def _names_keyword(function: Any, name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _needs_no_arguments(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _check_found(found: Any, name: str, dims: TensorShape, dtype: Any, reuse: Any) -> None:
    if reuse is False:
        line = getattr(getattr(found, "op", None), "line", None) if _in_graph() else None
        where = f" Originally defined at:\n\n{line}" if line is not None else ""
        raise ValueError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?{where}"
        )
    if not dims.is_compatible_with(found.get_shape()):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {dims} and found shape {found.get_shape()}."
        )
    if found.dtype.base_dtype is not dtype:
        raise ValueError(
            f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {found.dtype.name}."
        )


def _regularize(variable: Any, name: str, regularizer: Any) -> None:
    graph = door.current()
    with graph.colocate_with(variable.op), graph.name_scope(f"{name}/Regularizer/"):
        loss = regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
