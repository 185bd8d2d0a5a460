"""The ops of 1.x control flow, as imported graphs hold them: Switch, Merge, loop frames and stacks.

They only mark places: `engine.v1_control` runs the parts of a graph that they stand in.
"""

from typing import Any

from penstock.base.errors import InvalidArgumentError
from penstock.base.shape import common
from penstock.ir.op import op


def _family(name: str, inputs: str, outputs: str, attrs: str, doc: str, shape: Any) -> None:
    """An op and its form for reference variables."""
    for prefix, wrap in (("", "T"), ("Ref", "Ref(T)")):

        def body(xp: Any, *args: Any) -> Any:
            if name == "Switch":
                raise InvalidArgumentError(None, None, "Switch has a meaning only inside a graph")
            return args[0]

        body.__doc__, body.__qualname__ = doc, prefix + name
        text = f"{prefix}{name}({inputs.replace('@', wrap)}, *, T: type{attrs}) -> {outputs.replace('@', wrap)}"
        made = op(text, where="host")(body)
        made.shape(shape)
        made.no_grad()


_same = lambda data, *_, **__: data.shape
_family("Switch", "data: @, pred: bool", "(output_false: @, output_true: @)", "", "data goes to one of two outputs; the other is dead.",
        lambda data, pred: (data.shape, data.shape))  # fmt: skip
_family("Exit", "data: @", "output: @", "", "A value leaves a loop.", _same)
_family("NextIteration", "data: @", "output: @", "", "A value goes on to the next turn of its loop.", _same)
_family("Enter", "data: @", "output: @", ", frame_name: str, is_constant: bool = False, parallel_iterations: int = 10", "A value enters a loop.", _same)


@op("Merge(inputs: N*T, *, T: type, N: int >= 1) -> (output: T, value_index: int32)", where="host")
def MERGE(xp, inputs):
    """The first of the inputs that is not dead, and which one that was."""
    return inputs[0], 0


@MERGE.shape
def _(inputs: Any) -> Any:
    dims = inputs[0].shape
    for i in inputs[1:]:
        dims = common(dims, i.shape)
    return dims, ()


@op("LoopCond(input: bool) -> output: bool", where="host", shape=lambda input: input.shape)
def LOOP_COND(xp, input):  # noqa: A002
    """The condition of a loop."""
    return input


@op("ControlTrigger() -> ()", where="host")
def CONTROL_TRIGGER(xp):
    """Nothing; it happens whatever is dead before it."""
    return ()


class Stack:
    """What a loop leaves for its gradient, last in first out."""

    def __init__(self) -> None:
        self.items: list[Any] = []


@op('StackV2(max_size: int32, *, elem_type: type, stack_name: str = "") -> handle: resource', where="host", effect="io", shape=lambda max_size: ())
def STACK(xp, max_size):
    """A new stack."""
    return Stack()


@op("StackPushV2(handle: resource, elem: T, *, T: type, swap_memory: bool = False) -> output: T", where="host", effect="io", shape=lambda handle, elem: elem.shape)
def STACK_PUSH(xp, handle, elem):
    """Put a value on the stack."""
    handle.items.append(elem)
    return elem


@op("StackPopV2(handle: resource, *, elem_type: type) -> elem: elem_type", where="host", effect="io", shape=lambda handle: None)
def STACK_POP(xp, handle):
    """Take the last value from the stack."""
    if not handle.items:
        raise InvalidArgumentError(None, None, "Stack is empty when calling Pop()")
    return handle.items.pop()


@op("StackCloseV2(handle: resource) -> ()", where="host", effect="io")
def STACK_CLOSE(xp, handle):
    """Forget what the stack holds."""
    handle.items.clear()
    return ()


for _one in (MERGE, LOOP_COND, STACK, STACK_POP, STACK_CLOSE):
    _one.no_grad()


@STACK_PUSH.grad
def _(node: Any, dy: Any) -> Any:
    return None, dy
