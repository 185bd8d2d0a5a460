"""Optimizers whose step is one op: each says which rule it is, its slots and its hyperparameters."""

from typing import Any

from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops import state_scatter, training  # noqa: F401 - the ops of the rules
from penstock.state.variable import Variable
from penstock.train.optimizer import Optimizer, cast


class RuleOptimizer(Optimizer):
    """An optimizer around one of the `Apply*` rules.

    `rule`: the op's name after Apply; `op_slots`: the op's input -> the slot's name; `hyper`: the op's input -> (the attribute that
    holds what the user gave, the name of its tensor).
    """

    rule = ""
    op_slots: dict[str, str] = {}
    hyper: dict[str, tuple[str, str]] = {}

    def _prepare(self) -> None:
        for attribute, name in dict.fromkeys(self.hyper.values()):
            value = self._call_if_callable(getattr(self, attribute))
            setattr(self, f"{attribute}_tensor", door.convert(value, None, name))

    def _hyper(self, name: str, dtype: Any) -> Any:
        return cast(getattr(self, f"{self.hyper[name][0]}_tensor"), dtype)

    def _attrs(self) -> dict[str, Any]:
        return {}

    def _rule(self) -> str:
        return self.rule

    def _step(self, grad: Any, var: Any, indices: Any = None) -> Any:
        resource = hasattr(var, "handle")
        op = find(f"{'Resource' if resource else ''}{'Sparse' if indices is not None else ''}Apply{self._rule()}")
        dtype = var.dtype.base_dtype
        inputs = []
        for arg in op.sig.inputs:
            if arg.name == "var":
                inputs.append(_target(var))
            elif arg.name in self.op_slots:
                inputs.append(_target(self.get_slot(var, self.op_slots[arg.name])))
            elif arg.name in ("grad", "delta"):
                inputs.append(grad)
            elif arg.name == "indices":
                inputs.append(indices)
            else:
                inputs.append(self._hyper(arg.name, dtype))
        made = op(*inputs, use_locking=bool(self._use_locking), **self._attrs())
        return made.op if isinstance(made, Tensor) and not resource else made

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._step(grad, var)

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        return self._step(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._step(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._step(grad, var, indices)


def _target(var: Any) -> Any:
    return var.handle if hasattr(var, "handle") else var._ref_tensor


def filled(initial: float, v: Any, dtype: Any) -> Any:
    """A tensor of `initial` in the shape of a variable."""
    from penstock.ops.constants import constant, fill
    from penstock.ops.shapes import shape

    if v.get_shape().is_fully_defined():
        return constant(initial, shape=v.get_shape(), dtype=dtype)
    return fill(shape(v.initialized_value() if isinstance(v, Variable) else v), door.convert(initial, dtype))


@export(v1=("train.GradientDescentOptimizer",))
class GradientDescentOptimizer(RuleOptimizer):
    """var -= learning_rate * gradient."""

    rule = "GradientDescent"
    hyper = {"alpha": ("_learning_rate", "learning_rate")}

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor: Any = None

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        return state_scatter.resource_scatter_add(
            handle.handle, indices, -grad * self._hyper("alpha", grad.dtype.base_dtype)
        )

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        delta = grad.values * self._hyper("alpha", var.dtype.base_dtype)
        return state_scatter.scatter_sub(var._ref_tensor, grad.indices, delta, use_locking=bool(self._use_locking)).op


@export(v1=("train.MomentumOptimizer",))
class MomentumOptimizer(RuleOptimizer):
    """accumulation = momentum * accumulation + gradient; var -= learning_rate * accumulation."""

    rule = "Momentum"
    op_slots = {"accum": "momentum"}
    hyper = {"lr": ("_learning_rate", "learning_rate"), "momentum": ("_momentum", "momentum")}

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ):
        super().__init__(use_locking, name)
        self._learning_rate, self._momentum, self._use_nesterov = learning_rate, momentum, use_nesterov

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._zeros_slot(v, "momentum", self._name)

    def _attrs(self) -> dict[str, Any]:
        return {"use_nesterov": self._use_nesterov}


@export(v1=("train.AdagradOptimizer",))
class AdagradOptimizer(RuleOptimizer):
    """accumulator += gradient**2; var -= learning_rate * gradient / sqrt(accumulator)."""

    rule = "Adagrad"
    op_slots = {"accum": "accumulator"}
    hyper = {"lr": ("_learning_rate", "learning_rate")}

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate, self._initial_accumulator_value = learning_rate, initial_accumulator_value
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            dtype = v.dtype.base_dtype
            if v.get_shape().is_fully_defined():
                from penstock.state.initializers import ConstantV1

                init: Any = ConstantV1(self._initial_accumulator_value, dtype=dtype)
            else:
                init = self._dynamic(v, dtype)
            self._get_or_make_slot_with_initializer(v, init, v.get_shape(), dtype, "accumulator", self._name)

    def _dynamic(self, v: Any, dtype: Any) -> Any:
        return lambda: filled(self._initial_accumulator_value, v, dtype)


@export(v1=("train.AdagradDAOptimizer",))
class AdagradDAOptimizer(RuleOptimizer):
    """Adagrad by dual averaging, for sparse linear models: regularisation acts at every step."""

    rule = "AdagradDA"
    op_slots = {
        "gradient_accumulator": "gradient_accumulator",
        "gradient_squared_accumulator": "gradient_squared_accumulator",
    }
    hyper = {"lr": ("_learning_rate", "learning_rate"), "l1": ("_l1_regularization_strength", "l1_regularization_strength"),
             "l2": ("_l2_regularization_strength", "l2_regularization_strength")}  # fmt: skip

    def __init__(self, learning_rate: Any, global_step: Any, initial_gradient_squared_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, use_locking: bool = False, name: str = "AdagradDA"):  # fmt: skip
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                f"initial_gradient_squared_accumulator_value must be positive: {initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate, self._global_step = learning_rate, global_step
        self._initial_gradient_squared_accumulator_value = initial_gradient_squared_accumulator_value
        self._l1_regularization_strength, self._l2_regularization_strength = (
            l1_regularization_strength,
            l2_regularization_strength,
        )
        self._global_step_on_worker: Any = None

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            dtype = v.dtype.base_dtype
            self._get_or_make_slot(v, filled(0.0, v, dtype), "gradient_accumulator", self._name)
            self._get_or_make_slot(
                v,
                filled(self._initial_gradient_squared_accumulator_value, v, dtype),
                "gradient_squared_accumulator",
                self._name,
            )

    def _prepare(self) -> None:
        from penstock.ops.identity import identity

        self._global_step_on_worker = identity(self._global_step) + 1
        super()._prepare()

    def _hyper(self, name: str, dtype: Any) -> Any:
        if name == "global_step":
            from penstock.base.dtypes import int64

            return cast(self._global_step_on_worker, int64)
        return super()._hyper(name, dtype)


@export(v1=("train.AdadeltaOptimizer",))
class AdadeltaOptimizer(RuleOptimizer):
    """Steps in the proportion of a running average of past steps to one of past gradients."""

    rule = "Adadelta"
    op_slots = {"accum": "accum", "accum_update": "accum_update"}
    hyper = {"lr": ("_lr", "lr"), "rho": ("_rho", "rho"), "epsilon": ("_epsilon", "epsilon")}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ):
        super().__init__(use_locking, name)
        self._lr, self._rho, self._epsilon = learning_rate, rho, epsilon

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._zeros_slot(v, "accum", self._name)
            self._zeros_slot(v, "accum_update", self._name)


