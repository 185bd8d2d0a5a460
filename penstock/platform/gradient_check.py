"""`tf.test.compute_gradient`: Jacobians by the gradient rules beside those by central differences."""

import numpy as np

from penstock.base.export import export
from penstock.fronts.gradients import gradients
from penstock.fronts.session import get_default_session
from penstock.fronts.tape import GradientTape
from penstock.ir.convert import convert_to_tensor

DELTA = 1.0 / 1024


def _real(array):
    """The numbers of an array as a flat vector of reals; a complex number is two."""
    array = np.asarray(array)
    if array.dtype.kind == "c":
        parts = array.astype(np.complex128).ravel()
        return np.stack([parts.real, parts.imag], 1).ravel()
    return array.astype(np.float64).ravel()


def _shaped(vector, like):
    """The array that a flat vector of reals stands for."""
    if like.dtype.kind == "c":
        pairs = vector.reshape(-1, 2)
        return (pairs[:, 0] + 1j * pairs[:, 1]).reshape(like.shape).astype(like.dtype)
    return vector.reshape(like.shape).astype(like.dtype)


def _units(array):
    """Each unit vector of the reals of an array, shaped as the array."""
    size = _real(array).size
    for i in range(size):
        one = np.zeros(size)
        one[i] = 1
        yield _shaped(one, array)


def _numeric(evaluate, values, at, delta):
    """d(reals of the result)/d(reals of values[at]) by central differences, [result size, value size]."""
    start = np.array(values[at])
    columns = []
    for step in _units(start):
        ends = []
        for sign in (1, -1):
            moved = [*values]
            moved[at] = (start + sign * np.asarray(delta * step, start.dtype)).astype(start.dtype)
            ends.append(_real(evaluate(moved)))
        columns.append((ends[0] - ends[1]) / (2 * delta))
    size = _real(evaluate(values)).size
    return np.stack(columns, 1) if columns else np.zeros((size, 0))


def _kind(array):
    """The real dtype that Jacobians are shown in."""
    name = np.asarray(array).dtype.name
    return {"complex64": np.float32, "complex128": np.float64, "float64": np.float64}.get(name, np.float32)


@export(v2=("test.compute_gradient",))
def compute_gradient(f, x, delta=None):
    """(Jacobians of `f` by its gradients, Jacobians by differences), one [size of f, size of x_i] for each argument.

    >>> tf.test.compute_gradient(lambda x: x * x, [tf.constant([1.0, 2.0])])[0][0].tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if not isinstance(x, list | tuple):
        raise ValueError(
            f"`x` must be a list or tuple of values convertible to a Tensor (arguments to `f`), not a {type(x)}"
        )
    tensors = [convert_to_tensor(v) for v in x]
    for number, tensor in enumerate(tensors):
        if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
            raise AssertionError(
                f"Cannot compute gradient for unsupported type {tensor.dtype.name} of argument {number}"
            )
    values = [t.numpy() for t in tensors]
    evaluate = lambda arrays: np.asarray(convert_to_tensor(f(*[convert_to_tensor(a) for a in arrays])).numpy())
    delta = DELTA if delta is None else delta
    theory, numbers = [], []
    for at, value in enumerate(values):
        with GradientTape(persistent=True) as tape:
            tape.watch(tensors)
            result = convert_to_tensor(f(*tensors))
        rows = []
        for unit in _units(result.numpy()):
            slope = tape.gradient(result, tensors[at], output_gradients=convert_to_tensor(unit))
            rows.append(_real(np.zeros_like(value) if slope is None else convert_to_tensor(slope).numpy()))
        shown = _kind(value)
        theory.append((np.stack(rows) if rows else np.zeros((0, _real(value).size))).astype(shown))
        numbers.append(_numeric(evaluate, values, at, delta).astype(shown))
    return tuple(theory), tuple(numbers)


def _one(x, x_shape, dx, y, y_shape, value, delta, feeds):
    """The two Jacobians [size of x, size of y] of one tensor of a graph."""
    session = get_default_session()
    if value is None:
        value = np.random.random_sample(tuple(x_shape)).astype(x.dtype.as_numpy_dtype)
    value = np.asarray(value, x.dtype.as_numpy_dtype)
    rows = []
    for unit in _units(np.zeros(tuple(y_shape), y.dtype.as_numpy_dtype)):
        rows.append(_real(session.run(dx[0], {**feeds, x: value, dx[1]: unit})))
    theory = np.stack(rows, 1) if rows else np.zeros((_real(value).size, 0))
    evaluate = lambda arrays: session.run(y, {**feeds, x: arrays[0]})
    shown = _kind(value)
    return theory.astype(shown), _numeric(evaluate, [value], 0, delta).T.astype(shown)


def _checked(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict):
    from penstock.ops.constants import placeholder

    session = get_default_session()
    if session is None:
        raise ValueError("No default session is registered; use `with tf.Session():`")
    if init_targets is not None:
        for target in init_targets:
            session.run(target)
    many = isinstance(x, list)
    xs, shapes = (x, x_shape) if many else ([x], [x_shape])
    starts = (x_init_value if many else [x_init_value]) if x_init_value is not None else [None] * len(xs)
    with session.graph.as_default():
        dy = placeholder(y.dtype, list(y_shape))
        slopes = gradients(y, xs, grad_ys=dy)
    feeds = dict(extra_feed_dict or {})
    found = [
        _one(one, shape, (slope, dy), y, y_shape, start, delta, feeds)
        for one, shape, slope, start in zip(xs, shapes, slopes, starts)
    ]
    return found if many else found[0]


@export(v1=("test.compute_gradient",))
def compute_gradient_v1(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None):
    """(Jacobian by the graph's gradients, Jacobian by differences), each [size of x, size of y]; a list for a list."""
    return _checked(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)


@export(v1=("test.compute_gradient_error",))
def compute_gradient_error(
    x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None
):
    """The largest difference between the two Jacobians."""
    found = _checked(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = found if isinstance(found, list) else [found]
    return max((np.max(np.abs(t - n)) for t, n in pairs if t.size), default=0.0)
