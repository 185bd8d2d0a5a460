"""`penstock run [--tf1] script.py args...` and `penstock run [--tf1] -m module args...`, as `python` would run them."""

import builtins
import io
import os
import sys
from importlib.util import find_spec
from types import ModuleType

from penstock.api import alias
from penstock.cli import old_python, tracebacks

USAGE = "usage: penstock run [--tf1] script.py args...   or   penstock run [--tf1] -m module args..."


class UsageError(Exception):
    """The command line names nothing that can be run."""


def run(argv):
    """Run a program; the exit code that `python` would give (a `SystemExit` of the program passes through)."""
    try:
        tf1, module, target, rest = parse(argv)
        load = load_module if module else load_script
        if module:
            sys.path.insert(0, os.getcwd())
        sys.argv = [target, *rest]
        alias.install(tf1=tf1)
        if tf1:
            old_python.bring_back()
        code, main = load(target)
    except UsageError as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 2
    except SyntaxError as error:
        sys.excepthook(SyntaxError, error.with_traceback(None), None)
        return 1
    tracebacks.install()
    sys.modules["__main__"] = main
    try:
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        sys.excepthook(type(error), error, error.__traceback__.tb_next)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def parse(argv):
    """(tf1, is it a module, script or module, its arguments)."""
    tf1 = module = False
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option == "--tf1":
            tf1 = True
        elif option == "--":
            break
        elif option.startswith("-m"):
            module = True
            if option != "-m":
                rest.insert(0, option[2:])
            break
        else:
            raise UsageError(f"no such option: {option}\n{USAGE}")
    if not rest:
        raise UsageError(f"nothing to run\n{USAGE}")
    return tf1, module, rest[0], rest[1:]


def load_script(path):
    """The code of a script (or of a folder's `__main__.py`, or of `-`, standard input) and its `__main__` module."""
    main = ModuleType("__main__")
    if path == "-":
        sys.path.insert(0, "")
        return compile(sys.stdin.read(), "<stdin>", "exec"), main
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        folder, path = path, os.path.join(path, "__main__.py")
    if not os.path.isfile(path):
        raise UsageError(f"can't open file {os.path.abspath(path)!r}: No such file or directory")
    sys.path.insert(0, folder)
    main.__dict__.update(__file__=os.path.abspath(path), __cached__=None, __builtins__=builtins)
    with io.open_code(os.path.abspath(path)) as file:
        return compile(file.read(), os.path.abspath(path), "exec", dont_inherit=True), main


def load_module(name):
    """The code of a module found as `python -m` finds it, and its `__main__` module."""
    try:
        spec = find_spec(name)
        runs = getattr(spec.loader, "runs", None) if spec is not None else None
        if spec is not None and spec.submodule_search_locations is not None and not (runs and runs(name)):
            spec = find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        if not name.startswith(f"{error.name}"):
            raise
        spec = None
    code = getattr(spec.loader, "get_code", lambda name: None)(spec.name) if spec and spec.loader else None
    if code is None:
        raise UsageError(f"No module named {name!r} that can be run")
    main = ModuleType("__main__")
    main.__dict__.update(
        __file__=spec.origin, __cached__=spec.cached, __loader__=spec.loader, __package__=spec.parent, __spec__=spec,
        __builtins__=builtins,
    )  # fmt: skip
    sys.argv[0] = spec.origin or name
    return code, main
