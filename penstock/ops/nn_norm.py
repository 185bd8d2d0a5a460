"""Normalization: batch normalization and its gradients written out, local response normalization, moments."""

from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.export import Old, export
from penstock.base.shape import same
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ops.families import later, wide
from penstock.ops.nn_windows import channel_axis

_Mean, _Sum, _Mul, _Sub, _AddV2, _Rsqrt, _Cast = map(later, ("Mean", "Sum", "Mul", "Sub", "AddV2", "Rsqrt", "Cast"))
_Reshape, _Shape, _Squeeze, _SquaredDifference = map(later, ("Reshape", "Shape", "Squeeze", "SquaredDifference"))
_StopGradient, _Square, _Reciprocal = map(later, ("StopGradient", "Square", "Reciprocal"))

_FORMATS = {2: '"NHWC"|"NCHW"', 5: '"NHWC"|"NCHW"|"NDHWC"|"NCDHW"'}
_BATCH_ATTRS = "epsilon: float = 9.999999747378752e-05, exponential_avg_factor: float = 1.0, is_training: bool = True"


def _per_channel(v: Any, rank: int, data_format: str) -> Any:
    """A vector of one number a channel, in the shape that broadcasts over the images."""
    return v if channel_axis(data_format, rank) == rank - 1 else v.reshape(v.shape + (1,) * (rank - 2))


def _outer(rank: int, data_format: str) -> tuple[int, ...]:
    """Every axis but the channels'."""
    return tuple(a for a in range(rank) if a != channel_axis(data_format, rank))


def _batch_norm_body(with_third: bool) -> Any:
    def body(xp, x, scale, offset, mean, variance, *, epsilon, exponential_avg_factor, data_format, is_training):
        rank, axes = x.ndim, _outer(x.ndim, data_format)
        kept = wide(xp, x)
        if is_training:
            count = x.size // max(1, scale.size)
            m = kept.mean(axis=axes)
            centred = kept - _per_channel(m, rank, data_format)
            v = (centred * centred).mean(axis=axes)
            unbiased = v * (count / max(1, count - 1))
            f = exponential_avg_factor
            if f == 1.0 or mean.size == 0:
                new_mean, new_variance = m, unbiased
            else:
                new_mean, new_variance = mean * (1 - f) + m * f, variance * (1 - f) + unbiased * f
            saved = m, v
        else:
            centred = kept - _per_channel(mean, rank, data_format)
            v, new_mean, new_variance, saved = variance, mean, variance, (mean, variance)
        factor = scale / xp.sqrt(v + xp.asarray(epsilon, v.dtype))
        y = centred * _per_channel(factor, rank, data_format) + _per_channel(offset, rank, data_format)
        third = (xp.zeros((), saved[0].dtype),) if with_third else ()
        return y, new_mean, new_variance, *saved, *third

    body.__doc__ = "Batch normalization: by the batch's own mean and variance in training, by the given ones otherwise."
    body.__name__, body.__module__ = "<lambda>", __name__
    return body


def _batch_norm_shape(with_third: bool) -> Any:
    def shape(x, scale, offset, mean, variance, *, epsilon, exponential_avg_factor, data_format, is_training):
        vectors = (scale, offset) if is_training and exponential_avg_factor == 1.0 else (scale, offset, mean, variance)
        size = None
        if x.shape is not None:
            wanted = (5,) if "D" in data_format else (4,)
            if len(x.shape) not in wanted:
                raise ShapeError(f"x must be rank {wanted[0]} but is rank {len(x.shape)}")
            size = x.shape[channel_axis(data_format, len(x.shape))]
        for v in vectors:
            if v.shape is not None:
                if len(v.shape) != 1:
                    raise ShapeError(f"{v.name} must be rank 1 but is rank {len(v.shape)}")
                size = same(size, v.shape[0], "one number a channel")
        dims = x.shape
        if dims is not None:
            at = channel_axis(data_format, len(dims))
            dims = tuple(size if i == at else d for i, d in enumerate(dims))
        return (dims, *((size,),) * 4, *([None] if with_third else []))

    return shape


