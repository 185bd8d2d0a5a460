"""One op, run now: what the eager runner calls, cached on the op by (attrs, input dtypes)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, OpError, ResourceExhaustedError
from penstock.engine.quiet import hush, unhush
from penstock.engine.store import Cell, NodeStore, Store
from penstock.engine.streams import eager_stream, restart_streams
from penstock.ir import seeds
from penstock.ir.known import flatten_outputs, group, output_types
from penstock.ir.tensor import Spec

SMALL = 1 << 18
"""Elements up to which the NumPy body is the faster one."""
MISFITS = (ValueError, TypeError, IndexError, KeyError, AttributeError, ZeroDivisionError, OverflowError)
"""What a body raises when sizes or values do not fit each other."""
PARSERS = frozenset(("google", "struct", "zlib", "binascii", "lzma"))
"""Modules whose errors mean that bytes are not what they should be."""
ndarray = np.ndarray

eager_store = Store()
seeds.restart = lambda: restart_streams(eager_store)


def build(op: Any, attrs: dict[str, Any], key: Any) -> Callable[..., list[Any]]:
    """A function of the flat input arrays that gives the flat output arrays."""
    if op.effect == "random":
        return build_with(op, attrs, (eager_stream(eager_store, op, key, attrs),))
    return build_with(op, attrs, (NodeStore(eager_store, ""),) if op.effect == "handle" or op.needs_store else ())


def build_with(op: Any, attrs: dict[str, Any], lead: tuple[Any, ...], near: bool = False) -> Callable[..., list[Any]]:
    """The same, with what the body takes before its inputs (a random stream or the store); `near`: on NumPy whatever the size."""
    kwargs = {k: attrs[k] for k in op.takes}
    types = [t.array_dtype if t.on_device else None for t in output_types(op, attrs)]
    body, check, lists, moves = op.body, op.check_rule, op.lists, op.moves
    one = types[0] if op.plain else None
    def fix(out: Any, want: Any) -> Any:
        if type(out) is Cell:
            return out
        if type(out) is not ndarray:
            if want is not None:
                out = np.asarray(out)
            elif type(out) is bytes:  # one element of an array of strings
                out = np.array(out, object)
        return out if want is None or out.dtype == want else out.astype(want)

    def on_numpy(*arrays: Any) -> list[Any]:
        args = group(op, arrays, attrs) if lists else arrays
        token = hush()
        try:
            if check is not None:
                raise_if_bad(op, check(np, *args, **attrs), arrays)
            out = body(np, *lead, *args, **kwargs)
        except OpError as e:
            raise explain_arrays(op, e, arrays) from None
        except MISFITS as e:
            if op.where == "host" and op.effect is not None and not _not_handles(op, arrays):  # it may have run a user's code
                raise
            raise diagnose(op, e, arrays, attrs) from None
        except MemoryError as e:
            raise explain_arrays(op, out_of_memory(e), arrays) from None
        except Exception as e:
            if type(e).__module__.partition(".")[0] in PARSERS:
                raise diagnose(op, e, arrays, attrs) from None
            raise
        finally:
            unhush(token)
        if one is not None:
            if type(out) is ndarray and out.dtype == one:
                return [out]
            return [fix(out, one)]
        return [fix(o, t) for o, t in zip(flatten_outputs(op, out), types)]

    if op.where == "host" or op.effect in ("handle", "io"):
        return lambda *arrays: on_numpy(*[np.asarray(a) if _is_device_array(a) else a for a in arrays])
    if op.where == "control":
        from penstock.engine.control import eager_control

        return eager_control(op, attrs)

    compiled: Callable[..., list[Any]] | None = None

    def on_device(*arrays: Any) -> list[Any]:
        nonlocal compiled
        if compiled is None:
            from penstock.engine.compile import eager_kernel

            compiled = eager_kernel(op, attrs, lead)
        try:
            return compiled(*arrays)
        except OpError as e:
            raise explain_arrays(op, e, arrays) from None
        except MISFITS as e:
            raise diagnose(op, e, arrays, attrs) from None
        except MemoryError as e:
            raise explain_arrays(op, out_of_memory(e), arrays) from None

    def either(*arrays: Any) -> list[Any]:
        size = 0
        for a in arrays:
            if type(a) is ndarray:
                size += a.size
            elif not hasattr(a, "size"):
                if type(a) is Cell and a.value is not None:
                    size += a.value.size
            else:
                if a.size <= SMALL:
                    return either(*[np.asarray(a) if _is_device_array(a) else a for a in arrays])
                size += a.size
        if size <= SMALL:
            return on_numpy(*arrays)
        if moves or any(type(a) is ndarray and a.dtype == object for a in arrays):
            near = [a if type(a) is ndarray else _on_host(a) for a in arrays]
            if all(a is not None for a in near):
                return on_numpy(*near)
        return on_device(*arrays)

    if op.hints and op.effect is None:  # slices: views in NumPy, and their bounds are values here
        return lambda *arrays: on_numpy(*[np.asarray(a) if _is_device_array(a) else a for a in arrays])

    def on_host(*arrays: Any) -> list[Any]:
        return on_numpy(*[np.asarray(a) if _is_device_array(a) else a for a in arrays])

    run = on_device if op.where == "xla" else on_host if near else either
    if op.effect in ("write", "random"):
        return lambda *arrays: atomically(run, (*lead, *arrays), arrays)
    return run


def out_of_memory(error: Exception) -> OpError:
    """TensorFlow's error for an array that there is no room for."""
    return ResourceExhaustedError(None, None, f"OOM when allocating a tensor: {str(error).partition(chr(10))[0] or 'out of memory'}")


