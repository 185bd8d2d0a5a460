"""What all feature columns are: their classes, the cache of transformed features, and who holds their variables."""

import abc
import collections
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export, export_constant
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.gather_scatter import gather_nd
from penstock.ops.masks import where
from penstock.ops.shapes import shape
from penstock.ops.sparse_tensor import SparseTensor, is_sparse
from penstock.state.scopes import get_variable, get_variable_scope
from penstock.state.variable import VariableV1


@export("__internal__.feature_column.FeatureColumn")
class FeatureColumn(abc.ABC):
    """A column: what it reads (`parse_example_spec`) and how that is transformed (`transform_feature`)."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name of the column, after which its variables are called."""

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > str(other)

    @abc.abstractmethod
    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """The feature as a tensor or SparseTensor."""

    @property
    @abc.abstractmethod
    def parse_example_spec(self) -> dict[str, Any]:
        """What `tf.io.parse_example` needs to read the column's features."""

    def create_state(self, state_manager: Any) -> None:  # noqa: B027 - most columns have none
        """Make the variables of the column."""

    @property
    @abc.abstractmethod
    def _is_v2_column(self) -> bool:
        """Does the column follow this protocol?"""

    @property
    @abc.abstractmethod
    def parents(self) -> list[Any]:
        """The columns and keys that this one is made of."""

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The arguments of the column, as plain values."""

    @classmethod
    @abc.abstractmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None) -> Any:
        """The column of such a config."""

    @property
    def _var_scope_name(self) -> str:
        return self.name

    @property
    def _parse_example_spec(self) -> dict[str, Any]:
        return self.parse_example_spec


@export("__internal__.feature_column.DenseColumn")
class DenseColumn(FeatureColumn):
    """A column that gives a dense tensor [batch, *variable_shape]."""

    @property
    @abc.abstractmethod
    def variable_shape(self) -> Any:
        """The shape of one example's part."""

    @abc.abstractmethod
    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """The dense tensor."""


class CategoricalColumn(FeatureColumn):
    """A column that gives ids 0 .. num_buckets - 1, perhaps with weights."""

    IdWeightPair = collections.namedtuple("IdWeightPair", ("id_tensor", "weight_tensor"))

    @property
    @abc.abstractmethod
    def num_buckets(self) -> int:
        """How many ids there are."""

    @abc.abstractmethod
    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        """An IdWeightPair of SparseTensors; the weights may be None."""

    @property
    def _num_buckets(self) -> int:
        return self.num_buckets


class SequenceDenseColumn(FeatureColumn):
    """A column that gives a dense tensor of steps and how many each example has."""

    TensorSequenceLengthPair = collections.namedtuple("TensorSequenceLengthPair", ("dense_tensor", "sequence_length"))

    @abc.abstractmethod
    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """A TensorSequenceLengthPair."""


for _cls in (CategoricalColumn, SequenceDenseColumn):
    export_constant(f"__internal__.feature_column.{_cls.__name__}", module=__name__, attr=_cls.__name__)


@export("__internal__.feature_column.FeatureTransformationCache")
class FeatureTransformationCache:
    """The features of a batch, and what was made of them: each transformation is made once."""

    def __init__(self, features: dict[str, Any]):
        self._features = dict(features)
        self._made: dict[Any, Any] = {}

    def get(self, key: Any, state_manager: Any, training: Any = None) -> Any:
        """The tensor of a feature or of a column."""
        if key in self._made:
            return self._made[key]
        raw = self._raw(key)
        if raw is not None:
            self._made[key] = raw
            return raw
        if isinstance(key, str):
            raise ValueError(f"Feature {key} is not in features dictionary.")
        if not isinstance(key, FeatureColumn):
            raise TypeError(f'"key" must be either a "str" or "FeatureColumn". Provided: {key}')
        made = key.transform_feature(self, state_manager)
        if made is None:
            raise ValueError(f"Column {key.name} is not supported.")
        self._made[key] = made
        return made

    def _raw(self, key: Any) -> Any:
        if not isinstance(key, (str, int)) or key not in self._features:
            return None
        feature = self._features[key]
        if is_sparse(feature):
            return SparseTensor.from_value(feature)
        if hasattr(feature, "to_sparse"):
            return feature.to_sparse()
        feature = convert_to_tensor(feature)
        rank = feature.shape.rank
        if rank is not None:
            if rank == 0:
                raise ValueError(f"Feature (key: {key}) cannot have rank 0. Given: {feature}")
            return feature if rank > 1 else find("ExpandDims")(feature, -1)
        # the rank is known at run time only: a vector becomes a column
        dims = shape(feature)
        kept = find("Maximum")(find("Size")(dims), 2)
        return find("Reshape")(feature, find("Slice")(find("ConcatV2")([dims, [1]], 0), [0], find("Reshape")(kept, [1])))


