"""The TensorList ops: what TensorArray and the gradients of loops are made of."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.shape import ShapeError, merge
from penstock.ir.op import op
from penstock.ir.tensor_list import ListOverflow, TensorList

_ELEMENT = "element_dtype: type, shape_type: index"


def dims_of(shape: Any) -> Any:
    """An element_shape input as dims: a scalar -1 says that nothing is known."""
    array = np.asarray(shape)
    return None if array.ndim == 0 else tuple(None if d < 0 else int(d) for d in array)


def _known(value: Any) -> Any:
    """The int behind an index, or None when it is traced."""
    return int(value) if isinstance(value, (np.ndarray, np.generic, int)) else None


def _element(xp: Any, handle: TensorList, dims: Any) -> Any:
    """What an element that was never set reads as."""
    full = merge(handle.element_dims, dims)
    if full is None or None in full:
        raise InvalidArgumentError(None, None, "Trying to read an uninitialized element of a TensorList whose element shape is not fully defined")
    return xp.zeros(full, handle.dtype.array_dtype)


@op(f"EmptyTensorList(element_shape: shape_type, max_num_elements: int32, *, {_ELEMENT}) -> handle: variant", static=("element_shape",),
    shape=lambda element_shape, max_num_elements: ())  # fmt: skip
def empty_tensor_list(xp, element_shape, max_num_elements, *, element_dtype):
    """A list of nothing."""
    return TensorList(element_dtype, dims_of(element_shape), [])


@op(f"TensorListReserve(element_shape: shape_type, num_elements: int32, *, {_ELEMENT}) -> handle: variant", static=("element_shape", "num_elements"),
    shape=lambda element_shape, num_elements: ())  # fmt: skip
def tensor_list_reserve(xp, element_shape, num_elements, *, element_dtype):
    """A list of `num_elements` elements that are not set yet."""
    n = int(num_elements)
    if n < 0:
        raise InvalidArgumentError(None, None, f"The num_elements to reserve must be a non negative number, but got {n}")
    return TensorList(element_dtype, dims_of(element_shape), [None] * n)


@op(f"TensorListFromTensor(tensor: element_dtype, element_shape: shape_type, *, {_ELEMENT}) -> output_handle: variant", static=("element_shape",),
    shape=lambda tensor, element_shape: ())  # fmt: skip
def tensor_list_from_tensor(xp, tensor, element_shape, *, element_dtype):
    """The rows of a tensor as a list."""
    if tensor.ndim == 0:
        raise InvalidArgumentError(None, None, "Tensor must be at least a vector, but saw shape: []")
    try:
        dims = merge(dims_of(element_shape), tuple(tensor.shape[1:]))
    except ShapeError as e:
        raise InvalidArgumentError(None, None, f"Specified a list with shape {list(dims_of(element_shape) or ())} from a tensor with shape {list(tensor.shape)}: {e}") from None
    if xp is np:
        return TensorList(element_dtype, dims, [np.asarray(r, tensor.dtype) for r in tensor])
    return TensorList(element_dtype, dims, buffer=xp.asarray(tensor), length=tensor.shape[0], capacity=tensor.shape[0], safe=True)


@op("TensorListStack(input_handle: variant, element_shape: int32, *, element_dtype: type, num_elements: int = -1) -> tensor: element_dtype",
    static=("element_shape",),
    shape=lambda input_handle, element_shape, *, num_elements: None if element_shape.dims is None else (num_elements if num_elements >= 0 else None, *element_shape.dims))  # fmt: skip
def tensor_list_stack(xp, input_handle, element_shape, *, element_dtype, num_elements):
    """The elements in one tensor [length, *element]."""
    dims = dims_of(element_shape)
    if input_handle.items is None:
        length = input_handle.length
        n = int(length)  # a traced length asks for the host
        if num_elements >= 0 and n != num_elements:
            raise InvalidArgumentError(None, None, f"Operation expected a list with {num_elements} elements but got a list with {n} elements.")
        merge(input_handle.element_dims, dims)
        return input_handle.buffer[:n]
    items = input_handle.items
    if num_elements >= 0 and len(items) != num_elements:
        raise InvalidArgumentError(None, None, f"Operation expected a list with {num_elements} elements but got a list with {len(items)} elements.")
    shapes = {tuple(i.shape) for i in items if i is not None}
    if len(shapes) > 1:
        raise InvalidArgumentError(None, None, f"Tried to stack elements of a list with different shapes: {sorted(shapes)[:2]}")
    if not items:
        full = merge(input_handle.dims, dims)
        if full is None or None in full:
            raise InvalidArgumentError(None, None, f"Tried to stack list which only contains uninitialized tensors and has a non-fully-defined element shape: {full}")
        return xp.zeros((0, *full), element_dtype.array_dtype)
    if all(i is not None for i in items):
        return xp.stack([xp.asarray(i) for i in items])
    zero = _element(xp, input_handle, dims)
    return xp.stack([zero if i is None else xp.asarray(i) for i in items])


@op("TensorListPushBack(input_handle: variant, tensor: element_dtype, *, element_dtype: type) -> output_handle: variant", shape=lambda input_handle, tensor: ())
def tensor_list_push_back(xp, input_handle, tensor, *, element_dtype):
    """The list with one more element at its end."""
    if input_handle.probe is not None:
        input_handle.probe.example = tensor
    if input_handle.items is not None:
        dims = input_handle.dims
        if dims is not None and hasattr(tensor, "dtype") and not isinstance(tensor, TensorList):
            try:
                merge(dims, tuple(tensor.shape))
            except ShapeError as e:
                raise InvalidArgumentError(None, None, f"Tried to append a tensor with incompatible shape to a list. Op element shape: {list(tensor.shape)} list shape: {list(dims)} ({e})") from None
        return input_handle.with_items([*input_handle.items, tensor])
    at = xp.minimum(input_handle.length, input_handle.capacity - 1)
    return input_handle.with_row(at, _in_buffer(xp, tensor), xp.asarray(input_handle.length + 1, np.int32))


def _in_buffer(xp: Any, item: Any) -> Any:
    return item if isinstance(item, TensorList) else xp.asarray(item)


@tensor_list_push_back.check
def _(xp, input_handle, tensor):
    if input_handle.items is not None or input_handle.safe:
        return False, ""
    return input_handle.length >= input_handle.capacity, "the list outgrew its buffer", ListOverflow


@op("TensorListPopBack(input_handle: variant, element_shape: int32, *, element_dtype: type) -> (output_handle: variant, tensor: element_dtype)",
    static=("element_shape",), shape=lambda input_handle, element_shape: ((), element_shape.dims))  # fmt: skip
def tensor_list_pop_back(xp, input_handle, element_shape, *, element_dtype):
    """The list without its last element, and that element."""
    dims = dims_of(element_shape)
    if input_handle.items is not None:
        if not input_handle.items:
            if input_handle.probe is not None:
                return input_handle, _element(xp, input_handle, dims)
            raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
        last = input_handle.items[-1]
        return input_handle.with_items(input_handle.items[:-1]), _element(xp, input_handle, dims) if last is None else last
    length = xp.asarray(input_handle.length, np.int32) - 1
    return input_handle.with_buffer(input_handle.buffer, length), input_handle.row(xp.maximum(length, 0))


@op("TensorListSetItem(input_handle: variant, index: int32, item: element_dtype, *, element_dtype: type, resize_if_index_out_of_bounds: bool = False) "
    "-> output_handle: variant", shape=lambda input_handle, index, item: ())  # fmt: skip
def tensor_list_set_item(xp, input_handle, index, item, *, resize_if_index_out_of_bounds):
    """The list with one element replaced."""
    if input_handle.probe is not None:
        input_handle.probe.example = item
    at = _known(index)
    if input_handle.items is not None:
        if at is not None:
            items = list(input_handle.items)
            if at >= len(items) and resize_if_index_out_of_bounds:
                items += [None] * (at + 1 - len(items))
            if not 0 <= at < len(items):
                raise InvalidArgumentError(None, None, f"Trying to modify element {at} in a list with {len(items)} elements.")
            if input_handle.dims is not None and not isinstance(item, TensorList):
                try:
                    merge(input_handle.dims, tuple(item.shape))
                except ShapeError as e:
                    raise InvalidArgumentError(None, None, f"Tried to set a tensor with incompatible shape at a list index. Item element shape: {list(item.shape)} list shape: {list(input_handle.dims)} ({e})") from None
            items[at] = item
            return input_handle.with_items(items)
        if input_handle.probe is not None:
            return input_handle
        made = input_handle.as_buffer(example=item)
        if made is None:
            raise InvalidArgumentError(None, None, "the elements of the list have different shapes")
        input_handle = made
    length = input_handle.length
    if not isinstance(length, int) and resize_if_index_out_of_bounds:
        length = xp.maximum(length, xp.asarray(index, np.int32) + 1)
    return input_handle.with_row(xp.asarray(index), _in_buffer(xp, item), length)


@tensor_list_set_item.check
def _(xp, input_handle, index, item, *, resize_if_index_out_of_bounds):
    at = _known(index)
    if input_handle.items is not None and at is not None or input_handle.probe is not None:
        return False, ""
    room = len(input_handle.items) if input_handle.items is not None else input_handle.capacity
    if resize_if_index_out_of_bounds and input_handle.items is None and not isinstance(input_handle.length, int):
        return xp.asarray(index) >= room, "the list outgrew its buffer", ListOverflow
    return (xp.asarray(index) < 0) | (xp.asarray(index) >= xp.asarray(input_handle.length)), f"Trying to modify an element outside of a list with {room} elements."


@op("""TensorListGetItem(input_handle: variant, index: int32, element_shape: Tshape, *, Tshape: {int32|int64} = int32,
    element_dtype: type) -> item: element_dtype""",
    static=("element_shape",), shape=lambda input_handle, index, element_shape: element_shape.dims)  # fmt: skip
def tensor_list_get_item(xp, input_handle, index, element_shape, *, element_dtype):
    """One element."""
    at = _known(index)
    if input_handle.items is not None:
        if at is not None:
            if not 0 <= at < len(input_handle.items):
                raise InvalidArgumentError(None, None, f"Trying to access element {at} in a list with {len(input_handle.items)} elements.")
            item = input_handle.items[at]
            return _element(xp, input_handle, dims_of(element_shape)) if item is None else item
        if input_handle.probe is not None and input_handle.probe.example is None:
            return _element(xp, input_handle, dims_of(element_shape))
        made = input_handle.as_buffer(dims=dims_of(element_shape), example=input_handle.probe and input_handle.probe.example)
        if made is None:
            raise InvalidArgumentError(None, None, "Trying to read an element of a list whose element shape is not known")
        input_handle = made
    return input_handle.row(xp.asarray(index))


@tensor_list_get_item.check
def _(xp, input_handle, index, element_shape):
    at = _known(index)
    if (input_handle.items is not None and at is not None) or input_handle.probe is not None:
        return False, ""
    return (xp.asarray(index) < 0) | (xp.asarray(index) >= xp.asarray(input_handle.length)), f"Trying to access an element outside of a list with {input_handle.length} elements."


@op("TensorListLength(input_handle: variant) -> length: int32", shape=lambda input_handle: ())
def tensor_list_length(xp, input_handle):
    """How many elements the list has."""
    n = input_handle.length
    return np.array(n, np.int32) if isinstance(n, int) else n


@op("TensorListElementShape(input_handle: variant, *, shape_type: index) -> element_shape: shape_type", shape=lambda input_handle: None)
def tensor_list_element_shape(xp, input_handle, *, shape_type):
    """The shape of the elements, -1 where it is not known."""
    dims = input_handle.dims
    return np.array(-1 if dims is None else [-1 if d is None else d for d in dims], shape_type.array_dtype)


@op("TensorListResize(input_handle: variant, size: int32) -> output_handle: variant", shape=lambda input_handle, size: (), static=("size",))
def tensor_list_resize(xp, input_handle, size):
    """The list cut or filled up to `size`."""
    n = int(size)
    if n < 0:
        raise InvalidArgumentError(None, None, f"TensorListSlice expects size to be non-negative. Got: {n}")
    if input_handle.items is None:
        rows = input_handle.buffer[:n]
        if rows.shape[0] < n:
            rows = xp.concatenate([rows, xp.zeros((n - rows.shape[0], *rows.shape[1:]), rows.dtype)])
        return TensorList(input_handle.dtype, input_handle.dims, buffer=rows, length=n, capacity=n)
    return input_handle.with_items((input_handle.items + [None] * n)[:n])


@op("TensorListGather(input_handle: variant, indices: int32, element_shape: int32, *, element_dtype: type) -> values: element_dtype", static=("element_shape",),
    shape=lambda input_handle, indices, element_shape: None if element_shape.dims is None else (*(indices.shape or (None,)), *element_shape.dims))  # fmt: skip
def tensor_list_gather(xp, input_handle, indices, element_shape, *, element_dtype):
    """Some of the elements in one tensor [n, *element]."""
    if input_handle.items is not None and isinstance(indices, np.ndarray):
        rows = [tensor_list_get_item.body(xp, input_handle, i, element_shape, element_dtype=element_dtype) for i in indices]
        return xp.stack(rows) if rows else xp.zeros((0, *(merge(input_handle.element_dims, dims_of(element_shape)) or ())), element_dtype.array_dtype)
    made = input_handle.as_buffer(dims=dims_of(element_shape))
    if made is None:
        raise InvalidArgumentError(None, None, "Trying to gather from a list whose element shape is not known")
    return xp.take(made.buffer, indices, axis=0, mode="clip")


@op(f"TensorListScatterV2(tensor: element_dtype, indices: int32, element_shape: shape_type, num_elements: int32, *, {_ELEMENT}) -> output_handle: variant",
    static=("indices", "element_shape", "num_elements"), shape=lambda *_: ())  # fmt: skip
def tensor_list_scatter_v2(xp, tensor, indices, element_shape, num_elements, *, element_dtype):
    """A list whose elements at `indices` are the rows of a tensor."""
    n = max(int(num_elements), int(indices.max()) + 1 if indices.size else 0)
    if indices.size and indices.min() < 0:
        raise InvalidArgumentError(None, None, "Indices in TensorListScatter must all be non-negative.")
    items: list[Any] = [None] * n
    for row, i in enumerate(indices):
        items[int(i)] = tensor[row]
    return TensorList(element_dtype, dims_of(element_shape), items)


@op(f"TensorListScatter(tensor: element_dtype, indices: int32, element_shape: shape_type, *, {_ELEMENT}) -> output_handle: variant",
    static=("indices", "element_shape"), shape=lambda *_: ())  # fmt: skip
def tensor_list_scatter(xp, tensor, indices, element_shape, *, element_dtype):
    """A list whose elements at `indices` are the rows of a tensor."""
    return tensor_list_scatter_v2.body(xp, tensor, indices, element_shape, -1, element_dtype=element_dtype)


@op("TensorListScatterIntoExistingList(input_handle: variant, tensor: element_dtype, indices: int32, *, element_dtype: type) -> output_handle: variant",
    static=("indices",), shape=lambda *_: ())  # fmt: skip
def tensor_list_scatter_into_existing_list(xp, input_handle, tensor, indices, *, element_dtype):
    """The list with its elements at `indices` replaced by the rows of a tensor."""
    if input_handle.items is None:
        return input_handle.with_buffer(input_handle.buffer.at[indices].set(tensor), input_handle.length)
    items = list(input_handle.items)
    items += [None] * (int(indices.max()) + 1 - len(items) if indices.size else 0)
    for row, i in enumerate(indices):
        items[int(i)] = tensor[row]
    return input_handle.with_items(items)


def _rows(xp: Any, handle: TensorList) -> list[Any]:
    return list(handle.items) if handle.items is not None else [handle.buffer[i] for i in range(int(handle.length))]


@op(f"TensorListConcatV2(input_handle: variant, element_shape: shape_type, leading_dims: int64, *, {_ELEMENT}) -> (tensor: element_dtype, lengths: int64)",
    static=("element_shape", "leading_dims"),
    shape=lambda input_handle, element_shape, leading_dims: (None if element_shape.dims is None else (None, *element_shape.dims[1:]), (None,)))  # fmt: skip
def tensor_list_concat_v2(xp, input_handle, element_shape, leading_dims, *, element_dtype):
    """The elements one after another along their first axis, and how long each is."""
    return _concat(xp, input_handle, dims_of(element_shape), np.asarray(leading_dims), element_dtype)


@op("TensorListConcat(input_handle: variant, *, element_dtype: type, element_shape: shape = None) -> (tensor: element_dtype, lengths: int64)",
    shape=lambda input_handle, *, element_shape: (None if element_shape is None else (None, *element_shape[1:]), (None,)))  # fmt: skip
def tensor_list_concat(xp, input_handle, *, element_dtype, element_shape):
    """The elements one after another along their first axis, and how long each is."""
    return _concat(xp, input_handle, element_shape, np.zeros(0, np.int64), element_dtype)


def _concat(xp: Any, handle: TensorList, dims: Any, leading: np.ndarray, dtype: Any) -> Any:
    rows = _rows(xp, handle)
    filled = []
    for k, r in enumerate(rows):
        if r is None:
            full = merge(handle.element_dims, dims)
            if full is None or None in full[1:]:
                raise InvalidArgumentError(None, None, "Trying to concat list with only uninitialized tensors but element_shape except first dimension is not fully defined")
            r = xp.zeros((int(leading[k]) if k < leading.size else full[0] or 0, *full[1:]), dtype.array_dtype)
        if r.ndim == 0:
            raise InvalidArgumentError(None, None, "Concat saw a scalar shape at an index of the list: its elements need at least one axis")
        filled.append(r)
    if not filled:
        full = merge(handle.dims, dims)
        if full is None or None in full[1:]:
            raise InvalidArgumentError(None, None, "All except the first dimension must be fully defined when concating an empty tensor list.")
        return xp.zeros((0, *full[1:]), dtype.array_dtype), np.zeros(0, np.int64)
    return xp.concatenate(filled, 0), np.array([r.shape[0] for r in filled], np.int64)


@op(f"TensorListSplit(tensor: element_dtype, element_shape: shape_type, lengths: int64, *, {_ELEMENT}) -> output_handle: variant",
    static=("element_shape", "lengths"), shape=lambda *_: ())  # fmt: skip
def tensor_list_split(xp, tensor, element_shape, lengths, *, element_dtype):
    """Pieces of the given lengths along the first axis as a list."""
    if tensor.ndim == 0:
        raise InvalidArgumentError(None, None, "Tensor must be at least a vector, but saw shape: []")
    if int(np.sum(lengths)) != tensor.shape[0]:
        raise InvalidArgumentError(None, None, f"Attempting to split tensor with {tensor.shape[0]} rows into pieces of {int(np.sum(lengths))} rows in all")
    ends = np.cumsum(lengths)
    dims = dims_of(element_shape)
    return TensorList(element_dtype, None if dims is None else (None, *dims[1:]), [tensor[int(e - n) : int(e)] for n, e in zip(lengths, ends)])


@op("TensorListConcatLists(input_a: variant, input_b: variant, *, element_dtype: type) -> output: variant", shape=lambda a, b: ())
def tensor_list_concat_lists(xp, input_a, input_b, *, element_dtype):
    """One list behind the other."""
    return TensorList(input_a.dtype, input_a.dims, [*_rows(xp, input_a), *_rows(xp, input_b)])


@op("TensorListProduct(a: variant, b: variant, *, element_dtype: type, shape: shape) -> product: element_dtype", public=False,
    shape=lambda a, b, *, shape: shape)  # fmt: skip
def tensor_list_product(xp, a, b, *, element_dtype, shape):
    """The sum of a_i^T b_i over two lists of matrices: the weight gradient of a loop as one product."""
    if a.items is not None or b.items is not None:
        if not a.length:
            return xp.zeros(shape, element_dtype.array_dtype)
        rows = lambda v: xp.concatenate([xp.asarray(i) for i in v.items], 0) if v.items is not None else v.buffer.reshape(-1, v.buffer.shape[-1])
        return xp.matmul(rows(a).T, rows(b))
    from jax import lax

    n = min(a.capacity, b.capacity)  # beyond their length the buffers hold zeros
    flat = lambda v: v.buffer[:n].reshape(-1, v.buffer.shape[-1])
    return lax.dot_general(flat(a), flat(b), (((0,), (0,)), ((), ())))


@tensor_list_product.grad
def _(node, dproduct):
    from penstock.ir.op import find

    a, b = node.inputs
    kind = node.attrs["element_dtype"]
    m, n = node.attrs["shape"]
    stacked = [tensor_list_stack(v, [-1, size], element_dtype=kind) for v, size in ((a, m), (b, n))]
    da = find("BatchMatMulV2")(stacked[1], dproduct, adj_y=True)
    db = find("BatchMatMulV2")(stacked[0], dproduct)
    return tensor_list_from_tensor(da, [-1, m]), tensor_list_from_tensor(db, [-1, n])


# -- gradients --------------------------------------------------------------------------------------------------------


@tensor_list_push_back.grad
def _(node, dlist):
    popped = tensor_list_pop_back(dlist, _static(node.inputs[1]), element_dtype=node.attrs["element_dtype"])
    return popped.output_handle, popped.tensor


@tensor_list_pop_back.grad
def _(node, dlist, delement):
    if dlist is None:
        dlist = empty_tensor_list(tensor_list_element_shape(node.inputs[0], shape_type="int32"), -1, element_dtype=node.attrs["element_dtype"])
    from penstock.ir.op import find

    if delement is None:
        delement = find("ZerosLike")(node.outputs[1])
    return tensor_list_push_back(dlist, delement), None


@tensor_list_stack.grad
def _(node, dtensor):
    return tensor_list_from_tensor(dtensor, tensor_list_element_shape(node.inputs[0], shape_type="int32")), None


@tensor_list_from_tensor.grad
def _(node, dlist):
    from penstock.ops.shapes import shape_of

    t = node.inputs[0]
    dims = shape_of(t)[1:] if t._dims is None or None in t._dims else list(t._dims[1:])
    return tensor_list_stack(dlist, dims, element_dtype=t.dtype.base_dtype, num_elements=-1 if not t._dims or t._dims[0] is None else t._dims[0]), None


def _static(t: Any) -> Any:
    """What is known of an element's shape: enough where the element is there."""
    return -1 if t._dims is None else [-1 if d is None else d for d in t._dims]


