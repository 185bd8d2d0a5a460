"""Linear operators against TensorFlow's own results."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
_spec = importlib.util.spec_from_file_location("make_linear_operators", GOLDEN / "make_linear_operators.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
RESULTS = json.loads((GOLDEN / "linear_operators.json").read_text())
OURS = {
    ("tri", "o.matmul(x)"), ("tri", "o.matmul(x, adjoint=True)"), ("tri", "o.matvec(x[..., 0])"),  # TensorFlow cannot broadcast these
    ("circ", "o.solve(x)"), ("circ", "o.solve(x, adjoint=True)"), ("circ", "o.solvevec(x[..., 0])"),  # nor mix these dtypes
    ("circc", "o.adjoint().to_dense()"), ("circc", "(o @ o).to_dense()"), ("circc", "o.solve(o).to_dense()"),  # nor keep this one's dtype
    ("circ2", "(o @ o).to_dense()"), ("circ3", "(o @ o).to_dense()"), ("circ2", "o.solve(o).to_dense()"), ("circ3", "o.solve(o).to_dense()"),
    ("wide", "o.solvevec(x[..., 0])"),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_operator(name: str) -> None:
    got = make.results(tf, make.operators(tf)[name])
    for text, want in RESULTS[name].items():
        if (name, text) in OURS:
            continue
        g = got[text]
        if not isinstance(want, dict):
            assert g == want, text
        elif "error" in want:
            alike = {"ShapeError": "InvalidArgumentError", "DTypeError": "InvalidArgumentError"}
            assert alike.get(g.get("error"), g.get("error")) == want["error"], (text, g)
        else:
            assert "error" not in g and g["dtype"] == want["dtype"], (text, g)
            for part in ("re", "im"):
                if part in want:
                    np.testing.assert_allclose(
                        np.array(g[part]), np.array(want[part]), rtol=1e-5, atol=2e-5, err_msg=text
                    )
