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
    n = elem.nrows() if isinstance(elem, RaggedTensor) else elem.dense_shape[0] if hasattr(elem, "dense_shape") else shape_of(elem)[0]
    known = n if isinstance(n, int) else known_value(n)
    return n if known is None else int(known)


def _row(elem: Any, i: Any) -> Any:
    if not hasattr(elem, "dense_shape"):
        return elem[i]
    from penstock.ops.sparse_reshaping import sparse_reshape, sparse_slice

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
        flat = [e if isinstance(e, RaggedTensor) or hasattr(e, "dense_shape") else door.convert(e) for e in nest.flatten(elems)]
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
    if any(isinstance(c, RaggedTensor) for c in column) or hasattr(spec, "ragged_rank"):
        return ragged.stack(column)
    return find("Pack")([door.convert(c, getattr(spec, "dtype", spec) if spec is not None else None) for c in column])


def _in_a_loop(fn: Any, row: Any, n: Any, spec: Any, elems: Any) -> Any:
    """The number of rows is not known: dense results, and ragged ones of one ragged axis."""
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
