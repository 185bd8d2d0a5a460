"""The optimizers of canned Estimators: by name, of 1.x, or with the variables that those of 2.x keep."""

from typing import Any

from penstock.base import dtypes
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.constants import constant
from penstock.state.initializers import ConstantV1
from penstock.state.scopes import get_variable, variable_scope
from penstock.train.adam import AdamOptimizer
from penstock.train.optimizer import Optimizer, sum_repeats
from penstock.train.rule_optimizers import (
    AdagradOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    RMSPropOptimizer,
    RuleOptimizer,
)

_OLD = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}


def old_optimizer(given: Any, learning_rate: float) -> Any:
    """The 1.x optimizer of a name, an instance, or a function that makes one."""
    if isinstance(given, str):
        if given not in _OLD:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {tuple(sorted(_OLD))}")
        return _OLD[given](learning_rate=learning_rate)
    if callable(given) and not isinstance(given, Optimizer):
        given = given()
    if not isinstance(given, Optimizer):
        raise ValueError(f"The given object is not an Optimizer instance. Given: {given}")
    return given


class EstimatorOptimizer(RuleOptimizer):
    """An optimizer whose hyperparameters and slots are variables `training/NAME/...`, as those of Keras 2 are."""

    label = ""
    scope = "training"
    slot_start: dict[str, Any] = {}  # slot -> its first value
    numbers: dict[str, float] = {}  # hyperparameter -> its default

    def __init__(self, **given: Any):
        super().__init__(False, given.pop("name", None) or self.label)
        unknown = set(given) - set(self.numbers) - {"learning_rate"}
        if unknown:
            raise TypeError(f"{self.label} has no argument {sorted(unknown)[0]!r}")
        self.values = {**self.numbers, **given}
        self.iterations: Any = None
        self._made: dict[Any, Any] = {}

    def get_slot(self, var: Any, name: str) -> Any:
        return self._made[var.name, name]

    def _variable(self, name: str, initial: Any, shape: Any = (), dtype: Any = dtypes.float32) -> Any:
        full = f"{self.scope}/{self._name}/{name}"
        return get_variable(
            full, shape=shape, dtype=dtype, initializer=ConstantV1(initial), trainable=False, use_resource=True
        )

    def get_updates(self, loss: Any, params: list[Any]) -> list[Any]:
        """The ops of one training step over the variables."""
        pairs = [(g, v) for g, v in self.compute_gradients(loss, var_list=params) if g is not None]
        if not pairs:
            raise ValueError(f"No gradients provided for any variable: {[v.name for v in params]}.")
        with name_scope(None), variable_scope(_root(), auxiliary_name_scope=False):
            if self.iterations is None:
                self.iterations = self._variable("iter", 0, dtype=dtypes.int64)
            held = {
                k: self._variable(k, v)
                for k, v in sorted({**self.values, "decay": self.values.get("decay", 0.0)}.items())
                if not k.startswith("_")
            }
            for _, v in pairs:
                for slot, start in self.slot_start.items():
                    start = self.values.get(start, start) if isinstance(start, str) else start
                    self._made[v.name, slot] = self._variable(f"{v.op.name}/{slot}", start, v.shape.as_list())
        with name_scope(f"{self.scope}/{self._name}"):
            self._ready({k: find("Identity")(v) for k, v in held.items()})
            updates = [self._update(g, v) for g, v in pairs]
            with door.current().control_dependencies(updates):
                return [self.iterations.assign_add(1, read_value=False)]

    def _distinct(self, values: Any, indices: Any, var: Any, method: str) -> tuple[Any, Any]:
        if type(self)._resource_apply_sparse is RuleOptimizer._resource_apply_sparse:
            return super()._distinct(values, indices, var, method)
        return sum_repeats(values, indices, var.shape.as_list()[0])[
            0
        ], indices  # rows of zeros change nothing where rows are added

    def _ready(self, numbers: dict[str, Any]) -> None:
        for key, value in numbers.items():
            setattr(self, f"_{key}_tensor", value)


class Adagrad(EstimatorOptimizer):
    """Adagrad as Keras 2 has it."""

    label, rule = "Adagrad", "AdagradV2"
    op_slots = {"accum": "accumulator"}
    slot_start = {"accumulator": "_start"}
    hyper = {"lr": ("_learning_rate", ""), "epsilon": ("_epsilon", "")}
    numbers = {"learning_rate": 0.001, "_start": 0.1, "_epsilon": 1e-7}

    def _ready(self, numbers: dict[str, Any]) -> None:
        super()._ready(numbers)
        self._epsilon_tensor = constant(self.values["_epsilon"])


class Ftrl(EstimatorOptimizer):
    """FTRL as Keras 2 has it."""

    label, rule = "Ftrl", "Ftrl"
    op_slots = {"accum": "accumulator", "linear": "linear"}
    slot_start = {"accumulator": "_start", "linear": 0.0}
    hyper = {
        "lr": ("_learning_rate", ""),
        "l1": ("_l1_regularization_strength", ""),
        "l2": ("_l2", ""),
        "lr_power": ("_learning_rate_power", ""),
    }
    numbers = {
        "learning_rate": 0.001,
        "learning_rate_power": -0.5,
        "_start": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "beta": 0.0,
    }

    def _ready(self, numbers: dict[str, Any]) -> None:
        super()._ready(numbers)
        extra = find("RealDiv")(numbers["beta"], find("Mul")(2.0, numbers["learning_rate"]))
        self._l2_tensor = find("AddV2")(numbers["l2_regularization_strength"], extra)


