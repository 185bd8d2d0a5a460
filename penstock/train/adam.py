"""`tf.compat.v1.train.AdamOptimizer`."""

from typing import Any

from penstock.base.export import export
from penstock.fronts.grouping import group
from penstock.fronts.lift import control_dependencies
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops import state_scatter
from penstock.state.assignments import assign, assign_sub, scatter_add
from penstock.train.optimizer import cast, sum_repeats
from penstock.train.rule_optimizers import RuleOptimizer


@export(v1=("train.AdamOptimizer",))
class AdamOptimizer(RuleOptimizer):
    """Running averages of gradients and of their squares, corrected for their start at zero."""

    rule = "Adam"
    op_slots = {"m": "m", "v": "v"}

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8, use_locking: bool = False,
                 name: str = "Adam", use_own_namescope_for_non_slot_vars: bool = False):  # fmt: skip
        super().__init__(use_locking, name, use_own_namescope_for_non_slot_vars)
        self._lr, self._beta1, self._beta2, self._epsilon = learning_rate, beta1, beta2, epsilon
        self._lr_t = self._beta1_t = self._beta2_t = self._epsilon_t = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        here = door.current()
        while here.is_graph and here.building_function:
            here = here.outer
        graph = here if here.is_graph else None
        return self._get_non_slot_variable("beta1_power", graph=graph), self._get_non_slot_variable(
            "beta2_power", graph=graph
        )

    def _create_slots(self, var_list: Any) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(
            initial_value=self._call_if_callable(self._beta1), name="beta1_power", colocate_with=first
        )
        self._create_non_slot_variable(
            initial_value=self._call_if_callable(self._beta2), name="beta2_power", colocate_with=first
        )
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _prepare(self) -> None:
        self._lr_t = door.convert(self._call_if_callable(self._lr), None, "learning_rate")
        self._beta1_t = door.convert(self._call_if_callable(self._beta1), None, "beta1")
        self._beta2_t = door.convert(self._call_if_callable(self._beta2), None, "beta2")
        self._epsilon_t = door.convert(self._call_if_callable(self._epsilon), None, "epsilon")

    def _hyper(self, name: str, dtype: Any) -> Any:
        if name == "beta1_power":
            return cast(self._get_beta_accumulators()[0], dtype)
        if name == "beta2_power":
            return cast(self._get_beta_accumulators()[1], dtype)
        return cast(getattr(self, f"_{name}_t"), dtype)

    def _distinct(self, values: Any, indices: Any, var: Any, method: str) -> tuple[Any, Any]:
        rows = var.shape[0] if var.shape.rank else None
        rows = getattr(rows, "value", rows)
        if getattr(type(self), method).__module__ == __name__ and rows is not None and door.current().is_graph:
            return sum_repeats(values, indices, rows)[0], indices  # rows of zeros change nothing here
        return super()._distinct(values, indices, var, "")

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        add = lambda x, i, v: scatter_add(x, i, v, use_locking=self._use_locking)
        return self._apply_sparse_shared(grad.values, var, grad.indices, add)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._apply_sparse_shared(grad, var, indices, self._resource_scatter_add)

    def _resource_scatter_add(self, x: Any, i: Any, v: Any) -> Any:
        with control_dependencies([state_scatter.resource_scatter_add(x.handle, i, v)]):
            return x.value()

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Any, scatter_add: Any) -> Any:
        """The step in parts: the averages decay everywhere, gradients are added where there are any."""
        dtype = var.dtype.base_dtype
        power1, power2, lr, beta1, beta2, epsilon = (
            self._hyper(n, dtype) for n in ("beta1_power", "beta2_power", "lr", "beta1", "beta2", "epsilon")
        )
        sqrt = find("Sqrt")
        rate = lr * sqrt(1 - power2) / (1 - power1)
        m = self.get_slot(var, "m")
        scaled = grad * (1 - beta1)
        m_t = assign(m, m * beta1, use_locking=self._use_locking)
        with control_dependencies([m_t]):
            m_t = scatter_add(m, indices, scaled)
        v = self.get_slot(var, "v")
        squared = (grad * grad) * (1 - beta2)
        v_t = assign(v, v * beta2, use_locking=self._use_locking)
        with control_dependencies([v_t]):
            v_t = scatter_add(v, indices, squared)
        update = assign_sub(var, rate * m_t / (sqrt(v_t) + epsilon), use_locking=self._use_locking)
        return group(update, m_t, v_t)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            power1, power2 = self._get_beta_accumulators()
            update1 = power1.assign(power1 * self._beta1_t, use_locking=self._use_locking)
            update2 = power2.assign(power2 * self._beta2_t, use_locking=self._use_locking)
        return group(*update_ops, update1, update2, name=name_scope)
