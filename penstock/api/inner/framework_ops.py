"""`tensorflow.python.framework.ops`: conversions with the parameters of its functions."""

from penstock.api.inner.public import public


def convert_to_tensor(
    value, dtype=None, name=None, as_ref=False, preferred_dtype=None, dtype_hint=None, ctx=None, accepted_result_types=None
):
    """`value` as a tensor; `preferred_dtype` and `dtype_hint` are wishes, `dtype` is a demand."""
    return public("compat.v1.convert_to_tensor")(value, dtype, name, preferred_dtype, dtype_hint)


internal_convert_to_tensor = convert_to_tensor


def internal_convert_n_to_tensor(values, dtype=None, name=None, as_ref=False, preferred_dtype=None, ctx=None):
    """Each of `values` as a tensor, `name_0`, `name_1`, ..."""
    if not isinstance(values, (list, tuple)):
        raise TypeError("values must be a sequence.")
    names = [None if name is None else f"{name}_{i}" for i in range(len(values))]
    return [convert_to_tensor(v, dtype, n, as_ref, preferred_dtype) for v, n in zip(values, names)]


def is_dense_tensor_like(t):
    """Is this a tensor, or a variable that stands for one?"""
    return hasattr(t, "dtype") and hasattr(t, "shape") and (hasattr(t, "op") or hasattr(t, "handle"))



def executing_eagerly_outside_functions():
    """Would code run eagerly here, were it not in a function or a scope?"""
    return public("compat.v1.executing_eagerly_outside_functions")()


def get_all_collection_keys():
    """The names of the default graph's collections."""
    return list(public("compat.v1.get_default_graph")().get_all_collection_keys())


def tensor_id(tensor):
    """A number that only this tensor has."""
    return id(tensor)


def raise_from_not_ok_status(e, name):
    """The error that the runtime gave, with the op's name."""
    e.message = f"{e.message} name: {name}"
    raise e from None


