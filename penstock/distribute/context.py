"""Where the running code stands: in which strategy, in the one cross-replica context or in that of a replica."""

import threading

from penstock.base.export import export


class Mode:
    """One entry of the stack: a strategy with the replica that runs, or with None where all replicas are spoken to at once."""

    __slots__ = ("strategy", "replica_context")

    def __init__(self, strategy, replica_context=None):
        self.strategy, self.replica_context = strategy, replica_context


class _Here(threading.local):
    stack = ()
    updating = None  # the device or replica that `extended.update` runs for
    sync_on_read = False


HERE = _Here()
default = None
"""Slot: the strategy of programs that choose none, with its one replica (strategy)."""
_global = None


class entering:
    """A context that code runs in: pushes a mode, takes it away again."""

    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        HERE.stack = (*HERE.stack, self.mode)
        return self.mode.strategy

    def __exit__(self, *_):
        HERE.stack = HERE.stack[:-1]


def mode():
    """The innermost mode."""
    if HERE.stack:
        return HERE.stack[-1]
    if _global is not None:
        return Mode(_global)
    return Mode(default, default.replica_context)


@export("distribute.get_strategy")
def get_strategy():
    """The strategy that code runs under now; one without any effect where none was chosen."""
    return mode().strategy


@export("distribute.has_strategy")
def has_strategy():
    """Is there a strategy other than the one without any effect?"""
    return get_strategy() is not default


@export("distribute.get_replica_context")
def get_replica_context():
    """The replica that runs now; None where code speaks to all of them (inside `strategy.scope()`)."""
    return mode().replica_context


@export("distribute.in_cross_replica_context")
def in_cross_replica_context():
    """Does the code speak to all replicas at once?"""
    return mode().replica_context is None


@export("distribute.experimental_set_strategy")
def experimental_set_strategy(strategy):
    """Enter a strategy's scope for the rest of the program; None leaves it."""
    global _global
    if HERE.stack:
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    if strategy is not None and strategy.extended._expands_run:
        raise NotImplementedError(
            "Only default, MirroredStrategy and OneDeviceStrategy can be set for the whole program"
        )
    _global = None if strategy is default else strategy


@export(v1=("distribute.get_loss_reduction",))
def get_loss_reduction():
    """The reduction of a loss over replicas: MEAN unless the strategy scales losses."""
    from penstock.distribute.options import ReduceOp

    return (
        ReduceOp.MEAN
        if not has_strategy() or getattr(get_strategy().extended, "_scale_loss_for_estimator", True)
        else ReduceOp.SUM
    )


def require_replica_context(replica_context):
    """RuntimeError where `replica_context` is not the one that runs now."""
    current = mode().replica_context
    if current is None:
        raise RuntimeError("Need to be inside `with strategy.scope()`" if not HERE.stack else
                           "Method requires being in replica context, use get_replica_context().")  # fmt: skip
    if current is not replica_context:
        raise RuntimeError("Mismatching ReplicaContext.")


def require_cross_replica_context(extended):
    """RuntimeError where a replica runs, or another strategy."""
    current = mode()
    if current.replica_context is not None:
        raise RuntimeError("Method requires being in cross-replica context, use get_replica_context().merge_call()")
    if current.strategy is not extended._container_strategy():
        raise RuntimeError("Mixing different tf.distribute.Strategy objects.")


def require_scope(extended):
    """RuntimeError outside the strategy's scope."""
    current = mode()
    if current.strategy is extended._container_strategy():
        return
    if not HERE.stack and current.strategy is default:
        raise RuntimeError(f'Need to be inside "with strategy.scope()" for {extended._container_strategy()}')
    raise RuntimeError(
        f"Mixing different tf.distribute.Strategy objects: {current.strategy} is not {extended._container_strategy()}"
    )


@export(v2=("__internal__.distribute.strategy_supports_no_merge_call",))
def strategy_supports_no_merge_call():
    """May an optimizer of this strategy update variables without gathering the replicas?"""
    return get_strategy().extended._use_merge_call is False


@export(v2=("__internal__.distribute.interim.maybe_merge_call",))
def maybe_merge_call(fn, strategy, *args, **kwargs):
    """`fn(strategy, *args)` for all replicas at once where the strategy gathers them, else for the replica that runs."""
    if not strategy.extended._use_merge_call or in_cross_replica_context():
        return fn(strategy, *args, **kwargs)
    return get_replica_context().merge_call(fn, args=args, kwargs=kwargs)


@export(v2=("__internal__.distribute.variable_sync_on_read_context",))
class variable_sync_on_read_context:  # noqa: N801 - used like a function
    """A context in which reading a sync-on-read variable brings its copies together."""

    def __enter__(self):
        self.before, HERE.sync_on_read = HERE.sync_on_read, True

    def __exit__(self, *_):
        HERE.sync_on_read = self.before
