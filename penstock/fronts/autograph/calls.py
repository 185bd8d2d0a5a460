"""Calls from converted code: which functions are converted in turn, and which run as they are."""

import builtins
import functools
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

from penstock.fronts.autograph import builtin_functions, convert, flow, growing, logic, loops, undefined
from penstock.fronts.autograph.builtin_functions import OVERLOADS
from penstock.fronts.autograph.context import (
    ControlStatusCtx,
    ConversionOptions,
    Feature,
    Status,
    control_status_ctx,
    say,
    verbosity,
    warn_unconverted,
)
from penstock.fronts.autograph.source import NoSource
from penstock.ir import door

LIBRARIES = frozenset({
    "penstock", "tensorflow", "numpy", "scipy", "jax", "jaxlib", "ml_dtypes", "keras", "tensorboard", "optree", "absl",
    "google", "PIL", "matplotlib", "pandas", "sklearn", "pytest", "_pytest", "pluggy", "hypothesis", "IPython", "ipdb",
    "h5py", "grpc", "tf_keras", "tensorflow_probability", "click", "rich", "psutil", "mock", "wrapt", "attr", "attrs",
})  # fmt: skip
"""Packages whose functions have no control flow on tensors of the user's."""


class Runtime:
    """What converted code calls `ag__`: the operators, and how the functions it calls are converted."""

    if_stmt = staticmethod(flow.if_stmt)
    while_stmt = staticmethod(loops.while_stmt)
    for_stmt = staticmethod(loops.for_stmt)
    and_, or_, not_ = map(staticmethod, (logic.and_, logic.or_, logic.not_))
    compare, eq, not_eq = map(staticmethod, (logic.compare, logic.eq, logic.not_eq))
    if_exp, assert_stmt = staticmethod(logic.if_exp), staticmethod(logic.assert_stmt)
    ld, ldu, ret = map(staticmethod, (undefined.ld, undefined.ldu, undefined.ret))
    defined, deleted = staticmethod(undefined.defined), staticmethod(undefined.deleted)
    artifact = staticmethod(convert.artifact)
    list_append = staticmethod(growing.list_append)
    Undefined = undefined.Undefined
    NO_RETURN = undefined.NO_RETURN
    UndefinedReturnValue = undefined.NOT_YET

    def __init__(self, options: ConversionOptions):
        self.options = options

    def call(self, f: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call `f`, converted first where it should be."""
        kind = type(f)
        if kind is types.BuiltinFunctionType or kind is type or kind in _PLAIN_KINDS:
            return self.builtin(f, args, kwargs)
        if not self.options.recursive:
            return f(*args, **kwargs)
        target = resolve(f, self)
        if target is None:
            return f(*args, **kwargs)
        if Feature.NAME_SCOPES in self.options.optional_features and door.current().is_graph:
            from penstock.ir.scope import scoped

            with scoped(None, getattr(f, "__name__", "call")):
                return target(*args, **kwargs)
        return target(*args, **kwargs)

    def builtin(self, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            found = OVERLOADS.get(f)
        except TypeError:  # not hashable
            found = None
        if found is None:
            if f is builtins.print and self.options.uses(Feature.BUILTIN_FUNCTIONS):
                return builtin_functions.print_(*args, **kwargs)
            if f is functools.reduce and args:
                return f(self.callee(args[0]), *args[1:], **kwargs)
            return f(*args, **kwargs)
        if f in _TAKES_FUNCTION and args:
            args = (self.callee(args[0]), *args[1:])
        if callable(kwargs.get("key")):
            kwargs = {**kwargs, "key": self.callee(kwargs["key"])}
        return found(*args, **kwargs)

    def callee(self, f: Any) -> Any:
        """A function handed to a builtin, converted."""
        return functools.partial(self.call, f) if callable(f) and not isinstance(f, type) else f


_PLAIN_KINDS = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
)
_TAKES_FUNCTION = (map, filter)


@functools.lru_cache(maxsize=64)
def runtime_for(options: ConversionOptions) -> Runtime:
    """The runtime of converted code with these options."""
    return Runtime(options)


def resolve(f: Any, runtime: Runtime) -> Callable[..., Any] | None:
    """The converted form of a callable; None when it runs as it is."""
    if isinstance(f, functools.partial):
        inner = resolve(f.func, runtime)
        return None if inner is None else functools.partial(inner, *f.args, **(f.keywords or {}))
    if isinstance(f, types.MethodType):
        inner = resolve(f.__func__, runtime)
        return None if inner is None else types.MethodType(inner, f.__self__)
    if isinstance(f, type):
        return None
    if not isinstance(f, types.FunctionType):
        call = getattr(type(f), "__call__", None)  # noqa: B004
        if not isinstance(call, types.FunctionType) or is_library(f):
            return None
        inner = resolve(call, runtime)
        return None if inner is None else types.MethodType(inner, f)
    if is_unconverted(f):
        return None
    try:
        return convert.convert_function(f, runtime)
    except NoSource as error:
        if f.__code__.co_filename.startswith("<") and verbosity() < 1:
            say(1, "%s: %s", f, error)
        warn_unconverted(f, str(error))
    except convert.Unsupported as error:
        warn_unconverted(f, str(error))
    except Exception as error:  # a program must not fail because a conversion does
        if verbosity() >= 10:
            raise
        warn_unconverted(f, f"{type(error).__name__}: {error}")
    return None


def is_library(f: Any) -> bool:
    """Does a function belong to a package (or the standard library) that is never converted?"""
    if isinstance(f, types.FunctionType):
        module = f.__globals__.get("__name__")  # where it was written, whatever a wrapper copied from what it wraps
        if module is None or module == "builtins":
            return False  # made by `exec`
    else:
        module = getattr(type(f), "__module__", None)
    if not isinstance(module, str):
        return True
    top = module.partition(".")[0]
    return top in LIBRARIES or (top in sys.stdlib_module_names and top != "__main__")


def is_unconverted(f: types.FunctionType) -> bool:
    """Is it converted already, kept from it, or of a library?"""
    if convert.is_artifact(f) or getattr(f, "autograph_do_not_convert__", None) is f.__code__:
        return True
    return is_library(f)


def converted_or_same(f: Callable[..., Any], options: ConversionOptions) -> Callable[..., Any]:
    """A callable whose control flow works on tensors: `f` converted, or `f` where that cannot be."""
    if isinstance(f, types.FunctionType) and f.__globals__.get("__name__", "").partition(".")[0] == "tf_keras" and not f.__code__.co_flags & inspect.CO_GENERATOR:
        if not convert.is_artifact(f) and getattr(f, "autograph_do_not_convert__", None) is not f.__code__:
            try:  # its training loops are functions with control flow on tensors, which it hands to tf.function itself
                return convert.convert_function(f, runtime_for(options))
            except (NoSource, convert.Unsupported):
                return f
    return resolve(f, runtime_for(options)) or f


def in_context(f: Callable[..., Any], context: ControlStatusCtx) -> Callable[..., Any]:
    """`f`, run in a context."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context:
            return f(*args, **kwargs)

    try:
        functools.update_wrapper(wrapper, f)
    except AttributeError:
        pass
    return wrapper


def tf_convert(
    f: Callable[..., Any],
    ctx: ControlStatusCtx | None = None,
    convert_by_default: bool = True,
    user_requested: bool = False,
) -> Any:
    """`f` as the context wants it: converted where code is being converted, unconverted inside `do_not_convert`."""
    if convert.is_artifact(f):
        return f
    ctx = ctx or control_status_ctx()
    if ctx.status is Status.ENABLED:
        options = ctx.options or ConversionOptions()
    elif ctx.status is Status.UNSPECIFIED and convert_by_default:
        options = ConversionOptions(user_requested=user_requested)
    else:
        return in_context(f, ControlStatusCtx(Status.DISABLED))
    return converted(f, options)


def converted(f: Callable[..., Any], options: ConversionOptions) -> Callable[..., Any]:
    """`f` converted when it is first called; meanwhile code counts as being converted."""
    if getattr(f, "autograph_do_not_convert__", None) is getattr(f, "__code__", f):
        return f
    context = ControlStatusCtx(Status.ENABLED, options)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context:
            return growing.without_growing(converted_or_same(f, options)(*args, **kwargs))

    if inspect.isfunction(f) or inspect.ismethod(f):
        functools.update_wrapper(wrapper, f)
    return artifact_wrapper(wrapper, f)


def artifact_wrapper(wrapper: Any, f: Any) -> Any:
    """Mark a wrapper as needing no conversion of its own."""
    wrapper.__dict__.pop("autograph_info__", None)
    wrapper.ag_original__ = f
    return convert.artifact(wrapper)
