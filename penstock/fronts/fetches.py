"""What `Session.run` is asked for: nests of tensors, operations and names, flat and back."""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.fronts.session_handles import handle_of, is_handle
from penstock.ir.graph import GraphTensor, Operation

_conversions: list[tuple[Any, Callable[..., Any], Any]] = []


def register_session_run_conversion_functions(tensor_type: Any, fetch_function: Callable[..., Any], feed_function: Any = None,
                                              feed_function_for_partial_run: Any = None) -> None:  # fmt: skip
    """Say how objects of a class are fetched: `fetch_function(x) -> (list of tensors, function of their values)`; and fed."""
    if any(issubclass(tensor_type, t) for t, *_ in _conversions):
        raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _conversions.insert(0, (tensor_type, fetch_function, feed_function))


def expand_feed(key: Any) -> tuple[list[Any], Callable[[Any], list[Any]]] | None:
    """The tensors behind a composite feed key, and how to split a value into theirs; None for an ordinary key."""
    for kind, _, feed in _conversions:
        if isinstance(key, kind) and feed is not None:
            pairs = feed(key, None)
            return [t for t, _ in pairs], lambda value: [v for _, v in feed(key, value)]
    parts = getattr(key, "_feed_parts", None)  # SparseTensor and other composites
    if parts is not None and not isinstance(key, (GraphTensor, str)):
        tensors, split = parts()
        return list(tensors), split
    if isinstance(key, tuple):
        return list(key), list
    return None


class Fetches:
    """A nest of fetches: `tensors` and `operations` to run, `pack` to give the values back in the same nest."""

    def __init__(self, graph: Any, fetches: Any, session: Any = None):
        self.graph, self.session = graph, session
        self.tensors: list[Any] = []
        self.operations: list[Any] = []
        self._at: dict[int, int] = {}
        self._rebuild = self._walk(fetches)
        self.single = len(self.tensors) == 1 and self._rebuild is _first

    def _tensor(self, tensor: Any) -> int:
        if not self.graph.is_fetchable(tensor):
            raise ValueError(f"Tensor {tensor.name!r} has been marked as not fetchable.")
        at = self._at.get(tensor._id)
        if at is None:
            at = self._at[tensor._id] = len(self.tensors)
            self.tensors.append(tensor)
        return at

    def _walk(self, fetch: Any) -> Callable[[list[Any]], Any]:
        if fetch is None:
            raise TypeError("Argument `fetch` = None has invalid type \"NoneType\". Cannot be None")
        if isinstance(fetch, tuple) and hasattr(fetch, "_fields"):
            parts = [self._walk(f) for f in fetch]
            return lambda values: type(fetch)(*[p(values) for p in parts])
        if isinstance(fetch, (list, tuple)):
            parts = [self._walk(f) for f in fetch]
            kind = list if type(fetch) is not tuple and isinstance(fetch, list) else tuple
            return lambda values: kind([p(values) for p in parts])
        if isinstance(fetch, Mapping):
            keyed = {k: self._walk(v) for k, v in fetch.items()}
            plain = type(fetch) if type(fetch) is not dict and hasattr(type(fetch), "fromkeys") else dict

            def rebuild(values: list[Any]) -> Any:
                pairs = {k: p(values) for k, p in keyed.items()}
                if plain is dict:
                    return pairs
                if hasattr(fetch, "default_factory"):
                    return type(fetch)(fetch.default_factory, pairs)
                return plain(pairs)

            return rebuild
        if hasattr(type(fetch), "__attrs_attrs__"):
            names = [a.name for a in type(fetch).__attrs_attrs__]
            parts = [self._walk(getattr(fetch, n)) for n in names]
            return lambda values: type(fetch)(**{n: p(values) for n, p in zip(names, parts)})
        for kind, expand, _ in _conversions:
            if isinstance(fetch, kind):
                inner, contract = expand(fetch)
                parts = [self._walk(f) for f in inner]
                return lambda values: contract([p(values) for p in parts])
        composite = getattr(fetch, "_fetch_parts", None)
        if composite is not None and not isinstance(fetch, (GraphTensor, Operation)):
            inner, contract = composite()
            parts = [None if f is None else self._walk(f) for f in inner]
            return lambda values: contract([None if p is None else p(values) for p in parts])
        try:
            element = self.graph.as_graph_element(fetch, allow_tensor=True, allow_operation=True)
        except TypeError as e:
            raise TypeError(f"Argument `fetch` = {fetch!r} has invalid type {type(fetch).__name__!r}, must be a string or Tensor. ({e})") from None
        except ValueError as e:
            raise ValueError(f"Argument `fetch` = {fetch!r} cannot be interpreted as a Tensor. ({e})") from None
        except KeyError as e:
            raise ValueError(f"Argument `fetch` = {fetch!r} cannot be interpreted as a Tensor. ({e})") from None
        if isinstance(element, Operation):
            if not self.graph.is_fetchable(element):
                raise ValueError(f"Operation {element.name!r} has been marked as not fetchable.")
            self.operations.append(element)
            return _nothing
        at = self._tensor(element)
        if is_handle(element):
            return lambda values: handle_of(element, values[at], self.session)
        return _first if at == 0 else lambda values: values[at]

    def pack(self, values: list[Any]) -> Any:
        return self._rebuild(values)


def _first(values: list[Any]) -> Any:
    return values[0]


def _nothing(values: list[Any]) -> None:
    return None
