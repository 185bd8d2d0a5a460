"""Conditional accumulators: gradients gathered from several workers, stale ones dropped, taken as a mean or a sum."""

import threading
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import CancelledError, InvalidArgumentError
from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import door
from penstock.ir.op import find, op

_TYPES = ("{float32|float64|int32|uint8|int16|int8|complex64|int64|qint8|quint8|qint32|bfloat16|qint16|quint16|uint16|complex128|float16|uint32|"
          "uint64}")  # fmt: skip
_FIELDS = (
    f'container: str = "", dtype: {_TYPES}, reduction_type: "MEAN"|"SUM" = "MEAN", shape: shape, shared_name: str = ""'
)


class Accumulator:
    """Gradients of one variable: their sum, their number, and the step from which on they count."""

    def __init__(self, name: str, dtype: Any, dims: Any, reduction: str):
        self.name, self.dtype, self.dims, self.mean = name, dtype, dims, reduction == "MEAN"
        self.changed = threading.Condition()
        self.step, self.count, self.gone = 0, 0, False
        self.clear()

    def clear(self) -> None:
        self.total: Any = None

    def add(self, gradient: Any) -> None:
        if self.dims is not None and not _fits(gradient.shape, self.dims):
            raise InvalidArgumentError(
                None, None, f"Shape mismatch: expected {_text(self.dims)}, got {_text(gradient.shape)}"
            )
        if self.total is not None and gradient.shape != self.total.shape:
            raise InvalidArgumentError(
                None, None, f"Shape mismatch: expected {_text(self.total.shape)}, got {_text(gradient.shape)}"
            )
        self.total = gradient.copy() if self.total is None else self.total + gradient

    def result(self) -> Any:
        return (self.total / self.count).astype(self.total.dtype) if self.mean else self.total

    def apply(self, local_step: int, gradient: Any) -> None:
        """Take a gradient in, unless it was computed before the current step."""
        with self.changed:
            if local_step < self.step:
                return
            self.add(gradient)
            self.count += 1
            self.changed.notify_all()

    def take(self, required: int) -> Any:
        """Wait for so many gradients, and give what they come to; the step goes on by one."""
        if required <= 0:
            raise InvalidArgumentError(None, None, f"Argument num_required must be positive, but was {required}")
        with self.changed:
            while self.count < required:
                if self.gone:
                    raise CancelledError(
                        None,
                        None,
                        f"TakeGrad operation was cancelled: the session of accumulator {self.name!r} was closed",
                    )
                self.changed.wait(1.0)
            made = self.result()
            self.clear()
            self.count = 0
            self.step += 1
            return made

    def set_step(self, step: int) -> None:
        with self.changed:
            self.step = max(self.step, step)

    def session_closed(self) -> None:
        """Wake up whoever waits: the session is gone."""
        with self.changed:
            self.gone = True
            self.changed.notify_all()


class SparseAccumulator(Accumulator):
    """Gradients as rows at indices; each row is divided by the number of gradients that had it."""

    def clear(self) -> None:
        self.rows: dict[int, Any] = {}
        self.seen: dict[int, int] = {}
        self.row_shape: Any = None

    def add(self, gradient: Any) -> None:
        indices, values, shape = gradient
        self._check(indices, values, shape)
        once: set[int] = set()
        for i, row in zip(indices.tolist(), values):
            self.rows[i] = row.copy() if i not in self.rows else self.rows[i] + row
            once.add(i)
        for i in once:
            self.seen[i] = self.seen.get(i, 0) + 1
        self.row_shape = values.shape[1:]

    def _check(self, indices: Any, values: Any, shape: Any) -> None:
        wrong = lambda text: InvalidArgumentError(None, None, text)
        if values.ndim < 1 or indices.ndim != 1:
            raise wrong("Gradient values must have rank 1 or more, and indices rank 1.")
        if len(indices) == 0:
            raise wrong("Empty indices array")
        if len(indices) != len(values):
            raise wrong(f"Expected {len(indices)} non-empty input values, got {len(values)}")
        dims = self.dims
        if dims is not None:
            if len(shape):
                for i, (have, want) in enumerate(zip(shape, dims)):
                    if want is not None and have != want:
                        raise wrong(f"Shape mismatch: expected shape dim {i} to be {want}, got {have}")
            for i, (have, want) in enumerate(zip(values.shape[1:], dims[1:]), 1):
                if want is not None and have != want:
                    raise wrong(f"Shape mismatch: expected values dim {i} to be {want}, got {have}")
            if dims and dims[0] is not None and (indices >= dims[0]).any():
                n = int(np.argmax(indices >= dims[0]))
                raise wrong(
                    f"Shape mismatch: index of slice {n} exceeded limits of shape; index is {indices[n]} exceeded {dims[0]}"
                )
        if self.row_shape is not None and values.shape[1:] != self.row_shape:
            raise wrong(f"Shape mismatch: expected values of {_text(self.row_shape)}, got {_text(values.shape[1:])}")

    def result(self) -> Any:
        indices = sorted(self.rows)
        rows = [
            (self.rows[i] / self.seen[i]).astype(self.rows[i].dtype) if self.mean else self.rows[i] for i in indices
        ]
        row_shape = tuple(self.row_shape or ())
        first = self.dims[0] if self.dims and self.dims[0] is not None else -1
        values = np.stack(rows) if rows else np.zeros((0, *row_shape), self.dtype.array_dtype)
        return np.array(indices, np.int64), values, np.array([first, *row_shape], np.int64)