@export(v1=("train.RMSPropOptimizer",))
class RMSPropOptimizer(RuleOptimizer):
    """Gradients divided by the root of a running average of their squares, with momentum."""

    op_slots = {"ms": "rms", "mom": "momentum", "mg": "mg"}
    hyper = {
        "lr": ("_learning_rate", "learning_rate"),
        "rho": ("_decay", "decay"),
        "momentum": ("_momentum", "momentum"),
        "epsilon": ("_epsilon", "epsilon"),
    }

    def __init__(self, learning_rate: Any, decay: Any = 0.9, momentum: Any = 0.0, epsilon: Any = 1e-10, use_locking: bool = False,
                 centered: bool = False, name: str = "RMSProp"):  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate, self._decay, self._momentum, self._epsilon, self._centered = (
            learning_rate,
            decay,
            momentum,
            epsilon,
            centered,
        )

    def _rule(self) -> str:
        return "CenteredRMSProp" if self._centered else "RMSProp"

    def _create_slots(self, var_list: Any) -> None:
        from penstock.ops.constants import ones_like
        from penstock.state.initializers import OnesV1

        for v in var_list:
            init = (
                OnesV1(dtype=v.dtype.base_dtype)
                if v.get_shape().is_fully_defined()
                else lambda v=v: ones_like(v.initialized_value())
            )
            self._get_or_make_slot_with_initializer(v, init, v.get_shape(), v.dtype.base_dtype, "rms", self._name)
            if self._centered:
                self._zeros_slot(v, "mg", self._name)
            self._zeros_slot(v, "momentum", self._name)