class SGD(EstimatorOptimizer):
    """Gradient descent as Keras 2 has it."""

    label, rule = "SGD", "GradientDescent"
    hyper = {"alpha": ("_learning_rate", "")}
    numbers = {"learning_rate": 0.01, "momentum": 0.0}

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        from penstock.ops.state_scatter import resource_scatter_add

        return resource_scatter_add(handle.handle, indices, find("Mul")(find("Neg")(grad), self._learning_rate_tensor))


class RMSProp(EstimatorOptimizer):
    """RMSprop as Keras 2 has it."""

    label = "RMSprop"
    slot_start = {"rms": 0.0}
    numbers = {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "_epsilon": 1e-7}

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        rms, rho = self.get_slot(var, "rms"), self._rho_tensor
        moved = rms.assign(rho * rms + (1.0 - rho) * find("Square")(grad))
        return var.assign_sub(
            self._learning_rate_tensor * grad / (find("Sqrt")(moved) + self.values["_epsilon"]), read_value=False
        )

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        from penstock.ops.state_scatter import resource_scatter_add

        rms, rho = self.get_slot(var, "rms"), self._rho_tensor
        moved = rms.assign(rho * rms)
        with door.current().control_dependencies([moved]):
            added = resource_scatter_add(rms.handle, indices, (1.0 - rho) * find("Square")(grad))
        with door.current().control_dependencies([added]):
            now = find("GatherV2")(rms.read_value(), indices, 0)
            return resource_scatter_add(
                var.handle,
                indices,
                find("Neg")(self._learning_rate_tensor * grad / (find("Sqrt")(now) + self.values["_epsilon"])),
            )


class Adam(EstimatorOptimizer):
    """Adam as Keras 2 has it."""

    label, rule = "Adam", "Adam"
    op_slots = {"m": "m", "v": "v"}
    slot_start = {"m": 0.0, "v": 0.0}
    hyper = {"lr": ("_learning_rate", ""), "beta1": ("_beta_1", ""), "beta2": ("_beta_2", ""), "epsilon": ("_epsilon", ""), "beta1_power": ("_power1", ""),
             "beta2_power": ("_power2", "")}  # fmt: skip
    numbers = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "_epsilon": 1e-7}

    def _ready(self, numbers: dict[str, Any]) -> None:
        super()._ready(numbers)
        step = find("Cast")(self.iterations.read_value() + 1, DstT=dtypes.float32)
        self._epsilon_tensor = constant(self.values["_epsilon"])
        self._power1_tensor, self._power2_tensor = (
            find("Pow")(numbers["beta_1"], step),
            find("Pow")(numbers["beta_2"], step),
        )

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        from penstock.ops.state_scatter import resource_scatter_add

        m, v, b1, b2 = self.get_slot(var, "m"), self.get_slot(var, "v"), self._beta_1_tensor, self._beta_2_tensor
        with door.current().control_dependencies([m.assign(m * b1), v.assign(v * b2)]):
            added = [
                resource_scatter_add(m.handle, indices, grad * (1.0 - b1)),
                resource_scatter_add(v.handle, indices, find("Square")(grad) * (1.0 - b2)),
            ]
        with door.current().control_dependencies(added):
            rate = self._learning_rate_tensor * find("Sqrt")(1.0 - self._power2_tensor) / (1.0 - self._power1_tensor)
            return var.assign_sub(
                rate * m.read_value() / (find("Sqrt")(v.read_value()) + self.values["_epsilon"]), read_value=False
            )


_NEW = {"Adagrad": Adagrad, "Adam": Adam, "Ftrl": Ftrl, "RMSProp": RMSProp, "SGD": SGD}
_CONFIG = {
    "learning_rate",
    "beta_1",
    "beta_2",
    "rho",
    "momentum",
    "learning_rate_power",
    "l1_regularization_strength",
    "l2_regularization_strength",
    "beta",
}


def new_optimizer(given: Any, learning_rate: float | None) -> Any:
    """The optimizer of a 2.x Estimator: of a name, an instance, a function that makes one, or one of Keras (by its config)."""
    if isinstance(given, str):
        if given not in _NEW:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {tuple(sorted(_NEW))}")
        return _NEW[given](**({} if learning_rate is None else {"learning_rate": learning_rate}))
    if callable(given) and not isinstance(given, Optimizer) and not hasattr(given, "get_config"):
        given = given()
    if isinstance(given, Optimizer):
        if not isinstance(given, EstimatorOptimizer):
            raise ValueError(f"The given object is not a tf.keras.optimizers.Optimizer instance. Given: {given}")
        return given
    kinds = {"Adagrad": Adagrad, "Adam": Adam, "Ftrl": Ftrl, "RMSprop": RMSProp, "SGD": SGD}
    if not hasattr(given, "get_config") or type(given).__name__ not in kinds:
        raise ValueError(f"The given object is not a tf.keras.optimizers.Optimizer instance. Given: {given}")
    cls, config = kinds[type(given).__name__], given.get_config()
    numbers = {
        k: float(v) for k, v in config.items() if k in _CONFIG and k in cls.numbers and isinstance(v, (int, float))
    }
    if "epsilon" in config and "_epsilon" in cls.numbers:
        numbers["_epsilon"] = config["epsilon"]
    if "initial_accumulator_value" in config:
        numbers["_start"] = config["initial_accumulator_value"]
    return _build(cls, numbers)


def _build(cls: Any, numbers: dict[str, float]) -> Any:
    made = cls()
    made.values.update(numbers)
    return made


def _root() -> Any:
    from penstock.state.scopes import VariableScope

    return VariableScope(reuse=False, name="", use_resource=True)
