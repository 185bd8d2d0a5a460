"""What must be in place before the first public name is used; imported once, by `lazy.resolve`.

The lower floors leave slots to the upper ones (the default emitter, tensor operators, conversions, ...): importing
these modules fills them.
"""

from importlib import import_module
from os.path import exists, join

from penstock.api.lazy import FOLDER, INDEX
from penstock.base import trackable
from penstock.ir import door

SLOTS = (
    "penstock.fronts.eager",
    "penstock.fronts.session",
    "penstock.fronts.body_gradients",
    "penstock.ops.overloads",
    "penstock.ops.join",
    "penstock.ops.indexing",
    "penstock.state.variables",
)


def load_op(name):
    """Import the file that an op stands in."""
    target = INDEX.get(f"raw_ops.{name}")
    if target:
        import_module(target.partition(":")[0])


def checkpointing():
    """`Checkpoint` and `CheckpointManager`."""
    return import_module("penstock.state.checkpoint").Checkpoint, import_module("penstock.state.checkpoint_manager").CheckpointManager


door.load_op = load_op
trackable.checkpointing = checkpointing
for _name in SLOTS:
    if exists(join(FOLDER, *_name.split(".")[1:]) + ".py"):
        import_module(_name)
