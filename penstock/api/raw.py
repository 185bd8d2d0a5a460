"""`tf.raw_ops.MatMul` and `gen_math_ops.mat_mul`: an op as a plain function with TensorFlow's parameter list."""

import inspect
from functools import cache
from os.path import dirname, join

from penstock.ir.op import find
from penstock.ir.signature import REQUIRED

_made = {}


def function(op, positional=False):
    """The function of an op: keyword-only as in `tf.raw_ops`, or positional as in the generated modules."""
    key = op.name, positional
    if key not in _made:
        _made[key] = _make(op, positional)
    return _made[key]


def named(name, positional=False):
    """The function of the op of this name: the file it stands in is imported when needed."""
    import penstock.api.start  # noqa: F401 - `find` asks it for the file

    return function(find(name), positional)


@cache
def attribute_orders():
    """{op: its attributes in the order of TensorFlow's generated function}, where that is not the alphabet's."""
    with open(join(dirname(__file__), "attribute_order.txt"), encoding="utf-8") as file:
        return {op: attrs for op, *attrs in map(str.split, file)}


def parameters(op, kind=inspect.Parameter.KEYWORD_ONLY):
    """Inputs, then attributes that cannot be inferred from them, those without a default first, then `name`."""
    P = inspect.Parameter
    attrs = [(n, d) for n, d in op.free_attrs.items() if n not in op.sig.inferred]
    order = attribute_orders().get(op.name)
    if order:
        attrs.sort(key=lambda attr: order.index(attr[0]) if attr[0] in order else len(order))
    called = lambda n: op.called.get(n, n)
    required = [P(called(n), kind) for n, d in attrs if d is REQUIRED]
    optional = [P(called(n), kind, default=d) for n, d in attrs if d is not REQUIRED]
    return [*(P(called(a.name), kind) for a in op.sig.inputs), *required, *optional, P("name", kind, default=None)]


def _make(op, positional):
    names = [p.name for p in parameters(op)]

    def raw(*args, **kwargs):
        if args:
            if not positional:
                raise TypeError(f"{op.name} only takes keyword args (possible keys: {names})")
            if len(args) > len(names):
                raise TypeError(f"{op.name}() takes at most {len(names)} positional arguments, got {len(args)}")
            twice = set(names[: len(args)]) & set(kwargs)
            if twice:
                raise TypeError(f"{op.name}() got multiple values for argument {min(twice)!r}")
            kwargs.update(zip(names, args))
        return op.raw(**kwargs)

    raw.__name__ = raw.__qualname__ = op.name
    raw.__doc__ = op.__doc__
    raw.__module__ = "penstock.raw_ops"
    raw.op = op
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if positional else inspect.Parameter.KEYWORD_ONLY
    raw.__signature__ = inspect.Signature(parameters(op, kind))
    return raw
