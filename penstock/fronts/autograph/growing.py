"""Lists that grow inside loops over tensors: `l.append(x)` in a loop of a graph writes to a TensorArray."""

import ast
from typing import Any

from penstock.base import nest
from penstock.base.shape import common
from penstock.fronts.autograph.staging import as_value, is_value, op, zeros_like_spec
from penstock.fronts.autograph.symbols import FUNCTIONS, SCOPES, Writes, declared, parameters
from penstock.fronts.autograph.templates import make
from penstock.ir import convert, door
from penstock.ir.tensor import Tensor
from penstock.ops.tensor_array import TensorArray

# --- in the tree ----------------------------------------------------------------------------------------------------


class AppendRewriter(ast.NodeTransformer):
    """Inside loops, `l.append(x)` of a local name becomes `l = ag__.list_append(l, x)`: the loop then carries the list."""

    def __init__(self, function: Any):
        outside = declared(function.body, ast.Nonlocal) | declared(function.body, ast.Global)
        own = {*Writes().block(function.body).names, *parameters(function.args)}
        self.local = own - outside
        self.loops = 0

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (*SCOPES, *FUNCTIONS)):
            return node
        inside = isinstance(node, (ast.While, ast.For))
        self.loops += inside
        try:
            return super().visit(node)
        finally:
            self.loops -= inside

    def visit_Expr(self, node: ast.Expr) -> Any:
        call = node.value
        if not self.loops or not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords:
            return node
        owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "append" else None
        if not isinstance(owner, ast.Name) or owner.id not in self.local or isinstance(call.args[0], ast.Starred):
            return node
        (made,) = make(
            "AG_NAME = ag__.list_append(AG_LIST, AG_ITEM)", node, AG_NAME=owner.id, AG_LIST=owner, AG_ITEM=call.args[0]
        )
        made.appends = owner.id  # type: ignore[attr-defined]
        return made


def appended_names(statements: list[ast.stmt]) -> list[str]:
    """The lists that statements append to."""
    found = {getattr(part, "appends", None) for statement in statements for part in ast.walk(statement)}
    return sorted(name for name in found if name)


# --- when it runs ---------------------------------------------------------------------------------------------------


class GrowingList:
    """What a list is in and after a loop of a graph: its items are rows of one tensor, `tf.stack(l)` is that tensor."""

    def __init__(self, array: Any, count: Any):
        self.array, self.count = array, count

    def __tf_flatten__(self) -> tuple[Any, Any]:
        return (), (self.array, self.count)

    @classmethod
    def __tf_unflatten__(cls, metadata: Any, components: Any) -> "GrowingList":
        return cls(*components)

    def with_item(self, item: Any) -> "GrowingList":
        value = door.convert(item)
        if value.dtype is not self.array.dtype:
            raise TypeError(
                f"the list holds {self.array.dtype.name} and {value.dtype.name} is appended to it: inside a loop on a "
                "tensor all items of a list must be of one dtype"
            )
        return GrowingList(self.array.write(self.count, value), op("AddV2", self.count, 1))

    def append(self, item: Any) -> None:
        """Append after the loop."""
        rows = op("ConcatV2", [self.stack(), op("ExpandDims", door.convert(item, self.array.dtype), 0)], 0)
        self.count = op("AddV2", self.count, 1)
        self.array = self.array.unstack(rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.stack()[index]
        if isinstance(index, int) and index < 0:
            index = op("AddV2", self.count, index)
        return self.array.read(index)

    def __iter__(self) -> Any:
        raise TypeError("a list that a loop on a tensor made has no length yet: go over it with `for`, or tf.stack it")

    def stack(self) -> Any:
        """The items in one tensor."""
        return self.array.stack()

    def __repr__(self) -> str:
        return f"<list of {self.array.dtype.name} tensors, grown in a loop>"


convert.register_tensor_conversion_function(
    GrowingList, lambda value, dtype=None, name=None, as_ref=False: convert.resolve(value.stack(), dtype, name)
)


class Probe:
    """Stands for a list during a turn that is thrown away, and remembers what is appended."""

    def __init__(self, items: list[Any]):
        self.start, self.items = items, list(items)

    def append(self, item: Any) -> None:
        self.items.append(item)

    def __getitem__(self, index: Any) -> Any:
        return zeros_like_spec(self.items[-1])

    pop = __getitem__

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Any:
        return iter([zeros_like_spec(v) for v in self.items])

    def grown(self) -> "GrowingList | None":
        """A growing list that starts as this one did; None where nothing (or no single tensors) was appended."""
        if len(self.items) == len(self.start) or not all(_single(v) for v in self.items):
            return None
        start = [as_value(v) for v in self.start]
        samples = start + [v if isinstance(v, Tensor) else as_value(v) for v in self.items[len(start) :]]
        dtype, dims = samples[-1].dtype, samples[-1]._dims
        for sample in samples[:-1]:
            dims = common(dims, sample._dims)
        array = TensorArray(
            dtype, size=len(start), dynamic_size=True, clear_after_read=False, infer_shape=False, element_shape=dims
        )
        for i, value in enumerate(start):
            if value.dtype is not dtype:
                return None
            array = array.write(i, value)
        return GrowingList(array, door.convert(len(start)))


def list_append(target: Any, item: Any) -> Any:
    """`target.append(item)`; gives back the list that holds the item."""
    if isinstance(target, GrowingList):
        return target.with_item(item)
    target.append(item)
    return target


def _single(value: Any) -> bool:
    """Is it one tensor, or a Python number or string?"""
    return not nest.is_nested(value) and is_value(value) and not getattr(type(value), "__composite__", False)


def copied_lists(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same values with lists copied, so that what a branch appends stays in that branch."""
    return tuple([list(v) if type(v) is list else v for v in values])


def without_growing(value: Any) -> Any:
    """A result with growing lists as tensors."""
    if isinstance(value, GrowingList):
        return value.stack()
    if type(value) in (list, tuple):
        return type(value)([without_growing(v) for v in value])
    if type(value) is dict:
        return {k: without_growing(v) for k, v in value.items()}
    return value
