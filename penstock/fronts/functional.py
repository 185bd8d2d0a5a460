"""`tf.map_fn`, `tf.scan`, `tf.foldl`, `tf.foldr`, `tf.vectorized_map`: loops over the first axis."""

from typing import Any

from penstock.base import nest
from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import Old, export
from penstock.fronts.autograph import tf_convert
from penstock.fronts.control import while_loop_v2
from penstock.fronts.function import Function, functions_run_eagerly
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.shapes import shape_of
from penstock.ops.tensor_array import TensorArray

MANY = 16
"""Rows beyond which an eager `vectorized_map` is traced: one loop, compiled, in place of a call of every op for every row."""


def _rows(elems: Any, who: str) -> tuple[list[Any], Any]:
    """The flat tensors of `elems` and how many rows they have (an int where it is known)."""
    flat = [door.convert(e) for e in nest.flatten(elems, expand_composites=True)]
    if not flat:
        raise ValueError(f"elems must be a Tensor or (possibly nested) sequence of Tensors; {who} got none")
    n: Any = None
    for t in flat:
        if t._dims is not None and len(t._dims) == 0:
            raise ValueError(f"Elements in elems must be 1+ dimensional Tensors, not scalars ({who} got {t!r})")
        if t._dims is not None and t._dims[0] is not None:
            if n is not None and n != t._dims[0]:
                raise ValueError(f"Dimension of the first axis of elems must agree: {n} and {t._dims[0]}")
            n = t._dims[0]
    return flat, shape_of(flat[0])[0] if n is None else n


def _arrays(flat: list[Any], n: Any) -> list[Any]:
    return [TensorArray(t.dtype.base_dtype, size=n, dynamic_size=False, infer_shape=True, element_shape=None if t._dims is None else t._dims[1:]).unstack(t) for t in flat]


def _first_axis(t: Any, n: Any) -> Any:
    if isinstance(n, int) and t._dims is not None and not isinstance(t, type(None)) and hasattr(t, "op") and door.current().is_graph:
        t.set_shape((n, *t._dims[1:]))
    return t


@export(v2=("map_fn",))
def map_fn(fn: Any, elems: Any, dtype: Any = None, parallel_iterations: Any = None, back_prop: bool = True, swap_memory: bool = False,
           infer_shape: bool = True, name: str | None = None, fn_output_signature: Any = None) -> Any:  # fmt: skip
    """Apply `fn` to each row of `elems` and stack the results; `fn_output_signature` says their dtypes where they differ from `elems`.

    >>> tf.map_fn(lambda x: x * 2, tf.constant([1, 2, 3])).numpy()
    array([2, 4, 6], dtype=int32)
    """
    if not callable(fn):
        raise TypeError(f"The provided function {getattr(fn, '__name__', fn)} is not callable.")
    fn = tf_convert(fn)
    ragged = _ragged_map(fn, elems, dtype, fn_output_signature, name)
    if ragged is not None:
        return ragged[0]
    with scoped(name, "map"):
        flat, n = _rows(elems, "map_fn")
        signature = fn_output_signature if fn_output_signature is not None else dtype
        row = lambda parts: nest.pack_sequence_as(elems, parts, expand_composites=True)
        if not door.current().is_graph:
            return _eager_map(fn, flat, int(n if isinstance(n, int) else known_value(n)), row, elems, signature)
        inputs = _arrays(flat, n)
        kinds = [as_dtype(s if not hasattr(s, "dtype") or isinstance(s, DType) else s.dtype) for s in nest.flatten(signature)] if signature is not None else [t.dtype.base_dtype for t in flat]
        shapes = [getattr(s, "shape", None) if not isinstance(s, DType) else None for s in nest.flatten(signature)] if signature is not None else [None] * len(kinds)
        outputs = [TensorArray(k, size=n, dynamic_size=False, infer_shape=infer_shape, element_shape=s) for k, s in zip(kinds, shapes)]
        structure = signature if signature is not None else elems

        def turn(i: Any, arrays: Any) -> Any:
            result = fn(row([a.read(i) for a in inputs]))
            nest.assert_same_structure(structure, result, check_types=False, expand_composites=False) if signature is not None else \
                nest.assert_same_structure(elems, result, check_types=False)  # fmt: skip
            parts = [door.convert(r, k) for r, k in zip(nest.flatten(result), kinds)]
            return i + 1, [a.write(i, p) for a, p in zip(arrays, parts)]

        _, outputs = while_loop_v2(lambda i, _: i < n, turn, (0, outputs), parallel_iterations=parallel_iterations or 10, maximum_iterations=n)
        stacked = [_first_axis(a.stack(), n) for a in outputs]
        return nest.pack_sequence_as(structure, stacked)


