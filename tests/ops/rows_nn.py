"""Rows of the ops of neural nets and of images."""

import numpy as np

from tests.ops.harness import Row, f, i, pos

_ACTIVATIONS = {
    "Relu": lambda x: np.maximum(x, 0), "Relu6": lambda x: np.clip(x, 0, 6), "Elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "Selu": lambda x: np.where(x < 0, 1.7580993408473766 * np.expm1(x), 1.0507009873554805 * x), "Softplus": lambda x: np.log1p(np.exp(x)),
    "Softsign": lambda x: x / (1 + np.abs(x)), "LeakyRelu": lambda x: np.where(x > 0, x, 0.2 * x),
}  # fmt: skip


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ROWS = [Row(n, (f(3, 4),), ref=r) for n, r in _ACTIVATIONS.items()]
ROWS += [
    Row(f"{n}Grad", (f(2, 3), f(2, 3))) for n in ("Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign", "LeakyRelu")
]
ROWS += [
    Row("LeakyRelu", (f(5),), {"alpha": 0.5}, ref=lambda x: np.where(x > 0, x, 0.5 * x)),
    Row("Softmax", (f(2, 3),), ref=_softmax), Row("Softmax", (f(2, 1, 4),), ref=_softmax),
    Row("LogSoftmax", (f(2, 3),), ref=lambda x: np.log(_softmax(x))),
    Row("L2Loss", (f(2, 3),), ref=lambda x: (x * x).sum() / 2),
    Row("BiasAdd", (f(2, 3, 4), f(4)), ref=np.add),
    Row("BiasAdd", (f(2, 3, 4), f(3)), {"data_format": "NCHW"}, ref=lambda x, b: x + b[:, None]),
    Row("BiasAddV1", (f(2, 4), f(4)), ref=np.add),
    Row("BiasAddGrad", (f(2, 3, 4),), ref=lambda x: x.sum((0, 1))),
    Row("BiasAddGrad", (f(2, 3, 4),), {"data_format": "NCHW"}, ref=lambda x: x.sum((0, 2))),
    Row("SoftmaxCrossEntropyWithLogits", (f(3, 4), _softmax(f(3, 4))), grad=False,
        ref=lambda x, y: (-(y * np.log(_softmax(x))).sum(-1), _softmax(x) - y)),
    Row("SparseSoftmaxCrossEntropyWithLogits", (f(3, 4), i(3, low=0, high=4)), grad=False,
        ref=lambda x, y: (-np.log(_softmax(x))[np.arange(3), y], _softmax(x) - np.eye(4)[y])),
    Row("TopKV2", (f(3, 5), np.int32(2)), ref=lambda x, k: (-np.sort(-x)[:, :2], np.argsort(-x, kind="stable")[:, :2])),
    Row("TopKV2", (i(2, 6), np.int32(6)), ref=lambda x, k: (-np.sort(-x), np.argsort(-x, kind="stable"))),
    Row("TopK", (f(3, 5),), {"k": 3}, ref=lambda x: (-np.sort(-x)[:, :3], np.argsort(-x, kind="stable")[:, :3])),
    Row("InTopKV2", (f(3, 5), i(3, low=0, high=5), np.int32(2)), ref=lambda p, t, k: (p > p[np.arange(3), t][:, None]).sum(1) < 2),
    Row("InTopK", (f(3, 5), i(3, low=0, high=5)), {"k": 3}, ref=lambda p, t: (p > p[np.arange(3), t][:, None]).sum(1) < 3),
    Row("NthElement", (f(3, 5), np.int32(1)), grad=False, ref=lambda x, n: np.sort(x)[:, 1]),
    Row("NthElement", (f(2, 4), np.int32(0)), {"reverse": True}, grad=False, ref=lambda x, n: x.max(1)),
]  # fmt: skip


