"""What an input function gives: a Dataset, or tensors; as features, labels and the hooks that start the input."""

from typing import Any

from penstock.train.session_run_hook import SessionRunHook


class DatasetInitializerHook(SessionRunHook):
    """Initialises the iterator of a Dataset when a session was made."""

    def __init__(self, iterator: Any):
        self._iterator = iterator

    def begin(self) -> None:
        self._initializer = self._iterator.initializer

    def after_create_session(self, session: Any, coord: Any) -> None:
        session.run(self._initializer)


def parse_input_fn_result(result: Any) -> tuple[Any, Any, list[Any]]:
    """(features, labels, hooks) of an input function's result."""
    hooks: list[Any] = []
    if _is_dataset(result):
        from penstock.data.dataset_v1 import make_initializable_iterator

        iterator = make_initializable_iterator(result)
        hooks.append(DatasetInitializerHook(iterator))
        result = iterator.get_next()
    features, labels = parse_iterator_result(result)
    return features, labels, hooks


def parse_iterator_result(result: Any) -> tuple[Any, Any]:
    """(features, labels) of one element."""
    if isinstance(result, (list, tuple)):
        if len(result) != 2:
            raise ValueError("input_fn should return (features, labels) as a len 2 tuple.")
        return result[0], result[1]
    return result, None


def _is_dataset(result: Any) -> bool:
    import sys

    module = sys.modules.get("penstock.data.dataset")
    return module is not None and isinstance(result, (module.DatasetV2, module.DatasetV1Base))


def has_dataset_or_queue_runner(features: Any) -> bool:
    """Do the features come from an input that can end?"""
    from penstock.base import nest
    from penstock.fronts.default_graph import get_default_graph
    from penstock.state.collections import GraphKeys

    todo = [t for t in nest.flatten(features) if getattr(t, "op", None) is not None]
    seen: set[int] = set()
    while todo:
        op = todo.pop().op
        if id(op) in seen:
            continue
        seen.add(id(op))
        if op.type in ("IteratorGetNext", "OneShotIterator", "IteratorGetNextSync"):
            return True
        todo.extend(op.inputs)
    return bool(get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS))