def _not_handles(op: Any, arrays: Any) -> bool:
    """Does an array stand where the op wants a resource, a reference or a variant?"""
    if op.lists:
        return False
    return any(type(a) is ndarray and a.dtype != object and (s.is_ref or s.dtype is not None and s.dtype.group == "" and s.dtype.name != "string")
               or type(a) is ndarray and a.dtype == object and (s.is_ref or s.name == "handle") for s, a in zip(op.sig.inputs, arrays))  # fmt: skip


def atomically(run: Callable[..., list[Any]], owners: Any, arrays: Any) -> list[Any]:
    """Run with the lock of the store whose cell is changed."""
    cell = next((c for c in owners if type(c) is Cell), None)
    if cell is None:
        return run(*arrays)
    with cell.store.lock:
        return run(*arrays)


def _is_device_array(a: Any) -> bool:
    return type(a) is not ndarray and hasattr(a, "devices")


def _on_host(a: Any) -> Any:
    """A device array of the CPU as a NumPy array over the same memory; None for one that is elsewhere."""
    if not _is_device_array(a):
        return a
    return np.asarray(a) if all(d.platform == "cpu" for d in a.devices()) else None


def raise_if_bad(op: Any, verdict: Any, arrays: Any) -> None:
    if bool(verdict[0]):
        raise (verdict[2] if len(verdict) > 2 else InvalidArgumentError)(None, None, verdict[1])


def explain_arrays(op: Any, error: OpError, arrays: Any) -> OpError:
    """The error with the op's name in front and the operands below."""
    from penstock.ir.graph import explain

    if error.message.startswith(f"{op.name}:"):
        return error
    return explain(op, error, [Shown(a) for a in arrays])


class Shown:
    """How an eager operand is spoken of in an error."""

    def __init__(self, array: Any):
        self.array = array

    def describe(self) -> str:
        if not hasattr(self.array, "dtype"):
            return repr(self.array)
        return f"{self.array.dtype}{list(getattr(self.array, 'shape', getattr(self.array, 'dims', [])) or [])}"


def diagnose(op: Any, error: Exception, arrays: Any, attrs: dict[str, Any]) -> Exception:
    """TensorFlow's error for a failure inside a body: the shape rule says what does not fit, if it can."""
    from penstock.base.dtypes import as_dtype
    from penstock.ir.graph import explain, label

    shown = [Shown(a) for a in arrays]
    if op.shape_rule is not None:
        names = [a.name for a in op.sig.inputs] if not op.lists else [f"input {i}" for i in range(len(arrays))]
        specs = [Spec(n, as_dtype(a.dtype) if not isinstance(a, Cell) else a.dtype, label(tuple(a.shape), n) if hasattr(a, "shape") else None, Holder(a))
                 for n, a in zip(names, arrays)]  # fmt: skip
        try:
            op.shape_rule(*group(op, specs, attrs), **attrs)
        except OpError as e:
            return explain(op, e, shown)
        except Exception:  # noqa: BLE001 - the body's own error is the better one
            pass
    return explain(op, InvalidArgumentError(None, None, str(error).splitlines()[0] if str(error) else type(error).__name__), shown)


class Holder:
    """A value in the place of the tensor that a Spec asks for it."""

    def __init__(self, array: Any):
        self._array = array
