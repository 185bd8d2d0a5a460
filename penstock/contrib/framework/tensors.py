"""Checks of shapes and dtypes of `tf.contrib.framework`, and names of its graph helpers."""

import functools
import warnings
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib
from penstock.layers.base import constant_value, smart_cond as choose


@contrib("framework.assert_same_float_dtype")
def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The one float dtype of all tensors; ValueError when they differ or are not floats."""
    return tf.debugging.assert_same_float_dtype(tensors, dtype)


@contrib("framework.assert_scalar")
def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Any:
    """The tensor, if its shape is known to be scalar, else ValueError."""
    return tf.debugging.assert_scalar(tensor, name=name, message=message)


@contrib("framework.assert_scalar_int")
def assert_scalar_int(tensor: Any, name: str | None = None) -> Any:
    """The tensor, if it is a scalar of int32 or int64."""
    with tf.name_scope(name, "assert_scalar_int", [tensor]):
        tensor = tf.convert_to_tensor(tensor)
        if tensor.dtype not in (tf.int32, tf.int64):
            raise ValueError(f"Expected int32 or int64, got {tensor.dtype} for {tensor.name}.")
        return tf.debugging.assert_scalar(tensor)


@contrib("framework.reduce_sum_n")
def reduce_sum_n(tensors: Any, name: str | None = None) -> Any:
    """The sum of all entries of all tensors, as a scalar."""
    if not tensors:
        raise ValueError("No tensors provided.")
    with tf.name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [tf.reduce_sum(t, name=f"{t.op.name}/sum") for t in map(tf.convert_to_tensor, tensors)]
        return sums[0] if len(sums) == 1 else tf.add_n(sums, name=scope)


@contrib("framework.remove_squeezable_dimensions")
def remove_squeezable_dimensions(predictions: Any, labels: Any, name: str | None = None) -> Any:
    """Drop the last axis of size 1 of whichever has one axis more."""
    with tf.name_scope(name, "remove_squeezable_dimensions", [predictions, labels]):
        predictions, labels = tf.convert_to_tensor(predictions), tf.convert_to_tensor(labels)
        more, less = predictions.shape.rank, labels.shape.rank
        if more is not None and less is not None:
            if more - less == 1:
                return tf.squeeze(predictions, [-1]), labels
            if less - more == 1:
                return predictions, tf.squeeze(labels, [-1])
            return predictions, labels
        rank_difference = tf.rank(predictions) - tf.rank(labels)
        if more is None or predictions.shape[-1:].is_compatible_with([1]):
            predictions = tf.cond(tf.equal(1, rank_difference), lambda: tf.squeeze(predictions, [-1]), lambda: predictions)
        if less is None or labels.shape[-1:].is_compatible_with([1]):
            labels = tf.cond(tf.equal(-1, rank_difference), lambda: tf.squeeze(labels, [-1]), lambda: labels)
        return predictions, labels


def _assert_shape(expected: Any, actual: Any, tensor: Any) -> Any:
    return tf.Assert(
        tf.reduce_all(tf.equal(tf.cast(expected, tf.int32), actual)) if expected is not None else True,
        [f"Wrong shape for {tensor.name} [expected] [actual].", expected, actual],
    )


@contrib("framework.with_shape")
def with_shape(expected_shape: Any, tensor: Any) -> Any:
    """The tensor with its shape checked: at once where both are known, else when the graph runs."""
    tensor = tf.convert_to_tensor(tensor)
    if isinstance(expected_shape, tf.TensorShape):
        expected_shape = expected_shape.as_list()
    if isinstance(expected_shape, (list, tuple)) and any(d is None for d in expected_shape):
        raise ValueError(f"Invalid dtype object for shape {expected_shape} expected of tensor {tensor.name}.")
    expected = tf.convert_to_tensor(expected_shape, tf.int32 if isinstance(expected_shape, (list, tuple)) else None)
    if expected.dtype not in (tf.int32, tf.int64):
        raise ValueError(f"Invalid dtype {expected.dtype.name} for shape {expected_shape} expected of tensor {tensor.name}.")
    if expected.shape.rank != 1:
        if expected.shape.rank == 0:
            expected = tf.reshape(expected, [1])
        else:
            raise ValueError(f"Invalid rank {expected.shape.rank} for shape {expected_shape} expected of tensor {tensor.name}.")
    static = tf.get_static_value(expected)
    if static is None:
        with tf.control_dependencies([_assert_shape(expected, tf.shape(tensor), tensor)]):
            return tf.identity(tensor)
    if tensor.shape.is_fully_defined():
        if tensor.shape.as_list() != [int(d) for d in static]:
            shown = "[" + " ".join(str(int(d)) for d in static) + "]"
            raise ValueError(f"Invalid shape for tensor {tensor.name}, expected {shown}, got {tuple(tensor.shape.as_list())}.")
        return tensor
    with tf.control_dependencies([_assert_shape(expected, tf.shape(tensor), tensor)]):
        result = tf.identity(tensor)
    result.set_shape([int(d) for d in static])
    return result


@contrib("framework.with_same_shape")
def with_same_shape(expected_tensor: Any, tensor: Any) -> Any:
    """The tensor, checked to have the shape of `expected_tensor`."""
    with tf.name_scope(f"{getattr(tensor, 'op', tensor).name}/with_same_shape" if hasattr(tensor, "op") else "with_same_shape"):
        expected = tf.convert_to_tensor(expected_tensor).shape
        if expected.is_fully_defined():
            return with_shape(expected.as_list(), tensor)
        return with_shape(tf.shape(expected_tensor), tensor)


@contrib("framework.smart_cond")
def smart_cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """`true_fn()` or `false_fn()` at once where `pred` is known, else a conditional."""
    for what, fn in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(fn):
            raise TypeError(f"`{what}` must be callable.")
    return choose(pred, true_fn, false_fn)


@contrib("framework.smart_constant_value")
def smart_constant_value(pred: Any) -> bool | None:
    """The value of a condition that is known, or None."""
    return constant_value(pred)


@contrib("framework.smart_case")
def smart_case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, name: str = "smart_case") -> Any:
    """`tf.case` that is decided at once where its conditions are known."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    unknown = []
    for pred, fn in pairs:
        value = constant_value(pred)
        if value and not unknown:
            return fn()
        if value is None or value:
            unknown.append((pred, fn))
    if not unknown and default is not None:
        return default()
    return tf.case(unknown, default=default, exclusive=exclusive, name=name)


