"""AlexNet, VGG and OverFeat: `slim.nets.alexnet`, `slim.nets.vgg`, `slim.nets.overfeat`."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import arg_scope
from penstock.contrib.layers.convolution import convolution2d as conv2d
from penstock.contrib.layers.dense import dropout, fully_connected, max_pool2d, repeat
from penstock.contrib.layers.naming import convert_collection_to_dict
from penstock.contrib.layers.regularizers import l2_regularizer
from penstock.contrib.names import contrib


@contrib("slim.nets.alexnet.trunc_normal", "slim.nets.overfeat.trunc_normal")
def trunc_normal(stddev: float) -> Any:
    """A truncated normal initializer around 0."""
    return tf.truncated_normal_initializer(0.0, stddev)


def _wide_arg_scope(weight_decay: float) -> Any:
    with arg_scope([conv2d, fully_connected], activation_fn=tf.nn.relu, biases_initializer=tf.constant_initializer(0.1),
                   weights_regularizer=l2_regularizer(weight_decay)):  # fmt: skip
        with arg_scope([conv2d], padding="SAME"):
            with arg_scope([max_pool2d], padding="VALID") as scope:
                return scope


def _classifier(net: Any, num_classes: int, layers: Any, dropout_keep_prob: float, is_training: Any, first: Any, initializer: Any) -> Any:
    """Two wide convolutions in place of fully connected layers, and the logits."""
    hidden, kernel, name = first
    with arg_scope([conv2d], **({"weights_initializer": trunc_normal(0.005), "biases_initializer": tf.constant_initializer(0.1)} if initializer else {})):
        net = conv2d(net, hidden, kernel, padding="VALID", scope=name)
        net = dropout(net, dropout_keep_prob, is_training=is_training, scope=layers[0])
        net = conv2d(net, 4096, [1, 1], scope=layers[1])
        net = dropout(net, dropout_keep_prob, is_training=is_training, scope=layers[2])
        return conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                      **({"biases_initializer": tf.zeros_initializer()} if initializer else {}), scope=layers[3])  # fmt: skip


def _ended(net: Any, collection: str, scope: Any, name: str, squeeze: bool) -> Any:
    end_points = convert_collection_to_dict(collection)
    if squeeze:
        net = tf.squeeze(net, [1, 2], name=f"{name}/squeezed")
        end_points[scope.name + f"/{name}"] = net
    return net, end_points


@contrib("slim.nets.alexnet.alexnet_v2_arg_scope")
def alexnet_v2_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The arguments that AlexNet's layers take."""
    return _wide_arg_scope(weight_decay)


@contrib("slim.nets.alexnet.alexnet_v2")
def alexnet_v2(inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: Any = "alexnet_v2") -> Any:
    """AlexNet version 2: (logits, end points)."""
    with tf.variable_scope(scope, "alexnet_v2", [inputs]) as sc:
        collection = sc.original_name_scope + "_end_points"
        with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=[collection]):
            net = conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = max_pool2d(net, [3, 3], 2, scope="pool1")
            net = conv2d(net, 192, [5, 5], scope="conv2")
            net = max_pool2d(net, [3, 3], 2, scope="pool2")
            net = conv2d(net, 384, [3, 3], scope="conv3")
            net = conv2d(net, 384, [3, 3], scope="conv4")
            net = conv2d(net, 256, [3, 3], scope="conv5")
            net = max_pool2d(net, [3, 3], 2, scope="pool5")
            net = _classifier(net, num_classes, ("dropout6", "fc7", "dropout7", "fc8"), dropout_keep_prob, is_training, (4096, [5, 5], "fc6"), True)
            return _ended(net, collection, sc, "fc8", spatial_squeeze)


@contrib("slim.nets.overfeat.overfeat_arg_scope")
def overfeat_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The arguments that OverFeat's layers take."""
    with arg_scope([conv2d, fully_connected], activation_fn=tf.nn.relu, weights_regularizer=l2_regularizer(weight_decay), biases_initializer=tf.zeros_initializer()):
        with arg_scope([conv2d], padding="SAME"):
            with arg_scope([max_pool2d], padding="VALID") as scope:
                return scope


@contrib("slim.nets.overfeat.overfeat")
def overfeat(inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: Any = "overfeat") -> Any:
    """OverFeat: (logits, end points)."""
    with tf.variable_scope(scope, "overfeat", [inputs]) as sc:
        collection = sc.name + "_end_points"
        with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=collection):
            net = conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = max_pool2d(net, [2, 2], scope="pool1")
            net = conv2d(net, 256, [5, 5], padding="VALID", scope="conv2")
            net = max_pool2d(net, [2, 2], scope="pool2")
            net = conv2d(net, 512, [3, 3], scope="conv3")
            net = conv2d(net, 1024, [3, 3], scope="conv4")
            net = conv2d(net, 1024, [3, 3], scope="conv5")
            net = max_pool2d(net, [2, 2], scope="pool5")
            net = _classifier(net, num_classes, ("dropout6", "fc7", "dropout7", "fc8"), dropout_keep_prob, is_training, (3072, [6, 6], "fc6"), True)
            return _ended(net, collection, sc, "fc8", spatial_squeeze)


@contrib("slim.nets.vgg.vgg_arg_scope")
def vgg_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The arguments that VGG's layers take."""
    with arg_scope([conv2d, fully_connected], activation_fn=tf.nn.relu, weights_regularizer=l2_regularizer(weight_decay), biases_initializer=tf.zeros_initializer()):
        with arg_scope([conv2d], padding="SAME") as scope:
            return scope


def _vgg(default_scope: str, repeats: tuple[int, ...], doc: str, *names: str) -> Any:
    def vgg(inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: Any = default_scope) -> Any:
        with tf.variable_scope(scope, default_scope, [inputs]) as sc:
            collection = sc.original_name_scope + "_end_points"
            with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=collection):
                net = inputs
                for i, (count, filters) in enumerate(zip(repeats, (64, 128, 256, 512, 512)), 1):
                    net = repeat(net, count, conv2d, filters, [3, 3], scope=f"conv{i}")
                    net = max_pool2d(net, [2, 2], scope=f"pool{i}")
                net = _classifier(net, num_classes, ("dropout6", "fc7", "dropout7", "fc8"), dropout_keep_prob, is_training, (4096, [7, 7], "fc6"), False)
                return _ended(net, collection, sc, "fc8", spatial_squeeze)

    vgg.__name__ = vgg.__qualname__ = default_scope
    vgg.__doc__ = doc
    vgg.default_image_size = 224  # type: ignore[attr-defined]
    return contrib(*(f"slim.nets.vgg.{n}" for n in names))(vgg)


vgg_a = _vgg("vgg_a", (1, 1, 2, 2, 2), "VGG of 11 layers, version A: (logits, end points).", "vgg_a")
vgg_16 = _vgg("vgg_16", (2, 2, 3, 3, 3), "VGG of 16 layers, version D: (logits, end points).", "vgg_16", "vgg_d")
vgg_19 = _vgg("vgg_19", (2, 2, 4, 4, 4), "VGG of 19 layers, version E: (logits, end points).", "vgg_19", "vgg_e")
alexnet_v2.default_image_size = 224
overfeat.default_image_size = 231
