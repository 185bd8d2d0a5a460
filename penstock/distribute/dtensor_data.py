"""`DTensorDataset` and `DVariable` of `tf.experimental.dtensor`: variables, and the global batches of a dataset, for the devices of a mesh."""

from penstock.base import nest
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.data.dataset_bases import UnaryUnchangedStructureDataset
from penstock.distribute.dtensor import Layout
from penstock.state.resource_variable import ResourceVariable


@export("experimental.dtensor.DTensorDataset")
class DTensorDataset(UnaryUnchangedStructureDataset):
    """Batches of `global_batch_size` elements, whose parts along `batch_dim` belong to the replicas of the mesh.

    `layouts`: a Layout, or a structure of them like that of the elements; the batches are values of the whole mesh.
    """

    def __init__(
        self, dataset, *, mesh, layouts, global_batch_size, dataset_already_batched=False, batch_dim=None, prefetch=None, tf_data_service_config=None
    ):  # fmt: skip
        self._mesh, self._layouts, self._batch_dim = mesh, layouts, batch_dim
        self._num_replicas = 1 if batch_dim is None else mesh.dim_size(batch_dim)
        each, rest = divmod(global_batch_size, self._num_replicas)
        if rest:
            raise ValueError(f"`global_batch_size` {global_batch_size} is not divisible by the {self._num_replicas} replicas of the mesh's dimension {batch_dim!r}")
        nest.assert_same_structure(dataset.element_spec, layouts)
        for spec, layout in zip(nest.flatten(dataset.element_spec), nest.flatten(layouts)):
            self._check(spec, layout, each, dataset_already_batched)
        if dataset_already_batched:
            dataset = dataset.unbatch()
        dataset = dataset.batch(global_batch_size, drop_remainder=True)
        if prefetch is not None:
            dataset = dataset.prefetch(prefetch)
        super().__init__(dataset, dataset._variant_tensor)

    def _check(self, spec, layout, each, batched):
        if not isinstance(layout, Layout):
            raise TypeError(f"layouts must be tf.experimental.dtensor.Layout objects, got {layout!r}")
        if not spec.shape.is_fully_defined():
            raise ValueError(f"Dataset element shape must have a valid rank, got spec {spec}.")
        rank = spec.shape.rank + (0 if batched else 1)
        if layout.rank != rank:
            raise ValueError(
                f"Expected layout with rank {layout.rank - 1} for element spec {spec}, got layout {layout.sharding_specs}. "
                "Check that the dataset is not batched before passing to DTensorDataset."
            )
        if self._batch_dim is not None and layout.sharding_specs[0] != self._batch_dim:
            raise ValueError(f"batch_dim {self._batch_dim} was specified but at least one layout did not contain it: {layout}")
        if batched and spec.shape[0] != each:
            raise ValueError(f"per_replica_batch_size does not matched expected size based on the mesh, got {spec.shape[0]} but expected {each}.")

    @property
    def element_spec(self):
        """The specs of a global batch."""
        return self._input_dataset.element_spec


@export("experimental.dtensor.DVariable")
class DVariable(ResourceVariable):
    """A variable whose value has a layout on a mesh: `layout=`, or that of the initial value."""

    def __init__(self, initial_value, *args, dtype=None, **kwargs):
        layout = kwargs.pop("layout", None)
        self.save_as_bf16 = False
        if callable(initial_value):
            initial_value = initial_value()
        layout = getattr(initial_value, "layout", None) if layout is None else layout
        if not isinstance(layout, Layout):
            raise InvalidArgumentError(None, None, "Neither layout nor DTensor initial value are provided.")
        self.layout = layout
        super().__init__(initial_value, *args, dtype=dtype, **kwargs)
