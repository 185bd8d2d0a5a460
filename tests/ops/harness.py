"""What a row of an op is put through; a new op needs one line in its family's `rows_*.py`.

    Row("MatMul", (f(2, 3), f(3, 4)), {}, ref=lambda a, b: a @ b)

inputs: NumPy arrays (a list of them for a list input).  ref: the value, by NumPy or SciPy (None: only the other checks).
grad: "jax" (the op's rule against jax.vjp of its body), "numeric" (against central differences in float64), False.
second: the same for the gradient of the gradient.  stops: inputs that no gradient flows to.  dtypes: further dtypes of the type attr `T` to try (None: those the
signature allows among float64, float16, bfloat16 and, for integer inputs, int64, uint8).  tol: relative tolerance.
checks: False skips comparing values (sampled or arbitrary results) but still checks shapes and dtypes.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import penstock as tf
from penstock.base import dtypes
from penstock.ir.op import find
from penstock.ir.signature import REQUIRED

tf.constant(0)  # the first use wires the package up
_rng = np.random.default_rng(0)


def f(*shape: int) -> np.ndarray:
    """float32 in (-0.9, 0.9)."""
    return _rng.uniform(-0.9, 0.9, shape).astype(np.float32)


def pos(*shape: int) -> np.ndarray:
    """float32 in (0.2, 2)."""
    return _rng.uniform(0.2, 2.0, shape).astype(np.float32)


def i(*shape: int, low: int = -9, high: int = 10) -> np.ndarray:
    """int32 in [low, high)."""
    return _rng.integers(low, high, shape).astype(np.int32)


def c(*shape: int) -> np.ndarray:
    """complex64 with parts in (-0.9, 0.9)."""
    return (f(*shape) + 1j * f(*shape)).astype(np.complex64)


def b(*shape: int) -> np.ndarray:
    """bool."""
    return _rng.integers(0, 2, shape).astype(bool)


@dataclass
class Row:
    """One call of one op, and what is known about it."""

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    ref: Callable[..., Any] | None = None
    grad: Any = "jax"
    second: bool = True
    dtypes: tuple[str, ...] | None = None
    tol: float = 2e-5
    checks: bool = True
    graph: bool = True
    stops: tuple[int, ...] = ()  # inputs that TensorFlow sends no gradient to
    file: str = ""

    def __str__(self) -> str:
        shapes = "_".join(
            "x".join(map(str, np.shape(a))) if not isinstance(a, list) else f"{len(a)}list" for a in self.inputs
        )
        attrs = "-".join(f"{k}={v}" for k, v in self.attrs.items())
        return f"{self.file}-{self.op}-{shapes}{'-' if attrs else ''}{attrs}"[:90]


def tensors(row: Row, make: Callable[[Any, int], Any]) -> list[Any]:
    """The inputs of a row with `make(array, position)` in the place of each array."""
    return [[make(x, n) for x in a] if isinstance(a, list) else make(a, n) for n, a in enumerate(row.inputs)]


def flat(outs: Any) -> list[Any]:
    """The outputs of an op as a flat list."""
    if isinstance(outs, (list, tuple)):
        return [o for part in outs for o in flat(part)]
    return [] if outs is None else [outs]


def eager(row: Row, inputs: Any = None) -> list[Any]:
    """The op called eagerly."""
    return flat(find(row.op)(*(inputs or tensors(row, lambda a, n: tf.constant(a))), **row.attrs))


def close(got: Any, want: Any, tol: float, what: str) -> None:
    """Equal to rounding; exactly equal for integers, booleans and strings."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    if got.dtype.kind in "iubO" or got.dtype.kind == "S":
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    wider = np.complex128 if got.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(got.astype(wider), want.astype(wider), rtol=tol, atol=tol, err_msg=what)