@tensor_list_set_item.grad
def _(node, dlist):
    from penstock.ir.op import find

    index, item = node.inputs[1], node.inputs[2]
    ditem = tensor_list_get_item(dlist, index, _static(item), element_dtype=item.dtype.base_dtype)
    return tensor_list_set_item(dlist, index, find("ZerosLike")(ditem)), None, ditem


@tensor_list_get_item.grad
def _(node, ditem):
    handle, index = node.inputs[0], node.inputs[1]
    fresh = tensor_list_reserve(_static(node.outputs[0]), tensor_list_length(handle), element_dtype=node.attrs["element_dtype"])
    return tensor_list_set_item(fresh, index, ditem), None, None


@tensor_list_gather.grad
def _(node, dvalues):
    handle, indices = node.inputs[0], node.inputs[1]
    return tensor_list_scatter_v2(dvalues, indices, tensor_list_element_shape(handle, shape_type="int32"),
                                  tensor_list_length(handle)), None, None  # fmt: skip


@tensor_list_scatter_v2.grad
def _(node, dlist):
    tensor, indices = node.inputs[0], node.inputs[1]
    return tensor_list_gather(dlist, indices, node.inputs[2] if node.inputs[2].dtype.name == "int32" else -1, element_dtype=tensor.dtype.base_dtype), None, None, None