def _fits(shape: Any, dims: Any) -> bool:
    return len(shape) == len(dims) and all(d is None or d == s for d, s in zip(dims, shape))


def _text(dims: Any) -> str:
    return f"[{','.join('?' if d is None else str(d) for d in dims)}]"


def _make(kind: Any, store: Any, container: str, shared_name: str, dtype: Any, shape: Any, reduction_type: str) -> Any:
    name = shared_name or store.node_name or "accumulator"
    return store.get(
        "accumulator", container, shared_name, lambda: kind(name, as_dtype(dtype), as_dims(shape), reduction_type)
    )


def _maker(name: str, handle: str, kind: Any, doc: str) -> Any:
    def body(
        xp: Any, store: Any, *, container: str, dtype: Any, reduction_type: str, shape: Any, shared_name: str
    ) -> Any:
        return _make(kind, store, container, shared_name, dtype, shape, reduction_type)

    body.__name__, body.__doc__ = name, doc
    return op(f"{name}(*, {_FIELDS}) -> handle: {handle}", effect="handle", shape=lambda **_: ())(body)


conditional_accumulator = _maker("ConditionalAccumulator", "Ref(string)", Accumulator, "Gathers gradients.")
resource_conditional_accumulator = _maker(
    "ResourceConditionalAccumulator", "resource", Accumulator, "Gathers gradients."
)
sparse_conditional_accumulator = _maker(
    "SparseConditionalAccumulator", "Ref(string)", SparseAccumulator, "Gathers gradients of single rows."
)


def _family(prefix: str, handle: str) -> tuple[Any, Any, Any, Any]:
    """The four ops on an accumulator behind a handle of one type."""

    @op(
        f"{prefix}AccumulatorApplyGradient(handle: {handle}, local_step: int64, gradient: dtype, *, dtype: {_TYPES}) -> ()",
        where="host",
        effect="io",
    )
    def apply_gradient(xp, handle, local_step, gradient):
        """Take a gradient in, unless it is stale."""
        handle.apply(int(local_step), np.asarray(gradient))
        return ()

    @op(
        f"{prefix}AccumulatorNumAccumulated(handle: {handle}) -> num_accumulated: int32",
        where="host",
        effect="io",
        shape=lambda handle: (),
    )
    def num_accumulated(xp, handle):
        """How many gradients are held."""
        return np.array(handle.count, np.int32)

    @op(f"{prefix}AccumulatorSetGlobalStep(handle: {handle}, new_global_step: int64) -> ()", where="host", effect="io")
    def set_global_step(xp, handle, new_global_step):
        """Say which gradients are stale."""
        handle.set_step(int(new_global_step))
        return ()

    @op(
        f"{prefix}AccumulatorTakeGradient(handle: {handle}, num_required: int32, *, dtype: {_TYPES}) -> average: dtype",
        where="host",
        effect="io",
    )
    def take_gradient(xp, handle, num_required):
        """Wait for gradients and take what they come to."""
        return handle.take(int(num_required))

    return apply_gradient, num_accumulated, set_global_step, take_gradient


_REF = _family("", "Ref(string)")
_RESOURCE = _family("Resource", "resource")


@op(f"SparseAccumulatorApplyGradient(handle: Ref(string), local_step: int64, gradient_indices: int64, gradient_values: dtype, gradient_shape: int64, *, "
    f"dtype: {_TYPES}, has_known_shape: bool) -> ()", where="host", effect="io")  # fmt: skip
def sparse_accumulator_apply_gradient(
    xp, handle, local_step, gradient_indices, gradient_values, gradient_shape, *, has_known_shape
):
    """Take rows of a gradient in, unless it is stale."""
    shape = np.asarray(gradient_shape) if has_known_shape else np.zeros(0, np.int64)
    handle.apply(int(local_step), (np.asarray(gradient_indices), np.asarray(gradient_values), shape))
    return ()


