"""`tf.saved_model.Asset`: a file that a SavedModel takes along."""

import os
from typing import Any

from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.fronts.lift import init_scope
from penstock.ir import door


@export("saved_model.Asset")
class Asset(Trackable):
    """A file outside of Python that a model needs; its path, `asset_path`, is right wherever the model is loaded.

    >>> self.vocabulary = tf.saved_model.Asset("vocabulary.txt")
    """

    def __init__(self, path: Any):
        text = os.fspath(path) if not hasattr(path, "dtype") else path
        self._path = text
        with init_scope():
            self._path_tensor = door.convert(text.encode() if isinstance(text, str) else text)

    @property
    def asset_path(self) -> Any:
        """The path, a string tensor."""
        return self._path_tensor

    @classmethod
    def _deserialize_from_proto(cls, object_proto: Any = None, export_dir: Any = None, asset_file_def: Any = None, **unused: Any) -> "Asset":
        from penstock.state.saved_model.files import asset_path

        return cls(asset_path(export_dir, asset_file_def[object_proto.asset_file_def_index].filename))

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self._path_tensor

    def __fspath__(self) -> str:
        value = self._path_tensor.numpy()
        return value.decode() if isinstance(value, bytes) else str(value)
