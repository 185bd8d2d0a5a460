"""`tf.layers.batch_normalization`."""

from typing import Any

from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door, node_count
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.layers.base import InputSpec, Layer, constant_value, smart_cond
from penstock.layers.core import _ZEROS, options
from penstock.ops.constants import constant
from penstock.ops.nn_norm import batch_normalization as normalized, fused_batch_norm, moments
from penstock.ops.shapes import reshape, shape
from penstock.state.initializers import OnesV1
from penstock.state.variable import VariableAggregation, VariableSynchronization

_ONES = OnesV1()


@export(v1=("layers.BatchNormalization",))
class BatchNormalization(Layer):
    """Inputs scaled to mean 0 and variance 1: by the batch in training, which also moves the running averages, by these averages else.

    The updates of the averages are in the collection UPDATE_OPS: training must run them.
    """

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = _ZEROS,
        gamma_initializer: Any = _ONES, moving_mean_initializer: Any = _ZEROS, moving_variance_initializer: Any = _ONES,
        beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
        renorm: bool = False, renorm_clipping: Any = None, renorm_momentum: float = 0.99, fused: bool | None = None, trainable: bool = True,
        virtual_batch_size: int | None = None, adjustment: Any = None, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer, self.moving_variance_initializer = (
            moving_mean_initializer,
            moving_variance_initializer,
        )
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint
        self.renorm, self.renorm_momentum, self.virtual_batch_size, self.adjustment = (
            renorm,
            renorm_momentum,
            virtual_batch_size,
            adjustment,
        )
        self.fused = fused
        self.renorm_clipping = {} if renorm_clipping is None else renorm_clipping
        unknown = [k for k in self.renorm_clipping if k not in ("rmax", "rmin", "dmax")]
        if unknown:
            raise ValueError(f"renorm_clipping {renorm_clipping} contains keys not in ['rmax', 'rmin', 'dmax']")

    def build(self, input_shape: Any) -> None:
        dims = TensorShape(input_shape)
        if dims.rank is None:
            raise ValueError(f"Input has undefined rank: {input_shape}")
        rank = dims.rank
        axes = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        for a in axes:
            if not -rank <= a < rank:
                raise ValueError(f"Invalid axis: {a}")
        self.axis = [a % rank for a in axes]
        if len(self.axis) != len(set(self.axis)):
            raise ValueError(f"Duplicate axis: {tuple(self.axis)}")
        if self.virtual_batch_size is not None:
            if self.virtual_batch_size <= 0:
                raise ValueError(
                    "virtual_batch_size must be a positive integer that divides the true batch size of the input tensor"
                )
            if 0 in self.axis:
                raise ValueError(
                    "When using virtual_batch_size, the batch dimension must be 0 and thus axis cannot include 0"
                )
        plain = not self.renorm and self.virtual_batch_size is None and self.adjustment is None
        if self.fused is None or self.fused:  # one kernel where there is one for this, else the ops that it is made of
            self.fused = plain and rank == 4 and self.axis in ([1], [3])
        sizes = {a: dims.as_list()[a] for a in self.axis}
        for n in sizes.values():
            if n is None:
                raise ValueError("Input has undefined `axis` dimension. Input shape: ", input_shape)
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        if len(sizes) == 1 and self.virtual_batch_size is None:
            param_shape: Any = (next(iter(sizes.values())),)
        else:
            param_shape = [sizes.get(i, 1) for i in range(rank)]
            if self.virtual_batch_size is not None:
                param_shape.insert(1, 1)
        own = self._dtype or as_dtype("float32")
        dtype = as_dtype("float32") if own.name in ("float16", "bfloat16") else own
        weight = lambda name, init, reg=None, con=None: self.add_weight(
            name, param_shape, dtype=dtype, initializer=init, regularizer=reg, constraint=con, trainable=True
        )
        self.gamma = (
            weight("gamma", self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint)
            if self.scale
            else None
        )
        if self.fused and not self.scale:
            self._ones = constant(1.0, dtype, param_shape)
        self.beta = (
            weight("beta", self.beta_initializer, self.beta_regularizer, self.beta_constraint) if self.center else None
        )
        if self.fused and not self.center:
            self._zeros = constant(0.0, dtype, param_shape)
        self._param_shape, self._param_dtype = param_shape, dtype
        self.moving_mean = self._average("moving_mean", self.moving_mean_initializer)
        self.moving_variance = self._average("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            root = lambda *args, **kwargs: find("Sqrt")(door.convert(self.moving_variance_initializer(*args, **kwargs)))
            self.moving_stddev = self._average("moving_stddev", root)
            self.renorm_mean = self._average("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = self._average("renorm_stddev", root)
        self.built = True

    def _average(self, name: str, initializer: Any) -> Any:
        return self.add_weight(name, self._param_shape, dtype=self._param_dtype, initializer=initializer, trainable=False,
                               synchronization=VariableSynchronization.ON_READ, aggregation=VariableAggregation.MEAN)  # fmt: skip

    def _move(self, variable: Any, value: Any, momentum: Any, rows: Any = None, nodes: int = 5) -> Any:
        """Move a running average towards `value`; not at all for an empty batch.  `nodes` are those of TensorFlow 1.x."""
        with node_count.exactly(nodes), name_scope("AssignMovingAvg") as scope:
            decay = 1.0 - momentum
            kind = variable.dtype.base_dtype
            if not (node_count.enabled and value.dtype is kind):  # TensorFlow 1.x cast only what differs
                value = find("Cast")(value, DstT=kind)
            delta = (variable - value) * decay
            if rows is not None:
                delta = find("SelectV2")(rows > 0, delta, find("ZerosLike")(delta))
            made = variable.assign_sub(delta, name=scope)
            return made if not door.current().is_graph or not hasattr(made, "_parent_op") else made._parent_op

    @staticmethod
    def _rows(inputs: Any) -> Any:
        """The number of rows where it may be 0: then the averages stay (TensorFlow 1.x does not look)."""
        return None if node_count.active() or inputs.shape.as_list()[0] else shape(inputs)[0]

    def _momentum(self, training: Any, momentum: float) -> Any:
        """1 where the layer is not training: the averages stay."""
        known = constant_value(training)
        if known is not None:
            return door.convert(momentum if known else 1.0)
        with node_count.exactly(7):
            return find("SelectV2")(door.convert(training), door.convert(float(momentum)), door.convert(1.0))

    def _fused_call(self, inputs: Any, training: Any) -> Any:
        beta, gamma = self.beta if self.center else self._zeros, self.gamma if self.scale else self._ones
        settings = dict(epsilon=self.epsilon, data_format="NHWC" if self.axis == [3] else "NCHW")
        train = lambda: fused_batch_norm(inputs, gamma, beta, is_training=True, **settings)
        infer = lambda: fused_batch_norm(
            inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance, is_training=False, **settings
        )
        output, mean, variance = smart_cond(training, train, infer)
        if constant_value(training) is False:
            node_count.more(1)  # the momentum
        else:
            momentum = self._momentum(training, self.momentum)
            rows = self._rows(inputs)
            self.add_update(
                [
                    self._move(self.moving_mean, mean, momentum, rows),
                    self._move(self.moving_variance, variance, momentum, rows),
                ]
            )
        return output

    def call(self, inputs: Any, training: Any = False) -> Any:
        training = False if training is None else training
        original = None
        if self.virtual_batch_size is not None:
            original, sizes = shape(inputs), inputs.shape.as_list()
            inputs = reshape(inputs, find("ConcatV2")([[self.virtual_batch_size, -1], original[1:]], 0))
            if door.current().is_graph:
                inputs.set_shape([self.virtual_batch_size, None, *sizes[1:]])
        if self.fused:
            return self._fused_call(inputs, training)
        shift = 1 if original is not None else 0
        rank = inputs.shape.rank
        channels = [a + shift for a in self.axis]
        reduce_over = [i for i in range(rank) if i not in channels and not (shift and i == 1)]
        broadcast = [1] * rank
        for a in channels:
            broadcast[a] = inputs.shape.as_list()[a]

        def spread(v: Any) -> Any:
            if v is not None and (len(v.shape) != rank) and reduce_over != list(range(rank - 1)):
                return reshape(v, broadcast)
            return v

        scale, offset = spread(self.gamma), spread(self.beta)
        together = lambda s, o, more_s, more_o: (
            more_s if s is None else s * more_s,
            more_o if o is None else o * more_s + more_o,
        )
        if constant_value(training) is False:
            mean, variance = self.moving_mean, self.moving_variance
        else:
            if self.adjustment is not None:
                more_s, more_o = self.adjustment(shape(inputs))
                more_s, more_o = smart_cond(
                    training, lambda: (more_s, more_o), lambda: (find("OnesLike")(more_s), find("ZerosLike")(more_o))
                )
                scale, offset = together(scale, offset, more_s, more_o)
            keep = self.virtual_batch_size is not None or len(self.axis) > 1
            mean, variance = moments(inputs, reduce_over, keepdims=keep)
            batch_mean, batch_variance = mean, variance
            own_mean, own_variance = self.moving_mean, self.moving_variance
            mean = smart_cond(training, lambda: batch_mean, lambda: door.convert(own_mean))
            variance = smart_cond(training, lambda: batch_variance, lambda: door.convert(own_variance))
            if self.virtual_batch_size is not None:
                whole = lambda v: find("Mean")(v, 1, keep_dims=True)
                new_mean, new_variance = whole(mean), whole(variance)
            else:
                new_mean, new_variance = mean, variance
            rows = self._rows(inputs)
            if self.renorm:
                r, d, new_mean, new_variance = self._renormed(new_mean, new_variance, training, rows)
                scale, offset = together(
                    spread(r), spread(d), scale if scale is not None else 1.0, offset if offset is not None else 0.0
                )
            with node_count.exactly(0):  # 1.x puts each update in a conditional of its own
                momentum = self._momentum(training, self.momentum)
            nodes = 13 if constant_value(training) is None else 4
            updates = [self._move(self.moving_mean, new_mean, momentum, rows, nodes)]
            if self.renorm:
                stddev = find("Sqrt")(new_variance + self.epsilon)
                moved = self._move(self.moving_stddev, stddev, momentum, rows)
                graph = door.current()
                with graph.control_dependencies([moved]) if graph.is_graph else name_scope(None):  # type: ignore[arg-type]
                    now = self.moving_stddev.read_value()
                    value = find("Relu")(now * now - self.epsilon)
                    assigned = self.moving_variance.assign(value, name="AssignNewValue")
                updates.append(getattr(assigned, "_parent_op", assigned) if graph.is_graph else assigned)
            else:
                updates.append(self._move(self.moving_variance, new_variance, momentum, rows, nodes))
            self.add_update(updates)
        as_input = lambda v: (
            None
            if v is None
            else v
            if v.dtype.base_dtype is inputs.dtype.base_dtype
            else find("Cast")(v, DstT=inputs.dtype.base_dtype)
        )
        outputs = normalized(
            inputs,
            spread(as_input(door.convert(mean))),
            spread(as_input(door.convert(variance))),
            as_input(offset),
            as_input(scale),
            self.epsilon,
        )
        if original is not None:
            return reshape(outputs, original)
        if door.current().is_graph:
            outputs.set_shape(inputs.shape)
        return outputs

    def _renormed(self, mean: Any, variance: Any, training: Any, rows: Any) -> Any:
        """Batch renormalisation: the correction (r, d) towards the running averages, and the averages' new targets."""
        stop, sqrt = find("StopGradient"), find("Sqrt")
        stddev = sqrt(variance + self.epsilon)
        r = stddev / self.renorm_stddev
        d = (mean - self.renorm_mean) / self.renorm_stddev
        with_bounds = self.renorm_clipping
        if with_bounds.get("rmin") is not None:
            r = find("Maximum")(r, with_bounds["rmin"])
        if with_bounds.get("rmax") is not None:
            r = find("Minimum")(r, with_bounds["rmax"])
        if with_bounds.get("dmax") is not None:
            d = find("Minimum")(find("Maximum")(d, -with_bounds["dmax"]), with_bounds["dmax"])
        batch_r, batch_d = r, d
        r = stop(smart_cond(training, lambda: batch_r, lambda: find("OnesLike")(batch_r)))
        d = stop(smart_cond(training, lambda: batch_d, lambda: find("ZerosLike")(batch_d)))
        momentum = self._momentum(training, self.renorm_momentum)
        graph = door.current()
        moves = [
            self._move(self.renorm_mean, mean, momentum, rows),
            self._move(self.renorm_stddev, stddev, momentum, rows),
        ]
        with graph.control_dependencies(moves) if graph.is_graph else name_scope(None):  # type: ignore[arg-type]
            return r, d, find("Identity")(mean), find("Identity")(variance)


@export(v1=("layers.batch_normalization",))
def batch_normalization(
    inputs: Any, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = _ZEROS,
    gamma_initializer: Any = _ONES, moving_mean_initializer: Any = _ZEROS, moving_variance_initializer: Any = _ONES, beta_regularizer: Any = None,
    gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, training: Any = False, trainable: bool = True,
    name: str | None = None, reuse: bool | None = None, renorm: bool = False, renorm_clipping: Any = None, renorm_momentum: float = 0.99,
    fused: bool | None = None, virtual_batch_size: int | None = None, adjustment: Any = None,
) -> Any:  # fmt: skip
    """Inputs scaled to mean 0 and variance 1; training must also run the ops in the collection UPDATE_OPS."""
    layer = BatchNormalization(**options(
        axis=axis, momentum=momentum, epsilon=epsilon, center=center, scale=scale, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
        moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer, beta_regularizer=beta_regularizer,
        gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint, renorm=renorm,
        renorm_clipping=renorm_clipping, renorm_momentum=renorm_momentum, fused=fused, trainable=trainable, virtual_batch_size=virtual_batch_size,
        adjustment=adjustment, name=name, reuse=reuse,
    ))  # fmt: skip
    return layer.apply(inputs, training=training)
