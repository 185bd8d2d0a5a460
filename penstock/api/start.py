"""What must be in place before the first public name is used; imported once, by `lazy.resolve`."""

from importlib import import_module

from penstock.api.lazy import INDEX
from penstock.ir import door


def load_op(name):
    """Import the file that an op stands in."""
    target = INDEX.get(f"raw_ops.{name}")
    if target:
        import_module(target.partition(":")[0])


door.load_op = load_op
