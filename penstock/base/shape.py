"""Partially known shapes: a tuple of int | None, or None when even the rank is unknown; and `tf.TensorShape` around it."""

from collections.abc import Iterable, Iterator
from typing import Any

from penstock.base.errors import ShapeError
from penstock.base.export import export

Dims = tuple[int | None, ...] | None


class Dim(int):
    """One known axis length that remembers what the user calls it: `a.shape[1]`."""

    label: str = "?"


def same(x: int | None, y: int | None, fix: str | None = None) -> int | None:
    """The common length of two axes; either may be unknown (None)."""
    if x is None:
        return y
    if y is None or int(x) == int(y):
        return x
    message = (
        f"Dimensions must be equal, but are {int(x)} and {int(y)}: "
        f"{getattr(x, 'label', 'size')} = {int(x)} must equal {getattr(y, 'label', 'size')} = {int(y)}"
    )
    raise ShapeError(message + (f"\n  fix: {fix}" if fix else ""))


def merge(x: Dims, y: Dims) -> Dims:
    """What two descriptions of one shape say together."""
    if x is None or y is None:
        return y if x is None else x
    if len(x) != len(y):
        raise ShapeError(f"Shapes {as_text(x)} and {as_text(y)} must have the same rank")
    return tuple(same(a, b) for a, b in zip(x, y))


def common(x: Dims, y: Dims) -> Dims:
    """What holds for both shapes: axes that differ are unknown."""
    if x is None or y is None or len(x) != len(y):
        return None
    return tuple(a if a == b else None for a, b in zip(x, y))


def broadcast(*shapes: Dims) -> Dims:
    """The shape that the given ones broadcast to; ShapeError names the two axes that do not fit."""
    known_shapes = [s for s in shapes if s is not None]
    if len(known_shapes) < len(shapes):
        return None
    rank = max(map(len, known_shapes), default=0)
    columns = zip(*[(1,) * (rank - len(s)) + tuple(s) for s in known_shapes])

    def one(column: tuple[int | None, ...]) -> int | None:
        known = {int(d): d for d in column if d is not None and d != 1}
        if len(known) > 1:
            a, b = list(known.values())[:2]
            try:
                same(a, b, "axes broadcast only when equal or 1")
            except ShapeError as e:
                shown = " vs. ".join(map(as_text, known_shapes))
                raise ShapeError(f"Incompatible shapes: {shown}: {e.message}") from None
        return next(iter(known.values()), None if None in column else 1)

    return tuple(one(c) for c in columns)


def rank_is(spec: Any, n: int) -> tuple[int | None, ...]:
    """The axes of `spec`, which must have rank n; all unknown when the rank is."""
    if spec.shape is None:
        return (None,) * n
    if len(spec.shape) != n:
        raise ShapeError(f"Shape must be rank {n} but is rank {len(spec.shape)}: {spec.name} has shape {as_text(spec.shape)}")
    return spec.shape


def axis_of(axis: int, rank: int, name: str = "axis") -> int:
    """A possibly negative axis as 0..rank-1."""
    if not -rank <= axis < rank:
        raise ShapeError(f"{name} = {axis} must be in [-{rank}, {rank}) for a tensor of rank {rank}")
    return axis + rank if axis < 0 else axis


def fully_known(shape: Dims) -> bool:
    return shape is not None and None not in shape


def as_text(shape: Dims) -> str:
    if shape is None:
        return "<unknown>"
    inside = ",".join("?" if d is None else str(int(d)) for d in shape)
    return f"[{inside}]"


def as_dims(shape: Any) -> Dims:
    """A tuple of sizes from whatever programs pass as a shape."""
    if shape is None:
        return None
    if isinstance(shape, TensorShape):
        return shape._dims
    if isinstance(shape, (int, Dimension)):
        return (_size(shape),)
    if hasattr(shape, "dim") and hasattr(shape, "unknown_rank"):  # TensorShapeProto
        return None if shape.unknown_rank else tuple(None if d.size == -1 else d.size for d in shape.dim)
    if not isinstance(shape, Iterable):
        try:
            return (_size(shape),)
        except TypeError:
            raise TypeError(f"Cannot convert {shape!r} to a shape") from None
    if getattr(shape, "shape", None) == () and hasattr(shape, "__index__"):  # a scalar array or tensor
        return (_size(shape),)
    return tuple(_size(d) for d in shape)


