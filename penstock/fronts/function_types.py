"""`tf.types.experimental`: what functions are, for annotations and `isinstance`."""

import abc
import inspect
import typing
from typing import Any

import numpy as np

from penstock.base.export import export, export_constant
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.ir.tensor import Tensor

TensorLike = typing.Union[Tensor, int, float, bool, str, bytes, complex, tuple, list, np.ndarray, np.generic]  # noqa: UP007 - a value of `typing`
export_constant("types.experimental.TensorLike", module=__name__, attr="TensorLike")


@export("types.experimental.FunctionType")
class FunctionType(inspect.Signature):
    """The parameters and the result of a function."""

    @classmethod
    def from_callable(cls, obj: Any, *, follow_wrapped: bool = True) -> Any:
        """The type of a Python function."""
        return super().from_callable(obj, follow_wrapped=follow_wrapped)


@export(v2=("types.experimental.SupportsTracingProtocol",))
@typing.runtime_checkable
class SupportsTracingProtocol(typing.Protocol):
    """What says for itself which trace of a function it needs."""

    def __tf_tracing_type__(self, context: Any) -> Any: ...


@export("types.experimental.Callable")
class Callable(abc.ABC):
    """What can be called with tensors and has a function type."""

    @property
    @abc.abstractmethod
    def function_type(self) -> Any:
        """The type of its parameters and of its result."""

    @abc.abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""


@export(v2=("types.experimental.AtomicFunction",))
class AtomicFunction(Callable):
    """One graph, called with all that it captures."""

    def call_with_captures(self, args: Any, kwargs: Any, captures: Any) -> Any:
        """Run it on arguments and captured values."""


@export("types.experimental.GenericFunction", "types.experimental.PolymorphicFunction")
class PolymorphicFunction(Callable):
    """What `tf.function` makes: a function with a graph for each type of arguments."""

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        """The function of one graph for these arguments."""

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Any:
        """What the compiler sees of it."""


PolymorphicFunction.register(Function)
Callable.register(ConcreteFunction)
