"""Fully connected layers, biases, dropout, pooling, embeddings and shapes of `tf.contrib.layers`."""

import functools
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import add_arg_scope
from penstock.contrib.framework.variables import model_variable
from penstock.contrib.layers.convolution import _RELU, _XAVIER, _ZEROS, RENAME, _channels, apply_layer, finish
from penstock.contrib.layers.naming import (
    collect_named_outputs,
    get_variable_collections,
    last_dimension,
    variable_getter,
)
from penstock.contrib.names import contrib, contrib_constant
from penstock.ir import node_count


@contrib("layers.fully_connected", "slim.fully_connected")
@add_arg_scope
def fully_connected(
    inputs: Any, num_outputs: int, activation_fn: Any = _RELU, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS, biases_regularizer: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """activation(normalizer(inputs @ weights + biases)), over the last axis."""
    if not isinstance(num_outputs, int) and not hasattr(num_outputs, "__index__"):
        raise ValueError(f"num_outputs type should be one of [int, long], got {num_outputs}.")
    with tf.variable_scope(scope, "fully_connected", [inputs], reuse=reuse, custom_getter=variable_getter(RENAME)) as sc:
        inputs = tf.convert_to_tensor(inputs)
        outputs = apply_layer(
            tf.layers.Dense, inputs, sc, reuse, variables_collections, normalizer_fn, biases_initializer, units=num_outputs,
            kernel_initializer=weights_initializer, kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer,
            trainable=trainable,
        )  # fmt: skip
        return finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc)


linear = functools.partial(fully_connected, activation_fn=None)
relu = functools.partial(fully_connected, activation_fn=tf.nn.relu)
relu6 = functools.partial(fully_connected, activation_fn=tf.nn.relu6)
elu = functools.partial(fully_connected, activation_fn=tf.nn.elu)
for _name in ("linear", "relu", "relu6", "elu"):
    contrib_constant(f"layers.{_name}", f"slim.{_name}", module=__name__, attr=_name)