def _size(d: Any) -> int | None:
    if d is None:
        return None
    if isinstance(d, Dimension):
        return d.value
    if hasattr(d, "numpy") and not hasattr(d, "__index__"):
        d = d.numpy()
    try:
        n = d.__index__()
    except AttributeError:
        raise TypeError(f"Dimension value must be integer or None or have an __index__ method, got value '{d!r}' with type '{type(d)!r}'") from None
    if n < 0:
        raise ValueError(f"Dimension {n} must be >= 0")
    return n


@export(v1=("Dimension",))
class Dimension:
    """One axis length of a 1.x shape: an int or unknown; arithmetic with an unknown is unknown."""

    __slots__ = ("_value",)

    def __init__(self, value: Any):
        self._value = None if value is None else _size(value)

    value = property(lambda self: self._value)

    def is_compatible_with(self, other: Any) -> bool:
        other = as_dimension(other)
        return self._value is None or other._value is None or self._value == other._value

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> "Dimension":
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return other if self._value is None else self

    def __bool__(self) -> bool:
        return bool(self._value)

    def __int__(self) -> Any:
        return self._value

    def __long__(self) -> Any:
        return self._value

    def __index__(self) -> Any:
        return self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __eq__(self, other: Any) -> Any:
        try:
            other = as_dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        return None if self._value is None or other._value is None else self._value == other._value

    def __ne__(self, other: Any) -> Any:
        equal = self.__eq__(other)
        return equal if equal is None or equal is NotImplemented else not equal

    def __repr__(self) -> str:
        return f"Dimension({self._value})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __reduce__(self) -> Any:
        return Dimension, (self._value,)


def as_dimension(value: Any) -> Dimension:
    return value if isinstance(value, Dimension) else Dimension(value)


def _arithmetic(name: str, compute: Any) -> None:
    def forward(self: Dimension, other: Any) -> Any:
        try:
            other = as_dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        a, b = self._value, other._value
        return Dimension(None if a is None or b is None else compute(a, b))

    def backward(self: Dimension, other: Any) -> Any:
        return forward(as_dimension(other), self)

    setattr(Dimension, f"__{name}__", forward)
    setattr(Dimension, f"__r{name}__", backward)


def _comparison(name: str, compute: Any) -> None:
    def compare(self: Dimension, other: Any) -> Any:
        other = as_dimension(other)
        a, b = self._value, other._value
        return None if a is None or b is None else compute(a, b)

    setattr(Dimension, f"__{name}__", compare)


