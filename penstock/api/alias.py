"""`import tensorflow` means penstock: a finder for the top-level package, its namespaces and internals, and `tf.keras`.

Nothing is written anywhere: the finder stands first in `sys.meta_path` of this process and answers None for what it
does not know, so a real TensorFlow that is installed beside stays as it is.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution

from penstock.api.lazy import FINDER, INDEX, V1, NamespaceLoader, resolve

ROOT = "tensorflow"
VERSIONS = {False: "2.21.0", True: "1.15.5"}
INTERNAL = ("python", "core", "compiler", "tools", "tsl")
"""First parts of TensorFlow's internal modules: all else below `tensorflow` is a public namespace."""
KERAS_WRITES = frozenset(("keras.src.saving.saving_lib", "keras.src.legacy.saving.legacy_h5_format", "keras.src.callbacks.backup_and_restore",
                          "keras.src.backend.tensorflow.trainer"))  # fmt: skip
"""Modules of keras that `keras_files` mends."""


class TensorFlowFinder:
    """Finds `tensorflow` and everything below it."""

    def __init__(self, tf1):
        self.tf1 = tf1

    def find_spec(self, fullname, path=None, target=None):
        root, _, inside = fullname.partition(".")
        if root == "tensorflow_estimator":
            return import_module("penstock.api.estimator_root").find(fullname, self.tf1)
        if root != ROOT:
            return import_module("penstock.api.keras_files").find(fullname, path) if fullname in KERAS_WRITES else None
        first = inside.partition(".")[0]
        if first == "keras":
            return keras_spec(fullname, inside)
        if f"{inside}.".startswith(("compat.v2.keras.", "compat.v1.keras.")):
            return keras_spec(fullname, inside.split(".", 2)[2], inside.startswith("compat.v1"))
        if first == "initializers" and not self.tf1 and has_keras():
            return keras_spec(fullname, f"keras.{inside}")
        if first in INTERNAL:
            from penstock.api.internals import TABLE_OF_MODULES

            known = TABLE_OF_MODULES.knows(inside)
            return ModuleSpec(fullname, InternalLoader(self.tf1), is_package=True) if known else None
        if self.tf1 and first == "contrib" and ".python" in inside:
            return import_module("penstock.api.contrib_modules").find(fullname)
        prefix = FINDER.prefix_of(fullname)
        return None if prefix is None else ModuleSpec(fullname, AliasLoader(prefix, self.tf1), is_package=True)

    def find_distributions(self, context):
        """So that `importlib.metadata.version("tensorflow")` answers what `tf.__version__` does."""
        return iter([AliasDistribution(self.tf1)] if context.name == ROOT else [])


class AliasLoader(NamespaceLoader):
    """Makes the namespace modules of `tensorflow`; the top one has its version and, for 1.x, turns 1.x behaviour on."""

    def __init__(self, prefix, tf1):
        super().__init__(prefix)
        self.tf1 = tf1

    def exec_module(self, module):
        if module.__name__ == ROOT:
            module.__dict__["__version__"] = VERSIONS[self.tf1]
            switch = INDEX.get(V1 + "disable_v2_behavior")
            if self.tf1 and switch:
                resolve(switch)()
            import_module("penstock.ir.node_count").enabled = self.tf1
        if self.tf1 and self.prefix in (V1, V1 + "version."):
            module.__dict__["VERSION"] = VERSIONS[True]


class InternalLoader:
    """Makes the modules below `tensorflow.python` and `tensorflow.core`."""

    def __init__(self, tf1):
        self.tf1 = tf1

    def create_module(self, spec):
        from penstock.api.internals import InternalModule

        return InternalModule(spec.name, self.tf1)

    def exec_module(self, module):
        """Nothing to run: the names are found when they are used."""

    def get_code(self, name):
        """What `python -m tensorflow.python.tools.freeze_graph` runs: the tool's `main`."""
        from penstock.api.internals import COUNTERPARTS

        module = COUNTERPARTS[name.partition(".")[2]][0]
        return compile(f"from {module} import main\nraise SystemExit(main())", f"<{name}>", "exec")

    def runs(self, name):
        """Is the module a tool that `python -m` can run?"""
        from penstock.api.internals import COUNTERPARTS

        inside = name.partition(".")[2]
        return inside.startswith("python.tools.") and inside in COUNTERPARTS


class SameModule:
    """Gives a module that exists under another name: `tensorflow.keras.layers` is the keras package's own."""

    def __init__(self, real, v1=False):
        self.real, self.v1 = real, v1

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        from penstock.api.keras_names import find, same

        find("keras")
        sys.modules[module.__name__] = same(self.real, self.v1)


class AliasDistribution(Distribution):
    """What `importlib.metadata` says of `tensorflow` while the alias is in place."""

    def __init__(self, tf1):
        self.tf1 = tf1

    def read_text(self, filename):
        return (
            f"Metadata-Version: 2.1\nName: {ROOT}\nVersion: {VERSIONS[self.tf1]}\n" if filename == "METADATA" else None
        )

    def locate_file(self, path):
        return path


def keras_spec(fullname, inside, v1=False):
    """How `tensorflow.keras.layers` (`inside`: `keras.layers`) is imported; None without the keras package."""
    return ModuleSpec(fullname, SameModule(inside, v1), is_package=True) if has_keras() else None


def has_keras():
    """Is the real keras package here?"""
    return PathFinder.find_spec("keras") is not None


def installed():
    """The finder in place, or None."""
    return next((f for f in sys.meta_path if isinstance(f, TensorFlowFinder)), None)


def install(tf1=False):
    """Put the finder in place; RuntimeError when a real TensorFlow was imported first or the other API is in use."""
    finder = installed()
    if finder is not None:
        if finder.tf1 == tf1:
            return
        if ROOT in sys.modules:
            raise RuntimeError(
                f"`import tensorflow` already means the {'1.x' if finder.tf1 else '2.x'} API here; "
                f"call install_alias(tf1={tf1}) before the first `import tensorflow`"
            )
        remove()
    elif ROOT in sys.modules:
        raise RuntimeError(
            f"tensorflow is already imported from {getattr(sys.modules[ROOT], '__file__', '?')}; "
            "call penstock.install_alias() before the first `import tensorflow`"
        )
    FINDER.roots[ROOT] = V1 if tf1 else ""
    sys.meta_path.insert(0, TensorFlowFinder(tf1))


def remove():
    """Take the alias away again, with the modules it made."""
    finder = installed()
    if finder is None:
        return
    sys.meta_path.remove(finder)
    FINDER.roots.pop(ROOT, None)
    for name in [n for n in sys.modules if n == ROOT or n.startswith(ROOT + ".")]:
        del sys.modules[name]