def _declare_batch_norm(text: str, with_third: bool = False) -> Op:
    body, rule = _batch_norm_body(with_third), _batch_norm_shape(with_third)
    made = op(text, shape=rule)(body)

    @made.check
    def _(xp, x, scale, offset, mean, variance, *, epsilon, exponential_avg_factor, data_format, is_training):
        specs = [
            _Sizes(n, v.shape)
            for n, v in zip(("x", "scale", "offset", "mean", "variance"), (x, scale, offset, mean, variance))
        ]
        rule(
            *specs,
            epsilon=epsilon,
            exponential_avg_factor=exponential_avg_factor,
            data_format=data_format,
            is_training=is_training,
        )
        return False, ""

    return made


class _Sizes:
    """A shape under the name that errors call it by."""

    def __init__(self, name: str, shape: Any):
        self.name, self.shape = name, shape


FusedBatchNorm = _declare_batch_norm(
    "FusedBatchNorm(x: T, scale: T, offset: T, mean: T, variance: T, *, T: {float32}, "
    f'data_format: {_FORMATS[2]} = "NHWC", {_BATCH_ATTRS}) -> (y: T, batch_mean: T, batch_variance: T, reserve_space_1: T, reserve_space_2: T)'
)
FusedBatchNormV2 = _declare_batch_norm(
    "FusedBatchNormV2(x: T, scale: U, offset: U, mean: U, variance: U, *, T: {float16|bfloat16|float32}, U: {float32}, "
    f'data_format: {_FORMATS[2]} = "NHWC", {_BATCH_ATTRS}) -> (y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U)'
)
FusedBatchNormV3 = _declare_batch_norm(
    "FusedBatchNormV3(x: T, scale: U, offset: U, mean: U, variance: U, *, T: {float16|bfloat16|float32}, U: {bfloat16|float32}, "
    f'data_format: {_FORMATS[5]} = "NHWC", {_BATCH_ATTRS}) -> '
    "(y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U)",
    with_third=True,
)


def _batch_norm_grad(
    xp: Any, g: Any, x: Any, scale: Any, m: Any, v: Any, epsilon: float, data_format: str, is_training: bool
) -> Any:
    if x.ndim not in (4, 5) or g.shape != x.shape:
        raise ShapeError(f"input must be 4 or 5-dimensional and y_backprop of its shape, got {list(x.shape)} and {list(g.shape)}")
    rank, axes = x.ndim, _outer(x.ndim, data_format)
    spread = lambda t: _per_channel(t, rank, data_format)
    g, x = wide(xp, g), wide(xp, x)
    r = 1 / xp.sqrt(v + xp.asarray(epsilon, v.dtype))
    normal = (x - spread(m)) * spread(r)
    doffset, dscale = g.sum(axis=axes), (g * normal).sum(axis=axes)
    if is_training:
        count = x.size // max(1, scale.size)
        inner = g - spread(doffset / max(1, count)) - normal * spread(dscale / max(1, count))
    else:
        inner = g
    nothing = xp.zeros((0,), dscale.dtype)
    return inner * spread(scale * r), dscale, doffset, nothing, nothing


def _batch_grad_shape(y_backprop: Any, x: Any, scale: Any, *_: Any, data_format: str, **__: Any) -> Any:
    dims = x.shape if x.shape is not None else y_backprop.shape
    size = scale.shape[0] if scale.shape else None
    if size is None and dims is not None:
        size = dims[channel_axis(data_format, len(dims))]
    return dims, (size,), (size,), (0,), (0,)


