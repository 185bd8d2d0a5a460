"""penstock from scratch: how a TensorFlow graph becomes one compiled function, in one file.

The real thing has the same seven parts: an op is one place (1), every call passes one door (2), a graph records (3),
the eager runner runs (4), gradients emit ordinary ops (5), a plan is pruned from the fetches (6), and lowering keeps
what is known apart from what is traced, so that shape arithmetic costs nothing (7).  `python docs/from_scratch.py` runs
it.
"""

import jax
import jax.numpy as jnp
import numpy as np

# 1. An op: its name, its body for any array namespace, its gradient -------------------------------------------------

OPS = {}


class Op:
    """One kind of node.  `body(xp, *inputs, **attrs)` computes it with NumPy or jax.numpy, `grad` emits other ops."""

    def __init__(self, name, body, static=()):
        self.name, self.body, self.static, self.gradient = name, body, static, None
        OPS[name] = self

    def grad(self, rule):
        self.gradient = rule
        return rule

    def __call__(self, *inputs, **attrs):
        return emit(self, inputs, attrs)


def op(name, static=()):
    return lambda body: Op(name, body, static)


@op("Const")
def const(xp, *, value):
    return value


@op("Placeholder")
def placeholder(xp, *, shape):
    raise KeyError("this placeholder was not fed")


@op("Add")
def add(xp, a, b):
    return a + b


@op("Mul")
def mul(xp, a, b):
    return a * b


@op("MatMul")
def matmul(xp, a, b, *, transpose_a=False, transpose_b=False):
    return xp.matmul(a.T if transpose_a else a, b.T if transpose_b else b)


@op("Tanh")
def tanh(xp, x):
    return xp.tanh(x)


@op("Shape")
def shape(xp, x):
    return np.array(x.shape, np.int32)  # known even when x is traced


@op("Sum")
def total(xp, x):
    return xp.sum(x)


@op("Fill", static=(0,))
def fill(xp, dims, value):
    return xp.broadcast_to(value, tuple(int(d) for d in dims))


@op("SumLike", static=(1,))
def sum_like(xp, x, dims):
    """Sum x down to the shape `dims`, which was broadcast to x's."""
    lost = x.ndim - len(dims)
    axes = tuple(range(lost)) + tuple(i + lost for i, d in enumerate(dims) if d == 1 and x.shape[i + lost] != 1)
    return xp.reshape(xp.sum(x, axis=axes), tuple(int(d) for d in dims))


add.grad(lambda node, dy: [sum_like(dy, shape(x)) for x in node.inputs])
mul.grad(lambda node, dy: [sum_like(mul(dy, other), shape(x)) for x, other in zip(node.inputs, node.inputs[::-1])])
tanh.grad(lambda node, dy: [mul(dy, add(1.0, mul(-1.0, mul(node, node))))])
total.grad(lambda node, dy: [fill(shape(node.inputs[0]), dy)])


@matmul.grad
def _(node, dy):
    a, b = node.inputs
    return [matmul(dy, b, transpose_b=True), matmul(a, dy, transpose_a=True)]


# 2. The door: the current emitter adds the op to a graph, or runs it ------------------------------------------------


def emit(op, inputs, attrs):
    return EMITTERS[-1].emit(op, inputs, attrs)


# 3. A graph only records --------------------------------------------------------------------------------------------


class Node:
    """A node with one output, which is also its tensor; ids are in topological order because inputs come first."""

    def __init__(self, graph, op, inputs, attrs):
        self.graph, self.op, self.inputs, self.attrs, self.id = graph, op, inputs, attrs, len(graph.nodes)
        graph.nodes.append(self)


class Graph:
    """A context in which ops become nodes."""

    def __init__(self):
        self.nodes = []

    def emit(self, op, inputs, attrs):
        made = [x if isinstance(x, Node) else Node(self, const, [], {"value": np.float32(x)}) for x in inputs]
        return Node(self, op, made, attrs)

    def __enter__(self):
        EMITTERS.append(self)
        return self

    def __exit__(self, *_):
        EMITTERS.pop()


