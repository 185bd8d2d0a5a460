"""Learning rates that change with the global step: tensors in graphs, functions to call in eager code."""

import math
from collections.abc import Callable
from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door, node_count
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor


def _cast(value: Any, dtype: Any) -> Any:
    tensor = (
        door.convert(value, None)
        if isinstance(value, Tensor) or hasattr(type(value), "__tf_tensor__")
        else door.convert(value)
    )
    return tensor if tensor.dtype.base_dtype is dtype else find("Cast")(tensor, DstT=dtype)


def _rate(value: Any) -> Any:
    """The starting rate as a floating-point tensor."""
    tensor = door.convert(value, None, "learning_rate")
    return tensor if tensor.dtype.is_floating else find("Cast")(tensor, DstT=dtypes.float32)


def _now_or_later(compute: Callable[[], Any]) -> Any:
    return compute() if door.current().is_graph else compute


def _needs_step(global_step: Any, what: str) -> None:
    if global_step is None:
        raise ValueError(f"global_step is required for {what}.")


def _fraction(global_step: Any, decay_steps: Any, dtype: Any, staircase: bool) -> Any:
    p = _cast(global_step, dtype) / _cast(decay_steps, dtype)
    return find("Floor")(p) if staircase else p


@export(v1=("train.exponential_decay",))
def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * decay_rate ** (global_step / decay_steps); whole powers only when `staircase`."""
    _needs_step(global_step, "exponential_decay")

    def compute() -> Any:
        with scoped(name, "ExponentialDecay") as scope:
            rate = _rate(learning_rate)
            power = find("Pow")(
                _cast(decay_rate, rate.dtype), _fraction(global_step, decay_steps, rate.dtype, staircase)
            )
            return find("Mul")(rate, power, name=scope or None)

    return _now_or_later(compute)


@export(v1=("train.piecewise_constant", "train.piecewise_constant_decay"))
def piecewise_constant(x: Any, boundaries: Any, values: Any, name: str | None = None) -> Any:
    """values[i] where boundaries[i-1] < x <= boundaries[i]."""
    bounds = [door.convert(b) for b in boundaries]
    rates = [door.convert(v) for v in values]

    def compute() -> Any:
        with scoped(name, "PiecewiseConstant"):
            step = door.convert(x)
            edges = []
            for b in bounds:
                if b.dtype.base_dtype is not step.dtype.base_dtype:
                    if b.dtype.base_dtype is dtypes.int32 and step.dtype.base_dtype is dtypes.int64:
                        b = find("Cast")(b, DstT=dtypes.int64)
                    else:
                        raise ValueError(f"Boundaries ({b.dtype}) must have the same dtype as x ({step.dtype}).")
                edges.append(b)
            for v in rates[1:]:
                if v.dtype.base_dtype is not rates[0].dtype.base_dtype:
                    raise ValueError(
                        f"Values must have elements all with the same dtype ({rates[0].dtype} vs {v.dtype})."
                    )
            rate = rates[-1]
            for b, v in zip(reversed(edges), reversed(rates[:-1])):
                rate = find("SelectV2")(find("LessEqual")(step, b), v, rate)
            return rate

    if len(bounds) != len(rates) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    return _now_or_later(compute)


@export(v1=("train.polynomial_decay",))
def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0, cycle: bool = False,
                     name: str | None = None) -> Any:  # fmt: skip
    """(learning_rate - end) * (1 - global_step / decay_steps) ** power + end; with `cycle`, over ever longer periods."""
    _needs_step(global_step, "polynomial_decay")

    def compute() -> Any:
        with scoped(name, "PolynomialDecay") as scope:
            rate = _rate(learning_rate)
            dtype = rate.dtype
            step, steps, end = _cast(global_step, dtype), _cast(decay_steps, dtype), _cast(end_learning_rate, dtype)
            if cycle:
                turns = find("SelectV2")(
                    find("Equal")(step, door.convert(0.0, dtype)), door.convert(1.0, dtype), find("Ceil")(step / steps)
                )
                steps = steps * turns
            else:
                step = find("Minimum")(step, steps)
            node_count.more(0 if cycle else 1)
            left = find("Pow")(1 - step / steps, _cast(power, dtype))
            return find("AddV2")((rate - end) * left, end, name=scope or None)

    return _now_or_later(compute)


@export(v1=("train.natural_exp_decay",))
def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    natural = find("Exp")(find("Neg")(door.convert(decay_rate)))
    return exponential_decay(learning_rate, global_step, decay_steps, natural, staircase=staircase, name=name)


@export(v1=("train.inverse_time_decay",))
def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    _needs_step(global_step, "inverse_time_decay")

    def compute() -> Any:
        with scoped(name, "InverseTimeDecay") as scope:
            rate = _rate(learning_rate)
            below = 1 + _cast(decay_rate, rate.dtype) * _fraction(global_step, decay_steps, rate.dtype, staircase)
            return find("RealDiv")(rate, below, name=scope or None)

    return _now_or_later(compute)


def _cosine(fraction: Any) -> Any:
    return 0.5 * (1.0 + find("Cos")(fraction * math.pi))


@export(v1=("train.cosine_decay",))
def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Any:
    """From learning_rate to alpha * learning_rate along half a cosine."""
    _needs_step(global_step, "cosine_decay")

    def compute() -> Any:
        with scoped(name, "CosineDecay"):
            rate = _rate(learning_rate)
            steps = _cast(decay_steps, rate.dtype)
            done = find("Minimum")(_cast(global_step, rate.dtype), steps) / steps
            return find("Mul")(rate, (1 - alpha) * _cosine(done) + alpha)

    return _now_or_later(compute)


@export(v1=("train.cosine_decay_restarts",))
def cosine_decay_restarts(learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: float = 2.0, m_mul: float = 1.0, alpha: float = 0.0,
                          name: str | None = None) -> Any:  # fmt: skip
    """Cosine decays one after another, each `t_mul` times as long and `m_mul` times as high as the one before."""
    _needs_step(global_step, "cosine decay restarts")

    def compute() -> Any:
        with scoped(name, "SGDRDecay"):
            rate = _rate(learning_rate)
            dtype = rate.dtype
            done = _cast(global_step, dtype) / _cast(first_decay_steps, dtype)
            longer = _cast(t_mul, dtype)
            log, floor, power, choose = find("Log"), find("Floor"), find("Pow"), find("SelectV2")
            same = floor(done)
            growing = floor(log(1.0 - done * (1.0 - longer)) / log(longer))
            before = (1.0 - power(longer, growing)) / (1.0 - longer)
            is_one = find("Equal")(longer, door.convert(1.0, dtype))
            turn = choose(is_one, same, growing)
            done = choose(is_one, done - same, (done - before) / power(longer, growing))
            cosine = 0.5 * power(_cast(m_mul, dtype), turn) * (1.0 + find("Cos")(done * math.pi))
            return rate * ((1 - alpha) * cosine + alpha)

    return _now_or_later(compute)


@export(v1=("train.linear_cosine_decay",))
def linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001,
                        name: str | None = None) -> Any:  # fmt: skip
    """A linear decay times a cosine of `num_periods` periods, above `beta`."""
    _needs_step(global_step, "linear cosine decay")

    def compute() -> Any:
        with scoped(name, "LinearCosineDecay") as scope:
            rate = _rate(learning_rate)
            steps = _cast(decay_steps, rate.dtype)
            step = find("Minimum")(_cast(global_step, rate.dtype), steps)
            shape = (alpha + (steps - step) / steps) * _cosine(2.0 * num_periods * (step / steps)) + beta
            return find("Mul")(rate, shape, name=scope or None)

    return _now_or_later(compute)


@export(v1=("train.noisy_linear_cosine_decay",))
def noisy_linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: float = 1.0, variance_decay: float = 0.55,
                              num_periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001, name: str | None = None) -> Any:  # fmt: skip
    """`linear_cosine_decay` with decaying noise on its linear part."""
    _needs_step(global_step, "noisy linear cosine decay")

    def compute() -> Any:
        from penstock.ops.random import normal as random_normal
        from penstock.ops.shapes import shape as shape_of

        with scoped(name, "NoisyLinearCosineDecay") as scope:
            rate = _rate(learning_rate)
            dtype = rate.dtype
            steps = _cast(decay_steps, dtype)
            step = find("Minimum")(_cast(global_step, dtype), steps)
            linear = (steps - step) / steps
            deviation = find("Sqrt")(
                _cast(initial_variance, dtype) / find("Pow")(1.0 + step, _cast(variance_decay, dtype))
            )
            noisy = linear + random_normal(shape_of(linear), dtype=dtype) * deviation
            shape = (alpha + noisy) * _cosine(2.0 * num_periods * (step / steps)) + beta
            return find("Mul")(rate, shape, name=scope or None)

    return _now_or_later(compute)
