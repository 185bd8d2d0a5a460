"""Convolutions of `tf.contrib.layers`, over the layers of `tf.layers`: `weights`, `biases`, a normalizer, an activation."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import add_arg_scope
from penstock.contrib.framework.variables import model_variable
from penstock.contrib.layers.initializers import xavier_initializer
from penstock.contrib.layers.naming import (
    add_variable_to_collections,
    channel_dimension,
    collect_named_outputs,
    get_variable_collections,
    last_dimension,
    two_element_tuple,
    variable_getter,
)
from penstock.contrib.names import contrib

RENAME = {"bias": "biases", "kernel": "weights"}
_XAVIER, _ZEROS, _RELU = xavier_initializer(), tf.zeros_initializer(), tf.nn.relu


def finish(outputs: Any, normalizer_fn: Any, normalizer_params: Any, activation_fn: Any, outputs_collections: Any, scope: Any) -> Any:
    """Normalize, activate, collect."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(outputs_collections, scope.name, outputs)


def _channels(data_format: str | None) -> str:
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


def apply_layer(cls: Any, inputs: Any, sc: Any, reuse: Any, variables_collections: Any, normalizer_fn: Any, biases_initializer: Any, **arguments: Any) -> Any:
    """The outputs of a `tf.layers` layer in the scope `sc`, with its variables in the collections asked for."""
    layer = cls(
        activation=None, use_bias=not normalizer_fn and biases_initializer is not None and bool(biases_initializer),
        bias_initializer=biases_initializer, activity_regularizer=None, name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc,
        _reuse=reuse, **arguments,
    )  # fmt: skip
    outputs = layer.apply(inputs)
    add_variable_to_collections(layer.kernel, variables_collections, "weights")
    if layer.use_bias:
        add_variable_to_collections(layer.bias, variables_collections, "biases")
    return outputs


@contrib("layers.convolution", "slim.convolution")
@add_arg_scope
def convolution(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: str | None = None, rate: Any = 1,
    activation_fn: Any = _RELU, normalizer_fn: Any = None, normalizer_params: Any = None, weights_initializer: Any = _XAVIER,
    weights_regularizer: Any = None, biases_initializer: Any = _ZEROS, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None, conv_dims: int | None = None,
) -> Any:  # fmt: skip
    """A convolution over one to three axes, by the rank of the inputs: activation(normalizer(conv(inputs, weights) + biases))."""
    if data_format not in (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW"):
        raise ValueError(f"Invalid data_format: {data_format!r}")
    with tf.variable_scope(scope, "Conv", [inputs], reuse=reuse, custom_getter=variable_getter(RENAME)) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if conv_dims is not None and conv_dims + 2 != rank:
            raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}")
        if rank not in (3, 4, 5):
            raise ValueError("Convolution not supported for input with rank", rank)
        cls = {3: tf.layers.Conv1D, 4: tf.layers.Conv2D, 5: tf.layers.Conv3D}[rank]
        outputs = apply_layer(
            cls, inputs, sc, reuse, variables_collections, normalizer_fn, biases_initializer, filters=num_outputs, kernel_size=kernel_size,
            strides=stride, padding=padding, data_format=_channels(data_format), dilation_rate=rate, kernel_initializer=weights_initializer,
            kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, trainable=trainable,
        )  # fmt: skip
        return finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc)


def _of_dims(dims: int) -> Any:
    def conv(
        inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: str | None = None, rate: Any = 1,
        activation_fn: Any = _RELU, normalizer_fn: Any = None, normalizer_params: Any = None, weights_initializer: Any = _XAVIER,
        weights_regularizer: Any = None, biases_initializer: Any = _ZEROS, biases_regularizer: Any = None, reuse: Any = None,
        variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
    ) -> Any:  # fmt: skip
        return convolution(
            inputs, num_outputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn, normalizer_params,
            weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse, variables_collections,
            outputs_collections, trainable, scope, conv_dims=dims,
        )  # fmt: skip

    conv.__name__ = conv.__qualname__ = f"convolution{dims}d"
    conv.__doc__ = f"A convolution over {dims} axes: activation(normalizer(conv(inputs, weights) + biases))."
    names = [f"{home}.{name}{dims}d" for home in ("layers", "slim") for name in ("conv", "convolution")]
    return contrib(*names)(add_arg_scope(conv))


convolution1d, convolution2d, convolution3d = (_of_dims(n) for n in (1, 2, 3))


def _transpose_of_dims(dims: int, default_format: str) -> Any:
    def conv(
        inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: str = default_format,
        activation_fn: Any = _RELU, normalizer_fn: Any = None, normalizer_params: Any = None, weights_initializer: Any = _XAVIER,
        weights_regularizer: Any = None, biases_initializer: Any = _ZEROS, biases_regularizer: Any = None, reuse: Any = None,
        variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
    ) -> Any:  # fmt: skip
        if data_format not in (default_format, {2: "NCHW", 3: "NCDHW"}[dims]):
            raise ValueError("data_format has to be either NCHW or NHWC." if dims == 2 else "data_format has to be either NCDHW or NDHWC.")
        with tf.variable_scope(scope, f"Conv{dims}d_transpose", [inputs], reuse=reuse, custom_getter=variable_getter(RENAME)) as sc:
            inputs = tf.convert_to_tensor(inputs)
            cls = {2: tf.layers.Conv2DTranspose, 3: tf.layers.Conv3DTranspose}[dims]
            outputs = apply_layer(
                cls, inputs, sc, reuse, variables_collections, normalizer_fn, biases_initializer, filters=num_outputs,
                kernel_size=kernel_size, strides=stride, padding=padding, data_format=_channels(data_format),
                kernel_initializer=weights_initializer, kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer,
                trainable=trainable,
            )  # fmt: skip
            return finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc)

    conv.__name__ = conv.__qualname__ = f"convolution{dims}d_transpose"
    conv.__doc__ = f"The transpose of a convolution over {dims} axes: upsamples by the stride."
    names = [f"{home}.{name}{dims}d_transpose" for home in ("layers", "slim") for name in ("conv", "convolution")]
    return contrib(*names)(add_arg_scope(conv))


