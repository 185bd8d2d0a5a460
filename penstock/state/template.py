"""`tf.make_template`: a function whose variables are made at its first call and shared by all later ones."""

import functools
from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.ir import door
from penstock.state.collections import GraphKeys
from penstock.state.scopes import EagerVariableStore, VariableScope, home, variable_scope


@export(v1=("make_template",))
def make_template(name_: str, func_: Callable[..., Any], create_scope_now_: bool = False, unique_name_: str | None = None, custom_getter_: Any = None,
                  **kwargs: Any) -> "Template":  # fmt: skip
    """`func_` with `kwargs` filled in, whose `get_variable` calls share variables between calls.

    >>> scale = tf.make_template("scale", lambda x: x * tf.get_variable("by", []))
    """
    function = functools.partial(func_, **kwargs) if kwargs else func_
    if kwargs:
        functools.update_wrapper(function, func_)
    return Template(name_, function, create_scope_now_, unique_name_, custom_getter_)


class Template(Trackable):
    """A function with a variable scope of its own: the first call makes variables, the others reuse them."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Any = None,
    ):
        if name is None:
            raise ValueError("name cannot be None.")
        self._func, self._name, self._unique_name, self._custom_getter = func, name, unique_name, custom_getter
        self._variables_created = False
        self._variable_scope: VariableScope | None = None
        self._store = None if door.current().is_graph else EagerVariableStore()
        if self._store is not None and unique_name is not None:
            raise ValueError("unique_name_ cannot be used in eager mode.")
        if create_scope_now:
            with variable_scope(unique_name, name, custom_getter=custom_getter) as scope:
                self._variable_scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._store is not None:
            with self._store.as_default():
                return self._in_scope(args, kwargs)
        return self._in_scope(args, kwargs)

    def _in_scope(self, args: Any, kwargs: Any) -> Any:
        if self._variable_scope is not None:
            if self._variables_created:
                with variable_scope(self._variable_scope, reuse=True if self._store is None else None):
                    return self._func(*args, **kwargs)
            with variable_scope(self._variable_scope, auxiliary_name_scope=True):
                return self._first(args, kwargs)
        with variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
            self._variable_scope = scope
            return self._first(args, kwargs)

    def _first(self, args: Any, kwargs: Any) -> Any:
        graph = home()
        before = (
            len(graph.get_collection(GraphKeys.GLOBAL_VARIABLES)),
            len(graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)),
        )
        result = self._func(*args, **kwargs)
        self._variables_created = True
        if self._deferred_dependencies:
            for name, variable in self._trackable_children().items():
                self._handle_deferred_dependencies(name, variable)
        if self._store is None:
            trainable = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)[before[1] :]
            scope = self._variable_scope.name if self._variable_scope is not None else ""
            for v in trainable:
                if scope and not v.name.startswith(f"{scope}/"):
                    import logging

                    logging.getLogger("tensorflow").info(
                        "New variable %s was made by the template %r outside of its scope", v.name, self._name
                    )
        return result

    # -- checkpoints -------------------------------------------------------------------------------------------------
    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """The variables under their names within the template's scope."""
        prefix = f"{self.variable_scope_name}/" if self.variable_scope_name else ""
        named = {v.name.partition(":")[0]: v for v in self.variables}
        return {n.removeprefix(prefix): v for n, v in sorted(named.items())}

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        return self._trackable_children().get(name)

    name = property(lambda s: s._name)
    func = property(lambda s: s._func)

    @property
    def variable_scope(self) -> Any:
        """The scope of the variables, None before the first call."""
        return self._variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        if self._variable_scope is None:
            return None
        return self._variable_scope.name.rstrip("/")

    @property
    def var_scope(self) -> Any:
        return self._variable_scope

    @property
    def variables(self) -> list[Any]:
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        if self._store is not None:
            return self._store.trainable_variables()
        return (
            self._variable_scope.trainable_variables()
            if self._variables_created and self._variable_scope is not None
            else []
        )

    @property
    def non_trainable_variables(self) -> list[Any]:
        trained = [id(v) for v in self.trainable_variables]
        return [v for v in self.variables if id(v) not in trained]

    @property
    def global_variables(self) -> list[Any]:
        if self._store is not None:
            return self._store.variables()
        return (
            self._variable_scope.global_variables()
            if self._variables_created and self._variable_scope is not None
            else []
        )

    @property
    def local_variables(self) -> list[Any]:
        if self._store is not None:
            return []
        return (
            self._variable_scope.local_variables()
            if self._variables_created and self._variable_scope is not None
            else []
        )

    weights = variables
    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables
