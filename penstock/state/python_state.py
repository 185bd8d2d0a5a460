"""`tf.train.experimental.PythonState`: values of plain Python objects in checkpoints."""

import abc
from typing import Any

from penstock.base.export import export
from penstock.base.trackable import Trackable

PYTHON_STATE = "py_state"


@export("train.experimental.PythonState")
class PythonState(Trackable, metaclass=abc.ABCMeta):
    """The base of objects that are saved as a string that they make themselves."""

    @abc.abstractmethod
    def serialize(self) -> Any:
        """What there is to save, as a string."""

    @abc.abstractmethod
    def deserialize(self, string_value: Any) -> None:
        """Become what the string says."""

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {PYTHON_STATE: self.serialize()}

    def _restore_from_python(self, values: dict[str, Any]) -> None:
        self.deserialize(values[PYTHON_STATE])

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        self.deserialize(restored_tensors[PYTHON_STATE].numpy())
