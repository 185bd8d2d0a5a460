"""The internal modules of `tf.contrib` (`tensorflow.contrib.layers.python.layers.utils`): names of the public part, found by use."""

from importlib import import_module
from importlib.machinery import ModuleSpec

from penstock.api.lazy import INDEX, V1, MissingName, Namespace, resolve

HOME = V1 + "contrib."


def find(fullname):
    """The spec of an internal module of contrib, or None: below a part of contrib that exists, with `python` in its path."""
    parts = fullname.split(".")[2:]
    if len(parts) < 2 or parts[1] != "python" or not INDEX.has_under(f"{HOME}{parts[0]}."):
        return None
    return ModuleSpec(fullname, Loader(parts), is_package=True)


class Loader:
    """Makes one internal module."""

    def __init__(self, parts):
        self.parts = parts

    def create_module(self, spec):
        return ContribModule(spec.name, self.parts)

    def exec_module(self, module):
        """Nothing to run: the names are found when they are used."""


class ContribModule(Namespace):
    """An internal module: its own names first, then those of the public namespaces it may stand for."""

    def __init__(self, name, parts):
        part, rest = parts[0], parts[1:]
        prefixes = [f"{HOME}{'.'.join(parts)}."]
        prefixes += [f"{HOME}{part}.{'.'.join(rest[i:])}." for i in range(1, len(rest))]
        super().__init__(name, prefixes[0])
        self.__dict__["_prefixes"] = [*(p for p in prefixes if INDEX.has_under(p)), f"{HOME}{part}."]

    def __getattr__(self, key):
        if key.startswith("__"):
            raise AttributeError(key)
        for prefix in self.__dict__["_prefixes"]:
            target = INDEX.get(prefix + key)
            if target:
                value = resolve(target)
                self.__dict__[key] = value
                return value
        below = [p for p in self.__dict__["_prefixes"] if INDEX.has_under(f"{p}{key}.")]
        if not key.startswith("_") and (below[:1] == [self._prefix] or key in ("python", "ops", "layers", "training", "slim")):
            return import_module(f"{self.__name__}.{key}")
        if not key.startswith("_") and below:
            return import_module(f"{self.__name__.partition('.')[0]}.{self._prefixes[-1][len(V1):]}{key}")
        raise MissingName(self.__name__, self._prefix, key)
