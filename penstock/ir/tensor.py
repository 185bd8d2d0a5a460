"""`tf.Tensor`: what graph tensors and eager tensors have in common."""

from typing import Any

from penstock.base.dtypes import DType
from penstock.base.export import export
from penstock.base.shape import Dims, TensorShape


class AnyTensor:
    """What counts as a tensor, the variables of libraries above included."""

    __slots__ = ()


@export("Tensor")
class Tensor(AnyTensor):
    """A value in the making (in a graph) or made (eagerly).  Its operators are installed by `ops.overloads`."""

    __slots__ = ()
    __array_priority__ = 100
    OVERLOADABLE_OPERATORS: set[str] = set()
    dtype: DType
    _dims: Dims

    @property
    def shape(self) -> TensorShape:
        return TensorShape._of(self._dims)

    def get_shape(self) -> TensorShape:
        return TensorShape._of(self._dims)

    @property
    def ndim(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __copy__(self) -> "Tensor":
        return self

    def ref(self) -> "Reference":
        """A hashable stand-in that compares by identity."""
        return Reference(self)

    experimental_ref = ref

    @classmethod
    def _override_operator(cls, operator: str, func: Any) -> None:
        setattr(cls, operator, func)

    def describe(self) -> str:
        """How error documents speak of this tensor."""
        raise AttributeError("describe")


Tensor.__module__ = "tensorflow.python.framework.tensor"  # programs ask for it


class Reference:
    """`tensor.ref()`: hashable, equal when the same object is meant."""

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped: Any):
        self._wrapped = wrapped

    def deref(self) -> Any:
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._wrapped is other._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._wrapped!r}>"


class Spec:
    """What a shape rule may know of one input: name, dtype, dims, and its value as far as it is known."""

    __slots__ = ("name", "dtype", "shape", "_tensor")

    def __init__(self, name: str, dtype: DType, shape: Dims, tensor: Any = None):
        self.name, self.dtype, self.shape, self._tensor = name, dtype, shape, tensor

    @property
    def value(self) -> Any:
        """The value as a NumPy array, or None when it is not known."""
        from penstock.ir.known import known_value

        return None if self._tensor is None else known_value(self._tensor)

    @property
    def dims(self) -> Dims:
        """The value of a 1-D integer input read as a shape (-1 reads as unknown), or None when nothing is known."""
        from penstock.ir.known import known_dims

        return None if self._tensor is None else known_dims(self._tensor)

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)
