"""`python -m penstock.api.reference FOLDER`: the API reference, a Markdown page a namespace, made from what is here.

Each name has its signature, its docstring, its example with the output that it gave when the page was made, its other
names, and for ops the types and shapes of its OpDef. Each page tells how much of TensorFlow's namespace it covers.
The command fails when an example gives something else than its docstring says.
"""

import argparse
import doctest
import inspect
import os
import re
import sys
import tempfile
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field

from penstock.api.coverage import GOLDEN, WHOLE, read_api
from penstock.api.lazy import INDEX, V1, resolve
from penstock.api.raw import named
from penstock.base.files import write_whole

HIDDEN = ("__internal__.", V1 + "__internal__.", V1 + "contrib.", "contrib.")
"""Names that programs do not look up here."""
SETTINGS = ((False, False), (True, False), (True, True))
"""What an example may be written for: (`tf` is the 1.x API, within a graph)."""


@dataclass
class Page:
    """One namespace of one API."""

    title: str
    names: list = field(default_factory=list)
    total: int = 0
    missing: list = field(default_factory=list)


class Checker(doctest.OutputChecker):
    """An example that promises no output may have any."""

    def check_output(self, want, got, optionflags):
        return not want or super().check_output(want, got, optionflags)


class Examples:
    """Runs the examples of docstrings, each once, and keeps what came out."""

    def __init__(self):
        import numpy as np

        import penstock as tf

        self._apis, self._np, self._parser, self._made = (tf, tf.compat.v1), np, doctest.DocTestParser(), {}
        self.run, self.failed, self.fragments = 0, [], []

    def of(self, name, text):
        """The docstring without its examples, and the examples as executed, as Markdown."""
        if text not in self._made:
            self._made[text] = self._execute(name, text)
        return self._made[text]

    def _execute(self, name, text):
        parts = self._parser.parse(inspect.cleandoc(text))
        told = "".join(p for p in parts if isinstance(p, str)).strip()
        examples = [p for p in parts if not isinstance(p, str)]
        if not examples:
            return told, ""
        self.run += 1
        if any(doctest.SKIP in e.options for e in examples):
            return told, self._fragment(name, examples)
        tried = []
        for old, in_graph in SETTINGS:
            passed, shown = self._try(name, text, examples, old, in_graph)
            if passed:
                return told, shown
            tried.append(shown)
        shown = tried[name.startswith(V1)]
        if "\nNameError: " in shown:  # it speaks of the reader's own model or file
            return told, self._fragment(name, examples)
        self.failed.append(name)
        return told, shown

    def _fragment(self, name, examples):
        written = "\n".join(e.source.rstrip("\n").removesuffix("  # doctest: +SKIP") for e in examples)
        self.fragments.append(name)
        return f"Not executed, a fragment of a program:\n\n```python\n{written}\n```"

    def _try(self, name, text, examples, old, in_graph):
        """Did the examples give what they say with this API as `tf`, and what did they give?"""
        outputs, shown = [], []
        runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        runner.report_success = lambda out, test, example, got: outputs.append(got)
        runner.report_failure = lambda out, test, example, got: outputs.append(got)
        runner.report_unexpected_exception = lambda out, test, example, info: outputs.append(f"{info[0].__name__}: {info[1]}\n")
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder, self._apis[1].Graph().as_default() if in_graph else nullcontext():
            test = doctest.DocTest(examples, {"tf": self._apis[old], "np": self._np, "folder": folder}, name, None, 0, text)
            os.chdir(folder)  # examples that write do so in a folder of their own
            try:
                failed = runner.run(test, out=lambda _: None, clear_globs=True).failed
            finally:
                os.chdir(here)
        for example, got in zip(examples, outputs):
            lines = example.source.rstrip("\n").split("\n")
            shown += [f">>> {lines[0]}", *(f"... {line}" for line in lines[1:])]
            shown += got.rstrip("\n").split("\n") if got else []
        return not failed, "```pycon\n" + "\n".join(shown) + "\n```"


def signature(thing):
    """`(x, axis=None, name=None)`; "" where Python cannot tell."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    if plain and plain[0].name == "self":
        plain = plain[1:]
    text = str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return re.sub(r"<(?:function|object|class|built-in)[^>]*>", "...", text)


def op_of(thing):
    """The op that this is, or that a function of the same module runs under its name; None for compositions."""
    op = getattr(thing, "op", None) or thing
    return op if hasattr(op, "sig") and hasattr(op.sig, "text") else None


def methods(cls):
    """Public methods of a class that it, or a class of penstock's above it, defines."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("penstock"):
            found.update({n: v for n, v in vars(base).items() if not n.startswith("_")})
    return sorted(found.items())