# 4. Eager: the same bodies, now -------------------------------------------------------------------------------------


class Eager:
    """Runs each op with NumPy as it is called."""

    def emit(self, op, inputs, attrs):
        return op.body(np, *(np.asarray(x) for x in inputs), **attrs)


EMITTERS = [Eager()]


# 5. Gradients walk the graph backwards and emit ordinary ops --------------------------------------------------------


def gradients(y, xs):
    """d(sum of y)/dx for each x, as new nodes of the same graph."""
    flowing = {y.id: fill(shape(y), 1.0)}
    for node in reversed(y.graph.nodes[: y.id + 1]):  # ids are topological: no recursion, however deep the graph
        if node.id in flowing and node.op.gradient:
            for x, dx in zip(node.inputs, node.op.gradient(node, flowing[node.id])):
                flowing[x.id] = add(flowing[x.id], dx) if x.id in flowing else dx
    return [flowing.get(x.id) for x in xs]


# 6. A plan: the nodes that the fetches need, cut at the feeds -------------------------------------------------------


def plan(fetches, feeds):
    """Nodes in an order in which they can run."""
    needed, waiting = set(), list(fetches)
    while waiting:
        node = waiting.pop()
        if node.id not in needed:
            needed.add(node.id)
            waiting += [] if node in feeds else node.inputs
    graph = fetches[0].graph
    return [node for node in graph.nodes if node.id in needed and node not in feeds]


# 7. Lowering: a value is known (NumPy) or traced (JAX); one compiled function for each set of fed shapes ------------


def lower(nodes, fetches, feeds):
    """The function of the fed arrays that computes the fetches, and how many nodes it computed at trace time."""
    known_nodes = []

    def run(*arrays):
        values = {node.id: array for node, array in zip(feeds, arrays)}
        for node in nodes:
            inputs = [values[x.id] for x in node.inputs]
            known = all(not isinstance(x, jax.core.Tracer) for x in inputs) or node.op is shape
            if known:
                known_nodes.append(node)
            for i in node.op.static:
                assert not isinstance(inputs[i], jax.core.Tracer), f"{node.op.name} needs the value of input {i}"
            values[node.id] = node.op.body(np if known else jnp, *inputs, **node.attrs)
        return [values[f.id] for f in fetches]

    return run, known_nodes


class Session:
    """Runs fetches of a graph; what was compiled is kept."""

    def __init__(self):
        self.compiled = {}

    def run(self, fetches, feed):
        arrays = [np.asarray(a, np.float32) for a in feed.values()]
        key = tuple(f.id for f in fetches), tuple((n.id, a.shape) for n, a in zip(feed, arrays))
        if key not in self.compiled:
            run, _ = lower(plan(fetches, list(feed)), fetches, list(feed))
            self.compiled[key] = jax.jit(run)
        return [np.array(v) for v in self.compiled[key](*arrays)]


def main():
    """Fit y = tanh(x w) to data; the same ops run eagerly at the end."""
    with Graph() as graph:
        x, y, w = placeholder(shape=(None, 3)), placeholder(shape=(None, 1)), placeholder(shape=(3, 1))
        error = add(tanh(matmul(x, w)), mul(-1.0, y))
        loss = total(mul(error, error))
        (slope,) = gradients(loss, [w])
    session, draw = Session(), np.random.default_rng(0)
    data = draw.normal(size=(64, 3)).astype(np.float32)
    truth = np.array([[1.0], [-2.0], [0.5]], np.float32)
    weights = np.zeros((3, 1), np.float32)
    for step in range(201):
        value, change = session.run([loss, slope], {x: data, y: np.tanh(data @ truth), w: weights})
        weights -= 0.02 * change
        if step % 50 == 0:
            print(f"step {step:3}  loss {value:.5f}")
    print("weights", weights.ravel().round(2), "from", len(graph.nodes), "nodes,", len(session.compiled), "compilation")
    print("eagerly", tanh(matmul(data[:1], weights)).ravel())


if __name__ == "__main__":
    main()