@tensor_list_scatter_into_existing_list.grad
def _(node, dlist):
    from penstock.ir.op import find

    tensor, indices = node.inputs[1], node.inputs[2]
    rows = tensor_list_gather(dlist, indices, -1, element_dtype=tensor.dtype.base_dtype)
    return tensor_list_scatter_into_existing_list(dlist, find("ZerosLike")(tensor), indices), rows, None


@tensor_list_concat_v2.grad
def _(node, dtensor, dlengths):
    return tensor_list_split(dtensor, tensor_list_element_shape(node.inputs[0], shape_type="int32"), node.outputs[1]), None, None


@tensor_list_split.grad
def _(node, dlist):
    return tensor_list_concat_v2(dlist, node.inputs[1], node.inputs[2], element_dtype=node.inputs[0].dtype.base_dtype)[0], None, None


@tensor_list_resize.grad
def _(node, dlist):
    return tensor_list_resize(dlist, tensor_list_length(node.inputs[0])), None


for _o in (empty_tensor_list, tensor_list_reserve, tensor_list_length, tensor_list_element_shape):
    _o.no_grad()


@tensor_list_gather.grad
def _(node, dvalues):
    handle, indices = node.inputs[:2]
    out = tensor_list_scatter_v2(dvalues, indices, _row_shape(node, node.outputs[0]), tensor_list_length(handle))
    return out, None, None


