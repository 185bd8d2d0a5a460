"""Rows of the special functions."""

import numpy as np
import scipy.special as ss

from tests.ops.harness import Row, f, pos

_of = {
    "Lgamma": ss.gammaln,
    "Digamma": ss.digamma,
    "BesselI0": ss.i0,
    "BesselI0e": ss.i0e,
    "BesselI1": ss.i1,
    "BesselI1e": ss.i1e,
    "BesselJ0": ss.j0,
    "BesselJ1": ss.j1,
    "BesselK0": ss.k0,
    "BesselK0e": ss.k0e,
    "BesselK1": ss.k1,
    "BesselK1e": ss.k1e,
    "BesselY0": ss.y0,
    "BesselY1": ss.y1,
    "Dawsn": ss.dawsn,
    "Expint": ss.expi,
    "FresnelCos": lambda v: ss.fresnel(v)[1],
    "FresnelSin": lambda v: ss.fresnel(v)[0],
    "Spence": ss.spence,
}
ROWS = [
    Row(n, (pos(3, 2),), ref=r, tol=1e-4, second=False, grad="numeric" if n == "Spence" else "jax", dtypes=("float64",))
    for n, r in _of.items()
]
ROWS += [
    Row(n, (pos(4) * 30,), ref=_of[n], tol=1e-4, second=False, grad=False, dtypes=("float64",))
    for n in ("BesselJ0", "BesselJ1", "BesselY0", "BesselY1", "BesselK0e", "BesselK1e")
]
ROWS += [
    Row("Ndtri", (pos(3) / 3,), ref=ss.ndtri, tol=1e-4),
    Row("Erfinv", (f(2, 2),), ref=ss.erfinv, tol=1e-4),
    Row("Igamma", (pos(2, 3) + 0.5, pos(3)), ref=ss.gammainc, tol=1e-4, second=False),
    Row("Igammac", (pos(2, 1) + 0.5, pos(3)), ref=ss.gammaincc, tol=1e-4, second=False),
    Row("IgammaGradA", (pos(3) + 0.5, pos(3)), grad=False),
    Row(
        "Polygamma",
        (np.array([1.0, 2.0, 3.0], "f"), pos(3)),
        ref=lambda a, x: ss.polygamma(a.astype(int), x),
        tol=1e-4,
        grad=False,
    ),
    Row("Zeta", (pos(3) + 1.5, pos(3)), ref=ss.zeta, tol=1e-4, grad=False),
    Row("Betainc", (pos(3), pos(3), pos(3) / 3), ref=ss.betainc, tol=1e-4, grad=False),
    Row("Betainc", (pos(), pos(), pos(2, 2) / 3), ref=ss.betainc, tol=1e-4, grad=False),
    Row("Xlogy", (f(2, 3), pos(3)), ref=ss.xlogy, tol=1e-4),
    Row("Xlog1py", (f(2, 1), pos(3)), ref=ss.xlog1py, tol=1e-4),
    Row("Xdivy", (f(2, 3), pos(3)), ref=np.divide, tol=1e-4),
    Row("Xlogy", (np.zeros(2, "f"), np.array([0.0, 1.0], "f")), ref=lambda x, y: np.zeros(2), grad=False),
]
