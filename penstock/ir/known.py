"""Values that are known while a graph is still being built: constants, static shapes, and what follows from them alone."""

from typing import Any

import numpy as np

from penstock.base.shape import Dims
from penstock.ir.tensor import Spec, Tensor

LIMIT = 1 << 16  # elements; beyond it folding costs more than it tells


def known_value(tensor: Any) -> Any:
    """The value of `tensor` as a NumPy array, or None."""
    array = getattr(tensor, "_array", None)
    if array is not None:  # an eager tensor
        return np.asarray(array)
    node = getattr(tensor, "op", None)
    if node is None:
        return None
    memo = node.graph._known
    stack = [tensor]
    while stack:
        t = stack[-1]
        if t._id in memo:
            stack.pop()
            continue
        n = t.op
        if _shape_only(n):
            memo[t._id] = _from_shape(n)
            stack.pop()
            continue
        if not _foldable(n):
            memo[t._id] = None
            stack.pop()
            continue
        waiting = [i for i in n.inputs if i._id not in memo]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        values = [memo[i._id] for i in n.inputs]
        outs: Any = [None] * len(n.outputs)
        if all(v is not None and v.size <= LIMIT for v in values):
            try:
                outs = compute(n.definition, values, n.attrs)
            except Exception:  # noqa: BLE001 - the error belongs to the run, not to the building
                pass
        for o, v in zip(n.outputs, outs):
            memo[o._id] = v
    return memo[tensor._id]


STATIC = frozenset({"Cast", "Concat", "ConcatV2", "Const", "Equal", "Fill", "Identity", "NotEqual", "Pack", "Range", "Rank", "Shape", "Size",
                    "Split", "StopGradient", "Unpack"})  # fmt: skip
"""Through these TensorFlow sees the values of a graph; programs take another way where it sees none."""


def static_value(tensor: Any) -> Any:
    """The value of a tensor of a graph as far as TensorFlow sees it too, or None."""
    if tensor.op.type == "Const":
        return np.array(tensor.op.attrs["value"], dtype=object) if tensor.dtype.name == "string" else known_value(tensor)
    seen, stack = {tensor.op}, [tensor.op]
    while stack:
        node = stack.pop()
        if node.type not in STATIC:
            return None
        if node.type not in ("Shape", "Size", "Rank"):
            new = {i.op for i in node.inputs} - seen
            seen |= new
            stack.extend(new)
    return known_value(tensor)


def compute(op: Any, values: list[Any], attrs: dict[str, Any]) -> list[Any]:
    """Run an op's NumPy body on known values; a flat list of arrays of the declared dtypes."""
    args = group(op, values, attrs)
    kwargs = {k: attrs[k] for k in op.takes}
    if op.check_rule is not None and bool(op.check_rule(np, *args, **attrs)[0]):
        raise ValueError("the check fails")
    outs = flatten_outputs(op, op.body(np, *args, **kwargs))
    return [np.asarray(o, t.array_dtype) for o, t in zip(outs, output_types(op, attrs))]


def group(op: Any, flat: Any, attrs: dict[str, Any]) -> list[Any]:
    """The flat inputs as the op's body takes them: one argument each, a list for each list input."""
    if not op.lists:
        return list(flat)
    args, i = [], 0
    for a in op.sig.inputs:
        if a.many:
            n = attrs[a.number] if a.number else len(attrs[a.type])
            args.append(list(flat[i : i + n]))
            i += n
        else:
            args.append(flat[i])
            i += 1
    return args


def flatten_outputs(op: Any, outs: Any) -> list[Any]:
    """What a body returned as a flat list, one entry an output tensor."""
    n = len(op.sig.outputs)
    if n == 1:
        return list(outs) if op.list_outputs else [outs]
    if n == 0:
        return []
    flat = []
    for a, o in zip(op.sig.outputs, outs):
        if a.many:
            flat.extend(o)
        else:
            flat.append(o)
    return flat


def output_types(op: Any, attrs: dict[str, Any]) -> list[Any]:
    """The dtype of each flat output."""
    types = []
    for a in op.sig.outputs:
        if a.dtype is not None:
            one = a.dtype
        else:
            one = attrs[a.type]
            if a.many and not a.number:
                types.extend(one)
                continue
        if a.is_ref:
            one = one._as_ref
        types.extend([one] * attrs[a.number] if a.number else [one])
    return types


def _foldable(node: Any) -> bool:
    op = node.definition
    return op.where == "any" and op.effect is None and op.name != "Placeholder" and all(t.dtype.on_device for t in node.outputs)


def _shape_only(node: Any) -> bool:
    return node.type in ("Shape", "ShapeN", "Size", "Rank", "PlaceholderWithDefault", "EnsureShape")


def _from_shape(node: Any) -> Any:
    if node.type not in ("Shape", "Size", "Rank"):
        return None
    dims = node.inputs[0]._dims
    if dims is None or (node.type != "Rank" and None in dims):
        return None
    dtype = node.outputs[0].dtype.array_dtype
    if node.type == "Shape":
        return np.array(dims, dtype)
    return np.array(len(dims) if node.type == "Rank" else int(np.prod(dims, dtype=np.int64)), dtype)


def known_dims(tensor: Any) -> Dims:
    """A 1-D integer tensor read as a shape: a tuple with None for the entries that are not known (or are -1)."""
    whole = known_value(tensor)
    if whole is not None:
        if whole.ndim == 0 and whole < 0:
            return None  # how ops on lists write an unknown rank
        return tuple(None if d < 0 else int(d) for d in whole.reshape(-1))
    node = getattr(tensor, "op", None)
    if node is None:
        return None
    rule = node.definition.dims_rule
    if rule is not None:
        specs = group(node.definition, [Spec(f"input{i}", t.dtype, t._dims, t) for i, t in enumerate(node.inputs)], node.attrs)
        found = rule(*specs, **node.attrs)
        if found is not None:
            return tuple(None if d is None or d < 0 else int(d) for d in found)
    outer = getattr(node.graph, "_outside", {}).get(tensor._id) if node.type == "Placeholder" else None
    if outer is not None:
        return known_dims(outer)
    if isinstance(tensor, Tensor) and tensor._dims is not None and len(tensor._dims) == 1 and tensor._dims[0] is not None:
        return (None,) * tensor._dims[0]
    return None


def partly_known(tensor: Any) -> list[int | None] | None:
    """The entries of an integer vector (or scalar), negative ones too, with None for those that are not known."""
    whole = known_value(tensor)
    if whole is not None:
        return [int(d) for d in whole.reshape(-1)]
    node = getattr(tensor, "op", None)
    if node is None:
        return None
    if node.type == "Pack" and all(i._dims == () for i in node.inputs):
        parts = [partly_known(i) for i in node.inputs]
        return [None if p is None else p[0] for p in parts]
    if node.type in ("Cast", "Identity"):
        return partly_known(node.inputs[0])
    dims = known_dims(tensor)
    return None if dims is None else list(dims)
