"""`tf.compat.v1.saved_model.Builder`: SavedModels out of graphs and sessions."""

import os
from typing import Any

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.ir.graph import Operation
from penstock.state.collections import GraphKeys
from penstock.state.saved_model import constants as c, files
from penstock.state.saved_model.signature_defs import _own, op_signature_def, predict_signature_def
from penstock.state.saver import Saver


class _SavedModelBuilder:
    """Gathers graphs and the values of their variables, then writes them as a SavedModel."""

    def __init__(self, export_dir: Any):
        from penstock.base.proto import saved_model_pb2

        self._saved_model = saved_model_pb2.SavedModel(saved_model_schema_version=c.SAVED_MODEL_SCHEMA_VERSION)
        export_dir = os.fspath(export_dir)
        self._export_dir = export_dir.decode() if isinstance(export_dir, bytes) else export_dir
        if os.path.exists(self._export_dir):
            if os.listdir(self._export_dir):
                raise AssertionError(
                    f"Export directory {self._export_dir} already exists, and isn't empty. Please choose a different export directory, or delete all the "
                    "contents of the specified directory."
                )
        else:
            os.makedirs(self._export_dir)
        self._has_saved_variables = False
        self._saved_asset_files: set[str] = set()

    def _save_and_write_assets(self, meta_graph: Any, assets: Any) -> None:
        """Copy the files that the string tensors in `assets` name into the model, and note them in the graph."""
        named: dict[str, str] = {}
        for tensor in assets or ():
            path = _constant_text(tensor)
            name = os.path.basename(path)
            for other, taken in enumerate([p for n, p in named.items() if n == name or n.endswith(f"_{name}")]):
                if os.path.abspath(taken) != os.path.abspath(path):
                    name = f"{os.path.basename(path)}_{other + 1}"
            named.setdefault(name, path)
            asset = meta_graph.asset_file_def.add(filename=name)
            asset.tensor_info.name = tensor.name
            meta_graph.collection_def[c.ASSETS_KEY].any_list.value.add().Pack(asset, "type.googleapis.com")
        files.copy_assets({n: p for n, p in named.items() if n not in self._saved_asset_files}, self._export_dir)
        self._saved_asset_files |= set(named)

    @staticmethod
    def _validate(signature_def_map: Any) -> None:
        for key, signature in (signature_def_map or {}).items():
            for info in (*signature.inputs.values(), *signature.outputs.values()):
                _check_info(info)
            if key in (c.INIT_OP_SIGNATURE_KEY, c.TRAIN_OP_SIGNATURE_KEY):
                what = "initialization" if key == c.INIT_OP_SIGNATURE_KEY else "the train op"
                raise KeyError(f'SignatureDef map key "{key}" is reserved for {what}. Please use a different key.')

    def _note(self, meta_graph: Any, tags: Any, signature_def_map: Any) -> None:
        meta_graph.meta_info_def.tags.extend([tags] if isinstance(tags, str) else tags)
        for key, signature in (signature_def_map or {}).items():
            meta_graph.signature_def[key].CopyFrom(_own(signature))
        self._saved_model.meta_graphs.add().CopyFrom(meta_graph)

    def _build(self, tags: Any, signature_def_map: Any, assets: Any, clear_devices: bool, strip_default_attrs: bool, saver: Any, sess: Any = None) -> None:
        if saver is not None and not isinstance(saver, Saver):
            raise TypeError(f"SavedModelBuilder saver argument must be a tf.train.Saver, got {saver}")
        saver = saver or _default_saver()
        if sess is not None:
            folder = os.path.join(self._export_dir, c.VARIABLES_DIRECTORY)
            os.makedirs(folder, exist_ok=True)
            saver.save(sess, files.variables_path(self._export_dir), write_meta_graph=False, write_state=False)
        meta = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        self._save_and_write_assets(meta, assets)
        self._note(meta, tags, signature_def_map)
        if sess is not None:
            self._has_saved_variables = True

    def add_meta_graph(self, tags: Any, signature_def_map: Any = None, assets_list: Any = None, clear_devices: bool = False, init_op: Any = None,
                       train_op: Any = None, saver: Any = None) -> None:  # fmt: skip
        """Add the default graph under further tags; the variables are those of the first graph."""
        self._need_variables()
        self._validate(signature_def_map)
        self._build(tags, _with_ops(signature_def_map, init_op, train_op), assets_list, clear_devices, True, saver)

    def add_meta_graph_and_variables(self, sess: Any, tags: Any, signature_def_map: Any = None, assets_list: Any = None, clear_devices: bool = False,
                                     init_op: Any = None, train_op: Any = None, strip_default_attrs: bool = False, saver: Any = None) -> None:  # fmt: skip
        """Add the default graph, and save its variables as they are in the session."""
        self._need_no_variables()
        self._validate(signature_def_map)
        self._build(tags, _with_ops(signature_def_map, init_op, train_op), assets_list, clear_devices, strip_default_attrs, saver, sess)

    def _need_variables(self) -> None:
        if not self._has_saved_variables:
            raise AssertionError("Graph state including variables and assets has not been saved yet. Please invoke `add_meta_graph_and_variables()` first.")

    def _need_no_variables(self) -> None:
        if self._has_saved_variables:
            raise AssertionError("Graph state including variables and assets has already been saved. Please invoke `add_meta_graph()` instead.")

    def save(self, as_text: bool = False, experimental_image_format: bool = False, experimental_image_writer_options: Any = None) -> Any:
        """Write the SavedModel message; gives its path."""
        return files.write_saved_model(self._export_dir, self._saved_model, as_text).encode()