class StateManager:
    """Who makes and holds the variables and resources of columns."""

    def create_variable(self, feature_column: Any, name: str, shape: Any, dtype: Any = None, trainable: bool = True, use_resource: bool = True, initializer: Any = None) -> Any:
        """A new variable of the column."""
        raise NotImplementedError("StateManager.create_variable")

    def add_variable(self, feature_column: Any, var: Any) -> None:
        """Take over a variable that the column made."""
        raise NotImplementedError("StateManager.add_variable")

    def get_variable(self, feature_column: Any, name: str) -> Any:
        """The variable of this name."""
        raise NotImplementedError("StateManager.get_var")

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keep a resource, a table for instance, of the column."""
        raise NotImplementedError("StateManager.add_resource")

    def has_resource(self, feature_column: Any, name: str) -> bool:
        """Is there such a resource?"""
        raise NotImplementedError("StateManager.has_resource")

    def get_resource(self, feature_column: Any, name: str) -> Any:
        """The resource of this name."""
        raise NotImplementedError("StateManager.get_resource")


class ScopeState(StateManager):
    """Variables made by `get_variable` in the current variable scope."""

    def __init__(self, trainable: bool = True, weight_collections: Any = None):
        self.trainable, self.collections = trainable, weight_collections
        self.variables: dict[Any, dict[str, Any]] = {}
        self.resources: dict[Any, dict[str, Any]] = {}

    def create_variable(self, feature_column: Any, name: str, shape: Any, dtype: Any = None, trainable: bool = True, use_resource: bool = True, initializer: Any = None) -> Any:
        held = self.variables.setdefault(feature_column, {})
        if name in held:
            raise ValueError("Variable already exists.")
        held[name] = get_variable(
            name, shape=shape, dtype=dtypes.float32 if dtype is None else dtype, initializer=initializer, trainable=self.trainable and trainable,
            use_resource=True if get_variable_scope().use_resource is None else None, collections=self.collections,
        )  # fmt: skip
        return held[name]

    def add_variable(self, feature_column: Any, var: Any) -> None:
        self.variables.setdefault(feature_column, {})[getattr(var, "name", str(id(var)))] = var

    def get_variable(self, feature_column: Any, name: str) -> Any:
        if name in self.variables.get(feature_column, {}):
            return self.variables[feature_column][name]
        raise ValueError("Variable does not exist.")

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        self.resources.setdefault(feature_column, {})[name] = resource

    def has_resource(self, feature_column: Any, name: str) -> bool:
        return name in self.resources.get(feature_column, {})

    def get_resource(self, feature_column: Any, name: str) -> Any:
        if self.has_resource(feature_column, name):
            return self.resources[feature_column][name]
        raise ValueError("Resource does not exist.")


def listed(made: Any) -> list[Any]:
    """The variables of what `get_variable` gave: the parts of a partitioned one."""
    return list(made) if hasattr(made, "_get_variable_list") else [made] if isinstance(made, VariableV1) or not isinstance(made, (list, tuple)) else list(made)


def to_sparse(tensor: Any, ignore: Any = None) -> SparseTensor:
    """A dense tensor as a SparseTensor without the elements that mean "nothing": "" or -1."""
    if is_sparse(tensor):
        return SparseTensor.from_value(tensor)
    with name_scope("to_sparse_input"):
        tensor = convert_to_tensor(tensor)
        if ignore is None:
            ignore = b"" if tensor.dtype is dtypes.string else -1
        places = where(find("NotEqual")(tensor, convert_to_tensor(ignore, tensor.dtype, name="ignore_value")), name="indices")
        return SparseTensor(places, gather_nd(tensor, places, name="values"), shape(tensor, out_type=dtypes.int64, name="dense_shape"))


def check_text_or_whole(dtype: Any, prefix: str) -> None:
    """ValueError unless the dtype is string or an integer."""
    if dtype is not dtypes.string and not dtype.is_integer:
        raise ValueError(f"{prefix} dtype must be string or integer. dtype: {dtype}.")


def check_key(key: Any) -> None:
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")


def sequence_lengths(sparse: Any, num_elements: int = 1) -> Any:
    """int64 [batch]: the steps that each example of a SparseTensor [batch, steps, ...] has."""
    with name_scope("sequence_length"):
        rows, columns = sparse.indices[:, 0], sparse.indices[:, 1]
        lengths = find("AddV2")(columns, np.int64(1))
        if num_elements != 1:
            lengths = find("Cast")(find("Ceil")(find("RealDiv")(find("Cast")(lengths, DstT=dtypes.float64), np.float64(num_elements))), DstT=dtypes.int64)
        found = find("UnsortedSegmentMax")(lengths, rows, sparse.dense_shape[0])
        return find("Maximum")(found, np.int64(0))