def _ragged_map(fn: Any, elems: Any, dtype: Any, signature: Any, name: Any) -> Any:
    """Rows of ragged or sparse values, or ragged results: (the result,) where their own implementation takes it."""
    spec = signature if signature is not None else dtype
    composite = any(hasattr(e, "_type_spec") and not isinstance(e, Tensor) and not hasattr(e, "handle") for e in nest.flatten(elems))
    if not composite and not any(hasattr(s, "_component_specs") and not hasattr(s, "is_tensor_spec") and type(s).__name__ not in ("TensorSpec", "DType") for s in nest.flatten(spec)):
        return None
    from penstock.fronts.composite_map import map_composites

    return (map_composites(fn, elems, spec, name),)


def _eager_map(fn: Any, flat: list[Any], n: int, row: Any, elems: Any, signature: Any) -> Any:
    structure: Any = signature if signature is not None else elems
    kinds = [None] * len(nest.flatten(structure)) if signature is None else [as_dtype(getattr(s, "dtype", s) if not isinstance(s, DType) else s) for s in nest.flatten(signature)]
    if signature is None:
        kinds = [t.dtype for t in flat]
    rows = []
    for i in range(n):
        result = fn(row([t[i] for t in flat]))
        nest.assert_same_structure(structure, result, check_types=False)
        rows.append([door.convert(r, k) for r, k in zip(nest.flatten(result), kinds)])
        for r, k in zip(rows[-1], kinds):
            if k is not None and r.dtype is not k:
                raise TypeError(f"map_fn: fn returned {r.dtype.name}, expected {k.name}\n  fix: fn_output_signature=tf.{r.dtype.name}")
    if not rows:
        from penstock.ops.constants import zeros

        return nest.pack_sequence_as(structure, [zeros((0,), k) for k in kinds])
    stack = find("Pack")
    return nest.pack_sequence_as(structure, [stack(list(column), axis=0) for column in zip(*rows)])


@export(v1=("map_fn",))
def map_fn_v1(fn: Any, elems: Any, dtype: Any = None, parallel_iterations: Any = None, back_prop: bool = True, swap_memory: bool = False,
              infer_shape: bool = True, name: str | None = None, fn_output_signature: Any = None) -> Any:  # fmt: skip
    """Apply `fn` to each row of `elems` and stack the results."""
    return map_fn(fn, elems, dtype, parallel_iterations, back_prop, swap_memory, infer_shape, name, fn_output_signature)


def _fold(fn: Any, elems: Any, initializer: Any, backwards: bool, name: str | None, default: str, parallel_iterations: int) -> Any:
    if not callable(fn):
        raise TypeError(f"{getattr(fn, '__name__', fn)} is not callable.")
    with scoped(name, default):
        flat, n = _rows(elems, default)
        row = lambda parts: nest.pack_sequence_as(elems, parts, expand_composites=True)
        arrays = _arrays(flat, n)
        at = (lambda i: n - 1 - i) if backwards else (lambda i: i)
        begin = 0
        if initializer is None:
            first = n - 1 if backwards else 0
            start, begin = row([a.read(first) for a in arrays]), 1
        else:
            start = nest.map_structure(door.convert, initializer)
        _, out = while_loop_v2(lambda i, _: i < n, lambda i, a: (i + 1, fn(a, row([x.read(at(i)) for x in arrays]))), (begin, start),
                               parallel_iterations=parallel_iterations, maximum_iterations=n)  # fmt: skip
        return out


