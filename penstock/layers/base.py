"""`tf.layers.Layer`: an object that makes its variables in a scope of its own when it is first called."""

import copy
import re
from typing import Any

from penstock.base import nest
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.trackable import Trackable, no_automatic_dependency_tracking
from penstock.fronts.default_graph import get_default_graph
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.scope import name_scope
from penstock.ir.tensor import Tensor
from penstock.state.auto_trackable import AutoTrackable
from penstock.state.collections import GraphKeys
from penstock.state.scopes import get_variable, get_variable_scope, home, variable_scope, variable_store
from penstock.state.variable import VariableAggregation, VariableSynchronization


@export(v1=("layers.InputSpec",))
class InputSpec:
    """What a layer takes: a rank, a smallest or largest rank, a shape, sizes of some axes, a dtype."""

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Any = None,
    ):
        self.dtype = None if dtype is None else as_dtype(dtype).name
        self.shape, self.ndim, self.max_ndim, self.min_ndim = (
            shape,
            ndim if shape is None else len(shape),
            max_ndim,
            min_ndim,
        )
        self.axes = {int(k): axes[k] for k in axes} if axes else {}

    def __repr__(self) -> str:
        parts = [f"{k}={v}" for k, v in (("dtype", self.dtype), ("shape", self.shape), ("ndim", self.ndim), ("max_ndim", self.max_ndim),
                                         ("min_ndim", self.min_ndim), ("axes", self.axes)) if v]  # fmt: skip
        return f"InputSpec({', '.join(parts)})"

    def check(self, value: Any, position: int, layer: str) -> None:
        """ValueError when the tensor is not what the layer takes."""
        rank = value.shape.rank
        if rank is None:
            return
        dims = value.shape.as_list()
        said = f"Input {position} of layer {layer} is incompatible with the layer: "
        if self.ndim is not None and rank != self.ndim:
            raise ValueError(f"{said}expected ndim={self.ndim}, found ndim={rank}. Full shape received: {dims}")
        if self.max_ndim is not None and rank > self.max_ndim:
            raise ValueError(f"{said}expected max_ndim={self.max_ndim}, found ndim={rank}")
        if self.min_ndim is not None and rank < self.min_ndim:
            raise ValueError(
                f"{said}: expected min_ndim={self.min_ndim}, found ndim={rank}. Full shape received: {dims}"
            )
        for axis, size in (self.axes or {}).items():
            if size is not None and dims[int(axis)] not in (int(size), None):
                raise ValueError(
                    f"{said}expected axis {axis} of input shape to have value {size} but received input with shape {dims}"
                )


