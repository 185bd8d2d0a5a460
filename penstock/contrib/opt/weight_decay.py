"""Optimizers with weight decay apart from the loss (Loshchilov and Hutter): AdamW, MomentumW, and any other one extended."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


@contrib("opt.DecoupledWeightDecayExtension")
class DecoupledWeightDecayExtension:
    """Mixed in before an optimizer: variables shrink by `weight_decay` times themselves before each step."""

    def __init__(self, weight_decay: Any, **kwargs: Any):
        self._decay_var_list: Any = None
        self._weight_decay = weight_decay
        self._weight_decay_tensor: Any = None
        super().__init__(**kwargs)

    def minimize(
        self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: int = 1, aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False, name: Any = None, grad_loss: Any = None, decay_var_list: Any = None,
    ) -> Any:  # fmt: skip
        """As the optimizer's; only the variables of `decay_var_list` shrink (all of them where it is None)."""
        self._decay_var_list = list(decay_var_list) if decay_var_list else None
        return super().minimize(loss, global_step=global_step, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
                                colocate_gradients_with_ops=colocate_gradients_with_ops, name=name, grad_loss=grad_loss)  # fmt: skip

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None, decay_var_list: Any = None) -> Any:
        """As the optimizer's; only the variables of `decay_var_list` shrink (all of them where it is None)."""
        if decay_var_list:
            self._decay_var_list = list(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _prepare(self) -> None:
        decay = self._weight_decay() if callable(self._weight_decay) else self._weight_decay
        self._weight_decay_tensor = tf.convert_to_tensor(decay, name="weight_decay")
        super()._prepare()

    def _decays(self, var: Any) -> bool:
        return not self._decay_var_list or any(var is v for v in self._decay_var_list)

    def _decayed(self, var: Any, indices: Any = None) -> list[Any]:
        if not self._decays(var):
            return []
        decay = tf.cast(self._weight_decay_tensor, var.dtype.base_dtype)
        if indices is None:
            return [var.assign_sub(decay * var, use_locking=self._use_locking)]
        update = -decay * tf.gather(var, indices)
        return [tf.scatter_add(var, indices, update) if not hasattr(var, "handle") else var.scatter_add(tf.IndexedSlices(update, indices))]

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        with tf.control_dependencies(self._decayed(var)):
            return super()._apply_dense(grad, var)

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        with tf.control_dependencies(self._decayed(var)):
            return super()._resource_apply_dense(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        with tf.control_dependencies(self._decayed(var, grad.indices)):
            return super()._apply_sparse(grad, var)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        with tf.control_dependencies(self._decayed(var, indices)):
            return super()._resource_apply_sparse(grad, var, indices)


@contrib("opt.extend_with_decoupled_weight_decay")
def extend_with_decoupled_weight_decay(base_optimizer: type) -> type:
    """A class like `base_optimizer` that takes `weight_decay` first."""

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):  # type: ignore[misc, valid-type]
        """The optimizer with weight decay."""

        def __init__(self, weight_decay: Any, *args: Any, **kwargs: Any):
            self._decay_var_list: Any = None
            self._weight_decay = weight_decay
            self._weight_decay_tensor: Any = None
            base_optimizer.__init__(self, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


@contrib("opt.MomentumWOptimizer")
class MomentumWOptimizer(DecoupledWeightDecayExtension, tf.train.MomentumOptimizer):
    """Momentum with weight decay."""

    def __init__(self, weight_decay: Any, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "MomentumW", use_nesterov: bool = False):
        super().__init__(weight_decay, learning_rate=learning_rate, momentum=momentum, use_locking=use_locking, name=name, use_nesterov=use_nesterov)


@contrib("opt.AdamWOptimizer")
class AdamWOptimizer(DecoupledWeightDecayExtension, tf.train.AdamOptimizer):
    """Adam with weight decay."""

    def __init__(self, weight_decay: Any, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8, use_locking: bool = False, name: str = "AdamW"):
        super().__init__(weight_decay, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon, use_locking=use_locking, name=name)
