"""`tensorflow_estimator`, the package that TensorFlow 1.14 to 2.15 kept its Estimators in, on the alias."""

from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

from penstock.api.lazy import INDEX, V1, resolve

ROOT = "tensorflow_estimator"
_HOME = f"{ROOT}.python.estimator"
_API = ("api", "_api", "v1", "v2", "_v1", "_v2")
_OWN = "penstock.estimator."
_PLAIN = ("estimator_lib", "tpu", "tpu.tpu_config", "tpu.tpu_estimator")
PARTS = {
    "canned.baseline": "canned_baseline",
    "canned.boosted_trees": "boosted_trees canned_boosted_trees",
    "canned.dnn": "canned_dnn logit_fns",
    "canned.dnn_linear_combined": "canned_combined",
    "canned.head": "canned_names heads",
    "canned.kmeans": "kmeans",
    "canned.linear": "canned_linear logit_fns",
    "canned.metric_keys": "canned_names",
    "canned.optimizers": "canned_names canned_optimizers",
    "canned.parsing_utils": "parsing_specs",
    "canned.prediction_keys": "canned_names",
    "early_stopping": "early_stopping",
    "estimator": "estimator warm_start_settings",
    "export.export": "export_receivers exporting",
    "export.export_lib": "export_receivers exporting export_output",
    "export.export_output": "export_output",
    "exporter": "exporter",
    "extenders": "extending",
    "head.base_head": "heads",
    "head.binary_class_head": "heads",
    "head.head_utils": "heads",
    "head.multi_class_head": "heads",
    "head.multi_head": "head_multi",
    "head.multi_label_head": "heads",
    "head.regression_head": "heads",
    "hooks.hooks": "extending",
    "inputs.inputs": "inputs",
    "inputs.numpy_io": "inputs",
    "inputs.pandas_io": "inputs",
    "mode_keys": "mode_keys",
    "model_fn": "model_fn mode_keys",
    "run_config": "run_config",
    "training": "training",
    "util": "input_results arguments",
}  # fmt: skip
"""A module below `python.estimator` -> the modules of `penstock.estimator` that define what it defined."""


def _namespace(part):
    """Is this a namespace of `tf.estimator`?"""
    return INDEX.has_under(f"estimator.{part}.") or INDEX.has_under(f"{V1}estimator.{part}.")


def find(fullname, tf1):
    """The spec of a module of `tensorflow_estimator`; None for those that it does not have."""
    inside = fullname.removeprefix(_HOME).lstrip(".") if fullname.startswith(_HOME) else ""
    known = inside in PARTS or any(p.startswith(f"{inside}.") for p in PARTS)
    public = fullname.split(".")[1:]
    if public[:2] == ["python", "estimator"]:
        public = public[2:]
    api = all(p in _API or p == "estimator" or _namespace(p) for p in public)
    if not (known or api or fullname == f"{ROOT}.python" or inside in _PLAIN):
        return None
    return ModuleSpec(fullname, Loader(tf1), is_package=True)


class Loader:
    """Makes one module."""

    def __init__(self, tf1):
        self.tf1 = tf1

    def create_module(self, spec):
        return EstimatorModule(spec.name, self.tf1)

    def exec_module(self, module):
        """Nothing to run: the names are found when they are used."""


class EstimatorModule(ModuleType):
    """A module whose names are those of its counterparts first, then the public ones of `tf.estimator`."""

    def __init__(self, name, tf1):
        super().__init__(name)
        inside = name.removeprefix(_HOME).lstrip(".") if name.startswith(_HOME) else ""
        old = "_v1" in name or ".v1" in name or (tf1 and "v2" not in name)
        below = [p for p in name.split(".") if _namespace(p)]
        prefix = "".join(f"{p}." for p in below[-1:])
        self.__dict__.update(__path__=[], __version__="2.15.0", _inside=inside, _homes=[f"{api}estimator.{prefix}" for api in ((V1, "") if old else ("", V1))])

    def __getattr__(self, key):
        if key.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {key!r}", name=key)
        value = self._find(key)
        self.__dict__[key] = value
        return value

    def _find(self, key):
        for part in PARTS.get(self._inside, "").split():
            value = getattr(import_module(_OWN + part), key, None)
            if value is not None and not isinstance(value, ModuleType):
                return value
        if self._inside.startswith("tpu"):
            value = getattr(import_module("penstock.contrib.tpu.tpu"), key, None)
            if value is not None:
                return value
        for home in self._homes:
            target = INDEX.get(home + key)
            if target:
                return resolve(target)
        try:
            return import_module(f"{self.__name__}.{key}")
        except ImportError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {key!r}", name=key) from None
