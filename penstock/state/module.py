"""`tf.Module`: an object that names its variables and finds those of its attributes."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.scope import name_scope_v2
from penstock.state.auto_trackable import AutoTrackable
from penstock.state.variable import Variable

_VALID = re.compile(r"^[A-Za-z_]([A-Za-z0-9_])*$")


def camel_to_snake(name: str) -> str:
    """FooBarV2 -> foo_bar_v2."""
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name).lower()


class _MetaModule(type):
    """Runs `__init__` (and every public method that asks) in the module's name scope."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module = cls.__new__(cls, *args, **kwargs)
        if not isinstance(module, cls):
            return module
        module.__init__(*args, **kwargs)
        return module


@export("Module")
class Module(AutoTrackable):
    """The base of layers and models: an object whose variables and submodules are found through its attributes.

    >>> class Dense(tf.Module):
    ...     def __init__(self): self.w = tf.Variable(tf.zeros([2, 3]), name="w")
    >>> [v.name for v in Dense().variables]
    ['w:0']
    """

    _TF_MODULE_IGNORED_PROPERTIES = frozenset(
        {"_self_unconditional_checkpoint_dependencies", "_self_unconditional_dependency_names"}
    )

    def __init__(self, name: str | None = None):
        if name is None:
            name = camel_to_snake(type(self).__name__)
        elif not _VALID.match(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers (e.g. a valid class name)."
            )
        self._name = name
        here = door.current()
        if here.is_graph and not here.building_function:
            with here.name_scope(name) as scope:
                self._scope_name = scope
        else:
            outer = here.get_name_scope() if here.is_graph else door.state.name_scope.rstrip("/")
            self._scope_name = f"{outer}/{name}/" if outer else f"{name}/"

    @property
    def name(self) -> str:
        """The name given at construction, else the class's in snake case."""
        return self._name

    @property
    def name_scope(self) -> Any:
        """A name scope for this module's ops and variables."""
        if not hasattr(self, "_scope_name"):
            raise AttributeError(
                f"The superclass constructor of {type(self).__name__} was not called: call super().__init__() before using its name scope."
            )
        return name_scope_v2(self._scope_name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables of this module and its submodules."""
        return tuple(self._flatten(predicate=_is_variable, expand_composites=True))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        return tuple(self._flatten(predicate=_is_trainable, expand_composites=True))

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        return tuple(self._flatten(predicate=_is_not_trainable, expand_composites=True))

    @property
    def submodules(self) -> tuple[Any, ...]:
        """All modules that are properties of this one, of those, and so on."""
        return tuple(self._flatten(predicate=lambda o: isinstance(o, Module)))

    def _flatten(self, recursive: bool = True, predicate: Callable[[Any], bool] | None = None, attribute_traversal_key: Any = None,
                 with_path: bool = False, expand_composites: bool = False) -> Iterator[Any]:  # fmt: skip
        """The leaves of the attributes that fulfil `predicate`, each once."""
        return _walk(
            self,
            recursive,
            predicate or (lambda _: True),
            attribute_traversal_key,
            self._TF_MODULE_IGNORED_PROPERTIES,
            with_path,
            expand_composites,
        )

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a method so that it runs in the module's name scope."""

        @functools.wraps(method)
        def method_with_name_scope(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return method_with_name_scope


def _is_variable(obj: Any) -> bool:
    return isinstance(obj, Variable)


def _is_trainable(obj: Any) -> bool:
    return _is_variable(obj) and bool(getattr(obj, "trainable", False))


def _is_not_trainable(obj: Any) -> bool:
    return _is_variable(obj) and not getattr(obj, "trainable", False)


def _leaves(attribute: Any, expand_composites: bool) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of an attribute with their paths; keys of dictionaries that cannot be sorted keep their order."""
    if isinstance(attribute, Variable):
        return [((), attribute)]
    try:
        return list(nest.flatten_with_tuple_paths(attribute, expand_composites=expand_composites))
    except (TypeError, ValueError):
        if isinstance(attribute, dict):
            return [((k, *p), v) for k, inner in attribute.items() for p, v in _leaves(inner, expand_composites)]
        raise


def _walk(module: Any, recursive: bool, predicate: Callable[[Any], bool], key: Any, ignored: frozenset[str], with_path: bool,
          expand_composites: bool) -> Iterator[Any]:  # fmt: skip
    seen = {id(module)}
    stack: list[Any] = [_attributes(module, (), key, ignored, expand_composites)]
    later: list[Any] = []
    while stack or later:
        if not stack:
            path, sub = later.pop(0)
            stack.append(
                _attributes(sub, path, key, getattr(sub, "_TF_MODULE_IGNORED_PROPERTIES", ignored), expand_composites)
            )
            # the submodules of this one come right after its own leaves
            deeper: list[Any] = []
            yield from _visit(stack.pop(), seen, predicate, recursive, with_path, deeper)
            later = deeper + later
            continue
        deeper = []
        yield from _visit(stack.pop(), seen, predicate, recursive, with_path, deeper)
        later = deeper + later


def _visit(
    entries: list[Any],
    seen: set[int],
    predicate: Callable[[Any], bool],
    recursive: bool,
    with_path: bool,
    deeper: list[Any],
) -> Iterator[Any]:
    for path, leaf in entries:
        if id(leaf) in seen:
            continue
        if not isinstance(leaf, (int, float, str, bytes, bool, type(None))):
            seen.add(id(leaf))
        if predicate(leaf):
            yield (path, leaf) if with_path else leaf
        if recursive and isinstance(leaf, Module):
            deeper.append((path, leaf))


def _attributes(
    module: Any, path: tuple[Any, ...], key: Any, ignored: frozenset[str], expand_composites: bool
) -> list[Any]:
    entries = []
    for name in sorted(vars(module), key=key):
        if name in ignored:
            continue
        for inner, leaf in _leaves(vars(module)[name], expand_composites):
            entries.append(((*path, name, *inner), leaf))
    return entries
