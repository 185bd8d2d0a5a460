"""`Scaffold`: the ops that a training session needs beside the model (init, ready, summaries, saver)."""

from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ops.join import concat
from penstock.ops.summaries import merge_all
from penstock.platform import messages
from penstock.state.collections import GraphKeys, add_to_collection, get_collection, global_variables
from penstock.state.initialization import (
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from penstock.state.lookup import tables_initializer
from penstock.state.resources import (
    initialize_resources,
    local_resources,
    report_uninitialized_resources,
    shared_resources,
)
from penstock.state.saver import Saver


def model_ready_op() -> Any:
    """The names of the variables that have no value yet."""
    return concat([report_uninitialized_variables(), report_uninitialized_resources()], 0)


def ready_for_local_init_op() -> Any:
    """The names of the global variables that have no value yet."""
    return concat([report_uninitialized_variables(global_variables()), report_uninitialized_resources(shared_resources())], 0)


def saver_or_default() -> Any:
    """The saver of the graph's collection, made when there is none; RuntimeError when there are several."""
    found = get_collection(GraphKeys.SAVERS)
    if found:
        if len(found) > 1:
            raise RuntimeError(
                f"More than one item in collection {GraphKeys.SAVERS}. Please indicate which one to use by passing it to the constructor."
            )
        return found[0]
    made = Saver(sharded=True, allow_empty=True)
    add_to_collection(GraphKeys.SAVERS, made)
    return made


@export(v1=("train.Scaffold",))
class Scaffold:
    """What is not given here is taken from the graph's collections, or made, by `finalize`."""

    def __init__(self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None,
                 local_init_op: Any = None, summary_op: Any = None, saver: Any = None, copy_from_scaffold: Any = None,
                 local_init_feed_dict: Any = None):  # fmt: skip
        if copy_from_scaffold is not None:
            if not isinstance(copy_from_scaffold, Scaffold):
                raise TypeError("copy_from_scaffold is not a Scaffold instance.")
            other = copy_from_scaffold
            either: Callable[[Any, Any], Any] = lambda a, b: b if a is None else a
            init_op, init_feed_dict = either(init_op, other.init_op), either(init_feed_dict, other.init_feed_dict)
            init_fn = either(init_fn, other._user_init_fn)
            ready_op = either(ready_op, other.ready_op)
            ready_for_local_init_op = either(ready_for_local_init_op, other.ready_for_local_init_op)
            local_init_op = either(local_init_op, other.local_init_op)
            local_init_feed_dict = either(local_init_feed_dict, other.local_init_feed_dict)
            summary_op, saver = either(summary_op, other.summary_op), either(saver, other.saver)
        self._user_init_fn = init_fn
        self._init_fn = (lambda sess: init_fn(self, sess)) if init_fn else None
        self._init_op, self._init_feed_dict = init_op, init_feed_dict
        self._ready_op, self._ready_for_local_init_op = ready_op, ready_for_local_init_op
        self._local_init_op, self._local_init_feed_dict = local_init_op, local_init_feed_dict
        self._summary_op, self._saver = summary_op, saver

    def finalize(self) -> "Scaffold":
        """Make what is missing, and finalize the graph."""
        get = Scaffold.get_or_default
        if self._init_op is None:

            def default_init_op() -> Any:
                return group(
                    global_variables_initializer(),
                    initialize_resources(shared_resources()),
                    *get_collection("saved_model_initializers"),
                )

            self._init_op = get("init_op", GraphKeys.INIT_OP, default_init_op)
        if self._ready_op is None:
            self._ready_op = get("ready_op", GraphKeys.READY_OP, model_ready_op)
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = get(
                "ready_for_local_init_op", GraphKeys.READY_FOR_LOCAL_INIT_OP, ready_for_local_init_op
            )
        if self._local_init_op is None:
            self._local_init_op = get("local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
        if self._summary_op is None:
            self._summary_op = get("summary_op", GraphKeys.SUMMARY_OP, merge_all)
        if self._saver is None:
            self._saver = saver_or_default()
        self._saver.build()
        get_default_graph().finalize()
        messages.info("Graph was finalized.")
        return self

    init_fn = property(lambda s: s._init_fn)
    init_op = property(lambda s: s._init_op)
    ready_op = property(lambda s: s._ready_op)
    ready_for_local_init_op = property(lambda s: s._ready_for_local_init_op)
    local_init_op = property(lambda s: s._local_init_op)
    local_init_feed_dict = property(lambda s: s._local_init_feed_dict)
    summary_op = property(lambda s: s._summary_op)
    saver = property(lambda s: s._saver)
    init_feed_dict = property(lambda s: s._init_feed_dict)

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """The one element of a collection, made and added when there is none; RuntimeError when there are several."""
        elements = get_collection(collection_key)
        if elements:
            if len(elements) > 1:
                raise RuntimeError(
                    f'More than one item in the collection "{collection_key}". Please indicate which one to use by passing it to the tf.Scaffold '
                    f"constructor as:  tf.Scaffold({arg_name}=item to use)"
                )
            return elements[0]
        made = default_constructor()
        if made is not None:
            add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """An op that initialises the local variables, the tables and the local resources."""
        return group(local_variables_initializer(), tables_initializer(), initialize_resources(local_resources()))
