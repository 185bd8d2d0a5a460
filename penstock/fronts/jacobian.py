"""Jacobians: one backward pass for each element of a target, vectorised."""

from typing import Any

from penstock.fronts.gradients import UnconnectedGradients
from penstock.fronts.tape import flatten_sources
from penstock.ir import door
from penstock.ir.op import find


def _keep(tape: Any) -> None:
    if tape._used and not tape._persistent:
        raise RuntimeError("A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)")


def _rows(tape: Any, target: Any, sources: Any, unconnected: Any) -> list[list[Any]]:
    """The gradients of each element of a flat target."""
    from penstock.ops.constants import one_hot
    from penstock.ops.shapes import reshape

    n = target._dims[0]
    found = []
    for i in range(n):
        seed = reshape(one_hot(i, n, dtype=target.dtype.base_dtype), [n])
        found.append(tape._pull([target], [seed], sources))
    return found


def jacobian(tape: Any, target: Any, sources: Any, unconnected_gradients: Any, parallel_iterations: Any) -> Any:
    """The derivative of every element of `target` with respect to `sources`: shape(target) + shape(source)."""
    from penstock.ops.join import concat, stack
    from penstock.ops.shapes import reshape, shape_of

    _keep(tape)
    if tape._recording and not tape._persistent:
        tape._stop()
    tape._used = True
    unconnected = UnconnectedGradients(unconnected_gradients)
    target = door.convert(target)
    parts, rebuild = flatten_sources(sources)
    whole_shape = shape_of(target)
    recording = tape._recording
    if not recording:
        tape._start()
    flat = reshape(target, [-1])
    if not recording:
        tape._stop()
    if flat._dims is None or flat._dims[0] is None:
        return rebuild([_symbolic(tape, flat, whole_shape, p, unconnected) for p in parts])
    rows = _rows(tape, flat, parts, unconnected)
    out = []
    for k, p in enumerate(parts):
        column = [r[k] for r in rows]
        if all(c is None for c in column):
            if unconnected is UnconnectedGradients.NONE:
                out.append(None)
                continue
            column = [find("ZerosLike")(door.convert(p)) for _ in column]
        dense = [door.convert(c) if c is not None else find("ZerosLike")(door.convert(p)) for c in column]
        stacked = stack(dense)
        out.append(reshape(stacked, concat([whole_shape, shape_of(door.convert(p))], 0)))
    if not tape._persistent:
        tape._records = None
    return rebuild(out)


def _symbolic(tape: Any, flat: Any, whole_shape: Any, source: Any, unconnected: Any) -> Any:
    """One source of a jacobian whose target has a size that only the run knows."""
    from penstock.fronts.functional import map_fn
    from penstock.ops.constants import one_hot, range
    from penstock.ops.join import concat
    from penstock.ops.shapes import reshape, shape_of, size

    n = size(flat)
    kind = flat.dtype.base_dtype

    def row(i: Any) -> Any:
        g = tape._pull([flat], [one_hot(i, n, dtype=kind)], [source])[0]
        return find("ZerosLike")(door.convert(source)) if g is None else door.convert(g)

    rows = map_fn(row, range(n), dtype=door.convert(source).dtype.base_dtype)
    return reshape(rows, concat([whole_shape, shape_of(door.convert(source))], 0))


def batch_jacobian(tape: Any, target: Any, source: Any, unconnected_gradients: Any, parallel_iterations: Any) -> Any:
    """The jacobian of each row of `target` with respect to the same row of `source`: [b, ...target, ...source]."""
    from penstock.ops.join import concat, stack
    from penstock.ops.shapes import reshape, shape_of

    _keep(tape)
    target, source_tensor = door.convert(target), door.convert(source)
    if target._dims is None or len(target._dims) < 1:
        raise ValueError("target must have a batch axis")
    if target._dims[0] is not None and source_tensor._dims is not None and source_tensor._dims[0] is not None and target._dims[0] != source_tensor._dims[0]:
        raise ValueError(f"Need first dimension of target shape ({target.shape}) and source shape ({source_tensor.shape}) to match.")
    if tape._recording and not tape._persistent:
        tape._stop()
    tape._used = True
    unconnected = UnconnectedGradients(unconnected_gradients)
    recording = tape._recording
    if not recording:
        tape._start()
    rows = shape_of(target)[:1]
    flat = reshape(target, concat([rows, [-1]], 0))
    n = flat._dims[1]
    if n is None:
        raise ValueError(f"batch_jacobian needs the row size of its target to be known, got {target.shape}")
    columns = [flat[:, j] for j in range(n)]
    if not recording:
        tape._stop()
    found = []
    for c in columns:
        g = tape._pull([c], [None], [source])[0]
        found.append(None if g is None else door.convert(g))
    if not tape._persistent:
        tape._records = None
    if all(f is None for f in found):
        if unconnected is UnconnectedGradients.NONE:
            return None
    found = [find("ZerosLike")(source_tensor) if f is None else f for f in found]
    stacked = stack(found, 1)
    return reshape(stacked, concat([shape_of(target), shape_of(source_tensor)[1:]], 0))

