"""`if` on a tensor: both branches are traced, and the variables that either of them sets become outputs of a `cond`."""

from collections.abc import Callable
from typing import Any

from penstock.base import dtypes, nest
from penstock.base.errors import OpError
from penstock.fronts import control
from penstock.fronts.autograph.growing import copied_lists
from penstock.fronts.autograph.staging import (
    absent,
    as_value,
    dtype_of,
    is_value,
    odd,
    op,
    symbolic,
    trial,
    zeros_like_spec,
)
from penstock.fronts.autograph.undefined import NOT_YET, NoReturn, Undefined
from penstock.ir import door
from penstock.ir.tensor import Tensor

Block = Callable[[], Any]


def checked_condition(value: Any, what: str) -> Any:
    """A condition as a scalar bool tensor; ValueError for anything else."""
    tensor = door.convert(value)
    dims = tensor._dims
    elements_ok = dims is None or all(d in (1, None) for d in dims)
    if tensor.dtype is not dtypes.bool or not elements_ok:
        hints = [] if tensor.dtype is dtypes.bool else ["to use as boolean Tensor, use `tf.cast`"]
        hints.append("to check for None, use `is not None`")
        raise ValueError(f"condition of {what} expected to be `tf.bool` scalar, got {value}; {'; '.join(hints)}")
    return tensor if dims == () else op("Reshape", tensor, ())


def if_stmt(
    cond: Any, body: Block, orelse: Block, get_state: Block, set_state: Callable[[Any], None], names: Any, nouts: int
) -> None:
    """Run one block; where `cond` is a tensor, trace both and let the first `nouts` variables be chosen by it."""
    tensor = symbolic(cond)
    if tensor is None:
        if cond:
            body()
        else:
            orelse()
        return
    pred = checked_condition(cond if tensor is cond else tensor, "if statement")
    before = get_state()
    choice = _Choice(names[:nouts])

    def run(block: Block) -> Any:
        set_state(copied_lists(before))
        block()
        return get_state()[:nouts]

    def true_fn() -> Any:
        choice.main = run(body)
        if any(odd(v) for v in choice.main):
            choice.other = trial(lambda: run(orelse))
        return choice.main_outputs()

    def false_fn() -> Any:
        choice.other = run(orelse)
        return choice.other_outputs()

    try:
        results = control.cond(pred, true_fn, false_fn)
    finally:
        set_state(before)
    set_state((*choice.merged(results), *before[nouts:]))


def branch_expression(cond: Any, if_true: Block, if_false: Block, text: str) -> Any:
    """`if_true() if cond else if_false()`; the text of the condition names the expression in messages."""
    tensor = symbolic(cond)
    if tensor is None:
        return if_true() if cond else if_false()
    pred = checked_condition(cond if tensor is cond else tensor, "conditional expression")
    choice = _Choice(["conditional expression"])

    def true_fn() -> Any:
        choice.main = (if_true(),)
        if odd(choice.main[0]):
            choice.other = trial(lambda: (if_false(),))
        return choice.main_outputs()

    def false_fn() -> Any:
        choice.other = (if_false(),)
        return choice.other_outputs()

    return choice.merged(control.cond(pred, true_fn, false_fn))[0]


class _Choice:
    """The values of some variables at the end of two branches."""

    def __init__(self, names: Any):
        self.names = names
        self.main: Any = ()
        self.other: Any = ()
        self.templates: list[
            Any
        ] = []  # what each variable is made of; leaves that are not tensors stand for themselves

    def main_outputs(self) -> list[Any]:
        """The tensors that the main branch gives, in order."""
        flat: list[Any] = []
        for i, (name, value) in enumerate(zip(self.names, self.main)):
            template = value
            if odd(value):
                template = _agreed(name, value, self.other[i])
                value = template if value is NOT_YET else value
                if self.main[i] is NOT_YET and not odd(template):
                    value = nest.map_structure(zeros_like_spec, template)
            self.templates.append(template)
            flat += [as_value(leaf) for leaf in nest.flatten(value) if is_value(leaf)]
        return flat

    def other_outputs(self) -> list[Any]:
        flat: list[Any] = []
        for name, value, other, template in zip(self.names, self.main, self.other, self.templates):
            _agreed(name, value, other)
            if other is NOT_YET and not odd(template):
                other = nest.map_structure(zeros_like_spec, template)
            if absent(template):
                continue
            flat += [as_value(leaf) for leaf in nest.flatten(other) if is_value(leaf)]
        return flat

    def merged(self, results: Any) -> tuple[Any, ...]:
        """The values after the branches: results of the cond in place of tensors."""
        given = iter(nest.flatten(results) if isinstance(results, (list, tuple)) else [results])
        merged: list[Any] = []
        for template in self.templates:
            if absent(template):
                merged.append(template)
                continue
            leaves = [next(given) if is_value(leaf) else leaf for leaf in nest.flatten(template)]
            merged.append(nest.pack_sequence_as(template, leaves))
        return tuple(merged)


def _agreed(name: str, main: Any, other: Any) -> Any:
    """What a variable is made of after two branches; an error where they do not agree."""
    for value, lacking in ((main, "main"), (other, "else")):
        if isinstance(value, Undefined) and not (isinstance(main, Undefined) and isinstance(other, Undefined)):
            raise ValueError(f"'{name}' must also be initialized in the {lacking} branch")
    if absent(main) and absent(other):
        return other if main is NOT_YET else main
    if main is NOT_YET:
        return other
    if other is NOT_YET:
        return main
    for value, lacking in ((main, "main"), (other, "else")):
        if isinstance(value, NoReturn):
            raise ValueError(f"the {lacking} branch must also have a return statement.")
        if value is None:
            raise ValueError(f"'{name}' is None at the end of the {lacking} branch.")
    try:
        nest.assert_same_structure(main, other, expand_composites=True)
    except (ValueError, TypeError) as error:
        raise TypeError(
            f"'{name}' must have the same nested structure in the main and else branches:\n\n{error}"
        ) from None
    for a, b in zip(nest.flatten(main), nest.flatten(other)):
        _leaves_agree(name, a, b)
    return main


def _leaves_agree(name: str, a: Any, b: Any) -> None:
    if not is_value(a) or not is_value(b):
        if a is b:
            return
        raise TypeError(
            f"'{name}' is {_kind(a)} at the end of the main branch and {_kind(b)} at the end of the else branch: a "
            "condition that is a tensor can only choose between tensors. Make both tensors, or the same object in both "
            "branches."
        )
    one, two = _dtype(a), _dtype(b)
    if one is not None and two is not None and one != two:
        raise TypeError(f"'{name}' has dtype {one.name} in the main branch, but dtype {two.name} in the else branch")


def _kind(value: Any) -> str:
    return "a tensor" if is_value(value) else f"{value!r}"


def _dtype(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.dtype.base_dtype
    if dtype_of(leaf) is not None:
        return dtype_of(leaf).base_dtype
    try:
        return trial(lambda: door.convert(leaf)).dtype
    except (TypeError, ValueError, OpError):
        return None