@export("foldl", old=Old("fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None"))
def foldl(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False, name: str | None = None) -> Any:
    """Combine the rows of `elems` from the first to the last: `a = fn(a, row)`.

    >>> tf.foldl(lambda a, x: a + x, tf.constant([1, 2, 3])).numpy()
    np.int32(6)
    """
    return _fold(fn, elems, initializer, False, name, "foldl", parallel_iterations)


@export("foldr", old=Old("fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None"))
def foldr(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False, name: str | None = None) -> Any:
    """Combine the rows of `elems` from the last to the first: `a = fn(a, row)`."""
    return _fold(fn, elems, initializer, True, name, "foldr", parallel_iterations)


@export("scan", old=Old("fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, infer_shape=True, reverse=False, name=None"))
def scan(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
         infer_shape: bool = True, reverse: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """Combine the rows of `elems` one after another, `a = fn(a, row)`, and stack every `a`.

    >>> tf.scan(lambda a, x: a + x, tf.constant([1, 2, 3])).numpy()
    array([1, 3, 6], dtype=int32)
    """
    if not callable(fn):
        raise TypeError(f"{getattr(fn, '__name__', fn)} is not callable.")
    with scoped(name, "scan"):
        flat, n = _rows(elems, "scan")
        row = lambda parts: nest.pack_sequence_as(elems, parts, expand_composites=True)
        arrays = _arrays(flat, n)
        at = (lambda i: n - 1 - i) if reverse else (lambda i: i)
        if initializer is None:
            start, begin = row([a.read(at(0)) for a in arrays]), 1
        else:
            start, begin = nest.map_structure(door.convert, initializer), 0
        parts = nest.flatten(start)
        outputs = [TensorArray(p.dtype.base_dtype, size=n, dynamic_size=False, infer_shape=infer_shape, element_shape=p._dims if infer_shape else None) for p in parts]
        if begin:
            outputs = [o.write(at(0), p) for o, p in zip(outputs, parts)]

        def turn(i: Any, a: Any, out: Any) -> Any:
            after = fn(a, row([x.read(at(i)) for x in arrays]))
            nest.assert_same_structure(start, after, check_types=False)
            return i + 1, after, [o.write(at(i), door.convert(v)) for o, v in zip(out, nest.flatten(after))]

        _, _, outputs = while_loop_v2(lambda i, *_: i < n, turn, (begin, start, outputs), parallel_iterations=parallel_iterations, maximum_iterations=n)
        return nest.pack_sequence_as(start, [_first_axis(o.stack(), n) for o in outputs])


@export("vectorized_map")
def vectorized_map(fn: Any, elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """Apply `fn` to each row of `elems` and stack what it returns, of whatever structure and dtypes."""
    with scoped(None, "vectorized_map"):
        flat, n = _rows(elems, "vectorized_map")
        row = lambda i: nest.pack_sequence_as(elems, [t[i] for t in flat], expand_composites=True)
        count = n if isinstance(n, int) else known_value(n)
        if count is not None and int(count) == 0:
            raise ValueError("vectorized_map needs at least one row")
        if not door.current().is_graph and int(count) > MANY and not functions_run_eagerly():  # type: ignore[arg-type]
            return Function(lambda *flat: vectorized_map(fn, nest.pack_sequence_as(elems, flat, expand_composites=True)), "vectorized_map", autograph=False)(*flat)
        if not door.current().is_graph:
            rows = [nest.flatten(fn(row(i))) for i in range(int(count))]  # type: ignore[arg-type]
            example = fn(row(0))
            return nest.pack_sequence_as(example, [find("Pack")([door.convert(v) for v in column], axis=0) for column in zip(*rows)])
        example = fn(row(0))
        kinds = [door.convert(e) for e in nest.flatten(example)]
        outputs = [TensorArray(k.dtype.base_dtype, size=n, element_shape=k._dims) for k in kinds]
        turn = lambda i, out: (i + 1, [o.write(i, door.convert(v)) for o, v in zip(out, nest.flatten(fn(row(i))))])
        _, results = while_loop_v2(lambda i, _: i < n, turn, (0, outputs), maximum_iterations=n)
        return nest.pack_sequence_as(example, [_first_axis(r.stack(), n) for r in results])
