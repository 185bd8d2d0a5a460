"""`tf.compat.v1.train.Optimizer`: gradients of a loss, and the updates that they make to variables and slots."""

from collections.abc import Callable
from typing import Any

from penstock.base import dtypes, nest
from penstock.base.export import export
from penstock.base.trackable import CheckpointInitialValueCallable, Trackable
from penstock.fronts.gradients import gradients
from penstock.fronts.grouping import group, tuple_v2 as tuple_of
from penstock.fronts.lift import control_dependencies, init_scope
from penstock.fronts.tape import GradientTape
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ir.tensor import Tensor
from penstock.ops import state
from penstock.ops.training import skipped
from penstock.state.collections import GraphKeys, get_collection, trainable_variables
from penstock.state.resource_variable import BaseResourceVariable
from penstock.state.variable import Variable, VariableV1
from penstock.train import slots


def is_slices(value: Any) -> bool:
    """Is it an IndexedSlices?"""
    return hasattr(value, "dense_shape") and hasattr(value, "indices") and not isinstance(value, Tensor)


def _colocated(var: Any) -> Any:
    here = door.current()
    if here.is_graph and not here.building_function and isinstance(var, Variable):
        return here.colocate_with(var.op)
    return name_scope_nothing


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


name_scope_nothing = _Nothing()


def cast(value: Any, dtype: Any) -> Any:
    """`value` as a tensor of `dtype`; itself when it is one."""
    tensor = door.convert(value)
    return tensor if tensor.dtype.base_dtype is dtype else find("Cast")(tensor, DstT=dtype)


