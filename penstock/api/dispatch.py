"""`tf.experimental.dispatch_for_api` and its kin: public functions that run other code for values of a user's class.

A function that nobody dispatches costs nothing: it is replaced by one that looks at its arguments' types when the first
handler for it is registered, everywhere that it is known by name.
"""

import collections.abc
import functools
import inspect
import sys
import threading
import types
import typing

from penstock.api.dispatch_order import UNKNOWN, as_inner
from penstock.api.lazy import INDEX, V1, resolve
from penstock.base import nest
from penstock.base.export import PUBLIC, export
from penstock.ir.tensor import Tensor

UNARY = (
    "abs acos acosh as_string asin asinh atan atanh bitwise.invert cast clip_by_value compat.v1.nn.log_softmax compat.v1.ones_like "
    "compat.v1.string_to_hash_bucket compat.v1.strings.length compat.v1.strings.substr compat.v1.substr compat.v1.to_bfloat16 "
    "compat.v1.to_complex128 compat.v1.to_complex64 compat.v1.to_double compat.v1.to_float compat.v1.to_int32 compat.v1.to_int64 "
    "compat.v1.zeros_like cos cosh debugging.check_numerics exp floor image.adjust_brightness image.adjust_gamma "
    "image.convert_image_dtype image.random_brightness image.stateless_random_brightness io.decode_base64 io.decode_compressed "
    "io.encode_base64 logical_not math.angle math.bessel_i0 math.bessel_i0e math.bessel_i1 math.bessel_i1e math.ceil math.conj "
    "math.digamma math.erf math.erfc math.erfcinv math.erfinv math.expm1 math.imag math.is_finite math.is_inf math.is_nan math.lgamma "
    "math.log math.log1p math.log_sigmoid math.ndtri math.nextafter math.real math.reciprocal math.reciprocal_no_nan math.rint "
    "math.rsqrt math.special.bessel_j0 math.special.bessel_j1 math.special.bessel_k0 math.special.bessel_k0e math.special.bessel_k1 "
    "math.special.bessel_k1e math.special.bessel_y0 math.special.bessel_y1 math.special.dawsn math.special.expint "
    "math.special.fresnel_cos math.special.fresnel_sin math.special.spence negative nn.elu nn.gelu nn.leaky_relu nn.relu nn.relu6 "
    "nn.selu nn.silu nn.softplus nn.softsign ones_like round saturate_cast sigmoid sign sin sinh sqrt square strings.length "
    "strings.lower strings.regex_full_match strings.regex_replace strings.strip strings.substr strings.to_hash_bucket "
    "strings.to_hash_bucket_fast strings.to_hash_bucket_strong strings.to_number strings.unicode_script strings.unicode_transcode "
    "strings.upper tan tanh zeros_like "
).split()
BINARY = (
    "add atan2 bitwise.bitwise_and bitwise.bitwise_or bitwise.bitwise_xor bitwise.left_shift bitwise.right_shift compat.v1.div "
    "compat.v1.floor_div compat.v1.scalar_mul complex divide equal greater greater_equal less less_equal logical_and logical_or "
    "math.divide_no_nan math.floordiv math.logical_xor math.mod math.multiply_no_nan math.squared_difference math.xdivy math.xlog1py "
    "math.xlogy math.zeta maximum minimum multiply nn.sigmoid_cross_entropy_with_logits not_equal pow realdiv scalar_mul subtract "
    "truediv truncatediv truncatemod "
).split()
ASSERTS = (
    "assert_equal assert_greater assert_less compat.v1.assert_equal compat.v1.assert_greater compat.v1.assert_greater_equal "
    "compat.v1.assert_less compat.v1.assert_less_equal compat.v1.assert_near compat.v1.assert_none_equal debugging.assert_greater_equal "
    "debugging.assert_less_equal debugging.assert_near debugging.assert_none_equal "
).split()
"""Public names of the functions of each element of one value, of two, and of the assertions about two."""

_handlers = {"unary": {}, "binary": {}, "assert": {}}  # types -> handler
_global = []  # GlobalOpDispatchers
_listed = {}  # function -> "unary", "binary" or "assert"


class Dispatchable:
    """Who runs in a function's place: signatures by type, and fallbacks for when it fails."""

    def __init__(self, api):
        self.api, self.signature = api, inspect.signature(api)
        self.typed, self.fallbacks, self.elementwise = [], [], []
        self.call = None

    def find(self, args, kwargs):
        """What the registered code makes of the arguments, or NotImplemented."""
        try:
            bound = self.signature.bind(*args, **kwargs).arguments
        except TypeError:
            return NotImplemented
        matching = []
        for target, checkers in self.typed:
            if target not in matching and all(n in bound and check(bound[n]) for n, check in checkers.items()):
                matching.append(target)
        if len(matching) > 1:
            raise ValueError(
                f"Multiple dispatch targets that were registered with tf.dispatch_for "
                f"({' and '.join(map(repr, matching))}) match the arguments to {self.api.__name__}"
            )
        if matching:
            return matching[0](*args, **kwargs)
        for arity, checkers, handler in self.elementwise:
            names = list(self.signature.parameters)[:arity]
            if all(n in bound and check(bound[n]) for n, check in zip(names, checkers)):
                rest = {k: v for k, v in bound.items() if k not in names and k != "name"}
                call = self.call if not rest else _with(self.call, rest)
                return handler(call, *[bound[n] for n in names])
        return NotImplemented


