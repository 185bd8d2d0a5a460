"""`python scripts/make_golden_api.py SPEC_DIR`: write `tests/golden/{api,opdefs,core_ops}.txt`.

SPEC_DIR holds `api_v1.json`, `api_v2.json` (every public name with its parameters), `opdefs.json` (the op registry) and
`ops_core.json` (the ops that ordinary programs use), as read from TensorFlow 2.21 by introspection.

`api.txt`: `name kind parameters [methods]`, kind f(unction) c(lass) k(onstant) m(odule), keyword-only ones after `=`.
`opdefs.txt`: one signature a line in the form of `@op`, then a tab and tags: grad=fn|none, stateful, raw.
"""

import json
import os
import sys

OUT = os.path.join(os.path.dirname(__file__), "..", "tests", "golden")
DTYPES = {"half": "float16", "float": "float32", "double": "float64"}


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def api_lines(folder):
    for name in ("api_v1.json", "api_v2.json"):
        for public, (kind, *rest) in read(folder, name)["api"].items():
            public = public.removeprefix("tf.")
            if public.startswith("raw_ops"):
                continue  # opdefs.txt says it
            parameters = "?" if not rest or rest[0] is None else ",".join(rest[0])
            methods = rest[1] if len(rest) > 1 else ""
            if "SerializeToString" in methods or "keras." in public:
                methods = ""
            yield f"{public} {kind} {parameters or '-'} {methods}".rstrip()


def type_of(kind):
    ref = kind.startswith("&")
    kind = kind.lstrip("&$")
    kind = DTYPES.get(kind, kind)
    return f"Ref({kind})" if ref else kind


def argument(name, kind, number=None):
    return f"{name}: {number[1:] + '*' if number else ''}{type_of(kind)}"


def attribute(name, attr):
    kind = {"string": "str", "list(string)": "list(str)"}.get(attr["t"], attr["t"])
    if "a" in attr:
        words = [f'"{a}"' for a in attr["a"]] if "str" in kind else [DTYPES.get(a, a) for a in attr["a"]]
        allowed = "|".join(words) if "str" in kind else "{" + "|".join(words) + "}"
        kind = f"list({allowed})" if kind.startswith("list") else allowed
    if "min" in attr:
        kind += f" >= {attr['min']}"
    if "d" in attr:
        kind += f" = {default(attr['t'], attr['d'])}"
    return f"{name}: {kind}"


def default(kind, value):
    if kind == "type":
        return DTYPES.get(value, value)
    if kind == "list(type)":
        return "[" + ", ".join(DTYPES.get(v, v) for v in value) + "]"
    if isinstance(value, float):
        return repr(value).replace("inf", "1e999")
    return repr(value)


def op_line(name, op):
    ins = ", ".join(argument(*a) for a in op["in"])
    attrs = ", ".join(attribute(n, a) for n, a in op["attr"].items())
    outs = ", ".join(argument(*a) for a in op["out"])
    tags = [f"grad={op.get('grad')}"] * ("grad" in op) + ["stateful"] * ("is_stateful" in op) + ["raw"] * ("raw" in op)
    inside = ins + (", " if ins and attrs else "") + ("*, " + attrs if attrs else "")
    return f"{name}({inside}) -> ({outs})\t{' '.join(tags)}"


def main(folder):
    opdefs = read(folder, "opdefs.json")
    for name, lines in (
        ("api.txt", sorted(api_lines(folder))),
        ("opdefs.txt", [op_line(*row) for row in sorted(opdefs.items())]),
        ("core_ops.txt", sorted(read(folder, "ops_core.json"))),
    ):
        with open(os.path.join(OUT, name), "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        print(name, len(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
