"""Public namespaces without boilerplate: `names.txt` is the lazy index, the golden contract and the docs' list at once.

A namespace is a module made from a prefix of public names: `penstock.linalg` serves `linalg.*`, `penstock.compat.v1`
serves `compat.v1.*`.  A name is looked up when it is first used; only then is the module that holds it imported.
"""

import sys
from bisect import bisect_left
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from os.path import dirname, exists, join
from types import ModuleType

V1 = "compat.v1."
FOLDER = dirname(dirname(__file__))
FLOORS = frozenset(("api", "base", "cli", "engine", "fronts", "ir", "ops", "state"))
"""Packages of penstock that no public namespace shares its name with."""
START = ["penstock.api.start"]
"""The module that fills the slots of the lower floors (default emitter, operators, ...), imported at first use."""
OF_KERAS = {"": ("keras", "losses", "metrics", "optimizers"), V1: ("keras",)}
"""Namespaces that the keras package serves."""
LIGHT = ("penstock.base.", "penstock.platform.", "penstock.cli.")
"""Modules that run no ops: flags, errors, dtypes are there without the engine."""


class Index:
    """The public names and where each one lives, read from a sorted text file at first use."""

    def __init__(self, path):
        self.path = path
        self._targets = None
        self._order = ()

    def _load(self):
        words = []
        if exists(self.path):  # it is not there while make.py writes it for the first time
            with open(self.path, encoding="utf-8") as file:
                words = file.read().split()
        self._order = words[::2]
        self._targets = dict(zip(self._order, words[1::2]))
        return self._targets

    def get(self, name):
        """`penstock.ops.linalg:matmul` for `linalg.matmul`; None for a name that is not public."""
        return (self._targets or self._load()).get(name)

    def under(self, prefix):
        """Every name that starts with `prefix`, without it."""
        at, found, cut = self._at(prefix), [], len(prefix)
        while at < len(self._order) and self._order[at].startswith(prefix):
            found.append(self._order[at][cut:])
            at += 1
        return found

    def has_under(self, prefix):
        """Does any name start with `prefix`?"""
        at = self._at(prefix)
        return at < len(self._order) and self._order[at].startswith(prefix)

    def _at(self, prefix):
        if self._targets is None:
            self._load()
        return bisect_left(self._order, prefix)


INDEX = Index(join(dirname(__file__), "names.txt"))


class MissingName(AttributeError):
    """A name that is not public; the nearest one that is, is searched only when the message is read."""

    def __init__(self, module, prefix, key):
        super().__init__(key, name=key)
        self.module, self.prefix, self.key = module, prefix, key

    def __str__(self):
        near = nearest(self.prefix, self.key)
        return f"module {self.module!r} has no attribute {self.key!r}" + (f"; did you mean {near!r}?" if near else "")

    def __reduce__(self):
        return AttributeError, (str(self),)


MissingName.__module__, MissingName.__name__, MissingName.__qualname__ = "builtins", "AttributeError", "AttributeError"


def nearest(prefix, key):
    """The public name that someone who wrote `prefix + key` most likely meant, as `tf.linalg.matmul`, or ""."""
    from difflib import get_close_matches

    if not prefix.startswith(V1) and INDEX.get(V1 + prefix + key):
        return f"tf.{V1}{prefix}{key}"
    siblings = {n.partition(".")[0] for n in INDEX.under(prefix)}
    for match in get_close_matches(key, siblings - {"compat"} if prefix in ("", V1) else siblings, 1, 0.7):
        return f"tf.{prefix}{match}"
    home = V1 if prefix.startswith(V1) else ""
    same_api = [n for n in INDEX.under(home) if home or not n.startswith((V1, "raw_ops."))]
    for name in same_api:
        if name.rpartition(".")[2] == key:
            return f"tf.{home}{name}"
    for match in get_close_matches(prefix[len(home) :] + key, same_api, 1):
        return f"tf.{home}{match}"
    return ""


def child(prefix, key):
    """The prefix of the namespace `key` inside the namespace of `prefix`; every `compat.v2` is the 2.x root."""
    if prefix in ("compat.", V1 + "compat."):
        if key == "v1":
            return V1
        if key == "v2":
            return ""
    if key == "raw_ops" and prefix == V1:
        return "raw_ops."  # one table of raw ops for both APIs
    return f"{prefix}{key}."


def is_namespace(prefix):
    return prefix in ("", V1, "compat.", V1 + "compat.") or INDEX.has_under(prefix)


