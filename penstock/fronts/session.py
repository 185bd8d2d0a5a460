"""`tf.compat.v1.Session`: run parts of a graph."""

import threading
from typing import Any

import numpy as np

from penstock.base import errors
from penstock.base.dtypes import DType
from penstock.base.export import export
from penstock.engine.run import Plan
from penstock.engine.store import Store
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.fetches import Fetches, register_session_run_conversion_functions
from penstock.fronts.session_handles import TensorHandle, fed
from penstock.ir import convert, door, graph
from penstock.ir.graph import GraphTensor

_local = threading.local()
served_stores: dict[bytes, Store] = {}
"""Slot: the stores of the servers of this process, by target; sessions of one server share its variables."""
ndarray = np.ndarray


def _stack() -> list[Any]:
    stack = getattr(_local, "sessions", None)
    if stack is None:
        stack = _local.sessions = []
    return stack


@export(v1=("get_default_session",))
def get_default_session() -> Any:
    """The innermost session of this thread that is used as a context, or None."""
    stack = _stack()
    return stack[-1] if stack else None


graph.default_session = get_default_session


class BaseSession:
    """What `Session` and `InteractiveSession` share."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None):
        if target is None:
            target = ""
        if isinstance(target, str):
            target = target.encode()
        if not isinstance(target, bytes):
            raise TypeError(f"Argument `target` must be a string, got {target!r}")
        self._target = target
        if graph is not None and not hasattr(graph, "as_graph_element"):
            raise TypeError(f"Argument `graph` must be a tf.Graph, but got {type(graph).__name__!r}")
        if config is not None and not hasattr(config, "SerializeToString"):
            raise TypeError(f"Argument `config` must be a tf.ConfigProto, but got {type(config).__name__!r}")
        self._graph = graph if graph is not None else get_default_graph()
        self._config = config
        self._closed = False
        self._served = target in served_stores
        self._store = served_stores[target] if self._served else Store()
        self._plans: dict[Any, Any] = {}
        self._build_lock = threading.RLock()

    @property
    def graph(self) -> Any:
        return self._graph

    @property
    def graph_def(self) -> Any:
        return self._graph.as_graph_def(add_shapes=False)

    @property
    def sess_str(self) -> bytes:
        return self._target

    def list_devices(self) -> Any:
        """The devices this session can use."""
        return [_Device("/job:localhost/replica:0/task:0/device:CPU:0", "CPU", 256 << 20)]

    def close(self) -> None:
        """Free the session's resources; running after it is a RuntimeError."""
        self._closed = True
        if self._served:  # the server keeps its variables
            self._plans.clear()
            return
        for r in self._store.resources():
            cancel = getattr(r, "session_closed", None)
            if cancel is not None:
                cancel()
        self._plans.clear()
        self._store.forget()

    def reset_resources(self, containers: list[str] | None = None) -> None:
        self._store.forget(containers)

    def as_default(self) -> Any:
        """A context in which this is the default session."""
        return _Default(self)

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Run what `fetches` (a tensor, operation, name, or a nest of them) needs, with the values of `feed_dict`.

        Tensors come back as NumPy arrays, operations as None, in the structure of `fetches`.  A failed run leaves every
        variable as it was before the island that failed.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph._nodes:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        try:
            wanted = (list, *fetches) if type(fetches) is list else fetches
            key = (wanted, *feed_dict) if feed_dict else wanted
            found = self._plans.get(key)
        except TypeError:
            try:
                wanted = _hashable(fetches)
                key = (wanted, *feed_dict) if feed_dict else wanted
                found = self._plans.get(key)
            except TypeError:
                key, found = None, None
        if found is None or found.version != self._graph._version and not found.fresh(self._graph):
            found = self._prepare(fetches, feed_dict, key)
        if run_metadata is not None or options is not None:
            return self._traced(found, feed_dict, options, run_metadata)
        return found(feed_dict)

    def _prepare(self, fetches: Any, feed_dict: Any, key: Any) -> "Runner":
        with self._build_lock:
            feeds, expand = _feeds(self._graph, feed_dict)
            handler = Fetches(self._graph, fetches, self)
            flat_key = (tuple(t._id for t in handler.tensors), tuple(o._id for o in handler.operations), tuple(t._id for t in feeds), self._graph._version)
            plan = self._plans.get(flat_key)
            if plan is None:
                plan = Plan(self._store, handler.tensors, handler.operations, feeds)
                if len(self._plans) > 512:
                    self._plans.clear()
                self._plans[flat_key] = plan
            runner = Runner(self, plan, handler, feeds, expand, self._graph._version)
            if key is not None:
                self._plans[key] = runner
            return runner

    def _traced(self, runner: "Runner", feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        """A run with options: with FULL_TRACE its nodes run one by one, and their times go into `run_metadata`."""
        for given, field, what in ((options, "trace_level", "RunOptions"), (run_metadata, "step_stats", "RunMetadata")):
            if given is not None and not hasattr(given, field):
                raise TypeError(f"`{'options' if given is options else 'run_metadata'}` must be a {what}, got {given!r}")
        if run_metadata is None or options is None or options.trace_level == 0:
            out = runner(feed_dict)
        else:
            from penstock.engine.profile import fill_step_stats, watched

            found: list[Any] = []

            def run(values: Any) -> Any:
                outs, times = watched(runner.plan, values)
                found.extend(times)
                return outs

            out = runner(feed_dict, run)
            run_metadata.Clear()
            fill_step_stats(run_metadata.step_stats, found)
        if run_metadata is not None and options is not None and options.output_partition_graphs:
            names = {n.name for n in runner.plan.nodes}
            part = run_metadata.partition_graphs.add()
            part.CopyFrom(self._graph.as_graph_def(add_shapes=True))
            kept = [n for n in part.node if n.name in names]
            del part.node[:]
            part.node.extend(kept)
        return out

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Any:
        """A function of the values of `feed_list` that runs `fetches`."""
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("Argument `feed_list` must be a list or tuple.")
        feeds = [self._graph.as_graph_element(f, allow_operation=False) for f in feed_list or ()]

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            if len(values) != len(feeds):
                raise TypeError(f"The callable takes {len(feeds)} values ({', '.join(f.name for f in feeds)}), got {len(values)}")
            return self.run(fetches, dict(zip(feeds, values)), options, run_metadata)

        return call

    def _make_callable_from_options(self, callable_options: Any) -> Any:
        """A function of the values of the options' feeds that gives the values of its fetches, as a list."""
        element = self._graph.as_graph_element
        feeds = [element(name, allow_operation=False) for name in callable_options.feed]
        fetches, targets = [element(name) for name in callable_options.fetch], [element(name) for name in callable_options.target]
        pairs = [(element(c.from_tensor), element(c.to_tensor)) for c in callable_options.tensor_connection]
        options = callable_options.run_options if callable_options.HasField("run_options") else None

        def call(*values: Any, run_metadata: Any = None) -> Any:
            given = dict(zip(feeds, values))
            if pairs:
                connected = self.run([source for source, _ in pairs], given)
                given.update((to, value) for (_, to), value in zip(pairs, connected))
            return self.run([fetches, targets], given, options, run_metadata)[0]

        return call

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> Any:
        """Prepare to run `fetches` in several turns of `partial_run`."""
        handler = Fetches(self._graph, fetches)
        allowed = [self._graph.as_graph_element(f, allow_operation=False) for f in feeds or ()]
        return PartialRun(self, handler, allowed)

    def partial_run(self, handle: Any, fetches: Any, feed_dict: Any = None) -> Any:
        """Go on with a partial run: what was fed and computed in earlier turns is still there."""
        return handle.run(fetches, feed_dict)

    def __del__(self) -> None:
        self._plans = {}


class _Device:
    """An entry of `Session.list_devices()`."""

    def __init__(self, name: str, device_type: str, memory_limit_bytes: int):
        self.name, self.device_type, self.memory_limit_bytes, self.incarnation = name, device_type, memory_limit_bytes, 1

    def __repr__(self) -> str:
        return f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, {self.incarnation})"


