"""`tf.autograph`: conversion by hand, and keeping functions from it."""

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from penstock.base.export import Old, export
from penstock.fronts.autograph import convert
from penstock.fronts.autograph.calls import artifact_wrapper, converted, runtime_for, tf_convert
from penstock.fronts.autograph.context import ControlStatusCtx, ConversionOptions, Status
from penstock.fronts.autograph.source import NoSource


class AutoGraphError(Exception):
    """An error of conversion."""


class ConversionError(AutoGraphError):
    """A function cannot be converted."""


def _function(entity: Any) -> types.FunctionType:
    """The Python function of a function or method; ConversionError for anything else."""
    found = entity.__func__ if inspect.ismethod(entity) else entity
    found = getattr(found, "ag_original__", found)
    if not isinstance(found, types.FunctionType):
        raise ConversionError(
            f"converting {entity}: ValueError: Cannot apply autograph to a function that doesn't expose a __code__ "
            "object. If this is a @tf.function, try passing f.python_function instead."
        )
    return found


@export(
    "autograph.to_graph",
    old=Old("entity, recursive=True, arg_values=None, arg_types=None, experimental_optional_features=None"),
)
def to_graph(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> Any:
    """The function whose control flow also works on symbolic tensors.

    >>> f = tf.autograph.to_graph(lambda x: x if x > 0 else -x)
    >>> f(-3)
    3
    """
    options = ConversionOptions(recursive, True, experimental_optional_features)
    function = _function(entity)
    try:
        made = convert.convert_function(function, runtime_for(options))
    except (NoSource, convert.Unsupported) as error:
        raise ConversionError(f"converting {entity}: {type(error).__name__}: {error}") from error
    made = types.FunctionType(
        made.__code__, made.__globals__, f"tf__{_plain(made.__name__)}", made.__defaults__, made.__closure__
    )
    made.__kwdefaults__, made.__module__ = function.__kwdefaults__, function.__module__
    convert.artifact(made)
    return types.MethodType(made, entity.__self__) if inspect.ismethod(entity) else made


def _plain(name: str) -> str:
    return "lam" if name == "<lambda>" else name


@export(
    "autograph.to_code",
    old=Old(
        "entity, recursive=True, arg_values=None, arg_types=None, indentation='  ', experimental_optional_features=None"
    ),
)
def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """The text of what `to_graph` makes of a function."""
    options = ConversionOptions(recursive, True, experimental_optional_features)
    try:
        return convert.code_text(_function(entity), options)
    except (NoSource, convert.Unsupported) as error:
        raise ConversionError(f"converting {entity}: {type(error).__name__}: {error}") from error


@export("autograph.experimental.do_not_convert", v2=("__internal__.autograph.do_not_convert",))
def do_not_convert(func: Any = None) -> Any:
    """A decorator: the function, and what it calls, runs as it is written."""
    if func is None:
        return do_not_convert
    context = ControlStatusCtx(Status.DISABLED)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context:
            return func(*args, **kwargs)

    artifact_wrapper(wrapper, func)
    wrapper.__dict__["autograph_do_not_convert__"] = wrapper.__code__
    return wrapper


@export("autograph.experimental.set_loop_options")
def set_loop_options(
    parallel_iterations: Any = None,
    swap_memory: Any = None,
    maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:
    """As a statement of a loop's body: options of the `while_loop` that the loop becomes; elsewhere it does nothing.

    `shape_invariants` is a list of (variable, shape) for variables whose shape changes from turn to turn.
    """


export(v2=("__internal__.autograph.tf_convert",))(tf_convert)


def convert_for_tracing(f: Callable[..., Any], optional_features: Any = None) -> Callable[..., Any]:
    """What `tf.function` traces: `f` converted with the features that the user asked for."""
    return converted(f, ConversionOptions(True, False, optional_features))
