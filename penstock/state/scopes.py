"""Variable scopes: `tf.get_variable` finds or makes variables by name under the defaults of the scopes around it."""

import copy
import enum
import threading
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import Any

from penstock.base.dtypes import as_dtype, float32
from penstock.base.export import export, export_constant
from penstock.fronts.default_graph import global_graph
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.scope import name_scope
from penstock.state.collections import GraphKeys
from penstock.state.variable import VariableAggregation, VariableSynchronization
from penstock.state.variable_store import VariableStore, takes_keyword


class _ReuseMode(enum.Enum):
    """Ways to reuse variables besides True, False and None."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE
AUTO_REUSE_DOC = "Make variables that do not exist, reuse those that do."
export_constant(module=__name__, attr="AUTO_REUSE", v1=("AUTO_REUSE",))


def home() -> Any:
    """The graph that keeps the variable scopes: the one around all functions being traced; the global one for eager code."""
    here = door.current()
    while here.is_graph and here.building_function:
        here = here.outer
    return here if here.is_graph else global_graph()


class _Scopes(threading.local):
    """The current scope of a thread, and how often each scope's name was opened."""

    def __init__(self) -> None:
        self.current = VariableScope(False)
        self.counts: dict[str, int] = {}

    def open(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def close_below(self, name: str | None) -> None:
        for k in self.counts:
            if name is None or k.startswith(f"{name}/"):
                self.counts[k] = 0


def _scopes() -> _Scopes:
    extras = home()._extras
    found = extras.get("variable scopes")
    if found is None:
        found = extras["variable scopes"] = _Scopes()
    return found


def variable_store() -> VariableStore:
    """The variables that `get_variable` made in the default graph."""
    extras = home()._extras
    found = extras.get("variable store")
    if found is None:
        found = extras["variable store"] = VariableStore()
    return found


@contextmanager
def with_variable_store(store: Any) -> Any:
    """A context in which `get_variable` uses this store."""
    extras = home()._extras
    before = extras.get("variable store")
    extras["variable store"] = store
    try:
        yield
    finally:
        if before is None:
            extras.pop("variable store", None)
        else:
            extras["variable store"] = before


_get_default_variable_store = variable_store


class EagerVariableStore:
    """Keeps the variables that `get_variable` makes in eager code, so that a second call with the same name finds them."""

    def __init__(self, store: VariableStore | None = None):
        if store is not None and not store.store_eager:
            raise ValueError(
                "Cannot construct EagerVariableStore from a VariableStore object that does not hold eager variables."
            )
        self._store = store or VariableStore(store_eager=True)

    @contextmanager
    def as_default(self) -> Any:
        """A context in which `get_variable` uses this store."""
        extras = home()._extras
        before = extras.get("variable store")
        extras["variable store"] = self._store
        try:
            yield
        finally:
            extras["variable store"] = before if before is not None else VariableStore()

    def variables(self) -> list[Any]:
        return sorted(self._store.held.values(), key=lambda v: v.name)

    def trainable_variables(self) -> list[Any]:
        return [v for v in self.variables() if v.trainable]

    def non_trainable_variables(self) -> list[Any]:
        return [v for v in self.variables() if not v.trainable]

    def copy(self) -> "EagerVariableStore":
        made = EagerVariableStore()
        for key, var in self._store.held.items():
            made._store.held[key] = copy.deepcopy(var)
        return made


@export(v1=("VariableScope",))
class VariableScope:
    """The prefix of variable names and the defaults that `get_variable` takes inside a `tf.variable_scope`."""

    def __init__(
        self, reuse: Any, name: str = "", initializer: Any = None, regularizer: Any = None, caching_device: Any = None, partitioner: Any = None,
        custom_getter: Any = None, name_scope: str = "", dtype: Any = float32, use_resource: bool | None = None, constraint: Any = None,
    ):  # fmt: skip
        self._name, self._initializer, self._regularizer, self._reuse = name, initializer, regularizer, reuse
        self._caching_device, self._partitioner, self._custom_getter, self._name_scope = (
            caching_device,
            partitioner,
            custom_getter,
            name_scope,
        )
        self._dtype, self._use_resource, self._constraint = dtype, use_resource, constraint
        if not _in_graph():
            if caching_device is not None:
                raise NotImplementedError("Caching devices is not yet supported when eager execution is enabled.")
            self._reuse, self._use_resource = AUTO_REUSE, True

    name = property(lambda s: s._name)
    original_name_scope = property(lambda s: s._name_scope)
    reuse = property(lambda s: s._reuse)
    initializer = property(lambda s: s._initializer)
    dtype = property(lambda s: s._dtype)
    use_resource = property(lambda s: s._use_resource)
    regularizer = property(lambda s: s._regularizer)
    caching_device = property(lambda s: s._caching_device)
    partitioner = property(lambda s: s._partitioner)
    custom_getter = property(lambda s: s._custom_getter)
    constraint = property(lambda s: s._constraint)

    def reuse_variables(self) -> None:
        """Reuse variables in this scope from now on."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self._initializer = initializer

    def set_dtype(self, dtype: Any) -> None:
        self._dtype = dtype

    def set_use_resource(self, use_resource: bool) -> None:
        if not _in_graph() and not use_resource:
            raise ValueError("When eager execution is enabled, use_resource cannot be set to false.")
        self._use_resource = use_resource

    def set_regularizer(self, regularizer: Any) -> None:
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        if door.executing_eagerly():
            raise NotImplementedError("Caching devices are not yet supported when eager execution is enabled.")
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        self._custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """The variables of a collection that stand in this scope."""
        return home().get_collection(name, f"{self._name}/" if self._name else "")

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self, var_store: VariableStore, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
        reuse: Any = None, trainable: Any = None, collections: Any = None, caching_device: Any = None, partitioner: Any = None,
        validate_shape: bool = True, use_resource: bool | None = None, custom_getter: Any = None, constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO, aggregation: Any = VariableAggregation.NONE,
    ) -> Any:  # fmt: skip
        """The variable of this name under the scope's prefix and defaults."""
        regularizer = self._regularizer if regularizer is None else regularizer
        caching_device = self._caching_device if caching_device is None else caching_device
        partitioner = self._partitioner if partitioner is None else partitioner
        custom_getter = self._custom_getter if custom_getter is None else custom_getter
        if not _in_graph():
            reuse, use_resource = False, True
        else:
            reuse = (self._reuse or False) if reuse is None else reuse
            use_resource = self._use_resource if use_resource is None else use_resource
        full_name = f"{self.name}/{name}" if self.name else name
        with name_scope(None):  # type: ignore[arg-type]
            if dtype is not None and initializer is not None and not callable(initializer):
                have = door.convert(initializer).dtype.base_dtype
                if have is not as_dtype(dtype).base_dtype:
                    raise ValueError(f"Initializer type '{have}' and explicit dtype '{as_dtype(dtype)}' don't match.")
            initializer = self._initializer if initializer is None else initializer
            constraint = self._constraint if constraint is None else constraint
            dtype = self._dtype if dtype is None else dtype
            return var_store.get_variable(
                full_name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, reuse=reuse, trainable=trainable,
                collections=collections, caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
                use_resource=use_resource, custom_getter=custom_getter, constraint=constraint, synchronization=synchronization,
                aggregation=aggregation,
            )  # fmt: skip


def _in_graph() -> bool:
    here = door.current()
    while here.is_graph and here.building_function:
        here = here.outer
    return here.is_graph


@export(v1=("get_variable_scope",))
def get_variable_scope() -> VariableScope:
    """The current variable scope."""
    return _scopes().current


@export(v1=("get_variable",))
def get_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: Any = None,
    collections: Any = None, caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None,
    custom_getter: Any = None, constraint: Any = None, synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:  # fmt: skip
    """The variable of this name in the current scope: found where the scope reuses, else made."""
    return get_variable_scope().get_variable(
        variable_store(), name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=collections, caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
        use_resource=use_resource, custom_getter=custom_getter, constraint=constraint, synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@export(v1=("get_local_variable",))
def get_local_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: Any = False,
    collections: Any = None, caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None,
    custom_getter: Any = None, constraint: Any = None, synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:  # fmt: skip
    """`get_variable` for a variable of the local collection, which is not saved."""
    collections = [*collections, GraphKeys.LOCAL_VARIABLES] if collections else [GraphKeys.LOCAL_VARIABLES]
    return get_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=False, collections=collections,
        caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape, use_resource=use_resource,
        custom_getter=custom_getter, constraint=constraint, synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


def _nested_getter(inner: Any, outer: Any) -> Callable[..., Any]:
    """A custom getter inside of another: the inner one's getter is the outer one."""

    def custom_getter(getter: Any, *args: Any, **kwargs: Any) -> Any:
        return inner(lambda *a, **k: outer(getter, *a, **k), *args, **kwargs)

    return custom_getter


@contextmanager
def pure_variable_scope(
    name_or_scope: Any, reuse: Any = None, initializer: Any = None, regularizer: Any = None, caching_device: Any = None, partitioner: Any = None,
    custom_getter: Any = None, old_name_scope: str | None = None, dtype: Any = float32, use_resource: bool | None = None, constraint: Any = None,
) -> Any:  # fmt: skip
    """A variable scope without a name scope."""
    scopes = _scopes()
    old = scopes.current
    is_object = isinstance(name_or_scope, VariableScope)
    before = dict(scopes.counts)
    if is_object:
        base = name_or_scope
        name = base.name
        own_scope = old_name_scope if old_name_scope is not None else base.original_name_scope
        reuse = base.reuse if not reuse else reuse
    else:
        base = old
        name = f"{old.name}/{name_or_scope}" if old.name else name_or_scope
        own_scope = old_name_scope or name_or_scope
        reuse = reuse or old.reuse
    scope = VariableScope(
        reuse, name=name, initializer=base.initializer, regularizer=base.regularizer, caching_device=base.caching_device,
        partitioner=base.partitioner, dtype=base.dtype if is_object and dtype is None else dtype if not is_object else dtype,
        custom_getter=base.custom_getter, name_scope=own_scope, use_resource=base.use_resource, constraint=base.constraint,
    )  # fmt: skip
    if scope.dtype is None:
        scope.set_dtype(base.dtype)
    if initializer is not None:
        scope.set_initializer(initializer)
    if regularizer is not None:
        scope.set_regularizer(regularizer)
    if caching_device is not None:
        scope.set_caching_device(caching_device)
    if partitioner is not None:
        scope.set_partitioner(partitioner)
    if custom_getter is not None:
        scope.set_custom_getter(
            custom_getter if base.custom_getter is None else _nested_getter(custom_getter, base.custom_getter)
        )
    if use_resource is not None:
        scope.set_use_resource(use_resource)
    if constraint is not None:
        scope._constraint = constraint
    scopes.open(name)
    scopes.current = scope
    try:
        yield scope
    finally:
        scopes.close_below(name)
        if is_object:
            scopes.counts = before
        scopes.current = old


def _unique_scope(prefix: str) -> str:
    scopes = _scopes()
    full = f"{scopes.current.name}/{prefix}" if scopes.current.name else prefix
    if not scopes.counts.get(full):
        return prefix
    i = 1
    while scopes.counts.get(f"{full}_{i}"):
        i += 1
    return f"{prefix}_{i}"


@export(v1=("variable_scope",))
class variable_scope:
    """A context that names variables and ops `name/...` and sets the defaults of `get_variable` inside.

    >>> with tf.variable_scope("layer", reuse=tf.AUTO_REUSE): w = tf.get_variable("w", [2, 3])
    """

    def __init__(
        self, name_or_scope: Any, default_name: str | None = None, values: Any = None, initializer: Any = None, regularizer: Any = None,
        caching_device: Any = None, partitioner: Any = None, custom_getter: Any = None, reuse: Any = None, dtype: Any = None,
        use_resource: bool | None = None, constraint: Any = None, auxiliary_name_scope: bool = True,
    ):  # fmt: skip
        self._name_or_scope, self._default_name, self._values, self._reuse = name_or_scope, default_name, values, reuse
        self._settings = dict(initializer=initializer, regularizer=regularizer, caching_device=caching_device, partitioner=partitioner,
                              custom_getter=custom_getter, dtype=dtype, use_resource=use_resource, constraint=constraint)  # fmt: skip
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse is False:  # False means the same as None
            self._reuse = None
        if self._reuse not in (True, None, AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, but get {auxiliary_name_scope}")
        self._auxiliary = auxiliary_name_scope
        self._entered: list[ExitStack] = []

    def __enter__(self) -> VariableScope:
        stack = ExitStack()
        graph = next((v.graph for v in self._values or () if isinstance(v, GraphTensor)), None)
        here = door.current()
        if graph is not None and here.is_graph and here is not graph and not here.building_function:
            stack.enter_context(graph.as_default())
        elif graph is not None and not here.is_graph:
            stack.enter_context(graph.as_default())
        try:
            scope = self._enter(stack)
        except BaseException:
            stack.close()
            raise
        self._entered.append(stack)
        return scope

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)

    def _enter(self, stack: ExitStack) -> VariableScope:
        given = self._name_or_scope
        if given is None:
            if self._reuse:
                raise ValueError("reuse=True cannot be used without a name_or_scope")
            outer = self._open(stack, self._default_name) if self._auxiliary else None
            return stack.enter_context(
                pure_variable_scope(_unique_scope(self._default_name), old_name_scope=outer, **self._settings)
            )
        if not isinstance(given, (str, VariableScope)):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        is_name = isinstance(given, str)
        label = given if is_name else given.name.split("/")[-1]
        outer = None
        if label and self._auxiliary:
            opened = self._open(stack, label)
            outer = opened if is_name else given.original_name_scope
        elif not is_name:
            outer = given.original_name_scope
        return stack.enter_context(
            pure_variable_scope(given, reuse=self._reuse, old_name_scope=outer, **self._settings)
        )

    @staticmethod
    def _open(stack: ExitStack, label: Any) -> str:
        return stack.enter_context(name_scope(label))


@export(v1=("variable_op_scope",))
@contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, initializer: Any = None, regularizer: Any = None, caching_device: Any = None,
    partitioner: Any = None, custom_getter: Any = None, reuse: Any = None, dtype: Any = None, use_resource: bool | None = None, constraint: Any = None,
) -> Any:  # fmt: skip
    """The old order of `variable_scope`'s parameters."""
    with variable_scope(name_or_scope, default_name=default_name, values=values, initializer=initializer, regularizer=regularizer,
                        caching_device=caching_device, partitioner=partitioner, custom_getter=custom_getter, reuse=reuse, dtype=dtype,
                        use_resource=use_resource, constraint=constraint) as scope:  # fmt: skip
        yield scope


@export(v1=("no_regularizer",))
def no_regularizer(_: Any) -> None:
    """A regularizer that adds nothing, to override that of a scope around."""
    return


__all__ = [
    "AUTO_REUSE",
    "EagerVariableStore",
    "VariableScope",
    "get_variable",
    "get_variable_scope",
    "takes_keyword",
    "variable_scope",
]