class Runner:
    """A plan with what stands around it: checking the fed values, packing the fetched ones."""

    __slots__ = ("session", "plan", "handler", "feeds", "expand", "version", "single", "checked")

    def __init__(self, session: Any, plan: Plan, handler: Fetches, feeds: list[Any], expand: Any, version: int):
        self.session, self.plan, self.handler, self.feeds, self.expand, self.version = session, plan, handler, feeds, expand, version
        self.single = handler.single
        self.checked = [(t, t.dtype.base_dtype.array_dtype, t._dims) for t in feeds]

    def fresh(self, graph: Any) -> bool:
        """Does the plan still hold?  Nodes added later never change what earlier ones need; rewired edges do."""
        if graph._rewired > self.version:
            return False
        self.version = graph._version
        return True

    def __call__(self, feed_dict: Any, run: Any = None) -> Any:
        values: list[Any] = []
        if feed_dict:
            given = self.expand(feed_dict) if self.expand is not None else feed_dict.values()
            for (tensor, dtype, dims), value in zip(self.checked, given):
                if type(value) is not ndarray or value.dtype != dtype:
                    value = fed_value(tensor, value)
                shape = value.shape if type(value) is ndarray else dims
                if shape != dims and dims is not None and (len(shape) != len(dims) or any(d is not None and d != s for d, s in zip(dims, shape))):
                    raise ValueError(
                        f"Cannot feed value of shape {shape} for Tensor {tensor.name!r}, which has shape {tensor.shape}\n  the placeholder was made at {tensor.op.line}"
                    )
                values.append(value)
        outs = self.plan(values) if run is None else run(values)
        if self.single:
            return own(outs[0])
        return self.handler.pack([own(v) for v in outs])


