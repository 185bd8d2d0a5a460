"""Columns as plain dicts and back: `get_config`, `from_config`."""

from typing import Any

from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.feature_column.base import FeatureColumn


def plain(value: Any) -> Any:
    """A column, dtype, function, initializer or plain value as a value that JSON can hold."""
    if isinstance(value, FeatureColumn):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value) if type(value) in (list, tuple) else [plain(v) for v in value]
    if callable(value) and not hasattr(value, "get_config"):
        return getattr(value, "__name__", value)
    if hasattr(value, "get_config"):
        return {"class_name": getattr(value, "_public_name", type(value).__name__), "config": value.get_config()}
    return getattr(value, "name", value) if hasattr(value, "as_numpy_dtype") else value


class ByFields:
    """`get_config` and `from_config` of columns that are namedtuples of their arguments."""

    @property
    def _is_v2_column(self) -> bool:
        return all(getattr(c, "_is_v2_column", True) for c in self.parents if isinstance(c, FeatureColumn))  # type: ignore[attr-defined]

    def get_config(self) -> dict[str, Any]:
        return {f: plain(getattr(self, f)) for f in self._fields}  # type: ignore[attr-defined]

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None) -> Any:
        if set(config) != set(cls._fields):  # type: ignore[attr-defined]
            raise ValueError(f"Invalid config: {config}, expected keys: {cls._fields}")  # type: ignore[attr-defined]
        known = {} if columns_by_name is None else columns_by_name
        return cls(**{k: _alive(k, v, custom_objects or {}, known) for k, v in config.items()})


def _alive(field: str, value: Any, custom: dict[str, Any], known: dict[Any, Any]) -> Any:
    if isinstance(value, dict) and set(value) == {"class_name", "config"}:
        return deserialize_feature_column(value, custom, known) if value["class_name"] in _classes() else _initializer(value, custom)
    if isinstance(value, (list, tuple)) and field in ("keys", "categorical_columns"):
        return tuple(_alive(field, v, custom, known) for v in value)
    if field == "dtype" and isinstance(value, str):
        return as_dtype(value)
    if field == "normalizer_fn" and isinstance(value, str):
        if value not in custom:
            raise ValueError(f"Unknown function: {value}; pass it in custom_objects")
        return custom[value]
    if isinstance(value, list):
        return tuple(value)
    return value


def _initializer(value: dict[str, Any], custom: dict[str, Any]) -> Any:
    from penstock.state import initializers

    name = value["class_name"]
    for found in (custom.get(name), getattr(initializers, name, None), getattr(initializers, f"{name}V1", None)):
        if found is not None:
            return found.from_config(value["config"])
    raise ValueError(f"Unknown initializer: {name}")


def _classes() -> dict[str, Any]:
    from penstock.feature_column import categorical, dense, sequence

    return {n: c for m in (dense, categorical, sequence) for n, c in vars(m).items() if isinstance(c, type) and issubclass(c, ByFields)}


@export(v2=("__internal__.feature_column.serialize_feature_column",))
def serialize_feature_column(fc: Any) -> Any:
    """A column, or the key of a feature, as a plain value."""
    if isinstance(fc, str):
        return fc
    if isinstance(fc, FeatureColumn):
        return {"class_name": type(fc).__name__, "config": fc.get_config()}
    raise ValueError(f"Instance: {fc} is not a FeatureColumn")


@export(v2=("__internal__.feature_column.deserialize_feature_column",))
def deserialize_feature_column(config: Any, custom_objects: Any = None, columns_by_name: Any = None) -> Any:
    """The column of what `serialize_feature_column` made; equal columns of one call are one object."""
    if isinstance(config, str):
        return config
    known = {} if columns_by_name is None else columns_by_name
    cls = {**_classes(), **(custom_objects or {})}.get(config["class_name"])
    if cls is None:
        raise ValueError(f"Unknown feature column class: {config['class_name']}")
    made = cls.from_config(config["config"], custom_objects=custom_objects, columns_by_name=known)
    return known.setdefault(f"{type(made).__name__}:{made.name}", made)
