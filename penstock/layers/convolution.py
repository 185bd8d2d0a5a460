"""`tf.layers.conv1d` to `conv3d`, their transposes and the separable ones."""

from typing import Any

from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door, node_count
from penstock.ir.op import find
from penstock.layers.base import InputSpec, Layer
from penstock.layers.core import _ZEROS, options
from penstock.ops import nn_convolution as nn
from penstock.ops.nn import bias_add
from penstock.ops.shapes import shape


def per_axis(value: Any, n: int, name: str) -> tuple[int, ...]:
    """An int or n ints, as a tuple of n."""
    if isinstance(value, int):
        return (value,) * n
    try:
        sizes = tuple(value)
    except TypeError:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}") from None
    if len(sizes) != n:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    for one in sizes:
        try:
            int(one)
        except (ValueError, TypeError):
            raise ValueError(
                f"The `{name}` argument must be a tuple of {n} integers. Received: {value} including element {one} of type {type(one)}"
            ) from None
    return tuple(int(s) for s in sizes)


def padding_of(value: Any, causal: bool = False) -> str:
    """ "valid" or "same" ("causal" where that means something)."""
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in ("valid", "same", "causal"):
        raise ValueError(
            f'The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", only for `Conv1D). Received: {lowered}'
        )
    if lowered == "causal" and not causal:
        raise ValueError("Causal padding is only supported for `Conv1D` and ``SeparableConv1D`.")
    return lowered


