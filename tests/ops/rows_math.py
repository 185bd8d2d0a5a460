"""Rows of the elementwise ops, comparisons, casts, reductions and matrix products."""

import numpy as np
import scipy.special as ss

from tests.ops.harness import Row, b, c, f, i, pos

x, y = f(2, 3), f(3)
_unary = {
    "Square": np.square,
    "Exp": np.exp,
    "Expm1": np.expm1,
    "Sigmoid": ss.expit,
    "Tanh": np.tanh,
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Sin": np.sin,
    "Cos": np.cos,
    "Tan": np.tan,
    "Asin": np.arcsin,
    "Acos": np.arccos,
    "Atan": np.arctan,
    "Asinh": np.arcsinh,
    "Atanh": np.arctanh,
    "Neg": np.negative,
    "Abs": np.abs,
    "Sign": np.sign,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Rint": np.rint,
    "Round": np.round,
    "IsFinite": np.isfinite,
    "IsInf": np.isinf,
    "IsNan": np.isnan,
    "Erf": ss.erf,
    "Erfc": ss.erfc,
}
_positive = {
    "Sqrt": np.sqrt,
    "Rsqrt": lambda v: 1 / np.sqrt(v),
    "Log": np.log,
    "Log1p": np.log1p,
    "Acosh": lambda v: np.arccosh(v),
    "Reciprocal": lambda v: 1 / v,
    "Inv": lambda v: 1 / v,
}
_binary = {
    "AddV2": np.add,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Div": np.divide,
    "FloorDiv": lambda p, q: np.floor(p / q),
    "FloorMod": np.mod,
    "TruncateMod": np.fmod,
    "Mod": np.fmod,
    "TruncateDiv": lambda p, q: np.trunc(p / q),
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "SquaredDifference": lambda p, q: (p - q) ** 2,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "DivNoNan": np.divide,
    "MulNoNan": np.multiply,
    "NextAfter": np.nextafter,
    "Atan2": np.arctan2,
}
_apart = {
    "Equal",
    "NotEqual",
    "Floor",
    "Ceil",
    "FloorDiv",
    "TruncateDiv",
    "NextAfter",
}  # half precision decides these otherwise
_flags = lambda n: {"dtypes": ("float64",)} if n in _apart or n in ("FloorMod", "TruncateMod", "Mod") else {}

