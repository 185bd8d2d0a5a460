"""Device names: `/job:worker/replica:0/task:1/device:GPU:0`, their parts, and how an inner one completes an outer one."""

import re
from typing import Any

from penstock.base.export import export

_PARTS = re.compile(r"^(job|replica|task):(.+)$")
_DEVICE = re.compile(r"^(?:device:)?([A-Za-z_]\w*)(?::(\d+|\*))?$")


@export(v2=("DeviceSpec",))
class DeviceSpec:
    """A partly given device name; the parts left out are None.

    >>> tf.DeviceSpec(job="ps", device_type="CPU", device_index=0).to_string()
    '/job:ps/device:CPU:0'
    """

    __slots__ = ("_parts",)

    def __init__(self, job: str | None = None, replica: int | None = None, task: int | None = None, device_type: str | None = None,
                 device_index: int | None = None):  # fmt: skip
        self._parts = (job, replica, task, device_type.upper() if device_type and device_type.lower() in ("cpu", "gpu", "tpu") else device_type, device_index)

    job = property(lambda s: s._parts[0])
    replica = property(lambda s: s._parts[1])
    task = property(lambda s: s._parts[2])
    device_type = property(lambda s: s._parts[3])
    device_index = property(lambda s: s._parts[4])

    @classmethod
    def from_string(cls, spec: str) -> "DeviceSpec":
        return cls(*_parse(spec))

    @classmethod
    def merge_from_all(cls, specs: Any) -> "DeviceSpec":
        out = cls()
        for s in specs:
            out = out.make_merged_spec(s)
        return out

    def parse_from_string(self, spec: str) -> "DeviceSpec":
        return self.from_string(spec)

    def make_merged_spec(self, dev: "DeviceSpec") -> "DeviceSpec":
        """This spec with the parts that `dev` gives put in their place."""
        parts: list[Any] = [b if b is not None else a for a, b in zip(self._parts, dev._parts)]
        return type(self)(*parts)

    def replace(self, **kwargs: Any) -> "DeviceSpec":
        now: dict[str, Any] = dict(zip(("job", "replica", "task", "device_type", "device_index"), self._parts))
        return type(self)(**{**now, **kwargs})

    def to_string(self) -> str:
        return _text(*self._parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)

    def __repr__(self) -> str:
        named = zip(("job", "replica", "task", "device_type", "device_index"), self._parts)
        return f"<DeviceSpec({', '.join(f'{k}={v}' for k, v in named)})>"


def _settable(place: int, convert: Any) -> property:
    def store(spec: Any, value: Any) -> None:
        parts = list(spec._parts)
        parts[place] = None if value is None else convert(value)
        spec._parts = DeviceSpec(*parts)._parts

    return property(lambda s: s._parts[place], store)


@export(v1=("DeviceSpec",))
class DeviceSpecV1(DeviceSpec):
    """A device name whose parts may be set.

    >>> spec = tf.compat.v1.DeviceSpec(job="ps"); spec.task = 1; spec.to_string()
    '/job:ps/task:1'
    """

    __slots__ = ()
    job, replica, task = _settable(0, str), _settable(1, int), _settable(2, int)
    device_type, device_index = _settable(3, str), _settable(4, int)

    def parse_from_string(self, spec: str) -> "DeviceSpecV1":
        """Take the parts that `spec` gives; returns this spec."""
        self._parts = _parse(spec)
        return self

    def merge_from(self, dev: DeviceSpec) -> None:
        """Take the parts that `dev` gives."""
        self._parts = self.make_merged_spec(dev)._parts


def _text(job: Any, replica: Any, task: Any, kind: Any, index: Any) -> str:
    parts = [f"/{n}:{v}" for n, v in (("job", job), ("replica", replica), ("task", task)) if v is not None]
    if kind is not None:
        parts.append(f"/device:{kind}:{'*' if index is None else index}")
    return "".join(parts)


def _parse(text: str) -> tuple[Any, ...]:
    job = replica = task = kind = index = None
    for part in filter(None, text.split("/")):
        named = _PARTS.match(part)
        if named:
            value = named[2]
            if named[1] == "job":
                job = value
            elif not value.isdigit():
                raise ValueError(f"Could not parse the device specification {text!r}: {part!r} needs a number")
            elif named[1] == "replica":
                replica = int(value)
            else:
                task = int(value)
            continue
        device = _DEVICE.match(part)
        if device is None:
            raise ValueError(f"Unknown attribute {part!r} is encountered while parsing the device specification {text!r}")
        kind = device[1]
        index = None if device[2] in (None, "*") else int(device[2])
        if kind.lower() in ("cpu", "gpu", "tpu"):
            kind = kind.upper()
    return job, replica, task, kind, index


def merge_device(inner: str, outer: Any) -> str:
    """`inner` completed by what `outer` says; what both say, the later (`outer`) one wins as scopes are walked outside in."""
    if outer is None:
        return inner
    if not isinstance(outer, str):
        outer = outer.to_string() if hasattr(outer, "to_string") else outer.name  # a logical device has a name alone
    if not outer:
        return inner
    a, b = _parse(inner), _parse(outer)
    return _text(*[y if y is not None else x for x, y in zip(a, b)])
