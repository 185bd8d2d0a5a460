"""Public functions by name, for the modules of this package."""

from penstock.api.lazy import INDEX, resolve


def public(name):
    """`public("compat.v1.while_loop")`: what that public name is."""
    return resolve(INDEX.get(name))
