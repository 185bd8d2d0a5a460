"""Optimizers of `tf.contrib.opt`: LazyAdam, Nadam, AdaMax, LARS, AddSign, PowerSign, and wrappers of others."""

import math
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


def _sub(var: Any, value: Any) -> Any:
    return var.assign_sub(value)


def _scatter(var: Any, indices: Any, values: Any, how: str) -> Any:
    if hasattr(var, "handle"):
        return getattr(var, f"scatter_{how}")(tf.IndexedSlices(values, indices))
    return getattr(tf, f"scatter_{how}")(var, indices, values)


class _BothKinds(tf.train.Optimizer):
    """One rule for reference and resource variables: `_dense(grad, var)` and `_sparse(values, indices, var)`."""

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._dense(grad, var)

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        return self._dense(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._sparse(grad.values, grad.indices, var)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._sparse(grad, indices, var)

    def _dense(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError

    def _sparse(self, values: Any, indices: Any, var: Any) -> Any:
        return self._dense(tf.convert_to_tensor(tf.IndexedSlices(values, indices, tf.shape(var))), var)


@contrib("opt.LazyAdamOptimizer")
class LazyAdamOptimizer(tf.train.AdamOptimizer):
    """Adam that, for sparse gradients, moves the averages of the rows at hand alone."""

    def _lazy(self, values: Any, indices: Any, var: Any) -> Any:
        power1, power2 = (tf.cast(p, var.dtype.base_dtype) for p in self._get_beta_accumulators())
        lr, beta1, beta2, epsilon = (tf.cast(t, var.dtype.base_dtype) for t in (self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t))
        lr = lr * tf.sqrt(1 - power2) / (1 - power1)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_t = beta1 * tf.gather(m, indices) + (1 - beta1) * values
        v_t = beta2 * tf.gather(v, indices) + (1 - beta2) * tf.square(values)
        update = lr * m_t / (tf.sqrt(v_t) + epsilon)
        return tf.group(_scatter(m, indices, m_t, "update"), _scatter(v, indices, v_t, "update"), _scatter(var, indices, update, "sub"))

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._lazy(grad.values, grad.indices, var)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._lazy(grad, indices, var)


@contrib("opt.NadamOptimizer")
class NadamOptimizer(tf.train.AdamOptimizer):
    """Adam with Nesterov's momentum (Dozat)."""

    def _nadam(self, grad: Any, var: Any) -> Any:
        dtype = var.dtype.base_dtype
        power1, power2 = (tf.cast(p, dtype) for p in self._get_beta_accumulators())
        lr, beta1, beta2, epsilon = (tf.cast(t, dtype) for t in (self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t))
        lr = lr * tf.sqrt(1 - power2) / (1 - power1)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_t = m.assign(beta1 * m + (1 - beta1) * grad)
        v_t = v.assign(beta2 * v + (1 - beta2) * tf.square(grad))
        step = lr * ((1 - beta1) * grad + beta1 * m_t) / (tf.sqrt(v_t) + epsilon)
        return tf.group(var.assign_sub(step), m_t, v_t)

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._nadam(grad, var)

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        return self._nadam(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._nadam(tf.convert_to_tensor(tf.IndexedSlices(grad.values, grad.indices, tf.shape(var))), var)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._nadam(tf.convert_to_tensor(tf.IndexedSlices(grad, indices, tf.shape(var))), var)


@contrib("opt.AdaMaxOptimizer")
class AdaMaxOptimizer(tf.train.AdamOptimizer):
    """Adam by the largest gradient in place of the mean square."""

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8, use_locking: bool = False, name: str = "AdaMax"):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _get_beta_accumulators(self) -> Any:
        return self._get_non_slot_variable("beta1_power", graph=tf.get_default_graph())

    def _create_slots(self, var_list: Any) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(initial_value=self._beta1, name="beta1_power", colocate_with=first)
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _hypers(self, var: Any) -> Any:
        dtype = var.dtype.base_dtype
        return [tf.cast(t, dtype) for t in (self._get_beta_accumulators(), self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)]

    def _adamax(self, grad: Any, var: Any) -> Any:
        power, lr, beta1, beta2, epsilon = self._hypers(var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_t = m.assign(beta1 * m + (1 - beta1) * grad)
        v_t = v.assign(tf.maximum(beta2 * v, tf.abs(grad)))
        return tf.group(var.assign_sub(lr / (1 - power) * m_t / (v_t + epsilon)), m_t, v_t)

    def _adamax_rows(self, grad: Any, indices: Any, var: Any) -> Any:
        power, lr, beta1, beta2, epsilon = self._hypers(var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_t = beta1 * tf.gather(m, indices) + (1 - beta1) * grad
        v_t = tf.maximum(beta2 * tf.gather(v, indices), tf.abs(grad))
        step = lr / (1 - power) * m_t / (v_t + epsilon)
        return tf.group(_scatter(m, indices, m_t, "update"), _scatter(v, indices, v_t, "update"), _scatter(var, indices, step, "sub"))

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._adamax(grad, var)

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        return self._adamax(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._adamax_rows(grad.values, grad.indices, var)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._adamax_rows(grad, indices, var)

    def _finish(self, update_ops: Any, name_scope: Any) -> Any:
        with tf.control_dependencies(update_ops):
            power = self._get_beta_accumulators()
            update = power.assign(power * self._beta1_t, use_locking=self._use_locking)
        return tf.group(*update_ops, update, name=name_scope)


@contrib("opt.LARSOptimizer")
class LARSOptimizer(_BothKinds):
    """Momentum whose rate for each layer follows the norms of weights and gradient (You et al.)."""

    def __init__(
        self, learning_rate: Any, momentum: float = 0.9, weight_decay: float = 0.0001, eeta: float = 0.001, epsilon: float = 0.0,
        name: str = "LARSOptimizer", skip_list: Any = None, use_nesterov: bool = False,
    ):  # fmt: skip
        if momentum < 0.0:
            raise ValueError(f"momentum should be positive: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay should be positive: {weight_decay}")
        super().__init__(use_locking=False, name=name)
        self._learning_rate, self._momentum, self._weight_decay = learning_rate, momentum, weight_decay
        self._eeta, self._epsilon, self._name, self._skip_list, self._use_nesterov = eeta, epsilon, name, skip_list, use_nesterov

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self) -> None:
        lr = self._learning_rate
        self._learning_rate_tensor = tf.convert_to_tensor(lr() if callable(lr) else lr, name="learning_rate")
        momentum = self._momentum
        self._momentum_tensor = tf.convert_to_tensor(momentum() if callable(momentum) else momentum, name="momentum")

    def compute_lr(self, grad: Any, var: Any) -> tuple[Any, Any]:
        """(the rate of this variable, its gradient with weight decay)."""
        scaled_lr = self._learning_rate
        if self._skip_list is None or not any(v in var.name for v in self._skip_list):
            w_norm, g_norm = tf.norm(var, ord=2), tf.norm(grad, ord=2)
            ratio = self._eeta * w_norm / (g_norm + self._weight_decay * w_norm + self._epsilon)
            trust = tf.where(tf.greater(w_norm, 0), tf.where(tf.greater(g_norm, 0), ratio, tf.ones_like(ratio)), tf.ones_like(ratio))
            scaled_lr = self._learning_rate * trust
            grad = grad + self._weight_decay * var
        return scaled_lr, grad

    def _dense(self, grad: Any, var: Any) -> Any:
        lr, grad = self.compute_lr(grad, var)
        mom = self.get_slot(var, "momentum")
        lr, momentum = tf.cast(lr, var.dtype.base_dtype), tf.cast(self._momentum, var.dtype.base_dtype)
        moved = mom.assign(mom * momentum + grad * lr)
        step = grad * lr + moved * momentum if self._use_nesterov else moved
        return tf.group(_sub(var, step), moved)


class _SignOptimizer(_BothKinds):
    """The sign of the gradient against that of its average decides how far to go."""

    def __init__(self, learning_rate: Any, beta: float, sign_decay_fn: Any, use_locking: bool, name: str):
        super().__init__(use_locking, name)
        self._lr, self._beta, self._sign_decay_fn = learning_rate, beta, sign_decay_fn
        self._sign_decay_t: Any = None

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        if self._sign_decay_fn is not None:
            self._sign_decay_t = tf.convert_to_tensor(self._sign_decay_fn(global_step), name="sign_decay")
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._zeros_slot(v, "m", self._name)

    def _prepare(self) -> None:
        self._lr_t, self._beta_t = tf.convert_to_tensor(self._lr, name="learning_rate"), tf.convert_to_tensor(self._beta, name="beta")
        if self._sign_decay_fn is None:
            self._sign_decay_t = tf.convert_to_tensor(1.0, name="sign_decay")

    def _gain(self, agreement: Any, dtype: Any) -> Any:
        raise NotImplementedError

    def _dense(self, grad: Any, var: Any) -> Any:
        dtype = var.dtype.base_dtype
        m = self.get_slot(var, "m")
        beta = tf.cast(self._beta_t, dtype)
        m_t = m.assign(m * beta + grad * (1 - beta))
        agreement = tf.cast(self._sign_decay_t, dtype) * tf.sign(grad) * tf.sign(m_t)
        return tf.group(_sub(var, tf.cast(self._lr_t, dtype) * self._gain(agreement, dtype) * grad), m_t)


@contrib("opt.AddSignOptimizer")
class AddSignOptimizer(_SignOptimizer):
    """(alpha + sign * sign) * gradient (Bello et al.)."""

    def __init__(self, learning_rate: Any = 0.1, alpha: float = 1.0, beta: float = 0.9, sign_decay_fn: Any = None, use_locking: bool = False, name: str = "AddSignOptimizer"):
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _gain(self, agreement: Any, dtype: Any) -> Any:
        return tf.cast(self._alpha, dtype) + agreement


@contrib("opt.PowerSignOptimizer")
class PowerSignOptimizer(_SignOptimizer):
    """base ** (sign * sign) * gradient (Bello et al.)."""

    def __init__(self, learning_rate: Any = 0.1, base: float = math.e, beta: float = 0.9, sign_decay_fn: Any = None, use_locking: bool = False, name: str = "PowerSignOptimizer"):
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._logbase = math.log(base)

    def _gain(self, agreement: Any, dtype: Any) -> Any:
        return tf.exp(tf.cast(self._logbase, dtype) * agreement)


# -- around others -----------------------------------------------------------------------------------------------------
class _Wrapper(tf.train.Optimizer):
    """An optimizer around another one."""

    def __init__(self, opt: Any, use_locking: bool, name: str):
        super().__init__(use_locking, name)
        self._opt = opt

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> Any:
        return self._opt.variables()


@contrib("opt.MovingAverageOptimizer")
class MovingAverageOptimizer(_Wrapper):
    """Keeps moving averages of the variables it trains; `swapping_saver` saves the averages in their place."""

    def __init__(self, opt: Any, average_decay: Any = 0.9999, num_updates: Any = None, sequential_update: bool = True):
        super().__init__(opt, False, "MovingAverageOptimizer")
        self._ema = tf.train.ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._swapped_variable_name_map: Any = None
        self._sequential_update = sequential_update

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        train_op = self._opt.apply_gradients(grads_and_vars, global_step=global_step, name=name)
        variables = [v for _, v in grads_and_vars]
        with tf.control_dependencies([train_op] if self._sequential_update else []):
            averaged = self._ema.apply(variables)
        self._swapped_variable_name_map = {v.op.name: self._ema.average(v).op.name for v in variables}
        return tf.group(train_op, averaged, name="train_with_avg")

    def swapping_saver(self, var_list: Any = None, name: str = "swapping_saver", **kwargs: Any) -> Any:
        """A saver that writes each variable's average under the variable's name, and the other way round."""
        if self._swapped_variable_name_map is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the swapping_saver")
        if var_list is None:
            var_list = tf.global_variables()
        named = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
        swapped = dict(named)
        for ours, average in self._swapped_variable_name_map.items():
            if ours in named and average not in named:
                raise ValueError(f"Variable to swap {average} is not part of variables to save. This breaks MovingAverageOptimizer.")
            if ours in named:
                swapped[ours], swapped[average] = named[average], named[ours]
        return tf.train.Saver(swapped, name=name, **kwargs)


@contrib("opt.VariableClippingOptimizer")
class VariableClippingOptimizer(_Wrapper):
    """Clips the norms of variables along some axes behind each step."""

    def __init__(self, opt: Any, vars_to_clip_dims: Any, max_norm: float, use_locking: bool = False, colocate_clip_ops_with_vars: bool = False, name: str = "VariableClipping"):
        super().__init__(opt, use_locking, name)
        self._dims = {id(v): dims for v, dims in (vars_to_clip_dims.items() if isinstance(vars_to_clip_dims, dict) else vars_to_clip_dims)}
        self._max_norm, self._name = max_norm, name

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        with tf.name_scope(name, self._name) as name:
            update = self._opt.apply_gradients(grads_and_vars, global_step=global_step)
            clips = []
            with tf.control_dependencies([update]), tf.name_scope(name, "clip_vars"):
                for _, var in grads_and_vars:
                    if id(var) in self._dims:
                        value = var.read_value()
                        clips.append(var.assign(tf.clip_by_norm(value, self._max_norm, self._dims[id(var)]), use_locking=self._use_locking))
            return tf.group(update, *clips, name=name)


@contrib("opt.MultitaskOptimizerWrapper")
class MultitaskOptimizerWrapper:
    """Leaves a variable and its slots as they are where its gradient is all zeros."""

    def __init__(self, opt: Any):
        if not isinstance(opt, tf.train.Optimizer):
            raise TypeError("Supplied optimizer must be an instance of tf.train.Optimizer")
        self._opt = opt
        for name in ("_apply_dense", "_resource_apply_dense", "_apply_sparse", "_resource_apply_sparse"):
            setattr(opt, name, self._guarded(getattr(opt, name)))

    @staticmethod
    def _guarded(method: Any) -> Any:
        def apply(grad: Any, var: Any, *args: Any, **kwargs: Any) -> Any:
            values = grad.values if isinstance(grad, tf.IndexedSlices) else grad

            def step() -> Any:
                with tf.control_dependencies([method(grad, var, *args, **kwargs)]):
                    return tf.no_op()

            return tf.cond(tf.equal(tf.reduce_sum(tf.abs(values)), 0.0), tf.no_op, step)

        return apply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opt, name)


@contrib("opt.clip_gradients_by_global_norm")
def clip_gradients_by_global_norm(gradients_variables: Any, clip_norm: float = 20.0) -> list[Any]:
    """Gradients clipped by their global norm; where all are zero they stay as they are."""
    gradients, variables = zip(*gradients_variables)
    norm = tf.linalg.global_norm(gradients)
    safe = tf.where(tf.equal(norm, 0.0), tf.ones_like(norm), norm)
    clipped, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=safe)
    return list(zip(clipped, variables))


@contrib("opt.DropStaleGradientOptimizer")
class DropStaleGradientOptimizer(_Wrapper):
    """Drops steps made of gradients that are older than `staleness` steps."""

    def __init__(self, opt: Any, staleness: int, use_locking: bool = False, name: str = "DropStaleGradient"):
        super().__init__(opt, use_locking, name)
        self._staleness = staleness

    def compute_gradients(self, loss: Any, *args: Any, **kwargs: Any) -> Any:
        step = tf.train.get_global_step()
        with tf.control_dependencies([tf.convert_to_tensor(loss)]):
            self._local_step = tf.identity(step) + 0 if step is not None else None
        return self._opt.compute_gradients(loss, *args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        local = getattr(self, "_local_step", None)
        stale = tf.cast(tf.identity(global_step) - (local if local is not None else tf.identity(global_step)), tf.int64)
        step = lambda: tf.group(self._opt.apply_gradients(grads_and_vars, global_step=global_step))

        def run() -> Any:
            with tf.control_dependencies([step()]):
                return tf.constant(True)

        return tf.cond(tf.greater_equal(tf.cast(self._staleness, tf.int64), stale), run, lambda: tf.constant(False)).op