@export(v1=("layers.Layer",))
class Layer(AutoTrackable):
    """The base of 1.x layers: `build` makes the variables with `add_weight`, `call` computes the outputs."""

    @no_automatic_dependency_tracking
    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any):
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        kwargs.pop("activity_regularizer", None)
        for unknown in kwargs:
            if unknown not in ("dynamic", "input_shape", "batch_input_shape", "batch_size", "weights", "autocast"):
                raise TypeError("Keyword argument not understood:", unknown)
        self.trainable, self.built, self.stateful, self.supports_masking = trainable, False, False, False
        self.input_spec: Any = None
        self._dtype = None if dtype is None else as_dtype(dtype).base_dtype
        self._base_name = name or snake_case(type(self).__name__)
        self._name = name or _unique_name(self._base_name)
        self._graph = get_default_graph()
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._updates: list[Any] = []
        self._losses: list[Any] = []
        self._nodes: list[tuple[Any, Any]] = []
        self._scope: Any = None
        self._current_scope: Any = None
        if scope:
            with variable_scope(scope) as captured:
                self._scope = captured

    name = property(lambda s: s._name)
    graph = property(lambda s: s._graph)
    updates = property(lambda s: list(s._updates))
    losses = property(lambda s: list(s._losses))
    inbound_nodes = property(lambda s: list(s._nodes))

    @property
    def dtype(self) -> Any:
        return None if self._dtype is None else self._dtype.name

    @property
    def scope_name(self) -> str:
        """The variable scope of the layer; ValueError before it is built."""
        if not self._scope:
            raise ValueError(f'No name available for layer scope because the layer "{self._name}" has not been used yet. The scope name is determined '
                             "the first time the layer instance is called. You must therefore call the layer before querying `scope_name`.")  # fmt: skip
        return self._scope.name

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy with variables, losses and cells of its own; the graph and the scope stay the same."""
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        for key, value in vars(self).items():
            object.__setattr__(made, key, value if key in ("_graph", "_scope") else copy.deepcopy(value, memo))
        return made

    # -- weights -----------------------------------------------------------------------------------------------------
    @property
    def trainable_weights(self) -> list[Any]:
        return (
            [*self._trainable_weights, *(w for sub in self._sublayers() for w in sub.trainable_weights)]
            if self.trainable
            else []
        )

    @property
    def non_trainable_weights(self) -> list[Any]:
        own = self._non_trainable_weights if self.trainable else self._trainable_weights + self._non_trainable_weights
        return [
            *own,
            *(w for sub in self._sublayers() for w in (sub.non_trainable_weights if self.trainable else sub.weights)),
        ]

    def _sublayers(self) -> list[Any]:
        found = []
        for value in vars(self).values():
            for one in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(one, Layer) and one not in found:
                    found.append(one)
        return found

    @property
    def weights(self) -> list[Any]:
        return self.trainable_weights + self.non_trainable_weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't built. You can build it manually via: "
                             f"`{self.name}.build(batch_input_shape)`.")  # fmt: skip
        return sum(w.shape.num_elements() for w in self.weights)

    def add_weight(
        self, name: str, shape: Any, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: bool | None = None,
        constraint: Any = None, use_resource: bool | None = None, synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE, partitioner: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """A variable of the layer, made in its scope or found there where the scope reuses."""
        if synchronization is VariableSynchronization.ON_READ:
            if trainable:
                raise ValueError("Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. "
                                 "You have specified trainable=True and synchronization=VariableSynchronization.ON_READ.")  # fmt: skip
            trainable = False
        elif trainable is None:
            trainable = True
        dtype = (self._dtype or as_dtype("float32")) if dtype is None else as_dtype(dtype).base_dtype
        self._set_scope(None)
        before = set(variable_store().held)
        reuse = self.built or self._reuse
        outer = self._current_scope
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with name_scope(self._name_scope()):
                made = get_variable(
                    name, shape=shape, dtype=dtype, initializer=initializer, trainable=trainable and self.trainable, constraint=constraint,
                    use_resource=use_resource, synchronization=synchronization, aggregation=aggregation, partitioner=partitioner,
                )  # fmt: skip
                if regularizer is not None and (not door.current().is_graph or set(variable_store().held) != before):
                    self._regularize(name, made, regularizer)
        self._current_scope = outer
        weights = self._trainable_weights if trainable else self._non_trainable_weights
        for part in made if hasattr(made, "_get_variable_list") else [made]:
            if not any(part is w for w in weights):
                weights.append(part)
        if isinstance(made, Trackable):
            self._track_trackable(made, name, overwrite=True)
        return made

    add_variable = add_weight

    def _regularize(self, name: str, variable: Any, regularizer: Any) -> None:
        for part in variable if hasattr(variable, "_get_variable_list") else [variable]:
            with name_scope(f"{name}/Regularizer"):
                loss = regularizer(part)
            if loss is not None:
                self.add_loss(loss)

    # -- losses and updates ------------------------------------------------------------------------------------------
    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Losses that training should add; they go to the collection of regularisation losses."""
        made = [one() if callable(one) and not isinstance(one, Tensor) else one for one in nest.flatten(losses)]
        self._losses += made
        self._collect(made, GraphKeys.REGULARIZATION_LOSSES)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Ops that training should run beside; they go to the collection of update ops."""
        made = [u() if callable(u) and not isinstance(u, Tensor) else u for u in nest.flatten(updates)]
        made = [u for u in made if u is not None]
        self._updates += made
        self._collect(made, GraphKeys.UPDATE_OPS)

    @staticmethod
    def _collect(elements: list[Any], key: str) -> None:
        if not door.current().is_graph:
            return
        held = get_default_graph().get_collection_ref(key)
        held += [e for e in elements if not any(e is h for h in held)]

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that depend on `inputs`, or (None) on none."""
        return self._depending(self._losses, inputs)

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that depend on `inputs`, or (None) on none."""
        return self._depending(self._updates, inputs)

    def _depending(self, things: list[Any], inputs: Any) -> list[Any]:
        from penstock.engine.plan import order

        starts = (
            {t._id for t in nest.flatten(inputs)}
            if inputs is not None
            else {t._id for given, _ in self._nodes for t in nest.flatten(given)}
        )
        hit = []
        for thing in things:
            op = getattr(thing, "op", thing)
            touches = any(t._id in starts for n in order([op], ()) for t in n.inputs) or any(
                t._id in starts for t in op.outputs
            )
            if touches == (inputs is not None):
                hit.append(thing)
        return hit

    # -- calling -----------------------------------------------------------------------------------------------------
    def build(self, input_shape: Any) -> None:
        """Make the variables for inputs of this shape."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        raise NotImplementedError

    def _set_scope(self, scope: Any) -> None:
        if self._scope is not None:
            return
        if self._reuse:
            with variable_scope(scope if scope is not None else self._base_name) as captured:
                self._scope = captured
        else:
            with variable_scope(scope, default_name=self._base_name) as captured:
                self._scope = captured

    def _name_scope(self) -> str:
        scope = self._current_scope if self._current_scope is not None else self._scope
        name = scope.original_name_scope
        return name if name.endswith("/") or not name else f"{name}/"

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self._set_scope(kwargs.pop("scope", None))
        reuse = True if self.built else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with name_scope(self._name_scope()):
                inputs = nest.map_structure(
                    lambda t: t if isinstance(t, Tensor) or getattr(type(t), "__composite__", False) else door.convert(t), inputs
                )
                flat = nest.flatten(inputs)
                if not self.built:
                    self._check(flat)
                    if self._dtype is None and flat:
                        self._dtype = flat[0].dtype.base_dtype
                    self.build(nest.map_structure(lambda t: t.shape, inputs))
                    self.built = True
                self._check(flat)
                outputs = self.call(inputs, *args, **kwargs)
            self._current_scope = None
        self._nodes.append((inputs, outputs))
        return outputs

    apply = __call__

    def _check(self, flat: list[Any]) -> None:
        specs = nest.flatten(self.input_spec) if self.input_spec is not None else []
        for i, (spec, value) in enumerate(zip(specs, flat)):
            if spec is not None:
                InputSpec.check(spec, value, i, self.name)  # of Keras too

    def _only(self, at: int, what: str) -> Any:
        if not self._nodes:
            raise AttributeError(
                f"Layer {self.name} has no inbound nodes."
                if what in ("input", "output")
                else f"The layer has never been called and thus has no defined {what}."
            )
        if len(self._nodes) > 1:
            raise AttributeError(
                f'Layer {self.name} has multiple inbound nodes, hence the notion of "layer {what}" is ill-defined. Use `get_{what}_at(node_index)` instead.'
            )
        return self._nodes[0][at]

    input = property(lambda s: s._only(0, "input"))
    output = property(lambda s: s._only(1, "output"))
    input_shape = property(lambda s: nest.map_structure(lambda t: tuple(t.shape.as_list()), s._only(0, "input shape")))
    output_shape = property(
        lambda s: nest.map_structure(lambda t: tuple(t.shape.as_list()), s._only(1, "output shape"))
    )


def snake_case(name: str) -> str:
    """Conv2DTranspose -> conv2d_transpose."""
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()
    return f"private{name}" if name.startswith("_") else name


def _unique_name(base: str) -> str:
    counts = home()._extras.setdefault("layer names", {})
    key = (get_variable_scope().name, base)
    counts[key] = n = counts.get(key, 0) + 1
    return base if n == 1 else f"{base}_{n - 1}"


def smart_cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    """`true_fn()` or `false_fn()` at once where `pred` is known, else a conditional of both."""
    value = constant_value(pred)
    if value is not None:
        return true_fn() if value else false_fn()
    from penstock.fronts.control import cond

    return cond(pred, true_fn, false_fn)


def constant_value(pred: Any) -> bool | None:
    """A Python bool for a known condition, None for one that is decided when the graph runs."""
    if isinstance(pred, Tensor):
        known = known_value(pred)
        return None if known is None else bool(known)
    if pred in (0, 1):
        return bool(pred)
    if hasattr(type(pred), "__tf_tensor__"):
        return None
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}")
