"""Rows of scans and segment reductions."""

import numpy as np

from tests.ops.harness import Row, c, f, i

at = lambda n: np.array(n, np.int32)
ids = np.array([0, 0, 1, 3], np.int32)
loose = np.array([2, 0, -1, 2], np.int32)


def segment(kind, empty):
    """A reference by a Python loop."""

    def ref(data, s, n=None):
        n = int(s[-1]) + 1 if n is None else int(n)
        rows = [data[s == k] for k in range(n)]
        return np.stack([kind(r, 0) if len(r) else np.full(data.shape[1:], empty, data.dtype) for r in rows])

    return ref


def scan(x, axis, kind, exclusive, reverse, start):
    x = np.flip(x, axis) if reverse else x
    if exclusive:
        x = np.concatenate(
            [np.full_like(np.take(x, [0], axis), start), np.take(x, range(x.shape[axis] - 1), axis)], axis
        )
    x = kind(x, axis)
    return np.flip(x, axis) if reverse else x


ROWS = [
    Row(
        n,
        (f(3, 4), at(a)),
        {"exclusive": e, "reverse": r},
        tol=1e-4,
        ref=lambda x, a, k=k, e=e, r=r, s=s: scan(x, int(a), k, e, r, s),
        dtypes=("float64",),
    )
    for n, k, s in (
        ("Cumsum", np.cumsum, 0),
        ("Cumprod", np.cumprod, 1),
        ("CumulativeLogsumexp", np.logaddexp.accumulate, -np.inf),
    )
    for a, e, r in ((0, False, False), (1, True, False), (-1, False, True), (0, True, True))
    if n != "CumulativeLogsumexp" or not e
]
ROWS += [
    Row("Cumsum", (i(4), at(0)), ref=lambda x, a: np.cumsum(x)),
    Row("Cumsum", (c(3), at(0)), ref=lambda x, a: np.cumsum(x)),
]
for _n, _k, _e in (
    ("Sum", np.sum, 0),
    ("Prod", np.prod, 1),
    ("Max", np.max, 0),
    ("Min", np.min, 0),
    ("Mean", np.mean, 0),
):
    ROWS.append(
        Row(
            f"Segment{_n}",
            (f(4, 2), ids),
            ref=segment(_k, _e),
            tol=1e-4,
            dtypes=("float64",),
            grad="numeric" if _n == "Prod" else "jax",
        )
    )
    if _n != "Mean":
        grad = "numeric" if _n == "Prod" else "jax"  # JAX has no gradient for it
        ROWS.append(
            Row(
                f"Segment{_n}V2",
                (f(4, 2), ids, at(5)),
                ref=segment(_k, _e),
                tol=1e-4,
                dtypes=("float64",),
                grad="numeric" if _n == "Prod" else "jax",
            )
        )
        low = {"Max": np.finfo("f").min, "Min": np.finfo("f").max}.get(_n, _e)
        ROWS.append(
            Row(f"UnsortedSegment{_n}", (f(4, 2), loose, at(4)), ref=segment(_k, low), tol=1e-4, dtypes=(), grad=grad)
        )
        ROWS.append(
            Row(
                f"UnsortedSegment{_n}",
                (f(2, 2, 3), np.array([[0, 1], [1, 0]], np.int64), at(2)),
                tol=1e-4,
                dtypes=("float64",),
                grad=grad,
                ref=lambda d, s, n, k=_k: np.stack([k(d[s == 0], 0), k(d[s == 1], 0)]),
            )
        )
ROWS += [
    Row("SegmentSum", (i(4, 2), ids), ref=segment(np.sum, 0)),
    Row("UnsortedSegmentSum", (c(4), loose, at(3)), ref=segment(np.sum, 0)),
    Row(
        "UnsortedSegmentProd",
        (np.array([2.0, 0.0, 3.0, 0.0], "f"), np.array([0, 0, 1, 2], np.int32), at(3)),
        ref=segment(np.prod, 1),
        second=False,
        grad=False,
    ),
]
_row_ids, _picked = np.array([0, 0, 2], np.int32), np.array([1, 3, 0], np.int32)


def gathered(divide):
    """A reference for the sparse segment reductions."""

    def ref(data, indices, s, n=None):
        n = int(s[-1]) + 1 if n is None else int(n)
        return np.stack([data[indices[s == k]].sum(0) / divide(max(1, int((s == k).sum()))) for k in range(n)])

    return ref


for _n, _d in (("Sum", lambda n: 1), ("Mean", lambda n: n), ("SqrtN", np.sqrt)):
    ROWS += [
        Row(f"SparseSegment{_n}", (f(4, 2), _picked, _row_ids), ref=gathered(_d), tol=1e-4),
        Row(
            f"SparseSegment{_n}WithNumSegments",
            (f(4, 2, 2), _picked.astype(np.int64), _row_ids, at(5)),
            ref=gathered(_d),
            tol=1e-4,
        ),
        Row(f"SparseSegment{_n}Grad", (f(3, 2), _picked, _row_ids, at(4)), tol=1e-4),
        Row(f"SparseSegment{_n}GradV2", (f(3, 2), _picked, _row_ids, at(4))),
    ]
ROWS += [
    Row(
        "DenseBincount",
        (i(6, low=0, high=5), at(4), np.zeros(0, "f")),
        ref=lambda v, n, w: np.bincount(v, minlength=9)[:4].astype("f"),
        dtypes=(),
    ),
    Row(
        "DenseBincount",
        (i(2, 5, low=0, high=4), at(4), f(2, 5)),
        ref=lambda v, n, w: np.stack([np.bincount(a, b, 4) for a, b in zip(v, w)]),
        tol=1e-4,
        dtypes=(),
    ),
    Row(
        "DenseBincount",
        (i(2, 5, low=0, high=4), at(4), np.zeros(0, np.int64)),
        {"binary_output": True},
        ref=lambda v, n, w: np.stack([np.bincount(a, minlength=4) > 0 for a in v]).astype(int),
        dtypes=(),
    ),
    Row(
        "Bincount",
        (i(2, 3, low=0, high=4), at(4), f(2, 3)),
        ref=lambda v, n, w: np.bincount(v.ravel(), w.ravel(), 4),
        tol=1e-4,
        dtypes=(),
    ),
    Row(
        "HistogramFixedWidth",
        (np.array([0, 1, 5, -1], "f"), np.array([0, 5], "f"), at(5)),
        ref=lambda v, r, n: np.array([2, 1, 0, 0, 1]),
    ),
    Row(
        "HistogramFixedWidth",
        (i(3, 4), np.array([-9, 9], np.int32), at(3)),
        {"dtype": "int64"},
        ref=lambda v, r, n: np.histogram(v, 3, (-9, 9))[0],
    ),
    Row(
        "Bucketize",
        (f(3, 2) * 5,),
        {"boundaries": [-1.0, 0.0, 2.0]},
        ref=lambda v: np.digitize(v, [-1, 0, 2]),
        dtypes=(),
    ),
    Row("Bucketize", (i(4),), {"boundaries": [-1.0, 0.5]}, ref=lambda v: np.digitize(v, [-1, 0.5]), dtypes=()),
]