convolution2d_transpose, convolution3d_transpose = _transpose_of_dims(2, "NHWC"), _transpose_of_dims(3, "NDHWC")


@contrib("layers.conv2d_in_plane", "layers.convolution2d_in_plane", "slim.conv2d_in_plane", "slim.convolution2d_in_plane")
@add_arg_scope
def convolution2d_in_plane(
    inputs: Any, kernel_size: Any, stride: Any = 1, padding: str = "SAME", activation_fn: Any = _RELU, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
    trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """The same filter over each channel of [batch, height, width, channels] alone."""
    with tf.variable_scope(scope, "ConvInPlane", [inputs], reuse=reuse) as sc:
        dtype = inputs.dtype.base_dtype
        kernel_h, kernel_w = two_element_tuple(kernel_size)
        stride_h, stride_w = two_element_tuple(stride)
        filters = last_dimension(inputs.get_shape(), min_rank=4)
        weights = model_variable("weights", shape=[kernel_h, kernel_w, 1, 1], dtype=dtype, initializer=weights_initializer,
                                 regularizer=weights_regularizer, trainable=trainable,
                                 collections=get_variable_collections(variables_collections, "weights"))  # fmt: skip
        outputs = tf.nn.depthwise_conv2d(inputs, tf.tile(weights, [1, 1, filters, 1]), [1, stride_h, stride_w, 1], padding)
        if normalizer_fn is None and biases_initializer is not None:
            biases = model_variable("biases", shape=[filters], dtype=dtype, initializer=biases_initializer, regularizer=biases_regularizer,
                                    trainable=trainable, collections=get_variable_collections(variables_collections, "biases"))  # fmt: skip
            outputs = tf.nn.bias_add(outputs, biases)
        return finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc)


@contrib("layers.separable_conv2d", "layers.separable_convolution2d", "slim.separable_conv2d", "slim.separable_convolution2d")
@add_arg_scope
def separable_convolution2d(
    inputs: Any, num_outputs: int | None, kernel_size: Any, depth_multiplier: int = 1, stride: Any = 1, padding: str = "SAME",
    data_format: str = "NHWC", rate: Any = 1, activation_fn: Any = _RELU, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, pointwise_initializer: Any = None, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
    trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """A depthwise convolution, then a pointwise one; the depthwise one alone when `num_outputs` is None."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    getter = variable_getter({"bias": "biases", "depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"})
    with tf.variable_scope(scope, "SeparableConv2d", [inputs], reuse=reuse, custom_getter=getter) as sc:
        inputs = tf.convert_to_tensor(inputs)
        if pointwise_initializer is None:
            pointwise_initializer = weights_initializer
        if num_outputs is not None:
            layer = tf.layers.SeparableConv2D(
                filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding, data_format=_channels(data_format),
                dilation_rate=two_element_tuple(rate), activation=None, depth_multiplier=depth_multiplier,
                use_bias=not normalizer_fn and bool(biases_initializer), depthwise_initializer=weights_initializer,
                pointwise_initializer=pointwise_initializer, bias_initializer=biases_initializer, depthwise_regularizer=weights_regularizer,
                pointwise_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, activity_regularizer=None,
                trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse,
            )  # fmt: skip
            outputs = layer.apply(inputs)
            add_variable_to_collections(layer.depthwise_kernel, variables_collections, "weights")
            add_variable_to_collections(layer.pointwise_kernel, variables_collections, "weights")
            if layer.use_bias:
                add_variable_to_collections(layer.bias, variables_collections, "biases")
        else:
            dtype = inputs.dtype.base_dtype
            kernel_h, kernel_w = two_element_tuple(kernel_size)
            stride_h, stride_w = two_element_tuple(stride)
            filters_in = channel_dimension(inputs.get_shape(), data_format, min_rank=4)
            weights = model_variable("depthwise_weights", shape=[kernel_h, kernel_w, filters_in, depth_multiplier], dtype=dtype,
                                     initializer=weights_initializer, regularizer=weights_regularizer, trainable=trainable,
                                     collections=get_variable_collections(variables_collections, "weights"))  # fmt: skip
            strides = [1, 1, stride_h, stride_w] if data_format.startswith("NC") else [1, stride_h, stride_w, 1]
            outputs = tf.nn.depthwise_conv2d(inputs, weights, strides, padding, rate=two_element_tuple(rate), data_format=data_format)
            if normalizer_fn is None and biases_initializer is not None:
                biases = model_variable("biases", shape=[depth_multiplier * filters_in], dtype=dtype, initializer=biases_initializer,
                                        regularizer=biases_regularizer, trainable=trainable,
                                        collections=get_variable_collections(variables_collections, "biases"))  # fmt: skip
                outputs = tf.nn.bias_add(outputs, biases, data_format=data_format)
        return finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc)