def _row_shape(node: Any, stacked: Any) -> Any:
    """The shape of one element of a tensor of elements."""
    if stacked._dims is not None and None not in stacked._dims[1:]:
        return np.array(stacked._dims[1:], np.int32)
    return tensor_list_element_shape(node.inputs[0], shape_type="int32")


@tensor_list_scatter_v2.grad
def _(node, dlist):
    tensor, indices = node.inputs[:2]
    return tensor_list_gather(dlist, indices, _elements_of(tensor), element_dtype=tensor.dtype.base_dtype), None, None, None


@tensor_list_scatter.grad
def _(node, dlist):
    tensor, indices = node.inputs[:2]
    return tensor_list_gather(dlist, indices, _elements_of(tensor), element_dtype=tensor.dtype.base_dtype), None, None


@tensor_list_scatter_into_existing_list.grad
def _(node, dlist):
    from penstock.ir.op import find

    _, tensor, indices = node.inputs
    dtensor = tensor_list_gather(dlist, indices, _elements_of(tensor), element_dtype=tensor.dtype.base_dtype)
    return tensor_list_scatter_into_existing_list(dlist, find("ZerosLike")(tensor), indices), dtensor, None


def _elements_of(tensor: Any) -> Any:
    """The shape of the rows of a tensor, -1 where it is not known."""
    dims = tensor._dims
    return np.array(-1 if dims is None else [-1 if d is None else d for d in dims[1:]], np.int32)