def _with(api, rest):
    return lambda *values: api(*values, **rest) if "args" not in rest else api(*values, *rest["args"])


def dispatchable(api):
    """The Dispatchable of a function, which from now on asks it first."""
    found = getattr(api, "_dispatchable", None)
    if found is not None:
        return found
    if isinstance(api, types.MethodType) and isinstance(api.__self__, type):
        return _of_class_method(api.__self__, api.__func__)
    if not isinstance(api, types.FunctionType) or not _is_public(api):
        raise ValueError(f"{api} does not support dispatch.")
    state = _wrapped(api)
    _replace({id(api): (api, state.call)})
    return state


def _of_class_method(owner, function):
    """The Dispatchable of a method of a class; its handlers get the class as the first argument."""
    owner = next(c for c in owner.__mro__ if function.__name__ in c.__dict__)
    state = _wrapped(function)
    setattr(owner, function.__name__, classmethod(state.call))
    return state


def _wrapped(api):
    """The Dispatchable of a function, which knows what is to be called in its place."""
    state = Dispatchable(api)
    own = getattr(api, "_takes_dispatch", False)  # a library's: what it calls of ours is asked about first

    @functools.wraps(api)
    def call(*args, **kwargs):
        if state.typed or state.elementwise:
            found = state.find(args, kwargs)
            if found is not NotImplemented:
                return found
        if not state.fallbacks and not _global:
            return api(*args, **kwargs)
        outermost = not _inside.deep
        _inside.deep = not own or not outermost
        try:
            return api(*args, **kwargs)
        except (TypeError, ValueError, AttributeError):
            _inside.deep = not outermost
            found = _fallback(state, args, kwargs, outermost)
            if found is OpDispatcher.NOT_SUPPORTED:
                raise
            return found
        finally:
            _inside.deep = not outermost

    call.__signature__ = state.signature
    call._dispatchable, state.call = state, call
    return state


def _is_public(api):
    return f"{api.__module__}:{api.__qualname__}" in _targets() or getattr(api, "_takes_dispatch", False)


def _targets():
    if not _known:
        INDEX.get("")
        _known.update(INDEX._targets.values())
        _known.update(PUBLIC.values())
    return _known


_known = set()


