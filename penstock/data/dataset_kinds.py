"""The classes of datasets by where their elements come from, for programs that ask with `isinstance`."""

from typing import Any

from penstock.data.dataset import DatasetV2


class _Kind(type):
    """An instance is every dataset whose class has this name."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, DatasetV2) and type(instance).__name__ == cls.__name__

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.make(*args, **kwargs)  # type: ignore[attr-defined]


def _kind(name: str, doc: str, make: Any) -> Any:
    return _Kind(name, (DatasetV2,), {"__doc__": doc, "make": staticmethod(make), "__module__": __name__})


def _sparse_slices(sparse_tensor: Any) -> Any:
    from penstock.data.dataset_v1 import DatasetV1

    return DatasetV1.from_sparse_tensor_slices(sparse_tensor)


_TensorDataset = _kind("_TensorDataset", "One element.", DatasetV2.from_tensors)
_TensorSliceDataset = _kind("_TensorSliceDataset", "The rows of tensors.", DatasetV2.from_tensor_slices)
_RangeDataset = _kind("_RangeDataset", "Numbers one after the other.", DatasetV2.range)
_SparseTensorSliceDataset = _kind("_SparseTensorSliceDataset", "The rows of a sparse tensor.", _sparse_slices)
_GeneratorDataset = _kind("_GeneratorDataset", "What Python code yields.", DatasetV2.from_generator)