def _conv(x, w, s, pads):
    """The convolution of [batch, height, width, in] in plain loops."""
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    height, width = ((n - k) // t + 1 for n, k, t in zip(x.shape[1:3], w.shape[:2], s))
    out = np.zeros((x.shape[0], height, width, w.shape[3]), x.dtype)
    for a in range(height):
        for b in range(width):
            patch = x[:, a * s[0] : a * s[0] + w.shape[0], b * s[1] : b * s[1] + w.shape[1]]
            out[:, a, b] = np.tensordot(patch, w, 3)
    return out


_ONE, _TWO = [1, 1, 1, 1], [1, 2, 2, 1]
_V = {"padding": "VALID"}
ROWS += [
    Row("Conv2D", (f(2, 5, 4, 3), f(3, 2, 3, 2)), {"strides": _ONE, **_V}, ref=lambda x, w: _conv(x, w, (1, 1), ((0, 0), (0, 0)))),
    Row("Conv2D", (f(1, 5, 4, 3), f(3, 2, 3, 2)), {"strides": _TWO, "padding": "SAME"},
        ref=lambda x, w: _conv(x, w, (2, 2), ((1, 1), (0, 0)))),
    Row("Conv2D", (f(1, 4, 5, 2), f(1, 1, 2, 3)), {"strides": _ONE, **_V}, ref=lambda x, w: _conv(x, w, (1, 1), ((0, 0), (0, 0)))),
    Row("Conv2D", (f(1, 4, 5, 4), f(2, 3, 2, 6)), {"strides": _ONE, "padding": "SAME"}, dtypes=("float64",)),
    Row("Conv2D", (f(1, 3, 6, 5), f(2, 3, 3, 2)), {"strides": [1, 1, 2, 1], "padding": "SAME", "data_format": "NCHW"}, dtypes=("float64",)),
    Row("Conv2D", (f(1, 7, 7, 2), f(2, 3, 2, 2)), {"strides": _ONE, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 2, 1, 0, 0],
        "dilations": [1, 2, 1, 1]}, dtypes=("float64",)),
    Row("Conv2DBackpropInput", (np.array([1, 5, 4, 3], np.int32), f(3, 2, 3, 2), f(1, 3, 2, 2)), {"strides": _TWO, "padding": "SAME"}, dtypes=()),
    Row("Conv2DBackpropFilter", (f(1, 5, 4, 3), np.array([3, 2, 3, 2], np.int32), f(1, 3, 2, 2)), {"strides": _TWO, "padding": "SAME"}, dtypes=()),
    Row("Conv3D", (f(1, 3, 4, 3, 2), f(2, 2, 2, 2, 3)), {"strides": [1, 1, 2, 1, 1], "padding": "SAME"}, dtypes=("float64",)),
    Row("Conv3DBackpropInputV2", (np.array([1, 3, 4, 3, 2], np.int32), f(2, 2, 2, 2, 3), f(1, 2, 3, 2, 3)), {"strides": [1] * 5, **_V}, dtypes=()),
    Row("Conv3DBackpropFilterV2", (f(1, 3, 4, 3, 2), np.array([2, 2, 2, 2, 3], np.int32), f(1, 2, 3, 2, 3)), {"strides": [1] * 5, **_V}, dtypes=()),
    Row("DepthwiseConv2dNative", (f(1, 5, 4, 3), f(3, 2, 3, 1)), {"strides": _ONE, **_V},
        ref=lambda x, w: np.concatenate([_conv(x[..., c : c + 1], w[:, :, c : c + 1], (1, 1), ((0, 0), (0, 0))) for c in range(3)], -1)),
    Row("DepthwiseConv2dNative", (f(1, 5, 4, 2), f(3, 2, 2, 2)), {"strides": _TWO, "padding": "SAME"}),
    Row("DepthwiseConv2dNative", (f(1, 2, 5, 6), f(2, 2, 2, 2)), {"strides": _ONE, "padding": "SAME", "data_format": "NCHW", "dilations": [1, 1, 1, 2]}),
    Row("DepthwiseConv2dNativeBackpropInput", (np.array([1, 5, 4, 2], np.int32), f(3, 2, 2, 2), f(1, 3, 2, 4)), {"strides": _TWO, "padding": "SAME"}),
    Row("DepthwiseConv2dNativeBackpropFilter", (f(1, 5, 4, 2), np.array([3, 2, 2, 2], np.int32), f(1, 3, 2, 4)), {"strides": _TWO, "padding": "SAME"}),
]  # fmt: skip

_POOL = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
_OVER = {"ksize": [1, 3, 2, 1], "strides": [1, 2, 1, 1], "padding": "SAME"}
_POOL_3D = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 1, 2, 1, 1], "padding": "SAME"}
_blocks = lambda x: x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2, x.shape[3])
ROWS += [
    Row("MaxPool", (f(2, 4, 6, 3),), _POOL, ref=lambda x: _blocks(x).max((2, 4))),
    Row("MaxPool", (f(1, 5, 4, 2),), _OVER),
    Row("MaxPool", (f(1, 2, 5, 4),), {"ksize": [1, 1, 3, 2], "strides": [1, 1, 2, 1], "padding": "SAME", "data_format": "NCHW"}),
    Row("MaxPool", (f(1, 5, 4, 2),), {"ksize": [1, 2, 2, 1], "strides": _ONE, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]},
        second=False),
    Row("MaxPoolV2", (f(1, 4, 6, 2), np.array([1, 2, 2, 1], np.int32), np.array(_TWO, np.int32)), _V, ref=lambda x, k, s: _blocks(x).max((2, 4))),
    Row("AvgPool", (f(2, 4, 6, 3),), _POOL, ref=lambda x: _blocks(x).mean((2, 4))),
    Row("AvgPool", (f(1, 5, 4, 2),), _OVER),
    Row("AvgPool", (f(1, 9, 8, 2),), {"ksize": [1, 5, 5, 1], "strides": [1, 3, 2, 1], "padding": "SAME"}),
    Row("AvgPoolGrad", (np.array([1, 5, 4, 2], np.int32), f(1, 3, 4, 2)), _OVER),
    Row("MaxPool3D", (f(1, 3, 4, 3, 2),), _POOL_3D), Row("AvgPool3D", (f(1, 3, 4, 3, 2),), _POOL_3D),
    Row("AvgPool3DGrad", (np.array([1, 3, 4, 3, 2], np.int32), f(1, 3, 2, 3, 2)), _POOL_3D),
    Row("MaxPoolWithArgmax", (f(1, 4, 6, 2),), _POOL, grad=False),
    Row("LRN", (f(1, 2, 3, 6),), {"depth_radius": 1, "alpha": 0.5, "bias": 2.0, "beta": 0.75}, second=False),
    Row("LRN", (f(1, 2, 1, 3),), {"depth_radius": 4}, second=False),
]  # fmt: skip