def _batch_grad_grad(node: Any, a: Any, b: Any, c: Any, *_: Any) -> Any:
    """The second gradient: with P(u) = u - mean(u) - h mean(u h), dx is scale r P(g), dscale sum(g h), doffset sum(g)."""
    g, x, scale, m, v = node.inputs[:5]
    attrs = node.attrs
    data_format, epsilon, rank = attrs["data_format"], attrs["epsilon"], 5 if "D" in attrs["data_format"] else 4
    axes = list(_outer(rank, data_format))
    kept = x.dtype.base_dtype
    f32 = lambda t: t if t.dtype.base_dtype is scale.dtype.base_dtype else _Cast(t, DstT=scale.dtype.base_dtype)
    last = channel_axis(data_format, rank) == rank - 1
    form = lambda t: t if last else _Reshape(t, [1, -1] + [1] * (rank - 2))
    mean = lambda t: _Mean(t, axes, keep_dims=True)
    g, x = f32(g), f32(x)
    scale, m, v = form(scale), form(m), form(v)
    r = _Rsqrt(v + epsilon)
    normal = (x - m) * r
    zero = later("ZerosLike")
    a = f32(a) if a is not None else zero(x)
    b = form(b) if b is not None else zero(scale)
    c = form(c) if c is not None else zero(scale)
    flat = lambda t: _Sum(t, axes)
    if attrs["is_training"]:
        project = lambda u: u - mean(u) - normal * mean(u * normal)
        pg = project(g)
        alpha, gamma = mean(a * normal), mean(g * normal)
        common = mean(a * g) - mean(a) * mean(g) - alpha * gamma
        dg = scale * r * project(a) + b * normal + c
        dx = b * r * pg - scale * r * r * (project(a * gamma + g * alpha) + normal * common)
        dscale = flat(a * r * pg)
    else:
        dg = scale * r * a + b * normal + c
        dx = b * g * r
        dscale = flat(a * g * r)
    back = lambda t: t if t.dtype.base_dtype is kept else _Cast(t, DstT=kept)
    return (back(dg), back(dx), dscale, *[None] * (len(node.inputs) - 3))


def _declare_batch_grad(text: str, third: bool = False) -> Op:
    if third:

        def body(
            xp,
            y_backprop,
            x,
            scale,
            reserve_space_1,
            reserve_space_2,
            reserve_space_3,
            *,
            epsilon,
            data_format,
            is_training,
        ):
            return _batch_norm_grad(
                xp, y_backprop, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training
            )
    else:

        def body(xp, y_backprop, x, scale, reserve_space_1, reserve_space_2, *, epsilon, data_format, is_training):
            return _batch_norm_grad(
                xp, y_backprop, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training
            )

    body.__doc__ = "The gradient of batch normalization by images, scale and offset."
    body.__name__, body.__module__ = "<lambda>", __name__
    return op(text, shape=_batch_grad_shape, grad=_batch_grad_grad)(body)


_GRAD_ATTRS = "epsilon: float = 9.999999747378752e-05, is_training: bool = True"
FusedBatchNormGrad = _declare_batch_grad(
    "FusedBatchNormGrad(y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T, *, T: {float32}, "
    f'data_format: {_FORMATS[2]} = "NHWC", {_GRAD_ATTRS}) -> '
    "(x_backprop: T, scale_backprop: T, offset_backprop: T, reserve_space_3: T, reserve_space_4: T)"
)
FusedBatchNormGradV2 = _declare_batch_grad(
    "FusedBatchNormGradV2(y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U, *, "
    f'T: {{float16|bfloat16|float32}}, U: {{float32}}, data_format: {_FORMATS[2]} = "NHWC", {_GRAD_ATTRS}) -> '
    "(x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_3: U, reserve_space_4: U)"
)
FusedBatchNormGradV3 = _declare_batch_grad(
    "FusedBatchNormGradV3(y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U, *, "
    f'T: {{float16|bfloat16|float32}}, U: {{float32}}, data_format: {_FORMATS[5]} = "NHWC", {_GRAD_ATTRS}) -> '
    "(x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_4: U, reserve_space_5: U)",
    third=True,
)


def _batch_norm_gradient(grad_op: Op, third: bool = False) -> Any:
    def rule(node: Any, dy: Any, *_: Any) -> Any:
        x, scale, _, mean, variance = node.inputs
        attrs = {k: node.attrs[k] for k in ("epsilon", "data_format", "is_training")}
        saved = list(node.outputs[3 : 6 if third else 5]) if node.attrs["is_training"] else [mean, variance]
        if third and len(saved) == 2:
            saved.append(node.outputs[5])
        if dy is None:
            return (None,) * 5
        if third and scale.dtype.base_dtype.name != "float32":
            scale, *saved = [_Cast(t, DstT="float32") for t in (scale, *saved)]
        dx, dscale, doffset, *_ = grad_op(dy, x, scale, *saved, **attrs)
        if third and node.inputs[1].dtype.base_dtype.name != "float32":
            dscale, doffset = (_Cast(t, DstT=node.inputs[1].dtype.base_dtype) for t in (dscale, doffset))
        return dx, dscale, doffset, None, None

    return rule


