"""`tensorflow.python.ops.array_ops`: helpers without a public name."""

from penstock.api.inner.public import public
from penstock.ir import door

NEW_AXIS, SHRINK_AXIS = -1, -2


def batch_gather_nd(params, indices, batch_dims, name=None):
    """`gather_nd` within each of the leading `batch_dims` axes."""
    return public("gather_nd")(params, indices, name=name, batch_dims=batch_dims)


def shape_internal(input, name=None, optimize=True, out_type=None):  # noqa: A002
    """The shape of a dense or sparse tensor."""
    return public("shape")(input, out_type=out_type or public("int32"), name=name)


def size_internal(input, name=None, optimize=True, out_type=None):  # noqa: A002
    """How many elements a dense or sparse tensor has."""
    return public("size")(input, out_type=out_type or public("int32"), name=name)


def rank_internal(input, name=None, optimize=True):  # noqa: A002
    """How many axes a dense or sparse tensor has."""
    return public("rank")(input, name=name)


def zeros_like_impl(tensor, dtype, name, optimize=True, layout=None):
    """Zeros of the tensor's shape."""
    return public("zeros_like")(tensor, dtype=dtype, name=name)


def ones_like_impl(tensor, dtype, name, optimize=True, layout=None):
    """Ones of the tensor's shape."""
    return public("ones_like")(tensor, dtype=dtype, name=name)


def get_positive_axis(axis, ndims, axis_name="axis", ndims_name="ndims"):
    """A possibly negative axis as 0..ndims-1; ValueError where it is out of range."""
    if not isinstance(axis, int):
        raise TypeError(f"{axis_name} must be an int; got {type(axis).__name__}")
    if ndims is not None:
        if 0 <= axis < ndims:
            return axis
        if -ndims <= axis < 0:
            return axis + ndims
        raise ValueError(f"{axis_name}={axis} out of bounds: expected {-ndims}<={axis_name}<{ndims}")
    if axis < 0:
        raise ValueError(f"{axis_name}={axis} may only be negative if {ndims_name} is statically known.")
    return axis


def convert_to_int_tensor(tensor, name, dtype=None):
    """`tensor` as integers of `dtype`; TypeError where it holds none."""
    tensor = door.convert(tensor, None, name)
    if not tensor.dtype.is_integer:
        raise TypeError(f"Argument `tensor` (name: {name}) must be of type integer. Received `tensor` = {tensor} of dtype: {tensor.dtype}")
    return public("cast")(tensor, dtype or public("int32"))


def repeat_with_axis(data, repeats, axis, name=None):
    """`tf.repeat`."""
    return public("repeat")(data, repeats, axis, name)


def tile_one_dimension(data, axis, multiple):
    """A tensor repeated along one axis."""
    times = [1] * data.shape.rank
    times[axis] = multiple
    return public("tile")(data, times)


def tensor_diag_part(input, name=None):  # noqa: A002
    """`tf.linalg.tensor_diag_part`."""
    return public("linalg.tensor_diag_part")(input, name=name)
