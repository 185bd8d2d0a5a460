"""`tf.layers.dense`, `dropout`, `flatten`."""

from typing import Any

from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door, node_count
from penstock.ir.op import find
from penstock.layers.base import InputSpec, Layer, smart_cond
from penstock.ops.einsum import tensordot_nodes
from penstock.ops.identity import identity
from penstock.ops.matmul import matmul
from penstock.ops.nn import bias_add
from penstock.ops.nn_dropout import dropout as nn_dropout
from penstock.ops.shapes import reshape, shape
from penstock.state.initializers import ZerosV1

_ZEROS = ZerosV1()


def options(**kwargs: Any) -> dict[str, Any]:
    """The layer arguments that the function forms take besides its own."""
    kwargs["_scope"], kwargs["_reuse"] = kwargs["name"], kwargs.pop("reuse")
    return kwargs


@export(v1=("layers.Dense",))
class Dense(Layer):
    """activation(inputs @ kernel + bias), over the last axis."""

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.units, self.activation, self.use_bias = int(units), activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer, self.activity_regularizer = (
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
        )
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        dtype = self._dtype or as_dtype("float32")
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(f"Unable to build `Dense` layer with non-floating point dtype {dtype}")
        size = TensorShape(input_shape).as_list()[-1]
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight("kernel", [size, self.units], initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
                                      constraint=self.kernel_constraint)  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight("bias", [self.units], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                                        constraint=self.bias_constraint)  # fmt: skip
        self.built = True

    def call(self, inputs: Any) -> Any:
        rank = inputs.shape.rank
        if rank is not None and rank > 2:
            sizes = inputs.shape.as_list()
            with node_count.exactly(tensordot_nodes(None not in sizes, True)):
                flat = matmul(reshape(inputs, [-1, sizes[-1]]), self.kernel)
                if None in sizes[:-1]:
                    outer = find("StridedSlice")(shape(inputs), [0], [-1], [1])
                    outputs = reshape(flat, find("ConcatV2")([outer, [self.units]], 0), name="Tensordot")
                    outputs.set_shape([*sizes[:-1], self.units]) if door.current().is_graph else None
                else:
                    outputs = reshape(flat, [*sizes[:-1], self.units], name="Tensordot")
        else:
            outputs = matmul(inputs, self.kernel)
        if self.use_bias:
            outputs = bias_add(outputs, self.bias)
        outputs = outputs if self.activation is None else self.activation(outputs)
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(outputs))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).with_rank_at_least(2).as_list()
        if sizes[-1] is None:
            raise ValueError(f"The innermost dimension of input_shape must be defined, but saw: {input_shape}")
        return TensorShape([*sizes[:-1], self.units])


@export(v1=("layers.dense",))
def dense(
    inputs: Any, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = _ZEROS,
    kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
    bias_constraint: Any = None, trainable: bool = True, name: str | None = None, reuse: bool | None = None,
) -> Any:  # fmt: skip
    """activation(inputs @ kernel + bias), over the last axis, with variables `name/kernel` and `name/bias`."""
    layer = Dense(units, **options(
        activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
        kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, trainable=trainable, name=name, reuse=reuse,
    ))  # fmt: skip
    return layer.apply(inputs)


@export(v1=("layers.Dropout",))
class Dropout(Layer):
    """In training, each entry is dropped with probability `rate` and the others are scaled up."""

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None, name: str | None = None, **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def _noise(self, inputs: Any) -> Any:
        if self.noise_shape is None or not isinstance(self.noise_shape, (list, tuple)):
            return self.noise_shape
        sizes = shape(inputs)
        return [sizes[i] if n is None else n for i, n in enumerate(self.noise_shape)]

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training is None:
            training = False
        return smart_cond(
            training,
            lambda: nn_dropout(inputs, noise_shape=self._noise(inputs), seed=self.seed, rate=self.rate),
            lambda: identity(inputs),
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@export(v1=("layers.dropout",))
def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Any:
    """`inputs` with entries dropped when `training`, else as they are."""
    return Dropout(rate, noise_shape=noise_shape, seed=seed, name=name).apply(inputs, training=training)


@export(v1=("layers.Flatten",))
class Flatten(Layer):
    """All axes but the first as one."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = _data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = find("Transpose")(inputs, [0, *range(2, rank), 1])
        sizes = inputs.shape.as_list()
        if rank == 1:
            return find("ExpandDims")(inputs, -1)
        with node_count.exactly(2 if sizes[0] is not None else 8):
            return self._reshaped(inputs, sizes)

    @staticmethod
    def _reshaped(inputs: Any, sizes: list[Any]) -> Any:
        rest = 1
        for n in sizes[1:]:
            rest = None if n is None or rest is None else rest * n
        if sizes[0] is not None:
            return reshape(inputs, [sizes[0], -1 if rest is None else rest])
        if rest:
            return reshape(inputs, [-1, rest])
        return reshape(inputs, [shape(inputs)[0], -1 if rest is None else rest])

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        rest = 1
        for n in sizes[1:]:
            rest = None if n is None or rest is None else rest * n
        return TensorShape([sizes[0], rest])


def _data_format(value: str | None) -> str:
    value = "channels_last" if value is None else value.lower()
    if value not in ("channels_first", "channels_last"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return value


@export(v1=("layers.flatten",))
def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """`inputs` with all axes but the first as one."""
    return Flatten(name=name, data_format=data_format).apply(inputs)
