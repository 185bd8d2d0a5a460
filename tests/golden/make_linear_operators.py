"""Golden results of linear operators: run with a real TensorFlow, `python tests/golden/make_linear_operators.py`."""

import json
import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent
EXPRESSIONS = (
    "o.to_dense()", "o.shape", "o.batch_shape", "o.domain_dimension", "o.range_dimension", "o.tensor_rank", "o.shape_tensor()", "o.is_square",
    "o.is_self_adjoint", "o.is_non_singular", "o.is_positive_definite", "o.name", "o.matmul(x)", "o.matmul(x, adjoint=True)", "o.matvec(x[..., 0])",
    "o.solve(x)", "o.solve(x, adjoint=True)", "o.solvevec(x[..., 0])", "o.determinant()", "o.log_abs_determinant()", "o.trace()", "o.diag_part()",
    "o.add_to_tensor(o.to_dense())", "o.adjoint().to_dense()", "o.inverse().to_dense()", "type(o.adjoint()).__name__", "o.cholesky().to_dense()", "o.eigvals()",
    "o.cond()", "(o @ o).to_dense()", "o.matmul(o.to_dense(), adjoint_arg=True)", "o.solve(o).to_dense()",
)  # fmt: skip


def operators(tf):
    """Name -> a function that makes the operator."""
    rng = np.random.default_rng(0)
    L = tf.linalg
    A = rng.normal(size=(2, 3, 3))
    B = A @ A.transpose(0, 2, 1) + 2 * np.eye(3)
    W, U, v3 = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(3,))
    C = A + 1j * A[::-1]
    return {
        "circ": lambda: L.LinearOperatorCirculant(np.array([4.0, 1.0, 2.0])),
        "circc": lambda: L.LinearOperatorCirculant(
            np.array([[4.0, 1 + 1j, 1 - 1j], [3, 1, 1]]), input_output_dtype=tf.float64
        ),
        "circ2": lambda: L.LinearOperatorCirculant2D(
            np.array([[4.0, 1.0], [2.0, 3.0]]), input_output_dtype=tf.complex128
        ),
        "circ3": lambda: L.LinearOperatorCirculant3D(
            np.arange(1.0, 9).reshape(2, 2, 2), input_output_dtype=tf.complex128, is_positive_definite=True
        ),
        "full": lambda: L.LinearOperatorFullMatrix(A),
        "spd": lambda: L.LinearOperatorFullMatrix(B, is_self_adjoint=True, is_positive_definite=True),
        "wide": lambda: L.LinearOperatorFullMatrix(W),
        "cfull": lambda: L.LinearOperatorFullMatrix(C),
        "tril": lambda: L.LinearOperatorLowerTriangular(B),
        "diag": lambda: L.LinearOperatorDiag(v3),
        "pdiag": lambda: L.LinearOperatorDiag(np.abs(v3), is_positive_definite=True),
        "id": lambda: L.LinearOperatorIdentity(3, dtype=tf.float64),
        "idb": lambda: L.LinearOperatorIdentity(3, batch_shape=[2], dtype=tf.float64),
        "sid": lambda: L.LinearOperatorScaledIdentity(
            3, tf.constant([2.0, 3.0], tf.float64), is_positive_definite=True
        ),
        "zeros": lambda: L.LinearOperatorZeros(3, dtype=tf.float64),
        "perm": lambda: L.LinearOperatorPermutation([2, 0, 1], dtype=tf.float64),
        "house": lambda: L.LinearOperatorHouseholder(v3),
        "tri": lambda: L.LinearOperatorTridiag(np.array([[1.0, 1.0, 0.0], [4.0, 5.0, 6.0], [0.0, 1.0, 2.0]])),
        "toep": lambda: L.LinearOperatorToeplitz([1.0, 2.0, 3.0], [1.0, -1.0, -2.0]),
        "comp": lambda: L.LinearOperatorComposition([L.LinearOperatorFullMatrix(A), L.LinearOperatorDiag(v3)]),
        "kron": lambda: L.LinearOperatorKronecker(
            [L.LinearOperatorFullMatrix(B[0], is_non_singular=True), L.LinearOperatorDiag(v3[:2], is_non_singular=True)]
        ),
        "block": lambda: L.LinearOperatorBlockDiag([L.LinearOperatorFullMatrix(B[0]), L.LinearOperatorDiag(v3[:2])]),
        "lru": lambda: L.LinearOperatorLowRankUpdate(
            L.LinearOperatorDiag(np.abs(v3) + 1, is_positive_definite=True),
            U,
            np.array([1.0, 2.0]),
            is_diag_update_positive=True,
        ),
        "adj": lambda: L.LinearOperatorAdjoint(L.LinearOperatorFullMatrix(A)),
        "inv": lambda: L.LinearOperatorInversion(L.LinearOperatorFullMatrix(A)),
        "blt": lambda: L.LinearOperatorBlockLowerTriangular(
            [
                [L.LinearOperatorDiag([2.0, 3.0])],
                [L.LinearOperatorFullMatrix([[1.0, 2.0]]), L.LinearOperatorDiag([4.0])],
            ]
        ),
    }


def plain(value):
    """A result as JSON."""
    value = value.numpy() if hasattr(value, "numpy") else value
    if isinstance(value, (np.ndarray, np.generic)):
        value = np.asarray(value)
        found = {"dtype": value.dtype.name, "re": value.real.tolist()}
        return found | {"im": value.imag.tolist()} if value.dtype.kind == "c" else found
    return str(value)


def results(tf, make):
    """Expression -> its value, or the error's class, for one operator."""
    o = make()
    x = tf.cast(tf.constant(np.random.default_rng(1).normal(size=(2, o.shape[-1], 2))), o.dtype)
    found = {}
    for text in EXPRESSIONS:
        try:
            found[text] = plain(eval(text, {"o": o, "x": x}))  # noqa: S307 - our own text
        except Exception as e:  # noqa: BLE001
            found[text] = {"error": type(e).__name__}
    return found


if __name__ == "__main__":
    import tensorflow as tf

    golden = {name: results(tf, make) for name, make in operators(tf).items()}
    (FOLDER / "linear_operators.json").write_text(
        "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}\n"
    )
    sys.stdout.write(f"{len(golden)} operators\n")
