"""Things to save that say themselves which tensors they are made of and how they are restored."""

from typing import Any


class SaveSpec:
    """One tensor to save: the tensor (or what gives it), the slice it is of a greater one, its key."""

    def __init__(self, tensor: Any, slice_spec: str, name: str, dtype: Any = None, device: Any = None):
        self._tensor, self.slice_spec, self.name = tensor, slice_spec, name
        if callable(tensor) and not hasattr(tensor, "dtype"):
            if dtype is None:
                raise AssertionError("When passing a callable `tensor` to a SaveSpec, an explicit dtype and device must be provided.")
            self.dtype, self.device = dtype, device
        else:
            self.dtype = tensor.dtype if dtype is None else dtype
            self.device = getattr(tensor, "device", None) if device is None else device

    @property
    def tensor(self) -> Any:
        return self._tensor() if callable(self._tensor) and not hasattr(self._tensor, "dtype") else self._tensor


class SaveableObject:
    """The base of what can be given to a Saver, or by `_gather_saveables_for_checkpoint`, besides variables."""

    def __init__(self, op: Any, specs: Any, name: str):
        self.op, self.specs, self.name = op, specs, name

    @property
    def optional_restore(self) -> bool:
        """May the checkpoint lack it?"""
        return False

    @property
    def device(self) -> Any:
        return self.specs[0].device

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        """Take the restored tensors; gives the op that does it."""
        raise ValueError("Calling an abstract method.")
