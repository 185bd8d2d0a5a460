"""`python -m penstock.api.make`: import every module once and write `names.txt`; `--check` only compares."""

import argparse
import os
import pkgutil
import sys
from importlib import import_module

import penstock
from penstock.api.lazy import INDEX
from penstock.base.export import PUBLIC
from penstock.base.files import write_whole

NOT_IMPORTED = ("penstock.__main__", "penstock.cli.__main__")


def import_everything():
    """Import each module of penstock; `{module name: error}` for those that fail."""
    failed = {}
    modules = pkgutil.walk_packages(penstock.__path__, "penstock.", onerror=lambda name: None)
    for name in sorted(m.name for m in modules):
        if name in NOT_IMPORTED or name.endswith("_pb2"):
            continue
        try:
            import_module(name)
        except Exception as error:  # any error at import is what this reports
            failed[name] = error
    return failed


def rows(failed=()):
    """The lines of `names.txt`: all that is exported now, and what it held for modules that could not be imported."""
    found = dict(PUBLIC)
    for line in _old_lines():
        name, target = line.split()
        if target.partition(":")[0] in failed:
            found.setdefault(name, target)
    return [f"{name} {found[name]}\n" for name in sorted(found)]


def _old_lines():
    if not os.path.exists(INDEX.path):
        return []
    with open(INDEX.path, encoding="utf-8") as file:
        return file.readlines()


def main(argv=None):
    """Write or compare; 0 when all modules could be imported and, with `--check`, nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m penstock.api.make", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, and print what differs")
    check = parser.parse_args(argv).check
    failed = import_everything()
    for name, error in failed.items():
        print(f"cannot import {name}: {type(error).__name__}: {error}", file=sys.stderr)
    new, old = rows(failed), _old_lines()
    if not check:
        if failed:
            print(f"names.txt is left as it was: {len(failed)} modules cannot be imported ({', '.join(failed)})", file=sys.stderr)
            return 1
        if new != old:
            write_whole(INDEX.path, ["".join(new).encode()])
        print(f"{len(new)} public names")
        return 0
    gone, added = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    for sign, lines in (("-", gone), ("+", added)):
        for line in lines:
            print(sign, line, end="")
    if gone or added:
        print("names.txt does not say what the modules export; mend it with: python -m penstock.api.make")
    return 1 if failed or gone or added else 0


if __name__ == "__main__":
    sys.exit(main())