# -- the checks ------------------------------------------------------------------------------------------------------
def check_value(row: Row) -> None:
    """The eager value is the reference's, in shape, in number and in the declared dtype."""
    got = eager(row)
    if row.ref is not None and row.checks:
        want = row.ref(*row.inputs)
        want = list(want) if isinstance(want, (tuple, list)) and len(got) > 1 or isinstance(want, list) else [want]
        assert len(got) == len(want)
        for k, (g, w) in enumerate(zip(got, want)):
            close(g.numpy(), w, row.tol, f"output {k}")


def build(row: Row, graph: Any) -> tuple[list[Any], dict[Any, Any]]:
    """The op in a graph: static inputs are constants, the others placeholders; (outputs, feeds)."""
    op = find(row.op)
    feeds: dict[Any, Any] = {}

    def make(a: Any, n: int) -> Any:
        if n in op.static_at:
            return tf.constant(a)
        a = np.asarray(a)
        feed = tf.compat.v1.placeholder(tf.as_dtype(a.dtype), a.shape)
        feeds[feed] = a
        return feed

    return flat(op(*tensors(row, make), **row.attrs)), feeds


def check_graph(row: Row) -> None:
    """The compiled value is the eager one, and the static shape is the true one."""
    graph = tf.Graph()
    with graph.as_default():
        outs, feeds = build(row, graph)
    with tf.compat.v1.Session(graph=graph) as session:
        got = session.run(outs, feeds)
    for k, (g, out, e) in enumerate(zip(got, outs, eager(row))):
        assert out.shape.is_compatible_with(np.shape(g)), (
            f"output {k}: static shape {out.shape}, true shape {np.shape(g)}"
        )
        assert out.dtype is e.dtype, f"output {k}: {out.dtype} in a graph, {e.dtype} eagerly"
        if row.checks:
            close(g, e.numpy(), row.tol * 5, f"output {k}, compiled against eager")


def check_graph_def(row: Row) -> None:
    """The graph written as a GraphDef and read again is the same graph, static shapes included."""
    graph, again = tf.Graph(), tf.Graph()
    with graph.as_default():
        outs, _ = build(row, graph)
    written = graph.as_graph_def()
    with again.as_default():
        tf.compat.v1.import_graph_def(type(written).FromString(written.SerializeToString()), name="")
    assert again.as_graph_def() == written
    for out in outs:
        assert again.get_tensor_by_name(out.name).shape.as_list() == out.shape.as_list() if out.shape.rank is not None else True


def check_shapes(row: Row) -> None:
    """Hide axes and ranks of the inputs: the shape rule may say unknown, never something wrong."""
    op = find(row.op)
    true = [tuple(o.shape) for o in eager(row)]
    arrays = [(n, k) for n, a in enumerate(row.inputs) for k in range(len(a) if isinstance(a, list) else 1)]
    axes = [
        (n, k, d)
        for n, k in arrays
        for d in range(np.ndim(row.inputs[n][k] if isinstance(row.inputs[n], list) else row.inputs[n]))
    ]
    hides = [()] + [(a,) for a in axes[:8]] + [tuple(axes)] + [("rank", n) for n in range(len(row.inputs))]
    if len(axes) <= 4:
        hides += list(itertools.combinations(axes, 2))
    for hide in hides:
        with tf.Graph().as_default():
            seen: dict[int, int] = {}

            def make(a: Any, n: int) -> Any:
                k = seen[n] = seen.get(n, -1) + 1
                a = np.asarray(a)
                if n in op.static_at and not (hide and hide[0] == "rank" and hide[1] == n):
                    return tf.constant(a)
                if hide and hide[0] == "rank":
                    dims = None if hide[1] == n else a.shape
                else:
                    dims = tuple(None if (n, k, d) in hide else s for d, s in enumerate(a.shape))
                return tf.compat.v1.placeholder(tf.as_dtype(a.dtype), dims)

            outs = flat(op(*tensors(row, make), **row.attrs))
        for out, want in zip(outs, true):
            got = out.shape
            assert got.rank is None or got.rank == len(want) and all(g in (None, w) for g, w in zip(got, want)), (
                f"with {hide} hidden the rule says {got}; the shape is {want}"
            )


