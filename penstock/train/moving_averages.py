"""Moving averages of variables and tensors."""

from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.fronts.grouping import group
from penstock.fronts.lift import init_scope
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.state.collections import (
    GraphKeys,
    add_to_collection,
    global_variables,
    moving_average_variables,
    trainable_variables,
)
from penstock.state.initializers import ZerosV1
from penstock.state.scopes import get_variable, variable_scope
from penstock.state.variable import Variable
from penstock.train import slots


@export(v2=("__internal__.train.assign_moving_average",))
def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """variable -= (1 - decay) * (variable - value); `zero_debias` corrects for a variable that began at zero."""
    with scoped(name, "AssignMovingAvg") as scope:
        decay = door.convert(1.0 - decay, None, "decay")
        kind = variable.dtype.base_dtype
        if decay.dtype.base_dtype is not kind:
            decay = find("Cast")(decay, DstT=kind)
        value = door.convert(value)
        delta = _zero_debias(variable, value, decay) if zero_debias else (variable - value) * decay
        made = variable.assign_sub(delta, name=scope or None)
        return made


def _zero_debias(unbiased: Any, value: Any, decay: Any) -> Any:
    """What to subtract from the average so that it does not lean towards its start at zero."""
    with variable_scope(unbiased.name[: unbiased.name.rindex(":")], values=[unbiased, value, decay]):
        kind = unbiased.dtype.base_dtype
        with init_scope():
            biased = get_variable("biased", shape=unbiased.shape, dtype=kind, initializer=ZerosV1(), trainable=False)
            step = get_variable("local_step", shape=[], dtype=kind, initializer=ZerosV1(), trainable=False)
        moved = biased.assign_sub((biased - value) * decay, name="AssignSub" if not hasattr(biased, "handle") else None)
        counted = step.assign_add(door.convert(1, kind))
        now, count = door.convert(moved), door.convert(counted)
        return unbiased - now / (1 - find("Pow")(1.0 - decay, count))


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None, name: str | None = None
) -> Any:
    """The moving average of value * weight over that of weight."""
    collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    with variable_scope(name, "WeightedMovingAvg", values=[value, weight, decay]) as scope:
        value, weight = door.convert(value), door.convert(weight)
        make = lambda label, like: get_variable(
            label, shape=like.shape, dtype=like.dtype, initializer=ZerosV1(), trainable=False, collections=collections
        )
        upper = assign_moving_average(make("value_x_weight", value), value * weight, decay, zero_debias=False)
        lower = assign_moving_average(make("weight", weight), weight, decay, zero_debias=False)
        upper, lower = door.convert(upper), door.convert(lower)
        return find("RealDiv" if truediv else "Div")(upper, lower, name=scope.original_name_scope or None)


@export("train.ExponentialMovingAverage")
class ExponentialMovingAverage:
    """Keeps shadow copies of variables that follow them slowly: shadow -= (1 - decay) * (shadow - variable)."""

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ):
        self._decay, self._num_updates, self._zero_debias, self._name = decay, num_updates, zero_debias, name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Any = None) -> Any:
        """An op that moves the averages of the variables (and of tensors); makes the averages at the first call."""
        var_list = trainable_variables() if var_list is None else var_list
        for v in var_list:
            if v.dtype.base_dtype not in (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64):
                raise TypeError(f"The variables must be half, float, or double: {v.name}")
            if v.ref() in self._averages:
                continue
            with init_scope():
                if isinstance(v, Variable):
                    start = v.initialized_value() if door.current().is_graph else v.read_value()
                    average = slots.create_slot(v, start, self.name, colocate_with_primary=True)
                    if door.current().is_graph:
                        add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, v)
                else:
                    average = slots.create_zeros_slot(v, self.name)
            self._averages[v.ref()] = average
        with scoped(self.name, self.name) as scope:
            decay = door.convert(self._decay, None, "decay")
            if self._num_updates is not None:
                count = find("Cast")(door.convert(self._num_updates), DstT=dtypes.float32, name="num_updates")
                decay = find("Minimum")(decay, (1.0 + count) / (10.0 + count))
            updates = []
            for v in var_list:
                average = self._averages[v.ref()]
                updates.append(
                    assign_moving_average(
                        average, v, decay, zero_debias=self._zero_debias and not isinstance(v, Variable)
                    )
                )
            return group(*[getattr(u, "_parent_op", u) if door.current().is_graph else u for u in updates], name=scope)

    def average(self, var: Any) -> Any:
        """The variable that holds the average of `var`, None when it has none."""
        return self._averages.get(var.ref())

    def average_name(self, var: Any) -> str:
        """The name under which the average of `var` is (or would be) saved."""
        if var.ref() in self._averages:
            return self._averages[var.ref()].name.rsplit(":", 1)[0]
        from penstock.fronts.default_graph import get_default_graph

        base = var.op.name if isinstance(var, GraphTensor) or getattr(var, "_in_graph_mode", True) else var._shared_name
        graph = get_default_graph()
        with graph.name_scope(None):
            return graph.unique_name(f"{base}/{self.name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        """Names to restore -> variables: variables that have averages take the averages' values."""
        if moving_avg_variables is None:
            moving_avg_variables = trainable_variables() + moving_average_variables()
        chosen = {v.ref(): v for v in moving_avg_variables}
        found = {self.average_name(v): v for v in chosen.values()}
        names = {v.name for v in chosen.values()}
        for v in global_variables():
            if v.name not in names and v.op.name not in found:
                found[v.op.name] = v
        return found
