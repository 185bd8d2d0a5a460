"""What is left of `tf.experimental` and `tf.xla.experimental`: execution modes, DLPack, libraries, compiled blocks."""

import contextlib
import ctypes
import os

from penstock.base.errors import NotFoundError
from penstock.base.export import export, export_constant
from penstock.fronts.default_graph import executing_eagerly
from penstock.fronts.eager import EagerTensor
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor

for _name in "float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz float4_e2m1fn int4 uint4 int2 uint2".split():
    export_constant("experimental." + _name, module="penstock.base.dtypes", attr=_name)


@export("experimental.async_scope")
@contextlib.contextmanager
def async_scope():
    """A context whose ops may run later: here they are done when their call returns, and errors come at once."""
    yield


@export("experimental.async_clear_error")
def async_clear_error():
    """Nothing to clear: an op's error is raised by its call."""


@export("experimental.function_executor_type")
@contextlib.contextmanager
def function_executor_type(executor_type):
    """A context that names an executor for functions; compiled functions need none."""
    yield


@export("experimental.enable_strict_mode")
def enable_strict_mode():
    """Make deprecated behaviour an error: warnings of deprecation become errors."""
    import warnings

    warnings.filterwarnings("error", category=DeprecationWarning, module=r"penstock\.")


@export(v1=("experimental.output_all_intermediates",))
def output_all_intermediates(state):
    """Kept for old programs: loops and branches always keep what their gradients need."""
    _intermediates["all"] = state


_intermediates = {"all": None}


@export(v2=("experimental.dlpack.to_dlpack",))
def to_dlpack(tf_tensor):
    """A DLPack capsule of an eager tensor.

    >>> tf.experimental.dlpack.from_dlpack(tf.experimental.dlpack.to_dlpack(tf.constant([1, 2]))).numpy().tolist()
    [1, 2]
    """
    if not isinstance(tf_tensor, EagerTensor):
        raise TypeError("The input to `to_dlpack` must be an eager tensor")
    return tf_tensor.__dlpack__()


class _Capsule:
    """Makes NumPy take a capsule as if it were an array that offers it."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **_):
        return self.capsule

    def __dlpack_device__(self):
        return (1, 0)


@export(v2=("experimental.dlpack.from_dlpack",))
def from_dlpack(dlcapsule):
    """An eager tensor of a DLPack capsule, or of an object that offers one."""
    import numpy as np

    source = dlcapsule if hasattr(dlcapsule, "__dlpack__") else _Capsule(dlcapsule)
    return convert_to_tensor(np.array(np.from_dlpack(source)))


# -- libraries ---------------------------------------------------------------------------------------------------------
def _open(path):
    if not os.path.exists(path):
        raise NotFoundError(None, None, f"{path}: cannot open shared object file: No such file or directory")
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise NotFoundError(None, None, f"{error}: kernels that were compiled for TensorFlow's runtime need that runtime") from None


@export("load_op_library")
def load_op_library(library_filename):
    """NotFoundError unless the library can be opened; kernels for TensorFlow's C++ runtime cannot."""
    return _open(library_filename)


@export("load_library")
def load_library(library_location):
    """Open a library, or all of a folder; FileNotFoundError (an OSError) where there is none."""
    if not os.path.exists(library_location):
        raise OSError(2, "The file or folder to load kernel libraries from does not exist.", library_location)
    paths = [library_location]
    if os.path.isdir(library_location):
        paths = [os.path.join(library_location, n) for n in sorted(os.listdir(library_location)) if n.endswith((".so", ".dylib"))]
    for path in paths:
        _open(path)


@export(v1=("load_file_system_library",))
def load_file_system_library(library_filename):
    """Open a library with file systems."""
    _open(library_filename)


@export(v1=("user_ops.my_fact",))
def my_fact():
    """The fact of TensorFlow's example op."""
    return convert_to_tensor("0! == 1")


# -- XLA ---------------------------------------------------------------------------------------------------------------
@export("xla.experimental.compile")
def compile(computation, inputs=None):  # noqa: A001 - TensorFlow's name
    """The results of `computation(*inputs)`, compiled as one function; in graphs only."""
    from penstock.base import nest
    from penstock.fronts.function import function

    if executing_eagerly():
        raise RuntimeError("xla.experimental.compile is not supported when eager execution is enabled. Try use tf.function with jit_compile=True option.")
    inputs = [] if inputs is None else list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    made = function(computation, jit_compile=True, autograph=False)(*[door.convert(x) for x in nest.flatten(inputs)])
    if made is None:
        return []
    return list(made) if isinstance(made, tuple | list) else [made] if not isinstance(made, dict) else made


@export("xla.experimental.jit_scope")
@contextlib.contextmanager
def experimental_jit_scope(compile_ops=True, separate_compiled_gradients=False):
    """A context whose ops are marked to be compiled together, as everything is; in graphs only."""
    if executing_eagerly():
        raise RuntimeError("xla.experimental.jit_scope is not supported when eager execution is enabled. Try use it inside tf.function.")
    yield
