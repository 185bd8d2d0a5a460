"""Tensors that a session keeps between its runs, behind handles that are strings."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op

_HOST: dict[str, Any] = {"where": "host", "effect": "io", "needs_store": True}
_DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"


class SessionTensors:
    """What one session keeps: handle -> (array, dtype), and how many handles it has given."""

    def __init__(self) -> None:
        self.held: dict[bytes, Any] = {}
        self.given = 0


def of_store(store: Any) -> SessionTensors:
    """The tensors kept in a store."""
    return store.get("session_tensors", "", "session_tensors", SessionTensors)


def _text(handle: Any) -> bytes:
    if np.size(handle) != 1:
        raise InvalidArgumentError(None, None, f"handle must be scalar, got shape {list(np.shape(handle))}")
    return np.asarray(handle).reshape(-1)[0]


@op("GetSessionHandle(value: T, *, T: type) -> handle: string", shape=lambda value: (), **_HOST)
def GET_SESSION_HANDLE(xp, store, value):
    """Keep a tensor in the session, and give its handle: the node, a number and the device."""
    kept = of_store(store)
    handle = f"{store.node_name};{kept.given};{_DEVICE}".encode()
    kept.given += 1
    kept.held[handle] = np.array(value)
    return np.array(handle, object)


@op("GetSessionTensor(handle: string, *, dtype: type) -> value: dtype", shape=lambda handle, **_: None, **_HOST)
def GET_SESSION_TENSOR(xp, store, handle, *, dtype):
    """The tensor behind a handle."""
    found = of_store(store).held.get(_text(handle))
    if found is None:
        raise InvalidArgumentError(None, None, f"The tensor with handle '{_text(handle).decode()}' is not in the session store.")
    if found.dtype != dtype.array_dtype:
        raise InvalidArgumentError(None, None, f"The tensor with handle '{_text(handle).decode()}' holds {found.dtype}, asked for as {dtype.name}.")
    return found


@op("DeleteSessionTensor(handle: string) -> ()", **_HOST)
def DELETE_SESSION_TENSOR(xp, store, handle):
    """Forget the tensor behind a handle."""
    if of_store(store).held.pop(_text(handle), None) is None:
        raise InvalidArgumentError(None, None, f"Failed to delete a tensor with handle '{_text(handle).decode()}' in the session store.")
    return ()
