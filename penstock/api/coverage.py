"""`python -m penstock.api.coverage`: how much of TensorFlow's interface is here, namespace by namespace and op by op.

`--missing nn` lists the names of a namespace that are not there, `--different nn` those whose parameters differ,
`--ops` the ops that are not registered or whose signature differs, `--write` makes `docs/coverage.md`.
"""

import argparse
import inspect
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field

from penstock.api.lazy import FOLDER, INDEX, OF_KERAS, V1, resolve
from penstock.api.make import import_everything
from penstock.base.files import write_whole

ROOT = os.path.dirname(FOLDER)
GOLDEN = os.path.join(ROOT, "tests", "golden")
PAGE = os.path.join(ROOT, "docs", "coverage.md")
WHOLE = "the top level"


@dataclass
class Space:
    """One namespace of one API: which of TensorFlow's names are here, and which of those have its parameters."""

    names: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    different: dict = field(default_factory=dict)

    @property
    def here(self):
        return len(self.names) - len(self.missing)

    @property
    def equal(self):
        return self.here - len(self.different)


def read_api(folder=GOLDEN):
    """[(name, kind, parameters or None, methods)] of both APIs, without modules."""
    rows = []
    with open(os.path.join(folder, "api.txt"), encoding="utf-8") as file:
        for line in file:
            name, kind, parameters, *methods = line.rstrip("\n").split(" ")
            if kind != "m":
                known = None if parameters == "?" else [] if parameters == "-" else parameters.split(",")
                rows.append((name, kind, known, methods[0].split(",") if methods and methods[0] else []))
    return rows


