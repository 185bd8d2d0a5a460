"""Loss scales for training with half precision, and the optimizer that applies them."""

import abc
from typing import Any

from penstock.base.dtypes import as_dtype, int64
from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.fronts.control import cond
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.op import find
from penstock.state.variable import Variable, VariableV1
from penstock.train.optimizer import Optimizer, is_slices

FLOAT = as_dtype("float32")


def _names(name: str, *, deep: bool = True) -> Any:
    more = (f"mixed_precision.experimental.{name}",) if deep else ()
    return export(v1=(f"train.experimental.{name}", f"mixed_precision.{name}", *more))


@_names("LossScale")
class LossScale(Trackable, abc.ABC):
    """A number that the loss is multiplied with, so that small gradients do not vanish in half precision."""

    def __init__(self) -> None:
        self._weights: dict[str, Any] = {}

    @abc.abstractmethod
    def __call__(self) -> Any:
        """The current scale, a scalar float32 tensor."""

    @abc.abstractmethod
    def update(self, grads: Any) -> tuple[Any, Any]:
        """(an op that adapts the scale to these gradients, may they be applied)."""

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes an equal scale of."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LossScale":
        return cls(**config)

    def _add_weight(self, name: str, initial_value: Any, dtype: Any = None) -> Any:
        made = VariableV1(initial_value=initial_value, name=name, dtype=dtype, trainable=False, use_resource=True)
        self._weights[name] = made
        return made


@_names("FixedLossScale")
class FixedLossScale(LossScale):
    """A scale that stays as it is."""

    def __init__(self, loss_scale_value: Any):
        super().__init__()
        if not isinstance(loss_scale_value, (int, float)):
            raise ValueError("loss_scale_value must be a Python int or float.")
        if loss_scale_value < 1:
            raise ValueError("loss_scale_value must be at least 1.")
        self._loss_scale_value = float(loss_scale_value)

    def __call__(self) -> Any:
        return door.convert(self._loss_scale_value)

    def update(self, grads: Any) -> tuple[Any, Any]:
        return group(), True

    def __repr__(self) -> str:
        return f"FixedLossScale({self._loss_scale_value})"

    def get_config(self) -> dict[str, Any]:
        return {"loss_scale_value": self._loss_scale_value}


def _all_finite(grads: Any) -> Any:
    flat = [g.values if is_slices(g) else g for g in grads if g is not None]
    checks = [
        find("All")(
            find("IsFinite")(g),
            list(range(g.shape.rank)) if g.shape.rank is not None else find("Range")(0, find("Rank")(g), 1),
        )
        for g in flat
    ]
    if not checks:
        return door.convert(True)
    return checks[0] if len(checks) == 1 else find("All")(find("Pack")(checks, axis=0), [0])


@_names("DynamicLossScale")
class DynamicLossScale(LossScale):
    """A scale that grows after `increment_period` steps of finite gradients, and falls when one is not finite."""

    def __init__(self, initial_loss_scale: float = 2**15, increment_period: int = 2000, multiplier: float = 2.0):
        super().__init__()
        self._initial_loss_scale = float(initial_loss_scale)
        self._increment_period, self._multiplier = int(increment_period), float(multiplier)
        self._current_loss_scale = self._add_weight("current_loss_scale", self._initial_loss_scale, FLOAT)
        self._num_good_steps = self._add_weight("good_steps", 0, int64)

    initial_loss_scale = property(lambda s: s._initial_loss_scale)
    increment_period = property(lambda s: s._increment_period)
    multiplier = property(lambda s: s._multiplier)

    def __call__(self) -> Any:
        return door.convert(self._current_loss_scale)

    def update(self, grads: Any) -> tuple[Any, Any]:
        from penstock.base import nest

        finite = _all_finite(nest.flatten(grads))
        scale, good = self._current_loss_scale, self._num_good_steps

        def grown() -> Any:
            def more() -> Any:
                new = scale * self._multiplier
                kept = find("SelectV2")(find("IsFinite")(new), new, door.convert(scale))
                return group(scale.assign(kept), good.assign(0))

            full = find("GreaterEqual")(good + 1, door.convert(self._increment_period, int64))
            return cond(full, more, lambda: group(good.assign_add(1)))

        def fallen() -> Any:
            new = find("Maximum")(scale / self._multiplier, 1.0)
            return group(good.assign(0), scale.assign(new))

        return cond(finite, grown, fallen), finite

    def __repr__(self) -> str:
        return f"DynamicLossScale(initial_loss_scale={self.initial_loss_scale}, increment_period={self.increment_period}, multiplier={self.multiplier})"

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_loss_scale": self.initial_loss_scale,
            "increment_period": self.increment_period,
            "multiplier": self.multiplier,
        }


def loss_scale_of(identifier: Any) -> Any:
    """The LossScale that a number, "dynamic" or a LossScale stands for; None for None."""
    if identifier is None or isinstance(identifier, LossScale):
        return identifier
    if identifier == "dynamic":
        return DynamicLossScale()
    if isinstance(identifier, (int, float)):
        return FixedLossScale(identifier)
    raise ValueError(f"Could not interpret loss scale identifier: {identifier}")