def _differentiable(row: Row) -> list[tuple[int, int | None]]:
    """Where the inputs are that gradients flow to: (input, position in its list)."""
    found: list[tuple[int, int | None]] = []
    static = find(row.op).static_at
    for n, a in enumerate(row.inputs):
        if n in static or n in row.stops:
            continue
        for k, x in enumerate(a if isinstance(a, list) else [a]):
            if np.asarray(x).dtype.kind in "fc":
                found.append((n, k if isinstance(a, list) else None))
    return found


def _at(inputs: Any, where: tuple[int, int | None]) -> Any:
    n, k = where
    return inputs[n] if k is None else inputs[n][k]


def _body(row: Row) -> Callable[..., list[Any]]:
    """The op's body over the differentiable inputs alone, as a function JAX can differentiate."""
    import jax.numpy as jnp

    op = find(row.op)
    places = _differentiable(row)
    attrs = full_attrs(row)

    def call(*values: Any) -> list[Any]:
        inputs: list[Any] = [list(a) if isinstance(a, list) else a for a in row.inputs]
        for n, a in enumerate(inputs):
            if n not in op.static_at and not isinstance(a, list):
                inputs[n] = jnp.asarray(a) if np.asarray(a).dtype.kind != "O" else a
        for (n, k), v in zip(places, values):
            if k is None:
                inputs[n] = v
            else:
                inputs[n][k] = v
        outs = flat(op.body(jnp, *inputs, **{k: attrs[k] for k in op.takes}))
        return [o for o in outs if o.dtype.kind in "fcV"]

    return call


def full_attrs(row: Row) -> dict[str, Any]:
    """The attrs of a row with the defaults and the inferred ones."""
    op = find(row.op)
    attrs = {n: d for n, d in op.free_attrs.items() if d is not REQUIRED}
    for arg, a in zip(op.sig.inputs, row.inputs):
        if arg.number:
            attrs[arg.number] = len(a)
        first = a[0] if isinstance(a, list) and a else a
        if arg.type in op.sig.attrs:
            attrs[arg.type] = dtypes.as_dtype(np.asarray(first).dtype)
    for k, v in row.attrs.items():
        attrs[k] = dtypes.as_dtype(v) if k in op.types and not isinstance(v, list) else v
    return attrs


def _gradients(row: Row, cotangents: list[Any], second: list[Any] | None = None) -> list[Any]:
    places = _differentiable(row)
    inputs = tensors(row, lambda a, n: tf.constant(a))
    sources = [_at(inputs, p) for p in places]

    def once() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outs = [o for o in flat(find(row.op)(*inputs, **row.attrs)) if o.dtype.is_floating or o.dtype.is_complex]
        return tape.gradient(outs, sources, output_gradients=[tf.constant(ct) for ct in cotangents])

    if second is None:
        return once()
    with tf.GradientTape() as outer:
        outer.watch(sources)
        first = once()
        kept = [(g, v) for g, v in zip(first, second) if g is not None]
    return outer.gradient([g for g, _ in kept], sources, output_gradients=[tf.constant(v) for _, v in kept])


def check_gradient(row: Row) -> None:
    """The op's gradient rule against the derivative of its body, and once more for the gradient's gradient."""
    import jax

    with jax.enable_x64(True):
        _check_gradient(row)


