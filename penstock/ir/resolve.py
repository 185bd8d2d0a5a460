"""The arguments of an op call -> tensors and attrs, checked against the op's signature."""

from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.ir import convert
from penstock.ir.signature import REQUIRED
from penstock.ir.tensor import Tensor

MANY = 1 << 20
"""Outputs that an op has at most: a count beyond it is a mistake, not a list to make."""


def resolve(emitter: Any, op: Any, inputs: tuple[Any, ...], given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The flat input tensors and the full attrs of a call; TypeError or ValueError says what does not fit."""
    sig = op.sig
    if len(inputs) != op.n_in:
        raise TypeError(f"{op.name}() takes {op.n_in} inputs ({', '.join(a.name for a in sig.inputs)}), got {len(inputs)}")
    attrs: dict[str, Any] = {}
    for key, value in given.items():
        if key not in sig.attrs:
            raise TypeError(f"{op.name}() has no attribute {key!r}; it is {sig.text}")
        attrs[key] = _attr_value(op, sig.attrs[key], value)
    flat: list[Any] = []
    for arg, value in zip(sig.inputs, inputs):
        if not arg.many:
            flat.append(_one(emitter, op, arg, arg.name, value, attrs, inputs))
            continue
        if isinstance(value, Tensor) or not isinstance(value, (list, tuple)):
            raise TypeError(f"Expected a list for argument {arg.name!r} of {op.name}, not {type(value).__name__}")
        if arg.number:
            if arg.number in attrs and attrs[arg.number] != len(value):
                raise ValueError(f"{op.name}: {arg.name} holds {len(value)} tensors, another list of the same call {attrs[arg.number]}")
            attrs[arg.number] = len(value)
            low = sig.attrs[arg.number].minimum
            if low is not None and len(value) < low:
                raise ShapeError(f"List argument {arg.name!r} to {op.name!r} with length {len(value)} must have length at least {low}")
            if arg.type not in attrs and arg.dtype is None:
                found = next((d for d in map(convert.dtype_of, value) if d is not None), None)
                if found is not None:
                    attrs[arg.type] = found
            flat.extend(_one(emitter, op, arg, f"{arg.name}_{i}", v, attrs, inputs) for i, v in enumerate(value))
        else:
            wanted = attrs.get(arg.type)
            tensors = [emitter.convert(v, wanted[i] if wanted and i < len(wanted) else None, f"{arg.name}_{i}") for i, v in enumerate(value)]
            types = [t.dtype.base_dtype for t in tensors]
            if wanted is not None and list(wanted) != types:
                raise TypeError(f"{op.name}: {arg.name} has types {[t.name for t in types]}, expected {[t.name for t in wanted]}")
            attrs[arg.type] = types
            flat.extend(tensors)
    for key, default in op.free_attrs.items():
        if key not in attrs:
            if default is REQUIRED:
                raise TypeError(f"{op.name}() is missing the attribute {key!r}; it is {sig.text}")
            attrs[key] = list(default) if type(default) is list else default
    for key in sig.inferred:
        if key not in attrs:  # an empty list of one type
            default = sig.attrs[key].default
            if default is REQUIRED:
                raise ValueError(f"{op.name}: {key} cannot be inferred from an empty list")
            attrs[key] = default
    if op.list_outputs:
        for arg in sig.outputs:
            if arg.number and attrs[arg.number] > MANY:
                raise InvalidArgumentError(None, None, f"{op.name}: {arg.number} = {attrs[arg.number]} outputs are more than an op may have ({MANY})")
    return flat, attrs


def _one(emitter: Any, op: Any, arg: Any, label: str, value: Any, attrs: dict[str, Any], inputs: tuple[Any, ...]) -> Any:
    if arg.is_ref:
        handle = getattr(value, "_ref_tensor", None)
        value = value if handle is None else handle
    elif not isinstance(value, Tensor) and hasattr(type(value), "__tf_tensor__") and convert.dtype_of(value) is not None:
        value = emitter.convert(value)  # a variable: its dtype is settled, as a tensor's is
    want = arg.dtype
    if want is None:
        want = attrs.get(arg.type)
    if want is None:
        want = convert.dtype_of(value)
        if want is None or not isinstance(value, Tensor):
            peer = _peer_dtype(op, arg, inputs)
            if peer is not None and (want is None or want.group == peer.group or want.group == "int" and peer.group != "bool"):
                want = peer
            elif want is not None and peer is None and not emitter.is_graph:
                default = op.sig.attrs[arg.type].default
                if default in (dtypes.float32, dtypes.complex64) and want.is_numeric:
                    want = default  # what eager TensorFlow makes of arrays where the op has a type of its own
        if want is not None:
            allowed = op.sig.attrs[arg.type].allowed
            if allowed is not None and want not in allowed and not isinstance(value, Tensor):
                want = None
    if want is not None and not isinstance(value, Tensor) and want.group == "":
        tensor = emitter.convert(value, want if want.name == "string" else None, label)
    else:
        tensor = _as(emitter, op, arg, value, want, label) if want is not None else _with_default(emitter, op, arg, value, label)
    got = tensor.dtype.base_dtype if not arg.is_ref else tensor.dtype.base_dtype
    if arg.dtype is None and arg.type not in attrs:
        allowed = op.sig.attrs[arg.type].allowed
        if allowed is not None and got not in allowed:
            raise convert.DTypeError(f"Value passed to parameter {label!r} of {op.name} has DataType {got.name} not in list of allowed values: "
                                     + ", ".join(d.name for d in allowed))  # fmt: skip
        attrs[arg.type] = got
    elif want is not None and got is not want:
        raise _mismatch(op, arg, label, got, want, inputs)
    return tensor


def _as(emitter: Any, op: Any, arg: Any, value: Any, want: DType, label: str) -> Any:
    """The value in the dtype that another input settled; a number of another kind is told apart from one that is no tensor."""
    try:
        return emitter.convert(value, want, label)
    except TypeError:
        if arg.dtype is None and type(value) in (int, float, bool, complex, list):
            try:
                own = convert.to_array(value).dtype
            except (TypeError, ValueError, OverflowError):
                raise
            raise _mismatch(op, arg, label, dtypes.as_dtype(own), want, ()) from None
        raise


def _with_default(emitter: Any, op: Any, arg: Any, value: Any, label: str) -> Any:
    default = op.sig.attrs[arg.type].default
    if isinstance(default, DType):
        try:
            return emitter.convert(value, default, label)
        except (TypeError, ValueError, OverflowError):
            pass
    allowed = op.sig.attrs[arg.type].allowed
    if allowed is not None and isinstance(value, (list, tuple)) and not value and dtypes.float32 not in allowed:
        return emitter.convert(value, allowed[0], label)  # an empty list says nothing of its type
    return emitter.convert(value, None, label)


def _peer_dtype(op: Any, arg: Any, inputs: tuple[Any, ...]) -> DType | None:
    """The dtype of another input of the same type attr that already is a tensor."""
    for a, v in zip(op.sig.inputs, inputs):
        if a.type == arg.type:
            for one in v if a.many and isinstance(v, (list, tuple)) else (v,):
                if isinstance(one, Tensor) or hasattr(type(one), "__tf_tensor__"):
                    found = convert.dtype_of(one)
                    if found is not None:
                        return found
    return None


def _mismatch(op: Any, arg: Any, label: str, got: DType, want: DType, inputs: tuple[Any, ...]) -> Exception:
    """The error for an input of another type than its fellows of the same type attribute, or than the signature, ask for."""
    at = op.sig.inputs.index(arg)
    if arg.many:
        at += int(label.rpartition("_")[2])
        types = [convert.dtype_of(v) for v in inputs[op.sig.inputs.index(arg)]] if inputs else [want, got]
        known = [t for t in types if t is not None]
        if arg.dtype is None and len(known) == len(types):
            names = ", ".join(t.base_dtype.name for t in known)
            why = f": Tensors in list passed to {arg.name!r} of {op.name!r} Op have types [{names}] that don't all match"
            return convert.mismatch(op.name, label, got, want, why, at)
    fellow = next((a.name for a in op.sig.inputs if a.type == arg.type and a is not arg), None) if arg.dtype is None else None
    return convert.mismatch(op.name, label, got, want, "", at, fellow)


def _attr_value(op: Any, attr: Any, given: Any) -> Any:
    kind, value, items = attr.type, given, given
    if given is None and attr.default is not REQUIRED:
        return attr.default
    try:
        if kind == "type":
            value = as_dtype(value).base_dtype
        elif kind == "list(type)":
            value = [as_dtype(v).base_dtype for v in value]
        elif kind == "bool" and type(value) is not bool:
            value = bool(value)
        elif kind == "int" and type(value) is not int:
            if isinstance(value, (float, str, bytes)) or value is None:
                raise TypeError("not an int")
            value = int(value)
        elif kind == "float" and type(value) is not float:
            value = float(value)
        elif kind == "str" and type(value) is bytes:
            value = value.decode("utf-8", "surrogateescape")
        elif kind == "str" and type(value) is not str:
            raise TypeError("not a str")
        elif kind == "list(int)":
            value = [int(v) for v in items]
        elif kind == "list(float)":
            value = [float(v) for v in items]
        elif kind == "shape":
            from penstock.base.shape import as_dims

            value = as_dims(value)
        elif kind == "list(shape)":
            from penstock.base.shape import as_dims

            value = [as_dims(v) for v in items]
    except (TypeError, ValueError) as e:
        raise TypeError(f"{op.name}: attribute {attr.name} must be {kind}, got {value!r} ({e})") from None
    if attr.allowed is not None:
        for v in value if isinstance(value, list) else (value,):
            if v not in attr.allowed:
                names = ", ".join(getattr(a, "name", repr(a)) for a in attr.allowed)
                cls = convert.DTypeError if "type" in kind else ShapeError
                raise cls(f"Value for attr {attr.name!r} of {getattr(v, 'name', repr(v))} is not in the list of allowed values: {names}\n  of {op.name}")
    if attr.minimum is not None:
        n = len(value) if isinstance(value, list) else value
        if n < attr.minimum:
            raise ShapeError(None, None, f"{op.name}: Value for attr '{attr.name}' of {n} must be at least minimum {attr.minimum}, got {value!r}")
    return value
