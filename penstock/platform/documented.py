"""`tensorflow.python.util.all_util`: which names of a module its docstring documents."""

import re
import sys
from types import ModuleType

_MARK = re.compile(r"^@@([A-Za-z_]\w*)\s*$", re.MULTILINE)


def make_all(module_name, doc_string_modules=None):
    """The names that the docstrings of the modules mark with `@@name`."""
    modules = [sys.modules[module_name]] if doc_string_modules is None else doc_string_modules
    return sorted({name for m in modules for name in _MARK.findall(m.__doc__ or "")})


def remove_undocumented(module_name, allowed_exception_list=None, doc_string_modules=None):
    """Delete from a module what its docstring does not document; modules and private names stay."""
    module = sys.modules[module_name]
    keep = {*make_all(module_name, doc_string_modules), *(allowed_exception_list or ())}
    for name, value in list(vars(module).items()):
        if name not in keep and not name.startswith("_") and not isinstance(value, ModuleType):
            delattr(module, name)
