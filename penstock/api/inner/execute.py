"""`tensorflow.python.eager.execute`: run an op by its name."""

from penstock.api.inner.public import public
from penstock.base import dtypes, shape
from penstock.ir import door
from penstock.ir.op import find


def execute(op_name, num_outputs, inputs, attrs, ctx, name=None):
    """The outputs, a list, of the op on a flat list of inputs; `attrs` alternates names and values."""
    op = find(op_name if isinstance(op_name, str) else op_name.decode())
    given = dict(zip(attrs[::2], attrs[1::2])) if attrs else {}
    rest, values = list(inputs), {}
    for arg in op.sig.inputs:
        count = _length(arg, given)
        values[arg.name] = rest.pop(0) if count is None else [rest.pop(0) for _ in range(count)]
    own = {k: v for k, v in given.items() if k in op.sig.attrs and k not in op.sig.inferred}
    found = op(*(values[a.name] for a in op.sig.inputs), name=name, **own)
    if found is None:
        return []
    return list(public("nest.flatten")(found))


quick_execute = execute
execute_with_cancellation = lambda op_name, num_outputs, inputs, attrs, ctx, cancellation_manager, name=None: execute(
    op_name, num_outputs, inputs, attrs, ctx, name
)


def _length(arg, given):
    """How many tensors a list input has; None for a single one."""
    number = getattr(arg, "number", None) or getattr(arg, "count", None)
    if number:
        return int(given[number])
    kinds = given.get(getattr(arg, "list_attr", None) or arg.name)
    return len(kinds) if isinstance(kinds, (list, tuple)) else None


def _maker(kind, accepted, text):
    def make(v, arg_name):
        if not isinstance(v, accepted) or (isinstance(v, bool) and bool not in accepted):
            raise TypeError(f"Expected {text} for argument '{arg_name}' not {v!r}.")
        return kind(v)

    make.__doc__ = f"`v` as {text}; TypeError with the argument's name otherwise."
    return make


make_bool = _maker(bool, (bool,), "bool")
make_float = _maker(float, (int, float), "float")
make_int = _maker(int, (int, float, str), "int")
make_str = _maker(lambda v: v, (str, bytes), "string")


def make_type(v, arg_name):
    """`v` as a DType's base type; TypeError with the argument's name otherwise."""
    try:
        return dtypes.as_dtype(v).base_dtype
    except TypeError:
        raise TypeError(f"Expected DataType for argument '{arg_name}' not {v!r}.") from None


def make_shape(v, arg_name):
    """`v` as a list of sizes, None for an unknown rank; ValueError where it is not a full shape."""
    try:
        made = shape.TensorShape(v)
    except TypeError as e:
        raise TypeError(f"Error converting {arg_name} to a TensorShape: {e}.") from None
    except ValueError as e:
        raise ValueError(f"Error converting {arg_name} to a TensorShape: {e}.") from None
    return None if made.rank is None else made.as_list()


def args_to_matching_eager(l, ctx, allowed_dtypes, default_dtype=None):  # noqa: E741 - TensorFlow's name
    """`(dtype, tensors)`: all of `l` with the type of the first that has one."""
    if not l and default_dtype is not None:
        return default_dtype, []
    kind = next((getattr(v, "dtype", None) for v in l if hasattr(v, "dtype")), default_dtype)
    tensors = []
    for value in l:
        tensors.append(door.convert(value, kind))
        kind = tensors[-1].dtype
    return kind, tensors


def record_gradient(op_name, inputs, attrs, outputs):
    """Tapes see every op by themselves here."""
    return public("__internal__.record_gradient")(op_name, inputs, attrs, outputs)
