"""`tf.flags` and `tf.app`: absl's flags, parsed at first use, with the parameter names of TensorFlow 1.x."""

import functools
import inspect
import sys

from absl import app, flags as absl_flags

from penstock.base.export import export, export_constant

_OLD_NAMES = {"flag_name": "name", "default_value": "default", "docstring": "help"}


class LazyFlags:
    """absl's FLAGS; the command line is parsed when a flag is first read, and unknown arguments are left alone."""

    def __init__(self, flags):
        self.__dict__["__wrapped"] = flags

    def __getattribute__(self, name):
        if name == "__dict__":
            return super().__getattribute__(name)
        return self.__dict__["__wrapped"].__getattribute__(name)

    def __getattr__(self, name):
        wrapped = self.__dict__["__wrapped"]
        if not wrapped.is_parsed():
            wrapped(sys.argv, known_only=True)
        return wrapped.__getattr__(name)

    def __setattr__(self, name, value):
        return self.__dict__["__wrapped"].__setattr__(name, value)

    def __delattr__(self, name):
        return self.__dict__["__wrapped"].__delattr__(name)

    def __dir__(self):
        return self.__dict__["__wrapped"].__dir__()

    def __getitem__(self, name):
        return self.__dict__["__wrapped"].__getitem__(name)

    def __setitem__(self, name, flag):
        return self.__dict__["__wrapped"].__setitem__(name, flag)

    def __len__(self):
        return self.__dict__["__wrapped"].__len__()

    def __iter__(self):
        return self.__dict__["__wrapped"].__iter__()

    def __contains__(self, name):
        return self.__dict__["__wrapped"].__contains__(name)

    def __str__(self):
        return self.__dict__["__wrapped"].__str__()

    def __call__(self, *args, **kwargs):
        return self.__dict__["__wrapped"].__call__(*args, **kwargs)


def _with_old_names(define):
    """absl's DEFINE_... that also takes `flag_name=`, `default_value=`, `docstring=`."""

    @functools.wraps(define)
    def wrapper(*args, **kwargs):
        renamed = {_OLD_NAMES.get(key, key): value for key, value in kwargs.items()}
        return define(*args, **renamed)

    wrapper.__module__ = __name__
    # absl notes the module that defines a flag by the caller's frame; this file is not it.
    absl_flags.disclaim_key_flags()
    return wrapper


FLAGS = LazyFlags(absl_flags.FLAGS)
export_constant(module=__name__, attr="FLAGS", v1=("flags.FLAGS", "app.flags.FLAGS"))
for _name in dir(absl_flags):
    _value = getattr(absl_flags, _name)
    if _name.startswith("_") or _name == "FLAGS" or inspect.ismodule(_value) or _name == "annotations":
        continue
    _old = _name in ("DEFINE_string", "DEFINE_boolean", "DEFINE_bool", "DEFINE_float", "DEFINE_integer")
    globals()[_name] = _with_old_names(_value) if _old else _value
    export_constant(module=__name__, attr=_name, v1=(f"flags.{_name}", f"app.flags.{_name}"))


@export(v1=("app.run",))
def run(main=None, argv=None):
    """Parse the command line (unknown flags are left to the program) and call `main(argv)`, then exit."""
    main = main or sys.modules["__main__"].main
    parse = lambda args: absl_flags.FLAGS(sys.argv if args is None else args, known_only=True)
    app.run(main=main, argv=argv, flags_parser=parse)
