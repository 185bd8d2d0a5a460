"""`python scripts/draw_plan.py [OUT.svg]`: run the program of `docs/how_a_program_runs.md`, draw its plan."""

import html
import os
import sys

import numpy as np

import penstock.compat.v1 as tf
from penstock.engine import compile as compiler

OUT = os.path.join(os.path.dirname(__file__), "..", "docs", "plan.svg")
COLOURS = {"feed": "#fde9c9", "known": "#e4e4e4", "island": "#cfe5f7", "host": "#d8efd3", "fetch": "#fde9c9"}
WIDTH, ROW, PAD, CHARS = 760, 20, 14, 88


def program():
    """(session, fetches, feeds): scores above their mean, normalised."""
    graph = tf.Graph()
    with graph.as_default():
        images = tf.placeholder(tf.float32, [None, 4], name="images")
        w = tf.get_variable("w", [4, 3], initializer=tf.constant_initializer(0.5))
        square = tf.reshape(images, [tf.shape(images)[0], 2, 2], name="square")
        flat = tf.reshape(square, [-1, 4], name="flat")
        score = tf.reduce_sum(tf.nn.relu(tf.matmul(flat, w)), axis=1, name="score")
        kept = tf.boolean_mask(score, score > tf.reduce_mean(score), name="kept")
        out = tf.nn.softmax(kept * 2.0, name="out")
        start = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(start)
    return session, out, images


def the_plan(session, fetches):
    """The plan of the session that computes `fetches`."""
    for plan in session._plans.values():
        if getattr(plan, "fetches", None) == (fetches._id,):
            return plan
    raise LookupError("the session kept no plan of this fetch")


def boxes(plan, feed, fetch):
    """[(kind, title, lines)] from the top to the bottom of the first path through the steps."""
    yield "feed", "fed", [f"{feed.name}: {feed.dtype.name} {feed.shape}"]
    tree, depth, seen = plan.roots, 0, set()
    while tree:
        key, step = next(iter(tree.items()))
        later = {id(n) for n in (*step.todo, *step.host)}
        here = [n for n in step.nodes if id(n) not in later]
        known = known_of(here, seen)
        traced = [n for n in here if n not in known]
        if depth == 0:
            shown = [n for n in known if n.type != "Const"]
            title = f"known while planning: {len(known) - len(shown)} constants and what follows from shapes"
            yield "known", title, [names(shown)]
        state = f"; reads {len(step.kept)} and writes {len(step.donated)} variables"
        title = f"island {depth + 1}: one XLA executable of {len(traced)} nodes{state}, for {keyed(key)}"
        yield "island", title, [names(traced)]
        if step.host:
            yield "host", "on the host: the size of the result depends on values", [names(step.host)]
        tree, depth = step.next, depth + 1
    yield "fetch", "fetched", [f"{fetch.name}: {fetch.dtype.name} {fetch.shape}"]


def known_of(nodes, seen):
    """Nodes whose values follow from constants and from the shapes of what is fed; `seen` collects their outputs."""
    found = []
    for node in nodes:
        static = node.type in ("Const", "Shape", "ShapeN", "Size", "Rank")
        if static or (node._inputs and all(t._id in seen for t in node._inputs)):
            seen.update(t._id for t in node.outputs)
            found.append(node)
    return found


def keyed(key):
    parts = [
        f"{np.dtype(dtype).name}[{', '.join(map(str, shape))}]" for shape, dtype in key if isinstance(shape, tuple)
    ]
    return "inputs " + " ".join(parts) if parts else "any input"


def names(nodes):
    return ", ".join(f"{n.name} ({n.type})" if n.name != n.type else n.name for n in nodes)


def wrapped(text):
    """Lines of at most CHARS characters, broken at commas."""
    lines = [""]
    for part in text.split(", "):
        if len(lines[-1]) + len(part) > CHARS:
            lines.append("")
        lines[-1] += part + ", "
    return [line.removesuffix(" ") for line in (*lines[:-1], lines[-1][:-2])]


def drawing(found):
    """The boxes as SVG, top to bottom with an arrow between each two."""
    parts, y = [], 10
    for number, (kind, title, texts) in enumerate(found):
        lines = [line for text in texts for line in wrapped(text)] or [""]
        height = PAD * 2 + ROW * (len(lines) + 1) - 6
        if number:
            parts.append(f'<path d="M{WIDTH / 2} {y} v16 m-5 -7 l5 8 l5 -8" fill="none" stroke="#555"/>')
            y += 20
        parts.append(
            f'<rect x="10" y="{y}" width="{WIDTH - 20}" height="{height}" rx="6" fill="{COLOURS[kind]}" stroke="#777"/>'
        )
        rows = [(title, "bold"), *((line, "normal") for line in lines)]
        for i, (text, weight) in enumerate(rows):
            at = y + PAD + 10 + ROW * i
            parts.append(f'<text x="24" y="{at}" font-weight="{weight}">{html.escape(text)}</text>')
        y += height
    size = f'width="{WIDTH}" height="{y + 10}" font-family="sans-serif" font-size="13"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def main(out=OUT):
    session, fetch, feed = program()
    values = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    for _ in range(4):
        session.run(fetch, {feed: values})
    found = list(boxes(the_plan(session, fetch), feed, fetch))
    with open(out, "w", encoding="utf-8") as file:
        file.write(drawing(found))
    for kind, title, texts in found:
        print(f"{kind:7} {title}\n        " + "\n        ".join(t for text in texts for t in wrapped(text)))
    print(compiler.counts["island"], "islands compiled")


if __name__ == "__main__":
    main(*sys.argv[1:])
