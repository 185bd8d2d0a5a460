"""Rows of the array ops: shapes, joins, slices, gathers and scatters, padding, blocks."""

import numpy as np

from tests.ops.harness import Row, b, c, f, i

_v = lambda *n: np.array(n, np.int32)
_none = np.zeros((0,), np.int32)
x = f(2, 3, 4)

ROWS = [
    # shapes
    Row("Shape", (f(2, 3),), ref=lambda t: np.array(t.shape)), Row("Shape", (i(4),), {"out_type": np.int64}, ref=lambda t: np.array(t.shape)),
    Row("ShapeN", ([f(2, 3), f(4)],), ref=lambda ts: [np.array(t.shape) for t in ts]),
    Row("Size", (f(2, 3),), ref=lambda t: np.array(t.size)), Row("Rank", (f(2, 3),), ref=lambda t: np.array(2)),
    Row("Reshape", (f(2, 3), _v(3, 2)), ref=np.reshape), Row("Reshape", (f(2, 3, 4), _v(4, -1)), ref=np.reshape), Row("Reshape", (f(1, 1), _none), ref=np.reshape),
    Row("ExpandDims", (f(2, 3), np.int32(-2)), ref=lambda t, d: t[:, None]), Row("ExpandDims", (f(3), np.int32(1)), ref=lambda t, d: t[:, None]),
    Row("Squeeze", (f(1, 3, 1),), ref=np.squeeze), Row("Squeeze", (f(2, 1, 3, 1),), {"squeeze_dims": [-1]}, ref=lambda t: t[..., 0]),
    Row("BroadcastTo", (f(3, 1), _v(2, 3, 4)), ref=lambda t, s: np.broadcast_to(t, s)), Row("BroadcastTo", (f(2), _v(3, 2)), ref=lambda t, s: np.broadcast_to(t, s)),
    Row("BroadcastArgs", (_v(3, 1), _v(2, 1, 4)), ref=lambda p, q: np.array([2, 3, 4])),
    Row("EnsureShape", (f(2, 3),), {"shape": (2, None)}, ref=lambda t: t),
    # made from nothing
    Row("Fill", (_v(2, 3), np.float32(2)), ref=lambda d, v: np.full(d, v)), Row("ZerosLike", (f(2, 3),), ref=np.zeros_like), Row("OnesLike", (f(2),), ref=np.ones_like),
    Row("Range", (np.int32(1), np.int32(9), np.int32(3)), ref=np.arange), Row("Range", (np.float32(3), np.float32(0), np.float32(-0.75)), ref=np.arange, dtypes=()),
    Row("LinSpace", (np.float32(1), np.float32(3), np.int32(5)), ref=np.linspace),
    Row("OneHot", (i(2, 3, low=-1, high=4), np.int32(3), np.float32(2), np.float32(-1)), ref=lambda t, d, on, off: np.where(t[..., None] == np.arange(3), on, off)),
    Row("OneHot", (i(4, high=3, low=0), np.int32(3), np.float32(1), np.float32(0)), {"axis": 0}, ref=lambda t, d, on, off: (np.arange(3)[:, None] == t) * on),
    Row("Empty", (_v(2, 3),), {"dtype": np.float32}, checks=False),
    # handing on
    Row("Identity", (f(2, 3),), ref=lambda t: t), Row("Identity", (c(2),), ref=lambda t: t), Row("IdentityN", ([f(2), f(3)],), ref=lambda ts: list(ts), grad=False),
    Row("StopGradient", (f(2, 3),), ref=lambda t: t), Row("Snapshot", (f(2),), ref=lambda t: t), Row("DeepCopy", (f(2),), ref=lambda t: t),
    Row("Bitcast", (f(2, 3),), {"type": np.int32}, ref=lambda t: t.view(np.int32), dtypes=()), Row("Bitcast", (f(2, 3),), {"type": np.uint8}, ref=lambda t: t[..., None].view(np.uint8), dtypes=()),
    Row("Bitcast", (i(3, 2),), {"type": np.int64}, ref=lambda t: t.view(np.int64)[:, 0], dtypes=()), Row("Bitcast", (c(3),), {"type": np.float32}, ref=lambda t: t.view(np.float32).reshape(3, 2), dtypes=()),
    # joins
    Row("ConcatV2", ([f(2, 3), f(1, 3), f(4, 3)], np.int32(0)), ref=lambda ts, a: np.concatenate(ts, a)), Row("ConcatV2", ([f(2, 3), f(2, 3)], np.int32(-1)), ref=lambda ts, a: np.concatenate(ts, a)),
    Row("Concat", (np.int32(1), [f(2, 3), f(2, 1)]), ref=lambda a, ts: np.concatenate(ts, a)), Row("ConcatOffset", (np.int32(1), [_v(2, 3), _v(2, 5)]), ref=lambda a, ts: [_v(0, 0), _v(0, 3)]),
    Row("Pack", ([f(2, 3), f(2, 3)],), {"axis": 1}, ref=lambda ts: np.stack(ts, 1)), Row("Pack", ([f(3)],), ref=np.stack),
    Row("Unpack", (f(2, 3),), {"axis": -1, "num": 3}, ref=lambda t: [t[:, 0], t[:, 1], t[:, 2]]), Row("Unpack", (f(2, 3),), {"num": 2}, ref=list),
    Row("Split", (np.int32(1), f(2, 6)), {"num_split": 3}, ref=lambda a, t: np.split(t, 3, 1)), Row("Split", (np.int32(0), f(4, 1)), {"num_split": 2}, ref=lambda a, t: np.split(t, 2)),
    Row("SplitV", (f(2, 6), _v(1, -1, 2), np.int32(1)), {"num_split": 3}, ref=lambda t, s, a: np.split(t, [1, 4], 1)), Row("SplitV", (f(3), _v(0, 3), np.int32(0)), {"num_split": 2}, ref=lambda t, s, a: np.split(t, [0])),
    Row("ParallelConcat", ([f(1, 3), f(1, 3)],), {"shape": (2, 3)}, ref=np.concatenate),
    # moving
    Row("Transpose", (x, _v(2, 0, 1)), ref=np.transpose), Row("Transpose", (f(3, 2), _v(1, 0)), ref=np.transpose), Row("ConjugateTranspose", (c(2, 3), _v(1, 0)), ref=lambda t, p: np.conj(t.T)),
    Row("InvertPermutation", (_v(2, 0, 3, 1),), ref=np.argsort, dtypes=("int64",)),
    Row("Tile", (f(2, 3), _v(2, 3)), ref=np.tile), Row("Tile", (f(3), _v(1)), ref=np.tile),
    Row("Pad", (f(2, 3), _v([1, 0], [2, 3])), ref=np.pad), Row("Pad", (f(3), _v([0, 2])), ref=np.pad),
    Row("PadV2", (f(2, 3), _v([1, 0], [0, 2]), np.float32(7)), ref=lambda t, p, v: np.pad(t, p, constant_values=v)),
    Row("MirrorPad", (f(4, 3), _v([3, 1], [0, 2])), {"mode": "REFLECT"}, ref=lambda t, p: np.pad(t, p, "reflect")),
    Row("MirrorPad", (f(2, 3), _v([2, 1], [0, 3])), {"mode": "SYMMETRIC"}, ref=lambda t, p: np.pad(t, p, "symmetric")),
    Row("MirrorPadGrad", (f(6, 3), _v([1, 2], [0, 0])), {"mode": "REFLECT"}), Row("MirrorPadGrad", (f(3, 6), _v([0, 0], [2, 1])), {"mode": "SYMMETRIC"}),
    Row("ReverseV2", (x, _v(0, -1)), ref=np.flip), Row("ReverseV2", (f(3), _none), ref=lambda t, a: t), Row("Reverse", (f(2, 3), np.array([False, True])), ref=lambda t, d: t[:, ::-1]),
    Row("ReverseSequence", (f(2, 4, 3), _v(3, 1)), {"seq_dim": 1}, ref=lambda t, n: np.stack([np.concatenate([r[:k][::-1], r[k:]]) for r, k in zip(t, n)])),
    Row("ReverseSequence", (f(4, 3), _v(4, 0, 2)), {"seq_dim": 0, "batch_dim": 1}, ref=lambda t, n: np.stack([np.concatenate([r[:k][::-1], r[k:]]) for r, k in zip(t.T, n)]).T),
    Row("Roll", (f(3, 4), _v(1, -2), _v(0, 1)), ref=lambda t, s, a: np.roll(t, s, a)), Row("Roll", (f(5), np.int32(7), np.int32(0)), ref=np.roll),
    # slices
    Row("Slice", (x, _v(0, 1, 2), _v(2, -1, 1)), ref=lambda t, s, n: t[:, 1:, 2:3]), Row("Slice", (f(4), _v(1), _v(0)), ref=lambda t, s, n: t[1:1]),
    Row("StridedSlice", (x, _v(0, 3, 0), _v(2, 0, 4), _v(1, -2, 3)), {"end_mask": 2}, ref=lambda t, *_: t[0:2, 3::-2, 0:4:3]),
    Row("StridedSlice", (x, _v(1, 0, 0, -1), _v(2, 0, 0, 0), _v(1, 1, 1, 1)), {"shrink_axis_mask": 9, "ellipsis_mask": 2, "new_axis_mask": 4}, ref=lambda t, *_: t[1, ..., None, -1]),
    Row("StridedSlice", (f(5), _v(-2), _v(-9), _v(-1)), ref=lambda t, *_: t[-2::-1]),
    Row("StridedSliceGrad", (_v(5, 3), _v(4, 0), _v(0, 2), _v(-2, 1), f(2, 2)), ref=lambda s, g, e, st, dy: np.array([[0, 0, 0], [0, 0, 0], [*dy[1], 0], [0, 0, 0], [*dy[0], 0]])),
    Row("TensorStridedSliceUpdate", (f(4, 3), _v(1, 0), _v(3, 0), _v(1, 1), f(2)), {"shrink_axis_mask": 2}, ref=lambda t, p, q, r, v: np.array([[*t[0]], [v[0], *t[1, 1:]], [v[1], *t[2, 1:]], [*t[3]]])),
    # gathers and scatters
    Row("GatherV2", (f(4, 3), i(2, 2, low=0, high=4), np.int32(0)), ref=lambda t, k, a: t[k]), Row("GatherV2", (x, i(2, low=0, high=3), np.int32(1)), ref=lambda t, k, a: t[:, k]),
    Row("GatherV2", (x, i(2, 5, low=0, high=4), np.int32(2)), {"batch_dims": 1}, ref=lambda t, k, a: np.stack([p[:, q] for p, q in zip(t, k)])), Row("Gather", (f(4, 2), i(3, low=0, high=4)), ref=lambda t, k: t[k]),
    Row("GatherNd", (x, i(2, 2, low=0, high=2)), ref=lambda t, k: t[k[:, 0], k[:, 1]]), Row("GatherNd", (f(4, 2), i(3, 1, low=0, high=4)), ref=lambda t, k: t[k[:, 0]]),
    Row("ScatterNd", (_v([0], [3], [0]), f(3, 2), _v(4, 2)), ref=lambda k, u, s: np.array([u[0] + u[2], 0 * u[0], 0 * u[0], u[1]])), Row("ScatterNd", (_v([[1, 0]], [[0, 1]]), f(2, 1), _v(2, 2)), ref=lambda k, u, s: np.array([[0, u[1, 0]], [u[0, 0], 0]])),
    Row("TensorScatterUpdate", (f(4, 2), _v([1], [3]), f(2, 2)), ref=lambda t, k, u: np.array([t[0], u[0], t[2], u[1]])), Row("TensorScatterAdd", (f(3), _v([1], [1]), f(2)), ref=lambda t, k, u: t + np.array([0, u.sum(), 0])),
    Row("TensorScatterSub", (f(3), _v([1], [1]), f(2)), ref=lambda t, k, u: t - np.array([0, u.sum(), 0])), Row("TensorScatterMax", (f(3), _v([1], [0]), f(2)), ref=lambda t, k, u: np.array([max(t[0], u[1]), max(t[1], u[0]), t[2]])),
    Row("TensorScatterMin", (f(3), _v([1], [0]), f(2)), ref=lambda t, k, u: np.array([min(t[0], u[1]), min(t[1], u[0]), t[2]])), Row("ScatterNdNonAliasingAdd", (f(3), _v([1], [1]), f(2)), ref=lambda t, k, u: t + np.array([0, u.sum(), 0])),
    # by value
    Row("Where", (b(3, 4),), ref=np.argwhere), Row("Where", (f(5),), ref=np.argwhere), Row("Unique", (_v(3, 1, 3, 2),), ref=lambda t: (_v(3, 1, 2), _v(0, 1, 0, 2))),
    Row("UniqueWithCounts", (_v(3, 1, 3, 2),), ref=lambda t: (_v(3, 1, 2), _v(0, 1, 0, 2), _v(2, 1, 1))), Row("UniqueV2", (_v([1, 2], [1, 2]), _v(0)), ref=lambda t, a: (_v([1, 2]), _v(0, 0))),
    Row("UniqueWithCountsV2", (_v([1, 1], [2, 2]), _v(1)), ref=lambda t, a: (_v([1], [2]), _v(0, 0), _v(2))), Row("ListDiff", (_v(4, 1, 3), _v(1)), ref=lambda p, q: (_v(4, 3), _v(0, 2))),
    Row("DynamicPartition", (f(4, 2), _v(1, 0, 1, 1)), {"num_partitions": 2}, ref=lambda t, p: [t[1:2], t[[0, 2, 3]]]), Row("DynamicStitch", ([_v(0, 2), _v(1)], [f(2, 2), f(1, 2)]), ref=lambda k, d: np.array([d[0][0], d[1][0], d[0][1]])),
    Row("LowerBound", (_v([1, 3, 3, 5]), _v([0, 3, 9])), ref=lambda s, v: np.searchsorted(s[0], v)), Row("UpperBound", (_v([1, 3, 3, 5]), _v([0, 3, 9])), ref=lambda s, v: np.searchsorted(s[0], v, "right")),
    Row("UnravelIndex", (_v(5, 3), _v(2, 3)), ref=lambda k, d: np.stack(np.unravel_index(k, d)), dtypes=("int64",)),
    # blocks
    Row("SpaceToBatchND", (f(2, 5, 3), _v(2), _v([1, 2]))), Row("BatchToSpaceND", (f(6, 2, 3), _v(3), _v([1, 0]))), Row("SpaceToBatch", (f(1, 3, 4, 2), _v([1, 0], [0, 0])), {"block_size": 2}),
    Row("BatchToSpace", (f(4, 2, 1, 2), _v([1, 0], [0, 0])), {"block_size": 2}), Row("SpaceToDepth", (f(1, 4, 2, 3),), {"block_size": 2}), Row("DepthToSpace", (f(1, 2, 1, 8),), {"block_size": 2}),
    Row("SpaceToDepth", (f(1, 3, 4, 2),), {"block_size": 2, "data_format": "NCHW"}), Row("DepthToSpace", (f(1, 8, 1, 2),), {"block_size": 2, "data_format": "NCHW"}),
    Row("ExtractImagePatches", (f(1, 5, 4, 2),), {"ksizes": [1, 3, 2, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": "SAME"}), Row("ExtractImagePatches", (f(1, 4, 4, 1),), {"ksizes": [1, 2, 2, 1], "strides": [1, 1, 2, 1], "rates": [1, 1, 1, 1], "padding": "VALID"}),
    Row("ExtractVolumePatches", (f(1, 3, 2, 3, 1),), {"ksizes": [1, 2, 2, 1, 1], "strides": [1, 1, 1, 2, 1], "padding": "SAME"}),
]  # fmt: skip
