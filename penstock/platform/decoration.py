"""`tensorflow.python.util.tf_decorator`: decorators that know what they decorate."""

import inspect

from penstock.fronts.function import Function


class TFDecorator:
    """One decorator: its name, what it decorates, the signature and the documentation that it gives it."""

    def __init__(self, decorator_name, target, decorator_doc="", decorator_argspec=None):
        self._decorated_target, self._decorator_name = target, decorator_name
        self._decorator_doc, self._decorator_argspec = decorator_doc, decorator_argspec
        for name in ("__name__", "__qualname__"):
            if hasattr(target, name):
                setattr(self, name, getattr(target, name))
        self.__doc__ = decorator_doc or getattr(target, "__doc__", "") or ""
        if decorator_argspec:
            self.__signature__ = fullargspec_to_signature(decorator_argspec)
        elif callable(target):
            try:
                self.__signature__ = inspect.signature(target)
            except (TypeError, ValueError):
                pass

    def __get__(self, instance, owner):
        return self._decorated_target.__get__(instance, owner)

    def __call__(self, *args, **kwargs):
        return self._decorated_target(*args, **kwargs)

    decorated_target = property(
        lambda self: self._decorated_target, lambda self, target: setattr(self, "_decorated_target", target)
    )
    decorator_name = property(lambda self: self._decorator_name)
    decorator_doc = property(lambda self: self._decorator_doc)
    decorator_argspec = property(lambda self: self._decorator_argspec)


def fullargspec_to_signature(fullargspec):
    """The signature of a FullArgSpec."""
    kinds, no = inspect.Parameter, inspect.Parameter.empty
    defaults = dict(zip(fullargspec.args[::-1], (fullargspec.defaults or ())[::-1]))
    made = [kinds(n, kinds.POSITIONAL_OR_KEYWORD, default=defaults.get(n, no)) for n in fullargspec.args]
    if fullargspec.varargs is not None:
        made.append(kinds(fullargspec.varargs, kinds.VAR_POSITIONAL))
    made += [kinds(n, kinds.KEYWORD_ONLY, default=(fullargspec.kwonlydefaults or {}).get(n, no)) for n in fullargspec.kwonlyargs]
    if fullargspec.varkw:
        made.append(kinds(fullargspec.varkw, kinds.VAR_KEYWORD))
    return inspect.Signature(made)


def make_decorator(target, decorator_func, decorator_name=None, decorator_doc="", decorator_argspec=None):
    """`decorator_func` with the name, documentation and signature of `target`, which `unwrap` finds in it."""
    if decorator_name is None:
        decorator_name = inspect.currentframe().f_back.f_code.co_name
    made = TFDecorator(decorator_name, target, decorator_doc, decorator_argspec)
    decorator_func._tf_decorator = made
    for name in ("__name__", "__qualname__", "__module__"):
        if hasattr(target, name):
            setattr(decorator_func, name, getattr(target, name))
    if hasattr(target, "__dict__"):
        for name, value in vars(target).items():
            if name not in vars(decorator_func):
                setattr(decorator_func, name, value)
    decorator_func.__doc__ = made.__doc__
    decorator_func.__wrapped__ = target
    decorator_func.__original_wrapped__ = target
    if hasattr(made, "__signature__"):
        decorator_func.__signature__ = made.__signature__
    return decorator_func


def _decorator_of(thing):
    if isinstance(thing, TFDecorator):
        return thing
    found = getattr(thing, "_tf_decorator", None)
    if found is None and isinstance(thing, Function):
        found = thing._tf_decorator = TFDecorator("tf.function", thing.python_function)
    kept = getattr(thing, "__original_wrapped__", thing)
    return found if kept is getattr(thing, "__wrapped__", kept) else None


def unwrap(maybe_tf_decorator):
    """([the decorators, the outermost first], what they decorate)."""
    layers, inner = [], maybe_tf_decorator
    while (found := _decorator_of(inner)) is not None:
        layers.append(found)
        inner = found.decorated_target
    return layers, inner


def rewrap(decorator_func, previous_target, new_target):
    """Let the decorators of `decorator_func` decorate `new_target` where they decorated `previous_target`."""
    innermost, inner = None, decorator_func
    while (found := _decorator_of(inner)) is not None:
        innermost, inner = found, found.decorated_target
        if inner is previous_target:
            break
    if innermost is None:
        return new_target
    innermost.decorated_target = new_target
    return decorator_func
