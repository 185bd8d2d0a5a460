"""`tensorflow.python.ops.state_ops`: functions of a variable or its reference."""

from penstock.ir.op import find


def is_variable_initialized(ref, name=None):
    """Does the variable have a value? A bool scalar."""
    asked = getattr(ref, "is_initialized", None)
    return asked(name=name) if asked is not None else find("IsVariableInitialized")(ref, name=name)