def _replace(changed):
    """{id of a function: (it, what takes its place)}: put the new ones wherever a module knows the old ones by name."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if type(names) is dict:
            for name, value in list(names.items()):
                found = changed.get(id(value))
                if found is not None and found[0] is value:
                    names[name] = found[1]


class _Inside(threading.local):
    deep = False


_inside = _Inside()
"""Is a public function running?  The global dispatchers are asked about the outermost one alone."""


def _fallback(state, args, kwargs, outermost=True):
    call, args, kwargs = as_inner(state.call, args, kwargs) if _global else (state.call, args, kwargs)
    if call is not state.call:
        state = getattr(call, "_dispatchable", state)
    for dispatcher in state.fallbacks:
        found = dispatcher.handle(args, kwargs)
        if found is not OpDispatcher.NOT_SUPPORTED:
            return found
    for dispatcher in _global if outermost else ():
        found = dispatcher.handle(call, args, kwargs)
        if found is not OpDispatcher.NOT_SUPPORTED:
            return found
    return OpDispatcher.NOT_SUPPORTED


# -- annotations -> checks ---------------------------------------------------------------------------------------------
def make_type_checker(annotation):
    """A function that says whether a value is what the annotation says."""
    if annotation is typing.Any or annotation is inspect.Parameter.empty:
        return lambda value: True
    if annotation is None:
        return lambda value: value is None
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        checks = [make_type_checker(a) for a in inner]
        return lambda value: any(c(value) for c in checks)
    if origin in (list, collections.abc.Sequence):
        one = make_type_checker(inner[0])
        return lambda value: isinstance(value, list | tuple) and len(value) > 0 and all(one(v) for v in value)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            one = make_type_checker(inner[0])
            return lambda value: isinstance(value, tuple | list) and all(one(v) for v in value)
        checks = [make_type_checker(a) for a in inner]
        return lambda value: isinstance(value, tuple | list) and len(value) == len(checks) and all(c(v) for c, v in zip(checks, value))
    if origin in (dict, collections.abc.Mapping):
        key, item = map(make_type_checker, inner)
        return lambda value: isinstance(value, collections.abc.Mapping) and all(key(k) and item(v) for k, v in value.items())
    if isinstance(annotation, type):
        return lambda value: isinstance(value, annotation)
    raise TypeError(f"Unsupported type annotation for dispatch: {annotation!r}")


# -- decorators --------------------------------------------------------------------------------------------------------
@export("experimental.dispatch_for_api")
def dispatch_for_api(api, *signatures):
    """Run the decorated function in the place of `api` for arguments of the annotated types.

    `signatures`: dictionaries from parameter names (or positions) to types, where the function has no annotations.
    """
    state = dispatchable(api)
    order = list(state.signature.parameters)

    def decorator(dispatch_target):
        _check_signature(state.signature, dispatch_target)
        given = list(signatures)
        if not given:
            hints = typing.get_type_hints(dispatch_target)
            hints.pop("return", None)
            if not hints:
                raise ValueError(
                    "The dispatch_for_api decorator must be called with at least one signature, or applied to a function "
                    "that has type annotations on its parameters."
                )
            given = [hints]
        for signature in given:
            checkers = {}
            for key, annotation in signature.items():
                if isinstance(key, int):
                    if not -len(order) <= key < len(order):
                        raise ValueError(f"signature includes annotation for unknown parameter {key}.")
                    key = order[key]
                if key not in order:
                    raise ValueError(f"signature includes annotation for unknown parameter {key!r}.")
                checkers[key] = make_type_checker(annotation)
            state.typed.append((_nameless(dispatch_target), checkers))
        return dispatch_target

    return decorator


def _nameless(target):
    """The target; called without `name` where it takes none."""
    parameters = inspect.signature(target).parameters
    if "name" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return target

    @functools.wraps(target)
    def call(*args, **kwargs):
        kwargs.pop("name", None)
        return target(*args[: len(parameters)], **kwargs)

    return call


def _check_signature(wanted, target):
    have = inspect.signature(target)
    plain = lambda s: [(p.name, p.kind) for p in s.parameters.values()]
    if plain(have) not in (plain(wanted), [p for p in plain(wanted) if p[0] != "name"]):
        raise ValueError(f"Dispatch function's signature {have} does not match API's signature {wanted}.")


def _elementwise(kind, arity, types_given, names):
    checkers = [make_type_checker(t) for t in types_given]
    key = types_given if arity > 1 else types_given[0]

    def decorator(handler):
        if key in _handlers[kind]:
            raise ValueError(f"A {kind} elementwise dispatch handler ({_handlers[kind][key]}) has already been registered for {key}.")
        _handlers[kind][key] = handler
        for api in _apis(kind, names):
            dispatchable(api).elementwise.append((arity, checkers, handler))
        return handler

    return decorator


def _apis(kind, names):
    found = []
    for name in names:
        target = INDEX.get(name)
        if target is not None:
            api = resolve(target)
            if isinstance(api, types.FunctionType) and api not in found:
                found.append(api)
    return found + [a for a, k in _listed.items() if k == kind]


@export("experimental.dispatch_for_unary_elementwise_apis")
def dispatch_for_unary_elementwise_apis(x_type):
    """Let the decorated function `handler(api, x)` run in the place of every function of each element, for x of a type."""
    return _elementwise("unary", 1, (x_type,), UNARY)


@export("experimental.dispatch_for_binary_elementwise_apis")
def dispatch_for_binary_elementwise_apis(x_type, y_type):
    """Let `handler(api, x, y)` run in the place of every function of two values' elements, for x and y of these types."""
    return _elementwise("binary", 2, (x_type, y_type), BINARY)


@export("experimental.dispatch_for_binary_elementwise_assert_apis")
def dispatch_for_binary_elementwise_assert_apis(x_type, y_type):
    """Let `handler(api, x, y)` run in the place of the assertions about two values, for x and y of these types."""
    return _elementwise("assert", 2, (x_type, y_type), ASSERTS)


@export("experimental.unregister_dispatch_for")
def unregister_dispatch_for(dispatch_target):
    """Take back what a `dispatch_for_...` decorator registered; ValueError when there was nothing."""
    same = lambda t: t is dispatch_target or getattr(t, "__wrapped__", None) is dispatch_target
    found = False
    for handlers in _handlers.values():
        for key in [k for k, v in handlers.items() if v is dispatch_target]:
            del handlers[key]
            found = True
    for state in _states():
        before = len(state.typed) + len(state.elementwise)
        state.typed = [t for t in state.typed if not same(t[0])]
        state.elementwise = [e for e in state.elementwise if e[2] is not dispatch_target]
        found = found or before != len(state.typed) + len(state.elementwise)
    if not found:
        raise ValueError(f"Function {dispatch_target} was not registered using a `@dispatch_for_*` decorator.")


