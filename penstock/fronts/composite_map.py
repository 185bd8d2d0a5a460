"""`tf.map_fn` over ragged and sparse values, and to ragged results."""

from typing import Any

from penstock.base import nest
from penstock.fronts.control import while_loop_v2
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import ragged
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.shapes import shape_of
from penstock.ops.tensor_array import TensorArray


def _count(elem: Any) -> Any:
    """The number of rows, an int where it is known."""
    if _batchable(elem):
        return _count(elem._type_spec._to_batched_tensor_list(elem)[0])
    n = elem.nrows() if isinstance(elem, RaggedTensor) else elem.dense_shape[0] if hasattr(elem, "dense_shape") else shape_of(elem)[0]
    known = n if not isinstance(n, Tensor) else known_value(n)
    return n if known is None else int(known)


def _batchable(elem: Any) -> bool:
    """Is it a value of a BatchableExtensionType?"""
    return hasattr(type(elem), "__batch_encoder__")


def _row(elem: Any, i: Any) -> Any:
    if _batchable(elem):
        spec = elem._type_spec
        return spec._unbatch()._from_compatible_tensor_list([t[i] for t in spec._to_batched_tensor_list(elem)])
    if not hasattr(elem, "dense_shape"):
        return elem[i]
    from penstock.ops.sparse import sparse_reshape, sparse_slice

    shape = door.convert(elem.dense_shape)
    rank = shape._dims[0] if shape._dims is not None else None
    if rank is None:
        raise ValueError("map_fn over a SparseTensor needs its rank to be known")
    start = find("Pack")([find("Cast")(door.convert(i), DstT="int64"), *[door.convert(0, shape.dtype)] * (rank - 1)])
    size = find("ConcatV2")([door.convert([1], shape.dtype), shape[1:]], 0)
    return sparse_reshape(sparse_slice(elem, start, size), shape[1:])


def map_composites(fn: Any, elems: Any, spec: Any, name: str | None) -> Any:
    """Apply `fn` to each row of `elems`; ragged results are put together as a RaggedTensor."""
    with scoped(name, "map"):
        flat = [e if isinstance(e, RaggedTensor) or hasattr(e, "dense_shape") or _batchable(e) else door.convert(e) for e in nest.flatten(elems)]
        n = _count(flat[0])
        row = lambda i: nest.pack_sequence_as(elems, [_row(e, i) for e in flat])
        if isinstance(n, int):
            results = [fn(row(i)) for i in range(n)]
            if results:
                structure = results[0]
                columns = zip(*[nest.flatten(r) for r in results])
                like = [e._type_spec if isinstance(e, RaggedTensor) else None for e in flat]
                wanted = nest.flatten(spec) if spec is not None else like
                return nest.pack_sequence_as(structure, [_together(list(c), s) for c, s in zip(columns, wanted)])
            raise ValueError("map_fn over no rows cannot know what its result looks like")
        return _in_a_loop(fn, row, n, spec, elems)


def _together(column: list[Any], spec: Any) -> Any:
    if column and _batchable(column[0]):
        specs = [c._type_spec for c in column]
        made = (specs[0].most_specific_common_supertype(specs[1:]) or specs[0])._batch(len(column))
        rows = zip(*[s._to_tensor_list(c) for s, c in zip(specs, column)])
        return made._from_compatible_tensor_list([find("Pack")(list(r)) for r in rows])
    if any(isinstance(c, RaggedTensor) for c in column) or hasattr(spec, "ragged_rank"):
        return ragged.stack(column)
    return find("Pack")([door.convert(c, getattr(spec, "dtype", spec) if spec is not None else None) for c in column])


def _batchable_spec(spec: Any) -> bool:
    return hasattr(getattr(spec, "value_type", None), "__batch_encoder__")


def _stacked_loop(fn: Any, row: Any, n: Any, spec: Any) -> Any:
    """The number of rows is not known, and results are values of BatchableExtensionTypes: one array for each tensor of theirs."""
    wanted = nest.flatten(spec)
    specs = [s._flat_tensor_specs if _batchable_spec(s) else [s] for s in wanted]
    limit = find("Cast")(n, DstT="int32") if isinstance(n, Tensor) else n
    arrays = [TensorArray(getattr(p, "dtype", p), size=limit, element_shape=getattr(p, "shape", None)) for parts in specs for p in parts]

    def turn(i: Any, arrays: Any) -> Any:
        results = zip(nest.flatten(fn(row(i))), wanted)
        flat = [t for r, s in results for t in (s._to_tensor_list(r) if _batchable_spec(s) else [door.convert(r, getattr(s, "dtype", s))])]
        return i + 1, [a.write(i, t) for a, t in zip(arrays, flat)]

    _, arrays = while_loop_v2(lambda i, _: i < limit, turn, (0, arrays))
    rest = iter([a.stack() for a in arrays])
    made = [s._batch(None)._from_compatible_tensor_list([next(rest) for _ in parts]) if _batchable_spec(s) else next(rest) for s, parts in zip(wanted, specs)]
    return nest.pack_sequence_as(spec, made)


def _in_a_loop(fn: Any, row: Any, n: Any, spec: Any, elems: Any) -> Any:
    """The number of rows is not known: dense results, and ragged ones of one ragged axis."""
    if any(_batchable_spec(s) for s in nest.flatten(spec)) if spec is not None else False:
        return _stacked_loop(fn, row, n, spec)
    wanted = nest.flatten(spec if spec is not None else elems)
    kinds = [getattr(s, "dtype", s) for s in wanted]
    is_ragged = [hasattr(s, "ragged_rank") for s in wanted]
    limit = find("Cast")(n, DstT="int32") if isinstance(n, Tensor) else n
    values = [TensorArray(k, size=limit, infer_shape=not r) for k, r in zip(kinds, is_ragged)]
    lengths = [TensorArray("int64", size=limit) for r in is_ragged if r]

    def turn(i: Any, values: Any, lengths: Any) -> Any:
        results = [door.convert(v, k) for v, k in zip(nest.flatten(fn(row(i))), kinds)]
        sizes = [find("Shape")(v, out_type="int64")[0] for v, r in zip(results, is_ragged) if r]
        return i + 1, [a.write(i, v) for a, v in zip(values, results)], [a.write(i, s) for a, s in zip(lengths, sizes)]

    _, values, lengths = while_loop_v2(lambda i, *_: i < limit, turn, (0, values, lengths))
    rest = iter(lengths)
    out = [RaggedTensor.from_row_lengths(a.concat(), next(rest).stack()) if r else a.stack() for a, r in zip(values, is_ragged)]
    return nest.pack_sequence_as(spec if spec is not None else elems, out)
