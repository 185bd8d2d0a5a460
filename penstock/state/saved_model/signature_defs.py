"""SignatureDefs: what a model takes and gives, by names of its tensors."""

from typing import Any

from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import as_dims
from penstock.fronts.default_graph import get_default_graph
from penstock.ir.attrs import shape_to_proto
from penstock.ir.tensor_proto import array_to_proto
from penstock.state.saved_model import constants as c

_TYPE_CLASSIFY, _TYPE_REGRESS, _TYPE_PREDICT = c.CLASSIFY_METHOD_NAME, c.REGRESS_METHOD_NAME, c.PREDICT_METHOD_NAME


@export(v1=("saved_model.build_tensor_info", "saved_model.utils.build_tensor_info"))
def build_tensor_info(tensor: Any) -> Any:
    """The TensorInfo of a tensor of a graph, dense, sparse or composite."""
    if hasattr(tensor, "_array"):
        raise RuntimeError("`build_tensor_info` is not supported in Eager mode.")
    return build_tensor_info_internal(tensor)


def build_tensor_info_internal(tensor: Any) -> Any:
    from penstock.base.proto import meta_graph_pb2

    made = meta_graph_pb2.TensorInfo()
    spec = getattr(tensor, "_type_spec", None)
    if spec is not None and type(spec).__name__ not in ("TensorSpec", "SparseTensorSpec", "VariableSpec") and not hasattr(tensor, "handle"):
        from penstock.base import nest
        from penstock.ir.spec_proto import spec_to_proto

        made.composite_tensor.type_spec.CopyFrom(spec_to_proto(spec))
        for part in nest.flatten(tensor, expand_composites=True):
            made.composite_tensor.components.add().CopyFrom(build_tensor_info_internal(part))
        return made
    made.dtype = as_dtype(tensor.dtype).as_datatype_enum
    shape_to_proto(as_dims(tensor.get_shape()), made.tensor_shape)
    if hasattr(tensor, "dense_shape") and hasattr(tensor, "indices"):
        made.coo_sparse.values_tensor_name = tensor.values.name
        made.coo_sparse.indices_tensor_name = tensor.indices.name
        made.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        made.name = tensor.name
    return made


def build_tensor_info_from_op(op: Any) -> Any:
    """The TensorInfo that stands for an operation: its name alone."""
    from penstock.base.proto import meta_graph_pb2

    made = meta_graph_pb2.TensorInfo(dtype=0, name=op.name)
    made.tensor_shape.unknown_rank = True
    return made


@export(v1=("saved_model.get_tensor_from_tensor_info", "saved_model.utils.get_tensor_from_tensor_info"))
def get_tensor_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """The tensor of a graph that a TensorInfo names."""
    graph = graph or get_default_graph()
    find = lambda name: graph.get_tensor_by_name(f"{import_scope}/{name}" if import_scope else name)
    kind = tensor_info.WhichOneof("encoding")
    if kind == "name":
        return find(tensor_info.name)
    if kind == "coo_sparse":
        from penstock.ops.sparse_tensor import SparseTensor

        coo = tensor_info.coo_sparse
        return SparseTensor(find(coo.indices_tensor_name), find(coo.values_tensor_name), find(coo.dense_shape_tensor_name))
    if kind == "composite_tensor":
        from penstock.base import nest
        from penstock.ir.spec_proto import spec_from_proto

        spec = spec_from_proto(tensor_info.composite_tensor.type_spec)
        parts = [find(p.name) for p in tensor_info.composite_tensor.components]
        return nest.pack_sequence_as(spec, parts, expand_composites=True)
    raise ValueError(f"Invalid TensorInfo.encoding: {kind}. Expected `coo_sparse`, `composite_tensor`, or `name` for a dense tensor.")


