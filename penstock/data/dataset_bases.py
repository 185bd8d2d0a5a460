"""The classes that libraries derive datasets of their own from."""

from typing import Any

from penstock.data.dataset import AUTOTUNE, DatasetSpec, DatasetV2
from penstock.data.dataset_v1 import DatasetV1, DatasetV1Adapter

__all__ = ["AUTOTUNE", "DatasetSource", "DatasetSpec", "DatasetV1", "DatasetV1Adapter", "DatasetV2", "UnaryDataset", "UnaryUnchangedStructureDataset"]


class DatasetSource(DatasetV2):
    """A dataset that is made of no other."""

    def _inputs(self) -> list[Any]:
        return []


class UnaryDataset(DatasetV2):
    """A dataset that is made of one other."""

    def __init__(self, input_dataset: Any, variant_tensor: Any):
        self._input_dataset = input_dataset
        super().__init__(variant_tensor)

    def _inputs(self) -> list[Any]:
        return [self._input_dataset]


class UnaryUnchangedStructureDataset(UnaryDataset):
    """A dataset that is made of one other and has elements of the same structure."""

    @property
    def element_spec(self) -> Any:
        return self._input_dataset.element_spec
