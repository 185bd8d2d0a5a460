"""The nodes that TensorFlow's debugger puts into graphs: copies, identities, counts and summaries of tensors."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, UnimplementedError
from penstock.ir.op import op

_WATCH = 'debug_urls: list(str) = [], device_name: str = "", gated_grpc: bool = False'
_same: Any = {"shape": lambda input, **_: input.shape, "moves": True}


def _identity(text: str) -> None:
    """An op that hands its input on, as a global of this file that has the op's name."""

    def body(xp: Any, input: Any) -> Any:  # noqa: A002
        return input

    body.__doc__, body.__qualname__ = "The input as it is.", text.partition("(")[0]
    made = op(text, **_same)(body)
    made.grad_rule = lambda node, dy: dy
    globals()[made.name] = made


_identity('Copy(input: T, *, T: type, debug_ops_spec: list(str) = [], tensor_name: str = "") -> output: T')
_identity('CopyHost(input: T, *, T: type, debug_ops_spec: list(str) = [], tensor_name: str = "") -> output: T')
_identity(f'DebugIdentity(input: T, *, T: type, {_WATCH}, tensor_name: str = "") -> output: T')
_identity('DebugIdentityV2(input: T, *, T: type, circular_buffer_size: int = 1000, debug_urls: list(str) = [], op_name: str = "", output_slot: int = -1, '
          'tensor_debug_mode: int = -1, tfdbg_context_id: str = "", tfdbg_run_id: str = "") -> output: T')  # fmt: skip
_identity(f'DebugIdentityV3(input: T, *, T: type, {_WATCH}, io_index: int = -1, io_of_node: str = "", is_input: bool = False, tensor_name: str = "") -> output: T')


@op(f'DebugNanCount(input: T, *, T: type, {_WATCH}, tensor_name: str = "") -> output: int64', where="host", shape=lambda input, **_: (1,))
def DEBUG_NAN_COUNT(xp, input):  # noqa: A002
    """How many NaN there are."""
    return np.array([np.isnan(np.asarray(input, np.float64)).sum() if input.dtype.kind in "fV" else 0], np.int64)


@op('DebugNumericSummary(input: T, *, T: type, debug_urls: list(str) = [], device_name: str = "", gated_grpc: bool = False, lower_bound: float = -1e999, '
    'mute_if_healthy: bool = False, tensor_name: str = "", upper_bound: float = 1e999) -> output: float64', where="host",
    shape=lambda input, **_: None if input.shape is None else (14 + len(input.shape),))  # fmt: skip
def DEBUG_NUMERIC_SUMMARY(xp, input, *, lower_bound, upper_bound, mute_if_healthy):  # noqa: A002
    """Counts of NaN, infinities, negative, zero and positive elements; smallest, largest, mean and variance; type and shape."""
    from penstock.base.dtypes import as_dtype

    if input.dtype == object:
        raise InvalidArgumentError(None, None, "A numeric summary needs numbers, got strings")
    x = np.asarray(input, np.float64).reshape(-1)
    finite = x[np.isfinite(x)]
    low, high = x <= lower_bound, x >= upper_bound
    healthy = not (np.isnan(x).any() or low.any() or high.any())
    counts = [np.isnan(x).sum(), low.sum(), (finite[(finite > lower_bound) & (finite < upper_bound)] < 0).sum(),
              (finite == 0).sum(), (finite[(finite > lower_bound) & (finite < upper_bound)] > 0).sum(), high.sum()]  # fmt: skip
    moments = [finite.min(), finite.max(), finite.mean(), finite.var()] if finite.size else [np.inf, -np.inf, np.nan, np.nan]
    if mute_if_healthy and healthy:
        return np.zeros(0)
    return np.array([1, x.size, *counts, *moments, as_dtype(input.dtype).as_datatype_enum, input.ndim, *input.shape], np.float64)


@op("DebugNumericSummaryV2(input: T, *, T: type, output_dtype: {float32|float64} = float32, tensor_debug_mode: int = -1, tensor_id: int = -1) -> output: output_dtype",
    where="host", shape=lambda input, *, tensor_debug_mode, **_: {2: (2,), 3: (5,), 4: (11,), 5: (10,), 8: (3,)}.get(tensor_debug_mode))  # fmt: skip
def DEBUG_NUMERIC_SUMMARY_V2(xp, input, *, output_dtype, tensor_debug_mode, tensor_id):  # noqa: A002
    """What a debug mode tells of a tensor: are there NaN or infinities, how many, its type and shape."""
    from penstock.base.dtypes import as_dtype

    x = np.asarray(input, np.float64) if input.dtype != object else np.zeros(input.shape)
    low, high, nan = np.isneginf(x).sum(), np.isposinf(x).sum(), np.isnan(x).sum()
    kind = as_dtype(input.dtype).as_datatype_enum
    if tensor_debug_mode == 2:
        found = [tensor_id, int(low + high + nan > 0)]
    elif tensor_debug_mode == 3:
        found = [tensor_id, x.size, low, high, nan]
    elif tensor_debug_mode == 4:
        finite = x[np.isfinite(x)]
        found = [tensor_id, -1, kind, x.ndim, x.size, low, high, nan, (finite < 0).sum(), (finite == 0).sum(), (finite > 0).sum()]
    elif tensor_debug_mode == 5:
        dims = list(x.shape)[-6:]
        found = [tensor_id, kind, x.ndim, x.size, *dims, *[0] * (6 - len(dims))]
    elif tensor_debug_mode == 8:
        found = [-np.inf if low else 0, np.inf if high else 0, np.nan if nan else 0]
    else:
        raise UnimplementedError(None, None, f"Unimplemented tensor debug mode: {tensor_debug_mode}")
    return np.array(found, output_dtype.array_dtype)


@op("DeviceIndex(*, device_names: list(str)) -> index: int32", where="host", shape=lambda **_: ())
def DEVICE_INDEX(xp, *, device_names):
    """Which of the names is the device that this runs on; their number when none is."""
    kinds = [n.rpartition(":")[2] if ":" not in n or not n.rpartition(":")[2].isdigit() else n.split(":")[-2] for n in device_names]
    return np.array(kinds.index("CPU") if "CPU" in kinds else len(device_names), np.int32)


@op("SyncDevice() -> ()", where="host", effect="io")
def SYNC_DEVICE(xp):
    """Wait for the device."""
    return ()


for _one in (DEBUG_NAN_COUNT, DEBUG_NUMERIC_SUMMARY, DEBUG_NUMERIC_SUMMARY_V2, DEVICE_INDEX, SYNC_DEVICE):
    _one.no_grad()
