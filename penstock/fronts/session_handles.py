"""`tf.compat.v1.get_session_handle`: values that stay in the session between runs."""

from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.device import DeviceSpec
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops.constants import placeholder

_DEAD_AT_ONCE = 10  # handles that nobody holds are forgotten in batches


class TensorHandle:
    """A tensor that a session keeps: what fetching `get_session_handle` gives."""

    def __init__(self, handle: bytes, dtype: Any, session: Any):
        self._handle = handle.decode()
        self._dtype, self._session, self._auto_gc_enabled = dtype, session, True

    @property
    def handle(self) -> str:
        """The string by which the session knows the tensor."""
        return self._handle

    def __str__(self) -> str:
        return self._handle

    def _node(self, kind: str, make: Any) -> Any:
        """The placeholder and the node that reads or deletes, made once in a graph."""
        graph = self._session.graph
        made = graph.__dict__.setdefault("_of_session_handles", {})
        if (kind, self._dtype) not in made:
            with graph.as_default():
                made[kind, self._dtype] = make()
        return made[kind, self._dtype]

    def _alive(self) -> None:
        if not self._auto_gc_enabled:
            raise TypeError(f"Persistent tensor {self._handle} may have already been deleted.")

    def eval(self) -> Any:
        """The value."""
        self._alive()
        holder, reader = self._node("read", lambda: get_session_tensor(self._handle, self._dtype))
        return self._session.run(reader, {holder: self._handle})

    def to_numpy_array(self) -> np.ndarray:
        """The value, as it is fed."""
        return self.eval()

    def delete(self) -> None:
        """Make the session forget the value."""
        self._alive()
        self._auto_gc_enabled = False
        holder, deleter = self._node("delete", lambda: delete_session_tensor(self._handle))
        self._session.run(deleter, {holder: self._handle})

    def get_raw_handle(self) -> str:
        """The handle as a string; from now on the value stays until it is deleted."""
        self._auto_gc_enabled = False
        return self._handle

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is None or not self._auto_gc_enabled or session._closed:
            return
        from penstock.ops.session_tensors import of_store

        dead = session.__dict__.setdefault("_dead_handles", [])
        dead.append(self._handle.encode())
        if len(dead) >= _DEAD_AT_ONCE:
            held = of_store(session._store).held
            while dead:
                held.pop(dead.pop(), None)


def is_handle(tensor: Any) -> bool:
    """Is this what `get_session_handle` gave?"""
    return tensor.op.type == "GetSessionHandle"


def handle_of(tensor: Any, value: Any, session: Any) -> TensorHandle:
    """The fetched value of a `GetSessionHandle` as a TensorHandle."""
    return TensorHandle(value if isinstance(value, bytes) else np.asarray(value).reshape(-1)[0], tensor.op.inputs[0].dtype.base_dtype, session)


def fed(tensor: Any, handle: TensorHandle) -> Any:
    """The value behind a handle that is fed for a tensor of its dtype."""
    if tensor.dtype.base_dtype != handle._dtype:
        raise InvalidArgumentError(None, None, f"Expects arg[0] to be {tensor.dtype.base_dtype.name} but {handle._dtype.name} is provided")
    return np.asarray(handle.to_numpy_array())


def _device(handle: Any) -> str:
    text = handle.decode() if isinstance(handle, bytes) else str(handle)
    device = text.split(";")[-1]
    if not device.startswith("/"):
        raise ValueError(f"Unknown attribute {device!r} is encountered while parsing the device spec: {text!r}.")
    return DeviceSpec.from_string(device).to_string()


@export(v1=("get_session_handle",))
def get_session_handle(data: Any, name: str | None = None) -> Any:
    """The handle of a tensor: running it leaves the value in the session and gives a `TensorHandle`, which later runs can be fed.

    >>> handle = session.run(tf.get_session_handle(tf.constant(10) * 5))  # doctest: +SKIP
    >>> handle.eval()  # doctest: +SKIP
    50
    """
    if not isinstance(data, Tensor):
        raise TypeError("`data` must be of type Tensor.")
    with door.current().colocate_with(data, True):
        return find("GetSessionHandle")(data, name=name)


@export(v1=("get_session_tensor",))
def get_session_tensor(handle: Any, dtype: Any, name: str | None = None) -> Any:
    """A placeholder for a handle, and the tensor that is kept behind the handle fed for it."""
    with door.current().device(_device(handle)):
        holder = placeholder("string")
        return holder, find("GetSessionTensor")(holder, dtype=as_dtype(dtype), name=name)


@export(v1=("delete_session_tensor",))
def delete_session_tensor(handle: Any, name: str | None = None) -> Any:
    """A placeholder for a handle, and the operation that forgets the tensor behind the handle fed for it."""
    with door.current().device(_device(handle)):
        holder = placeholder("string")
        return holder, find("DeleteSessionTensor")(holder, name=name)
