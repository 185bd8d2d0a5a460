"""What every LinearOperator knows of its parts: its variables, the operators inside, and batches of it by index."""

import inspect
from typing import Any

import numpy as np

from penstock.base import nest
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.tensor import Tensor
from penstock.state.module import Module
from penstock.state.variable import Variable
from penstock.state.variable_spec import convert_variables_to_tensors

HINTS = ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")

MATRIX_AXES = {
    "matrix": 2, "tril": 2, "diag": 1, "multiplier": 0, "col": 1, "row": 1, "diagonals": 2, "spectrum": 1, "reflection_axis": 1, "perm": 1,
    "u": 2, "v": 2, "diag_update": 1,
}  # fmt: skip
"""Parameter -> how many of its last axes belong to one matrix; the others are batch axes."""


def is_ref(value: Any) -> bool:
    """May the value change between calls: a variable, or a module that stands for a tensor?"""
    return isinstance(value, Variable) or isinstance(value, Module) and hasattr(value, "dtype") and hasattr(value, "shape")


class Held:
    """An attribute that may hold a variable: the operator's methods read it as a tensor, when they use it."""

    def __set_name__(self, owner: Any, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        try:
            value = instance.__dict__[self.name]
        except KeyError:
            raise AttributeError(self.name) from None
        return value if value is None or isinstance(value, Tensor) else door.convert(value)

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.name] = value


class Parts(Module):
    """Variables, operators inside, slices of the batch, the type as a composite value."""

    _TF_MODULE_IGNORED_PROPERTIES = frozenset({"_parameters", *Module._TF_MODULE_IGNORED_PROPERTIES})
    __composite__ = True
    _spec_class: Any = None
    _parameters: dict[str, Any]
    _name: Any

    def _raw(self, name: str) -> Any:
        """What an attribute holds: a tensor, or the variable itself."""
        return self.__dict__[name]

    def _held_dims(self, name: str) -> Any:
        """The sizes of what an attribute holds, without reading it."""
        held = self.__dict__[name]
        return held._dims if isinstance(held, Tensor) else TensorShape(held.shape)._dims

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        """The constructor's parameters that say what the operator is, hints and name aside."""
        taken = inspect.signature(type(self).__init__).parameters
        return tuple(n for n in taken if n not in (*HINTS, "self", "name"))

    @property
    def _composite_tensor_prefer_static_fields(self) -> tuple[str, ...]:
        """Those that a spec holds by value where it is known."""
        return tuple(n for n in self._composite_tensor_fields if n in ("num_rows", "num_columns", "batch_shape"))

    @property
    def _type_spec(self) -> Any:
        return None if self._spec_class is None else self._spec_class.from_operator(self)

    def _convert_variables_to_tensors(self) -> Any:
        """The operator with the values of its variables."""
        components = self._type_spec._to_components(self)
        return self._type_spec._from_components(convert_variables_to_tensors(components))

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> Any:
        """Parameter -> how many of its last axes belong to one matrix; 0 for operators."""
        found: dict[str, Any] = {}
        for key in self._composite_tensor_fields:
            value = self._parameters.get(key)
            if value is None:
                continue
            if key in ("operator", "base_operator"):
                found[key] = 0
            elif key == "operators":
                found[key] = nest.map_structure(lambda _: 0, list(value))
            elif key in MATRIX_AXES:
                found[key] = getattr(self, "block_depth", 1) if key == "spectrum" else MATRIX_AXES[key]
        return found or ()

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
        tensor: Any = value if isinstance(value, Tensor) else convert_to_tensor(value)
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
