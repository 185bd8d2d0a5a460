"""`combinations.generate` of graph and eager tests: the arguments `mode` and `tf_api_version` choose how a test runs."""

from penstock.platform import test_combinations, test_modes
from penstock.platform.test_combinations import (
    NamedObject,
    OptionalParameter,
    ParameterModifier,
    TestCombination,
    combine,
    times,
)
from penstock.state.variables import resource_variables_enabled


class EagerGraphCombination(TestCombination):
    """`mode`: "graph" or "eager"."""

    def context_managers(self, kwargs):
        mode = kwargs.pop("mode", None)
        if mode is None:
            return []
        if mode == "eager":
            return [test_modes.eager_mode()]
        if mode == "graph":
            return [test_modes.graph_mode()]
        raise ValueError(f"Argument 'mode' must be either 'eager' or 'graph'. Received: {mode}.")

    def parameter_modifiers(self):
        return [OptionalParameter("mode")]


class TFVersionCombination(TestCombination):
    """`tf_api_version`: 1 or 2."""

    def should_execute_combination(self, kwargs):
        version = kwargs.pop("tf_api_version", None)
        if version == 1 and resource_variables_enabled():
            return False, "Skipping a TF1.x test when TF2 is enabled."
        if version == 2 and not resource_variables_enabled():
            return False, "Skipping a TF2 test when TF2 is not enabled."
        return True, None

    def parameter_modifiers(self):
        return [OptionalParameter("tf_api_version")]


def generate(combinations, test_combinations=None):  # noqa: F811 - the module's name is the parameter's
    """One test for each combination; `mode` and `tf_api_version` are read, and passed on only where a test takes them."""
    extensions = [EagerGraphCombination(), TFVersionCombination()] if test_combinations is None else test_combinations
    return _plain_generate(combinations, extensions)


_plain_generate = test_combinations.generate
__all__ = ["NamedObject", "OptionalParameter", "ParameterModifier", "TestCombination", "combine", "generate", "times"]
