"""`layers.utils` and Keras's `conv_utils`: how layers read their arguments, and the sizes that convolutions have."""

from penstock.api.inner.public import public
from penstock.layers.base import constant_value  # noqa: F401 - a name of `layers.utils`


def convert_data_format(data_format, ndim):
    """`channels_last` for a tensor of 4 axes is `NHWC`."""
    letters = {3: "W", 4: "HW", 5: "DHW"}.get(ndim)
    if letters is None:
        raise ValueError(f"Input rank not supported: {ndim}")
    if data_format == "channels_last":
        return f"N{letters}C"
    if data_format == "channels_first":
        return f"NC{letters}"
    raise ValueError(f"Invalid data_format: {data_format}")


def normalize_tuple(value, n, name):
    """`n` integers: one is repeated; ValueError with the name of the argument otherwise."""
    if isinstance(value, int):
        return (value,) * n
    try:
        values = tuple(value)
    except TypeError:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}") from None
    if len(values) != n:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    for single in values:
        try:
            int(single)
        except (ValueError, TypeError):
            raise ValueError(
                f"The `{name}` argument must be a tuple of {n} integers. Received: {value} "
                f"including element {single} of type {type(single)}"
            ) from None
    return values


def normalize_data_format(value):
    """`channels_first` or `channels_last`, lower-cased; None is `channels_last`."""
    form = "channels_last" if value is None else value.lower()
    if form not in ("channels_first", "channels_last"):
        raise ValueError(f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}')
    return form


def normalize_padding(value):
    """`valid`, `same` or `causal`, lower-cased."""
    if isinstance(value, (list, tuple)):
        return value
    padding = value.lower()
    if padding not in ("valid", "same", "causal"):
        raise ValueError(f'The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", only for `Conv1D). Received: {padding}')
    return padding


def conv_output_length(input_length, filter_size, padding, stride, dilation=1):
    """How long a convolution's output is; None for an unknown input."""
    if input_length is None:
        return None
    size = filter_size + (filter_size - 1) * (dilation - 1)
    length = {"same": input_length, "causal": input_length, "valid": input_length - size + 1, "full": input_length + size - 1}[padding]
    return (length + stride - 1) // stride


def conv_input_length(output_length, filter_size, padding, stride):
    """How long an input gives this output."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_output_length(input_length, filter_size, padding, output_padding=None, stride=0, dilation=1):
    """How long a transposed convolution's output is."""
    if input_length is None:
        return None
    size = filter_size + (filter_size - 1) * (dilation - 1)
    if output_padding is None:
        if padding == "valid":
            return input_length * stride + max(size - stride, 0)
        if padding == "full":
            return input_length * stride - (stride + size - 2)
        return input_length * stride
    pad = {"same": size // 2, "valid": 0, "full": size - 1}[padding]
    return (input_length - 1) * stride + size - 2 * pad + output_padding


def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """`true_fn()` or `false_fn()` at once when `pred` is known, else a `tf.cond`."""
    return public("__internal__.smart_cond.smart_cond")(pred, true_fn=true_fn, false_fn=false_fn, name=name)
