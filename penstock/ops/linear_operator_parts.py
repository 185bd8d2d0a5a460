"""What every LinearOperator knows of its parts: its variables, the operators inside, and batches of it by index."""

from typing import Any

import numpy as np

from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor

MATRIX_AXES = {
    "matrix": 2, "tril": 2, "diag": 1, "multiplier": 0, "col": 1, "row": 1, "diagonals": 2, "spectrum": 1, "reflection_axis": 1, "perm": 1,
    "u": 2, "v": 2, "diag_update": 1,
}  # fmt: skip
"""Parameter -> how many of its last axes belong to one matrix; the others are batch axes."""


def _walk(value: Any, seen: list[Any]) -> None:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            _walk(value[key], seen)
    elif isinstance(value, list | tuple):
        for v in value:
            _walk(v, seen)
    elif (hasattr(value, "assign") or isinstance(value, Parts)) and not any(value is s for s in seen):
        seen.append(value)
        if isinstance(value, Parts):
            _walk(value._parameters, seen)


class Parts:
    """Variables, operators inside, slices of the batch."""

    _parameters: dict[str, Any]
    _name: Any

    def _found(self) -> list[Any]:
        seen: list[Any] = []
        _walk(self._parameters, seen)
        return seen

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the operator reads."""
        return tuple(v for v in self._found() if hasattr(v, "assign"))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of its variables that are trained."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """Those of its variables that are not trained."""
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The operators inside."""
        return tuple(v for v in self._found() if isinstance(v, Parts) and v is not self)

    def name_scope(self, name: str | None = None) -> Any:
        """A name scope for the ops of one method."""
        return scoped(None, f"{self._name}/{name}" if name else str(self._name))

    @classmethod
    def with_name_scope(cls, method: Any) -> Any:
        """A method that runs in the operator's name scope."""
        import functools

        @functools.wraps(method)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope():
                return method(self, *args, **kwargs)

        return run

    def __getitem__(self, slices: Any) -> Any:
        """The operators of a part of the batch.

        >>> tf.linalg.LinearOperatorDiag([[1., 2.], [3., 4.]])[1].to_dense().numpy().tolist()
        [[3.0, 0.0], [0.0, 4.0]]
        """
        slices = slices if isinstance(slices, tuple) else (slices,)
        batch = len(self.batch_shape.as_list())  # type: ignore[attr-defined]
        return type(self)(**{k: self._part(k, v, slices, batch) for k, v in self._parameters.items()})

    def _part(self, key: str, value: Any, slices: tuple[Any, ...], batch: int) -> Any:
        if key in ("operator", "base_operator"):
            return value[slices]
        if key == "operators":
            return [[o[slices] for o in row] if isinstance(row, list | tuple) else row[slices] for row in value]
        if key == "batch_shape" and value is not None and not isinstance(value, Tensor):
            return np.broadcast_to(0, [int(d) for d in value])[slices].shape
        kept = MATRIX_AXES.get(key)
        if kept is None or value is None:
            return value
        if key == "spectrum":
            kept = getattr(self, "block_depth", 1)
        if key == "diagonals":
            if isinstance(value, list | tuple):
                return [self._part("diag", v, slices, batch) for v in value]
            kept = 1 if self._parameters.get("diagonals_format") == "sequence" else 2
        tensor = value if isinstance(value, Tensor) else convert_to_tensor(value)
        own = tensor.shape.rank - kept
        if own == 0:
            return tensor
        if Ellipsis in [s for s in slices if not isinstance(s, Tensor)]:
            return tensor[(*slices, *[slice(None)] * kept)]
        offset = batch - own
        mine, axis = [], 0
        for s in slices:
            if s is None:
                mine.append(s)
                continue
            if axis >= offset:
                size = tensor.shape.as_list()[axis - offset]
                mine.append((0 if isinstance(s, int) else slice(None)) if size == 1 and axis < batch else s)
            axis += 1
        return tensor[(*mine, Ellipsis, *[slice(None)] * kept)]
