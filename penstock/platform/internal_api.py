"""`tf.__internal__`: the names that Keras and other libraries above TensorFlow are given."""

import abc
import contextlib
import threading

from penstock.base import nest
from penstock.base.export import export, export_constant
from penstock.fronts.control import cond
from penstock.fronts.eager import EAGER
from penstock.ir import door
from penstock.ir.device import DeviceSpec
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.platform import config, decoration
from penstock.state import variables
from penstock.state.resource_variable import BaseResourceVariable

for _public, _module, _attr in (
    ("__internal__.EagerTensor", "penstock.fronts.eager", "EagerTensor"),
    ("__internal__.SymbolicTensor", "penstock.ir.graph", "GraphTensor"),
    ("__internal__.FuncGraph", "penstock.fronts.trace", "FuncGraph"),
    ("__internal__.types.Tensor", "penstock.ir.tensor", "AnyTensor"),
    ("__internal__.decorator.make_decorator", "penstock.platform.decoration", "make_decorator"),
    ("__internal__.function.Function", "penstock.fronts.function", "Function"),
    ("__internal__.nest.sequence_like", "penstock.base.nest", "_sequence_like"),
    ("__internal__.eager_context.set_soft_device_placement", "penstock.platform.config", "set_soft_device_placement"),
):
    export_constant(v2=_public, module=_module, attr=_attr)


@export(v2=("__internal__.CompositeTensor",))
class CompositeTensor(abc.ABC):
    """A value made of tensors; its `_type_spec` takes it apart and puts it together."""

    __composite__ = True

    @classmethod
    def __subclasshook__(cls, subclass):
        """Whatever is made of tensors and says so is one, and so are variables."""
        if cls is not CompositeTensor:
            return NotImplemented
        return bool(getattr(subclass, "__composite__", False)) or issubclass(subclass, BaseResourceVariable)

    @property
    @abc.abstractmethod
    def _type_spec(self):
        raise NotImplementedError(f"{type(self).__name__}._type_spec()")

    def _shape_invariant_to_type_spec(self, shape):
        raise NotImplementedError(f"{type(self).__name__}._shape_invariant_to_type_spec")

    def _consumers(self):
        """The operations that take one of the components."""
        return list({c for t in nest.flatten(self, expand_composites=True) for c in t.consumers()})

    def __tf_tracing_type__(self, context):
        return self._type_spec

    def _convert_variables_to_tensors(self):
        """The value with tensors in the place of variables."""
        return self


@export(v2=("__internal__.decorator.unwrap",))
def unwrap(maybe_tf_decorator):
    """(the decorators, outermost first; the function inside them)."""
    return decoration.unwrap(maybe_tf_decorator)


@export(v2=("__internal__.smart_cond.smart_cond",))
def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """`true_fn()` or `false_fn()` at once where `pred` is known, else a conditional of both."""
    if not callable(true_fn):
        raise TypeError(f"Argument `true_fn` must be callable. Received {true_fn}")
    if not callable(false_fn):
        raise TypeError(f"Argument `false_fn` must be callable. Received {false_fn}")
    if isinstance(pred, Tensor):
        known = known_value(pred)
    elif pred in (0, 1):
        known = bool(pred)
    elif isinstance(pred, bool):
        known = pred
    else:
        raise TypeError(
            f"Argument `pred` must be a Tensor, or a Python bool, or 1 or 0. Received: pred={pred} of type {type(pred).__name__}"
        )
    if known is None:
        return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
    return true_fn() if known else false_fn()


@export(v2=("__internal__.tf2.enabled",))
def enabled():
    """Is the behaviour that of 2.x?"""
    return variables.resource_variables_enabled() and door.default_emitter is EAGER


@export(v2=("__internal__.eager_context.eager_mode",))
@contextlib.contextmanager
def eager_mode():
    """A context in which ops run at once."""
    with door.using(EAGER):
        yield


@export(v2=("__internal__.eager_context.get_device_name",))
def get_device_name():
    """The device that was chosen for eager ops, or ""."""
    spec = DeviceSpec.from_string(door.state.device) if door.state.device else None
    if spec is None or not spec.device_type:
        return ""
    return f"/job:localhost/replica:0/task:0/device:{spec.device_type}:{spec.device_index or 0}"


@export(v2=("__internal__.eager_context.get_config",))
def get_config():
    """The ConfigProto that eager ops run under."""
    from penstock.base.proto import config_pb2

    made = config_pb2.ConfigProto(allow_soft_placement=config.get_soft_device_placement())
    made.inter_op_parallelism_threads = config.get_inter_op_parallelism_threads()
    made.intra_op_parallelism_threads = config.get_intra_op_parallelism_threads()
    return made


