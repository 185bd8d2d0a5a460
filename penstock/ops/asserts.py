"""Assertions: Assert, `tf.debugging.assert_*`, check_numerics."""

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door, node_count
from penstock.ir.known import known_value, static_value
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import later, of_elements
from penstock.ops.printing import head

_All, _NoOp, _Rank = later("All"), later("NoOp"), later("Rank")


# -- the ops -----------------------------------------------------------------------------------------------------------
@op("Assert(condition: bool, data: T, *, T: list(type) >= 1, summarize: int = 3) -> ()")
def assert_op(xp, condition, data):
    """Nothing, where the condition holds."""
    return ()


@assert_op.check
def _(xp, condition, data, *, summarize):
    if xp is np and np.all(condition):
        return False, ""
    shown = [head(d, summarize) if isinstance(d, np.ndarray) else f"<{d.dtype}{list(d.shape)}>" if hasattr(d, "dtype") else "?" for d in data]
    return xp.logical_not(xp.all(condition)), "assertion failed: " + " ".join(f"[{s}]" for s in shown)


def _numerics(xp: Any, tensor: Any, *, message: str) -> Any:
    bad = xp.logical_not(xp.isfinite(tensor))
    what = "NaN or Inf"
    if xp is np:
        kinds = [n for n, found in (("Inf", np.isinf(tensor).any()), ("NaN", np.isnan(tensor).any())) if found]
        what = " and ".join(kinds)
    return xp.any(bad), f"{message} : Tensor had {what} values"


def _numerics_v2(xp: Any, tensor: Any, *, message: str) -> Any:
    if xp is not np:
        return _numerics(xp, tensor, message=message)
    kinds = [n for n, found in (("-Inf", (tensor == -np.inf).any()), ("+Inf", (tensor == np.inf).any()), ("NaN", np.isnan(tensor).any())) if found]
    return builtins.bool(kinds), f"{message} : Tensor had {', '.join(kinds)} values" if len(kinds) != 2 else f"{message} : Tensor had {kinds[0]} and {kinds[1]} values"


@op("CheckNumerics(tensor: T, *, T: real_float, message: str) -> output: T", shape=lambda tensor, *, message: tensor.shape)
def check_numerics_op(xp, tensor):
    """The tensor, which may hold neither NaN nor Inf."""
    return tensor


@op("CheckNumericsV2(tensor: T, *, T: real_float, message: str) -> output: T", shape=lambda tensor, *, message: tensor.shape)
def check_numerics_v2_op(xp, tensor):
    """The tensor, which may hold neither NaN nor Inf."""
    return tensor


check_numerics_op.check(_numerics)
check_numerics_v2_op.check(_numerics_v2)


