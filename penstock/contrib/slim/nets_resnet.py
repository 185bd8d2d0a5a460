"""Residual networks: `slim.nets.resnet_utils`, `slim.nets.resnet_v1`, `slim.nets.resnet_v2`."""

import collections
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import add_arg_scope, arg_scope
from penstock.contrib.layers.convolution import convolution2d as conv2d
from penstock.contrib.layers.dense import max_pool2d
from penstock.contrib.layers.initializers import variance_scaling_initializer
from penstock.contrib.layers.naming import collect_named_outputs, convert_collection_to_dict, last_dimension
from penstock.contrib.layers.normalization import batch_norm
from penstock.contrib.layers.regularizers import l2_regularizer
from penstock.contrib.names import contrib


@contrib("slim.nets.resnet_utils.Block")
class Block(collections.namedtuple("Block", ["scope", "unit_fn", "args"])):  # noqa: PYI024
    """A block: its scope, the function of a unit, and the arguments of each unit."""


@contrib("slim.nets.resnet_utils.subsample")
def subsample(inputs: Any, factor: int, scope: Any = None) -> Any:
    """Every `factor`-th position."""
    return inputs if factor == 1 else max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


@contrib("slim.nets.resnet_utils.conv2d_same")
def conv2d_same(inputs: Any, num_outputs: int, kernel_size: int, stride: int, rate: int = 1, scope: Any = None) -> Any:
    """A convolution whose padding does not depend on the size of the inputs."""
    if stride == 1:
        return conv2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope)
    total = kernel_size + (kernel_size - 1) * (rate - 1) - 1
    before = total // 2
    inputs = tf.pad(inputs, [[0, 0], [before, total - before], [before, total - before], [0, 0]])
    return conv2d(inputs, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope)


@contrib("slim.nets.resnet_utils.stack_blocks_dense")
@add_arg_scope
def stack_blocks_dense(net: Any, blocks: Any, output_stride: int | None = None, outputs_collections: Any = None) -> Any:
    """Blocks one after the other; from `output_stride` on, units dilate instead of striding."""
    current_stride, rate = 1, 1
    for block in blocks:
        with tf.variable_scope(block.scope, "block", [net]) as sc:
            for i, unit in enumerate(block.args):
                if output_stride is not None and current_stride > output_stride:
                    raise ValueError("The target output_stride cannot be reached.")
                with tf.variable_scope(f"unit_{i + 1}", values=[net]):
                    if output_stride is not None and current_stride == output_stride:
                        net = block.unit_fn(net, rate=rate, **dict(unit, stride=1))
                        rate *= unit.get("stride", 1)
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        current_stride *= unit.get("stride", 1)
            net = collect_named_outputs(outputs_collections, sc.name, net)
    if output_stride is not None and current_stride != output_stride:
        raise ValueError("The target output_stride cannot be reached.")
    return net