def own(value: Any) -> Any:
    """A fetched value as the caller's own: a writeable array, a scalar for rank 0."""
    if type(value) is ndarray:
        return value[()] if value.ndim == 0 else value.copy()
    read = getattr(value, "read", None)
    if read is not None and hasattr(value, "write"):
        value = read()
    if hasattr(value, "devices"):
        array = np.array(value)
        return array[()] if array.ndim == 0 else array
    return own(value) if type(value) is ndarray else value


def fed_value(tensor: Any, value: Any) -> Any:
    """A fed value as an array of the tensor's dtype."""
    dtype: DType = tensor.dtype.base_dtype
    if isinstance(value, (GraphTensor,)):
        raise TypeError(
            f"The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, lists, numpy ndarrays, or "
            f"TensorHandles. For reference, the tensor object was {value!r} which was passed to the feed with key {tensor!r}."
        )
    if isinstance(value, TensorHandle):
        return fed(tensor, value)
    if dtype.group == "":
        return convert.to_array(value, dtype) if dtype.name == "string" else getattr(value, "_array", value)
    if isinstance(value, int) and not isinstance(value, bool) and dtype.is_integer and not dtype.min <= value <= dtype.max:
        raise TypeError(f"Type of feed value {value} with type <class 'int'> is not compatible with Tensor type {dtype.array_dtype}. Try explicitly setting the type of the feed tensor to a larger type (e.g. int64).")
    try:
        return np.asarray(value, dtype.array_dtype)
    except (TypeError, ValueError) as e:
        raise type(e)(f"{e}\n  while feeding {value!r} for Tensor {tensor.name!r} of dtype {dtype.name}") from None


def _hashable(fetches: Any) -> Any:
    """A nest of lists and dictionaries as something that can be a key."""
    kind = type(fetches)
    if kind is dict:
        return (dict, *((k, _hashable(v)) for k, v in fetches.items()))
    if kind is list:
        return (list, *map(_hashable, fetches))
    return tuple(map(_hashable, fetches)) if kind is tuple else fetches