@check_numerics_op.grad
def _(node, dy):
    return check_numerics_op(dy, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {node.attrs['message']}")


@check_numerics_v2_op.grad
def _(node, dy):
    return check_numerics_v2_op(dy, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {node.attrs['message']}")


@export("debugging.check_numerics", v1=("check_numerics",))
@of_elements
def check_numerics(tensor, message, name=None):
    """The tensor; InvalidArgumentError with `message` where it holds NaN or Inf."""
    return check_numerics_op(tensor, message=message, name=name)


@export(v2=("debugging.assert_all_finite",))
def assert_all_finite(x, message, name=None):
    """The tensor; InvalidArgumentError with `message` where it holds NaN or Inf."""
    with scoped(name, "VerifyFinite"):
        x = door.convert(x, None, "x")
        checked = check_numerics_op(x, message=message)
        here = door.current()
        if not here.is_graph:
            return x
        with here.control_dependencies([checked]):
            return find("Identity")(x)


@export(v1=("verify_tensor_all_finite", "debugging.assert_all_finite"))
def verify_tensor_all_finite(t=None, msg=None, name=None, x=None, message=None):
    """The tensor; InvalidArgumentError with a message where it holds NaN or Inf."""
    if x is not None and t is not None:
        raise ValueError("Cannot specify both 't' and 'x'.")
    if message is not None and msg is not None:
        raise ValueError("Cannot specify both 'msg' and 'message'.")
    return assert_all_finite(t if x is None else x, msg if message is None else message, name)


@export("debugging.Assert", "Assert")
def Assert(condition, data, summarize=None, name=None):  # noqa: N802
    """InvalidArgumentError that shows `data` where `condition` does not hold; in a graph, an operation that checks it."""
    here = door.current()
    if not here.is_graph:
        if not builtins.bool(np.all(known_value(door.convert(condition)))):
            shown = "\n".join(_plain(d, 3 if summarize is None else summarize) for d in data)
            raise InvalidArgumentError(None, None, f"Expected '{condition!s}' to be true. Summarized data: {shown}")
        return None
    data = list(data)
    with here.name_scope(name or "Assert"):
        node_count.more(_old_nodes(data))
        return assert_op(condition, data or [""], summarize=3 if summarize is None else summarize, name="Assert")


def _old_nodes(data: list[Any]) -> int:
    """What TensorFlow 1.x makes besides: each text once more; for data that may live on another device, a conditional around."""
    tensors = [d for d in data if isinstance(d, Tensor)]
    more = len(data) - len(tensors)
    near = all(t.dtype.base_dtype in (dtypes.string, dtypes.int32) for t in tensors)
    return more if near else more + 9 + len({t._id for t in tensors})


def _plain(value: Any, count: int) -> str:
    """A datum as text: the first entries of tensors and lists, all of other things."""
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        value = np.asarray(known_value(value) if isinstance(value, Tensor) else value)
        flat = value.reshape(-1)
        count = flat.size if count < 0 else count
        return ", ".join(str(v) for v in flat[:count].tolist()) if value.dtype == object else np.array2string(
            flat[:count], separator=", ").strip("[]").strip() + ("..." if flat.size > count else "") if value.ndim else str(value[()])  # fmt: skip
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in list(value)[:count]) if count >= 0 else ", ".join(map(str, value))
    return str(value)


# -- comparing two tensors ---------------------------------------------------------------------------------------------
def _name_of(t: Any) -> str:
    if not door.current().is_graph or hasattr(t, "_array"):
        return f"shape={t.shape} dtype={t.dtype.name}"
    return t.name


def _limit(summarize: Any) -> int:
    return 3 if summarize is None else 10**9 if summarize < 0 else summarize


def _pretty(value: Any, summarize: Any) -> str:
    if isinstance(value, Tensor):
        array = np.asarray(known_value(value))
        if array.ndim == 0:
            return str(array[()])
        shown = [str(v) for v in array.reshape(-1)[: _limit(summarize)]]
        return str(shown + ["..."] if array.size > _limit(summarize) else shown)
    return str(value)


def _compare(sign: str, op_name: str, x: Any, y: Any, data: Any, summarize: Any, message: Any, name: str | None, default: str) -> Any:
    here = door.current()
    with scoped(name, default):
        same = x is y
        x = door.convert(x, None, "x")
        y = door.convert(y, x.dtype.base_dtype if not isinstance(y, Tensor) else None, "y")
        check = find(op_name)
        if not here.is_graph:
            held = known_value(check(x, y))
            if builtins.bool(np.all(held)):
                return None
            raise InvalidArgumentError(None, None, _story(sign, x, y, held, data, summarize, message))
        if op_name == "Equal" and same:
            return _NoOp()
        held = check(x, y)
        axes = _axes(held)
        condition = _All(held, here.constant(axes, "Const") if isinstance(axes, np.ndarray) else axes)
        parts: list[Any] = [message or ""] if message else []
        if data is None:
            data = [*parts, f"Condition x {sign} y did not hold element-wise:", f"x ({_name_of(x)}) = ", x, f"y ({_name_of(y)}) = ", y]
        elif message:
            data = [*parts, *data]
        seen = static_value(x) is not None and static_value(y) is not None
        if seen and not builtins.bool(known_value(condition)):
            raise InvalidArgumentError(None, None, "\n".join(_static(d, summarize) for d in data))
        return _graph_assert(condition, data, summarize)


def _axes(*tensors: Any) -> Any:
    ranks = [None if t._dims is None else len(t._dims) for t in tensors]
    if None in ranks:
        return find("Range")(0, _Rank(tensors[ranks.index(None)]), 1)
    return np.arange(max(r for r in ranks if r is not None), dtype=np.int32)


def _graph_assert(condition: Any, data: list[Any], summarize: Any) -> Any:
    return Assert(condition, data, summarize)


def _static(value: Any, summarize: Any) -> str:
    if isinstance(value, Tensor):
        known = known_value(value)
        return str(value) if known is None else str(known[()] if known.ndim == 0 else known.reshape(-1)[: _limit(summarize)])
    return str(value)


def _story(sign: str, x: Any, y: Any, held: Any, data: Any, summarize: Any, message: Any) -> str:
    """What an eager assertion has to say."""
    lines = [message] if message else []
    if data is not None:
        return "\n".join([*lines, *[_pretty(d, summarize) for d in data]])
    count = _limit(summarize)
    xs, ys = (np.asarray(known_value(t)) for t in (x, y))
    lines.append(f"Condition x {sign} y did not hold.")
    if sign in ("==", "!="):
        wrong = ~np.asarray(held)
        where = np.argwhere(wrong)[:count]
        xw, yw = (np.broadcast_to(v, wrong.shape)[wrong][:count] for v in (xs, ys))
        lines += [f"Indices of first {len(where)} different values:", str(where), "Corresponding x values:", str(xw), "Corresponding y values:", str(yw)]
    for label, v in (("x", xs), ("y", ys)):
        part = v.reshape(-1)[:count]
        lines += [f"First {len(part)} elements of {label}:", str(part)]
    return "\n".join(lines)


def _both_ragged(x: Any, y: Any) -> Any:
    """The values of two RaggedTensors, whose rows must be the same; other values as they are."""
    if getattr(type(x), "takes_elements", False) and type(x) is type(y):
        for a, b in zip(x.nested_row_splits, y.nested_row_splits):
            _compare("==", "Equal", a, b, None, None, "the rows differ", None, "assert_equal")
        return x.flat_values, y.flat_values
    return x, y


def _binary(what: str, sign: str, op_name: str, v2_names: tuple[str, ...], message_first: builtins.bool = True) -> None:
    """`assert_<what>` for two tensors, in both APIs."""
    doc = f"InvalidArgumentError where `x {sign} y` does not hold for every pair of elements."

    if message_first:

        def new(x, y, message=None, summarize=None, name=None):
            return _compare(sign, op_name, *_both_ragged(x, y), None, summarize, message, name, f"assert_{what}")
    else:

        def new(x, y, summarize=None, message=None, name=None):
            return _compare(sign, op_name, *_both_ragged(x, y), None, summarize, message, name, f"assert_{what}")

    def old(x, y, data=None, summarize=None, message=None, name=None):
        return _compare(sign, op_name, *_both_ragged(x, y), data, summarize, message, name, f"assert_{what}")

    _publish(new, f"assert_{what}", doc, v2=v2_names)
    _publish(old, f"assert_{what}_v1", doc, v1=(f"assert_{what}", f"debugging.assert_{what}"))


def _publish(function: Callable[..., Any], name: str, doc: str, **names: Any) -> None:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    globals()[name] = export(**names)(function)


_binary("equal", "==", "Equal", ("debugging.assert_equal", "assert_equal"))
_binary("none_equal", "!=", "NotEqual", ("debugging.assert_none_equal",), message_first=False)
_binary("less", "<", "Less", ("debugging.assert_less", "assert_less"))
_binary("less_equal", "<=", "LessEqual", ("debugging.assert_less_equal",))
_binary("greater", ">", "Greater", ("debugging.assert_greater", "assert_greater"))
_binary("greater_equal", ">=", "GreaterEqual", ("debugging.assert_greater_equal",))


def _signed(what: str, sign: str, op_name: str) -> None:
    """`assert_<what>` for one tensor against zero, in both APIs."""
    doc = f"InvalidArgumentError where `x {sign} 0` does not hold for every element."

    def check(x: Any, data: Any, summarize: Any, message: Any, name: str | None) -> Any:
        with scoped(name, f"assert_{what}"):
            x = door.convert(x, None, "x")
            if data is None:
                lead = "" if not message else f"{message}.  "
                data = [lead, f"Condition x {sign} 0 did not hold element-wise:", f"x ({_name_of(x)}) = ", x]
                message = None
            zero = door.convert(np.zeros((), x.dtype.base_dtype.array_dtype), x.dtype.base_dtype)
            return _compare(sign, op_name, x, zero, data, summarize, message, None, f"assert_{what}")

    def new(x, message=None, summarize=None, name=None):
        return check(x, None, summarize, message, name)

    def old(x, data=None, summarize=None, message=None, name=None):
        return check(x, data, summarize, message, name)

    _publish(new, f"assert_{what}", doc, v2=(f"debugging.assert_{what}",))
    _publish(old, f"assert_{what}_v1", doc, v1=(f"assert_{what}", f"debugging.assert_{what}"))


_signed("positive", ">", "Greater")
_signed("negative", "<", "Less")
_signed("non_negative", ">=", "GreaterEqual")
_signed("non_positive", "<=", "LessEqual")


@export(v2=("debugging.assert_near",))
def assert_near(x, y, rtol=None, atol=None, message=None, summarize=None, name=None):
    """InvalidArgumentError where `|x - y| <= atol + rtol * |y|` does not hold; by default both are 10 times the precision of x."""
    return assert_near_v1(x, y, rtol, atol, None, summarize, message, name)


@export(v1=("assert_near", "debugging.assert_near"))
def assert_near_v1(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
    """InvalidArgumentError where `|x - y| <= atol + rtol * |y|` does not hold."""
    with scoped(name, "assert_near"):
        x = door.convert(x, None, "x")
        y = door.convert(y, x.dtype.base_dtype if not isinstance(y, Tensor) else None, "y")
        kind = x.dtype.real_dtype.base_dtype
        if not kind.is_floating:
            raise ValueError(f"data type {kind.as_numpy_dtype} not inexact")
        import ml_dtypes

        eps = float(ml_dtypes.finfo(kind.array_dtype).eps)
        rtol = door.convert(10 * eps if rtol is None else rtol, kind, "rtol")
        atol = door.convert(10 * eps if atol is None else atol, kind, "atol")
        if data is None:
            lead = "" if not message else f"{message}.  "
            data = [lead, f"x and y not equal to tolerance rtol = {rtol!s}, atol = {atol!s}", f"x ({_name_of(x)}) = ", x, f"y ({_name_of(y)}) = ", y]
        magnitude = find("ComplexAbs") if x.dtype.is_complex else find("Abs")
        bound = find("AddV2")(atol, find("Mul")(rtol, magnitude(y)))
        held = find("LessEqual")(magnitude(find("Sub")(x, y)), bound)
        return Assert(_All(held, _axes(held)), data, summarize)


# -- ranks, shapes and types -------------------------------------------------------------------------------------------
def _static_or_dynamic_rank(x: Any, ranks: tuple[Any, ...], fits: Callable[[int, Any], builtins.bool], dynamic: str, words: str, data: Any, summarize: Any,
                            message: Any, name: str | None, default: str) -> Any:  # fmt: skip
    here = door.current()
    with scoped(name, default):
        x = x if isinstance(x, Tensor) or hasattr(x, "dense_shape") else door.convert(x, None, "x")
        wanted = []
        tensors = [door.convert(r, None, "rank") for r in ranks]
        shape = find("Shape")(x) if here.is_graph and not hasattr(x, "dense_shape") else None
        for r in tensors:
            if here.is_graph:
                with here.name_scope("assert_type"):
                    _NoOp(name="statically_determined_correct_type")
            if r.dtype.base_dtype is not dtypes.int32:
                raise TypeError(f"tensor must be of type {dtypes.int32!r}; got {r.dtype!r}")
            value = known_value(r)
            if value is not None and value.ndim:
                raise ValueError("Rank must be a scalar.")
            wanted.append(r if value is None else int(value))
        lead = f"{message}.  " if message else ""
        rank = None if x.shape.rank is None else int(x.shape.rank)
        label = x.name if here.is_graph and hasattr(x, "name") and not hasattr(x, "_array") else ""
        if rank is not None and all(isinstance(w, int) for w in wanted):
            if not any(fits(rank, w) for w in wanted):
                raise ValueError(f"{lead}Tensor {label} must have rank {words.format(wanted[0] if len(wanted) == 1 else tuple(wanted))}.  Received rank {rank}, shape {x.shape}")
            return _NoOp(name="static_checks_determined_all_ok") if here.is_graph else None
        found = _Rank(x) if not hasattr(x, "dense_shape") else find("Size")(x.dense_shape)
        held = [find(dynamic)(found, r) for r in tensors]
        condition = held[0]
        for h in held[1:]:
            condition = find("LogicalOr")(condition, h)
        if data is None:
            data = [lead, f"Tensor {label} must have rank {words.format('').strip()}", *tensors, "Received shape: ", find("Shape")(x) if shape is None else shape]
        return Assert(condition, data, summarize)


def _rank_assert(what: str, words: str, dynamic: str, fits: Callable[[int, Any], builtins.bool], many: builtins.bool = False) -> None:
    doc = f"ValueError (or, for ranks only known when the graph runs, InvalidArgumentError) unless the rank is {words.format('`ranks`' if many else '`rank`')}."

    if many:

        def new(x, ranks, message=None, name=None):
            return _static_or_dynamic_rank(x, tuple(ranks), fits, dynamic, words, None, None, message, name, what)

        def old(x, ranks, data=None, summarize=None, message=None, name=None):
            return _static_or_dynamic_rank(x, tuple(ranks), fits, dynamic, words, data, summarize, message, name, what)
    else:

        def new(x, rank, message=None, name=None):
            return _static_or_dynamic_rank(x, (rank,), fits, dynamic, words, None, None, message, name, what)

        def old(x, rank, data=None, summarize=None, message=None, name=None):
            return _static_or_dynamic_rank(x, (rank,), fits, dynamic, words, data, summarize, message, name, what)

    _publish(new, what, doc, v2=(f"debugging.{what}", what) if what == "assert_rank" else (f"debugging.{what}",))
    _publish(old, f"{what}_v1", doc, v1=(what, f"debugging.{what}"))


_rank_assert("assert_rank", "{}", "Equal", lambda have, want: have == want)
_rank_assert("assert_rank_at_least", "at least {}", "GreaterEqual", lambda have, want: have >= want)
_rank_assert("assert_rank_in", "in {}", "Equal", lambda have, want: have == want, many=True)


def _prefix(message: Any) -> str:
    return f"{message}.  " if message else ""


@export(v2=("debugging.assert_integer",))
def assert_integer(x, message=None, name=None):
    """TypeError unless `x` holds integers."""
    with scoped(name, "assert_integer"):
        x = door.convert(x, None, "x")
        if not x.dtype.is_integer:
            label = f"{x.name}" if door.current().is_graph else "tensor"
            raise TypeError(f'{_prefix(message)}Expected "x" to be integer type.  Found: {label} of dtype {x.dtype!s}')


@export(v1=("assert_integer", "debugging.assert_integer"))
def assert_integer_v1(x, message=None, name=None):
    """TypeError unless `x` holds integers."""
    assert_integer(x, message, name)
    return _NoOp(name="statically_determined_is_integer") if door.current().is_graph else None


@export(v2=("debugging.assert_type",))
def assert_type(tensor, tf_type, message=None, name=None):
    """TypeError unless the tensor has dtype `tf_type`."""
    tf_type = as_dtype(tf_type)
    with scoped(name, "assert_type"):
        if not getattr(type(tensor), "__composite__", False):
            tensor = door.convert(tensor, None, "tensor")
        if tensor.dtype.base_dtype is not tf_type.base_dtype:
            label = f" {tensor.name}" if door.current().is_graph and hasattr(tensor, "name") else ""
            raise TypeError(f"{_prefix(message)}tensor{label} must be of type {tf_type!r}; got {tensor.dtype!r}")


@export(v1=("assert_type", "debugging.assert_type"))
def assert_type_v1(tensor, tf_type, message=None, name=None):
    """TypeError unless the tensor has dtype `tf_type`."""
    assert_type(tensor, tf_type, message, name)
    return _NoOp(name="statically_determined_correct_type") if door.current().is_graph else None


@export(v2=("debugging.assert_scalar",))
def assert_scalar(tensor, message=None, name=None):
    """ValueError unless the tensor is known to be a scalar."""
    assert_scalar_v1(tensor, name, message)


@export(v1=("assert_scalar", "debugging.assert_scalar"))
def assert_scalar_v1(tensor, name=None, message=None):
    """The tensor; ValueError unless it is known to be a scalar."""
    with scoped(name, "assert_scalar"):
        tensor = door.convert(tensor, None, name)
        if tensor._dims != ():
            label = f" for {tensor.name}" if door.current().is_graph else ""
            raise ValueError(f"{_prefix(message)}Expected scalar shape{label}, saw shape: {tensor.shape}.")
        return tensor


@export("debugging.assert_proper_iterable", v1=("assert_proper_iterable",))
def assert_proper_iterable(values):
    """TypeError unless `values` is a list-like thing of several values: not a tensor, array or string."""
    if isinstance(values, (Tensor, np.ndarray, str, bytes)) or getattr(values, "dense_shape", None) is not None:
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


@export("debugging.assert_same_float_dtype", v1=("assert_same_float_dtype",))
def assert_same_float_dtype(tensors=None, dtype=None):
    """The one float dtype of the tensors (float32 when there are none); ValueError where they differ or are not floats."""
    wanted = None if dtype is None else as_dtype(dtype)
    first = None
    for t in tensors or ():
        if t is None:
            continue
        if wanted is None:
            wanted, first = t.dtype.base_dtype, t
        elif t.dtype.base_dtype is not wanted:
            than = f" as {first!s}" if first is not None else ""
            raise ValueError(f"{t!s}, type={t.dtype!s}, must be of the same type ({wanted!s}){than}.")
    wanted = wanted or dtypes.float32
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted!s}.")
    return wanted


@export("debugging.is_numeric_tensor", v1=("is_numeric_tensor",))
def is_numeric_tensor(tensor):
    """Is it a tensor of numbers?"""
    return isinstance(tensor, Tensor) and tensor.dtype.is_numeric


def _steps(x: Any) -> Any:
    """The differences between neighbours of the flattened tensor."""
    flat = find("Reshape")(x, np.array([-1], np.int32))
    return find("Sub")(flat[1:], flat[:-1])


def _ordered(x: Any, op_name: str, name: str | None, default: str) -> Any:
    with scoped(name, default):
        x = door.convert(x, None, "x")
        steps = _steps(x)
        zero = np.zeros((), x.dtype.base_dtype.array_dtype)
        return _All(find(op_name)(zero, steps), np.arange(1, dtype=np.int32))


@export("math.is_non_decreasing", v1=("is_non_decreasing", "debugging.is_non_decreasing"))
def is_non_decreasing(x, name=None):
    """Is no element less than the one before it?

    >>> bool(tf.math.is_non_decreasing([1, 1, 2]))
    True
    """
    return _ordered(x, "LessEqual", name, "is_non_decreasing")


@export("math.is_strictly_increasing", v1=("is_strictly_increasing", "debugging.is_strictly_increasing"))
def is_strictly_increasing(x, name=None):
    """Is every element greater than the one before it?"""
    return _ordered(x, "Less", name, "is_strictly_increasing")


@export(v2=("debugging.assert_shapes",))
def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """ValueError (or, for sizes only known when the graph runs, InvalidArgumentError) unless the tensors have the given shapes."""
    assert_shapes_v1(shapes, data, summarize, message, name)


@export(v1=("debugging.assert_shapes",))
def assert_shapes_v1(shapes, data=None, summarize=None, message=None, name=None):
    """ValueError (or, for sizes only known when the graph runs, InvalidArgumentError) unless the tensors have the given shapes.

    `shapes`: a dict or list of (tensor, shape); equal symbols stand for equal sizes, None or "." for any, a leading `...`
    or "*" for any number of axes.
    """
    pairs = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
    pairs = [(t.deref() if hasattr(t, "deref") else t, s) for t, s in pairs]
    here = door.current()
    with scoped(name, "assert_shapes"):
        checks, sizes = [], {}
        lead = _prefix(message)
        for tensor, symbols in pairs:
            tensor = tensor if isinstance(tensor, Tensor) or hasattr(tensor, "dense_shape") else door.convert(tensor)
            label = f"{tensor.name}" if here.is_graph and hasattr(tensor, "name") else f"shape={tensor.shape} dtype={tensor.dtype.name}"
            symbols = tuple(symbols) if isinstance(symbols, (list, tuple, str)) or hasattr(symbols, "__iter__") else (symbols,)
            for i, s in enumerate(symbols):
                if s in (..., "*") and i:
                    raise ValueError(f"{lead}Tensor {label} specified shape index {i}.  Symbol `...` or `*` for a variable number of unspecified dimensions is only allowed as the first entry")
            open_ended = builtins.bool(symbols) and symbols[0] in (..., "*")
            rest = symbols[1:] if open_ended else symbols
            rank_check = globals()["assert_rank_at_least_v1" if open_ended else "assert_rank_in_v1" if len(rest) == 1 else "assert_rank_v1"]
            ranks: Any = len(rest) if open_ended or len(rest) != 1 else (0, 1)
            checks.append(rank_check(tensor, ranks, data=data, summarize=summarize, message=message))
            dims = tensor.shape._dims
            for i, s in enumerate(rest):
                if s is None or s == ".":
                    continue
                at = i - len(rest) if open_ended else i
                scalar = dims == ()
                size = 1 if scalar and len(rest) == 1 else dims[at] if dims is not None else None
                origin, want = ("Specified explicitly.", int(s)) if isinstance(s, (int, np.integer)) or str(s).lstrip("-").isdigit() and not isinstance(s, str) else sizes.get(s, (None, None))
                if origin is None:
                    sizes[s] = (f"Specified by tensor {label} dimension {at}.", size if size is not None else (tensor, at))
                    continue
                if isinstance(want, int) and size is not None:
                    if int(size) != want:
                        raise ValueError(f"{lead}{origin}  Tensor {label} dimension {at} must have size {want}.  Received size {int(size)}, shape {tensor.shape}")
                    continue
                of = lambda t, a: find("Shape")(t)[a]
                left = of(tensor, at) if size is None else int(size)
                right = of(*want) if isinstance(want, tuple) else want
                told = data if data is not None else [f"{lead}{origin}", f"Tensor {label} dimension", at, "must have size", right, "Received shape: ", find("Shape")(tensor)]
                checks.append(Assert(find("Equal")(left, right), told, summarize))
        if not here.is_graph:
            return None
        with here.control_dependencies([c for c in checks if c is not None]):
            return _NoOp(name="all")
