"""`tf.nn.*pool*`: the public poolings."""

from collections.abc import Callable
from typing import Any

from penstock.base.dtypes import as_dtype, int64
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.nn_convolution import _flat_batch
from penstock.ops.nn_phases import with_space_to_batch
from penstock.ops.nn_pool import AvgPool, AvgPool3D, MaxPool, MaxPool3D, MaxPoolWithArgmax
from penstock.ops.nn_windows import padding_attrs, per_axis

_ExpandDims, _Squeeze = later("ExpandDims"), later("Squeeze")
_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def _attrs(n: int, ksize: Any, strides: Any, padding: Any, data_format: str, explicit_ok: bool) -> dict[str, Any]:
    last = not data_format.startswith("NC")
    if explicit_ok:
        padding, explicit = padding_attrs(padding, n)
    elif isinstance(padding, (list, tuple)):
        raise ValueError(f"Explicit padding is not supported here: pad first. Received: padding={padding}")
    else:
        explicit = []
    attrs = {"ksize": per_axis(ksize, n, last, "ksize"), "strides": per_axis(strides, n, last, "strides"), "padding": padding,
             "data_format": data_format}  # fmt: skip
    if explicit:
        attrs["explicit_paddings"] = tuple(explicit)
    return attrs


def _with_batch(x: Any, rank: int, run: Callable[[Any], Any]) -> Any:

    return _flat_batch(x, rank, run)


@export("nn.max_pool2d")
def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC", name: Any = None
) -> Any:
    """The largest entry of every 2-D window.

    >>> tf.nn.max_pool2d(tf.reshape(tf.range(4.0), [1, 2, 2, 1]), 2, 2, "VALID").numpy().item()
    3.0
    """
    with scoped(name, "MaxPool2d") as scope:
        attrs = _attrs(2, ksize, strides, padding, data_format or "NHWC", explicit_ok=True)
        return MaxPool(input, name=scope or None, **attrs)


@export(v1=("nn.max_pool",))
def max_pool(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: Any = None,
    input: Any = None,
) -> Any:
    """The largest entry of every 2-D window, with the parameters of 1.x."""
    value = _either(input, "input", value, "value")
    with scoped(name, "MaxPool") as scope:
        attrs = _attrs(2, ksize, strides, padding, data_format or "NHWC", explicit_ok=True)
        dims = getattr(value, "_dims", None)
        if data_format == "NHWC" and dims is not None and len(dims) != 4:
            raise ValueError(f"`input.shape.rank` must be 4. Received: input.shape={tuple(dims)} of rank {len(dims)}")
        return MaxPool(value, name=scope or None, **attrs)


def _either(new: Any, new_name: str, old: Any, old_name: str) -> Any:
    if new is not None and old is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
    return old if new is None else new


@export("nn.max_pool3d")
def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NDHWC", name: Any = None
) -> Any:
    """The largest entry of every 3-D window."""
    with scoped(name, "MaxPool3D") as scope:
        return MaxPool3D(
            input, name=scope or None, **_attrs(3, ksize, strides, padding, data_format or "NDHWC", explicit_ok=False)
        )


def _pool_1d(op: Any, input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None, name: Any) -> Any:
    data_format = data_format or "NWC"
    last = not data_format.startswith("NC")
    padding, explicit = padding_attrs(padding, 1)
    at = 1 if last else 2
    attrs: dict[str, Any] = {"padding": padding, "data_format": "NHWC" if last else "NCHW"}
    for what, value in (("ksize", ksize), ("strides", strides)):
        full = per_axis(value, 1, last, what)
        attrs[what] = (*full[:at], 1, *full[at:])
    if explicit:
        if op is not MaxPool:
            raise ValueError(f"Explicit padding is not supported here: pad first. Received: padding={padding}")
        attrs["explicit_paddings"] = (*explicit[: 2 * at], 0, 0, *explicit[2 * at :])
    return _Squeeze(op(_ExpandDims(input, at), **attrs), squeeze_dims=[at], name=name)


