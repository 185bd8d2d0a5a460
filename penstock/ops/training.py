"""The update rules of the optimizers: `Apply*` and `SparseApply*`, on reference variables and on resources."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.shape import as_text, merge
from penstock.ir.op import op
from penstock.ops.state import held, named, put
from penstock.ops.state_scatter import out_of_range

Rule = Callable[..., tuple[Any, ...]]


def _rsqrt(xp: Any, x: Any) -> Any:
    one = xp.asarray(1, x.dtype)
    return one / xp.sqrt(x)


def _declare(
    text: str, slots: str, scalars: str, attrs: str, rule: Rule, forms: str, sparse_scalars: str | None = None
) -> None:
    """Declare the forms of one rule: d dense, s sparse rows, r on resources only.

    `slots` are the variables it changes; `scalars` the other inputs in order, with `grad` among them.  The rule takes the values
    of all of them by name and returns the new values of the slots.
    """
    for sparse in (False, True):
        if ("s" if sparse else "d") not in forms:
            continue
        inputs = (sparse_scalars or scalars.replace("grad", "grad indices") if sparse else scalars).split()
        for resource in (False, True):
            if "r" in forms and not resource:
                continue
            name = f"{'Resource' if resource else ''}{'Sparse' if sparse else ''}Apply{text}"
            _one(name, slots.split(), inputs, attrs, rule, sparse, resource)


def _one(name: str, slots: list[str], inputs: list[str], attrs: str, rule: Rule, sparse: bool, resource: bool) -> None:
    kinds = {"global_step": "int64", "indices": "Tindices"}
    args = [f"{s}: resource" if resource else f"{s}: Ref(T)" for s in slots] + [
        f"{i}: {kinds.get(i, 'T')}" for i in inputs
    ]
    sig = f"{name}({', '.join(args)}, *, T: numeric, {'Tindices: index, ' if sparse else ''}{attrs}) -> {'()' if resource else 'out: Ref(T)'}"
    gradient = "delta" if "delta" in inputs else "grad"
    n = len(slots)

    def body(xp: Any, *values: Any, **given: Any) -> Any:
        """Take one step of the rule in place."""
        by_name = dict(zip(inputs, values[n:]))
        options = {k: v for k, v in given.items() if k in ("use_nesterov", "update_slots", "multiply_linear_by_lr")}
        old = [v.read() for v in values[:n]]
        if sparse:
            new = _on_rows(xp, rule, slots, old, by_name, options)
        else:
            new = rule(xp, **dict(zip(slots, old)), **by_name, **options)
        for cell, value, before in zip(values[:n], new, old):
            if value is not before:
                put(xp, cell, value)
        return () if resource else values[0]

    def shape(*specs: Any, **_: Any) -> Any:
        var = held(specs[0])
        for s in specs[1:n]:
            _same(specs[0].name, var, s.name, held(s))
        grad = specs[n + inputs.index(gradient)]
        if not sparse:
            _same(specs[0].name, var, gradient, grad.shape)
        else:
            indices = specs[n + inputs.index("indices")]
            if var is not None and indices.shape is not None:
                _same("indices.shape + var.shape[1:]", (*indices.shape, *var[1:]), gradient, grad.shape)
        for s, i in zip(specs[n:], inputs):
            if i not in ("grad", "delta", "indices") and s.rank not in (None, 0):
                raise ShapeError(f"{i} must be a scalar, got shape {as_text(s.shape)}")
        return () if resource else var

    python_name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    made = op(sig, effect="write", shape=shape)(named(python_name, body))
    if sparse:
        at = n + inputs.index("indices")

        @made.check
        def _(xp: Any, *values: Any, **_: Any) -> Any:
            indices = values[at]
            return out_of_range(
                xp,
                xp.where(indices == skipped(indices.dtype), xp.zeros_like(indices), indices),
                values[0].read().shape[0],
            )

    globals()[python_name] = made.no_grad()


def _same(a: str, x: Any, b: str, y: Any) -> None:
    try:
        merge(x, y)
    except ShapeError as e:
        raise ShapeError(
            f"{a} and {b} do not have the same shape: {as_text(x)} and {as_text(y)}: {e.message}"
        ) from None


def skipped(dtype: Any) -> int:
    """The row index that sparse steps skip: no variable has so many rows, so that repeats can be struck out in place."""
    return int(np.iinfo(dtype).max)


def _on_rows(
    xp: Any, rule: Rule, slots: list[str], old: list[Any], by_name: dict[str, Any], options: dict[str, Any]
) -> list[Any]:
    """Apply the rule to the rows at `indices`; NumPy steps a repeated row once for each time it appears."""
    indices, grad = by_name["indices"], by_name["grad"]
    rest = {k: v for k, v in by_name.items() if k not in ("indices", "grad")}
    if xp is not np:
        new = rule(xp, **{s: x[indices] for s, x in zip(slots, old)}, grad=grad, **rest, **options)
        return [x.at[indices].set(y.astype(x.dtype)) for x, y in zip(old, new)]
    kept = indices != skipped(indices.dtype)
    if not kept.all():
        indices, grad = indices[kept], grad[kept]
    values = [x.copy() for x in old]
    for turn in _turns(indices):
        rows = indices[turn]
        new = rule(xp, **{s: x[rows] for s, x in zip(slots, values)}, grad=grad[turn], **rest, **options)
        for x, y in zip(values, new):
            x[rows] = y
    return values


def _turns(indices: Any) -> list[Any]:
    """The positions of `indices` in groups without repeats, the first appearances first."""
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, int)
    lengths = np.diff(np.r_[starts, len(ordered)])
    rank = np.empty(len(ordered), int)
    rank[order] = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return [np.flatnonzero(rank == r) for r in range(int(lengths.max(initial=0)))]


# -- the rules -------------------------------------------------------------------------------------------------------
def _descent(xp, var, alpha, delta):
    return (var - alpha * delta,)


def _shrink(xp, x, step, l1, l2):
    """The proximal step of l1 and l2 regularisation."""
    return xp.sign(x) * xp.maximum(xp.abs(x) - step * l1, xp.asarray(0, x.dtype)) / (1 + step * l2)


def _proximal_descent(xp, var, alpha, l1, l2, delta=None, grad=None):
    return (_shrink(xp, var - alpha * (grad if delta is None else delta), alpha, l1, l2),)


def _momentum(xp, var, accum, lr, grad, momentum, use_nesterov):
    accum = accum * momentum + grad
    return (var - (grad * lr + accum * momentum * lr) if use_nesterov else var - accum * lr), accum


def _keras_momentum(xp, var, accum, lr, grad, momentum, use_nesterov):
    accum = accum * momentum - grad * lr
    return (var + (accum * momentum - grad * lr) if use_nesterov else var + accum), accum


def _adagrad(xp, var, accum, lr, grad, update_slots):
    if update_slots:
        accum = accum + grad * grad
    return var - grad * lr * _rsqrt(xp, accum), accum


def _adagrad_v2(xp, var, accum, lr, epsilon, grad, update_slots):
    if update_slots:
        accum = accum + grad * grad
    return var - grad * lr / (xp.sqrt(accum) + epsilon), accum


def _adagrad_da(xp, var, gradient_accumulator, gradient_squared_accumulator, grad, lr, l1, l2, global_step):
    step = global_step.astype(var.dtype)
    total = gradient_accumulator + grad
    squares = gradient_squared_accumulator + grad * grad
    pull = xp.sign(total) * xp.maximum(xp.abs(total) - l1 * step, xp.asarray(0, var.dtype))
    return -lr * pull / (l2 * step * lr + xp.sqrt(squares)), total, squares


def _adadelta(xp, var, accum, accum_update, lr, rho, epsilon, grad):
    accum = accum * rho + grad * grad * (1 - rho)
    update = xp.sqrt(accum_update + epsilon) * _rsqrt(xp, accum + epsilon) * grad
    return var - update * lr, accum, accum_update * rho + update * update * (1 - rho)


def _adam(xp, var, m, v, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad, use_nesterov):
    rate = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    pull = grad * (1 - beta1) + beta1 * m if use_nesterov else m
    return var - pull * rate / (xp.sqrt(v) + epsilon), m, v


def _ada_max(xp, var, m, v, beta1_power, lr, beta1, beta2, epsilon, grad):
    m = m + (grad - m) * (1 - beta1)
    v = xp.maximum(beta2 * v, xp.abs(grad))
    return var - lr / (1 - beta1_power) * (m / (v + epsilon)), m, v


def _amsgrad(xp, var, m, v, vhat, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad):
    rate = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    vhat = xp.maximum(vhat, v)
    return var - m * rate / (xp.sqrt(vhat) + epsilon), m, v, vhat


def _rms_prop(xp, var, ms, mom, lr, rho, momentum, epsilon, grad):
    ms = ms + (grad * grad - ms) * (1 - rho)
    mom = mom * momentum + grad * lr * _rsqrt(xp, ms + epsilon)
    return var - mom, ms, mom


def _centered_rms_prop(xp, var, mg, ms, mom, lr, rho, momentum, epsilon, grad):
    ms = ms + (grad * grad - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + lr * grad * _rsqrt(xp, ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def _ftrl(xp, var, accum, linear, grad, lr, l1, l2, lr_power, multiply_linear_by_lr, l2_shrinkage=None):
    pulled = grad if l2_shrinkage is None else grad + 2 * l2_shrinkage * var
    new = accum + grad * grad
    grown = xp.power(new, -lr_power) - xp.power(accum, -lr_power)
    if multiply_linear_by_lr:
        linear = linear + pulled * lr - grown * var
        curve = xp.power(new, -lr_power) + 2 * l2 * lr
        l1 = l1 * lr
    else:
        linear = linear + pulled - grown / lr * var
        curve = xp.power(new, -lr_power) / lr + 2 * l2
    return (xp.clip(linear, -l1, l1) - linear) / curve, new, linear


def _add_sign(xp, var, m, lr, alpha, sign_decay, beta, grad):
    m = m * beta + grad * (1 - beta)
    return var - lr * (alpha + sign_decay * xp.sign(grad) * xp.sign(m)) * grad, m


def _power_sign(xp, var, m, lr, logbase, sign_decay, beta, grad):
    m = m * beta + grad * (1 - beta)
    return var - lr * xp.exp(logbase * sign_decay * xp.sign(grad) * xp.sign(m)) * grad, m


def _proximal_adagrad(xp, var, accum, lr, l1, l2, grad):
    accum = accum + grad * grad
    rate = lr * _rsqrt(xp, accum)
    return _shrink(xp, var - grad * rate, rate, l1, l2), accum


_LOCK = "use_locking: bool = False"
_NESTEROV = f"{_LOCK}, use_nesterov: bool = False"
_SLOTS = f"update_slots: bool = True, {_LOCK}"
_LINEAR = f"multiply_linear_by_lr: bool = False, {_LOCK}"

_declare("GradientDescent", "var", "alpha delta", _LOCK, _descent, "d")
_declare(
    "ProximalGradientDescent", "var", "alpha l1 l2 delta", _LOCK, _proximal_descent, "ds", "alpha l1 l2 grad indices"
)
_declare("Momentum", "var accum", "lr grad momentum", _NESTEROV, _momentum, "ds")
_declare("KerasMomentum", "var accum", "lr grad momentum", _NESTEROV, _keras_momentum, "dsr")
_declare("Adagrad", "var accum", "lr grad", _SLOTS, _adagrad, "ds")
_declare("AdagradV2", "var accum", "lr epsilon grad", _SLOTS, _adagrad_v2, "ds")
_declare(
    "AdagradDA",
    "var gradient_accumulator gradient_squared_accumulator",
    "grad lr l1 l2 global_step",
    _LOCK,
    _adagrad_da,
    "ds",
)
_declare("Adadelta", "var accum accum_update", "lr rho epsilon grad", _LOCK, _adadelta, "ds")
_declare("Adam", "var m v", "beta1_power beta2_power lr beta1 beta2 epsilon grad", _NESTEROV, _adam, "d")
_declare("AdaMax", "var m v", "beta1_power lr beta1 beta2 epsilon grad", _LOCK, _ada_max, "d")
_declare(
    "AdamWithAmsgrad", "var m v vhat", "beta1_power beta2_power lr beta1 beta2 epsilon grad", _LOCK, _amsgrad, "dr"
)
_declare("RMSProp", "var ms mom", "lr rho momentum epsilon grad", _LOCK, _rms_prop, "ds")
_declare("CenteredRMSProp", "var mg ms mom", "lr rho momentum epsilon grad", _LOCK, _centered_rms_prop, "ds")
_declare("Ftrl", "var accum linear", "grad lr l1 l2 lr_power", _LINEAR, _ftrl, "ds")
_declare("FtrlV2", "var accum linear", "grad lr l1 l2 l2_shrinkage lr_power", _LINEAR, _ftrl, "ds")
_declare("AddSign", "var m", "lr alpha sign_decay beta grad", _LOCK, _add_sign, "d")
_declare("PowerSign", "var m", "lr logbase sign_decay beta grad", _LOCK, _power_sign, "d")
_declare("ProximalAdagrad", "var accum", "lr l1 l2 grad", _LOCK, _proximal_adagrad, "ds")