FusedBatchNorm.grad_rule = _batch_norm_gradient(FusedBatchNormGrad)
FusedBatchNormV2.grad_rule = _batch_norm_gradient(FusedBatchNormGradV2)
FusedBatchNormV3.grad_rule = _batch_norm_gradient(FusedBatchNormGradV3, third=True)


@export(v1=("nn.fused_batch_norm",))
def fused_batch_norm(
    x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.001, data_format: str = "NHWC",
    is_training: bool = True, name: Any = None, exponential_avg_factor: float = 1.0,
) -> Any:  # fmt: skip
    """Batch normalization of images [batch, height, width, channels]: (y, running mean, running variance)."""
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError(
            "Both `mean` and `variance` must be a 1D tensor when `is_training` is False or `exponential_avg_factor` != 1.0. "
            f"Received: `mean` {mean!r} and `variance` {variance!r}"
        )
    x = convert_to_tensor(x, name="input")
    scale, offset = convert_to_tensor(scale, name="scale"), convert_to_tensor(offset, name="offset")
    mean = np.zeros(0, np.float32) if mean is None else mean
    variance = np.zeros(0, np.float32) if variance is None else variance
    outputs = FusedBatchNormV3(
        x, scale, offset, mean, variance, epsilon=max(epsilon, 1.001e-5), exponential_avg_factor=exponential_avg_factor,
        data_format=data_format, is_training=is_training, name=name,
    )  # fmt: skip
    return tuple(outputs[:3])


@export("nn.batch_normalization")
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: Any = None
) -> Any:
    """(x - mean) / sqrt(variance + variance_epsilon) * scale + offset; scale and offset may be None.

    >>> tf.nn.batch_normalization([3.0], 1.0, 4.0, None, None, 0.0).numpy()
    array([1.], dtype=float32)
    """
    with scoped(name, "batchnorm"):
        variance = convert_to_tensor(variance)
        inverse = _Rsqrt(variance + variance_epsilon)
        if scale is not None:
            inverse = inverse * scale
        x = convert_to_tensor(x)
        as_x = lambda t: t if t.dtype.base_dtype is x.dtype.base_dtype else _Cast(t, DstT=x.dtype.base_dtype)
        shift = offset - mean * inverse if offset is not None else -mean * inverse
        return x * as_x(inverse) + as_x(shift)


@export("nn.batch_norm_with_global_normalization", old=Old(
    "t=None, m=None, v=None, beta=None, gamma=None, variance_epsilon=None, scale_after_normalization=None, name=None, input=None, "
    "mean=None, variance=None", t="input", m="mean", v="variance"))  # fmt: skip
def batch_norm_with_global_normalization(
    input: Any,
    mean: Any,
    variance: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: Any,
    scale_after_normalization: bool,
    name: Any = None,
) -> Any:
    """batch_normalization with `gamma` for the scale where wanted."""
    return batch_normalization(
        input, mean, variance, beta, gamma if scale_after_normalization else None, variance_epsilon, name
    )


# -- local response normalization ---------------------------------------------------------------------------------------