for _n, _f in {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "floordiv": lambda a, b: a // b,
               "div": lambda a, b: a // b, "mod": lambda a, b: a % b}.items():  # fmt: skip
    _arithmetic(_n, _f)
for _n, _f in {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}.items():
    _comparison(_n, _f)


@export("TensorShape")
class TensorShape:
    """The shape of a tensor, as far as it is known.

    >>> tf.TensorShape([None, 3]).is_compatible_with([5, 3])
    True
    """

    __slots__ = ("_dims",)
    v2_behavior = True
    _dims: Dims

    def __init__(self, dims: Any):
        self._dims = as_dims(dims)

    @classmethod
    def _of(cls, dims: Dims) -> "TensorShape":
        self = object.__new__(cls)
        self._dims = dims
        return self

    @property
    def rank(self) -> int | None:
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Any]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims) if TensorShape.v2_behavior else iter([Dimension(d) for d in self._dims])

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            if isinstance(key, slice):
                start, stop = key.start or 0, key.stop
                if key.step is not None or stop is None or start < 0 or stop < 0:
                    return TensorShape(None)
                return TensorShape._of((None,) * max(0, stop - start))
            return None if TensorShape.v2_behavior else Dimension(None)
        if isinstance(key, slice):
            return TensorShape._of(self._dims[key])
        return self._dims[key] if TensorShape.v2_behavior else Dimension(self._dims[key])

    def num_elements(self) -> int | None:
        if self._dims is None or None in self._dims:
            return None
        n = 1
        for d in self._dims:
            n *= d  # type: ignore[operator]
        return n

    def merge_with(self, other: Any) -> "TensorShape":
        other = as_shape(other)
        try:
            return TensorShape._of(merge(self._dims, other._dims))
        except ShapeError:
            raise ValueError(f"Shapes {self} and {other} are not compatible") from None

    def concatenate(self, other: Any) -> "TensorShape":
        other = as_shape(other)
        return TensorShape._of(None if self._dims is None or other._dims is None else self._dims + other._dims)

    def __add__(self, other: Any) -> "TensorShape":
        return self.concatenate(other)

    def __radd__(self, other: Any) -> "TensorShape":
        return as_shape(other).concatenate(self)

    def is_compatible_with(self, other: Any) -> bool:
        a, b = self._dims, as_shape(other)._dims
        if a is None or b is None:
            return True
        return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b))

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {as_shape(other)} are incompatible")

    def assert_same_rank(self, other: Any) -> None:
        other = as_shape(other)
        if self._dims is not None and other._dims is not None and len(self._dims) != len(other._dims):
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int) -> None:
        if self._dims is not None and len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank: int) -> "TensorShape":
        try:
            return self.merge_with(unknown_shape(rank))
        except ValueError:
            raise ValueError(f"Shape {self} must have rank {rank}") from None

    def with_rank_at_least(self, rank: int) -> "TensorShape":
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> "TensorShape":
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def most_specific_compatible_shape(self, other: Any) -> "TensorShape":
        return TensorShape._of(common(self._dims, as_shape(other)._dims))

    def is_subtype_of(self, other: Any) -> bool:
        if not isinstance(other, TensorShape):
            return False
        if other._dims is None:
            return True
        return self._dims is not None and len(self._dims) == len(other._dims) and all(y is None or x == y for x, y in zip(self._dims, other._dims))

    def most_specific_common_supertype(self, others: Any) -> "TensorShape | None":
        dims = self._dims
        for o in others:
            if not isinstance(o, TensorShape):
                return None
            dims = common(dims, o._dims)
        return TensorShape._of(dims)

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Nothing stands for it in a graph."""

    def flatten(self) -> list[Any]:
        """No tensors belong to it."""
        return []

    def to_tensors(self, value: Any) -> list[Any]:
        """No tensors belong to it."""
        return []

    def from_tensors(self, tensors: Any) -> Any:
        """No tensors belong to it."""

    def cast(self, value: Any, casting_context: Any) -> Any:
        """The value, where it is this very one; AssertionError otherwise."""
        if value != self:
            raise AssertionError(f"Can not cast {value!r} to type {self!r}")
        return value

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """The message class that holds shapes."""
        from penstock.base.proto import tensor_shape_pb2

        return tensor_shape_pb2.TensorShapeProto

    def experimental_as_proto(self) -> Any:
        """This shape as a message."""
        return self.as_proto()

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> "TensorShape":
        """The shape that a message holds."""
        return cls(proto)

    def is_fully_defined(self) -> bool:
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def as_list(self) -> list[int | None]:
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self) -> Any:
        from penstock.base.proto import tensor_shape_pb2

        if self._dims is None:
            return tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
        sizes = [tensor_shape_pb2.TensorShapeProto.Dim(size=-1 if d is None else d) for d in self._dims]
        return tensor_shape_pb2.TensorShapeProto(dim=sizes)

    def __eq__(self, other: object) -> bool:
        try:
            return self._dims == as_shape(other)._dims
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        if self._dims is None:
            return "TensorShape(None)"
        inside = ", ".join(map(str, self._dims)) if TensorShape.v2_behavior else ", ".join(repr(Dimension(d)) for d in self._dims)
        return f"TensorShape([{inside}])"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        if not TensorShape.v2_behavior:
            return "(" + ", ".join("?" if d is None else str(d) for d in self._dims) + ("," if len(self._dims) == 1 else "") + ")"
        return "(" + ", ".join(map(str, self._dims)) + ("," if len(self._dims) == 1 else "") + ")"

    def __reduce__(self) -> Any:
        return TensorShape, (None if self._dims is None else list(self._dims),)

    def __concat__(self, other: Any) -> "TensorShape":
        return self.concatenate(other)


def as_shape(shape: Any) -> TensorShape:
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None) -> TensorShape:
    return TensorShape._of(None if rank is None else (None,) * rank)


@export("compat.dimension_value", v1=("dimension_value",))
def dimension_value(dimension: Any) -> int | None:
    """The int (or None) of a Dimension or of what 2.x shapes hold in its place."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


@export("compat.dimension_at_index", v1=("dimension_at_index",))
def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """The axis at `index` as a Dimension; unknown when the rank is."""
    return Dimension(None if shape._dims is None else shape._dims[index])


@export(v1=("enable_v2_tensorshape",))
def enable_v2_tensorshape() -> None:
    """Make iterating and indexing a TensorShape give ints, as 2.x does."""
    TensorShape.v2_behavior = True


@export(v1=("disable_v2_tensorshape",))
def disable_v2_tensorshape() -> None:
    """Make iterating and indexing a TensorShape give Dimension objects, as 1.x does."""
    TensorShape.v2_behavior = False
