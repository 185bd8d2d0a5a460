"""`tensorflow.python.framework.tensor_util`: what is known of a tensor's value while the graph is built."""

from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.known import known_dims, known_value


def try_evaluate_constant(tensor):
    """The value of a symbolic tensor as an array where it can be computed while the graph is built, else None."""
    return known_value(tensor)


def constant_value_as_shape(tensor):
    """A vector of sizes as a TensorShape: entries that are -1 or not known are None; a scalar -1 is an unknown shape."""
    tensor = door.convert(tensor)
    shape = tensor.shape
    if shape.rank == 0:
        value = known_value(tensor)
        if value is None:
            raise ValueError(
                "Received a scalar with unknown value as shape; require a statically known scalar with value '-1' to describe an unknown shape."
            )
        if value != -1:
            raise ValueError(
                f"Received a scalar value '{value}' as shape; require a statically known scalar with value '-1' to describe an unknown shape."
            )
        return TensorShape(None)
    if shape.rank is not None and shape.rank != 1:
        raise ValueError(f"Shape {shape} must have rank 1")
    value = known_value(tensor)
    if value is not None and value.dtype.kind not in "iu":
        raise ValueError(f"Ambiguous dimension: {value.reshape(-1)[0]}")
    return TensorShape(known_dims(tensor))