@export(v2=("__internal__.get_name_scope",))
def get_name_scope():
    """The name scope here, without a slash at its end."""
    here = door.current()
    return here.get_name_scope() if here.is_graph else door.state.name_scope.rstrip("/")


@export(v2=("__internal__.execute_fn_for_device",))
def execute_fn_for_device(device_branch_fns, default_fn, name="execute_fn"):
    """The branch of the kind of device that ops run on, else the default one."""
    from penstock.engine import devices

    kinds = {kind.upper(): branch for kind, branch in device_branch_fns.items()}
    kind = next((k for k, _, _ in devices.found() if k != "CPU"), "CPU")
    return kinds.get(kind, default_fn)()


@export(v2=("__internal__.get_enclosing_xla_context",))
def get_enclosing_xla_context():
    """None: no control flow context of XLA surrounds ops here."""


@export(v2=("__internal__.ops.is_resource_variable",))
def is_resource_variable(var):
    """Is it a variable behind a handle?"""
    return isinstance(var, BaseResourceVariable) or hasattr(var, "_should_act_as_resource_variable")


@export(v2=("__internal__.ops.get_resource_handle_data",))
def get_resource_handle_data(graph_op):
    """(dtype, shape) of the variable that a handle stands for, or None."""
    return getattr(graph_op, "_handle_data", None)


@export(v2=("__internal__.is_tfrt_enabled",))
def is_tfrt_enabled():
    """False: ops run on XLA."""
    return False


@export(v2=("__internal__.record_gradient",))
def record_gradient(op_name, inputs, attrs, outputs):
    """Tell the tapes of an op that ran elsewhere."""
    op = find(op_name)
    for watch in door.state.watchers:
        watch(op, tuple(inputs), dict(zip(attrs[::2], attrs[1::2])), list(outputs), None)


@export(v2=("__internal__.graph_util.graph_defs_equal",))
def graph_defs_equal(graph_def_1, graph_def_2, treat_nan_as_equal=False):
    """Do two GraphDefs hold the same nodes and functions?"""
    strip = lambda g: (
        {n.name: n.SerializeToString(deterministic=True) for n in g.node},
        {f.signature.name: f.SerializeToString(deterministic=True) for f in g.library.function},
    )
    return strip(graph_def_1) == strip(graph_def_2)


_load_options = threading.local()


@export(v2=("__internal__.load_context",))
@contextlib.contextmanager
def load_context(load_options):
    """A context in which a library above loads a SavedModel under these options."""
    before = getattr(_load_options, "options", None)
    _load_options.options = load_options
    try:
        yield
    finally:
        _load_options.options = before


@export(v2=("__internal__.create_c_op",))
def create_c_op(graph, node_def, inputs, control_inputs, op_def=None, extract_traceback=True):
    """Add the operation that a NodeDef describes to a graph, with these tensors as its inputs."""
    with graph.control_dependencies(list(control_inputs)):
        return graph.create_op(node_def.op, inputs, name=node_def.name + "/" if node_def.name else None, attrs=node_def.attr)


_hooks = {}


def _register(slot):
    def register(func):
        _hooks[slot] = func

    register.__name__ = register.__qualname__ = f"register_{slot}_function"
    register.__doc__ = f"Let a library above say its `{slot}` function."
    return register


for _slot in ("call_context", "clear_session", "get_session", "load_model"):
    _made = _register(_slot)
    globals()[_made.__name__] = export(v2=(f"__internal__.{_made.__name__}",))(_made)


@export(v2=("__internal__.monitoring.BoolGauge",))
class BoolGauge:
    """A named cell of truth values, for programs that count what is used."""

    def __init__(self, name, description, *labels):
        self.name, self.description, self._cells, self._count = name, description, {}, len(labels)

    def get_cell(self, *labels):
        """The cell of these labels."""
        if len(labels) != self._count:
            raise ValueError(f"The {self.name} gauge takes {self._count} labels, got {len(labels)}")
        return self._cells.setdefault(labels, _Cell())


class _Cell:
    def __init__(self):
        self._value = False

    def set(self, value):
        self._value = bool(value)

    def value(self):
        return self._value


@export(v2=("__internal__.train.is_mixed_precision_graph_rewrite_enabled",))
def is_mixed_precision_graph_rewrite_enabled():
    """Was the rewriting of graphs to lower precision asked for?"""
    return False


_policy = {"used": False}


@export(v2=("__internal__.train.set_using_mixed_precision_policy",))
def set_using_mixed_precision_policy(is_using):
    """Note that layers compute in lower precision themselves."""
    _policy["used"] = bool(is_using)
