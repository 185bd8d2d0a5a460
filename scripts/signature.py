"""Print the signature text of TensorFlow ops from an op registry in JSON: `python scripts/signature.py OPDEFS.json MatMul Conv2D`."""

import json
import sys

from penstock.base import dtypes
from penstock.ir.signature import SETS


def kind(spec: dict, name: str) -> str:
    """The text of one attr."""
    base = spec["t"]
    base = base.replace("string", "str")
    inner = base[5:-1] if base.startswith("list(") else base
    if "a" in spec:
        if inner == "type":
            allowed = [dtypes.as_dtype(a) for a in spec["a"]]
            named = next((n for n, s in SETS.items() if set(s) == set(allowed)), None)
            inner = named or "{" + "|".join(d.name for d in allowed) + "}"
        else:
            inner = "|".join(f'"{a}"' for a in spec["a"])
    text = f"{name}: " + (f"list({inner})" if base.startswith("list(") else inner)
    if "min" in spec:
        text += f" >= {spec['min']}"
    if "d" in spec:
        default = spec["d"]
        if base == "type":
            default = dtypes.as_dtype(default).name
        elif base == "list(type)":
            default = "[" + ", ".join(dtypes.as_dtype(d).name for d in default) + "]"
        elif base == "shape":
            default = None if default in (None, "unknown", "?") or isinstance(default, dict) else default
        else:
            default = repr(default).replace("'", '"') if isinstance(default, str) else repr(default)
        text += f" = {default}"
    return text


def tensor(entry: list) -> str:
    """The text of one input or output: [name, "$T" | "float" | "&...", "*N"?]."""
    name, base = entry[0], entry[1]
    ref = base.startswith("&")
    base = base.lstrip("&")
    text = base.lstrip("$") if base.startswith("$") else dtypes.as_dtype(base).name
    if len(entry) > 2:
        text = f"{entry[2].lstrip('*')}*{text}"
    return f"{name}: Ref({text})" if ref else f"{name}: {text}"


def signature(name: str, opdef: dict) -> str:
    """The whole signature."""
    ins = [tensor(e) for e in opdef["in"]]
    attrs = [kind(a, n) for n, a in opdef["attr"].items()]
    outs = [tensor(e) for e in opdef["out"]]
    right = outs[0] if len(outs) == 1 else f"({', '.join(outs)})"
    return f"{name}({', '.join([*ins, *(['*'] if attrs else []), *attrs])}) -> {right}"


if __name__ == "__main__":
    registry = json.load(open(sys.argv[1]))
    for op_name in sys.argv[2:]:
        print(signature(op_name, registry[op_name]))