def data_format_of(value: str | None) -> str:
    """ "channels_last" or "channels_first"."""
    value = "channels_last" if value is None else value.lower()
    if value not in ("channels_first", "channels_last"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return value


def op_format(data_format: str, rank: int) -> str:
    """The ops' name of a data format: NHWC, NCW, ..."""
    space = {1: "W", 2: "HW", 3: "DHW"}[rank]
    return f"N{space}C" if data_format == "channels_last" else f"NC{space}"


class _Conv(Layer):
    """A convolution over `rank` axes: activation(conv(inputs, kernel) + bias)."""

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.rank, self.filters = rank, None if filters is None else int(filters)
        self.kernel_size, self.strides = per_axis(kernel_size, rank, "kernel_size"), per_axis(strides, rank, "strides")
        self.padding, self.data_format = padding_of(padding, rank == 1), data_format_of(data_format)
        self.dilation_rate = per_axis(dilation_rate, rank, "dilation_rate")
        self.activation, self.use_bias = activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer, self.activity_regularizer = (
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
        )
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _channels(self, input_shape: Any) -> int:
        channels = TensorShape(input_shape).as_list()[self._channel_axis]
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        return channels

    def _bias_weight(self) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                (self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = self.add_weight("kernel", (*self.kernel_size, channels, self.filters), initializer=self.kernel_initializer,
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)  # fmt: skip
        self._bias_weight()
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.built = True

    def call(self, inputs: Any) -> Any:
        padding = self.padding
        if padding == "causal":
            left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            pads = [[0, 0], [left, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [0, 0], [left, 0]]
            inputs, padding = find("Pad")(inputs, pads), "valid"
        if node_count.active():
            door.convert(list(self.dilation_rate), None, "dilation_rate")  # a node of TensorFlow 1.x: seeds are counted by nodes
            node_count.more(nn.dilation_nodes(padding) if max(self.dilation_rate) > 1 else 0)
        conv = {1: nn.conv1d, 2: nn.conv2d, 3: nn.conv3d}[self.rank]
        outputs = conv(inputs, self.kernel, list(self.strides) if self.rank > 1 else self.strides[0], padding.upper(),
                       data_format=op_format(self.data_format, self.rank), dilations=list(self.dilation_rate) if self.rank > 1 else self.dilation_rate[0])  # fmt: skip
        return self._finish(outputs)

    def _finish(self, outputs: Any) -> Any:
        if self.use_bias:
            outputs = bias_add(
                outputs, self.bias, data_format="NHWC" if self.data_format == "channels_last" else "NCHW"
            )
        outputs = outputs if self.activation is None else self.activation(outputs)
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(outputs))
        return outputs


class _ConvTranspose(_Conv):
    """The transpose of a convolution: upsamples by the strides."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(rank, filters, kernel_size, strides, padding, data_format, **kwargs)
        if self.padding == "causal":
            raise ValueError("Causal padding is only supported for `Conv1D` and ``SeparableConv1D`.")

    def build(self, input_shape: Any) -> None:
        if TensorShape(input_shape).rank != self.rank + 2:
            raise ValueError(f"Inputs should have rank {self.rank + 2}. Received input shape: {input_shape}")
        channels = self._channels(input_shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.kernel = self.add_weight("kernel", (*self.kernel_size, self.filters, channels), initializer=self.kernel_initializer,
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)  # fmt: skip
        self._bias_weight()
        self.built = True

    def call(self, inputs: Any) -> Any:
        with node_count.exactly(self._old_nodes()):
            return self._finish(self._transposed(inputs))

    def _old_nodes(self) -> int:
        """What TensorFlow 1.x makes: for the shape of the output, sizes of the input, and the op."""
        lengths = self.rank * (2 if self.padding == "same" else 4)
        layout = 0 if self.rank == 3 else 4 if self.data_format == "channels_last" else 24
        return 1 + 4 * (self.rank + 1) + lengths + 2 + layout + 1 + bool(self.use_bias)

    def _transposed(self, inputs: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        sizes = inputs.shape.as_list()
        dynamic = shape(inputs) if None in sizes else None
        at = lambda i: dynamic[i] if sizes[i] is None else sizes[i]
        space, static = [], []
        for d in range(self.rank):
            k, s = self.kernel_size[d], self.strides[d]
            extra = max(k - s, 0) if self.padding == "valid" else 0
            length = at(first + d) * s
            space.append(length + extra if extra else length)
            static.append(None if sizes[first + d] is None else sizes[first + d] * s + extra)
        last = self.data_format == "channels_last"
        output_shape = [at(0), *space, self.filters] if last else [at(0), self.filters, *space]
        conv = {2: nn.conv2d_transpose, 3: nn.conv3d_transpose}[self.rank]
        outputs = conv(inputs, self.kernel, output_shape if None not in sizes else find("Pack")([*output_shape]), list(self.strides),
                       self.padding.upper(), data_format=op_format(self.data_format, self.rank))  # fmt: skip
        if None in sizes:
            outputs.set_shape([sizes[0], *static, self.filters] if last else [sizes[0], self.filters, *static])
        return outputs


class _SeparableConv(_Conv):
    """A convolution of each channel by itself, then one that mixes channels."""

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None,
        pointwise_initializer: Any = None, bias_initializer: Any = _ZEROS, depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation=activation, use_bias=use_bias,
                         bias_initializer=bias_initializer, bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
                         bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer, self.pointwise_initializer = depthwise_initializer, pointwise_initializer
        self.depthwise_regularizer, self.pointwise_regularizer = depthwise_regularizer, pointwise_regularizer
        self.depthwise_constraint, self.pointwise_constraint = depthwise_constraint, pointwise_constraint

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.depthwise_kernel = self.add_weight("depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), trainable=True,
                                                initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
                                                constraint=self.depthwise_constraint)  # fmt: skip
        self.pointwise_kernel = self.add_weight("pointwise_kernel", (*(1,) * self.rank, self.depth_multiplier * channels, self.filters), trainable=True,
                                                initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
                                                constraint=self.pointwise_constraint)  # fmt: skip
        self._bias_weight()
        self.built = True

    def call(self, inputs: Any) -> Any:
        padding, last = self.padding, self.data_format == "channels_last"
        if padding == "causal":
            left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            inputs, padding = (
                find("Pad")(inputs, [[0, 0], [left, 0], [0, 0]] if last else [[0, 0], [0, 0], [left, 0]]),
                "valid",
            )
        depthwise, pointwise = self.depthwise_kernel, self.pointwise_kernel
        strides, rate, axis = self.strides, self.dilation_rate, 1 if last else 2
        if self.rank == 1:
            inputs = find("ExpandDims")(inputs, axis)
            depthwise, pointwise = find("ExpandDims")(depthwise, 0), find("ExpandDims")(pointwise, 0)
            strides, rate = strides * 2, (1, *rate)
        outputs = nn.separable_conv2d(inputs, depthwise, pointwise, [1, *strides, 1] if last else [1, 1, *strides], padding.upper(),
                                      data_format=op_format(self.data_format, 2), dilations=list(rate))  # fmt: skip
        if self.use_bias:
            outputs = bias_add(outputs, self.bias, data_format="NHWC" if last else "NCHW")
        if self.rank == 1:
            outputs = find("Squeeze")(outputs, squeeze_dims=[axis])
        outputs = outputs if self.activation is None else self.activation(outputs)
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(outputs))
        return outputs


@export(v1=("layers.Conv1D",))
class Conv1D(_Conv):
    """A convolution along one axis: [batch, steps, channels]."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str = "channels_last", dilation_rate: Any = 1,
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(1, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
                         bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint,
                         trainable, name, **kwargs)  # fmt: skip


@export(v1=("layers.Conv2D",))
class Conv2D(_Conv):
    """A convolution over images: [batch, height, width, channels]."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str = "channels_last",
        dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
                         bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint,
                         trainable, name, **kwargs)  # fmt: skip


@export(v1=("layers.Conv3D",))
class Conv3D(_Conv):
    """A convolution over volumes: [batch, depth, height, width, channels]."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str = "channels_last",
        dilation_rate: Any = (1, 1, 1), activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(3, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
                         bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint,
                         trainable, name, **kwargs)  # fmt: skip


@export(v1=("layers.Conv2DTranspose",))
class Conv2DTranspose(_ConvTranspose):
    """The transpose of a convolution over images."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str = "channels_last",
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, filters, kernel_size, strides, padding, data_format, activation=activation, use_bias=use_bias,
                         kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                         bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                         bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)  # fmt: skip


@export(v1=("layers.Conv3DTranspose",))
class Conv3DTranspose(_ConvTranspose):
    """The transpose of a convolution over volumes."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str = "channels_last",
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(3, filters, kernel_size, strides, padding, data_format, activation=activation, use_bias=use_bias,
                         kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                         bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                         bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)  # fmt: skip


_SEPARABLE = ("depth_multiplier", "activation", "use_bias", "depthwise_initializer", "pointwise_initializer", "bias_initializer",
              "depthwise_regularizer", "pointwise_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_constraint",
              "pointwise_constraint", "bias_constraint", "trainable", "name")  # fmt: skip


@export(v1=("layers.SeparableConv1D",))
class SeparableConv1D(_SeparableConv):
    """A depthwise convolution along one axis, then a pointwise one."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str = "channels_last", dilation_rate: Any = 1,
        depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None,
        bias_initializer: Any = _ZEROS, depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None, bias_constraint: Any = None,
        trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        given = locals()
        super().__init__(
            1,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            **{k: given[k] for k in _SEPARABLE},
            **kwargs,
        )


@export(v1=("layers.SeparableConv2D",))
class SeparableConv2D(_SeparableConv):
    """A depthwise convolution over images, then a pointwise one."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str = "channels_last",
        dilation_rate: Any = (1, 1), depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None,
        pointwise_initializer: Any = None, bias_initializer: Any = _ZEROS, depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        given = locals()
        super().__init__(
            2,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            **{k: given[k] for k in _SEPARABLE},
            **kwargs,
        )


# -- functions -------------------------------------------------------------------------------------------------------
def _function(name: str, layer: type, doc: str) -> Any:
    """`tf.layers.name(inputs, ...)`: makes the layer, with the parameters of its class, and applies it."""
    import inspect

    own = [
        p
        for p in inspect.signature(layer.__init__).parameters.values()
        if p.name != "self" and p.kind is not p.VAR_KEYWORD
    ]
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter("inputs", plain), *own, inspect.Parameter("reuse", plain, default=None)]
    )

    def apply(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        inputs = given.pop("inputs")
        return layer(**options(**given)).apply(inputs)

    apply.__name__ = apply.__qualname__ = name
    apply.__signature__ = signature  # type: ignore[attr-defined]
    apply.__doc__ = doc
    return export(v1=(f"layers.{name}",))(apply)


conv1d = _function("conv1d", Conv1D, "A convolution along one axis, with variables `name/kernel` and `name/bias`.")
conv2d = _function("conv2d", Conv2D, "A convolution over images, with variables `name/kernel` and `name/bias`.")
conv3d = _function("conv3d", Conv3D, "A convolution over volumes, with variables `name/kernel` and `name/bias`.")
conv2d_transpose = _function("conv2d_transpose", Conv2DTranspose, "The transpose of a convolution over images.")
conv3d_transpose = _function("conv3d_transpose", Conv3DTranspose, "The transpose of a convolution over volumes.")
separable_conv1d = _function(
    "separable_conv1d", SeparableConv1D, "A depthwise convolution along one axis, then a pointwise one."
)
separable_conv2d = _function(
    "separable_conv2d", SeparableConv2D, "A depthwise convolution over images, then a pointwise one."
)


# The long names that `tensorflow.python.layers.convolutional` had too.
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose, Convolution3DTranspose = Conv2DTranspose, Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
Deconvolution2D = Deconv2D = Conv2DTranspose
Deconvolution3D = Deconv3D = Conv3DTranspose
convolution1d, convolution2d, convolution3d = conv1d, conv2d, conv3d
separable_convolution2d = separable_conv2d
convolution2d_transpose = deconvolution2d = deconv2d = conv2d_transpose
convolution3d_transpose = deconvolution3d = deconv3d = conv3d_transpose
