"""`HParams`: hyperparameters as attributes, with types that stay; they parse and print as text and JSON."""

import json
import numbers
import re
from typing import Any

from penstock.contrib.names import contrib

_PARAM = re.compile(
    r"""
  (?P<name>[a-zA-Z][\w\.]*)      # variable name: "var" or "x"
  (\[\s*(?P<index>\d+)\s*\])?  # (optional) index: "1" or None
  \s*=\s*
  ((?P<val>[^,\[]*)            # single value: "a" or None
   |
   \[(?P<vals>[^\]]*)\])       # list of values: None or "1,2,3"
  ($|,\s*)""",
    re.VERBOSE,
)


def _fail(name: str, wanted: type, value: Any, values: str) -> None:
    raise ValueError(f"Could not parse hparam '{name}' of type '{wanted.__name__}' with value '{value}' in {values}")


def _parse_bool(value: str) -> bool:
    if value in ("true", "True"):
        return True
    if value in ("false", "False"):
        return False
    try:
        return bool(int(value))
    except ValueError:
        raise ValueError(value) from None


def _parse_int(value: str) -> int:
    return int(value)


@contrib("training.parse_values", "training.python.training.hparam.parse_values")
def parse_values(values: str, type_map: dict[str, type], ignore_unknown: bool = False) -> dict[str, Any]:
    """`"lr=0.1,units=[1,2],flags[0]=true"` -> {name: value of the type that `type_map` says}."""
    found: dict[str, Any] = {}
    pos = 0
    while pos < len(values):
        m = _PARAM.match(values, pos)
        if not m:
            raise ValueError(f"Malformed hyperparameter value: {values[pos:]}")
        pos = m.end()
        name = m["name"]
        if name not in type_map:
            if ignore_unknown:
                continue
            raise ValueError(f"Unknown hyperparameter type for {name}")
        kind = type_map[name]
        parse = _parse_bool if kind is bool else _parse_int if kind is int else kind

        def one(text: str) -> Any:
            try:
                return parse(text)
            except ValueError:
                _fail(name, kind, text, values)

        if m["val"] is not None:
            if m["index"] is not None:
                held = found.setdefault(name, {})
                if not isinstance(held, dict):
                    raise ValueError(f"Could not parse '{name}' of type '{kind.__name__}' because it has both a list and an index value in {values}")
                index = int(m["index"])
                if index in held:
                    raise ValueError(f"Multiple assignments to variable '{name}' of index {index} in {values}")
                held[index] = one(m["val"])
            else:
                if name in found:
                    raise ValueError(f"Multiple assignments to variable '{name}' in {values}")
                found[name] = one(m["val"])
        elif m["vals"] is not None:
            if m["index"] is not None:
                raise ValueError(f"Assignment of a list to a list index in {values}")
            if name in found:
                raise ValueError(f"Multiple assignments to variable '{name}' in {values}")
            found[name] = [one(v) for v in filter(None, re.split("[ ,]", m["vals"]))]
        else:
            _fail(name, kind, "", values)
    return found


def _cast(name: str, kind: type, value: Any) -> Any:
    """The value as the parameter's type; ValueError where that would lose something."""
    said = f"Could not cast hparam '{name}' of type '{kind.__name__}' from value {value!r}"
    if issubclass(kind, type(None)):
        return value
    if issubclass(kind, (bytes, str)) and not isinstance(value, (bytes, str)):
        raise ValueError(said)
    if issubclass(kind, bool) != isinstance(value, bool):
        raise ValueError(said)
    if issubclass(kind, numbers.Integral) and not isinstance(value, numbers.Integral):
        raise ValueError(said)
    if issubclass(kind, numbers.Number) and not isinstance(value, numbers.Number):
        raise ValueError(said)
    return kind(value)


@contrib("training.HParams", "training.python.training.hparam.HParams")
class HParams:
    """Hyperparameters: `HParams(learning_rate=0.1, units=[128, 64])`."""

    _HAS_DYNAMIC_ATTRIBUTES = True

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any):
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        if hparam_def:
            self._init_from_proto(hparam_def)
            if kwargs:
                raise ValueError("hparam_def and initialization values are mutually exclusive")
        else:
            for name, value in kwargs.items():
                self.add_hparam(name, value)

    def _init_from_proto(self, hparam_def: Any) -> None:
        for name, value in hparam_def.hparam.items():
            kind = value.WhichOneof("kind")
            if kind.endswith("_value"):
                held = getattr(value, kind)
                self.add_hparam(name, held.decode() if isinstance(held, bytes) else int(held) if kind.startswith("int64") else held)
            else:
                self.add_hparam(name, [v.decode() if isinstance(v, bytes) else v for v in getattr(value, kind).value])

    def add_hparam(self, name: str, value: Any) -> None:
        """Add a parameter; its type is the value's from now on."""
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, (list, tuple)):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._hparam_types[name] = (type(value[0]), True)
        else:
            self._hparam_types[name] = (type(value), False)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Set a parameter that exists, to a value of its type."""
        kind, is_list = self._hparam_types[name]
        if isinstance(value, list):
            if not is_list:
                raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
            setattr(self, name, [_cast(name, kind, v) for v in value])
        else:
            if is_list:
                raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
            setattr(self, name, _cast(name, kind, value))

    def del_hparam(self, name: str) -> None:
        """Forget a parameter."""
        if hasattr(self, name):
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values: str) -> "HParams":
        """Set parameters from `"name=value,name=[value,value],name[1]=value"`."""
        found = parse_values(values, {name: kind for name, (kind, _) in self._hparam_types.items()})
        return self.override_from_dict(found)

    def override_from_dict(self, values_dict: dict[str, Any]) -> "HParams":
        """Set parameters that exist from a dict."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_model_structure(self, model_structure: Any) -> None:
        self._model_structure = model_structure

    def get_model_structure(self) -> Any:
        return self._model_structure

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """All values as JSON; functions are left out."""
        values = {k: v for k, v in self.values().items() if not callable(v)}
        return json.dumps(values, indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json: str) -> "HParams":
        """Set parameters that exist from JSON."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """{name: value} of all parameters."""
        return {n: getattr(self, n) for n in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or the default where there is no such parameter."""
        if key in self._hparam_types:
            if default is not None:
                kind, is_list = self._hparam_types[key]
                said = f"Hparam '{key}' of type '{kind.__name__}{'[]' if is_list else ''}' is incompatible with default={default}"
                if is_list and not isinstance(default, list):
                    raise ValueError(said)
                try:
                    for one in default if is_list else [default]:
                        _cast(key, kind, one)
                except ValueError as e:
                    raise ValueError(f"{said}. {e}") from None
            return getattr(self, key)
        return default

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.values().items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self.values().items())})"