@contrib("framework.get_name_scope")
def get_name_scope() -> str:
    """The name scope that is open in the default graph."""
    return tf.get_default_graph().get_name_scope()


@contrib("framework.get_graph_from_inputs")
def get_graph_from_inputs(op_input_list: Any, graph: Any = None) -> Any:
    """The graph that the tensors stand in; ValueError when they stand in several."""
    found = graph
    for one in op_input_list:
        here = getattr(one, "graph", None)
        if here is None:
            continue
        if found is None:
            found = here
        elif here is not found:
            raise ValueError(f"{one} must be from the same graph as {op_input_list[0]}." if graph is None else f"{one} is not from the passed-in graph.")
    return found or tf.get_default_graph()


@contrib("framework.get_placeholders")
def get_placeholders(graph: Any) -> list[Any]:
    """The placeholders of a graph, in the order they were made."""
    return [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]


@contrib("framework.strip_name_scope")
def strip_name_scope(name: str, export_scope: str | None) -> str:
    """A name without the scope it is exported from."""
    if not export_scope:
        return name
    import re

    if export_scope[-1] == "/":
        export_scope = export_scope[:-1]
    return re.sub(r"([\^]|loc:@|^)" + export_scope + r"[\/]+(.*)", r"\1\2", str(name), count=1)


@contrib("framework.prepend_name_scope")
def prepend_name_scope(name: str, import_scope: str | None) -> str:
    """A name below the scope it is imported to."""
    if not import_scope:
        return name
    import re

    return re.sub(r"([\^]|loc:@|^)(.*)", r"\1" + import_scope.rstrip("/") + r"/\2", str(name), count=1)


def _say(func: Any, said: str) -> None:
    warnings.warn(f"{func.__qualname__} {said}", DeprecationWarning, stacklevel=3)


