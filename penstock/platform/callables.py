"""What `tensorflow.python.util` says of functions and modules: their arguments and names, modules loaded when used."""

import functools
import importlib
import inspect
import sys
import types


def fn_args(fn):
    """The names of the positional parameters; of a partial those that are left, of a method those behind `self`."""
    if isinstance(fn, functools.partial):
        names = fn_args(fn.func)[len(fn.args) :]
        return tuple(n for n in names if n not in (fn.keywords or {}))
    if callable(fn) and inspect.ismethod(fn.__call__):
        fn = fn.__call__
    names = inspect.getfullargspec(inspect.unwrap(fn) if not inspect.ismethod(fn) else fn).args
    if inspect.ismethod(fn) or inspect.isclass(fn):
        names = names[1:]
    return tuple(names)


def has_kwargs(fn):
    """Does the function take any keyword?"""
    if isinstance(fn, functools.partial):
        fn = fn.func
    elif not callable(fn):
        raise TypeError(f"Argument `fn` should be a callable. Received: fn={fn} (of type {type(fn)})")
    elif not inspect.isroutine(fn) and not inspect.isclass(fn):
        fn = fn.__call__
    return inspect.getfullargspec(fn).varkw is not None


def get_func_name(func):
    """The name of a function, method or partial."""
    func = inspect.unwrap(func)
    if not callable(func):
        raise ValueError(f"Argument `func` must be a callable. Received func={func} (of type {type(func)})")
    if inspect.isfunction(func):
        return func.__name__
    if inspect.ismethod(func):
        return f"{type(func.__self__).__name__}.{func.__func__.__name__}"
    if isinstance(func, functools.partial):
        return get_func_name(func.func)
    return str(type(func))


def get_func_code(func):
    """The code object of a function, or of an object's `__call__`."""
    func = inspect.unwrap(func)
    if not callable(func):
        raise ValueError(f"Argument `func` must be a callable. Received func={func} (of type {type(func)})")
    if hasattr(func, "__code__"):
        return func.__code__
    return getattr(type(func).__call__, "__code__", None)


class LazyLoader(types.ModuleType):
    """A module that is imported when one of its names is first used."""

    def __init__(self, local_name, parent_module_globals, name, warning=None):
        super().__init__(name)
        self._local_name, self._parent_module_globals, self._warning = local_name, parent_module_globals, warning

    def _load(self):
        module = importlib.import_module(self.__name__)
        self._parent_module_globals[self._local_name] = module
        self.__dict__.update(module.__dict__)
        return module

    def __getattr__(self, item):
        return getattr(self._load(), item)

    def __dir__(self):
        return dir(self._load())


def extract_stack(stacklevel=1):
    """The frames of the caller, the outermost first."""
    import traceback

    return traceback.extract_stack(sys._getframe(stacklevel))
