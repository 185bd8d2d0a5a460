"""Python's built-in functions where an argument is a symbolic tensor; with other arguments they are Python's own."""

import builtins
import functools
import sys
from collections.abc import Callable
from typing import Any

from penstock.base import dtypes
from penstock.fronts.autograph.growing import GrowingList
from penstock.fronts.autograph.loops import Indexed, indexed, length
from penstock.fronts.autograph.staging import op, symbolic
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.tensor import Tensor

OVERLOADS: dict[Any, Callable[..., Any]] = {}


def overload(builtin: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Use the decorated function in place of a builtin in converted code."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        OVERLOADS[builtin] = function
        return function

    return mark


def _graph(value: Any) -> bool:
    return isinstance(value, (GraphTensor, Indexed))


def _items(value: Any) -> Indexed:
    return value if isinstance(value, Indexed) else indexed(value)


@overload(builtins.abs)
def abs_(x: Any) -> Any:
    return op("Abs", x) if isinstance(x, Tensor) else builtins.abs(x)


@overload(builtins.len)
def len_(s: Any) -> Any:
    if isinstance(s, (Indexed, GrowingList)):
        return s.count
    tensor = symbolic(s)
    if tensor is None:
        return builtins.len(s)
    dims = tensor._dims
    if dims is not None and not dims:
        raise ValueError(f"len requires a non-scalar tensor, got one of shape {tensor.shape}")
    if dims is not None and dims[0] is not None:
        return int(dims[0])
    return length(tensor)


@overload(builtins.float)
def float_(*args: Any) -> Any:
    if not args or symbolic(args[0]) is None:
        return builtins.float(*args)
    x = symbolic(args[0])
    if x.dtype is dtypes.string:
        return op("StringToNumber", x, out_type=dtypes.float32)
    return _cast(x, dtypes.float32)


@overload(builtins.int)
def int_(*args: Any, **kwargs: Any) -> Any:
    if not args or symbolic(args[0]) is None:
        return builtins.int(*args, **kwargs)
    x, base = symbolic(args[0]), (args[1] if len(args) > 1 else kwargs.get("base", 10))
    if base != 10:
        raise NotImplementedError(f"base {base} not supported for int")
    if x.dtype is dtypes.string:
        return op("StringToNumber", x, out_type=dtypes.int32)
    return _cast(x, dtypes.int32)


def _cast(x: Any, dtype: Any) -> Any:
    return x if x.dtype is dtype else op("Cast", x, DstT=dtype)


@overload(builtins.range)
def range_(*args: Any) -> Any:
    if not any(_graph(a) or symbolic(a) is not None for a in args):
        return builtins.range(*args)
    if len(args) == 1:
        start, limit, delta = 0, args[0], 1
    else:
        start, limit, delta = args if len(args) == 3 else (*args, 1)
    wide = next(symbolic(a) for a in args if symbolic(a) is not None).dtype
    parts = [door.convert(a, wide) if symbolic(a) is None else symbolic(a) for a in (start, limit, delta)]
    if isinstance(delta, int) and delta == 1:
        parts[1] = op("Maximum", parts[0], parts[1])  # an empty range, as Python has it, and no error
    return op("Range", *parts)


def print_(*objects: Any, **kwargs: Any) -> None:
    """`print` with `Feature.BUILTIN_FUNCTIONS`: tensors are printed when the graph runs."""
    if not any(isinstance(o, GraphTensor) for o in objects):
        builtins.print(*objects, **kwargs)
        return
    unknown = set(kwargs) - {"sep", "end", "file", "flush"}
    if unknown:
        raise ValueError(f"invalid keyword arguments in print call: {unknown}")
    from penstock.ops.printing import print_v2

    print_v2(
        *objects,
        output_stream=kwargs.get("file") or sys.stdout,
        sep=kwargs.get("sep", " "),
        end=kwargs.get("end", "\n"),
    )


@overload(builtins.enumerate)
def enumerate_(iterable: Any, start: Any = 0) -> Any:
    if hasattr(iterable, "enumerate") and not isinstance(iterable, Tensor) and door.current().is_graph:
        return iterable.enumerate(start)  # a dataset
    if not _graph(iterable):
        return builtins.enumerate(iterable, start)
    items = _items(iterable)
    return Indexed(items.count, lambda i: (i if start == 0 else op("AddV2", i, start), items.item(i)))


@overload(builtins.zip)
def zip_(*iterables: Any, **kwargs: Any) -> Any:
    if not iterables or not all(_graph(i) for i in iterables):
        return builtins.zip(*iterables, **kwargs)
    parts = [_items(i) for i in iterables]
    count = functools.reduce(lambda a, b: op("Minimum", a, b), [p.count for p in parts])
    return Indexed(count, lambda i: tuple(p.item(i) for p in parts))


@overload(builtins.map)
def map_(function: Any, *iterables: Any) -> Any:
    if not iterables or not all(_graph(i) for i in iterables):
        return builtins.map(function, *iterables)
    parts = [_items(i) for i in iterables]
    count = functools.reduce(lambda a, b: op("Minimum", a, b), [p.count for p in parts])
    return Indexed(count, lambda i: function(*(p.item(i) for p in parts)))


@overload(builtins.any)
def any_(iterable: Any) -> Any:
    return _reduced("Any", iterable) if isinstance(iterable, GraphTensor) else builtins.any(iterable)


@overload(builtins.all)
def all_(iterable: Any) -> Any:
    return _reduced("All", iterable) if isinstance(iterable, GraphTensor) else builtins.all(iterable)


def _reduced(name: str, tensor: Any) -> Any:
    """Over the first axis of a vector, as Python goes over its items."""
    dims = tensor._dims
    if dims is not None and len(dims) != 1:
        raise ValueError(
            f"{name.lower()} of a symbolic tensor goes over a vector, got shape {tensor.shape}; use tf.reduce_*"
        )
    if name in ("Any", "All") and tensor.dtype is not dtypes.bool:
        raise ValueError(f"{name.lower()} of a symbolic tensor needs tf.bool, got {tensor.dtype.name}; use `tf.cast`")
    return op(name, tensor, [0])


@overload(builtins.sum)
def sum_(iterable: Any, /, start: Any = 0) -> Any:
    if not isinstance(iterable, GraphTensor):
        return builtins.sum(iterable, start)
    dims = iterable._dims
    if dims is not None and not dims:
        raise TypeError("Cannot iterate over a scalar tensor.")
    total = op("Sum", iterable, [0])
    return total if isinstance(start, int) and start == 0 else total + start


@overload(builtins.max)
def max_(*args: Any, **kwargs: Any) -> Any:
    return _extreme(builtins.max, "Max", "Maximum", args, kwargs)


@overload(builtins.min)
def min_(*args: Any, **kwargs: Any) -> Any:
    return _extreme(builtins.min, "Min", "Minimum", args, kwargs)


def _extreme(builtin: Any, reduce: str, pair: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or not any(isinstance(a, GraphTensor) for a in args):
        return builtin(*args, **kwargs)
    if len(args) == 1:
        return _reduced(reduce, args[0])
    dims = [a._dims for a in args if isinstance(a, GraphTensor)]
    if any(d is not None and d not in ((), (1,)) for d in dims):
        raise ValueError(
            "max and min of several tensors need scalars; use tf.maximum or tf.minimum for element by element"
        )
    first = next(a for a in args if isinstance(a, GraphTensor))
    values = [a if isinstance(a, Tensor) else door.convert(a, first.dtype) for a in args]
    return functools.reduce(lambda a, b: op(pair, a, b), values)


@overload(builtins.sorted)
def sorted_(iterable: Any, /, *, key: Any = None, reverse: Any = False) -> Any:
    if not isinstance(iterable, GraphTensor):
        return builtins.sorted(iterable, key=key, reverse=reverse)
    dims = iterable._dims
    if dims is not None and len(dims) != 1:
        raise ValueError(f"sorted only supports 1-D tensors, got shape {iterable.shape}")
    by = iterable if key is None else key(iterable)
    if by._dims is not None and dims is not None and len(by._dims) != 1:
        raise ValueError(f"the key of sorted must give one value for each item, got shape {by.shape}")
    descending = bool(reverse)
    ordered = by if descending else _negated(by)
    order = op("TopKV2", ordered, length(by), sorted=True)[1]
    return op("GatherV2", iterable, order, 0)


def _negated(tensor: Any) -> Any:
    """A tensor whose order is the other way round; ~x never overflows for integers."""
    return op("Neg", tensor) if tensor.dtype.is_floating else op("Invert", tensor)