@contrib("slim.nets.resnet_utils.resnet_arg_scope", "slim.nets.resnet_v1.resnet_arg_scope", "slim.nets.resnet_v2.resnet_arg_scope")
def resnet_arg_scope(weight_decay: float = 0.0001, batch_norm_decay: float = 0.997, batch_norm_epsilon: float = 1e-5, batch_norm_scale: bool = True) -> Any:
    """The arguments that the layers of a ResNet take."""
    params = {"decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale, "updates_collections": tf.GraphKeys.UPDATE_OPS}
    with arg_scope([conv2d], weights_regularizer=l2_regularizer(weight_decay), weights_initializer=variance_scaling_initializer(),
                   activation_fn=tf.nn.relu, normalizer_fn=batch_norm, normalizer_params=params):  # fmt: skip
        with arg_scope([batch_norm], **params):
            with arg_scope([max_pool2d], padding="SAME") as scope:
                return scope


@contrib("slim.nets.resnet_v1.bottleneck")
@add_arg_scope
def bottleneck_v1(inputs: Any, depth: int, depth_bottleneck: int, stride: int, rate: int = 1, outputs_collections: Any = None, scope: Any = None) -> Any:
    """A unit of three convolutions; batch normalization behind each."""
    with tf.variable_scope(scope, "bottleneck_v1", [inputs]) as sc:
        if depth == last_dimension(inputs.get_shape(), min_rank=4):
            shortcut = subsample(inputs, stride, "shortcut")
        else:
            shortcut = conv2d(inputs, depth, [1, 1], stride=stride, activation_fn=None, scope="shortcut")
        residual = conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = conv2d(residual, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        return collect_named_outputs(outputs_collections, sc.name, tf.nn.relu(shortcut + residual))


@contrib("slim.nets.resnet_v2.bottleneck")
@add_arg_scope
def bottleneck_v2(inputs: Any, depth: int, depth_bottleneck: int, stride: int, rate: int = 1, outputs_collections: Any = None, scope: Any = None) -> Any:
    """A unit of three convolutions; batch normalization before each."""
    with tf.variable_scope(scope, "bottleneck_v2", [inputs]) as sc:
        preact = batch_norm(inputs, activation_fn=tf.nn.relu, scope="preact")
        if depth == last_dimension(inputs.get_shape(), min_rank=4):
            shortcut = subsample(inputs, stride, "shortcut")
        else:
            shortcut = conv2d(preact, depth, [1, 1], stride=stride, normalizer_fn=None, activation_fn=None, scope="shortcut")
        residual = conv2d(preact, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = conv2d(residual, depth, [1, 1], stride=1, normalizer_fn=None, activation_fn=None, scope="conv3")
        return collect_named_outputs(outputs_collections, sc.name, shortcut + residual)


def _network(
    version: int, inputs: Any, blocks: Any, num_classes: int | None, is_training: Any, global_pool: bool, output_stride: int | None,
    include_root_block: bool, reuse: Any, scope: Any,
) -> Any:  # fmt: skip
    unit = bottleneck_v1 if version == 1 else bottleneck_v2
    with tf.variable_scope(scope, f"resnet_v{version}", [inputs], reuse=reuse) as sc:
        collection = sc.original_name_scope + "_end_points"
        with arg_scope([conv2d, unit, stack_blocks_dense], outputs_collections=collection), arg_scope([batch_norm], is_training=is_training):
            net = inputs
            if include_root_block:
                if output_stride is not None:
                    if output_stride % 4 != 0:
                        raise ValueError("The output_stride needs to be a multiple of 4.")
                    output_stride //= 4
                with arg_scope([conv2d], **({} if version == 1 else {"activation_fn": None, "normalizer_fn": None})):
                    net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
                net = max_pool2d(net, [3, 3], stride=2, scope="pool1")
            net = stack_blocks_dense(net, blocks, output_stride)
            if version == 2:
                net = batch_norm(net, activation_fn=tf.nn.relu, scope="postnorm")
            if global_pool:
                net = tf.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
            if num_classes is not None:
                net = conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
            end_points = convert_collection_to_dict(collection)
            if num_classes is not None:
                from penstock.contrib.layers.dense import softmax

                end_points["predictions"] = softmax(net, scope="predictions")
            return net, end_points


@contrib("slim.nets.resnet_v1.resnet_v1")
def resnet_v1(
    inputs: Any, blocks: Any, num_classes: int | None = None, is_training: Any = True, global_pool: bool = True, output_stride: int | None = None,
    include_root_block: bool = True, reuse: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """A ResNet of the first kind: (net, end points)."""
    return _network(1, inputs, blocks, num_classes, is_training, global_pool, output_stride, include_root_block, reuse, scope)


@contrib("slim.nets.resnet_v2.resnet_v2")
def resnet_v2(
    inputs: Any, blocks: Any, num_classes: int | None = None, is_training: Any = True, global_pool: bool = True, output_stride: int | None = None,
    include_root_block: bool = True, reuse: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """A ResNet of the second kind: (net, end points)."""
    return _network(2, inputs, blocks, num_classes, is_training, global_pool, output_stride, include_root_block, reuse, scope)


resnet_v1.default_image_size = resnet_v2.default_image_size = 224


def _block(unit: Any, scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    one = lambda s: {"depth": base_depth * 4, "depth_bottleneck": base_depth, "stride": s}
    return Block(scope, unit, [one(1)] * (num_units - 1) + [one(stride)])


@contrib("slim.nets.resnet_v1.resnet_v1_block")
def resnet_v1_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """A block of units; the last one strides."""
    return _block(bottleneck_v1, scope, base_depth, num_units, stride)


@contrib("slim.nets.resnet_v2.resnet_v2_block")
def resnet_v2_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """A block of units; the last one strides."""
    return _block(bottleneck_v2, scope, base_depth, num_units, stride)


def _sized(version: int, layers: int, units: tuple[int, int, int, int]) -> Any:
    name = f"resnet_v{version}_{layers}"

    def resnet(
        inputs: Any, num_classes: int | None = None, is_training: Any = True, global_pool: bool = True, output_stride: int | None = None,
        reuse: Any = None, scope: Any = name,
    ) -> Any:  # fmt: skip
        block, whole = (resnet_v1_block, resnet_v1) if version == 1 else (resnet_v2_block, resnet_v2)
        blocks = [block(f"block{i + 1}", 64 * 2**i, count, stride) for i, (count, stride) in enumerate(zip(units, (2, 2, 2, 1)))]
        return whole(inputs, blocks, num_classes, is_training, global_pool, output_stride, include_root_block=True, reuse=reuse, scope=scope)

    resnet.__name__ = resnet.__qualname__ = name
    resnet.__doc__ = f"The ResNet of {layers} layers: (net, end points)."
    resnet.default_image_size = 224  # type: ignore[attr-defined]
    return contrib(f"slim.nets.resnet_v{version}.{name}")(resnet)


for _layers, _units in ((50, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3)), (200, (3, 24, 36, 3))):
    for _version in (1, 2):
        globals()[f"resnet_v{_version}_{_layers}"] = _sized(_version, _layers, _units)