def parameters(thing):
    """Parameter names of a function, or of a class's constructor, keyword-only after `=`; None if unreadable."""
    try:
        found = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return None
    marks = {"KEYWORD_ONLY": "=", "VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    return [marks.get(p.kind.name, "") + p.name for p in found]


def of_keras(name):
    """What the keras package serves under a public name; None for a name that is not its own or not there."""
    short = name.removeprefix(V1)
    first, *rest = short.split(".")
    if first not in OF_KERAS[V1 if name.startswith(V1) else ""]:
        return None
    from penstock.api.keras_names import find

    thing = find(first)
    for key in rest:
        thing = getattr(thing, key, None)
    return thing


def difference(name, kind, expected, methods):
    """How what is here differs from TensorFlow's, as text, or ""."""
    try:
        thing = resolve(INDEX.get(name)) if INDEX.get(name) else of_keras(name)
    except Exception as error:  # whatever goes wrong is what the report says
        return f"cannot be loaded: {type(error).__name__}: {error}"
    notes = []
    if kind == "f" and not callable(thing):
        notes.append("is not callable")
    elif kind == "c" and not isinstance(thing, type):
        notes.append("is not a class")
    if kind in "fc" and expected is not None and callable(thing):
        have = parameters(thing)
        if have is not None and have != expected and "*args" not in expected:
            notes.append(f"has ({', '.join(have)}), TensorFlow ({', '.join(expected)})")
    lacking = [m for m in methods if not hasattr(thing, m)] if kind == "c" else []
    if lacking:
        notes.append("lacks " + ", ".join(lacking))
    return "; ".join(notes)


def spaces(folder=GOLDEN):
    """{(api, namespace): Space} where api is "2.x" or "1.x"."""
    found = defaultdict(Space)
    for name, kind, expected, methods in read_api(folder):
        old = name.startswith(V1)
        short = name.removeprefix(V1)
        space = found["1.x" if old else "2.x", short.partition(".")[0] if "." in short else WHOLE]
        space.names.append(name)
        here = INDEX.get(name) or of_keras(name)
        if here is None and short != "__version__":
            space.missing.append(name)
        elif here is not None:
            note = difference(name, kind, expected, methods)
            if note:
                space.different[name] = note
    return found


def read_opdefs(folder=GOLDEN):
    """{op: (signature, tags)} of TensorFlow's registry; tags such as {"grad": "fn", "stateful": ""}."""
    from penstock.ir import signature

    found = {}
    with open(os.path.join(folder, "opdefs.txt"), encoding="utf-8") as file:
        for line in file:
            text, _, tags = line.rstrip("\n").partition("\t")
            if ">" not in text.partition("(")[0]:
                parsed = signature.parse(text)
                found[parsed.name] = parsed, dict(t.partition("=")[::2] for t in tags.split())
    return found


def op_difference(have, want):
    """How an op's signature differs from TensorFlow's, as text, or ""."""
    import numpy as np

    notes = []
    for what in ("inputs", "outputs"):
        mine, theirs = ([(a.name, a.type, a.number, a.is_ref) for a in getattr(s, what)] for s in (have, want))
        if mine != theirs:
            notes.append(f"{what} {mine} against {theirs}")
    for name in sorted(set(have.attrs) ^ set(want.attrs)):
        notes.append(f"attr {name} only {'here' if name in have.attrs else 'in TensorFlow'}")
    single = lambda d: (
        np.float32(d) if isinstance(d, float) else [single(x) for x in d] if isinstance(d, list | tuple) else d
    )
    for name in sorted(set(have.attrs) & set(want.attrs)):
        mine, theirs = have.attrs[name], want.attrs[name]
        if mine.type != theirs.type:
            notes.append(f"attr {name} is {mine.type}, not {theirs.type}")
        elif repr(single(mine.default)) != repr(single(theirs.default)):
            notes.append(f"attr {name} defaults to {mine.default}, not {theirs.default}")
        elif set(mine.allowed or ()) != set(theirs.allowed or ()):
            text = lambda allowed: "|".join(sorted(str(getattr(a, "name", a)) for a in allowed or ()))
            notes.append(f"attr {name} allows {text(mine.allowed)}, not {text(theirs.allowed)}")
        elif (mine.minimum or 0) != (theirs.minimum or 0):
            notes.append(f"attr {name} has minimum {mine.minimum}, not {theirs.minimum}")
    return "; ".join(notes)


@dataclass
class Ops:
    """The ops that are here against TensorFlow's registry."""

    registered: list
    own: list  # not in TensorFlow
    with_gradient: list
    derived_gradient: list  # differentiable in TensorFlow, by the derived rule here
    core_missing: list
    core: int
    different: dict


def ops(folder=GOLDEN):
    """Compare the registry; every module must have been imported."""
    from penstock.ir.op import REGISTRY

    wanted = read_opdefs(folder)
    with open(os.path.join(folder, "core_ops.txt"), encoding="utf-8") as file:
        core = file.read().split()
    registered = sorted(set(REGISTRY) & set(wanted))
    has_rule = [n for n in registered if REGISTRY[n].grad_rule is not None]
    return Ops(
        registered=registered,
        own=sorted(n for n in REGISTRY if n not in wanted),
        with_gradient=has_rule,
        derived_gradient=[n for n in registered if n not in has_rule and wanted[n][1].get("grad") == "fn"],
        core_missing=[n for n in core if n not in REGISTRY],
        core=len(core),
        different={n: d for n in registered if (d := op_difference(REGISTRY[n].sig, wanted[n][0]))},
    )


def table(found, api):
    """Rows (namespace, TensorFlow's names, here, with equal parameters), the largest namespaces first."""
    rows = [(space, len(s.names), s.here, s.equal) for (which, space), s in found.items() if which == api]
    return sorted(rows, key=lambda r: (r[0] != WHOLE, -r[2], -r[1], r[0]))


def percent(part, whole):
    return f"{100 * part / whole:.0f} %" if whole else "-"


def page(found, op_report):
    """`docs/coverage.md`."""
    lines = [
        "# How much of TensorFlow's interface is here",
        "",
        "Made by `python -m penstock.api.coverage --write` from `penstock/api/names.txt` and the interface of "
        "TensorFlow 2.21.",
        "",
        f"Ops: {len(op_report.registered)} of TensorFlow's registry "
        f"({op_report.core - len(op_report.core_missing)} of the {op_report.core} that ordinary programs use), "
        f"{len(op_report.with_gradient)} with a gradient rule of their own, "
        f"{len(op_report.derived_gradient)} more that TensorFlow differentiates have none of their own; "
        f"{len(op_report.own)} ops are penstock's own.",
    ]
    for api, title in (("2.x", "`tf`"), ("1.x", "`tf.compat.v1`")):
        rows = table(found, api)
        names, here, equal = (sum(r[i] for r in rows) for i in (1, 2, 3))
        lines += ["", f"## {title}: {here} of {names} names, {equal} with the same parameters", ""]
        lines += ["| namespace | names | here | same parameters |", "|---|--:|--:|--:|"]
        lines += [f"| {space} | {n} | {h} ({percent(h, n)}) | {e} |" for space, n, h, e in rows if h]
        absent = [f"{space} ({n})" for space, n, h, _ in rows if not h]
        if absent:
            lines += ["", "Nothing yet of: " + ", ".join(absent) + "."]
    return "\n".join(lines) + "\n"


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m penstock.api.coverage", description=__doc__.split("\n\n")[0])
    parser.add_argument("golden", nargs="?", default=GOLDEN, help="folder with api.txt, opdefs.txt, core_ops.txt")
    parser.add_argument(
        "--missing", metavar="NAMESPACE", help="list what is missing there (`all`; `top` for the top level)"
    )
    parser.add_argument("--different", metavar="NAMESPACE", help="list what has other parameters there")
    parser.add_argument("--ops", action="store_true", help="list ops that are missing or whose signature differs")
    parser.add_argument("--write", action="store_true", help="write docs/coverage.md")
    asked = parser.parse_args(argv)
    for name, error in import_everything().items():
        print(f"cannot import {name}: {type(error).__name__}: {error}", file=sys.stderr)
    found, op_report = spaces(asked.golden), ops(asked.golden)
    wanted = lambda space, asked_for: asked_for in ("all", space) or (asked_for == "top" and space == WHOLE)
    if asked.write:
        write_whole(PAGE, [page(found, op_report).encode()])
        print(f"wrote {os.path.relpath(PAGE)}")
    elif asked.missing:
        for (_, space), s in sorted(found.items()):
            if wanted(space, asked.missing):
                print("\n".join(s.missing))
    elif asked.different:
        for (_, space), s in sorted(found.items()):
            if wanted(space, asked.different):
                print("\n".join(f"{name} {note}" for name, note in s.different.items()))
    elif asked.ops:
        print("missing of the core ops:", ", ".join(op_report.core_missing) or "none")
        for name, note in op_report.different.items():
            print(f"{name}: {note}")
    else:
        print(page(found, op_report))
        print(
            "Core ops missing:", len(op_report.core_missing), "| op signatures that differ:", len(op_report.different)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