@_names("MixedPrecisionLossScaleOptimizer", deep=False)
class MixedPrecisionLossScaleOptimizer(Optimizer):
    """Computes gradients of the scaled loss, scales them back, and leaves a step out when they are not finite."""

    def __init__(self, opt: Any, loss_scale: Any):
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt)}')
        self._optimizer = opt
        super().__init__(opt._use_locking, opt.get_name())
        self._loss_scale = loss_scale_of(loss_scale)
        if self._loss_scale is None:
            raise ValueError("loss_scale cannot be None")

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: int = Optimizer.GATE_OP, aggregation_method: Any = None,
                          colocate_gradients_with_ops: bool = False, grad_loss: Any = None) -> Any:  # fmt: skip
        scale = self._loss_scale()
        scaled: Any = (
            (lambda: loss() * self._loss_scale())
            if callable(loss)
            else loss * find("Cast")(scale, DstT=loss.dtype.base_dtype)
        )
        pairs = self._optimizer.compute_gradients(loss=scaled, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
                                                  colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss)  # fmt: skip
        return [(None if g is None else self._scaled_back(g), v) for g, v in pairs]

    def _scaled_back(self, grad: Any) -> Any:
        inverse = 1.0 / self._loss_scale()
        values = grad.values if is_slices(grad) else grad
        values = values * find("Cast")(inverse, DstT=values.dtype.base_dtype)
        if not is_slices(grad):
            return values
        from penstock.ops.indexed_slices import IndexedSlices

        return IndexedSlices(values, grad.indices, dense_shape=grad.dense_shape)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        grads_and_vars = tuple(grads_and_vars)
        update, may_apply = self._loss_scale.update([g for g, _ in grads_and_vars])
        if may_apply is True:
            return group(update, self._optimizer.apply_gradients(grads_and_vars, global_step, name))
        self._optimizer._create_slots([v for g, v in grads_and_vars if g is not None])
        apply = lambda: group(self._optimizer.apply_gradients(grads_and_vars, global_step, name))
        return group(update, cond(may_apply, apply, lambda: group()))

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._optimizer._apply_sparse(grad, var)

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._optimizer._apply_dense(grad, var)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return self._optimizer._resource_apply_sparse(grad, handle, indices)

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        return self._optimizer._resource_apply_dense(grad, handle)

    def variables(self) -> list[Variable]:
        """The variables of the optimizer inside."""
        return self._optimizer.variables()


@export(
    v1=(
        "train.experimental.enable_mixed_precision_graph_rewrite",
        "mixed_precision.enable_mixed_precision_graph_rewrite",
    )
)
def enable_mixed_precision_graph_rewrite(opt: Any, loss_scale: Any = "dynamic") -> Any:
    """The optimizer with a loss scale; the compiler chooses the precision of each op by itself."""
    if isinstance(opt, MixedPrecisionLossScaleOptimizer):
        raise ValueError('"opt" must not already be an instance of a MixedPrecisionLossScaleOptimizer. `enable_mixed_precision_graph_rewrite` will '
                         "automatically wrap the optimizer with a MixedPrecisionLossScaleOptimizer.")  # fmt: skip
    for _, _, wrapper_cls in _wrappers:
        if isinstance(opt, wrapper_cls):
            raise ValueError(f'"opt" must not already be an instance of a {wrapper_cls.__name__}. `enable_mixed_precision_graph_rewrite` will '
                             f"automatically wrap the optimizer with a {wrapper_cls.__name__}.")  # fmt: skip
    if isinstance(opt, Optimizer):
        return MixedPrecisionLossScaleOptimizer(opt, loss_scale)
    for optimizer_cls, wrapper_fn, _ in _wrappers:
        if isinstance(opt, optimizer_cls):
            return wrapper_fn(opt, loss_scale)
    raise ValueError(
        f'"opt" must be an instance of a tf.train.Optimizer or a tf.keras.optimizers.Optimizer, but got: {opt}'
    )


_wrappers: list[tuple[Any, Any, Any]] = []
"""(class of optimizers, what gives one a loss scale, the class of the result): those of libraries above."""


@export(v2=("__internal__.mixed_precision.register_loss_scale_wrapper",))
def register_loss_scale_wrapper(optimizer_cls: Any, wrapper_fn: Any, wrapper_cls: Any = None) -> None:
    """Say how `enable_mixed_precision_graph_rewrite` gives optimizers of a library their loss scale: `wrapper_fn(optimizer, loss_scale)`."""
    _wrappers.append((optimizer_cls, wrapper_fn, wrapper_fn if wrapper_cls is None else wrapper_cls))


@export(
    v1=(
        "train.experimental.disable_mixed_precision_graph_rewrite",
        "mixed_precision.disable_mixed_precision_graph_rewrite",
    )
)
def disable_mixed_precision_graph_rewrite() -> None:
    """Undo `enable_mixed_precision_graph_rewrite`: nothing is left behind by it."""
