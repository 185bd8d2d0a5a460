"""Optimizers outside the graph: SciPy's, over the values of the variables."""

from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


@contrib("opt.ExternalOptimizerInterface")
class ExternalOptimizerInterface:
    """The base: loss, gradients and constraints as functions of one vector."""

    def __init__(self, loss: Any, var_list: Any = None, equalities: Any = None, inequalities: Any = None, var_to_bounds: Any = None, **optimizer_kwargs: Any):
        self._loss, self._equalities, self._inequalities = loss, equalities or [], inequalities or []
        self._vars = tf.trainable_variables() if var_list is None else list(var_list)
        self._packed_bounds: Any = None
        if var_to_bounds is not None:
            left, right = [], []
            for var in self._vars:
                shape = var.get_shape().as_list()
                low, high = next((b for v, b in var_to_bounds.items() if v is var), (-np.inf, np.inf))
                left.append(np.broadcast_to(low, shape).flatten())
                right.append(np.broadcast_to(high, shape).flatten())
            self._packed_bounds = list(zip(np.concatenate(left), np.concatenate(right)))
        self._update_placeholders = [tf.placeholder(v.dtype.base_dtype) for v in self._vars]
        self._var_updates = [v.assign(tf.reshape(p, v.get_shape().as_list())) for v, p in zip(self._vars, self._update_placeholders)]
        gradients = lambda t: self._pack([g if g is not None else tf.zeros_like(v) for g, v in zip(tf.gradients(t, self._vars), self._vars)])
        self._packed_var = self._pack(self._vars)
        self._packed_loss_grad = gradients(loss)
        self._packed_equality_grads = [gradients(e) for e in self._equalities]
        self._packed_inequality_grads = [gradients(e) for e in self._inequalities]
        sizes = [int(np.prod(v.get_shape().as_list())) for v in self._vars]
        ends = np.cumsum([0, *sizes])
        self._packing_slices = [slice(a, b) for a, b in zip(ends[:-1], ends[1:])]
        self.optimizer_kwargs = optimizer_kwargs

    @staticmethod
    def _pack(tensors: Any) -> Any:
        flat = [tf.reshape(t, [-1]) for t in tensors]
        return flat[0] if len(flat) == 1 else tf.concat(flat, axis=0)

    def minimize(
        self, session: Any = None, feed_dict: Any = None, fetches: Any = None, step_callback: Any = None, loss_callback: Any = None, **run_kwargs: Any
    ) -> None:  # fmt: skip
        """Minimize the loss and leave the variables at the minimum."""
        session = session or tf.get_default_session()
        feed_dict, fetches = feed_dict or {}, list(fetches or [])
        loss_callback = loss_callback or (lambda *_: None)
        step_callback = step_callback or (lambda _: None)

        def func(tensors: Any, callback: Any = None) -> Any:
            tensors = list(tensors)

            def evaluate(x: Any) -> Any:
                feeds = {**dict(zip(self._vars_read(), [x[s].reshape(v.get_shape().as_list()) for s, v in zip(self._packing_slices, self._vars)])), **feed_dict}
                found = session.run(tensors + (fetches if callback else []), feeds)
                if callback:
                    callback(*found[len(tensors) :])
                return found[: len(tensors)]

            return evaluate

        loss_grad = func([self._loss, self._packed_loss_grad], loss_callback)
        equality_funcs, equality_grads = [func([e]) for e in self._equalities], [func([g]) for g in self._packed_equality_grads]
        inequality_funcs, inequality_grads = [func([e]) for e in self._inequalities], [func([g]) for g in self._packed_inequality_grads]
        start = session.run(self._packed_var, feed_dict)
        found = self._minimize(
            initial_val=start, loss_grad_func=loss_grad, equality_funcs=equality_funcs, equality_grad_funcs=equality_grads,
            inequality_funcs=inequality_funcs, inequality_grad_funcs=inequality_grads, packed_bounds=self._packed_bounds,
            step_callback=step_callback, optimizer_kwargs=self.optimizer_kwargs,
        )  # fmt: skip
        values = [found[s] for s in self._packing_slices]
        session.run(self._var_updates, dict(zip(self._update_placeholders, values)), **run_kwargs)

    def _vars_read(self) -> list[Any]:
        """The tensors that stand for the variables' values in the graph."""
        return self._vars

    def _minimize(self, **kwargs: Any) -> Any:
        raise NotImplementedError("To use ExternalOptimizerInterface, subclass from it and implement the _minimize() method.")


@contrib("opt.ScipyOptimizerInterface")
class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """`scipy.optimize.minimize` (L-BFGS-B, or SLSQP with constraints)."""

    _DEFAULT_METHOD = "L-BFGS-B"

    def _minimize(
        self, initial_val: Any, loss_grad_func: Any, equality_funcs: Any, equality_grad_funcs: Any, inequality_funcs: Any, inequality_grad_funcs: Any,
        packed_bounds: Any, step_callback: Any, optimizer_kwargs: Any,
    ) -> Any:  # fmt: skip
        import scipy.optimize

        def both(x: Any) -> Any:
            loss, grad = loss_grad_func(x)
            return np.float64(loss), grad.astype("float64")

        constraints = []
        for kind, funcs, grads in (("eq", equality_funcs, equality_grad_funcs), ("ineq", inequality_funcs, inequality_grad_funcs)):
            for f, g in zip(funcs, grads):
                constraints.append({"type": kind, "fun": lambda x, f=f: np.float64(f(x)[0]), "jac": lambda x, g=g: np.float64(g(x)[0])})
        options = dict(optimizer_kwargs.items())
        method = options.pop("method", "SLSQP" if constraints else self._DEFAULT_METHOD)
        for taken in ("bounds", "constraints", "jac"):
            if taken in options:
                raise ValueError(f"Optimizer keyword arg '{taken}' is set automatically and cannot be injected manually")
        arguments = {"jac": True, "callback": step_callback, "method": method, **options}
        if packed_bounds is not None:
            arguments["bounds"] = packed_bounds
        if constraints:
            arguments["constraints"] = constraints
        found = scipy.optimize.minimize(both, np.float64(initial_val), **arguments)
        tf.logging.info("Optimization terminated with:\n  Message: %s\n  Objective function value: %f\n  Number of iterations: %s\n  Number of functions evaluations: %d",
                        found.message, found.fun, getattr(found, "nit", "?"), found.nfev)  # fmt: skip
        return found["x"]