_BATCH = (f(3, 2, 4, 3), pos(3), f(3), f(3), pos(3))
_normal = lambda x, s, o, m, v: (x - m) / np.sqrt(v + np.float32(1e-4)) * s + o
ROWS += [
    Row("FusedBatchNormV3", _BATCH, grad=False, tol=1e-4, dtypes=()),
    Row("FusedBatchNormV3", _BATCH, {"is_training": False}, grad=False, dtypes=(),
        ref=lambda x, s, o, m, v: (_normal(x, s, o, m, v), m, v, m, v, np.float32(0))),
    Row("FusedBatchNormV3", (f(2, 3, 2, 4), pos(3), f(3), f(3), pos(3)), {"data_format": "NCHW"}, grad=False, tol=1e-4, dtypes=()),
    Row("FusedBatchNorm", _BATCH, grad=False, tol=1e-4, dtypes=()), Row("FusedBatchNormV2", _BATCH, grad=False, tol=1e-4, dtypes=()),
    Row("FusedBatchNormGradV3", (f(3, 2, 4, 3), f(3, 2, 4, 3), pos(3), f(3), pos(3), np.float32(0)), grad=False, tol=1e-4, dtypes=()),
]  # fmt: skip

_SIZE = np.array([3, 5], np.int32)
_HALF = {"half_pixel_centers": True}
ROWS += [
    Row(n, (f(2, 4, 3, 2), _SIZE), a, dtypes=())
    for n in ("ResizeBilinear", "ResizeBicubic")
    for a in ({}, _HALF, {"align_corners": True})
]
ROWS += [
    Row("ResizeNearestNeighbor", (f(1, 4, 3, 2), np.array([8, 6], np.int32)), ref=lambda x, s: x.repeat(2, 1).repeat(2, 2)),
    Row("ResizeNearestNeighbor", (f(1, 4, 3, 2), _SIZE), _HALF),
    Row("ResizeArea", (f(1, 4, 6, 2), np.array([2, 3], np.int32)), ref=lambda x, s: _blocks(x).mean((2, 4)), dtypes=()),
    Row("ScaleAndTranslate", (f(1, 4, 3, 2), _SIZE, np.array([0.75, 1.5], np.float32), np.array([0.5, 0], np.float32)), dtypes=()),
    Row("RGBToHSV", (pos(2, 3, 3) / 2,), grad=False), Row("HSVToRGB", (pos(2, 3, 3) / 2,), grad=False),
    Row("AdjustContrastv2", (f(2, 3, 4, 3), np.float32(1.5)), grad=False,
        ref=lambda x, c: (x - x.mean((1, 2), keepdims=True)) * c + x.mean((1, 2), keepdims=True)),
    Row("AdjustHue", (pos(2, 2, 3) / 2, np.float32(0.3)), grad=False, tol=1e-4, dtypes=()),
    Row("AdjustSaturation", (pos(2, 2, 3) / 2, np.float32(0.5)), grad=False, tol=1e-4, dtypes=()),
    Row("CropAndResize", (f(2, 5, 4, 2), np.array([[0.1, 0.2, 0.8, 0.9], [0.9, 0, -0.2, 1]], np.float32), np.array([1, 0], np.int32),
        np.array([3, 4], np.int32)), grad=False, dtypes=()),
    Row("FakeQuantWithMinMaxArgs", (f(3, 4) * 5,), grad=False),
    Row("FakeQuantWithMinMaxVars", (f(3, 4) * 5, np.float32(-2), np.float32(3)), grad=False),
    Row("FakeQuantWithMinMaxVarsPerChannel", (f(3, 2) * 5, np.array([-2, -1], np.float32), np.array([3, 2], np.float32)), grad=False),
    Row("QuantizeAndDequantizeV2", (f(3, 4), np.float32(-1), np.float32(1)), {"range_given": True}, grad=False, dtypes=()),
]  # fmt: skip