def _depth_sum(xp: Any, x: Any, radius: int) -> Any:
    """The sum over the channels at most `radius` away."""
    depth = x.shape[-1]
    if 2 * radius + 1 >= 2 * depth:
        return xp.broadcast_to(x.sum(-1, keepdims=True), x.shape)
    padded = xp.pad(x, [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    total = padded[..., :depth]
    for i in range(1, 2 * radius + 1):
        total = total + padded[..., i : i + depth]
    return total


_LRN_ATTRS = "T: {float16|bfloat16|float32} = float32, alpha: float = 1.0, beta: float = 0.5, bias: float = 1.0, depth_radius: int = 5"


def _rank_four(input: Any, *_: Any, **__: Any) -> Any:
    if input.shape is not None and len(input.shape) != 4:
        raise ShapeError(f"{input.name} must be rank 4 but is rank {len(input.shape)}")
    return input.shape


@op(f"LRN(input: T, *, {_LRN_ATTRS}) -> output: T", shape=_rank_four)
def LRN(xp, input, *, depth_radius, bias, alpha, beta):
    """input / (bias + alpha * sum of squares of the channels near by) ** beta."""
    if input.ndim != 4:
        raise ShapeError(f"in must be 4-dimensional, got shape {list(input.shape)}")
    x = wide(xp, input)
    return x * (bias + alpha * _depth_sum(xp, x * x, depth_radius)) ** -beta


@LRN.grad
def _(node: Any, dy: Any) -> Any:
    attrs = {k: node.attrs[k] for k in ("depth_radius", "bias", "alpha", "beta")}
    return LRNGrad(dy, node.inputs[0], node.outputs[0], **attrs)


@op(
    f"LRNGrad(input_grads: T, input_image: T, output_image: T, *, {_LRN_ATTRS}) -> output: T",
    shape=lambda g, x, y, **_: x.shape,
)
def LRNGrad(xp, input_grads, input_image, output_image, *, depth_radius, bias, alpha, beta):
    """The gradient of LRN."""
    if not input_grads.shape == input_image.shape == output_image.shape or input_image.ndim != 4:
        raise ShapeError(f"inputs must be 4-dimensional and of one shape, got {[list(t.shape) for t in (input_grads, input_image, output_image)]}")
    g, x, y = wide(xp, input_grads), wide(xp, input_image), wide(xp, output_image)
    norm = bias + alpha * _depth_sum(xp, x * x, depth_radius)
    return g * norm**-beta - (2 * alpha * beta) * x * _depth_sum(xp, g * y / norm, depth_radius)


@export("nn.local_response_normalization", "nn.lrn")
def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, name: Any = None
) -> Any:
    """input / (bias + alpha * sum of squares of the channels at most `depth_radius` away) ** beta."""
    return LRN(input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name)


# -- moments ------------------------------------------------------------------------------------------------------------


def _axes_list(axes: Any) -> Any:
    if isinstance(axes, (list, tuple, range)):
        return list(axes)
    return [axes] if isinstance(axes, (int, np.integer)) else axes


def _squeezed(x: Any, axes: Any, name: Any = None) -> Any:
    if hasattr(axes, "dtype") and not isinstance(axes, np.ndarray):
        from penstock.ir.known import known_value

        value = known_value(axes)
        if value is None:
            raise ValueError("the axes of moments must be known when the graph is built")
        axes = value.reshape(-1).tolist()
    return _Squeeze(x, squeeze_dims=[int(a) for a in np.asarray(axes).reshape(-1)], name=name)


@export(v2=("nn.moments",))
def moments_v2(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Any = None) -> Any:
    """The mean and the variance of `x` over `axes`.

    >>> [t.numpy().item() for t in tf.nn.moments(tf.constant([1.0, 3.0]), axes=[0])]
    [2.0, 1.0]
    """
    return moments(x, axes, shift, name, keep_dims=keepdims)


@export(v1=("nn.moments",))
def moments(x: Any, axes: Any, shift: Any = None, name: Any = None, keep_dims: Any = None, keepdims: Any = None) -> Any:
    """The mean and the variance of `x` over `axes`, with the parameters of 1.x."""
    keep = _keep(keepdims, keep_dims)
    with scoped(name, "moments"):
        x = convert_to_tensor(x)
        axes = _axes_list(axes)
        narrow = x.dtype.base_dtype.name in ("float16", "bfloat16")
        y = _Cast(x, DstT="float32") if narrow else x
        mean = _Mean(y, axes, keep_dims=True, name="mean")
        variance = _Mean(_SquaredDifference(y, _StopGradient(mean)), axes, keep_dims=True, name="variance")
        if not keep:
            mean, variance = _squeezed(mean, axes), _squeezed(variance, axes)
        if narrow:
            mean, variance = _Cast(mean, DstT=x.dtype.base_dtype), _Cast(variance, DstT=x.dtype.base_dtype)
        return mean, variance


def _keep(keepdims: Any, keep_dims: Any) -> bool:
    if keepdims is not None and keep_dims is not None:
        raise ValueError("Cannot specify both 'keep_dims' and 'keepdims'.")
    return bool(keep_dims if keepdims is None else keepdims)


@export(
    "nn.sufficient_statistics",
    old=Old("x, axes, shift=None, keep_dims=None, name=None, keepdims=None", keep_dims="keepdims"),
)
def sufficient_statistics(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Any = None) -> Any:
    """(count, sum, sum of squares, shift): what mean and variance over `axes` follow from; `shift` is taken off first."""
    axes = sorted(set(_axes_list(axes)))
    keepdims = bool(keepdims)
    with scoped(name, "sufficient_statistics"):
        x = convert_to_tensor(x, name="x")
        dims = x._dims
        if dims is not None and all(dims[d] is not None for d in axes):
            count = convert_to_tensor(
                float(np.prod([dims[d] for d in axes], dtype=np.int64)), dtype=x.dtype.base_dtype, name="count"
            )
        else:
            sizes = later("GatherV2")(_Shape(x), axes, 0)
            count = _Cast(later("Prod")(sizes, [0]), DstT=x.dtype.base_dtype, name="count")
        if shift is not None:
            shift = convert_to_tensor(shift, name="shift")
            centred, squares = _Sub(x, shift), _SquaredDifference(x, shift)
        else:
            centred, squares = x, _Square(x)
        return (
            count,
            _Sum(centred, axes, keep_dims=keepdims, name="mean_ss"),
            _Sum(squares, axes, keep_dims=keepdims, name="var_ss"),
            shift,
        )


@export("nn.normalize_moments")
def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: Any = None) -> Any:
    """The mean and variance that sufficient statistics stand for."""
    with scoped(name, "normalize"):
        counts = convert_to_tensor(counts)
        divisor = _Reciprocal(counts, name="divisor")
        if shift is not None:
            shifted = _Mul(mean_ss, divisor, name="shifted_mean")
            mean = _AddV2(shifted, shift, name="mean")
        else:
            shifted = mean = _Mul(mean_ss, divisor, name="mean")
        return mean, _Sub(_Mul(variance_ss, divisor), _Square(shifted), name="variance")