ROWS = [Row(n, (f(3, 2),), ref=r, **_flags(n)) for n, r in _unary.items()]
ROWS += [Row(n, (pos(4) + (1 if n == "Acosh" else 0),), ref=r) for n, r in _positive.items()]
ROWS += [
    Row(n, (c(3),), ref=_unary[n], tol=1e-4)
    for n in ("Square", "Exp", "Tanh", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Neg")
]
ROWS += [
    Row(n, (c(3),), ref=r, tol=1e-4)
    for n, r in {
        "Sqrt": np.sqrt,
        "Rsqrt": lambda v: v**-0.5,
        "Log": np.log,
        "Reciprocal": lambda v: 1 / v,
        "Conj": np.conj,
    }.items()
]
ROWS += [
    Row(n, (p, q), ref=r, **_flags(n))
    for n, r in _binary.items()
    for p, q in ((pos(2, 3), pos(3)), (pos(2, 1), pos(1, 3) + 0.5))
]
ROWS += [
    Row(n, (i(2, 3), i(3, low=1)), ref=r)
    for n, r in {
        "AddV2": np.add,
        "Sub": np.subtract,
        "Mul": np.multiply,
        "FloorDiv": np.floor_divide,
        "FloorMod": np.mod,
        "TruncateDiv": lambda p, q: np.trunc(p / q).astype(int),
        "TruncateMod": np.fmod,
        "Maximum": np.maximum,
        "Minimum": np.minimum,
        "Equal": np.equal,
        "Less": np.less,
        "SquaredDifference": lambda p, q: (p - q) ** 2,
    }.items()
]
ROWS += [
    Row(n, (c(2, 3), c(3) + 2), ref=r, tol=1e-4)
    for n, r in {"AddV2": np.add, "Mul": np.multiply, "RealDiv": np.divide, "Pow": np.power}.items()
]
ROWS += [
    Row("Pow", (pos(2, 3), f(3)), ref=np.power),
    Row("Pow", (i(3), i(2, 1, low=0, high=4)), ref=np.power),
    Row("SqrtGrad", (pos(3), f(3)), ref=lambda y, dy: dy / 2 / y),
    Row("RsqrtGrad", (pos(3), f(3)), ref=lambda y, dy: -dy / 2 * y**3),
    Row("TanhGrad", (f(3), f(3)), ref=lambda y, dy: dy * (1 - y * y)),
    Row("SigmoidGrad", (f(2, 2), f(2, 2)), ref=lambda y, dy: dy * y * (1 - y)),
    Row("ReciprocalGrad", (f(3), f(3)), ref=lambda y, dy: -dy * y * y),
    Row("InvGrad", (f(2), f(2)), ref=lambda y, dy: -dy * y * y),
    Row("AddN", ([f(2, 3), f(2, 3), f(2, 3)],), ref=lambda v: sum(v)),
    Row("AddN", ([i(2)],), ref=lambda v: v[0]),
    Row("AccumulateNV2", ([f(2, 3), f(2, 3)],), {"shape": (2, 3)}, ref=lambda v: sum(v)),
    Row("Add", (np.array([b"a", b"b"], object), np.array(b"c", object)), ref=lambda p, q: p + q, graph=False),
    Row("Complex", (f(2, 3), f(3)), ref=lambda p, q: p + 1j * q, dtypes=()),
    Row("Real", (c(3),), ref=np.real),
    Row("Imag", (c(2, 1),), ref=np.imag),
    Row("ComplexAbs", (c(3),), ref=np.abs),
    Row("Angle", (c(3),), ref=np.angle, tol=1e-4),
    Row("Conj", (c(2, 2),), ref=np.conj),
    Row(
        "ApproximateEqual", (f(3), f(3)), {"tolerance": 0.5}, ref=lambda p, q: np.abs(p - q) < 0.5, dtypes=("float64",)
    ),
    Row("LogicalAnd", (b(3, 1), b(2)), ref=np.logical_and),
    Row("LogicalOr", (b(3), b(2, 3)), ref=np.logical_or),
    Row("LogicalNot", (b(4),), ref=np.logical_not),
    Row("ToBool", (f(),), ref=lambda v: v != 0),
    Row("ToBool", (f(0, 2),), ref=lambda v: False),
    Row("Select", (b(2, 3), f(2, 3), f(2, 3)), ref=np.where),
    Row("Select", (np.array([True, False]), f(2, 3), f(2, 3)), ref=lambda q, t, e: np.where(q[:, None], t, e)),
    Row("Select", (np.array(False), f(2), f(2)), ref=np.where),
    Row("SelectV2", (b(3), f(2, 3), f(2, 1)), ref=np.where),
    Row("SelectV2", (b(2, 1), f(), i(3)[:0].astype("f").sum()), ref=np.where),
    Row("ClipByValue", (f(2, 3), np.float32(-0.3), np.float32(0.4)), ref=np.clip),
    Row("ClipByValue", (f(3), -np.abs(f(3)), np.abs(f(3))), ref=np.clip),
    Row("Equal", (np.array([b"a", b"b"], object), np.array([b"a"], object)), ref=np.equal, graph=False),
    Row("BitwiseAnd", (i(3, 1), i(2)), ref=np.bitwise_and),
    Row("BitwiseOr", (i(3), i(2, 3)), ref=np.bitwise_or),
    Row("BitwiseXor", (i(3), i(3)), ref=np.bitwise_xor),
    Row("Invert", (i(4),), ref=np.invert),
    Row("LeftShift", (i(4), i(4, low=0, high=5)), ref=np.left_shift),
    Row("RightShift", (i(4), i(2, 1, low=0, high=5)), ref=np.right_shift),
    Row(
        "PopulationCount",
        (i(5, low=0),),
        ref=lambda v: [bin(n).count("1") for n in v] and np.array([bin(n).count("1") for n in v]),
        dtypes=("int64",),
    ),
    Row("Cast", (f(3) * 5,), {"DstT": "int32"}, ref=lambda v: v.astype(np.int32)),
    Row("Cast", (f(2, 2) * 5 - 5,), {"DstT": "uint8"}, ref=lambda v: v.astype(np.int32).astype(np.uint8)),
    Row("Cast", (i(3),), {"DstT": "float16"}, ref=lambda v: v.astype(np.float16)),
    Row("Cast", (c(3),), {"DstT": "float32"}, ref=lambda v: v.real, grad=False),
    Row("Cast", (f(3),), {"DstT": "bool"}, ref=lambda v: v != 0),
    Row("Cast", (np.array([3e9, -3e9, np.nan], "f"),), {"DstT": "int32"}, ref=lambda v: np.full(3, -(2**31))),
    Row("Cast", (f(3),), {"DstT": "float64"}, ref=lambda v: v.astype(np.float64)),
    Row("Cast", (f(3),), {"DstT": "complex64"}, ref=lambda v: v + 0j),
    Row(
        "Cast",
        (np.array([1.00390625, 1.99], "f"),),
        {"DstT": "bfloat16", "Truncate": True},
        ref=lambda v: np.array([1.0, 1.984375], "f"),
        grad=False,
    ),
]

# -- reductions
_reductions = {
    "Sum": np.sum,
    "Mean": np.mean,
    "Prod": np.prod,
    "Max": np.max,
    "Min": np.min,
    "EuclideanNorm": lambda v, axis, keepdims: np.sqrt(np.sum(v * v, axis, keepdims=keepdims)),
}
for _n, _r in _reductions.items():
    for _shape, _axes, _keep in (
        ((2, 3), [0], False),
        ((2, 3, 4), [0, -1], True),
        ((3, 2), np.array(1, np.int32), False),
        ((2, 3), [0, 1], False),
        ((3,), np.zeros(0, np.int32), False),
    ):
        ROWS.append(
            Row(
                _n,
                (f(*_shape), np.array(_axes, np.int32)),
                {"keep_dims": _keep},
                tol=1e-4,
                ref=lambda v, a, r=_r, k=_keep: r(v, axis=tuple(np.atleast_1d(a)), keepdims=k),
            )
        )
ROWS += [
    Row("Sum", (i(3, 4), np.array([1], np.int64)), ref=lambda v, a: v.sum(1)),
    Row("Sum", (c(3, 2), np.array([0], np.int32)), ref=lambda v, a: v.sum(0)),
    Row("Mean", (np.array([-3, 0], np.int32), np.array([0], np.int32)), ref=lambda v, a: np.int32(-1)),
    Row("Prod", (i(4, 2, low=1, high=4), np.array([0], np.int32)), ref=lambda v, a: v.prod(0)),
    Row(
        "Prod",
        (np.array([[2.0, 0.0, 3.0], [1.0, 0.0, 0.0]], "f"), np.array([1], np.int32)),
        ref=lambda v, a: v.prod(1),
        second=False,
    ),
    Row("Max", (np.zeros((0, 2), "f"), np.array([0], np.int32)), ref=lambda v, a: np.full(2, -np.inf), grad=False),
    Row("Max", (i(3, 4), np.array([0], np.int32)), ref=lambda v, a: v.max(0)),
    Row("All", (b(2, 3), np.array([1], np.int32)), ref=lambda v, a: v.all(1)),
    Row("Any", (b(3, 2), np.array([0], np.int32)), {"keep_dims": True}, ref=lambda v, a: v.any(0, keepdims=True)),
    Row("ArgMax", (f(2, 5), np.int32(1)), ref=lambda v, a: v.argmax(1), dtypes=("float64",)),
    Row("ArgMin", (f(4, 3), np.int32(0)), {"output_type": "int32"}, ref=lambda v, a: v.argmin(0), dtypes=("float64",)),
    Row("ArgMax", (np.array([1, np.nan, 3], "f"), np.int32(0)), ref=lambda v, a: np.int64(2)),
    Row("ArgMin", (i(3, 2), np.int64(-1)), ref=lambda v, a: v.argmin(1)),
    Row(
        "BroadcastGradientArgs",
        (np.array([2, 1, 3], np.int32), np.array([3], np.int32)),
        ref=lambda p, q: (np.array([1]), np.array([0, 1])),
    ),
    Row(
        "BroadcastGradientArgs",
        (np.array([2, 1], np.int64), np.array([2, 2], np.int64)),
        ref=lambda p, q: (np.array([1]), np.zeros(0, int)),
    ),
]

# -- matrix products
_t = lambda m: np.swapaxes(m, -1, -2)
ROWS += [
    Row("MatMul", (f(2, 3), f(3, 4)), ref=lambda p, q: p @ q),
    Row("MatMul", (f(3, 2), f(3, 4)), {"transpose_a": True}, ref=lambda p, q: p.T @ q),
    Row("MatMul", (f(2, 3), f(4, 3)), {"transpose_b": True}, ref=lambda p, q: p @ q.T),
    Row("MatMul", (f(3, 2), f(4, 3)), {"transpose_a": True, "transpose_b": True}, ref=lambda p, q: p.T @ q.T),
    Row("MatMul", (i(2, 3), i(3, 4)), ref=lambda p, q: p @ q),
    Row("MatMul", (c(2, 3), c(3, 4)), ref=lambda p, q: p @ q, tol=1e-4),
    Row("BatchMatMulV2", (f(4, 2, 3), f(1, 3, 5)), ref=np.matmul),
    Row("BatchMatMulV2", (f(1, 2, 3), f(4, 3, 5)), ref=np.matmul),
    Row("BatchMatMulV2", (f(4, 3, 2), f(5, 3)), {"adj_x": True, "adj_y": True}, ref=lambda p, q: _t(p) @ q.T),
    Row("BatchMatMulV2", (f(4, 2, 3), f(3, 5)), ref=np.matmul),
    Row("BatchMatMulV2", (f(4, 2, 3), f(5, 3)), {"adj_y": True}, ref=lambda p, q: p @ q.T),
    Row("BatchMatMulV2", (f(2, 3), f(4, 3, 5)), ref=np.matmul),
    Row("BatchMatMulV2", (c(2, 3, 2), c(2, 3, 4)), {"adj_x": True}, ref=lambda p, q: _t(p).conj() @ q, tol=1e-4),
    Row("BatchMatMul", (f(2, 2, 3), f(2, 3, 5)), ref=np.matmul),
    Row("BatchMatMul", (f(2, 3, 2), f(2, 5, 3)), {"adj_x": True, "adj_y": True}, ref=lambda p, q: _t(p) @ _t(q)),
    Row("BatchMatMulV3", (f(2, 2, 3), f(3, 4)), {"Tout": "float32"}, ref=np.matmul),
    Row(
        "BatchMatMulV3",
        (i(2, 3).astype(np.int8), i(3, 4).astype(np.int8)),
        {"Tout": "int32"},
        ref=lambda p, q: p.astype(int) @ q.astype(int),
    ),
    Row("SparseMatMul", (f(2, 3), f(3, 4)), ref=lambda p, q: p @ q),
    Row(
        "SparseMatMul",
        (f(3, 2), f(4, 3)),
        {"transpose_a": True, "transpose_b": True, "a_is_sparse": True},
        ref=lambda p, q: p.T @ q.T,
    ),
]
