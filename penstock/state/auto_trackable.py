"""Objects whose attributes are their dependencies."""

import warnings
from typing import Any

from penstock.base.export import export
from penstock.base.trackable import Trackable

_PLAIN = frozenset({str, int, float, bool, bytes, type(None), complex})


class NoDependency:
    """`self.x = NoDependency(value)` sets the attribute to `value` itself and does not track it."""

    def __init__(self, value: Any):
        self.value = value


@export("__internal__.tracking.wrap")
def wrap_or_unwrap(value: Any) -> Any:
    """A list, dictionary or tuple as a structure that tracks what it holds; other values as they are."""
    if isinstance(value, NoDependency):
        return value.value
    if isinstance(value, Trackable):
        return value
    kind = type(value)
    if kind is list or kind is dict or kind.__name__ == "OrderedDict" or isinstance(value, tuple):
        from penstock.state.trackable_data import wrapped

        return wrapped(value)
    return value


@export("__internal__.tracking.sticky_attribute_assignment")
def sticky_attribute_assignment(trackable: Any, name: str, value: Any) -> Any:
    """What `trackable.name = value` stores: `value`, wrapped where it is a plain structure, and tracked."""
    tracked = not isinstance(value, NoDependency)
    value = wrap_or_unwrap(value)
    if tracked and isinstance(value, Trackable):
        trackable._track_trackable(value, name=name, overwrite=True)
    return value


@export("__internal__.tracking.AutoTrackable")
class AutoTrackable(Trackable):
    """An object that depends on each trackable object that one of its attributes holds.

    Lists, dictionaries and tuples that are set as attributes become structures that track what they hold.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) not in _PLAIN:
            try:
                if getattr(self, name) is value:
                    return
            except AttributeError:
                pass
            if getattr(self, "_self_setattr_tracking", True) and not name.startswith("_self_"):
                value = sticky_attribute_assignment(self, name, value)
        elif name in self.__dict__.get("_self_unconditional_dependency_names", ()):
            pass  # TensorFlow, too, goes on tracking what an attribute held before it became a plain value
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._delete_tracking(name)
        super().__delattr__(name)

    def _no_dependency(self, value: Any) -> Any:
        return NoDependency(value)

    def _delete_tracking(self, name: str) -> None:
        """Depend no longer on what `name` holds."""
        self._maybe_initialize_trackable()
        if name in self._unconditional_dependency_names:
            del self._unconditional_dependency_names[name]
            for i, (old, _) in enumerate(self._unconditional_checkpoint_dependencies):
                if old == name:
                    self._unconditional_checkpoint_dependencies.pop(i)
                    break

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """{name: object} of the attributes; for a SavedModel its functions as well, those of the class too."""
        found = super()._trackable_children(save_type, **kwargs)
        if save_type != "savedmodel":
            return found
        from penstock.fronts.concrete import ConcreteFunction
        from penstock.fronts.function import Function

        functions: dict[str, Any] = {}
        for name in dir(self):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of properties that are only looked at
                    value = getattr(self, name)
            except Exception:  # noqa: BLE001, S112 - a property that cannot be read holds no function
                continue
            if isinstance(value, (Function, ConcreteFunction)):
                functions[name] = value
        before = self._setattr_tracking
        self._setattr_tracking = False
        try:
            for value in functions.values():
                if isinstance(value, Function) and hasattr(value, "_list_all_concrete_functions_for_serialization"):
                    value._list_all_concrete_functions_for_serialization()
        finally:
            self._setattr_tracking = before
        kept = {k: v for k, v in found.items() if not isinstance(v, (Function, ConcreteFunction))}
        return {**kept, **functions}

    def _add_trackable_child(self, name: str, value: Any) -> None:
        self.__setattr__(name, value)