@export(v2=("nn.weighted_moments",))
def weighted_moments_v2(x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: Any = None) -> Any:
    """The mean and variance of `x` over `axes` where each entry counts as often as its weight says."""
    return weighted_moments(x, axes, frequency_weights, name, keep_dims=keepdims)


@export(v1=("nn.weighted_moments",))
def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, name: Any = None, keep_dims: Any = None, keepdims: Any = None
) -> Any:
    """The weighted mean and variance of `x` over `axes`, with the parameters of 1.x."""
    keep = _keep(keepdims, keep_dims)
    with scoped(name, "weighted_moments"):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        axes = _axes_list(axes)
        narrow = x.dtype.base_dtype.name in ("float16", "bfloat16")
        kept = x.dtype.base_dtype
        if narrow:
            x = _Cast(x, DstT="float32")
        if weights.dtype.base_dtype is not x.dtype.base_dtype:
            weights = _Cast(weights, DstT=x.dtype.base_dtype)
        weighted = _Sum(weights * x, axes, keep_dims=True, name="weighted_input_sum")
        spread = weights + later("ZerosLike")(x)
        total = _Sum(spread, axes, keep_dims=True, name="sum_of_weights")
        divisor = _Reciprocal(total, name="inv_weight_sum")
        mean = _Mul(weighted, divisor)
        distance = _Sum(weights * _SquaredDifference(x, mean), axes, keep_dims=True, name="weighted_distsq")
        variance = _Mul(distance, divisor)
        if not keep:
            mean, variance = _squeezed(mean, axes), _squeezed(variance, axes)
        if narrow:
            mean, variance = _Cast(mean, DstT=kept), _Cast(variance, DstT=kept)
        return mean, variance
