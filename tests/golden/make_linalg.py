"""Golden gradients of linear algebra: run with a real TensorFlow, `python tests/golden/make_linalg.py`."""

import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent
ON_SPD = (
    "cholesky(x)",
    "inv(x)",
    "inv(x, adjoint=True)",
    "det(x)",
    "slogdet(x)",
    "logdet(x)",
    "eigvalsh(x)",
    "eigh(x)",
    "svd(x)",
    "svd(x, compute_uv=False)",
    "qr(x)",
    "sqrtm(x)",
    "pinv(x)",
    "norm(x, ord=2, axis=(-2, -1))",
    "norm(x)",
    "normalize(x)[0]",
    "trace(x)",
)
ON_TALL = (
    "svd(x)",
    "svd(x, compute_uv=False)",
    "svd(x, full_matrices=True)",
    "qr(x)",
    "pinv(x)",
    "norm(x, axis=1, ord=3)",
    "norm(x, ord=np.inf, axis=0)",
)
ON_WIDE = ("svd(x)", "qr(x)", "pinv(x)", "svd(x, full_matrices=True)")
ON_PAIR = (
    "solve(x, y)",
    "solve(x, y, adjoint=True)",
    "triangular_solve(x, y)",
    "triangular_solve(x, y, adjoint=True, lower=False)",
    "cholesky_solve(x, y)",
    "lstsq(x, y)",
    "lstsq(x, y, l2_regularizer=0.5)",
    "matvec(x, y[..., 0])",
    "tensordot(x, y, [[2], [1]])",
    "einsum('bij,bjk->bk', x, y)",
    "einsum('bii,bik->k', x, y)",
    "matmul(x, y, adjoint_a=True)",
)


def inputs():
    """The matrices that the gradients are taken at."""
    rng = np.random.default_rng(0)
    square = rng.normal(size=(2, 3, 3))
    tall = rng.normal(size=(4, 3))
    spd = square @ square.transpose(0, 2, 1) + 2 * np.eye(3)
    return {
        "spd": (spd,),
        "tall": (tall,),
        "wide": (tall.T.copy(),),
        "pair": (square + 2 * np.eye(3), rng.normal(size=(2, 3, 2))),
    }


def cases():
    """(key, expression, inputs)."""
    given = inputs()
    for kind, expressions in (("spd", ON_SPD), ("tall", ON_TALL), ("wide", ON_WIDE), ("pair", ON_PAIR)):
        for text in expressions:
            yield f"{kind} {text}", text, given[kind]


def gradients(tf, text, arrays):
    """The gradients of a weighted sum of magnitudes of everything that the expression gives."""
    values = [tf.constant(a) for a in arrays]
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = eval(text, {"np": np}, dict(vars_of(tf), x=values[0], y=values[-1]))  # noqa: S307 - our own text
        loss = 0.0
        for v in tf.nest.flatten(found):
            weights = np.arange(1.0, 1.0 + np.prod(v.shape)).reshape(v.shape)
            loss = loss + tf.reduce_sum(tf.abs(v) * weights)
    return [g.numpy() for g in tape.gradient(loss, values)]


def vars_of(tf):
    """The functions of tf.linalg by name."""
    names = {text.partition("(")[0] for texts in (ON_SPD, ON_TALL, ON_WIDE, ON_PAIR) for text in texts}
    return {n: getattr(tf.linalg, n) for n in names}


if __name__ == "__main__":
    import tensorflow as tf

    saved = {f"{key} {n}": g for key, text, arrays in cases() for n, g in enumerate(gradients(tf, text, arrays))}
    np.savez_compressed(FOLDER / "linalg.npz", **saved)
    sys.stdout.write(f"{len(saved)} gradients\n")