@tensor_list_concat_v2.grad
def _(node, dtensor, dlengths):
    shape = tensor_list_element_shape(node.inputs[0], shape_type="int32")
    return tensor_list_split(dtensor, shape, node.outputs[1]), None, None


@tensor_list_concat.grad
def _(node, dtensor, dlengths):
    shape = tensor_list_element_shape(node.inputs[0], shape_type="int32")
    return tensor_list_split(dtensor, shape, node.outputs[1])


@tensor_list_split.grad
def _(node, dlist):
    tensor, _, lengths = node.inputs
    dims = _elements_of(tensor)
    shape = dims if dims.ndim == 0 else np.array([-1, *dims], np.int32)
    return tensor_list_concat_v2(dlist, shape, lengths, element_dtype=tensor.dtype.base_dtype).tensor, None, None


@tensor_list_resize.grad
def _(node, dlist):
    return tensor_list_resize(dlist, tensor_list_length(node.inputs[0])), None


@tensor_list_concat_lists.grad
def _(node, dlist):
    a, b = node.inputs
    n = tensor_list_length(a)
    whole = tensor_list_length(dlist)
    from penstock.ir.op import find

    places = find("Range")(0, whole, 1)
    shape = tensor_list_element_shape(a, shape_type="int32")
    kind = node.attrs["element_dtype"]
    parts = [tensor_list_gather(dlist, p, shape, element_dtype=kind) for p in (places[:n], places[n:])]
    return tuple(tensor_list_from_tensor(p, shape) for p in parts)


for _o in (empty_tensor_list, tensor_list_reserve, tensor_list_length, tensor_list_element_shape):
    _o.no_grad()