@contrib("framework.deprecated")
def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Any:
    """Decorator: say once that a function will be removed after `date`, and what to use instead."""
    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")
    when = f"after {date}" if date else "in a future version"

    def mark(func: Any) -> Any:
        said: list[bool] = []

        @functools.wraps(func)
        def new_func(*args: Any, **kwargs: Any) -> Any:
            if not (said and warn_once):
                said.append(True)
                tf.logging.warning("From: %s (from %s) is deprecated and will be removed %s.\nInstructions for updating:\n%s",
                                   func.__name__, func.__module__, when, instructions)  # fmt: skip
            return func(*args, **kwargs)

        if isinstance(func, type):
            made = type(func.__name__, (func,), {"__doc__": func.__doc__, "__init__": _warned_init(func, when, instructions)})
            made.__module__, made.__qualname__ = func.__module__, func.__qualname__
            return made
        new_func.__doc__ = (
            f"{(func.__doc__ or 'DEPRECATED FUNCTION').splitlines()[0]} (deprecated)\n\nWarning: THIS FUNCTION IS DEPRECATED. "
            f"It will be removed {when}.\nInstructions for updating:\n{instructions}"
        )
        return new_func

    return mark


def _warned_init(cls: Any, when: str, instructions: str) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        tf.logging.warning("From: %s is deprecated and will be removed %s.\nInstructions for updating:\n%s", cls.__name__, when, instructions)
        cls.__init__(self, *args, **kwargs)

    return __init__


@contrib("framework.deprecated_args")
def deprecated_args(date: str | None, instructions: str, *deprecated_arg_names_or_tuples: Any, **kwargs: Any) -> Any:
    """Decorator: say that some arguments of a function will be removed."""
    names = {a[0] if isinstance(a, (list, tuple)) else a for a in deprecated_arg_names_or_tuples}
    return _on_arguments(date, instructions, lambda given: [n for n in names if n in given])


@contrib("framework.deprecated_arg_values")
def deprecated_arg_values(date: str | None, instructions: str, warn_once: bool = True, **deprecated_kwargs: Any) -> Any:
    """Decorator: say that some values of arguments will be removed."""
    if not deprecated_kwargs:
        raise ValueError("Specify which argument values are deprecated.")
    hit = lambda given: [n for n, v in deprecated_kwargs.items() if n in given and given[n] == v]
    return _on_arguments(date, instructions, hit)


def _on_arguments(date: str | None, instructions: str, hit: Any) -> Any:
    import inspect

    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")

    def mark(func: Any) -> Any:
        signature, said = inspect.signature(func), set()

        @functools.wraps(func)
        def new_func(*args: Any, **kwargs: Any) -> Any:
            for name in hit(signature.bind_partial(*args, **kwargs).arguments):
                if name not in said:
                    said.add(name)
                    tf.logging.warning("From: calling %s with %s is deprecated and will be removed %s.\nInstructions for updating:\n%s",
                                       func.__name__, name, f"after {date}" if date else "in a future version", instructions)  # fmt: skip
            return func(*args, **kwargs)

        return new_func

    return mark


@contrib("framework.py_func")
def py_func(
    func: Any, args: Any = (), kwargs: Any = None, output_types: Any = None, output_shapes: Any = None, stateful: bool = True,
    name: str | None = None,
) -> Any:  # fmt: skip
    """A Python function of nested tensors as an op with nested outputs."""
    nest = tf.nest
    structure = (tuple(args), dict(kwargs or {}))
    flat = nest.flatten(structure)

    def call(*values: Any) -> Any:
        positional, named = nest.pack_sequence_as(structure, list(values))
        result = func(*positional, **named)
        if output_types is None:
            return ()
        return nest.flatten(result)

    types = nest.flatten(output_types) if output_types is not None else []
    outputs = tf.py_func(call, flat, types, stateful=stateful, name=name)
    if output_types is None:
        return outputs
    if output_shapes is not None:
        for one, shape in zip(outputs, nest.flatten(output_shapes)):
            one.set_shape(shape)
    return nest.pack_sequence_as(output_types, list(outputs))


again("framework", "", "convert_to_tensor_or_sparse_tensor is_tensor")