@export("nn.max_pool1d")
def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NWC", name: Any = None
) -> Any:
    """The largest entry of every window of a sequence."""
    with scoped(name, "MaxPool1d"):
        return _pool_1d(MaxPool, convert_to_tensor(input), ksize, strides, padding, data_format, None)


@export("nn.avg_pool1d")
def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NWC", name: Any = None
) -> Any:
    """The mean of every window of a sequence."""
    with scoped(name, "AvgPool1D"):
        return _pool_1d(AvgPool, convert_to_tensor(input), ksize, strides, padding, data_format, None)


@export(v2=("nn.avg_pool2d",))
def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC", name: Any = None
) -> Any:
    """The mean of every 2-D window; padding does not count."""
    with scoped(name, "AvgPool2D") as scope:
        return AvgPool(
            input, name=scope or None, **_attrs(2, ksize, strides, padding, data_format or "NHWC", explicit_ok=False)
        )


@export(v1=("nn.avg_pool", "nn.avg_pool2d"))
def avg_pool(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: Any = None,
    input: Any = None,
) -> Any:
    """The mean of every 2-D window, with the parameters of 1.x."""
    value = _either(input, "input", value, "value")
    with scoped(name, "AvgPool") as scope:
        return AvgPool(
            value, name=scope or None, **_attrs(2, ksize, strides, padding, data_format or "NHWC", explicit_ok=False)
        )


@export("nn.avg_pool3d")
def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NDHWC", name: Any = None
) -> Any:
    """The mean of every 3-D window; padding does not count."""
    with scoped(name, "AvgPool3D") as scope:
        return AvgPool3D(
            input, name=scope or None, **_attrs(3, ksize, strides, padding, data_format or "NDHWC", explicit_ok=False)
        )


def _of_any_rank(*kinds: Any) -> Callable[..., Any]:
    def pooled(
        input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: Any = None
    ) -> Any:
        given = data_format
        input = convert_to_tensor(input)
        rank = None if input._dims is None else len(input._dims)
        n = rank - 2 if rank is not None else len(given) - 2 if given else None
        if n not in (1, 2, 3):
            raise ValueError(
                "`input.shape.rank` must be 3, 4 or 5, or be told by `data_format`. "
                f"Received: input.shape={input.shape}, data_format={data_format}"
            )
        last = given is None or not given.startswith("NC")
        wanted = _FORMATS[n][0 if last else 1]
        return kinds[n - 1](input, ksize, strides, padding, wanted, name)

    return pooled


_max_any = _of_any_rank(max_pool1d, max_pool2d, max_pool3d)
_avg_any = _of_any_rank(avg_pool1d, avg_pool2d, avg_pool3d)


@export(v2=("nn.max_pool",), v1=("nn.max_pool_v2",))
def max_pool_v2(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: Any = None
) -> Any:
    """The largest entry of every window of 1, 2 or 3 dimensions, by the rank of `input`."""
    return _max_any(input, ksize, strides, padding, data_format, name)


@export(v2=("nn.avg_pool",), v1=("nn.avg_pool_v2",))
def avg_pool_v2(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: Any = None
) -> Any:
    """The mean of every window of 1, 2 or 3 dimensions, by the rank of `input`."""
    return _avg_any(input, ksize, strides, padding, data_format, name or "AvgPool")


