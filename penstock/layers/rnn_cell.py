"""`tf.nn.rnn_cell`: what a recurrent network does at one step."""

import collections
import functools
from typing import Any

from penstock.base import nest
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.base.trackable import Trackable
from penstock.ir import door, node_count
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ir.tensor import Tensor
from penstock.layers.base import InputSpec, Layer
from penstock.ops.join import split
from penstock.ops.matmul import matmul
from penstock.ops.nn import bias_add
from penstock.state.initializers import ConstantV1, ZerosV1
from penstock.state.partitioned import fixed_size_partitioner
from penstock.state.scopes import get_variable_scope, variable_scope

KERNEL, BIAS = "kernel", "bias"


def assert_like_rnncell(name: str, cell: Any) -> None:
    """TypeError unless the object has what a cell needs."""
    missing = [text for ok, text in (
        (hasattr(cell, "output_size"), "'output_size' property is missing"), (hasattr(cell, "state_size"), "'state_size' property is missing"),
        (hasattr(cell, "zero_state") or hasattr(cell, "get_initial_state"), "either 'zero_state' or 'get_initial_state' method is required"),
        (callable(cell), "is not callable"),
    ) if not ok]  # fmt: skip
    if missing:
        raise TypeError(f"The argument {name!r} ({cell}) is not an RNNCell: {', '.join(missing)}.")


def with_batch(batch: Any, size: Any) -> Any:
    """A shape argument: the batch size before the sizes of one state."""
    sizes = TensorShape(size).as_list() if not isinstance(size, int) else [size]
    if isinstance(batch, Tensor):
        from penstock.ir.known import known_value

        known = known_value(batch)
        if known is None:
            return find("Pack")(
                [
                    door.convert(batch, as_dtype("int32"))
                    if batch.dtype.name == "int32"
                    else find("Cast")(batch, DstT=as_dtype("int32")),
                    *sizes,
                ]
            )
        batch = int(known)
    return [int(batch), *sizes]


def zero_state_tensors(state_size: Any, batch_size: Any, dtype: Any, shape_nodes: int | None = None) -> Any:
    """Zeros in the structure of a state; `shape_nodes` says how many nodes of 1.x, beyond six, are about each shape."""
    from penstock.ops.constants import zeros

    if shape_nodes is None:
        shape_nodes = 4 if isinstance(batch_size, Tensor) else 2

    def one(size: Any) -> Any:
        with node_count.exactly(6 + shape_nodes):
            made = zeros(with_batch(batch_size, size), dtype=dtype)
        if door.current().is_graph:
            sizes = [size] if isinstance(size, int) else TensorShape(size).as_list()
            made.set_shape([made.shape.as_list()[0] if made.shape.rank else None, *sizes])
        return made

    if isinstance(state_size, TensorShape):
        return one(state_size)
    return nest.map_structure(one, state_size)


@export(v1=("nn.rnn_cell.RNNCell",))
class RNNCell(Layer):
    """The base of cells: `call(inputs, state)` gives (output, next state)."""

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        self._is_tf_rnn_cell = True

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step; `scope` is the variable scope of the cell's variables, by default one named after its class."""
        if scope is not None:
            with variable_scope(scope, custom_getter=self._rnn_get_variable) as entered:
                return super().__call__(inputs, state, scope=entered)
        own = self.__dict__.get("rnncell_scope")
        if own is None:
            own = variable_scope(get_variable_scope(), custom_getter=self._rnn_get_variable)
            self.__dict__["rnncell_scope"] = own
        with own:
            return super().__call__(inputs, state)

    def _rnn_get_variable(self, getter: Any, *args: Any, **kwargs: Any) -> Any:
        variable = getter(*args, **kwargs)
        weights = self._trainable_weights if getattr(variable, "trainable", True) else self._non_trainable_weights
        if not any(variable is w for w in weights):
            weights.append(variable)
        return variable

    @property
    def state_size(self) -> Any:
        """The sizes of the state: an int, a TensorShape, or a nest of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output: an int or a TensorShape."""
        raise NotImplementedError("Abstract method")

    def build(self, _: Any) -> None:
        """Cells that make their variables in `call` have nothing to build."""

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """A state of zeros for a batch, or for a batch like `inputs`."""
        if inputs is not None:
            from penstock.ops.shapes import shape

            inputs = door.convert(inputs)
            static = inputs.shape.as_list()[0] if inputs.shape.rank else None
            if batch_size is not None:
                if static is not None and isinstance(batch_size, int) and static != batch_size:
                    raise ValueError(
                        f"batch size from input tensor is different from the input param. Input tensor batch: {static}, batch_size: {batch_size}"
                    )
            batch_size = static if static is not None else shape(inputs)[0]
            if dtype is not None and inputs.dtype != dtype:
                raise ValueError(
                    f"dtype from input tensor is different from the input param. Input tensor dtype: {inputs.dtype}, dtype: {dtype}"
                )
            dtype = inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                f"batch_size and dtype cannot be None while constructing initial state: batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros for a batch."""
        with name_scope(type(self).__name__ + "ZeroState"):
            return zero_state_tensors(self.state_size, batch_size, dtype)


