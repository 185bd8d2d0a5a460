"""Weights of losses and metrics against the values they weigh: of the same rank, or scalars; each size the same, or 1."""

from penstock.base.export import export
from penstock.fronts.control import cond
from penstock.fronts.grouping import no_op
from penstock.fronts.lift import control_dependencies
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ops import constants
from penstock.ops.asserts import Assert

_PREFIX = "weights can not be broadcast to values."


def assert_broadcastable(weights, values):
    """An op that fails unless `weights` fits `values`; ValueError where the shapes are known and differ."""
    with scoped(None, "assert_broadcastable"):
        weights, values = door.convert(weights, None, "weights"), door.convert(values, None, "values")
        w, v = weights.shape, values.shape
        if w.rank == 0:
            return no_op(name="static_scalar_check_success")
        if w.rank is not None and v.rank is not None:
            if w.rank != v.rank:
                raise ValueError(
                    f"{_PREFIX} values.rank={v.rank}. weights.rank={w.rank}. values.shape={v}. weights.shape={w}. Received weights={weights}, values={values}"
                )
            sizes = list(enumerate(zip(w.as_list(), v.as_list())))
            for axis, (one, other) in sizes:
                if one not in (1, None) and other is not None and one != other:
                    raise ValueError(
                        f"{_PREFIX} Mismatch at dim {axis}. values.shape={v}, weights.shape={w}. Received weights={weights}, values={values}"
                    )
            if all(one == 1 or (one is not None and one == other) for _, (one, other) in sizes):
                return no_op(name="static_dims_check_success")
        return _at_run(weights, values)


def _at_run(weights, values):
    """The check of shapes that are known when the op runs."""
    shape, rank, equal = find("Shape"), find("Rank"), find("Equal")
    w, v = shape(weights), shape(values)
    is_scalar = equal(rank(weights), 0, name="is_scalar")

    def fits():
        ones_or_same = lambda: find("All")(find("LogicalOr")(equal(w, 1), equal(w, v)), [0])
        return cond(equal(rank(weights), rank(values)), ones_or_same, lambda: find("Identity")(False))

    valid = cond(is_scalar, lambda: find("Identity")(is_scalar), fits, name="is_valid_shape")
    told = [_PREFIX, "weights.shape=", _name(weights), w, "values.shape=", _name(values), v, "is_scalar=", is_scalar]
    return Assert(valid, told, name="AssertGuard")


def _name(tensor):
    return getattr(tensor, "name", "") if door.current().is_graph else ""


@export(v2=("__internal__.ops.broadcast_weights",))
def broadcast_weights(weights, values):
    """Weights in the shape of `values`, as a product would spread them; they must fit as `assert_broadcastable` says."""
    with scoped(None, "broadcast_weights"):
        values = door.convert(values, None, "values")
        weights = door.convert(weights, values.dtype.base_dtype, "weights")
        w, v = weights.shape, values.shape
        if w.is_fully_defined() and v.is_fully_defined() and w.is_compatible_with(v):
            return weights
        check = assert_broadcastable(weights, values)
        with control_dependencies([] if check is None else [check]):
            return find("Mul")(weights, constants.ones_like(values))
