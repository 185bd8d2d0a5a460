"""`tf.layers.max_pooling1d` to `average_pooling3d`."""

from typing import Any

from penstock.base.export import export
from penstock.ir.op import find
from penstock.layers.base import InputSpec, Layer
from penstock.layers.convolution import data_format_of, op_format, padding_of, per_axis
from penstock.ops import nn_pooling as nn


class _Pooling(Layer):
    """The largest or the mean value of each window."""

    rank, largest = 2, True

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        strides = pool_size if strides is None else strides
        self.pool_size, self.strides = (
            per_axis(pool_size, self.rank, "pool_size"),
            per_axis(strides, self.rank, "strides"),
        )
        self.padding, self.data_format = padding_of(padding), data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        last, size, strides, rank = self.data_format == "channels_last", self.pool_size, self.strides, self.rank
        if rank == 1:
            axis = 2 if last else 3
            inputs, size, strides, rank = find("ExpandDims")(inputs, axis), (*size, 1), (*strides, 1), 2
        ksize, steps = ([1, *size, 1], [1, *strides, 1]) if last else ([1, 1, *size], [1, 1, *strides])
        pool = {(2, True): nn.max_pool, (2, False): nn.avg_pool, (3, True): nn.max_pool3d, (3, False): nn.avg_pool3d}[
            rank, self.largest
        ]
        if rank == 3 and not last:  # a volume is pooled with its channels last
            moved = find("Transpose")(inputs, [0, 2, 3, 4, 1], name="transpose")
            outputs = pool(moved, [1, *size, 1], [1, *strides, 1], self.padding.upper())
            return find("Transpose")(outputs, [0, 4, 1, 2, 3], name="transpose")
        outputs = pool(inputs, ksize, steps, self.padding.upper(), data_format=op_format(self.data_format, rank))
        return find("Squeeze")(outputs, squeeze_dims=[axis]) if self.rank == 1 else outputs


def _declare(class_name: str, function_name: str, rank: int, largest: bool, doc: str) -> tuple[type, Any]:
    cls = type(
        class_name,
        (_Pooling,),
        {"rank": rank, "largest": largest, "__doc__": doc, "__module__": __name__, "__qualname__": class_name},
    )
    export(v1=(f"layers.{class_name}",))(cls)

    def pooling(
        inputs: Any,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
    ) -> Any:
        return cls(pool_size=pool_size, strides=strides, padding=padding, data_format=data_format, name=name).apply(
            inputs
        )

    pooling.__name__ = pooling.__qualname__ = function_name
    pooling.__doc__ = doc
    return cls, export(v1=(f"layers.{function_name}",))(pooling)


MaxPooling1D, max_pooling1d = _declare(
    "MaxPooling1D", "max_pooling1d", 1, True, "The largest value of each window along one axis."
)
MaxPooling2D, max_pooling2d = _declare(
    "MaxPooling2D", "max_pooling2d", 2, True, "The largest value of each window of an image."
)
MaxPooling3D, max_pooling3d = _declare(
    "MaxPooling3D", "max_pooling3d", 3, True, "The largest value of each window of a volume."
)
AveragePooling1D, average_pooling1d = _declare(
    "AveragePooling1D", "average_pooling1d", 1, False, "The mean of each window along one axis."
)
AveragePooling2D, average_pooling2d = _declare(
    "AveragePooling2D", "average_pooling2d", 2, False, "The mean of each window of an image."
)
AveragePooling3D, average_pooling3d = _declare(
    "AveragePooling3D", "average_pooling3d", 3, False, "The mean of each window of a volume."
)
