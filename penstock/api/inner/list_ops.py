"""`tensorflow.python.ops.list_ops`: tensor lists with the parameter order of its functions."""

from penstock.base import dtypes
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.random import shape_tensor


def _shape(shape):
    """An element shape as the ops take it: -1 for unknown sizes, the scalar -1 for an unknown rank."""
    if shape is None:
        return -1
    rank = getattr(shape, "rank", 0)
    if hasattr(shape, "as_list"):
        return -1 if rank is None else [-1 if d is None else d for d in shape.as_list()]
    if isinstance(shape, (list, tuple)) and not any(hasattr(d, "dtype") for d in shape):
        return [-1 if d is None else d for d in shape]
    return shape_tensor(shape) if hasattr(shape, "op") else shape


def _ints(shape):
    value = _shape(shape)
    return value if hasattr(value, "dtype") else door.convert(value, dtypes.int32)


def empty_tensor_list(element_shape, element_dtype, max_num_elements=None, name=None):
    """A list without elements."""
    limit = -1 if max_num_elements is None else max_num_elements
    return find("EmptyTensorList")(_ints(element_shape), limit, element_dtype=element_dtype, name=name)


def tensor_list_reserve(element_shape, num_elements, element_dtype, name=None):
    """A list of `num_elements` that are yet to be set."""
    return find("TensorListReserve")(_ints(element_shape), num_elements, element_dtype=element_dtype, name=name)


def tensor_list_from_tensor(tensor, element_shape, name=None):
    """The rows of a tensor as a list."""
    tensor = door.convert(tensor)
    return find("TensorListFromTensor")(tensor, _ints(element_shape), name=name)


def tensor_list_get_item(input_handle, index, element_dtype, element_shape=None, name=None):
    """One element."""
    return find("TensorListGetItem")(input_handle, index, _ints(element_shape), element_dtype=element_dtype, name=name)


def tensor_list_pop_back(input_handle, element_dtype, name=None):
    """(the list without its last element, that element)."""
    return find("TensorListPopBack")(input_handle, _ints(None), element_dtype=element_dtype, name=name)


def tensor_list_gather(input_handle, indices, element_dtype, element_shape=None, name=None):
    """The elements at `indices`, stacked."""
    return find("TensorListGather")(input_handle, indices, _ints(element_shape), element_dtype=element_dtype, name=name)


def tensor_list_scatter(tensor, indices, element_shape=None, input_handle=None, name=None):
    """A list with the rows of `tensor` at `indices`: a new one, or `input_handle` with them."""
    tensor = door.convert(tensor)
    if input_handle is not None:
        return find("TensorListScatterIntoExistingList")(input_handle, tensor, indices, name=name)
    return find("TensorListScatterV2")(tensor, indices, _ints(element_shape), -1, name=name)


def tensor_list_stack(input_handle, element_dtype, num_elements=-1, element_shape=None, name=None):
    """All elements, stacked."""
    return find("TensorListStack")(
        input_handle, _ints(element_shape), element_dtype=element_dtype, num_elements=num_elements, name=name
    )


def tensor_list_concat(input_handle, element_dtype, element_shape=None, name=None):
    """All elements, joined along their first axis."""
    return find("TensorListConcatV2")(
        input_handle, _ints(element_shape), door.convert([], dtypes.int64), element_dtype=element_dtype, name=name
    )[0]


def tensor_list_split(tensor, element_shape, lengths, name=None):
    """A list of pieces of `tensor`, of these lengths."""
    return find("TensorListSplit")(door.convert(tensor), _ints(element_shape), door.convert(lengths, dtypes.int64), name=name)


def tensor_list_set_item(input_handle, index, item, resize_if_index_out_of_bounds=False, name=None):
    """The list with another element at `index`."""
    return find("TensorListSetItem")(
        input_handle, index, door.convert(item),
        resize_if_index_out_of_bounds=resize_if_index_out_of_bounds, name=name,
    )  # fmt: skip
