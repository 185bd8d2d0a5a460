"""Switch, merge and exit of 1.x control flow, and `while_v2`'s loop."""

from penstock.api.inner.public import public
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ops.indexed_slices import IndexedSlices


def switch(data, pred, dtype=None, name=None):
    """`(output_false, output_true)`: `data` goes to one of them, the other is dead."""
    with scoped(name, "Switch"):
        if isinstance(data, IndexedSlices):
            parts = [find("Switch")(p, pred) for p in (data.values, data.indices)]
            dense = find("Switch")(data.dense_shape, pred) if data.dense_shape is not None else (None, None)
            return tuple(IndexedSlices(parts[0][i], parts[1][i], dense[i]) for i in (0, 1))
        return find("Switch")(door.convert(data, dtype), pred)


def merge(inputs, name=None):
    """`(value, index)` of the input that is not dead."""
    if any(i is None for i in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    return find("Merge")([door.convert(i) for i in inputs], name=name)


def exit(tensor, name=None):  # noqa: A001 - TensorFlow's name
    """A value leaves a loop."""
    return find("Exit")(door.convert(tensor), name=name)


def while_loop(
    cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, maximum_iterations=None, name=None,
    return_same_structure=True, back_prop=True,
):  # fmt: skip
    """`tf.while_loop`; one loop variable comes back alone unless `return_same_structure`."""
    found = public("compat.v1.while_loop")(
        cond, body, loop_vars, shape_invariants=shape_invariants, parallel_iterations=parallel_iterations,
        back_prop=back_prop, maximum_iterations=maximum_iterations, name=name, return_same_structure=True,
    )  # fmt: skip
    return found if return_same_structure or len(found) != 1 else found[0]