@export(v1=("saved_model.Builder", "saved_model.builder.SavedModelBuilder"))
class SavedModelBuilder(_SavedModelBuilder):
    """Gathers graphs and the values of their variables, then writes them as a SavedModel.

    >>> builder = tf.saved_model.Builder(folder)
    >>> builder.add_meta_graph_and_variables(sess, ["serve"], {"serving_default": signature}); builder.save()
    """

    def __init__(self, export_dir: Any):
        super().__init__(export_dir)

    def add_meta_graph(self, tags: Any, signature_def_map: Any = None, assets_collection: Any = None, legacy_init_op: Any = None, clear_devices: bool = False,
                       main_op: Any = None, strip_default_attrs: bool = False, saver: Any = None) -> None:  # fmt: skip
        """Add the default graph under further tags; the variables are those of the first graph."""
        self._need_variables()
        self._validate(signature_def_map)
        _note_main_op(legacy_init_op, main_op)
        self._build(tags, signature_def_map, assets_collection, clear_devices, strip_default_attrs, saver)

    def add_meta_graph_and_variables(self, sess: Any, tags: Any, signature_def_map: Any = None, assets_collection: Any = None, legacy_init_op: Any = None,
                                     clear_devices: bool = False, main_op: Any = None, strip_default_attrs: bool = False, saver: Any = None) -> None:  # fmt: skip
        """Add the default graph, and save its variables as they are in the session."""
        self._need_no_variables()
        self._validate(signature_def_map)
        _note_main_op(legacy_init_op, main_op)
        self._build(tags, signature_def_map, assets_collection, clear_devices, strip_default_attrs, saver, sess)


def _default_saver() -> Saver:
    from penstock.state.saver import _all_saveable_objects

    return Saver(_all_saveable_objects(), sharded=True, allow_empty=True)


def _constant_text(tensor: Any) -> str:
    import numpy as np

    value = np.asarray(tensor.op.attrs["value"]) if tensor.op.type == "Const" else None
    if value is None or tensor.dtype.name != "string":
        raise TypeError(f"Asset tensor {tensor.name} must be a string constant; its value is not known")
    text = value.item()
    if not text:
        raise ValueError(f"Asset filepath tensor {tensor} in is invalid.")
    return text.decode() if isinstance(text, bytes) else text


def _check_info(info: Any) -> None:
    kind = info.WhichOneof("encoding")
    if kind is None:
        raise AssertionError(f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have one of the 'encoding' fields (e.g., "
                             "name or coo_sparse) set.")  # fmt: skip
    if kind == "composite_tensor":
        for part in info.composite_tensor.components:
            _check_info(part)
        return
    if info.dtype == 0:
        raise AssertionError(f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have the dtype field set.")


def _with_ops(signature_def_map: Any, init_op: Any, train_op: Any) -> dict[str, Any]:
    made = dict(signature_def_map or {})
    if init_op is not None:
        made[c.INIT_OP_SIGNATURE_KEY] = op_signature_def(init_op, c.INIT_OP_SIGNATURE_KEY)
    if train_op is not None:
        made[c.TRAIN_OP_SIGNATURE_KEY] = op_signature_def(train_op, c.TRAIN_OP_SIGNATURE_KEY)
    return made


def _note_main_op(legacy_init_op: Any, main_op: Any) -> None:
    if legacy_init_op is not None and main_op is not None:
        raise ValueError("`main_op` and `legacy_init_op` cannot both be set: the second is the older name of the first")
    for key, op in ((c.MAIN_OP_KEY, main_op), (c.LEGACY_INIT_OP_KEY, legacy_init_op)):
        if op is None:
            continue
        if not isinstance(op, Operation):
            raise TypeError(f"{'main_op' if key == c.MAIN_OP_KEY else 'legacy_init_op'} needs to be an Operation: {op!r}")
        graph = get_default_graph()
        if graph.get_collection(key):
            raise ValueError(f"Graph already contains one or more main ops under the collection {key}.")
        graph.add_to_collection(key, op)


@export(v1=("saved_model.simple_save",))
def simple_save(session: Any, export_dir: Any, inputs: Any, outputs: Any, legacy_init_op: Any = None) -> None:
    """Save the graph and variables of a session with one signature, from `inputs` to `outputs` (dicts of tensors), for serving."""
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session, tags=[c.SERVING], signature_def_map={c.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)},
        assets_collection=get_default_graph().get_collection(GraphKeys.ASSET_FILEPATHS), main_op=legacy_init_op, clear_devices=True,
    )  # fmt: skip
    builder.save()
