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


def test_variables_are_read_when_they_are_used() -> None:
    v = tf.Variable([[1.0, 0.0], [2.0, 3.0]])
    operator = tf.linalg.LinearOperatorLowerTriangular(v)
    v.assign([[2.0, 0.0], [2.0, 3.0]])
    assert operator.determinant().numpy() == 6.0 and operator.tril is v
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(operator.matvec([1.0, 2.0]))
    assert tape.gradient(loss, v).numpy().tolist() == [[1.0, 0.0], [1.0, 2.0]]
    assert isinstance(operator, tf.Module) and operator.trainable_variables == (v,)


def test_operators_are_composite_values() -> None:
    operator = tf.linalg.LinearOperatorBlockDiag([tf.linalg.LinearOperatorFullMatrix([[1.0, 2.0], [3.0, 4.0]]), tf.linalg.LinearOperatorIdentity(2)])
    spec = operator._type_spec
    assert type(spec).__name__ == "LinearOperatorBlockDiagSpec" and list(spec._component_specs) == ["operators"]
    assert len(tf.nest.flatten(operator, expand_composites=True)) == 1
    traced = tf.function(lambda o: o.adjoint())(operator)
    np.testing.assert_array_equal(traced.to_dense(), operator.to_dense().numpy().T)
    kept = tf.linalg.LinearOperatorDiag(tf.Variable([1.0, 2.0]))._convert_variables_to_tensors()
    assert kept.variables == () and kept.is_self_adjoint


def test_operators_of_programs() -> None:
    class Doubling(tf.linalg.LinearOperator):
        def _shape(self):
            return tf.TensorShape([3, 3])

        def _shape_tensor(self):
            return tf.constant([3, 3])

        def _matmul(self, x, adjoint=False, adjoint_arg=False):
            return 2.0 * x

        def _matvec(self, x, adjoint=False):
            return 3.0 * x

    operator = Doubling(tf.float32, name="twice")
    assert operator.matvec([1.0, 2.0, 3.0]).numpy().tolist() == [3.0, 6.0, 9.0]
    assert operator.matmul(np.eye(3, dtype=np.float32)).numpy()[0, 0] == 2.0
    assert operator.domain_dimension_tensor().numpy() == 3
