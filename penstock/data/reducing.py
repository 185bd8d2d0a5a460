"""What is computed from a whole dataset: reduce, scan, cardinality, the single element, element number i."""

import zlib
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.data import functions, mapping, structure, structure_nest as nest
from penstock.data.calls import Call
from penstock.data.pipeline import Context, Pipe, scalar
from penstock.data.stage_op import PLAIN, TYPED, host
from penstock.engine.kernels import eager_store
from penstock.engine.store import NodeStore
from penstock.fronts.eager import make
from penstock.ir import door
from penstock.ir.op import op

_HOST: dict[str, Any] = {"where": "host", "effect": "io", "needs_store": True}


def _pipe(value: Any) -> Pipe:
    return value if isinstance(value, Pipe) else value.item()


@op(f"ReduceDataset(input_dataset: variant, initial_state: Tstate, other_arguments: Targuments, *, Targuments: list(type) >= 0, Tstate: list(type) >= 1, f: func, "
    f"{TYPED}, use_inter_op_parallelism: bool = True) -> components: output_types", shape=lambda *_, output_shapes, **__: output_shapes, **_HOST)  # fmt: skip
def REDUCE_DATASET(xp, store, input_dataset, initial_state, other_arguments, *, f):
    """The last state of a function of a state and each element."""
    pipe = _pipe(input_dataset)
    ctx = Context(store.store, pipe.all_options())
    try:
        stream, call = pipe.stream(ctx), Call(f, other_arguments, ctx)
        state = list(initial_state)
        while (element := stream.next()) is not None:
            state = call([*state, *element])
        return state
    finally:
        ctx.close()


@op("DatasetCardinality(input_dataset: variant, *, cardinality_options: str = \"\") -> cardinality: int64", where="host", shape=lambda *_, **__: ())
def DATASET_CARDINALITY(xp, input_dataset):
    """The number of elements; -1 for an infinite number, -2 for an unknown one."""
    return np.array(_pipe(input_dataset).size(), np.int64)


@op(f"DatasetToSingleElement(dataset: variant, *, {TYPED}) -> components: output_types", shape=lambda dataset, *, output_shapes, **_: output_shapes, **_HOST)
def DATASET_TO_SINGLE_ELEMENT(xp, store, dataset):
    """The only element."""
    pipe = _pipe(dataset)
    ctx = Context(store.store, pipe.all_options())
    try:
        stream = pipe.stream(ctx)
        found = stream.next()
        if found is None:
            raise InvalidArgumentError(None, None, "Dataset was empty.")
        if stream.next() is not None:
            raise InvalidArgumentError(None, None, "Dataset had more than one element.")
        return found
    finally:
        ctx.close()


@op(f"GetElementAtIndex(dataset: variant, index: int64, *, {PLAIN}) -> components: output_types", shape=lambda *_, output_shapes, **__: output_shapes, **_HOST)
def GET_ELEMENT_AT_INDEX(xp, store, dataset, index):
    """The element at an index."""
    pipe = _pipe(dataset)
    ctx = pipe.__dict__.setdefault("_lookups", Context(store.store, pipe.all_options()))
    return pipe.get(scalar(index), ctx)


@op("DatasetFingerprint(input_dataset: variant) -> fingerprint: uint64", where="host", shape=lambda input_dataset: ())
def DATASET_FINGERPRINT(xp, input_dataset):
    """A number that tells datasets of different make apart."""
    return np.array(_fingerprint(_pipe(input_dataset)), np.uint64)


def _fingerprint(pipe: Pipe) -> int:
    found = zlib.crc32(type(pipe).__name__.encode())
    for key, value in sorted(pipe.__dict__.items()):
        if key.startswith("_") or key in ("inputs", "types", "shapes", "captured", "initial"):
            continue
        if hasattr(value, "_nodes"):
            text = ";".join(f"{n.type}{sorted((k, str(v)) for k, v in n.attrs.items())}" for n in value._nodes)
        elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            text = str([(v.shape, v.dtype, zlib.crc32(np.ascontiguousarray(v).view(np.uint8)) if v.dtype != object else repr(v.tolist())) for v in value])
        elif isinstance(value, (int, str, bytes, bool, tuple, float)):
            text = repr(value)
        else:
            continue
        found = zlib.crc32(f"{key}={text}".encode(), found)
    for p in pipe.inputs:
        found = found << 32 ^ zlib.crc32(str(_fingerprint(p)).encode(), found & 0xFFFFFFFF)
    return found & (2**64 - 1)


