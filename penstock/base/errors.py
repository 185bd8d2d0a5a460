"""`tf.errors`: the status codes as exception classes."""

from typing import Any

from penstock.base.export import export, export_constant

CODES = {
    "CANCELLED": 1, "UNKNOWN": 2, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10, "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14, "DATA_LOSS": 15, "UNAUTHENTICATED": 16,
}  # fmt: skip
OK = 0
globals().update(CODES)
for _name in ("OK", *CODES):
    export_constant(f"errors.{_name}", module=__name__, attr=_name)


@export("errors.OpError", v1=("OpError",))
class OpError(Exception):
    """An error of running an op: a status code, a message, and the node it belongs to (None in eager code)."""

    code: int = 2

    def __init__(self, node_def: Any = None, op: Any = None, message: str | None = None, error_code: int | None = None, *args: Any):
        if message is None:  # OpError("message") is how our own code raises it
            node_def, message = None, node_def
        super().__init__(node_def, op, message, *args)
        self._node_def, self._op, self._message = node_def, op, str(message)
        self._error_code = self.code if error_code is None else error_code
        self._payloads: dict[bytes, bytes] = {}

    @property
    def message(self) -> str:
        return self._message

    @property
    def op(self) -> Any:
        return self._op

    @property
    def error_code(self) -> int:
        return self._error_code

    @property
    def node_def(self) -> Any:
        return self._node_def

    @property
    def experimental_payloads(self) -> dict[bytes, bytes]:
        return self._payloads

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> Any:
        return _BY_CODE.get(self.code, OpError), (None, None, self._message)


def _declare(code_name: str, class_name: str, doc: str, *bases: type) -> type[OpError]:
    code = CODES[code_name]

    def __init__(self: OpError, node_def: Any = None, op: Any = None, message: str | None = None, *args: Any) -> None:
        OpError.__init__(self, node_def, op, message, code, *args)

    members = {"code": code, "__doc__": doc, "__init__": __init__, "__module__": __name__}
    cls = type(class_name, (OpError, *bases), members)
    export(f"errors.{class_name}")(cls)
    return cls


CancelledError = _declare("CANCELLED", "CancelledError", "The operation was cancelled.")
UnknownError = _declare("UNKNOWN", "UnknownError", "An error of no known kind.")
InvalidArgumentError = _declare("INVALID_ARGUMENT", "InvalidArgumentError", "An op was given an argument it cannot take.")
DeadlineExceededError = _declare("DEADLINE_EXCEEDED", "DeadlineExceededError", "Time ran out first.")
NotFoundError = _declare("NOT_FOUND", "NotFoundError", "A file, key or resource is not there.")
AlreadyExistsError = _declare("ALREADY_EXISTS", "AlreadyExistsError", "What was to be made exists.")
PermissionDeniedError = _declare("PERMISSION_DENIED", "PermissionDeniedError", "The caller may not do this.")
UnauthenticatedError = _declare("UNAUTHENTICATED", "UnauthenticatedError", "The caller did not say who it is.")
ResourceExhaustedError = _declare("RESOURCE_EXHAUSTED", "ResourceExhaustedError", "Memory or another resource ran out.")
FailedPreconditionError = _declare("FAILED_PRECONDITION", "FailedPreconditionError", "The state does not allow this yet.")
AbortedError = _declare("ABORTED", "AbortedError", "The operation was given up by a concurrent one.")
OutOfRangeError = _declare("OUT_OF_RANGE", "OutOfRangeError", "An iteration went past its end.")
UnimplementedError = _declare("UNIMPLEMENTED", "UnimplementedError", "The op does not support this.")
InternalError = _declare("INTERNAL", "InternalError", "An invariant of the runtime was broken.")
UnavailableError = _declare("UNAVAILABLE", "UnavailableError", "The runtime cannot be reached just now.")
DataLossError = _declare("DATA_LOSS", "DataLossError", "Data is lost or corrupt.")


class ShapeError(InvalidArgumentError, ValueError):
    """Sizes that do not fit: an InvalidArgumentError for eager code, a ValueError for graph builders."""


class DTypeError(InvalidArgumentError, TypeError):
    """Types that do not fit: an InvalidArgumentError for eager code, a TypeError for graph builders."""


for _c in (ShapeError, DTypeError):  # programs see TensorFlow's class
    _c.__name__ = _c.__qualname__ = "InvalidArgumentError"

_BY_CODE = {c.code: c for c in OpError.__subclasses__() if c.__bases__ == (OpError,)}


@export(v1=("errors.exception_type_from_error_code",))
def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The exception class of a status code; KeyError for one that is not known."""
    return _BY_CODE[error_code]


@export(v1=("errors.error_code_from_exception_type",))
def error_code_from_exception_type(cls: type[OpError]) -> int:
    """The status code of an exception class."""
    return cls.code if issubclass(cls, OpError) else 2


@export(v1=("errors.raise_exception_on_not_ok_status",))
class raise_exception_on_not_ok_status:
    """A context manager kept for old programs: errors raise by themselves here."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> bool:
        return False