class LayerRNNCell(RNNCell):
    """A cell that makes its variables in `build`."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """One step."""
        return Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)

    def _depth(self, inputs_shape: Any) -> int:
        depth = TensorShape(inputs_shape).as_list()[-1]
        if depth is None:
            raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {inputs_shape}")
        return depth


def _concat(parts: list[Any], name: str | None = None) -> Any:
    return find("ConcatV2")(parts, 1, name=name or "concat")


def _split(value: Any, n: int) -> Any:
    return split(value, n, 1)


def _activation(given: Any, default: str) -> Any:
    if given is None:
        return find(default)
    if isinstance(given, str):
        return find(
            {
                "tanh": "Tanh",
                "sigmoid": "Sigmoid",
                "relu": "Relu",
                "linear": "Identity",
                "elu": "Elu",
                "softmax": "Softmax",
            }[given.lower()]
        )
    return given


_sigmoid = lambda x: find("Sigmoid")(x)


@export(v1=("nn.rnn_cell.BasicRNNCell",))
class BasicRNNCell(LayerRNNCell):
    """output = new state = activation(W * [input, state] + b)."""

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units, self._activation = num_units, _activation(activation, "Tanh")

    state_size = property(lambda s: s._num_units)
    output_size = property(lambda s: s._num_units)

    def build(self, inputs_shape: Any) -> None:
        depth = self._depth(inputs_shape)
        self._kernel = self.add_weight(KERNEL, [depth + self._num_units, self._num_units])
        self._bias = self.add_weight(
            BIAS, [self._num_units], initializer=ZerosV1(dtype=self._dtype or as_dtype("float32"))
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        output = self._activation(bias_add(matmul(_concat([inputs, state]), self._kernel), self._bias))
        return output, output


@export(v1=("nn.rnn_cell.GRUCell",))
class GRUCell(LayerRNNCell):
    """The gated recurrent unit (Cho et al., 2014)."""

    def __init__(self, num_units: int, activation: Any = None, reuse: bool | None = None, kernel_initializer: Any = None, bias_initializer: Any = None,
                 name: str | None = None, dtype: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units, self._activation = num_units, _activation(activation, "Tanh")
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    state_size = property(lambda s: s._num_units)
    output_size = property(lambda s: s._num_units)

    def build(self, inputs_shape: Any) -> None:
        depth, n = self._depth(inputs_shape), self._num_units
        dtype = self._dtype or as_dtype("float32")
        bias = self._bias_initializer
        self._gate_kernel = self.add_weight(f"gates/{KERNEL}", [depth + n, 2 * n], initializer=self._kernel_initializer)
        self._gate_bias = self.add_weight(
            f"gates/{BIAS}", [2 * n], initializer=bias if bias is not None else ConstantV1(1.0, dtype=dtype)
        )
        self._candidate_kernel = self.add_weight(
            f"candidate/{KERNEL}", [depth + n, n], initializer=self._kernel_initializer
        )
        self._candidate_bias = self.add_weight(
            f"candidate/{BIAS}", [n], initializer=bias if bias is not None else ZerosV1(dtype=dtype)
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        gates = _sigmoid(bias_add(matmul(_concat([inputs, state]), self._gate_kernel), self._gate_bias))
        r, u = _split(gates, 2)
        candidate = bias_add(matmul(_concat([inputs, r * state]), self._candidate_kernel), self._candidate_bias)
        new = u * state + (1 - u) * self._activation(candidate)
        return new, new


_State = collections.namedtuple("LSTMStateTuple", ("c", "h"))


@export(v1=("nn.rnn_cell.LSTMStateTuple",))
class LSTMStateTuple(_State):
    """The state of an LSTM: the memory `c` and the output `h`."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        c, h = self
        if c.dtype != h.dtype:
            raise TypeError(f"Inconsistent internal state: {c.dtype} vs {h.dtype}")
        return c.dtype