@export(v1=("train.Optimizer",))
class Optimizer(Trackable):
    """The base of optimizers: `minimize` adds ops that compute gradients and apply them.

    A subclass says `_create_slots`, `_prepare`, `_apply_dense` and `_apply_sparse` (reference variables),
    `_resource_apply_dense` and `_resource_apply_sparse` (resource variables), and perhaps `_finish`.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking, self._name = use_locking, name
        self._use_own_namescope_for_non_slot_vars = use_own_namescope_for_non_slot_vars
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slot_dict: dict[Any, Any] = {}
        self._deferred_slot_restorations: dict[Any, Any] = {}

    def get_name(self) -> str:
        return self._name

    # -- what programs call ------------------------------------------------------------------------------------------
    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: int = GATE_OP, aggregation_method: Any = None,
                 colocate_gradients_with_ops: bool = False, name: str | None = None, grad_loss: Any = None) -> Any:  # fmt: skip
        """An op that makes `loss` smaller by changing the variables (in eager code, where `loss` is a function: does so)."""
        pairs = self.compute_gradients(loss, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
                                       colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss)  # fmt: skip
        if all(g is None for g, _ in pairs):
            raise ValueError("No gradients provided for any variable, check your graph for ops that do not support gradients, between variables "
                             f"{[str(v) for _, v in pairs]} and loss {loss}.")  # fmt: skip
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: int = GATE_OP, aggregation_method: Any = None,
                          colocate_gradients_with_ops: bool = False, grad_loss: Any = None) -> list[tuple[Any, Any]]:  # fmt: skip
        """The gradients of `loss`, each with its variable; None where a variable has no influence."""
        if callable(loss) and not isinstance(loss, Tensor):
            with GradientTape() as tape:
                if var_list is not None:
                    tape.watch(var_list)
                value = loss()
            if var_list is None:
                var_list = tape.watched_variables()
            with control_dependencies([value]):
                grads = tape.gradient(value, list(var_list) if isinstance(var_list, tuple) else var_list, grad_loss)
            return list(zip(nest.flatten(grads), nest.flatten(var_list)))
        if not door.current().is_graph:
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager execution is enabled."
            )
        if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
            raise ValueError(
                f"gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  Not {gate_gradients}"
            )
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        if var_list is None:
            var_list = trainable_variables() + get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
        else:
            var_list = nest.flatten(var_list)
        var_list = [p for v in var_list + get_collection(GraphKeys._STREAMING_MODEL_PORTS)
                    for p in (list(v) if hasattr(v, "_get_variable_list") else [v])]  # fmt: skip
        if not var_list:
            raise ValueError("No variables to optimize.")
        for v in var_list:
            if not isinstance(v, (Variable, Tensor)) and not hasattr(v, "handle"):
                raise NotImplementedError("Trying to optimize unsupported type ", v)
        grads = gradients(loss, var_list, grad_ys=grad_loss, gate_gradients=gate_gradients == Optimizer.GATE_OP,
                          aggregation_method=aggregation_method, colocate_gradients_with_ops=colocate_gradients_with_ops)  # fmt: skip
        if gate_gradients == Optimizer.GATE_GRAPH:
            grads = tuple_of(grads)
        pairs = list(zip(grads, var_list))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None and v.dtype != dtypes.resource])
        return pairs

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """An op that applies the gradients (in eager code: applies them); it also adds one to `global_step`."""
        pairs = tuple(grads_and_vars)
        if not pairs:
            raise ValueError("No variables provided.")
        converted = []
        for g, v in pairs:
            if g is not None:
                try:
                    g = g if is_slices(g) else door.convert(g)
                except TypeError:
                    raise TypeError(
                        f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {g}"
                    ) from None
            if not isinstance(v, Variable) and not hasattr(v, "handle") and not isinstance(v, Tensor):
                raise NotImplementedError("Trying to optimize unsupported type ", v)
            converted.append((g, v))
        var_list = [v for g, v in converted if g is not None]
        if not var_list:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in converted]}.")
        with init_scope():
            self._create_slots(var_list)
        here = door.current()
        updates = []
        with name_scope(name, self._name) as scope:
            self._prepare()
            for g, v in converted:
                if g is None:
                    continue
                label = v.op.name if here.is_graph and getattr(v, "_in_graph_mode", True) else ""
                with name_scope(f"update_{label}"), _colocated(v):
                    updates.append(self._update(g, v))
            if global_step is None:
                done = self._finish(updates, scope)
            else:
                with control_dependencies([self._finish(updates, "update")] if here.is_graph else []):
                    if isinstance(global_step, BaseResourceVariable):
                        one = door.convert(1, global_step.dtype)
                        done = state.assign_add_variable_op(global_step.handle, one, name=scope)
                    elif hasattr(global_step, "_ref_tensor"):
                        done = state.assign_add(
                            global_step._ref_tensor, door.convert(1, global_step.dtype.base_dtype, "value"), name=scope
                        )
                    else:
                        done = global_step.assign_add(1)
        if here.is_graph:
            if isinstance(done, Tensor):
                done = done.op
            ops = here.get_collection_ref(GraphKeys.TRAIN_OP)
            if done not in ops:
                ops.append(done)
        return done

    def get_slot(self, var: Any, name: str) -> Any:
        """The slot `name` of a variable, None when there is none."""
        named = self._slots.get(name)
        return named.get(_key(var)) if named else None

    def get_slot_names(self) -> list[str]:
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """The slots and other variables of the optimizer, by name."""
        here = door.current()
        mine = lambda v: not here.is_graph or not getattr(v, "_in_graph_mode", True) or v.graph is here
        found = [v for v in self._non_slot_variables() if mine(v)]
        found += [v for named in self._slots.values() for v in named.values() if mine(v)]
        return sorted(found, key=lambda v: v.name)

    # -- what subclasses fill in -------------------------------------------------------------------------------------
    def _create_slots(self, var_list: Any) -> None:
        """Make the slots of these variables."""

    def _prepare(self) -> None:
        """Make the tensors that the updates need, before any of them."""

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError()

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        raise NotImplementedError()

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError()

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        raise NotImplementedError()

    def _resource_scatter_add(self, x: Any, i: Any, v: Any) -> Any:
        raise NotImplementedError()

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        values, indices = self._distinct(grad.values, grad.indices, var, "_apply_sparse")
        return self._apply_sparse(type(grad)(values=values, indices=indices, dense_shape=grad.dense_shape), var)

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        values, indices = self._distinct(grad, indices, handle, "_resource_apply_sparse")
        return self._resource_apply_sparse(values, handle, indices)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        return group(*update_ops, name=name_scope)

    # -- parts -------------------------------------------------------------------------------------------------------
    def _distinct(self, values: Any, indices: Any, var: Any, method: str) -> tuple[Any, Any]:
        """Slices whose rows differ: repeats are summed.

        The library's own rules skip struck-out rows, so that the sum keeps its static size; others get the distinct rows alone.
        """
        rows = var.shape[0] if var.shape.rank else None
        rows = getattr(rows, "value", rows)
        rule = getattr(type(self), method, None) if method else None
        if (
            rule is not None
            and rule.__module__.startswith("penstock.train.")
            and rows is not None
            and door.current().is_graph
        ):
            return strike_repeats(values, indices, rows)
        return deduplicate(values, indices)

    def _update(self, g: Any, v: Any) -> Any:
        """The op that applies one gradient to one variable."""
        if isinstance(v, Tensor):
            raise NotImplementedError("Trying to update a Tensor ", v)
        resource = hasattr(v, "handle")
        if is_slices(g):
            if v.constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            if resource:
                return self._resource_apply_sparse_duplicate_indices(g.values, v, g.indices)
            return self._apply_sparse_duplicate_indices(g, v)
        update = self._resource_apply_dense(g, v) if resource else self._apply_dense(g, v)
        if v.constraint is None:
            return update
        with control_dependencies([update] if update is not None else []):
            return v.assign(v.constraint(v))

    def _assert_valid_dtypes(self, tensors: Any) -> None:
        valid = self._valid_dtypes()
        for t in tensors:
            if t.dtype.base_dtype not in valid:
                raise ValueError(f"Invalid type {t.dtype.base_dtype!r} for {t.name}, expected: {list(valid)}.")

    def _valid_dtypes(self) -> Any:
        return [dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16]

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) else param

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        return self._slots.setdefault(slot_name, {})

    def _slot(self, var: Any, slot_name: str, make: Callable[[], Any]) -> Any:
        named = self._slot_dict(slot_name)
        if _key(var) not in named:
            slot = make()
            self._restore_slot_variable(slot_name, var, slot)
            named[_key(var)] = slot
        return named[_key(var)]

    # -- checkpoints -------------------------------------------------------------------------------------------------
    def _restore_slot_variable(self, slot_name: str, variable: Any, slot_variable: Any) -> None:
        """Give a new slot the value of a checkpoint that waits for it."""
        waiting = self._deferred_slot_restorations.get(slot_name, {}).pop(_key(variable), [])
        for position in sorted(waiting, key=lambda p: p.restore_uid, reverse=True)[:1]:
            position.restore(slot_variable)

    def _create_or_restore_slot_variable(self, slot_variable_position: Any, slot_name: str, variable: Any) -> None:
        """Give a slot the value of a checkpoint: now when it is there or can be made, else when it comes to be."""
        slot = self.get_slot(variable, slot_name)
        if slot is None and not door.current().is_graph and slot_variable_position.is_simple_variable():
            initial = CheckpointInitialValueCallable(slot_variable_position)
            slot = self._get_or_make_slot_with_initializer(
                variable, lambda shape=None, dtype=None, partition_info=None: initial(), variable.shape, variable.dtype, slot_name, self._name
            )
        if slot is not None:
            slot_variable_position.restore(slot)
        else:
            waiting = self._deferred_slot_restorations.setdefault(slot_name, {})
            waiting.setdefault(_key(variable), []).append(slot_variable_position)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """The variables that belong to no other one, of this graph."""
        here = door.current()
        home = here if here.is_graph else None
        mine = {name: v for (name, graph), v in sorted(self._non_slot_dict.items(), key=lambda item: item[0][0]) if graph is home}
        return {**mine, **super()._trackable_children(save_type, **kwargs)}

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        found = super()._lookup_dependency(name, cached_dependencies)
        if found is not None:
            return found
        here = door.current()
        return self._non_slot_dict.get((name, here if here.is_graph else None))

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        return self._slot(var, slot_name, lambda: slots.create_slot(var, val, op_name))

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        return self._slot(
            var, slot_name, lambda: slots.create_slot_with_initializer(var, initializer, shape, dtype, op_name)
        )

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        return self._slot(var, slot_name, lambda: slots.create_zeros_slot(var, op_name))

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        """A variable of the optimizer that belongs to no other."""
        key = (name, _home(colocate_with))
        found = self._non_slot_dict.get(key)
        if found is None:
            self._maybe_initialize_trackable()
            if key[1] is None:
                preloaded = self._preload_simple_restoration(name)
                initial_value = initial_value if preloaded is None else preloaded
            with (
                name_scope(f"{self._name}/" if self._use_own_namescope_for_non_slot_vars else None)
                if self._use_own_namescope_for_non_slot_vars
                else _colocated(colocate_with)
            ):
                found = VariableV1(
                    initial_value,
                    name=name,
                    trainable=False,
                    use_resource=isinstance(colocate_with, BaseResourceVariable),
                )
            self._handle_deferred_dependencies(name, found)
            self._non_slot_dict[key] = found
        return found

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self) -> Any:
        return self._non_slot_dict.values()


def _home(var: Any) -> Any:
    """The graph of a variable; None when it is an eager one."""
    return var.graph if getattr(var, "_in_graph_mode", True) else None


def _key(var: Any) -> Any:
    if hasattr(var, "_distributed_container"):
        var = var._distributed_container()
    return (var.graph, var.op.name) if getattr(var, "_in_graph_mode", True) else var._unique_id


def deduplicate(values: Any, indices: Any) -> tuple[Any, Any]:
    """The sums of the rows of equal index, and the distinct indices."""
    unique = find("Unique")(indices)
    count = find("Size")(unique[0])
    return find("UnsortedSegmentSum")(values, unique[1], count), unique[0]


def sum_repeats(values: Any, indices: Any, rows: int) -> tuple[Any, Any]:
    """Sums in the size of `values`: the sum of the rows of one index stands where the index comes first, zeros at its repeats.

    The second value says which positions come first.  Unlike `deduplicate`, no size depends on the values.
    """
    count = find("Size")(indices, out_type=indices.dtype)
    positions = find("Range")(door.convert(0, indices.dtype), count, door.convert(1, indices.dtype))
    first = find("GatherV2")(find("UnsortedSegmentMin")(positions, indices, rows), indices, 0)
    return find("UnsortedSegmentSum")(values, first, count), find("Equal")(first, positions)


def strike_repeats(values: Any, indices: Any, rows: int) -> tuple[Any, Any]:
    """The same sums, with the indices of repeats struck out: sparse steps skip them."""
    sums, is_first = sum_repeats(values, indices, rows)
    struck = find("Mul")(find("OnesLike")(indices), door.convert(skipped(indices.dtype.array_dtype), indices.dtype))
    return sums, find("SelectV2")(is_first, indices, struck)
