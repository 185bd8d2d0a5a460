"""TensorFlow's dtypes: names, enum numbers, NumPy counterparts."""

from typing import Any, cast

import ml_dtypes
import numpy as np

from penstock.base.export import export, export_constant

# enum, name, NumPy type, group; the enum numbers are those of types.proto
_TABLE: list[tuple[int, str, Any, str]] = [
    (1, "float32", np.float32, "float"), (2, "float64", np.float64, "float"), (3, "int32", np.int32, "int"),
    (4, "uint8", np.uint8, "int"), (5, "int16", np.int16, "int"), (6, "int8", np.int8, "int"),
    (7, "string", np.object_, ""), (8, "complex64", np.complex64, "complex"), (9, "int64", np.int64, "int"),
    (10, "bool", np.bool_, "bool"), (11, "qint8", np.int8, "quantized"), (12, "quint8", np.uint8, "quantized"),
    (13, "qint32", np.int32, "quantized"), (14, "bfloat16", ml_dtypes.bfloat16, "float"),
    (15, "qint16", np.int16, "quantized"), (16, "quint16", np.uint16, "quantized"), (17, "uint16", np.uint16, "int"),
    (18, "complex128", np.complex128, "complex"), (19, "float16", np.float16, "float"), (20, "resource", np.object_, ""),
    (21, "variant", np.object_, ""), (22, "uint32", np.uint32, "int"), (23, "uint64", np.uint64, "int"),
    (24, "float8_e5m2", ml_dtypes.float8_e5m2, "float"), (25, "float8_e4m3fn", ml_dtypes.float8_e4m3fn, "float"),
    (26, "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, "float"),
    (27, "float8_e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz, "float"),
    (28, "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, "float"), (29, "int4", ml_dtypes.int4, "int"),
    (30, "uint4", ml_dtypes.uint4, "int"), (31, "int2", ml_dtypes.int2, "int"), (32, "uint2", ml_dtypes.uint2, "int"),
    (33, "float4_e2m1fn", ml_dtypes.float4_e2m1fn, "float"),
]  # fmt: skip
_REF = 100
_REAL = {"complex64": "float32", "complex128": "float64"}


@export("DType", "dtypes.DType")
class DType:
    """The type of a tensor's elements; one object per type, so `is` compares."""

    __slots__ = ("_type_enum", "name", "_np", "group", "is_ref", "array_dtype", "__weakref__")
    _by_enum: dict[int, "DType"] = {}
    _type_enum: int
    name: str
    is_ref: bool
    group: str
    array_dtype: np.dtype[Any]

    def __new__(cls, type_enum: Any = None, handle_data: Any = None) -> "DType":
        return as_dtype(type_enum)

    @classmethod
    def _make(cls, enum: int, name: str, np_type: Any, group: str) -> "DType":
        self = object.__new__(cls)
        self._type_enum, self.name, self._np, self.group = enum, name, np_type, group
        self.is_ref = enum > _REF
        self.array_dtype = np.dtype(np_type)
        cls._by_enum[enum] = self
        return self

    @property
    def base_dtype(self) -> "DType":
        return DType._by_enum[self._type_enum - _REF] if self.is_ref else self

    @property
    def _is_ref_dtype(self) -> bool:
        return self.is_ref

    @property
    def _as_ref(self) -> "DType":
        return self if self.is_ref else DType._by_enum[self._type_enum + _REF]

    @property
    def real_dtype(self) -> "DType":
        base = self.base_dtype
        return as_dtype(_REAL[base.name]) if base.name in _REAL else self

    @property
    def as_numpy_dtype(self) -> Any:
        return self._np

    @property
    def as_datatype_enum(self) -> int:
        return self._type_enum

    is_floating = property(lambda s: s.group == "float")
    is_integer = property(lambda s: s.group == "int")
    is_complex = property(lambda s: s.group == "complex")
    is_quantized = property(lambda s: s.group == "quantized")
    is_bool = property(lambda s: s.group == "bool")
    is_numeric = property(lambda s: s.group in ("float", "int", "complex", "quantized"))
    is_numpy_compatible = property(lambda s: s.base_dtype.name not in ("resource", "variant"))

    @property
    def is_unsigned(self) -> bool:
        return self.group == "int" and self.base_dtype.name.startswith("u")

    @property
    def is_differentiable(self) -> bool:
        """May a gradient flow through values of this type?"""
        return self.group in ("float", "complex")

    @property
    def on_device(self) -> bool:
        """Can XLA hold it (everything but strings, handles and variants)?"""
        return self.group != ""

    @property
    def size(self) -> int:
        return 1 if self.group == "" else self.array_dtype.itemsize

    def _limit(self, which: str) -> Any:
        if self.is_quantized or self.group in ("", "complex"):
            raise TypeError(f"Cannot find {which}imum value of {self!r}.")
        if self.is_bool:
            return which == "max"
        if self.group == "int":
            info: Any = ml_dtypes.iinfo(self.array_dtype) if "4" in self.name[-1] or self.name.endswith("t2") else np.iinfo(self.array_dtype)
            return int(getattr(info, which))
        return getattr(ml_dtypes.finfo(self.array_dtype), which)

    @property
    def min(self) -> Any:
        return self._limit("min")

    @property
    def max(self) -> Any:
        return self._limit("max")

    @property
    def limits(self) -> tuple[Any, Any]:
        if self.group in ("int", "quantized"):
            return (0, np.iinfo(self.array_dtype).max) if self.name.startswith(("u", "qu")) else (np.iinfo(self.array_dtype).min, np.iinfo(self.array_dtype).max)
        return (0, 1) if self.is_bool else (-1, 1)

    def is_compatible_with(self, other: Any) -> bool:
        other = as_dtype(other)
        return self.base_dtype is other.base_dtype if self.is_ref else self is other or (other.is_ref and self is other.base_dtype and False)

    def is_subtype_of(self, other: Any) -> bool:
        return self == other

    def most_specific_common_supertype(self, types: Any) -> "DType | None":
        return self if all(self == t for t in types) else None

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
        """The message class that holds dtypes."""
        from penstock.base.proto import types_pb2

        return types_pb2.SerializedDType

    def experimental_as_proto(self) -> Any:
        """This dtype as a message."""
        return self.experimental_type_proto()(datatype=self.as_datatype_enum)

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> "DType":
        """The dtype that a message holds."""
        return as_dtype(proto.datatype)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return self is as_dtype(other)
        except TypeError:
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._type_enum

    def __int__(self) -> int:
        return self._type_enum

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


for _enum, _name, _np, _group in _TABLE:
    globals()[_name] = DType._make(_enum, _name, _np, _group)
    globals()[_name + "_ref"] = DType._make(_enum + _REF, _name + "_ref", _np, _group)
    _public = (_name, f"dtypes.{_name}") if _enum < 24 else (f"dtypes.experimental.{_name}",)
    export_constant(*_public, module=__name__, attr=_name)

float32: DType = DType._by_enum[1]
float64: DType = DType._by_enum[2]
int32: DType = DType._by_enum[3]
uint8: DType = DType._by_enum[4]
int16: DType = DType._by_enum[5]
int8: DType = DType._by_enum[6]
string: DType = DType._by_enum[7]
complex64: DType = DType._by_enum[8]
int64: DType = DType._by_enum[9]
bool: DType = DType._by_enum[10]  # noqa: A001
qint8: DType = DType._by_enum[11]
quint8: DType = DType._by_enum[12]
qint32: DType = DType._by_enum[13]
bfloat16: DType = DType._by_enum[14]
uint16: DType = DType._by_enum[17]
complex128: DType = DType._by_enum[18]
float16: DType = DType._by_enum[19]
resource: DType = DType._by_enum[20]
variant: DType = DType._by_enum[21]
uint32: DType = DType._by_enum[22]
uint64: DType = DType._by_enum[23]
half: DType = float16
double: DType = float64
QUANTIZED_DTYPES: frozenset[DType] = frozenset(DType._by_enum[e + r] for e in (11, 12, 13, 15, 16) for r in (0, _REF))
export_constant("dtypes.QUANTIZED_DTYPES", module=__name__, attr="QUANTIZED_DTYPES", v1=("QUANTIZED_DTYPES",))
export_constant("half", "dtypes.half", module=__name__, attr="half")
export_constant("double", "dtypes.double", module=__name__, attr="double")

_NAMES: dict[str, DType] = {d.name: d for d in DType._by_enum.values()}
_NAMES |= {"half": float16, "double": float64, "float": float32, "half_ref": float16._as_ref, "double_ref": float64._as_ref,
           "float_ref": float32._as_ref}  # fmt: skip
_CACHE: dict[Any, DType] = {}
for _d in DType._by_enum.values():
    if not _d.is_ref and _d.group not in ("", "quantized"):
        _CACHE[_d.array_dtype] = _d
        _CACHE[_d._np] = _d
_PYTHON = {float: float32, int: int32, type(True): bool, str: string, bytes: string, complex: complex128, object: string}
_CACHE |= _PYTHON
_CACHE |= {np.dtype(object): string, np.object_: string, np.str_: string, np.bytes_: string}


@export("as_dtype", "dtypes.as_dtype")
def as_dtype(type_value: Any) -> DType:
    """The DType of a DType, name, enum number, NumPy or Python type; TypeError for anything else.

    >>> tf.as_dtype("float32") is tf.float32
    True
    """
    if type(type_value) is DType:
        return type_value
    try:
        found = _CACHE.get(type_value)
    except TypeError:
        found = None
    if found is not None:
        return found
    if isinstance(type_value, str) and type_value in _NAMES:
        return _NAMES[type_value]
    if isinstance(type_value, int) and type_value in DType._by_enum:
        return DType._by_enum[type_value]
    if isinstance(type_value, np.dtype) and type_value.kind in "SU":
        return string
    inner = getattr(type_value, "dtype", None)
    if isinstance(inner, (DType, np.dtype)):
        return as_dtype(inner)
    if type_value is not None:
        try:
            native = np.dtype(cast(Any, type_value)).newbyteorder("=")
            if native in _CACHE:
                return _CACHE[native]
            if native.kind in "SU":
                return string
        except TypeError:
            pass
    raise TypeError(f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType.")


TF_VALUE_DTYPES = frozenset(d for d in DType._by_enum.values() if not d.is_ref)