def resolve(target):
    """The object that a row of the index names: `penstock.ops.linalg:matmul`, `penstock.ops.reduce:reduce_sum.v1`."""
    module, _, path = target.partition(":")
    if START and not module.startswith(LIGHT):
        import_module(START.pop())
    value = import_module(module)
    for attribute in path.split("."):
        value = getattr(value, attribute)
    return value


class Namespace(ModuleType):
    """A module whose attributes are the public names under one prefix, each found when it is first used."""

    def __init__(self, name, prefix):
        super().__init__(name)
        self.__dict__.update(_prefix=prefix, __path__=[], __file__=join(FOLDER, "__init__.py"))

    def __getattr__(self, key):
        prefix = self.__dict__["_prefix"]
        if key == "__all__":
            return [n for n in dir(self) if not n.startswith("_")]
        target = INDEX.get(prefix + key)
        if target:
            value = import_module("penstock.api.raw").named(key) if prefix == "raw_ops." else resolve(target)
        elif (not key.startswith("_") or key in ("__internal__", "__operators__")) and is_namespace(child(prefix, key)):
            value = import_module(f"{self.__name__}.{key}")
        elif key in OF_KERAS.get(prefix, ()):
            value = import_module("penstock.api.keras_names").find(key, prefix == V1)
        elif key == "python" and prefix.startswith(V1 + "contrib.") and self.__name__.startswith("tensorflow."):
            value = import_module(f"{self.__name__}.python")
        else:
            raise MissingName(self.__name__, prefix, key)
        self.__dict__[key] = value
        return value

    def __setattr__(self, key, value):
        # An imported file of the same name (`penstock/summary/image.py`) does not hide the public `summary.image`.
        if isinstance(value, ModuleType) and not isinstance(value, Namespace) and key not in FLOORS:
            if INDEX.get(self._prefix + key):
                return
        super().__setattr__(key, value)

    def __dir__(self):
        names = {n.partition(".")[0] for n in INDEX.under(self._prefix)}
        names.update(k for k in self.__dict__ if k.startswith("__"))
        if self._prefix in ("compat.", V1 + "compat."):
            names |= {"v1", "v2"}
        elif self._prefix in ("", V1):
            names.update(("compat", *OF_KERAS[self._prefix]))
        return sorted(names)

    def __repr__(self):
        return f"<module {self.__name__!r} of penstock's public API>"


class NamespaceLoader:
    """Makes the module of a namespace that has no file of its own."""

    def __init__(self, prefix):
        self.prefix = prefix

    def create_module(self, spec):
        return Namespace(spec.name, self.prefix)

    def exec_module(self, module):
        """Nothing to run: the names are found when they are used."""


class PackageLoader(SourceFileLoader):
    """Loads a package of penstock that shares its name with a namespace (`penstock.data`): it is both."""

    prefix = ""

    def create_module(self, spec):
        module = Namespace(spec.name, self.prefix)
        module.__dict__["__path__"] = list(spec.submodule_search_locations or ())
        return module


class NamespaceFinder:
    """Lets `import penstock.linalg`, `from penstock.linalg import matmul`, `import penstock.compat.v1` need no file."""

    def __init__(self):
        self.roots = {}  # top-level module name -> prefix it serves

    def prefix_of(self, fullname):
        """The prefix of the namespace that the module `fullname` would be, or None."""
        root, *keys = fullname.split(".")
        prefix = self.roots.get(root)
        if prefix is None or (keys and keys[0] in FLOORS):
            return None
        for key in keys:
            prefix = child(prefix, key)
        return prefix if is_namespace(prefix) else None

    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith("penstock."):
            return None
        if fullname.startswith("penstock.keras"):
            return import_module("penstock.api.alias").keras_spec(fullname, fullname.partition(".")[2])
        prefix = self.prefix_of(fullname)
        if prefix is None:
            return None
        real = PathFinder.find_spec(fullname, path) if path else None
        if real is None or not isinstance(real.loader, SourceFileLoader):
            return ModuleSpec(fullname, NamespaceLoader(prefix), is_package=True)
        real.loader = PackageLoader(real.loader.name, real.loader.path)
        real.loader.prefix = prefix
        return real


FINDER = NamespaceFinder()


def adopt(name):
    """Turn the module `name` (the package itself) into the namespace of the 2.x API."""
    module = sys.modules[name]
    module.__class__ = Namespace
    module.__dict__["_prefix"] = ""
    FINDER.roots[name] = ""
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)