# -- states ------------------------------------------------------------------------------------------------------------
def _weaker(spec: Any, new: Any) -> Any:
    found = spec.most_specific_common_supertype([new])
    return found if found is not None else spec


def traced_state(dataset: Any, initial_state: Any, func: Any, what: str, split: Any) -> tuple[Any, Any, Any]:
    """The function of (state, element), traced until the shapes of its state hold; its state's spec, and the state."""
    state = structure.normalize_element(initial_state)
    return *widened(func, what, structure.type_spec_from_element(state), dataset.element_spec, split), state


def widened(func: Any, what: str, spec: Any, element_spec: Any, split: Any = lambda found: found) -> tuple[Any, Any]:
    """A function of (state, element) traced until the shapes of its state hold, and the spec of the state."""
    for _ in range(10):
        traced = functions.trace(func, what, (spec, element_spec))
        new = split(traced.output_structure)
        try:
            nest.assert_same_structure(spec, new)
        except (TypeError, ValueError) as e:
            raise TypeError(f"The element structure for the new state must match the initial state: expected {spec}, but got {new}. {e}") from None
        for a, b in zip(nest.flatten(spec), nest.flatten(new)):
            if type(a) is not type(b) or getattr(a, "dtype", None) is not getattr(b, "dtype", None):
                kinds = nest.map_structure(lambda s: getattr(s, "dtype", s), spec), nest.map_structure(lambda s: getattr(s, "dtype", s), new)
                raise TypeError(f"The element types for the new state must match the initial state. Expected {kinds[0]}; got {kinds[1]}.")
        wide = nest.map_structure(_weaker, spec, new)
        if wide == spec or all(a == b for a, b in zip(nest.flatten(wide), nest.flatten(spec))):
            return traced, spec
        spec = wide
    return traced, spec


def scan(dataset: Any, initial_state: Any, scan_func: Any) -> Any:
    """See `Dataset.scan`."""

    def split(found: Any) -> Any:
        if type(found) is not tuple or len(found) != 2:
            raise TypeError("Invalid `scan_func`. `scan_func` should return a pair consisting of new state and the output value.")
        return found[0]

    traced, spec, state = traced_state(dataset, initial_state, scan_func, "scan", split)
    from penstock.data.dataset import _Spec

    return dataset._then("_ScanDataset", mapping.SCAN_DATASET, structure.to_tensor_list(spec, state), traced.captured, f=traced.graph,
                         spec=_Spec(traced.output_structure[1]), preserve_cardinality=True)  # fmt: skip


def reduce(dataset: Any, initial_state: Any, reduce_func: Any) -> Any:
    """See `Dataset.reduce`."""
    traced, spec, state = traced_state(dataset, initial_state, reduce_func, "reduce", lambda found: found)
    variant, first = dataset._variant_tensor, structure.to_tensor_list(spec, state)
    if door.current().is_graph:
        flat = _listed(REDUCE_DATASET(variant, first, traced.captured, f=traced.graph, **structure.attrs_of(spec)))
    else:  # at once, without the kernel cache, which would keep every traced function alive
        found = REDUCE_DATASET.body(np, NodeStore(eager_store, ""), host(variant), [host(t) for t in first], [host(t) for t in traced.captured], f=traced.graph)
        flat = [make(a, t) for a, t in zip(found, structure.flat_types(spec))]
    return structure.from_tensor_list(spec, flat)


def _listed(flat: Any) -> list[Any]:
    return list(flat) if isinstance(flat, (list, tuple)) else [flat]


def get_single_element(dataset: Any) -> Any:
    """See `Dataset.get_single_element`."""
    flat = DATASET_TO_SINGLE_ELEMENT(dataset._variant_tensor, **structure.attrs_of(dataset.element_spec))
    return structure.from_tensor_list(dataset.element_spec, _listed(flat))


@export("data.experimental.at", v1=())
def at(dataset: Any, index: Any) -> Any:
    """Element number `index` of a dataset.

    >>> tf.data.experimental.at(tf.data.Dataset.range(5), 2).numpy()
    np.int64(2)
    """
    flat = GET_ELEMENT_AT_INDEX(dataset._variant_tensor, door.convert(index, dtypes.int64), **structure.attrs_of(dataset.element_spec))
    return structure.from_tensor_list(dataset.element_spec, _listed(flat))