@op(f"SparseAccumulatorTakeGradient(handle: Ref(string), num_required: int32, *, dtype: {_TYPES}) -> (indices: int64, values: dtype, shape: int64)",
    where="host", effect="io", shape=lambda handle, num_required: ((None,), None, (None,)))  # fmt: skip
def sparse_accumulator_take_gradient(xp, handle, num_required):
    """Wait for gradients and take what their rows come to."""
    return handle.take(int(num_required))


@export(v1=("ConditionalAccumulatorBase",))
class ConditionalAccumulatorBase:
    """What accumulators of gradients share."""

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Any):
        self._dtype = as_dtype(dtype)
        self._shape = TensorShape(shape)
        self._accumulator_ref = accumulator_ref
        self._name = accumulator_ref.op.name.rpartition("/")[2] if door.current().is_graph else "accumulator"

    accumulator_ref = property(lambda s: s._accumulator_ref)
    name = property(lambda s: s._name)
    dtype = property(lambda s: s._dtype)

    def _ops(self) -> tuple[Any, Any, Any, Any]:
        return _RESOURCE if self._accumulator_ref.dtype.base_dtype.name == "resource" else _REF

    def num_accumulated(self, name: str | None = None) -> Any:
        """How many gradients are held."""
        return self._ops()[1](self._accumulator_ref, name=name or f"{self._name}_NumAccumulated")

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Say from which step on gradients count; the step never goes back."""
        return self._ops()[2](self._accumulator_ref, door.convert(new_global_step, dtypes.int64), name=name)


@export(v1=("ConditionalAccumulator",))
class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Gathers gradients; those with a `local_step` below the global step are dropped.

    >>> q = tf.ConditionalAccumulator(tf.float32, shape=[2]); sess.run(q.apply_grad([1.0, 2.0])); sess.run(q.take_grad(1))
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ):
        made = resource_conditional_accumulator(
            dtype=dtype,
            shape=TensorShape(shape),
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, shape, made)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Any:
        """An op that takes a gradient in."""
        grad = door.convert(grad, self._dtype)
        grad.get_shape().assert_is_compatible_with(self._shape)
        return self._ops()[0](self._accumulator_ref, door.convert(local_step, dtypes.int64), grad, name=name)

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """The mean (or sum) of the gradients, once there are `num_required`; the accumulator is empty after it."""
        out = self._ops()[3](self._accumulator_ref, num_required, dtype=self._dtype, name=name)
        if hasattr(out, "set_shape"):
            out.set_shape(self._shape)
        return out


def _as_int64(value: Any) -> Any:
    if not hasattr(value, "dtype"):
        return door.convert(value, dtypes.int64)
    tensor = door.convert(value)
    return tensor if tensor.dtype.base_dtype is dtypes.int64 else find("Cast")(tensor, DstT=dtypes.int64)


@export(v1=("SparseConditionalAccumulator",))
class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Gathers gradients that are IndexedSlices."""

    def __init__(self, dtype: Any, shape: Any = None, shared_name: str | None = None, name: str = "sparse_conditional_accumulator",
                 reduction_type: str = "MEAN"):  # fmt: skip
        made = sparse_conditional_accumulator(
            dtype=dtype,
            shape=TensorShape(shape),
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, shape, made)

    def apply_indexed_slices_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Any:
        """An op that takes an IndexedSlices in."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(
        self, grad_indices: Any, grad_values: Any, grad_shape: Any = None, local_step: Any = 0, name: str | None = None
    ) -> Any:
        """An op that takes rows at indices in."""
        known = grad_shape is not None
        return sparse_accumulator_apply_gradient(
            self._accumulator_ref, door.convert(local_step, dtypes.int64), _as_int64(grad_indices), door.convert(grad_values, self._dtype),
            _as_int64(grad_shape if known else []), has_known_shape=known, name=name,
        )  # fmt: skip

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """(indices, values, shape) of the mean (or sum), once there are `num_required` gradients."""
        return sparse_accumulator_take_gradient(self._accumulator_ref, num_required, dtype=self._dtype, name=name)

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> Any:
        """The same as an IndexedSlices."""
        from penstock.ops.indexed_slices import IndexedSlices

        out = self.take_grad(num_required, name)
        return IndexedSlices(indices=out[0], values=out[1], dense_shape=out[2])

    def num_accumulated(self, name: str | None = None) -> Any:
        """How many gradients are held."""
        return _REF[1](self._accumulator_ref, name=name or f"{self._name}_NumAccumulated")

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Say from which step on gradients count; the step never goes back."""
        return _REF[2](self._accumulator_ref, door.convert(new_global_step, dtypes.int64), name=name)
