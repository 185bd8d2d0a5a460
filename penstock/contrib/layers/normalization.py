"""`batch_norm`, `layer_norm`, `instance_norm`, `group_norm` of `tf.contrib.layers`."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import add_arg_scope
from penstock.contrib.framework.variables import model_variable
from penstock.contrib.layers.convolution import finish
from penstock.contrib.layers.naming import add_variable_to_collections, get_variable_collections, variable_getter
from penstock.contrib.names import contrib
from penstock.layers.base import constant_value, smart_cond

UPDATE_OPS = tf.GraphKeys.UPDATE_OPS


def _assign_moving_average(variable: Any, value: Any, decay: float, zero_debias: bool) -> Any:
    from penstock.train.moving_averages import assign_moving_average

    return assign_moving_average(variable, value, decay, zero_debias=zero_debias)


@contrib("layers.batch_norm", "slim.batch_norm")
@add_arg_scope
def batch_norm(
    inputs: Any, decay: Any = 0.999, center: bool = True, scale: bool = False, epsilon: float = 0.001, activation_fn: Any = None,
    param_initializers: Any = None, param_regularizers: Any = None, updates_collections: Any = UPDATE_OPS, is_training: Any = True,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, batch_weights: Any = None,
    fused: bool | None = None, data_format: str = "NHWC", zero_debias_moving_mean: bool = False, scope: Any = None, renorm: bool = False,
    renorm_clipping: Any = None, renorm_decay: float = 0.99, adjustment: Any = None,
) -> Any:  # fmt: skip
    """Normalize each channel by the batch in training and by moving averages otherwise.

    The updates of the averages go to `updates_collections`, to be run beside the training op; with None they run in place.
    """
    if fused is None:
        fused = True
    inputs = tf.convert_to_tensor(inputs)
    rank = inputs.get_shape().ndims
    feasible = batch_weights is None and not renorm and rank in (2, 4) and adjustment is None
    if fused and feasible and (zero_debias_moving_mean or rank == 2 or updates_collections != UPDATE_OPS):
        return _fused(
            inputs, decay, center, scale, epsilon, activation_fn, param_initializers, param_regularizers, updates_collections, is_training,
            reuse, variables_collections, outputs_collections, trainable, data_format, zero_debias_moving_mean, scope,
        )  # fmt: skip
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with tf.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse, custom_getter=variable_getter()) as sc:
        initializers, regularizers = param_initializers or {}, param_regularizers or {}
        if batch_weights is None and updates_collections == UPDATE_OPS and not zero_debias_moving_mean:
            layer = tf.layers.BatchNormalization(
                axis=1 if data_format == "NCHW" else -1, momentum=decay, epsilon=epsilon, center=center, scale=scale,
                beta_initializer=initializers.get("beta", tf.zeros_initializer()),
                gamma_initializer=initializers.get("gamma", tf.ones_initializer()),
                moving_mean_initializer=initializers.get("moving_mean", tf.zeros_initializer()),
                moving_variance_initializer=initializers.get("moving_variance", tf.ones_initializer()),
                beta_regularizer=regularizers.get("beta"), gamma_regularizer=regularizers.get("gamma"), trainable=trainable, renorm=renorm,
                renorm_clipping=renorm_clipping, renorm_momentum=renorm_decay, adjustment=adjustment, name=sc.name, _scope=sc, _reuse=reuse,
                fused=fused and feasible,
            )  # fmt: skip
            outputs = layer.apply(inputs, training=is_training)
            for name in ("moving_mean", "moving_variance", "beta", "gamma"):
                variable = getattr(layer, name, None)
                if variable is not None:
                    add_variable_to_collections(variable, variables_collections, name)
            return finish(outputs, None, None, activation_fn, outputs_collections, sc)
        if renorm:
            raise ValueError("renorm is not supported with batch_weights, updates_collections or zero_debias_moving_mean")
        shape = inputs.get_shape()
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        dtype = inputs.dtype.base_dtype
        if batch_weights is not None:
            batch_weights = tf.convert_to_tensor(batch_weights)
            if not shape[0:1].is_compatible_with(batch_weights.get_shape()):
                raise ValueError(f"Weights {batch_weights} shape {batch_weights.get_shape()} must match the batch size of inputs {shape}.")
            batch_weights = tf.reshape(tf.cast(batch_weights, dtype), [-1] + [1] * (rank - 1))
        channel = 1 if data_format == "NCHW" else rank - 1
        axes = [i for i in range(rank) if i != channel]
        size = shape.as_list()[channel]
        if size is None:
            raise ValueError(f"Inputs {inputs.name} has undefined `C` dimension {shape}.")
        broadcast = [1, size] + [1] * (rank - 2) if data_format == "NCHW" else None
        parts = _parameters([size], dtype, center, scale, initializers, regularizers, trainable, variables_collections)
        beta, gamma, moving_mean, moving_variance = parts

        def moments() -> Any:
            if batch_weights is None:
                return tf.nn.moments(inputs, axes)
            return tf.nn.weighted_moments(inputs, axes, batch_weights)

        mean, variance = _averaged(moments, moving_mean, moving_variance, decay, is_training, updates_collections, zero_debias_moving_mean)
        spread = lambda v: v if v is None or broadcast is None else tf.reshape(v, broadcast)
        outputs = tf.nn.batch_normalization(inputs, spread(mean), spread(variance), spread(beta), spread(gamma), epsilon)
        outputs.set_shape(shape)
        return finish(outputs, None, None, activation_fn, outputs_collections, sc)


def _parameters(
    shape: Any, dtype: Any, center: bool, scale: bool, initializers: Any, regularizers: Any, trainable: bool, collections: Any
) -> tuple[Any, ...]:  # fmt: skip
    """beta and gamma (None where not wanted), moving mean and variance."""

    def make(name: str, initial: Any, trained: bool) -> Any:
        return model_variable(name, shape=shape, dtype=dtype, initializer=initializers.get(name, initial), regularizer=regularizers.get(name),
                              collections=get_variable_collections(collections, name), trainable=trained)  # fmt: skip

    beta = make("beta", tf.zeros_initializer(), trainable) if center else None
    gamma = make("gamma", tf.ones_initializer(), trainable) if scale else None
    scope = tf.get_variable_scope()
    partitioner = scope.partitioner
    try:
        scope.set_partitioner(None)
        return beta, gamma, make("moving_mean", tf.zeros_initializer(), False), make("moving_variance", tf.ones_initializer(), False)
    finally:
        scope.set_partitioner(partitioner)


def _updates(moving_mean: Any, moving_variance: Any, mean: Any, variance: Any, decay: Any, zero_debias: bool) -> tuple[Any, Any]:
    return (
        _assign_moving_average(moving_mean, mean, decay, zero_debias),
        _assign_moving_average(moving_variance, variance, decay, False),
    )


def _averaged(moments: Any, moving_mean: Any, moving_variance: Any, decay: Any, is_training: Any, updates_collections: Any, zero_debias: bool) -> tuple[Any, Any]:
    """Mean and variance to normalize by; the averages are moved, in place or through a collection."""
    averages = lambda: (moving_mean, moving_variance)
    if constant_value(is_training) is False:
        return averages()
    mean, variance = moments()
    if updates_collections is None:

        def force() -> Any:
            with tf.control_dependencies(_updates(moving_mean, moving_variance, mean, variance, decay, zero_debias)):
                return tf.identity(mean), tf.identity(variance)

        return smart_cond(is_training, force, lambda: (tf.identity(moving_mean), tf.identity(moving_variance)))
    delayed = smart_cond(is_training, lambda: _updates(moving_mean, moving_variance, mean, variance, decay, zero_debias),
                         lambda: (tf.identity(moving_mean), tf.identity(moving_variance)))  # fmt: skip
    for update in delayed:
        tf.add_to_collections(updates_collections, update)
    return smart_cond(is_training, lambda: (mean, variance), lambda: (tf.identity(moving_mean), tf.identity(moving_variance)))


def _fused(
    inputs: Any, decay: Any, center: bool, scale: bool, epsilon: float, activation_fn: Any, param_initializers: Any, param_regularizers: Any,
    updates_collections: Any, is_training: Any, reuse: Any, variables_collections: Any, outputs_collections: Any, trainable: bool,
    data_format: str, zero_debias: bool, scope: Any,
) -> Any:  # fmt: skip
    """`batch_norm` by the fused op, where the layer of `tf.layers` does not keep the updates as asked."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with tf.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse) as sc:
        original = inputs.get_shape()
        rank = original.ndims
        size = original.as_list()[-1 if data_format == "NHWC" else 1]
        if size is None:
            raise ValueError(f"Inputs {inputs.name} has undefined `C` dimension {original}.")
        if rank == 2:
            inputs = tf.reshape(inputs, [-1, 1, 1, size] if data_format == "NHWC" else [-1, size, 1, 1])
        dtype = tf.float32 if inputs.dtype in (tf.float16, tf.bfloat16) else inputs.dtype.base_dtype
        initializers, regularizers = param_initializers or {}, param_regularizers or {}
        trained_beta, trained_gamma, moving_mean, moving_variance = _parameters(
            [size], dtype, center, scale, initializers, regularizers, trainable, variables_collections
        )
        beta = trained_beta if center else tf.constant(0.0, dtype=dtype, shape=[size])
        gamma = trained_gamma if scale else tf.constant(1.0, dtype=dtype, shape=[size])
        normalize = tf.nn.fused_batch_norm

        def train() -> Any:
            return normalize(inputs, gamma, beta, epsilon=epsilon, data_format=data_format)

        def infer() -> Any:
            return normalize(inputs, gamma, beta, mean=moving_mean, variance=moving_variance, epsilon=epsilon, is_training=False, data_format=data_format)

        outputs, mean, variance = smart_cond(is_training, train, infer)
        if constant_value(is_training) is not False:
            keep = lambda: (tf.identity(moving_mean), tf.identity(moving_variance))
            update = lambda: _updates(moving_mean, moving_variance, mean, variance, decay, zero_debias)
            if updates_collections is None:

                def forced() -> Any:
                    with tf.control_dependencies(update()):
                        return tf.identity(outputs)

                outputs = smart_cond(is_training, forced, lambda: tf.identity(outputs))
            else:
                for moved in smart_cond(is_training, update, keep):
                    tf.add_to_collections(updates_collections, moved)
        outputs.set_shape(inputs.get_shape())
        if rank == 2:
            outputs = tf.reshape(outputs, [-1, size])
        outputs.set_shape(original)
        return finish(outputs, None, None, activation_fn, outputs_collections, sc)


