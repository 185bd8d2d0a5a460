"""`tf.compat.v1.test.StubOutForTesting`: attributes replaced during a test, and put back."""

import inspect

from penstock.base.export import export


@export(v1=("test.StubOutForTesting",))
class StubOutForTesting:
    """Replaces attributes of modules and classes; `CleanUp` puts back what was there."""

    def __init__(self):
        self.cache, self.stubs = [], []

    def __del__(self):
        self.CleanUp()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.CleanUp()

    def CleanUp(self):  # noqa: N802 - TensorFlow's names
        """Put everything back."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def SmartSet(self, obj, attr_name, new_attr):  # noqa: N802
        """Replace an attribute where it is defined: on the object, or on the class that it is inherited from."""
        if inspect.ismodule(obj) or (not inspect.isclass(obj) and attr_name in obj.__dict__):
            owner, original = obj, getattr(obj, attr_name)
        else:
            owner = original = None
            for cls in reversed(inspect.getmro(obj if inspect.isclass(obj) else obj.__class__)):
                if attr_name in vars(cls):
                    owner, original = cls, vars(cls)[attr_name]
            if owner is None:
                raise AttributeError("Attribute not found.")
        self.stubs.append((owner, attr_name, original))
        setattr(owner, attr_name, new_attr)

    def SmartUnsetAll(self):  # noqa: N802
        """Put back what `SmartSet` replaced."""
        for owner, name, original in reversed(self.stubs):
            setattr(owner, name, original)
        self.stubs = []

    def Set(self, parent, child_name, new_child):  # noqa: N802
        """Replace an attribute of this object."""
        old = getattr(parent, child_name)
        kept = parent.__dict__.get(child_name)
        if isinstance(kept, staticmethod | classmethod):
            old = kept
        self.cache.append((parent, old, child_name))
        setattr(parent, child_name, new_child)

    def UnsetAll(self):  # noqa: N802
        """Put back what `Set` replaced."""
        for parent, old, name in reversed(self.cache):
            setattr(parent, name, old)
        self.cache = []