def entry(name, aliases, examples):
    """The section of one name."""
    thing = named(name.removeprefix("raw_ops.")) if name.startswith("raw_ops.") else resolve(INDEX.get(name))
    lines = [f"## `tf.{name}`", ""]
    if not callable(thing):
        lines += [f"`{str(thing)[:200]}`", ""]
    else:
        lines += [f"```python\ntf.{name}{signature(thing)}\n```", ""]
    op = op_of(thing)
    if op is not None:
        lines += [f"Op: `{op.sig.text}`" + ("; runs on the host" if getattr(op, "where", "") == "host" else ""), ""]
    own = isinstance(thing, type) or callable(thing)
    text = inspect.getdoc(thing) if own and str(getattr(thing, "__module__", "")).startswith("penstock") else None
    if text:
        told, ran = examples.of(name, text)
        lines += [told, ""] + ([ran, ""] if ran else [])
    if isinstance(thing, type):
        for key, value in methods(thing):
            call = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            first = (inspect.getdoc(call) or "").partition("\n")[0]
            shown = "" if isinstance(value, property) or not callable(call) else signature(call)
            lines += [f"- `{key}{shown}`" + (f": {first}" if first else "")]
        lines.append("")
    if aliases:
        lines += ["Also: " + ", ".join(f"`tf.{a}`" for a in aliases), ""]
    return lines


def pages():
    """{file: Page}, and {name: its other names}."""
    found, targets = {}, defaultdict(list)
    for name in INDEX.under(""):
        if name.startswith(HIDDEN):
            continue
        targets[INDEX.get(name)].append(name)
        page_of(found, name).names.append(name)
    for name, _, _, _ in read_api(GOLDEN):
        if name.startswith(HIDDEN) or name.removeprefix(V1).startswith("keras."):
            continue
        page = page_of(found, name)
        page.total += 1
        if INDEX.get(name) is None:
            page.missing.append(name)
    return found, {n: [a for a in group if a != n] for group in targets.values() for n in group}


def page_of(found, name):
    """The page that a name stands on, made when it is the first there."""
    old, short = name.startswith(V1), name.removeprefix(V1)
    space = short.rpartition(".")[0].partition(".")[0]
    file = ("compat.v1." if old else "") + (space or "top") + ".md"
    title = ("tf.compat.v1" if old else "tf") + (f".{space}" if space else f" ({WHOLE})")
    return found.setdefault(file, Page(title))


def write(folder, only=None, progress=print):
    """Write the pages; the examples that ran and those that failed come back."""
    examples, (found, aliases) = Examples(), pages()
    os.makedirs(folder, exist_ok=True)
    index = ["# API reference", "", "| namespace | names | of TensorFlow's |", "|---|--:|--:|"]
    for file, page in sorted(found.items()):
        if not page.names:
            continue
        covered = f"{page.total - len(page.missing)} of {page.total}" if page.total else ""
        index.append(f"| [{page.title}]({file}) | {len(page.names)} | {covered} |")
        if only and file.removesuffix(".md") not in only:
            continue
        lines = [f"# {page.title}", "", f"Names here: {len(page.names)}. Of TensorFlow 2.21's names: {covered or 'none are public'}.", ""]
        if page.missing:
            lines += ["Missing: " + ", ".join(f"`tf.{m}`" for m in page.missing), ""]
        for name in page.names:
            lines += entry(name, aliases[name], examples)
        write_whole(os.path.join(folder, file), [("\n".join(lines).rstrip() + "\n").encode()])
        progress(f"{file}: {len(page.names)} names")
    write_whole(os.path.join(folder, "index.md"), [("\n".join(index) + "\n").encode()])
    return examples


def main(argv=None):
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m penstock.api.reference", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where the pages go, for example build/api")
    parser.add_argument("--only", nargs="*", metavar="PAGE", help="these pages alone, for example nn compat.v1.nn")
    given = parser.parse_args(argv)
    examples = write(given.folder, set(given.only) if given.only else None)
    print(f"{examples.run} examples, {len(examples.fragments)} of them fragments that were not run, {len(examples.failed)} failed: {', '.join(examples.failed) or 'none'}")
    return 1 if examples.failed else 0


if __name__ == "__main__":
    sys.exit(main())