@contrib("layers.layer_norm", "slim.layer_norm")
@add_arg_scope
def layer_norm(
    inputs: Any, center: bool = True, scale: bool = True, activation_fn: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: bool = True, begin_norm_axis: int = 1, begin_params_axis: int = -1, scope: Any = None,
) -> Any:  # fmt: skip
    """Normalize each example over the axes from `begin_norm_axis`."""
    with tf.variable_scope(scope, "LayerNorm", [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        shape = inputs.shape
        rank = shape.ndims
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        dtype = inputs.dtype.base_dtype
        if begin_norm_axis < 0:
            begin_norm_axis = rank + begin_norm_axis
        if begin_params_axis >= rank or begin_norm_axis >= rank:
            raise ValueError(f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({begin_norm_axis}) must be < rank(inputs) ({rank})")
        params_shape = shape[begin_params_axis:]
        if not params_shape.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {shape}")
        beta, gamma = _trained(params_shape, dtype, center, scale, {}, trainable, variables_collections)
        mean, variance = tf.nn.moments(inputs, list(range(begin_norm_axis, rank)), keepdims=True)
        epsilon = 1e-3 if dtype == tf.float16 else 1e-12
        outputs = tf.nn.batch_normalization(inputs, mean, variance, offset=beta, scale=gamma, variance_epsilon=epsilon)
        outputs.set_shape(shape)
        return finish(outputs, None, None, activation_fn, outputs_collections, sc)


def _trained(shape: Any, dtype: Any, center: bool, scale: bool, initializers: Any, trainable: bool, collections: Any) -> tuple[Any, Any]:
    make = lambda name, initial: model_variable(
        name, shape=shape, dtype=dtype, initializer=initializers.get(name, initial), trainable=trainable,
        collections=get_variable_collections(collections, name),
    )  # fmt: skip
    beta = make("beta", tf.zeros_initializer()) if center else None
    gamma = make("gamma", tf.ones_initializer()) if scale else None
    return beta, gamma


@contrib("layers.instance_norm", "slim.instance_norm")
@add_arg_scope
def instance_norm(
    inputs: Any, center: bool = True, scale: bool = True, epsilon: float = 1e-6, activation_fn: Any = None, param_initializers: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, data_format: str = "NHWC",
    scope: Any = None,
) -> Any:  # fmt: skip
    """Normalize each channel of each example over its positions."""
    inputs = tf.convert_to_tensor(inputs)
    shape = inputs.shape
    rank = shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with tf.variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as sc:
        channel = rank - 1 if data_format == "NHWC" else 1
        size = shape.as_list()[channel]
        if size is None:
            raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {shape}.")
        beta, gamma = _trained([size], inputs.dtype.base_dtype, center, scale, param_initializers or {}, trainable, variables_collections)
        if data_format == "NCHW":
            broadcast = [1, size] + [1] * (rank - 2)
            beta, gamma = (None if v is None else tf.reshape(v, broadcast) for v in (beta, gamma))
        mean, variance = tf.nn.moments(inputs, [i for i in range(1, rank) if i != channel], keepdims=True)
        outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon, name="instancenorm")
        outputs.set_shape(shape)
        return finish(outputs, None, None, activation_fn, outputs_collections, sc)


@contrib("layers.group_norm", "slim.group_norm")
@add_arg_scope
def group_norm(
    inputs: Any, groups: int = 32, channels_axis: int = -1, reduction_axes: Any = (-3, -2), center: bool = True, scale: bool = True,
    epsilon: float = 1e-6, activation_fn: Any = None, param_initializers: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: bool = True, scope: Any = None, mean_close_to_zero: bool = False,
) -> Any:  # fmt: skip
    """Normalize each group of channels of each example over its positions."""
    inputs = tf.convert_to_tensor(inputs)
    if inputs.shape.ndims is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    rank = inputs.shape.ndims
    if channels_axis > rank - 1:
        raise ValueError("Axis is out of bounds.")
    dims = inputs.shape.as_list()
    dynamic = tf.shape(inputs)
    sizes = [dynamic[i] if d is None else d for i, d in enumerate(dims)]
    channels_axis = channels_axis if channels_axis >= 0 else rank + channels_axis
    channels = dims[channels_axis]
    if channels is None:
        raise ValueError(f"Inputs {inputs.name} has undefined channel dimension: {channels_axis}.")
    axes = [a if a >= 0 else rank + a for a in reduction_axes]
    for a in axes:
        if a > rank:
            raise ValueError("Axis is out of bounds.")
        if dims[a] is None:
            raise ValueError(f"Inputs {inputs.name} has undefined dimensions {a}.")
        if channels_axis == a:
            raise ValueError("reduction_axis must be mutually exclusive with channels_axis")
    if groups > channels:
        raise ValueError(f"Invalid groups {groups} for {channels} channels.")
    if channels % groups != 0:
        raise ValueError(f"{channels} channels is not commensurate with {groups} groups.")
    grouped = sizes[:channels_axis] + [groups, channels // groups] + sizes[channels_axis + 1 :]
    moment_axes = [a + 1 if a > channels_axis else a for a in axes] + [channels_axis + 1]
    broadcast = [1] * rank
    broadcast[channels_axis] = channels
    broadcast = broadcast[:channels_axis] + [groups, channels // groups] + broadcast[channels_axis + 1 :]
    with tf.variable_scope(scope, "GroupNorm", [inputs], reuse=reuse) as sc:
        beta, gamma = _trained([channels], inputs.dtype.base_dtype, center, scale, param_initializers or {}, trainable, variables_collections)
        beta, gamma = (None if v is None else tf.reshape(v, broadcast) for v in (beta, gamma))
        x = tf.reshape(inputs, grouped)
        if mean_close_to_zero:
            counts, means_ss, variance_ss, _ = tf.nn.sufficient_statistics(x, moment_axes, keepdims=True)
            mean, variance = tf.nn.normalize_moments(counts, means_ss, variance_ss, shift=None)
        else:
            mean, variance = tf.nn.moments(x, moment_axes, keepdims=True)
        gain = tf.math.rsqrt(variance + epsilon)
        if gamma is not None:
            gain *= gamma
        offset = -mean * gain
        if beta is not None:
            offset += beta
        outputs = tf.reshape(x * gain + offset, sizes)
        outputs.set_shape(inputs.shape)
        return finish(outputs, None, None, activation_fn, outputs_collections, sc)