@export(v2=("nn.max_pool_with_argmax",))
def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", output_dtype: Any = int64,
    include_batch_in_index: bool = False, name: Any = None,
) -> Any:  # fmt: skip
    """The largest entry of every window, and its place in the flattened image."""
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other than 'NHWC' are not supported. Received: data_format={data_format}"
        )
    ksize, strides = per_axis(ksize, 2, True, "ksize"), per_axis(strides, 2, True, "strides")
    return MaxPoolWithArgmax(
        input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        Targmax=as_dtype(output_dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


@export(v1=("nn.max_pool_with_argmax",))
def max_pool_with_argmax_v1(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", Targmax: Any = None, name: Any = None,
    output_dtype: Any = None, include_batch_in_index: bool = False,
) -> Any:  # fmt: skip
    """The largest entry of every window and its place, with the parameters of 1.x."""
    if Targmax is not None and output_dtype is not None:
        raise ValueError("Cannot specify both 'Targmax' and 'output_dtype'.")
    dtype = output_dtype if Targmax is None else Targmax
    return max_pool_with_argmax(
        input, ksize, strides, padding, data_format, int64 if dtype is None else dtype, include_batch_in_index, name
    )


def _pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any,
    padding: Any,
    data_format: Any,
    dilations: Any,
    name: Any,
) -> Any:
    with scoped(name, f"{pooling_type.lower()}_pool") as scope:
        input = convert_to_tensor(input)
        n = len(window_shape)
        if n not in (1, 2, 3):
            raise ValueError(
                f"`len(window_shape)` must be 1, 2, or 3. Received: window_shape={window_shape} of length {n}"
            )
        if input._dims is not None and len(input._dims) != n + 2:
            raise ValueError(
                f"`input.shape.rank` must equal {n + 2}. Received: input.shape={input.shape} of rank {len(input._dims)}"
            )
        if pooling_type not in ("MAX", "AVG"):
            raise ValueError(f"`pooling_type` must be 'AVG' or 'MAX'. Received: pooling_type={pooling_type}")
        strides = [1] * n if strides is None else [int(s) for s in strides]
        rates = [1] * n if dilations is None else [int(d) for d in dilations]
        if len(strides) != n or len(rates) != n:
            raise ValueError(f"`strides` and `dilations` must have {n} entries. Received: {strides} and {rates}")
        if any(s < 1 for s in strides) or any(r < 1 for r in rates):
            raise ValueError(
                f"`strides` and `dilations` must be positive. Received: strides={strides}, dilations={rates}"
            )
        if any(s > 1 for s in strides) and any(r > 1 for r in rates):
            raise ValueError(
                f"`strides > 1` not supported in conjunction with `dilations > 1`. Received: strides={strides} and dilations={rates}"
            )
        if any(s > w for s, w in zip(strides, window_shape)):
            raise ValueError(
                f"`strides` must be <= `window_shape`. Received: strides={strides}. window_shape={list(window_shape)}"
            )
        if padding != "VALID" and any(r > 1 for r in rates):
            raise ValueError(
                f"pooling with 'SAME' padding is not implemented for `dilation_rate` > 1. Received: padding={padding} and dilation_rate={rates}"
            )
        kinds = (max_pool1d, max_pool2d, max_pool3d) if pooling_type == "MAX" else (avg_pool1d, avg_pool2d, avg_pool3d)
        last = data_format is None or not data_format.startswith("NC")
        wanted = _FORMATS[n][0 if last else 1]
        if all(r == 1 for r in rates):
            return kinds[n - 1](input, list(window_shape), strides, padding, wanted, scope or None)

        return with_space_to_batch(
            input,
            rates,
            padding,
            lambda x, _, pad: kinds[n - 1](x, list(window_shape), strides, pad, wanted),
            window_shape,
            data_format=data_format,
        )


@export(v2=("nn.pool",))
def pool(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID", data_format: str | None = None,
    dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """Pooling ("MAX" or "AVG") of 1, 2 or 3 dimensions, with dilated windows if wanted."""
    return _pool(input, window_shape, pooling_type, strides, padding, data_format, dilations, name)


@export(v1=("nn.pool",))
def pool_v1(
    input: Any, window_shape: Any, pooling_type: str, padding: Any, dilation_rate: Any = None, strides: Any = None, name: Any = None,
    data_format: str | None = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """Pooling of 1, 2 or 3 dimensions, with the parameters of 1.x."""
    return _pool(
        input,
        window_shape,
        pooling_type,
        strides,
        padding,
        data_format,
        dilation_rate if dilations is None else dilations,
        name,
    )