@contrib("layers.bias_add", "slim.bias_add")
@add_arg_scope
def bias_add(
    inputs: Any, activation_fn: Any = None, initializer: Any = _ZEROS, regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, data_format: str = "NHWC", scope: Any = None,
) -> Any:  # fmt: skip
    """Add a bias to each channel."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with tf.variable_scope(scope, "BiasAdd", [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Dims of shape must be known but is None")
        if rank != 4 and data_format == "NCHW":
            raise ValueError("Data format NCHW only supports 4D Tensor")
        size = inputs.get_shape()[1 if data_format == "NCHW" else -1].value
        if size is None:
            raise ValueError("`C` dimension must be known but is None")
        biases = model_variable("biases", shape=[size], dtype=inputs.dtype.base_dtype, initializer=initializer, regularizer=regularizer,
                                collections=get_variable_collections(variables_collections, "biases"), trainable=trainable)  # fmt: skip
        outputs = tf.nn.bias_add(inputs, biases, data_format=data_format)
        return finish(outputs, None, None, activation_fn, outputs_collections, sc)


@contrib("layers.dropout", "slim.dropout")
@add_arg_scope
def dropout(
    inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True, outputs_collections: Any = None, scope: Any = None,
    seed: int | None = None,
) -> Any:  # fmt: skip
    """Keep each entry with probability `keep_prob` in training, scaled up."""
    with tf.variable_scope(scope, "Dropout", [inputs], custom_getter=variable_getter()) as sc:
        inputs = tf.convert_to_tensor(inputs)
        layer = tf.layers.Dropout(rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=sc.name, _scope=sc)
        outputs = layer.apply(inputs, training=is_training)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@contrib("layers.flatten", "slim.flatten")
@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Any:
    """All axes but the first as one."""
    with tf.name_scope(scope, "Flatten", [inputs]) as sc:
        outputs = tf.layers.flatten(tf.convert_to_tensor(inputs))
        return collect_named_outputs(outputs_collections, sc, outputs)


def _pool(dims: int, largest: bool) -> Any:
    default = {2: "NHWC", 3: "NDHWC"}[dims]
    short = "max" if largest else "avg"
    scope_name = f"{'Max' if largest else 'Avg'}Pool{dims}D"

    def pool(
        inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = default, outputs_collections: Any = None,
        scope: Any = None,
    ) -> Any:  # fmt: skip
        formats = {2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}[dims]
        if data_format not in formats:
            raise ValueError(f"data_format has to be either {formats[0]} or {formats[1]}.")
        with tf.name_scope(scope, scope_name, [inputs]) as sc:
            kind = "Max" if largest else "Average"
            layer = getattr(tf.layers, f"{kind}Pooling{dims}D")(
                pool_size=kernel_size, strides=stride, padding=padding, data_format=_channels(data_format), _scope=sc
            )
            return collect_named_outputs(outputs_collections, sc, layer.apply(tf.convert_to_tensor(inputs)))

    pool.__name__ = pool.__qualname__ = f"{short}_pool{dims}d"
    pool.__doc__ = f"{'The largest' if largest else 'The mean'} of each window over {dims} axes."
    return contrib(f"layers.{short}_pool{dims}d", f"slim.{short}_pool{dims}d")(add_arg_scope(pool))


max_pool2d, avg_pool2d, max_pool3d, avg_pool3d = _pool(2, True), _pool(2, False), _pool(3, True), _pool(3, False)


@contrib("layers.python.layers.layers.pool")
@add_arg_scope
def pool(
    inputs: Any, kernel_size: Any, pooling_type: str, padding: str = "VALID", data_format: str | None = None, dilation_rate: Any = 1,
    stride: Any = 1, outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Pooling over any number of axes, `pooling_type` "AVG" or "MAX"."""
    with tf.name_scope(scope, f"{pooling_type.lower()}_pool", [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Rank of inputs must be known")
        if rank < 3:
            raise ValueError("Rank of inputs must be >= 3")
        spatial = rank - 2
        each = lambda v: (v,) * spatial if isinstance(v, int) else tuple(v)
        outputs = tf.nn.pool(inputs, window_shape=each(kernel_size), pooling_type=pooling_type, padding=padding, data_format=data_format,
                             dilation_rate=each(dilation_rate), strides=each(stride), name=sc)  # fmt: skip
        return collect_named_outputs(outputs_collections, sc, outputs)


@contrib("layers.one_hot_encoding", "slim.one_hot_encoding")
@add_arg_scope
def one_hot_encoding(
    labels: Any, num_classes: int, on_value: Any = 1.0, off_value: Any = 0.0, outputs_collections: Any = None, scope: Any = None
) -> Any:  # fmt: skip
    """Class numbers as one-hot vectors."""
    with tf.name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        labels = tf.convert_to_tensor(labels)
        if labels.dtype == tf.int32:
            labels = tf.to_int64(labels)
        node_count.more(2)
        outputs = tf.one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
        return collect_named_outputs(outputs_collections, sc, outputs)


@contrib("layers.maxout", "slim.maxout")
@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> Any:
    """The largest of each group of `channels / num_units` channels."""
    with tf.variable_scope(scope, "MaxOut", [inputs]):
        inputs = tf.convert_to_tensor(inputs)
        shape = inputs.get_shape().as_list()
        num_channels = shape[axis]
        if num_channels % num_units:
            raise ValueError(f"number of features({num_channels}) is not a multiple of num_units({num_units})")
        shape[axis] = num_units
        shape += [num_channels // num_units]
        dynamic = tf.shape(inputs)
        shape = [dynamic[i] if n is None else n for i, n in enumerate(shape)]
        return tf.reduce_max(tf.reshape(inputs, shape), -1, keepdims=False)


@contrib("layers.repeat", "slim.repeat")
@add_arg_scope
def repeat(inputs: Any, repetitions: int, layer: Any, *args: Any, **kwargs: Any) -> Any:
    """The same layer several times, each over the last one's outputs, in scopes `scope/scope_1`, `scope/scope_2`, ..."""
    scope = kwargs.pop("scope", None)
    with tf.variable_scope(scope, "Repeat", [inputs]):
        inputs = tf.convert_to_tensor(inputs)
        if scope is None:
            if hasattr(layer, "__name__"):
                scope = layer.__name__
            elif hasattr(layer, "func") and hasattr(layer.func, "__name__"):
                scope = layer.func.__name__
            else:
                scope = "repeat"
        outputs = inputs
        for i in range(repetitions):
            kwargs["scope"] = f"{scope}_{i + 1}"
            outputs = layer(outputs, *args, **kwargs)
        return outputs


@contrib("layers.stack", "slim.stack")
@add_arg_scope
def stack(inputs: Any, layer: Any, stack_args: Any, **kwargs: Any) -> Any:
    """A layer once for each element of `stack_args`, each over the last one's outputs."""
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    with tf.variable_scope(scope, "Stack", [inputs]):
        inputs = tf.convert_to_tensor(inputs)
        if scope is None:
            if hasattr(layer, "__name__"):
                scope = layer.__name__
            elif hasattr(layer, "func") and hasattr(layer.func, "__name__"):
                scope = layer.func.__name__
            else:
                scope = "stack"
        outputs = inputs
        for i, arguments in enumerate(stack_args):
            kwargs["scope"] = f"{scope}_{i + 1}"
            arguments = arguments if isinstance(arguments, (list, tuple)) else [arguments]
            outputs = layer(outputs, *arguments, **kwargs)
        return outputs


@contrib("layers.softmax", "slim.softmax")
@add_arg_scope
def softmax(logits: Any, scope: Any = None) -> Any:
    """Softmax over the last axis of any rank."""
    with tf.variable_scope(scope, "softmax", [logits]):
        num_logits = last_dimension(logits.get_shape(), min_rank=2)
        predictions = tf.reshape(tf.nn.softmax(tf.reshape(logits, [-1, num_logits])), tf.shape(logits))
        predictions.set_shape(logits.get_shape()) if hasattr(predictions, "set_shape") else None
        return predictions


@contrib("layers.unit_norm", "slim.unit_norm")
@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """Scaled to length 1 along an axis."""
    with tf.variable_scope(scope, "UnitNorm", [inputs]):
        shape = inputs.get_shape()
        if not shape:
            raise ValueError("The input rank must be known.")
        rank = len(shape)
        if dim < 0 or dim >= rank:
            raise ValueError(f"dim must be positive but smaller than the input rank, got {dim} for rank {rank}.")
        lengths = tf.sqrt(epsilon + tf.reduce_sum(tf.square(inputs), dim, True))
        multiples = [1] * rank
        multiples[dim] = shape[dim].value if shape[dim].value is not None else tf.shape(inputs)[dim]
        return tf.divide(inputs, tf.tile(lengths, multiples))


@contrib("layers.poincare_normalize", "slim.poincare_normalize")
def poincare_normalize(x: Any, axis: Any = 1, epsilon: float = 1e-5, name: str | None = None) -> Any:
    """Projected into the open unit ball."""
    with tf.name_scope(name, "poincare_normalize", [x]) as name:
        x = tf.convert_to_tensor(x, name="x")
        inverse = tf.math.rsqrt(tf.reduce_sum(tf.square(x), axis, keepdims=True))
        return tf.multiply(x, tf.minimum((1.0 - epsilon) * inverse, 1), name=name)


@contrib("layers.spatial_softmax", "slim.spatial_softmax")
@add_arg_scope
def spatial_softmax(
    features: Any, temperature: Any = None, name: str | None = None, variables_collections: Any = None, trainable: bool = True,
    data_format: str = "NHWC",
) -> Any:  # fmt: skip
    """The expected x, y in [-1, 1] of each channel's softmax over the image: [batch, 2 * channels]."""
    with tf.variable_scope(name, "spatial_softmax"):
        shape, static = tf.shape(features), features.shape
        if data_format == "NHWC":
            height, width, channels = shape[1], shape[2], static[3]
        elif data_format == "NCHW":
            channels, height, width = static[1], shape[2], shape[3]
        else:
            raise ValueError("data_format has to be either NCHW or NHWC.")
        if tf.Dimension(channels).value is None:
            raise ValueError("The channel dimension must be known.")
        pos_x, pos_y = tf.meshgrid(tf.lin_space(-1.0, 1.0, num=height), tf.lin_space(-1.0, 1.0, num=width), indexing="ij")
        pos_x, pos_y = tf.reshape(pos_x, [height * width]), tf.reshape(pos_y, [height * width])
        if temperature is None:
            temperature = model_variable("temperature", shape=(), dtype=tf.float32, initializer=tf.ones_initializer(), trainable=trainable,
                                         collections=get_variable_collections(variables_collections, "temperature"))  # fmt: skip
        if data_format == "NCHW":
            features = tf.reshape(features, [-1, height * width])
        else:
            features = tf.reshape(tf.transpose(features, [0, 3, 1, 2]), [-1, height * width])
        attention = tf.nn.softmax(features / temperature)
        expected_x = tf.reduce_sum(pos_x * attention, [1], keepdims=True)
        expected_y = tf.reduce_sum(pos_y * attention, [1], keepdims=True)
        keypoints = tf.reshape(tf.concat([expected_x, expected_y], 1), [-1, tf.Dimension(channels).value * 2])
        keypoints.set_shape([None, tf.Dimension(channels).value * 2])
        return keypoints


@contrib("layers.scale_gradient", "slim.scale_gradient")
def scale_gradient(x: Any, scale: Any) -> Any:
    """x itself; its gradient is multiplied by `scale`."""
    return x * scale + tf.stop_gradient(x * (1 - scale))


@contrib("layers.images_to_sequence", "slim.images_to_sequence")
@add_arg_scope
def images_to_sequence(inputs: Any, data_format: str = "NHWC", outputs_collections: Any = None, scope: Any = None) -> Any:
    """[batch, height, width, channels] -> [width, batch * height, channels]."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with tf.name_scope(scope, "ImagesToSequence", [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        outputs = tf.transpose(inputs, [0, 2, 3, 1] if data_format == "NCHW" else [0, 1, 2, 3])
        _, _, width, depth = inputs.shape.as_list() if data_format == "NHWC" else [inputs.shape.as_list()[i] for i in (0, 2, 3, 1)]
        s = tf.shape(outputs)
        outputs = tf.reshape(outputs, [s[0] * s[1], s[2], depth])
        outputs = tf.transpose(outputs, [1, 0, 2])
        return collect_named_outputs(outputs_collections, sc, outputs)


@contrib("layers.sequence_to_images", "slim.sequence_to_images")
@add_arg_scope
def sequence_to_images(
    inputs: Any, height: int, output_data_format: str = "channels_last", outputs_collections: Any = None, scope: Any = None
) -> Any:  # fmt: skip
    """[width, batch * height, channels] -> images."""
    with tf.name_scope(scope, "SequenceToImages", [inputs]) as sc:
        width, num_batches, depth = inputs.get_shape().as_list()
        if num_batches is None:
            num_batches = -1
        else:
            num_batches //= height
        outputs = tf.reshape(inputs, [width, num_batches, height, depth])
        outputs = tf.transpose(outputs, [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3])
        return collect_named_outputs(outputs_collections, sc, outputs)


@contrib("layers.dense_to_sparse", "slim.dense_to_sparse")
@add_arg_scope
def dense_to_sparse(tensor: Any, eos_token: Any = 0, outputs_collections: Any = None, scope: Any = None) -> Any:
    """A SparseTensor of the entries that are not `eos_token`."""
    with tf.variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
        tensor = tf.convert_to_tensor(tensor)
        indices = tf.where(tf.not_equal(tensor, tf.constant(eos_token, tensor.dtype)))
        outputs = tf.SparseTensor(indices, tf.gather_nd(tensor, indices), tf.shape(tensor, out_type=tf.int64))
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@contrib("layers.legacy_fully_connected")
def legacy_fully_connected(
    x: Any, num_output_units: int, activation_fn: Any = None, weight_init: Any = _XAVIER, bias_init: Any = _ZEROS, name: str | None = None,
    weight_collections: Any = (tf.GraphKeys.WEIGHTS,), bias_collections: Any = (tf.GraphKeys.BIASES,),
    output_collections: Any = (tf.GraphKeys.ACTIVATIONS,), trainable: bool = True, weight_regularizer: Any = None, bias_regularizer: Any = None,
) -> Any:  # fmt: skip
    """activation(x @ weights + bias), as the first contrib release had it."""
    with tf.variable_scope(name, "fully_connected", [x]):
        x = tf.convert_to_tensor(x)
        dims = x.get_shape().dims
        if dims is None:
            raise ValueError("dims of x must be known but is None")
        if len(dims) < 2:
            raise ValueError(f"rank of x must be at least 2 not: {len(dims)}")
        num_input_units = tf.Dimension(dims[-1]).value
        if num_input_units is None:
            raise ValueError("last dimension of x must be known but is None")
        dtype = x.dtype.base_dtype
        weight_collections = {*(weight_collections or ()), tf.GraphKeys.GLOBAL_VARIABLES}
        w = tf.get_variable("weights", shape=[num_input_units, num_output_units], dtype=dtype, initializer=weight_init,
                            collections=weight_collections, regularizer=weight_regularizer, trainable=trainable)  # fmt: skip
        x_2_dim = x if len(dims) <= 2 else tf.reshape(x, [-1, num_input_units])
        y = tf.matmul(x_2_dim, w)
        if bias_init is not None:
            b = tf.get_variable("bias", shape=[num_output_units], dtype=dtype, initializer=bias_init, regularizer=bias_regularizer,
                                collections={*(bias_collections or ()), tf.GraphKeys.GLOBAL_VARIABLES}, trainable=trainable)  # fmt: skip
            y = tf.nn.bias_add(y, b)
        if len(dims) > 2:
            y = tf.reshape(y, tf.concat([tf.shape(x)[:-1], [num_output_units]], 0))
            y.set_shape([*x.get_shape().as_list()[:-1], num_output_units])
        y = y if activation_fn is None else activation_fn(y)
        tf.add_to_collections(output_collections, y)
        return y


legacy_linear = functools.partial(legacy_fully_connected, activation_fn=None)
legacy_relu = functools.partial(legacy_fully_connected, activation_fn=tf.nn.relu)
for _name in ("legacy_linear", "legacy_relu"):
    contrib_constant(f"layers.{_name}", module=__name__, attr=_name)