def _feeds(graph_: Any, feed_dict: Any) -> tuple[list[Any], Any]:
    """The tensors that are fed, and how to get their values in that order out of a feed_dict (None: as it lists them)."""
    if not feed_dict:
        return [], None
    from penstock.fronts.fetches import expand_feed

    tensors: list[Any] = []
    simple = True
    for key in feed_dict:
        parts = expand_feed(key)
        simple = simple and parts is None
        for part in [key] if parts is None else parts[0]:
            try:
                tensor = graph_.as_graph_element(part, allow_operation=False)
            except (TypeError, ValueError, KeyError) as e:
                raise TypeError(f"Cannot interpret feed_dict key as Tensor: {e}") from None
            if not graph_.is_feedable(tensor):
                raise ValueError(f"Tensor {tensor.name} may not be fed.")
            tensors.append(tensor)

    def expand(given: Any) -> list[Any]:
        values: list[Any] = []
        for key, value in given.items():
            parts = expand_feed(key)
            values.extend([value] if parts is None else parts[1](value))
        return values

    return tensors, None if simple else expand


class PartialRun:
    """A run in several turns: the values of one turn are feeds of the next."""

    def __init__(self, session: Any, handler: Fetches, allowed: list[Any]):
        self.session = session
        self.left = {t._id for t in handler.tensors} | {o._id for o in handler.operations}
        self.allowed = {t._id for t in allowed}
        self.values: dict[Any, Any] = {}

    def run(self, fetches: Any, feed_dict: Any) -> Any:
        feeds, expand = _feeds(self.session.graph, feed_dict)
        given = [] if not feed_dict else expand(feed_dict) if expand else list(feed_dict.values())
        for t, v in zip(feeds, given):
            if t._id not in self.allowed:
                raise errors.InvalidArgumentError(None, None, f"Tensor {t.name} was not specified in partial_run_setup.")
            if t in self.values:
                raise errors.InvalidArgumentError(None, None, f"The feed {t.name} was already fed.")
            self.values[t] = v
        handler = Fetches(self.session.graph, fetches)
        for x in (*handler.tensors, *handler.operations):
            if x._id not in self.left:
                raise errors.InvalidArgumentError(None, None, f"{x.name} was not specified in partial_run_setup, or was fetched already.")
            self.left.discard(x._id)
        out = self.session.run(handler.tensors + handler.operations, self.values)
        values = out[: len(handler.tensors)]
        self.values.update(zip(handler.tensors, values))
        return handler.pack(values)


class _Default:
    """The context of `session.as_default()`."""

    def __init__(self, session: Any):
        self.session = session

    def __enter__(self) -> Any:
        _stack().append(self.session)
        return self.session

    def __exit__(self, *_: object) -> None:
        stack = _stack()
        if self.session in stack:
            del stack[len(stack) - 1 - stack[::-1].index(self.session)]


@export(v1=("Session",))
class Session(BaseSession):
    """Runs the operations of a graph, and holds its variables."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None):
        super().__init__(target, graph, config)
        self._contexts: list[Any] = []

    def __enter__(self) -> "Session":
        contexts = (door.using(self._graph), _Default(self))
        for c in contexts:
            c.__enter__()
        self._contexts.append(contexts)
        return self

    def __exit__(self, *error: Any) -> None:
        contexts = self._contexts.pop()
        for c in reversed(contexts):
            c.__exit__(*error)
        self.close()

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Forget the containers of a target; sessions here are their own targets, so there is nothing they share."""


@export(v1=("InteractiveSession",))
class InteractiveSession(BaseSession):
    """A session that is the default one from the moment it is made."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None):
        super().__init__(target, graph, config)
        self._context = _Default(self)
        self._context.__enter__()
        self._graph_context = None
        if graph is not None:
            self._graph_context = door.using(self._graph)
            self._graph_context.__enter__()

    def close(self) -> None:
        super().close()
        self._context.__exit__(None, None, None)
        if self._graph_context is not None:
            self._graph_context.__exit__(None, None, None)
            self._graph_context = None


__all__ = ["Session", "InteractiveSession", "get_default_session", "register_session_run_conversion_functions"]