@export(v1=("saved_model.build_signature_def", "saved_model.signature_def_utils.build_signature_def"))
def build_signature_def(inputs: Any = None, outputs: Any = None, method_name: str | None = None, defaults: Any = None) -> Any:
    """A SignatureDef of dicts of TensorInfos; `defaults` says the values of inputs that may be left out."""
    from penstock.base.proto import meta_graph_pb2

    made = meta_graph_pb2.SignatureDef()
    for given, held in ((inputs, made.inputs), (outputs, made.outputs)):
        for key, info in (given or {}).items():
            held[key].CopyFrom(_own(info))
    if method_name is not None:
        made.method_name = method_name
    for key, value in (defaults or {}).items():
        if key not in (inputs or {}):
            raise ValueError(f"Default {key!r} is not an input of the signature; its inputs are {sorted(inputs or {})}")
        made.defaults[key].CopyFrom(value if hasattr(value, "tensor_shape") else array_to_proto(value.numpy() if hasattr(value, "numpy") else value))
    return made


def _own(message: Any) -> Any:
    """The message in penstock's own pool."""
    from penstock.base.proto import meta_graph_pb2

    own = getattr(meta_graph_pb2, message.DESCRIPTOR.name)
    return message if isinstance(message, own) else own.FromString(message.SerializeToString())


@export(v1=("saved_model.regression_signature_def", "saved_model.signature_def_utils.regression_signature_def"))
def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """A signature from strings (Examples) to floats."""
    if examples is None:
        raise ValueError("Regression `examples` cannot be None.")
    if not hasattr(examples, "dtype"):
        raise ValueError(f"Regression `examples` must be a string Tensor, got {examples!r} of type {type(examples)}")
    if predictions is None:
        raise ValueError("Regression `predictions` cannot be None.")
    info, out = build_tensor_info(examples), build_tensor_info(predictions)
    if info.dtype != 7:
        raise ValueError(f"Regression input tensors must be of type string. Found tensors with type {info.dtype}.")
    if out.dtype != 1:
        raise ValueError(f"Regression output tensors must be of type float. Found tensors with type {out.dtype}.")
    return build_signature_def({c.REGRESS_INPUTS: info}, {c.REGRESS_OUTPUTS: out}, c.REGRESS_METHOD_NAME)


@export(v1=("saved_model.classification_signature_def", "saved_model.signature_def_utils.classification_signature_def"))
def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """A signature from strings (Examples) to class names, scores or both."""
    if examples is None:
        raise ValueError("Classification `examples` cannot be None.")
    if not hasattr(examples, "dtype"):
        raise ValueError(f"Classification `examples` must be a string Tensor. Found `examples` of type {type(examples)}.")
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    info = build_tensor_info(examples)
    if info.dtype != 7:
        raise ValueError(f"Classification input tensors must be of type string. Found tensors of type {info.dtype}")
    outputs = {}
    if classes is not None:
        outputs[c.CLASSIFY_OUTPUT_CLASSES] = build_tensor_info(classes)
        if outputs[c.CLASSIFY_OUTPUT_CLASSES].dtype != 7:
            raise ValueError(f"Classification classes must be of type string Tensor. Found tensors of type {outputs[c.CLASSIFY_OUTPUT_CLASSES].dtype}.`")
    if scores is not None:
        outputs[c.CLASSIFY_OUTPUT_SCORES] = build_tensor_info(scores)
        if outputs[c.CLASSIFY_OUTPUT_SCORES].dtype != 1:
            raise ValueError("Classification scores must be a float Tensor.")
    return build_signature_def({c.CLASSIFY_INPUTS: info}, outputs, c.CLASSIFY_METHOD_NAME)


@export(v1=("saved_model.predict_signature_def", "saved_model.signature_def_utils.predict_signature_def"))
def predict_signature_def(inputs: Any, outputs: Any) -> Any:
    """A signature from tensors by name to tensors by name."""
    if inputs is None or not inputs:
        raise ValueError("Prediction `inputs` cannot be None or empty.")
    if outputs is None or not outputs:
        raise ValueError("Prediction `outputs` cannot be None or empty.")
    infos = [{key: build_tensor_info(t) for key, t in given.items()} for given in (inputs, outputs)]
    return build_signature_def(*infos, c.PREDICT_METHOD_NAME)


