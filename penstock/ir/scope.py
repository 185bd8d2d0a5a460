"""`tf.name_scope`, and the scopes that public functions open around the ops they compose."""

import contextlib
from typing import Any

from penstock.base.export import export
from penstock.ir import door


class _Nothing:
    """The scope of eager code that is not being watched: nothing to name."""

    def __enter__(self) -> str:
        return ""

    def __exit__(self, *_: object) -> None:
        return None


_NOTHING = _Nothing()


def scoped(name: str | None, default: str) -> Any:
    """The scope that a public function opens: `with scoped(name, "softmax") as scope:`; costs nothing eagerly."""
    here = door.current()
    return here.name_scope(name or default) if here.is_graph else _NOTHING


class _Scope:
    """What both forms of `tf.name_scope` do."""

    _wanted: str | None

    def __enter__(self) -> str:
        here = door.current()
        self._exits = getattr(self, "_exits", [])
        if here.is_graph:
            context = here.name_scope(self._wanted)
            scope = context.__enter__()
            self._exits.append(lambda *error: context.__exit__(*error))
            return scope
        outer = door.state.name_scope
        wanted = self._wanted
        new = "" if not wanted else wanted if wanted.endswith("/") else f"{outer}{wanted}/"
        door.state.name_scope = new

        def leave(*_: Any) -> None:
            door.state.name_scope = outer

        self._exits.append(leave)
        return new

    def __exit__(self, *error: Any) -> None:
        self._exits.pop()(*error)


@export(v2=("name_scope",))
class name_scope_v2(_Scope):
    """A context in which ops and variables are named `name/...`.

    >>> with tf.name_scope("layer") as scope: print(scope)
    layer/
    """

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = self._wanted = name

    @property
    def name(self) -> str:
        return self._name


@export(v1=("name_scope",))
class name_scope(_Scope):
    """A context in which ops are named `name/...`; `default_name` is used when `name` is None."""

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None):
        if not (default_name is None or isinstance(default_name, str)):
            raise TypeError(f"`default_name` type ({type(default_name)}) is not a string type. You likely meant to pass this into the `values` kwarg.")
        self._name = self._wanted = default_name if name is None else name
        if name is None and values is not None and default_name is None:
            raise ValueError(f"At least one of name ({name}) and default_name ({default_name}) must be provided.")
        self._values = values

    @property
    def name(self) -> str | None:
        return self._name


@export(v1=("op_scope",))
@contextlib.contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None, graph: Any = None) -> Any:
    """The oldest form of name_scope, kept for old programs."""
    with name_scope(name, default_name, values) as scope:
        yield scope
