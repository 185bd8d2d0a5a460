"""`tensorflow.python.framework.type_spec_registry`: TypeSpec classes by the name they have in files."""

import re
from collections.abc import Callable
from typing import Any

_class_of: dict[str, type] = {}
_name_of: dict[type, str] = {}
_NAME = re.compile(r"^(\w+\.)+\w+$")


def register(name: str) -> Callable[[type], type]:
    """Decorator: give a TypeSpec class the name `project.Class`; TypeError or ValueError for what cannot have one."""
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if not _NAME.match(name):
        raise ValueError("Registered name must have the form '{project_name}.{type_name}' (e.g. 'my_project.MyTypeSpec'); got %r." % name)

    def decorator(cls: type) -> type:
        from penstock.ir.type_spec import TypeSpec

        if not (isinstance(cls, type) and issubclass(cls, TypeSpec)):
            raise TypeError(f"Expected `cls` to be a TypeSpec; got {cls!r}")
        if cls in _name_of:
            raise ValueError(f"Class {cls.__module__}.{cls.__name__} has already been registered with name {_name_of[cls]}.")
        if name in _class_of:
            raise ValueError(f"Name {name} has already been registered for class {_class_of[name].__module__}.{_class_of[name].__name__}.")
        _class_of[name], _name_of[cls] = cls, name
        return cls

    return decorator


def get_name(cls: Any) -> str:
    """The name of a registered class; ValueError for another."""
    if cls not in _name_of:
        raise ValueError(f"TypeSpec {cls.__module__}.{cls.__name__} has not been registered.")
    return _name_of[cls]


def lookup(name: str) -> type:
    """The class of a name; ValueError for one that nobody registered."""
    if name not in _class_of:
        raise ValueError(f"No TypeSpec has been registered with name {name!r}")
    return _class_of[name]
