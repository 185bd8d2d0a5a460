"""`combine(mode=["graph", "eager"], n=[1, 2])` and `@generate(...)`: one test for each combination of arguments."""

import contextlib
import functools
import inspect
from collections import OrderedDict

from absl.testing import parameterized

from penstock.base.export import export

HOME = "__internal__.test.combinations."


@export(v2=(HOME + "TestCombination",))
class TestCombination:
    """What some arguments mean: whether the test runs, in which contexts, and what it is given in their place."""

    __test__ = False

    def should_execute_combination(self, kwargs):
        """(does the test run?, why not)"""
        return True, None

    def parameter_modifiers(self):
        """Objects that change or drop arguments."""
        return []

    def context_managers(self, kwargs):
        """Contexts that the test runs in."""
        return []


@export(v2=(HOME + "ParameterModifier",))
class ParameterModifier:
    """Changes what a test is given."""

    DO_NOT_PASS_TO_THE_TEST = object()

    def __init__(self, parameter_name=None):
        self._parameter_name = parameter_name

    def modified_arguments(self, kwargs, requested_parameters):
        """{name: its new value, or DO_NOT_PASS_TO_THE_TEST}."""
        return {}

    def __eq__(self, other):
        if self is other:
            return True
        return type(self) is type(other) and self._parameter_name == other._parameter_name

    __hash__ = object.__hash__


@export(v2=(HOME + "OptionalParameter",))
class OptionalParameter(ParameterModifier):
    """An argument that a test need not take."""

    def modified_arguments(self, kwargs, requested_parameters):
        if self._parameter_name in requested_parameters:
            return {}
        return {self._parameter_name: ParameterModifier.DO_NOT_PASS_TO_THE_TEST}


@export(v2=(HOME + "NamedObject",))
class NamedObject:
    """An argument with a name of its own in the name of the test."""

    def __init__(self, name, obj):
        self._name, self._obj = name, obj

    def __getattr__(self, name):
        return getattr(self._obj, name)

    def __call__(self, *args, **kwargs):
        return self._obj(*args, **kwargs)

    def __iter__(self):
        return iter(self._obj)

    def __repr__(self):
        return self._name


@export(v2=(HOME + "combine",))
def combine(**kwargs):
    """All combinations of the arguments' values, as dictionaries."""
    if not kwargs:
        return [OrderedDict()]
    (key, values), *rest = sorted(kwargs.items())
    if not isinstance(values, list):
        values = [values]
    return [OrderedDict([(key, v), *c.items()]) for v in values for c in combine(**dict(rest))]


@export(v2=(HOME + "times",))
def times(*combined):
    """Every combination of one list with every one of the others."""
    if len(combined) == 1:
        return combined[0]
    made = []
    for one in combined[0]:
        for other in times(*combined[1:]):
            if set(one) & set(other):
                raise ValueError(f"Keys need to not overlap: {one.keys()} vs {other.keys()}")
            made.append(OrderedDict([*one.items(), *other.items()]))
    return made


def _get_name(value, index):
    text = (
        value.__name__
        if not isinstance(value, NamedObject) and hasattr(value, "__name__") and inspect.isclass(value)
        else str(value) if isinstance(value, NamedObject | str | int | float | bool | None) else repr(value)
    )
    plain = "".join(filter(str.isalnum, text))
    return plain if plain else str(index)


def _runner(test_method, extensions):
    """The method, run with its arguments changed and in the contexts that the extensions say."""

    def decorated(self, **kwargs):
        given = dict(kwargs)
        for extension in extensions:
            runs, reason = extension.should_execute_combination(given.copy())
            if not runs:
                self.skipTest(" - ".join([reason, str(given)]) if reason else str(given))
        modified = {}
        parameters = inspect.signature(test_method).parameters
        takes = list(parameters)
        modifiers = [*[m for e in extensions for m in e.parameter_modifiers()]]
        named = {m._parameter_name for m in modifiers}
        modifiers += [OptionalParameter(k) for k in given if k not in named and k in ("mode", "tf_api_version")]
        for modifier in modifiers:
            modified.update(modifier.modified_arguments(given.copy(), takes))
        passed = {k: modified.get(k, v) for k, v in given.items()}
        passed = {k: v for k, v in passed.items() if v is not ParameterModifier.DO_NOT_PASS_TO_THE_TEST}
        unknown = set(passed) - set(takes)
        if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            raise ValueError(f"The following arguments were passed to the test function, but it does not take them: {sorted(unknown)}")
        missing = [n for n in takes if n != "self" and n not in passed and parameters[n].default is parameters[n].empty
                   and parameters[n].kind not in (parameters[n].VAR_KEYWORD, parameters[n].VAR_POSITIONAL)]  # fmt: skip
        if missing:
            raise ValueError(f"The test requires parameters whose arguments were not passed: {missing}")
        with contextlib.ExitStack() as stack:
            for extension in extensions:
                for manager in extension.context_managers(given.copy()) or ():
                    stack.enter_context(manager)
            test_method(self, **passed)

    return decorated


@export(v2=(HOME + "generate",))
def generate(combinations, test_combinations=()):
    """A decorator of test methods and classes: one test for each combination, the extensions say what arguments mean."""
    return _generate(combinations, list(test_combinations))


def _generate(combinations, extensions):
    def decorate(thing):
        if inspect.isclass(thing):
            for name, value in list(vars(thing).items()):
                if callable(value) and name.startswith("test"):
                    setattr(thing, name, decorate(value))
            names, methods = dict(vars(thing)), {}
            for name, value in names.items():
                if name.startswith("test") and hasattr(value, "__iter__"):
                    parameterized._update_class_dict_for_param_test_case(
                        thing.__name__, methods, thing.__dict__.get("_test_params_reprs", {}), name, iter(value)
                    )
                    delattr(thing, name)
            for name, value in methods.items():
                setattr(thing, name, value)
            return thing
        named = []
        for combination in combinations:
            if not isinstance(combination, OrderedDict):
                raise TypeError(f"`combinations` must be a list of OrderedDict. Received: {combination!r}")
            text = "".join(
                "_{}_{}".format("".join(filter(str.isalnum, k)), _get_name(v, i)) for i, (k, v) in enumerate(sorted(combination.items()))
            )
            named.append(OrderedDict([*combination.items(), ("testcase_name", f"_test{text}")]))
        method = functools.wraps(thing)(_runner(thing, extensions)) if extensions else thing
        if hasattr(method, "__wrapped__"):
            del method.__wrapped__
        return parameterized.named_parameters(*named)(method)

    return decorate
