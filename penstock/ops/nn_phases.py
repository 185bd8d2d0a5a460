"""Dilated windows out of plain ones: an op on the phases of its images (space to batch and back)."""

from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ops.blocks import required_space_to_batch_paddings
from penstock.ops.families import later

_Shape, _Transpose = later("Shape"), later("Transpose")


def _known(x: Any, what: str) -> list[int]:
    value = known_value(convert_to_tensor(x, dtype="int32", name=what))
    if value is None:
        raise ValueError(f"{what} must be known when the graph is built")
    return [int(v) for v in value.reshape(-1)]


@export("nn.with_space_to_batch")
def with_space_to_batch(
    input: Any, dilation_rate: Any, padding: str, op: Callable[..., Any], filter_shape: Any = None, spatial_dims: Any = None,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """`op(input, num_spatial_dims, padding)` on the phases of `input`, so that its window acts as if it were dilated.

    For "SAME" the window must be known by `filter_shape`; `op` is called with "VALID" on the phases.
    """
    input = convert_to_tensor(input, name="input")
    rates = _known(dilation_rate, "dilation_rate")
    if any(r <= 0 for r in rates):
        raise ValueError(f"`dilation_rate` must be positive. Received: dilation_rate={rates}")
    n = len(rates)
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    axes = list(range(first, first + n)) if spatial_dims is None else sorted({int(a) for a in spatial_dims})
    if len(axes) != n or axes[0] < 1:
        raise ValueError(f"`spatial_dims` must be {n} different positive axes. Received: spatial_dims={spatial_dims}")
    if all(r == 1 for r in rates):
        return op(input, n, padding)
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"`padding` must be either 'VALID' or 'SAME'. Received: padding={padding}")
    around = [[0, 0]] * n
    if padding == "SAME":
        if filter_shape is None:
            raise ValueError(
                "`filter_shape` must be specified for `padding='SAME'`. Received: filter_shape=None and padding='SAME'"
            )
        extra = [(k - 1) * r for k, r in zip(_known(filter_shape, "filter_shape"), rates)]
        around = [[e // 2, e - e // 2] for e in extra]
    by_axis = dict(zip(axes, zip(rates, around)))
    span = [by_axis.get(a, (1, [0, 0])) for a in range(axes[0], axes[-1] + 1)]
    block, before = [r for r, _ in span], [p for _, p in span]
    moved = _to_front(input, axes[0])
    sizes = moved._dims[1 : 1 + len(block)] if moved._dims is not None else (None,)
    shape = list(sizes) if None not in sizes else _Shape(moved)[1 : 1 + len(block)]
    paddings, crops = required_space_to_batch_paddings(shape, block, before)
    phases = later("SpaceToBatchND")(moved, block, paddings)
    out = op(_from_front(phases, axes[0]), n, "VALID")
    return _from_front(later("BatchToSpaceND")(_to_front(out, axes[0]), block, crops), axes[0])


def _to_front(x: Any, first: int) -> Any:
    """The axes from `first` on, next to the batch."""
    if first == 1:
        return x
    rank = len(x._dims)
    return _Transpose(x, [0, *range(first, rank), *range(1, first)])


def _from_front(x: Any, first: int) -> Any:
    if first == 1:
        return x
    rank = len(x._dims)
    return _Transpose(x, [0, *range(rank - first + 1, rank), *range(1, rank - first + 1)])