@export(v1=("nn.rnn_cell.BasicLSTMCell",))
class BasicLSTMCell(LayerRNNCell):
    """The LSTM without peepholes, clipping or projection (Zaremba et al., 2014)."""

    def __init__(self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None, reuse: bool | None = None,
                 name: str | None = None, dtype: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units, self._forget_bias, self._state_is_tuple = num_units, forget_bias, state_is_tuple
        self._activation = _activation(activation, "Tanh")

    output_size = property(lambda s: s._num_units)

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    def build(self, inputs_shape: Any) -> None:
        depth = self._depth(inputs_shape)
        self._kernel = self.add_weight(KERNEL, [depth + self._num_units, 4 * self._num_units])
        self._bias = self.add_weight(
            BIAS, [4 * self._num_units], initializer=ZerosV1(dtype=self._dtype or as_dtype("float32"))
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = state if self._state_is_tuple else _split(state, 2)
        i, j, f, o = _split(bias_add(matmul(_concat([inputs, h]), self._kernel), self._bias), 4)
        mul, add = find("Mul"), functools.partial(find("AddV2"), name="Add")
        kept = mul(c, _sigmoid(add(f, self._forget_bias)))
        new_c = add(kept, mul(_sigmoid(i), self._activation(j)))
        new_h = mul(self._activation(new_c), _sigmoid(o))
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else _concat([new_c, new_h])


@export(v1=("nn.rnn_cell.LSTMCell",))
class LSTMCell(LayerRNNCell):
    """The LSTM with optional peepholes, clipping and projection (Sak et al., 2014)."""

    def __init__(self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None, initializer: Any = None, num_proj: int | None = None,
                 proj_clip: float | None = None, num_unit_shards: int | None = None, num_proj_shards: int | None = None, forget_bias: float = 1.0,
                 state_is_tuple: bool = True, activation: Any = None, reuse: bool | None = None, name: str | None = None, dtype: Any = None,
                 **kwargs: Any):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units, self._use_peepholes, self._cell_clip, self._initializer = (
            num_units,
            use_peepholes,
            cell_clip,
            initializer,
        )
        self._num_proj, self._proj_clip, self._num_unit_shards, self._num_proj_shards = (
            num_proj,
            proj_clip,
            num_unit_shards,
            num_proj_shards,
        )
        self._forget_bias, self._state_is_tuple, self._activation = (
            forget_bias,
            state_is_tuple,
            _activation(activation, "Tanh"),
        )

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    @property
    def state_size(self) -> Any:
        return (
            LSTMStateTuple(self._num_units, self.output_size)
            if self._state_is_tuple
            else self._num_units + self.output_size
        )

    def build(self, inputs_shape: Any) -> None:
        depth, n = self._depth(inputs_shape), self._num_units
        shards = lambda count: fixed_size_partitioner(count) if count is not None else None
        self._kernel = self.add_weight(
            KERNEL,
            [depth + self.output_size, 4 * n],
            initializer=self._initializer,
            partitioner=shards(self._num_unit_shards),
        )
        self._bias = self.add_weight(
            BIAS, [4 * n], initializer=ZerosV1(dtype=self._dtype or as_dtype("float32")) if self._dtype else ZerosV1()
        )
        if self._use_peepholes:
            self._w_f_diag = self.add_weight("w_f_diag", [n], initializer=self._initializer)
            self._w_i_diag = self.add_weight("w_i_diag", [n], initializer=self._initializer)
            self._w_o_diag = self.add_weight("w_o_diag", [n], initializer=self._initializer)
        if self._num_proj is not None:
            self._proj_kernel = self.add_weight(
                f"projection/{KERNEL}",
                [n, self._num_proj],
                initializer=self._initializer,
                partitioner=shards(self._num_proj_shards),
            )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        n, out = self._num_units, self.output_size
        c, m = (
            state
            if self._state_is_tuple
            else (find("Slice")(state, [0, 0], [-1, n]), find("Slice")(state, [0, n], [-1, out]))
        )
        i, j, f, o = _split(bias_add(matmul(_concat([inputs, m]), self._kernel), self._bias), 4)
        if self._use_peepholes:
            i, f = i + self._w_i_diag * c, f + self._forget_bias + self._w_f_diag * c
        else:
            f = f + self._forget_bias
        c = _sigmoid(f) * c + _sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            c = _clipped(c, self._cell_clip)
        m = _sigmoid(o + self._w_o_diag * c if self._use_peepholes else o) * self._activation(c)
        if self._num_proj is not None:
            m = matmul(m, self._proj_kernel)
            if self._proj_clip is not None:
                m = _clipped(m, self._proj_clip)
        return m, LSTMStateTuple(c, m) if self._state_is_tuple else _concat([c, m])


def _clipped(value: Any, bound: Any) -> Any:
    return find("Maximum")(find("Minimum")(value, bound), -bound)


@export(v1=("nn.rnn_cell.MultiRNNCell",))
class MultiRNNCell(RNNCell):
    """Several cells on top of each other."""

    def __init__(self, cells: Any, state_is_tuple: bool = True):
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        for number, cell in enumerate(cells):
            if isinstance(cell, Trackable):  # checkpoints know the cells by these names
                self._track_trackable(cell, name=f"cell-{number}")
        self._cells, self._state_is_tuple = cells, state_is_tuple
        if len({id(c) for c in cells}) < len(cells):
            import logging

            logging.getLogger("tensorflow").warning(
                "At least two cells provided to MultiRNNCell are the same object and will share weights."
            )
        if not state_is_tuple and any(nest.is_nested(c.state_size) for c in cells):
            raise ValueError(
                f"Some cells return tuples of states, but the flag state_is_tuple is not set.  State sizes are: {[c.state_size for c in cells]}"
            )

    @property
    def state_size(self) -> Any:
        return (
            tuple(c.state_size for c in self._cells) if self._state_is_tuple else sum(c.state_size for c in self._cells)
        )

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros for a batch."""
        with name_scope(type(self).__name__ + "ZeroState"):
            if self._state_is_tuple:
                return tuple(c.zero_state(batch_size, dtype) for c in self._cells)
            return zero_state_tensors(self.state_size, batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        at, new_states = 0, []
        for i, cell in enumerate(self._cells):
            with variable_scope(f"cell_{i}"):
                if self._state_is_tuple:
                    if not nest.is_nested(state):
                        raise ValueError(
                            f"Expected state to be a tuple of length {len(self.state_size)}, but received: {state}"
                        )
                    current = state[i]
                else:
                    current = find("Slice")(state, [0, at], [-1, cell.state_size])
                    at += cell.state_size
                inputs, new = cell(inputs, current)
                new_states.append(new)
        return inputs, tuple(new_states) if self._state_is_tuple else _concat(new_states)


class _Wrapper(RNNCell):
    """A cell around another: its sizes, its variables, its scope."""

    def __init__(self, cell: Any, **kwargs: Any):
        super().__init__(**kwargs)
        assert_like_rnncell("cell", cell)
        self.cell = cell

    state_size = property(lambda s: s.cell.state_size)
    output_size = property(lambda s: s.cell.output_size)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros for a batch."""
        with name_scope(type(self).__name__ + "ZeroState"):
            return self.cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        return self._wrapped(
            inputs, state, lambda i, s: self.cell(i, s, scope=scope) if scope is not None else self.cell(i, s)
        )

    def _wrapped(self, inputs: Any, state: Any, step: Any) -> Any:
        raise NotImplementedError


def _no_dropout_of_memory(path_state: Any) -> Any:
    if isinstance(path_state, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    if hasattr(path_state, "read") and hasattr(path_state, "write"):
        return False
    return True


@export(v1=("nn.rnn_cell.DropoutWrapper",))
class DropoutWrapper(_Wrapper):
    """Dropout of a cell's inputs, outputs and state."""

    def __init__(self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0, variational_recurrent: bool = False,
                 input_size: Any = None, dtype: Any = None, seed: int | None = None, dropout_state_filter_visitor: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(cell, dtype=dtype, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _no_dropout_of_memory
        given = {
            "input_keep_prob": input_keep_prob,
            "state_keep_prob": state_keep_prob,
            "output_keep_prob": output_keep_prob,
        }
        for name, prob in given.items():
            if isinstance(prob, Tensor):
                continue
            if not 0 <= float(prob) <= 1:
                raise ValueError(f"Parameter {name} must be between 0 and 1: {prob:g}")
        self._input_keep_prob, self._state_keep_prob, self._output_keep_prob = (
            input_keep_prob,
            state_keep_prob,
            output_keep_prob,
        )
        self._variational_recurrent, self._input_size, self._seed = variational_recurrent, input_size, seed
        self._noises: dict[str, Any] = {}
        node_count.more(sum(not isinstance(prob, Tensor) for prob in given.values()))  # each one as a constant
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            if self._drops(input_keep_prob):
                if input_size is None:
                    raise ValueError(
                        "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be provided"
                    )
                self._noises["input"] = self._noise(input_size, "input")
            self._noises["state"] = self._noise(cell.state_size, "state")
            self._noises["output"] = self._noise(cell.output_size, "output")

    @property
    def wrapped_cell(self) -> Any:
        return self.cell

    @staticmethod
    def _drops(keep_prob: Any) -> bool:
        return isinstance(keep_prob, Tensor) or keep_prob < 1

    def _gen_seed(self, salt: str, index: int) -> int | None:
        if self._seed is None:
            return None
        import hashlib

        return int(hashlib.md5(f"{self._seed}_{salt}_{index}".encode()).hexdigest()[:8], 16) & 0x7FFFFFFF

    def _noise(self, sizes: Any, salt: str) -> Any:
        from penstock.ops.random import uniform as random_uniform

        counter = iter(range(1 << 30))

        def one(n: Any) -> Any:
            node_count.more(3)  # the shape is put together
            sizes = [n] if isinstance(n, int) else TensorShape(n).as_list()
            return random_uniform([1, *sizes], dtype=self._dtype, seed=self._gen_seed(salt, next(counter)))

        return one(sizes) if isinstance(sizes, TensorShape) else nest.map_structure(one, sizes)

    def _dropout(self, values: Any, salt: str, noise: Any, keep_prob: Any, filtered: Any = None) -> Any:
        from penstock.ops.nn_dropout import dropout

        flat = nest.flatten(values)
        flags = [True] * len(flat) if filtered is None else nest.flatten(filtered)
        if len(flags) == 1:
            flags = flags * len(flat)
        noises = nest.flatten(noise) if noise is not None else [None] * len(flat)
        out = []
        for i, (v, flag, n) in enumerate(zip(flat, flags, noises)):
            if not flag:
                out.append(v)
            elif n is not None:
                kept = find("Floor")(n + keep_prob)
                out.append(v / keep_prob * kept)
            else:
                out.append(dropout(v, rate=1.0 - keep_prob, seed=self._gen_seed(salt, i)))
        return nest.pack_sequence_as(values, out)

    def _wrapped(self, inputs: Any, state: Any, step: Any) -> Any:
        if self._drops(self._input_keep_prob):
            inputs = self._dropout(inputs, "input", self._noises.get("input"), self._input_keep_prob)
        output, new_state = step(inputs, state)
        if self._drops(self._state_keep_prob):
            parts = new_state if isinstance(new_state, tuple) and not isinstance(new_state, LSTMStateTuple) else None
            filtered = self._filter(new_state) if parts is None else [self._filter(p) for p in parts]
            new_state = self._dropout(new_state, "state", self._noises.get("state"), self._state_keep_prob, filtered)
        if self._drops(self._output_keep_prob):
            output = self._dropout(output, "output", self._noises.get("output"), self._output_keep_prob)
        return output, new_state


@export(v1=("nn.rnn_cell.ResidualWrapper",))
class ResidualWrapper(_Wrapper):
    """A cell whose output is added to its input."""

    def __init__(self, cell: Any, residual_fn: Any = None, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def _wrapped(self, inputs: Any, state: Any, step: Any) -> Any:
        outputs, new_state = step(inputs, state)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), new_state
        nest.assert_same_structure(inputs, outputs)
        for a, b in zip(nest.flatten(inputs), nest.flatten(outputs)):
            if not a.shape.is_compatible_with(b.shape):
                raise ValueError(f"Shapes {a.shape} and {b.shape} are incompatible")
        return nest.map_structure(lambda a, b: a + b, inputs, outputs), new_state


@export(v1=("nn.rnn_cell.DeviceWrapper",))
class DeviceWrapper(_Wrapper):
    """A cell that runs on a device."""

    def __init__(self, cell: Any, device: Any, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros for a batch."""
        from penstock.fronts.lift import device

        with device(self._device):
            return super().zero_state(batch_size, dtype)

    def _wrapped(self, inputs: Any, state: Any, step: Any) -> Any:
        from penstock.fronts.lift import device

        with device(self._device):
            return step(inputs, state)