@export(v1=("train.FtrlOptimizer",))
class FtrlOptimizer(RuleOptimizer):
    """Follow the regularised leader, proximally: sparse solutions for sparse linear models."""

    op_slots = {"accum": "accum", "linear": "linear"}
    hyper = {"lr": ("_learning_rate", "learning_rate"), "l1": ("_l1_regularization_strength", "l1_regularization_strength"),
             "l2": ("_adjusted_l2_regularization_strength", "l2_regularization_strength"),
             "l2_shrinkage": ("_l2_shrinkage_regularization_strength", "l2_shrinkage_regularization_strength"),
             "lr_power": ("_learning_rate_power", "learning_rate_power")}  # fmt: skip

    def __init__(self, learning_rate: Any, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, use_locking: bool = False, name: str = "Ftrl",
                 accum_name: str | None = None, linear_name: str | None = None, l2_shrinkage_regularization_strength: float = 0.0,
                 beta: float | None = None):  # fmt: skip
        super().__init__(use_locking, name)
        if initial_accumulator_value < 0.0:
            raise ValueError(f"initial_accumulator_value {initial_accumulator_value} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero")
        for what, value in (("l1_regularization_strength", l1_regularization_strength), ("l2_regularization_strength", l2_regularization_strength),
                            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength)):  # fmt: skip
            if value < 0.0:
                raise ValueError(f"{what} {value} needs to be positive or zero")
        self._learning_rate, self._learning_rate_power, self._initial_accumulator_value = (
            learning_rate,
            learning_rate_power,
            initial_accumulator_value,
        )
        self._l1_regularization_strength, self._l2_regularization_strength = (
            l1_regularization_strength,
            l2_regularization_strength,
        )
        self._beta = 0.0 if beta is None else beta
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._accum_name, self._linear_name = accum_name, linear_name

    @property
    def _adjusted_l2_regularization_strength(self) -> Any:
        """The l2 strength with `beta` in it, which the ops do not know."""
        if not self._beta:
            return self._l2_regularization_strength
        rate = self._call_if_callable(self._learning_rate)
        floor = find("Maximum")(door.convert(rate), 1e-36) if isinstance(rate, Tensor) else max(rate, 1e-36)
        return self._l2_regularization_strength + self._beta / (2.0 * floor)

    def _rule(self) -> str:
        return "Ftrl" if self._l2_shrinkage_regularization_strength <= 0.0 else "FtrlV2"

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._get_or_make_slot(
                v,
                filled(self._initial_accumulator_value, v, v.dtype.base_dtype),
                "accum",
                self._accum_name or self._name,
            )
            self._zeros_slot(v, "linear", self._linear_name or self._name)


@export(v1=("train.ProximalAdagradOptimizer",))
class ProximalAdagradOptimizer(RuleOptimizer):
    """Adagrad with proximal l1 and l2 regularisation."""

    rule = "ProximalAdagrad"
    op_slots = {"accum": "accumulator"}
    hyper = {"lr": ("_learning_rate", "learning_rate"), "l1": ("_l1_regularization_strength", "l1_regularization_strength"),
             "l2": ("_l2_regularization_strength", "l2_regularization_strength")}  # fmt: skip

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0, use_locking: bool = False, name: str = "ProximalAdagrad"):  # fmt: skip
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate, self._initial_accumulator_value = learning_rate, initial_accumulator_value
        self._l1_regularization_strength, self._l2_regularization_strength = (
            l1_regularization_strength,
            l2_regularization_strength,
        )

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._get_or_make_slot(
                v, filled(self._initial_accumulator_value, v, v.dtype.base_dtype), "accumulator", self._name
            )


@export(v1=("train.ProximalGradientDescentOptimizer",))
class ProximalGradientDescentOptimizer(RuleOptimizer):
    """Gradient descent with proximal l1 and l2 regularisation."""

    rule = "ProximalGradientDescent"
    hyper = {"alpha": ("_learning_rate", "learning_rate"), "l1": ("_l1_regularization_strength", "l1_regularization_strength"),
             "l2": ("_l2_regularization_strength", "l2_regularization_strength")}  # fmt: skip

    def __init__(self, learning_rate: Any, l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
                 use_locking: bool = False, name: str = "ProximalGradientDescent"):  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength, self._l2_regularization_strength = (
            l1_regularization_strength,
            l2_regularization_strength,
        )