def _states():
    found = {}
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if type(names) is dict:
            for value in list(names.values()):
                if type(value) is types.FunctionType and "_dispatchable" in value.__dict__:
                    found[id(value)] = value._dispatchable
    return list(found.values())


# -- the older way: `tensorflow.python.util.dispatch` --------------------------------------------------------------------
@export(v2=("__internal__.dispatch.OpDispatcher",))
class OpDispatcher:
    """Is asked what a function's result is when the function itself refuses its arguments."""

    NOT_SUPPORTED = object()

    def handle(self, args, kwargs):
        """The result, or NOT_SUPPORTED."""
        return self.NOT_SUPPORTED

    def register(self, op):
        """Ask this dispatcher when `op` fails."""
        dispatchable(op).fallbacks.append(self)


@export(v2=("__internal__.dispatch.GlobalOpDispatcher",))
class GlobalOpDispatcher:
    """Is asked when any public function refuses its arguments."""

    NOT_SUPPORTED = OpDispatcher.NOT_SUPPORTED

    def handle(self, op, args, kwargs):
        """The result, or NOT_SUPPORTED."""

    def register(self):
        """Ask this dispatcher whenever a public function fails."""
        _global.append(self)
        changed, old = {}, []
        for name in INDEX.under(""):
            if name.startswith(("raw_ops.", "keras.", V1 + "keras.", "__internal__.", "data.", "estimator.")) or name.removeprefix(V1) in UNKNOWN:
                continue
            try:
                api = resolve(INDEX.get(name))
            except (ImportError, AttributeError):
                continue
            ours = type(api) is types.FunctionType and api.__module__.startswith(("penstock.ops.", "penstock.fronts.", "penstock.ir.convert"))
            if ours and not hasattr(api, "_dispatchable") and id(api) not in changed and _is_public(api):
                changed[id(api)] = api, _wrapped(api).call
                if api.__qualname__.endswith(".v1"):
                    old.append((INDEX.get(name).removesuffix(".v1"), api))
        _replace(changed)
        for target, api in old:
            resolve(target).v1 = changed[id(api)][1]


class _TypeBased(OpDispatcher):
    def __init__(self, function, kinds):
        self.function, self.kinds = function, kinds

    def handle(self, args, kwargs):
        if any(isinstance(a, self.kinds) for a in nest.flatten([args, kwargs])):
            return self.function(*args, **kwargs)
        return self.NOT_SUPPORTED


def dispatch_for_types(op, *types):
    """Run the decorated function when `op` refuses arguments of these types."""

    def decorator(function):
        _TypeBased(function, types).register(op)
        return function

    return decorator


@export(v2=("__internal__.dispatch.add_dispatch_support",))
def add_dispatch_support(target=None, iterable_parameters=None):
    """Let a user's own function be dispatched."""

    def decorator(function):
        function._takes_dispatch = True
        return dispatchable(function).call

    return decorator if target is None else decorator(target)


def add_fallback_dispatch_list(target):
    """Let a function have dispatchers for when it fails."""
    return add_dispatch_support(target)


add_dispatch_list = add_fallback_dispatch_list


def dispatch(op, args, kwargs):
    """What the dispatchers of a function (and the global ones) make of the arguments, or NOT_SUPPORTED."""
    return _fallback(dispatchable(op), args, kwargs)


def _register(kind):
    def register(func):
        _listed[func] = kind
        for key, handler in _handlers[kind].items():
            checkers = [make_type_checker(t) for t in (key if isinstance(key, tuple) else (key,))]
            dispatchable(func).elementwise.append((len(checkers), checkers, handler))
        return func

    return register


register_unary_elementwise_api = _register("unary")
register_binary_elementwise_api = _register("binary")
register_binary_elementwise_assert_api = _register("assert")


def unary_elementwise_apis():
    """The functions of each element of one value."""
    return tuple(_apis("unary", UNARY))


def binary_elementwise_apis():
    """The functions of the elements of two values."""
    return tuple(_apis("binary", BINARY))


def type_based_dispatch_signatures_for(cls):
    """{function: [names of the parameters that a class is dispatched for]}."""
    found = {}
    for state in _states():
        for _, checkers in state.typed:
            if any(check(object.__new__(cls)) for check in checkers.values() if issubclass(cls, Tensor) is False):
                found.setdefault(state.call, []).append(list(checkers))
    return found


def register_dispatchable_type(cls):
    """A class decorator: values of the class may be asked for in dispatch."""
    if getattr(cls, "_is_dispatchable", False):
        raise ValueError(f"{cls} has already been registered as a dispatchable type.")
    cls._is_dispatchable = True
    return cls