@export(v1=("saved_model.is_valid_signature", "saved_model.signature_def_utils.is_valid_signature"))
def is_valid_signature(signature_def: Any) -> bool:
    """Has a signature the inputs and outputs that servers ask of its method?"""
    if signature_def is None:
        return False
    inputs, outputs = signature_def.inputs, signature_def.outputs
    if signature_def.method_name == _TYPE_CLASSIFY:
        return (
            set(inputs) == {c.CLASSIFY_INPUTS} and inputs[c.CLASSIFY_INPUTS].dtype == 7
            and 1 <= len(outputs) <= 2 and set(outputs) <= {c.CLASSIFY_OUTPUT_CLASSES, c.CLASSIFY_OUTPUT_SCORES}
            and (c.CLASSIFY_OUTPUT_CLASSES not in outputs or outputs[c.CLASSIFY_OUTPUT_CLASSES].dtype == 7)
            and (c.CLASSIFY_OUTPUT_SCORES not in outputs or outputs[c.CLASSIFY_OUTPUT_SCORES].dtype == 1)
        )  # fmt: skip
    if signature_def.method_name == _TYPE_REGRESS:
        return (
            set(inputs) == {c.REGRESS_INPUTS} and inputs[c.REGRESS_INPUTS].dtype == 7
            and set(outputs) == {c.REGRESS_OUTPUTS} and outputs[c.REGRESS_OUTPUTS].dtype == 1
        )  # fmt: skip
    if signature_def.method_name == _TYPE_PREDICT:
        return len(inputs) >= 1 and len(outputs) >= 1
    return False


def op_signature_def(op: Any, key: str) -> Any:
    """A signature that holds one operation or tensor."""
    from penstock.ir.graph import Operation

    info = build_tensor_info_from_op(op) if isinstance(op, Operation) else build_tensor_info_internal(op)
    return build_signature_def(outputs={key: info})


def load_op_from_signature_def(signature_def: Any, key: str, import_scope: str | None = None) -> Any:
    """The operation or tensor that `op_signature_def` put under `key`."""
    name = signature_def.outputs[key].name
    graph = get_default_graph()
    try:
        return graph.as_graph_element(f"{import_scope}/{name}" if import_scope else name)
    except (KeyError, ValueError) as e:
        raise type(e)(f"The SavedModel's signature {key!r} names {name!r}, which its graph does not have") from None


@export(v1=("saved_model.signature_def_utils.MethodNameUpdater",))
class MethodNameUpdater:
    """Changes the method names of the signatures of a SavedModel on disk."""

    def __init__(self, export_dir: Any):
        from penstock.state.saved_model.files import parse_saved_model

        self._export_dir, self._saved_model = export_dir, parse_saved_model(export_dir)

    def replace_method_name(self, signature_key: str, method_name: str, tags: Any = None) -> None:
        """Give the signature `signature_key` another method name, in the graphs of these tags or in all."""
        if not signature_key:
            raise ValueError("`signature_key` must be defined.")
        if not method_name:
            raise ValueError("`method_name` must be defined.")
        wanted = {tags} if isinstance(tags, str) else set(tags or ())
        found = False
        for graph in self._saved_model.meta_graphs:
            if wanted and wanted != set(graph.meta_info_def.tags):
                continue
            if signature_key not in graph.signature_def:
                raise ValueError(f"MetaGraphDef associated with tags {wanted or None} does not have a signature_def with key: '{signature_key}'. "
                                 "This means either you specified the wrong signature key or forgot to put the signature_def with the corresponding key in "
                                 "your SavedModel.")  # fmt: skip
            graph.signature_def[signature_key].method_name = method_name
            found = True
        if not found:
            raise ValueError(f"MetaGraphDef associated with tags {wanted or None} could not be found in SavedModel. This means either you specified invalid "
                             "tags or your SavedModel does not have a MetaGraphDef with the specified tags.")  # fmt: skip

    def save(self, new_export_dir: Any = None) -> None:
        """Write the changed model, over the old one or to a new folder."""
        import os
        import shutil

        from penstock.base.files import write_whole

        target = os.fspath(self._export_dir)
        if new_export_dir:
            shutil.copytree(target, os.fspath(new_export_dir))
            target = os.fspath(new_export_dir)
        write_whole(os.path.join(target, c.SAVED_MODEL_FILENAME_PB), [self._saved_model.SerializeToString(deterministic=True)])
