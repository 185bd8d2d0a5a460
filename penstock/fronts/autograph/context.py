"""What is converted and how: optional features, the status of the running thread, messages about conversion."""

import enum
import logging
import os
import sys
import threading
from typing import Any

from penstock.base.export import export

log = logging.getLogger("penstock")


@export("autograph.experimental.Feature")
class Feature(enum.Enum):
    """Conversions that are off unless they are asked for, with `experimental_autograph_options` of `tf.function`."""

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple["Feature", ...]:
        """All features."""
        return tuple(cls)

    @classmethod
    def all_but(cls, exclude: Any) -> tuple["Feature", ...]:
        """All features but the given one or ones."""
        left_out = set(exclude) if isinstance(exclude, (list, tuple, set)) else {exclude}
        return tuple(set(cls) - left_out - {cls.ALL})


class ConversionOptions:
    """How a function is converted."""

    __slots__ = ("recursive", "user_requested", "optional_features")

    def __init__(self, recursive: bool = True, user_requested: bool = False, optional_features: Any = ()):
        features: Any = optional_features
        if features is None:
            features = ()
        elif isinstance(features, Feature):
            features = (features,)
        self.recursive, self.user_requested = recursive, user_requested
        self.optional_features = frozenset(features)

    def uses(self, feature: Feature) -> bool:
        return self.recursive and (Feature.ALL in self.optional_features or feature in self.optional_features)

    def key(self) -> tuple[Any, ...]:
        return self.recursive, self.optional_features

    def call_options(self) -> "ConversionOptions":
        """How functions called from a function converted with these options are converted."""
        return ConversionOptions(self.recursive, False, self.optional_features)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConversionOptions) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def __repr__(self) -> str:
        features = sorted(f.name for f in self.optional_features)
        return f"ConversionOptions(recursive={self.recursive}, optional_features={features})"


class Status(enum.Enum):
    """Is the running code converted, kept from it, or neither?"""

    UNSPECIFIED = 0
    ENABLED = 1
    DISABLED = 2


class ControlStatusCtx:
    """A context in which code is (or is not) converted."""

    def __init__(self, status: Status, options: ConversionOptions | None = None):
        self.status, self.options = status, options

    def __enter__(self) -> "ControlStatusCtx":
        _local.stack.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _local.stack.pop()

    def __repr__(self) -> str:
        return f"{self.status}[{self.options}]"


class _Local(threading.local):
    def __init__(self) -> None:
        self.stack = [ControlStatusCtx(Status.UNSPECIFIED)]


_local = _Local()


@export(v2=("__internal__.autograph.control_status_ctx",))
def control_status_ctx() -> ControlStatusCtx:
    """The innermost context of this thread."""
    return _local.stack[-1]


# -- messages --------------------------------------------------------------------------------------------------------
_verbosity: int | None = None
_echo = False
_warned: set[Any] = set()


@export("autograph.set_verbosity")
def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """How much AutoGraph says: 0 warnings only, 3 each conversion, 10 the code; AUTOGRAPH_VERBOSITY is the default."""
    global _verbosity, _echo
    _verbosity, _echo = level, alsologtostdout


def verbosity() -> int:
    return int(os.environ.get("AUTOGRAPH_VERBOSITY", "0") or 0) if _verbosity is None else _verbosity


@export("autograph.trace")
def trace(*args: Any) -> None:
    """Print the arguments while a function is being traced, where `tf.print` prints when it runs."""
    print(*args)


def say(level: int, message: str, *args: Any) -> None:
    if verbosity() >= level:
        log.info(message, *args)
        if _echo:
            print(message % args if args else message)


def warn(message: str, *args: Any) -> None:
    log.warning(message, *args)
    if _echo:
        sys.stdout.write("WARNING: " + message % args + "\n")


def warn_unconverted(function: Any, cause: str) -> None:
    """Say once for a function that it runs as it is."""
    code = getattr(function, "__code__", function)
    if code in _warned:
        return
    if len(_warned) > 4096:
        _warned.clear()
    _warned.add(code)
    warn(
        "AutoGraph could not transform %s and will run it as-is.\nCause: %s\nTo silence this warning, decorate the "
        "function with @tf.autograph.experimental.do_not_convert",
        function, cause,
    )  # fmt: skip