def _check_gradient(row: Row) -> None:
    import jax
    import jax.numpy as jnp

    places = _differentiable(row)
    body = _body(row)
    values = [jnp.asarray(_at(row.inputs, p)) for p in places]
    rng = np.random.default_rng(1)
    noise = lambda like: (
        rng.uniform(-1, 1, like.shape) + (1j * rng.uniform(-1, 1, like.shape) if like.dtype.kind == "c" else 0)
    ).astype(like.dtype)
    by_differences = row.grad == "numeric"
    outs, vjp = (body(*values), None) if by_differences else jax.vjp(body, *values)
    cts = [noise(np.asarray(o)) for o in outs]
    got = _gradients(row, cts)
    # JAX's cotangents of complex values are the conjugates of TensorFlow's
    bar = lambda v: np.conj(v) if np.asarray(v).dtype.kind == "c" else v
    want = (
        numeric(row, body, values, cts)
        if vjp is None
        else [bar(np.asarray(w)) for w in vjp([jnp.asarray(bar(ct)) for ct in cts])]
    )
    for k, (g, w) in enumerate(zip(got, want)):
        if g is None:
            assert not np.any(w), f"no gradient for input {places[k]}, expected {w}"
            continue
        close(
            tf.convert_to_tensor(g).numpy(),
            w,
            max(row.tol * 20, 2e-3 if by_differences else 0),
            f"gradient of input {places[k]}",
        )
    if not row.second or by_differences or any(v.dtype.kind == "c" for v in values + list(outs)):
        return
    seconds = [noise(np.asarray(v)) for v in values]
    kept = [v if g is not None else np.zeros_like(v) for g, v in zip(got, seconds)]
    again = _gradients(row, cts, seconds)
    _, twice = jax.vjp(lambda *vs: jax.vjp(body, *vs)[1]([jnp.asarray(ct) for ct in cts]), *values)
    for k, (g, w) in enumerate(zip(again, twice(tuple(jnp.asarray(v) for v in kept)))):
        g = np.zeros_like(w) if g is None else tf.convert_to_tensor(g).numpy()
        close(g, np.asarray(w), row.tol * 100, f"second gradient of input {places[k]}")


def numeric(row: Row, body: Any, values: list[Any], cts: list[Any], step: float = 1e-5) -> list[Any]:
    """Central differences in float64."""
    import jax.numpy as jnp

    base = [np.asarray(v, np.float64) for v in values]
    total = lambda vs: float(
        sum(np.sum(np.asarray(o, np.float64) * ct) for o, ct in zip(body(*map(jnp.asarray, vs)), cts))
    )
    found = []
    for k, v in enumerate(base):
        d = np.zeros_like(v)
        for at in np.ndindex(v.shape):
            up, down = [x.copy() for x in base], [x.copy() for x in base]
            up[k][at] += step
            down[k][at] -= step
            d[at] = (total(up) - total(down)) / (2 * step)
        found.append(d)
    return found


_TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2, "float64": 0}


def check_dtypes(row: Row) -> None:
    """The op takes every dtype its signature allows, and gives the declared one."""
    op = find(row.op)
    for arg, a in zip(op.sig.inputs, row.inputs):
        attr = op.sig.attrs.get(arg.type)
        if attr is None or attr.allowed is None or row.attrs.get(arg.type) is not None:
            continue
        kind = np.asarray(a[0] if isinstance(a, list) else a).dtype.kind
        names = (
            row.dtypes
            if row.dtypes is not None
            else {"f": ("float64", "float16", "bfloat16"), "i": ("int64", "uint8")}.get(kind, ())
        )
        for name in names:
            dtype = dtypes.as_dtype(name)
            if dtype not in attr.allowed:
                continue
            if dtype.is_unsigned and any(np.min(x, initial=0) < 0 for x in (a if isinstance(a, list) else [a])):
                continue
            same = {n for n, other in enumerate(op.sig.inputs) if other.type == arg.type}
            cast = lambda x, n: tf.constant(np.asarray(x).astype(dtype.array_dtype) if n in same else x)
            outs = eager(row, tensors(row, cast))
            if row.ref is None or not row.checks or dtype.is_integer:
                continue
            wider = np.complex128 if dtype.is_complex else np.float64
            rounded = [
                (
                    [np.asarray(x).astype(dtype.array_dtype).astype(wider) for x in v]
                    if isinstance(v, list)
                    else np.asarray(v).astype(dtype.array_dtype).astype(wider)
                )
                if n in same
                else v
                for n, v in enumerate(row.inputs)
            ]
            want = row.ref(*rounded)
            want = list(want) if isinstance(want, (tuple, list)) and len(outs) > 1 or isinstance(want, list) else [want]
            for o, w in zip(outs, want):
                if o.dtype.is_floating:
                    close(o.numpy(), w, max(_TOLERANCE.get(name, 0), row.tol), name)
