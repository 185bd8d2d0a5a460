"""`tf.compat.v1.saved_model.load`: a graph of a SavedModel with its variables in a session."""

import os
from typing import Any

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.state.meta_graph import import_meta_graph_with_elements
from penstock.state.saved_model import constants as c, files
from penstock.state.saved_model.safety import check_safe
from penstock.state.saved_model.signature_defs import load_op_from_signature_def


def get_init_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """The operation that a graph's main op signature or collection names; None when it has none."""
    for key in (c.INIT_OP_SIGNATURE_KEY,):
        if key in meta_graph_def.signature_def:
            return load_op_from_signature_def(meta_graph_def.signature_def[key], key, import_scope)
    for key in (c.MAIN_OP_KEY, c.LEGACY_INIT_OP_KEY):
        if key in meta_graph_def.collection_def:
            names = meta_graph_def.collection_def[key].node_list.value
            if len(names) != 1:
                raise RuntimeError(f"Expected exactly one SavedModel init op. Found {len(names)}: {list(names)}.")
            name = f"{import_scope}/{names[0]}" if import_scope else names[0]
            return get_default_graph().as_graph_element(name)
    return None


def get_train_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """The training operation of a graph; None when it has none."""
    if c.TRAIN_OP_SIGNATURE_KEY in meta_graph_def.signature_def:
        return load_op_from_signature_def(meta_graph_def.signature_def[c.TRAIN_OP_SIGNATURE_KEY], c.TRAIN_OP_SIGNATURE_KEY, import_scope)
    if c.TRAIN_OP_KEY in meta_graph_def.collection_def:
        name = meta_graph_def.collection_def[c.TRAIN_OP_KEY].node_list.value[0]
        return get_default_graph().as_graph_element(f"{import_scope}/{name}" if import_scope else name)
    return None


class SavedModelLoader:
    """Loads graphs of a SavedModel, and restores its variables into sessions."""

    def __init__(self, export_dir: Any):
        export_dir = os.fspath(export_dir)
        self._export_dir = export_dir.decode() if isinstance(export_dir, bytes) else export_dir
        self._variables_path = files.variables_path(self._export_dir)
        self._saved_model = files.parse_saved_model(self._export_dir)

    export_dir = property(lambda s: s._export_dir)
    variables_path = property(lambda s: s._variables_path)
    saved_model = property(lambda s: s._saved_model)

    def get_meta_graph_def_from_tags(self, tags: Any) -> Any:
        """The MetaGraphDef that has exactly these tags."""
        return files.find_meta_graph(self._saved_model, [tags] if isinstance(tags, str) else tags)

    def load_graph(self, graph: Any, tags: Any, import_scope: str | None = None, **saver_kwargs: Any) -> tuple[Any, list[Any]]:
        """Import the graph of these tags; gives its saver and the elements that were asked for."""
        meta = self.get_meta_graph_def_from_tags(tags)
        check_safe(meta.graph_def, self._export_dir)
        _check_shape_of(meta, self._export_dir)
        if saver_kwargs.get("return_elements") is None:
            saver_kwargs.pop("return_elements", None)
        with graph.as_default():
            return import_meta_graph_with_elements(meta, import_scope=import_scope, **saver_kwargs)

    def restore_variables(self, sess: Any, saver: Any, import_scope: str | None = None) -> None:
        """Give the graph's variables their saved values."""
        from penstock.state.saver import _all_saveable_objects

        with sess.graph.as_default():
            if saver is not None and saver.saver_def is not None and saver.saver_def.restore_op_name:
                saver.restore(sess, self._variables_path)
            elif _all_saveable_objects(scope=import_scope):
                raise ValueError("No saver was found to restore variables.")

    def run_init_ops(self, sess: Any, tags: Any, import_scope: str | None = None) -> None:
        """Fill tables and whatever else the graph's main op does, with the assets in place."""
        meta = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            feed = files.asset_tensors(self._export_dir, meta, import_scope)
            init = get_init_op(meta, import_scope)
            if init is not None:
                sess.run(fetches=[init], feed_dict=feed)

    def load(self, sess: Any, tags: Any, import_scope: str | None = None, **saver_kwargs: Any) -> Any:
        """Import a graph, restore its variables and initialise it; gives the MetaGraphDef."""
        saver_kwargs.pop("return_elements", None)
        saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
        self.restore_variables(sess, saver, import_scope)
        self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)


def _check_shape_of(meta: Any, where: str) -> None:
    for key, signature in meta.signature_def.items():
        for name, info in (*signature.inputs.items(), *signature.outputs.items()):
            if info.dtype < 0:
                raise ValueError(f"The signature {key!r} of the SavedModel at {where} gives {name!r} the dtype {info.dtype}, which there is not")


@export(v1=("saved_model.load", "saved_model.loader.load"))
def load(sess: Any, tags: Any, export_dir: Any, import_scope: str | None = None, **saver_kwargs: Any) -> Any:
    """Load the graph that has these tags, with its variables, into a session; gives its MetaGraphDef.

    >>> meta = tf.saved_model.load(sess, ["serve"], folder)
    >>> sess.run(meta.signature_def["serving_default"].outputs["y"].name, {meta.signature_def["serving_default"].inputs["x"].name: x})
    """
    return SavedModelLoader(export_dir).load(sess, tags, import_scope, **saver_kwargs)
