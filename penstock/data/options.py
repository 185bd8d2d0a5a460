"""`tf.data.Options`: how a pipeline runs."""

import enum
from typing import Any

from penstock.base.export import export


@export("data.experimental.AutotuneAlgorithm")
class AutotuneAlgorithm(enum.Enum):
    """How autotuning chooses its settings."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


@export("data.experimental.AutoShardPolicy")
class AutoShardPolicy(enum.IntEnum):
    """How a dataset is shared out among workers."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


@export("data.experimental.ExternalStatePolicy")
class ExternalStatePolicy(enum.Enum):
    """What saving an iterator does about state outside the pipeline."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


class OptionsBase:
    """Named options that may be unset, and options inside options."""

    _fields: dict[str, tuple[Any, Any]] = {}  # name -> (type, default)

    def __init__(self) -> None:
        object.__setattr__(self, "_options", {})
        object.__setattr__(self, "_mutable", True)

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._mutable:
            raise ValueError("Mutating `tf.data.Options()` returned by `tf.data.Dataset.options()` has no effect. Use `tf.data.Dataset.with_options(options)` to set or update dataset options.")
        found = getattr(type(self), name, None)
        if not isinstance(found, property) and name not in self.__dict__:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        object.__setattr__(self, name, value)

    def _set_mutable(self, mutable: bool) -> None:
        object.__setattr__(self, "_mutable", mutable)
        for v in self._options.values():
            if isinstance(v, OptionsBase):
                v._set_mutable(mutable)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return all(getattr(self, n) == getattr(other, n) for n in self._fields)

    def __ne__(self, other: object) -> bool:
        found = self.__eq__(other)
        return found if found is NotImplemented else not found

    __hash__ = object.__hash__

    def _as_dict(self) -> dict[str, Any]:
        return {k: v._as_dict() if isinstance(v, OptionsBase) else v for k, v in self._options.items()}


def option(name: str, kinds: Any, doc: str, default: Any = None, make: Any = None) -> property:
    """A property of an options class."""

    def read(self: Any) -> Any:
        if name not in self._options:
            if make is None:
                return default
            self._options[name] = make()
        return self._options[name]

    def write(self: Any, value: Any) -> None:
        if kinds is not None and not isinstance(value, kinds):
            raise TypeError(f'Property "{name}" must be of type {kinds}, got: {value!r} (type: {type(value)})')
        self._options[name] = value

    made = property(read, write, doc=doc)
    return made


def options_class(name: str, doc: str, fields: dict[str, tuple[Any, str, Any]], *public: str) -> Any:
    """A class of plain options."""
    members: dict[str, Any] = {"__doc__": doc, "__module__": __name__, "_fields": {n: (t, d) for n, (t, _, d) in fields.items()}}
    for n, (kind, text, default) in fields.items():
        members[n] = option(n, kind, text, default)
    made = type(name, (OptionsBase,), members)
    return export(*public)(made)


AutotuneOptions = options_class("AutotuneOptions", "How autotuning works.", {
    "autotune_algorithm": (AutotuneAlgorithm, "The algorithm.", None),
    "cpu_budget": (int, "Cores that autotuning may use.", None),
    "enabled": (bool, "Is autotuning on?", None),
    "initial_parallelism": (int, "Threads to begin with.", None),
    "min_parallelism": (int, "Threads at least.", None),
    "ram_budget": (int, "Bytes that autotuning may use.", None),
}, "data.experimental.AutotuneOptions")  # fmt: skip
DistributeOptions = options_class("DistributeOptions", "How a dataset is shared out.", {
    "auto_shard_policy": (AutoShardPolicy, "How it is shared out among workers.", AutoShardPolicy.AUTO),
    "num_devices": (int, "Devices of this host.", None),
}, "data.experimental.DistributeOptions")  # fmt: skip
OptimizationOptions = options_class("OptimizationOptions", "Rewrites of the pipeline; they never change its elements.", {
    n: (bool, f"Use the rewrite `{n}`?", None) for n in (
        "apply_default_optimizations", "filter_fusion", "filter_parallelization", "inject_prefetch", "map_and_batch_fusion", "map_and_filter_fusion",
        "map_fusion", "map_parallelization", "noop_elimination", "parallel_batch", "seq_interleave_prefetch", "shuffle_and_repeat_fusion",
    )
}, "data.experimental.OptimizationOptions")  # fmt: skip
ServiceOptions = options_class("ServiceOptions", "Options of the data service.", {"pinned": (bool, "Keep buffers in pinned memory?", None)}, "data.experimental.ServiceOptions")
ThreadingOptions = options_class("ThreadingOptions", "Threads of a pipeline.", {
    "max_intra_op_parallelism": (int, "Threads that one op may use.", None),
    "private_threadpool_size": (int, "Threads of a pool of its own.", None),
}, "data.ThreadingOptions", "data.experimental.ThreadingOptions")  # fmt: skip


@export("data.Options")
class Options(OptionsBase):
    """How a dataset runs; `dataset.with_options(options)` applies them.

    >>> options = tf.data.Options(); options.deterministic = False
    >>> tf.data.Dataset.range(2).with_options(options).options().deterministic
    False
    """

    _fields = dict.fromkeys(("autotune", "dataset_name", "deterministic", "experimental_distribute", "experimental_external_state_policy", "experimental_optimization", "experimental_service", "experimental_slack", "experimental_symbolic_checkpoint", "experimental_warm_start", "framework_type", "threading"), (None, None))  # fmt: skip
    autotune = option("autotune", AutotuneOptions, "How autotuning works.", make=AutotuneOptions)
    dataset_name = option("dataset_name", str, "A name for the dataset.")
    deterministic = option("deterministic", bool, "Must elements come in a fixed order?")
    experimental_distribute = option("experimental_distribute", DistributeOptions, "How the dataset is shared out.", make=DistributeOptions)
    experimental_external_state_policy = option("experimental_external_state_policy", ExternalStatePolicy, "What saving does about state outside.")
    experimental_optimization = option("experimental_optimization", OptimizationOptions, "Rewrites of the pipeline.", make=OptimizationOptions)
    experimental_service = option("experimental_service", ServiceOptions, "The data service.", make=ServiceOptions)
    experimental_slack = option("experimental_slack", bool, "Put off fetching until the step has begun?")
    experimental_symbolic_checkpoint = option("experimental_symbolic_checkpoint", bool, "Save iterators without their buffers?")
    experimental_warm_start = option("experimental_warm_start", bool, "Begin fetching when the iterator is made?")
    framework_type = option("framework_type", list, "The frameworks that use the dataset.")
    threading = option("threading", ThreadingOptions, "The threads of the pipeline.", make=ThreadingOptions)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "experimental_deterministic":
            name = "deterministic"
        elif name == "experimental_threading":
            name = "threading"
        super().__setattr__(name, value)

    experimental_deterministic = property(lambda s: s.deterministic, lambda s, v: setattr(s, "deterministic", v), doc="The old name of `deterministic`.")
    experimental_threading = property(lambda s: s.threading, lambda s, v: setattr(s, "threading", v), doc="The old name of `threading`.")

    def merge(self, options: "Options") -> "Options":
        """These options and those of `options`, which win where both say something."""
        return merge_options(self, options)

    @classmethod
    def _of(cls, given: dict[str, Any]) -> "Options":
        made = cls()
        for key, value in given.items():
            if isinstance(value, dict):
                inner = getattr(made, key)
                for k, v in value.items():
                    inner._options[k] = v
            else:
                made._options[key] = value
        return made


def merge_options(*parts: Any) -> Options:
    """Options put together; the later ones win."""
    for p in parts:
        if not isinstance(p, Options):
            raise TypeError(f"All options to be merged should be of type {Options} but found type {type(p)}")
    merged: dict[str, Any] = {}
    for p in parts:
        merge_into(merged, p._as_dict())
    return Options._of(merged)


def merge_into(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Put options into others, those inside options too."""
    for k, v in more.items():
        if isinstance(v, dict):
            merge_into(into.setdefault(k, {}), v)
        else:
            into[k] = v


def options_to_bytes(options: Options) -> bytes:
    """Options as the attr of an OptionsDataset node holds them."""
    from penstock.data.options_wire import encode

    return encode(options._as_dict())


def options_from_bytes(data: Any) -> dict[str, Any]:
    """The options that such an attr holds."""
    from penstock.data.options_wire import decode

    return decode(data if isinstance(data, bytes) else str(data).encode("latin-1"))
