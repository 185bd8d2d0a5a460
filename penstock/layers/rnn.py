"""`tf.nn.dynamic_rnn` and its kin: cells run over time."""

from typing import Any

from penstock.base import nest
from penstock.base.dtypes import as_dtype, int32
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.fronts.control import while_loop
from penstock.ir import door, node_count
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.layers.rnn_cell import assert_like_rnncell, zero_state_tensors
from penstock.ops.shapes import shape
from penstock.ops.tensor_array import TensorArray
from penstock.state.scopes import variable_scope


def _swap_time(x: Any) -> Any:
    """[a, b, ...] -> [b, a, ...]."""
    rank = x.shape.rank
    if rank is not None and rank < 2:
        return x
    if rank is None:
        rest = find("Range")(2, find("Rank")(x), 1)
        return find("Transpose")(x, find("ConcatV2")([[1, 0], rest], 0))
    with node_count.exactly(8):
        return find("Transpose")(x, [1, 0, *range(2, rank)], name="transpose")


def _sizes_of(size: Any) -> list[Any]:
    return [size] if isinstance(size, int) else TensorShape(size).as_list()


def _batch_size(flat_input: list[Any]) -> Any:
    """The batch size of time-major inputs: an int where any input tells."""
    for t in flat_input:
        if t.shape.rank is not None and t.shape.rank >= 2 and t.shape.as_list()[1] is not None:
            return t.shape.as_list()[1]
    return shape(flat_input[0])[1]


def _expand_to(condition: Any, value: Any) -> Any:
    """A vector over the batch, ready to choose between tensors like `value`."""
    for _ in range((value.shape.rank or 1) - 1):
        condition = find("ExpandDims")(condition, -1)
    return condition


def _choose(condition: Any, if_so: Any, otherwise: Any) -> Any:
    if isinstance(otherwise, TensorArray) or (isinstance(otherwise, Tensor) and otherwise.shape.rank == 0):
        return otherwise
    with node_count.exactly(1):
        out = find("SelectV2")(_expand_to(condition, otherwise), if_so, otherwise)
    if door.current().is_graph:
        out.set_shape(otherwise.shape)
    return out


def _initial_state(cell: Any, initial_state: Any, batch_size: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return nest.map_structure(lambda t: t if isinstance(t, TensorArray) else door.convert(t), initial_state)
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
    return cell.zero_state(batch_size, dtype)


def _lengths(sequence_length: Any) -> Any:
    if sequence_length is None:
        return None
    lengths = door.convert(sequence_length)
    if lengths.dtype is not int32:
        lengths = find("Cast")(lengths, DstT=int32)
    if lengths.shape.rank not in (None, 1):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    return find("Identity")(lengths, name="sequence_length")


@export(v1=("nn.dynamic_rnn",))
def dynamic_rnn(
    cell: Any, inputs: Any, sequence_length: Any = None, initial_state: Any = None, dtype: Any = None, parallel_iterations: int | None = None,
    swap_memory: bool = False, time_major: bool = False, scope: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a cell run over the time axis of `inputs`, and its last state.

    `inputs` is [batch, time, ...] ([time, batch, ...] when `time_major`), or a nest of such.  Beyond an example's
    `sequence_length` outputs are zeros and the state stays.
    """
    assert_like_rnncell("cell", cell)
    with variable_scope(scope or "rnn"):
        flat = [door.convert(t) for t in nest.flatten(inputs)]
        if not time_major:
            flat = [_swap_time(t) for t in flat]
        lengths = _lengths(sequence_length)
        batch = _batch_size(flat)
        state = _initial_state(cell, initial_state, batch, dtype)
        if lengths is not None and not lengths.shape.is_compatible_with([batch if isinstance(batch, int) else None]):
            raise ValueError(
                f"sequence_length must be a vector of length batch_size = {batch}, but saw shape: {lengths.shape}"
            )
        node_count.more(0 if lengths is None else 11)  # 1.x asserts the shape of the lengths
        outputs, final_state = _loop(
            cell, nest.pack_sequence_as(inputs, flat), state, lengths, parallel_iterations or 32, swap_memory, dtype
        )
        if not time_major:
            outputs = nest.map_structure(_swap_time, outputs)
    return outputs, final_state


def _loop(
    cell: Any, inputs: Any, initial_state: Any, lengths: Any, parallel_iterations: int, swap_memory: bool, dtype: Any
) -> Any:
    flat = nest.flatten(inputs)
    for t in flat:
        if t.shape.rank is not None and any(n is None for n in t.shape.as_list()[2:]):
            raise ValueError("Input size (depth of inputs) must be accessible via shape inference, but saw value None.")
    static = flat[0].shape.as_list()[0] if flat[0].shape.rank else None
    for t in flat[1:]:
        n = t.shape.as_list()[0] if t.shape.rank else None
        if static is not None and n is not None and n != static:
            raise ValueError(
                f"Time steps is not the same for all the elements in the input in a batch. {static} vs {n}"
            )
    with node_count.exactly(5):
        steps = static if static is not None else shape(flat[0])[0]
    output_size = cell.output_size
    flat_sizes = [output_size] if isinstance(output_size, (int, TensorShape)) else nest.flatten(output_size)
    output_dtype = as_dtype(dtype).base_dtype if dtype is not None else nest.flatten(initial_state)[0].dtype.base_dtype
    batch = _batch_size(flat)
    fixed = batch if isinstance(batch, int) else None
    node_count.more(len(flat_sizes) * (6 if fixed else 7) if lengths is None else 0)  # zeros that only lengths need
    zeros: list[Any] = []
    if lengths is not None:
        zeros = zero_state_tensors(list(flat_sizes), batch, output_dtype, 0 if fixed else 1)
        with node_count.exactly(4):
            longest = find("Max")(lengths, [0])
    start = door.convert(0, None, "time")
    arrays = [
        _array(t, steps, element)
        for t, element in [(output_dtype, [fixed, *_sizes_of(s)]) for s in flat_sizes] + [(t.dtype, t.shape[1:]) for t in flat]
    ]
    outs = tuple(arrays[: len(flat_sizes)])
    ins = tuple(ta.unstack(t) for ta, t in zip(arrays[len(flat_sizes) :], flat))

    def turn(time: Any, outs: Any, state: Any) -> Any:
        now = []
        for ta, t in zip(ins, flat):
            one = ta.read(time)
            if door.current().is_graph:
                one.set_shape(t.shape[1:])
            now.append(one)
        done = None if lengths is None else time >= lengths
        output, new_state = cell(nest.pack_sequence_as(inputs, now), state)
        nest.assert_same_structure(state, new_state)
        parts = nest.flatten(output)
        if done is not None:
            parts = [_choose(done, z, o) for z, o in zip(zeros, parts)]
            new_state = nest.pack_sequence_as(
                state, [_choose(done, s, n) for s, n in zip(nest.flatten(state), nest.flatten(new_state))]
            )
        outs = tuple(ta.write(time, o) for ta, o in zip(outs, parts))
        return time + 1, outs, nest.pack_sequence_as(state, nest.flatten(new_state))

    in_graph = door.current().is_graph
    with node_count.exactly(3):
        steps = door.convert(steps)
        bound = steps if lengths is None else find("Minimum")(steps, find("Maximum")(door.convert(1), longest))
    if lengths is not None and in_graph:
        with node_count.exactly(0):  # the arrays of 1.x hold zeros where nothing was written
            outs = tuple(_prefilled(ta, z, steps, static) for ta, z in zip(outs, zeros))
    # the bound enters the loop by itself in 1.x, also where it is the same tensor
    _, outs, final_state = while_loop(lambda time, *_: time < bound, turn, (start, outs, initial_state),
                                      parallel_iterations=parallel_iterations, maximum_iterations=steps, swap_memory=swap_memory)  # fmt: skip
    node_count.more(1 if bound is steps else 0)
    stacked = []
    for ta, s in zip(outs, flat_sizes):
        if lengths is not None and not in_graph:
            while int(ta.size()) > 0 and _missing(ta):
                ta = ta.write(_missing(ta), zeros[len(stacked)])
        whole = ta.stack()
        node_count.more(2 if fixed and static else 1)
        if in_graph:
            whole.set_shape([static, fixed, *_sizes_of(s)])
        stacked.append(whole)
    result = stacked[0] if isinstance(output_size, (int, TensorShape)) else nest.pack_sequence_as(output_size, stacked)
    return result, final_state


def _array(dtype: Any, steps: Any, element_shape: Any) -> Any:
    with node_count.exactly(1):
        return TensorArray(dtype, size=steps, element_shape=element_shape)


def _prefilled(ta: Any, zero: Any, steps: Any, static: int | None) -> Any:
    """An array whose elements are zeros until they are written: steps after the longest sequence are never run."""
    rank = zero.shape.rank
    count = [static] if static is not None else find("Reshape")(door.convert(steps), [1])
    if static is not None:
        multiples: Any = [static, *[1] * rank]
    else:
        multiples = find("ConcatV2")([count, [1] * rank], 0)
    return ta.unstack(find("Tile")(find("ExpandDims")(zero, 0), multiples))


def _missing(ta: Any) -> int | None:
    """The first element of an eager array that was never written."""
    held = ta._state
    for i in range(int(ta.size())):
        try:
            held.read(i, None)
        except Exception:  # noqa: BLE001 - reading what was not written is an error of several kinds
            return i
    return None


@export(v1=("nn.bidirectional_dynamic_rnn",))
def bidirectional_dynamic_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Any, sequence_length: Any = None, initial_state_fw: Any = None, initial_state_bw: Any = None, dtype: Any = None,
    parallel_iterations: int | None = None, swap_memory: bool = False, time_major: bool = False, scope: Any = None,
) -> Any:  # fmt: skip
    """Two cells over the same inputs, one from the front and one from the back: ((outputs, outputs), (state, state))."""
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    time, batch = (0, 1) if time_major else (1, 0)

    def reverse(x: Any) -> Any:
        if sequence_length is not None:
            return find("ReverseSequence")(x, sequence_length, seq_dim=time, batch_dim=batch)
        return find("ReverseV2")(x, [time])

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw_scope:
            output_fw, state_fw = dynamic_rnn(
                cell_fw,
                inputs,
                sequence_length,
                initial_state_fw,
                dtype,
                parallel_iterations,
                swap_memory,
                time_major,
                fw_scope,
            )
        with variable_scope("bw") as bw_scope:
            backwards = nest.map_structure(lambda x: reverse(door.convert(x)), inputs)
            output, state_bw = dynamic_rnn(
                cell_bw,
                backwards,
                sequence_length,
                initial_state_bw,
                dtype,
                parallel_iterations,
                swap_memory,
                time_major,
                bw_scope,
            )
    output_bw = nest.map_structure(reverse, output)
    return (output_fw, output_bw), (state_fw, state_bw)


@export(v1=("nn.static_rnn",))
def static_rnn(
    cell: Any, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
) -> Any:
    """The outputs of a cell over a list of inputs [batch, ...], one a step, and its last state."""
    assert_like_rnncell("cell", cell)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs = []
    with variable_scope(scope or "rnn") as scope_object:
        inputs = [nest.map_structure(door.convert, i) for i in inputs]
        first = nest.flatten(inputs[0])
        for t in first:
            if t.shape.rank is not None and any(n is None for n in t.shape.as_list()[1:]):
                raise ValueError(
                    "Input size (dimension 1 of inputs) must be accessible via shape inference, but saw value None."
                )
        known = next(
            (
                t.shape.as_list()[0]
                for step in inputs
                for t in nest.flatten(step)
                if t.shape.rank and t.shape.as_list()[0] is not None
            ),
            None,
        )
        batch = known if known is not None else shape(first[0])[0]
        lengths = _lengths(sequence_length)
        state = _initial_state(cell, initial_state, batch, dtype)
        if lengths is not None:
            output_dtype = nest.flatten(state)[0].dtype if dtype is None else dtype
            zero = zero_state_tensors(cell.output_size, batch, output_dtype, 2)
            # in 1.x: the shortest and longest length, then for the first step two comparisons and a conditional that all of this enters
            node_count.more(4 + 4 + 4 + len(nest.flatten(zero)) + len(nest.flatten(state)) - 1)  # and no name for the lengths
        for time, given in enumerate(inputs):
            if time > 0:
                scope_object.reuse_variables()
            output, new_state = cell(given, state)
            if lengths is not None:
                done = find("GreaterEqual")(door.convert(time), lengths)
                output = nest.map_structure(lambda z, o: _choose(done, z, o), zero, output)
                new_state = nest.map_structure(lambda s, n: _choose(done, s, n), state, new_state)
            state = new_state
            outputs.append(output)
    return outputs, state


@export(v1=("nn.static_state_saving_rnn",))
def static_state_saving_rnn(
    cell: Any, inputs: Any, state_saver: Any, state_name: Any, sequence_length: Any = None, scope: Any = None
) -> Any:
    """`static_rnn` whose state comes from, and goes back to, a `state_saver` (with `state(name)` and `save_state(name, value)`)."""
    sizes = cell.state_size
    nested = nest.is_nested(sizes)
    if nested != isinstance(state_name, tuple):
        raise ValueError(
            f"state_name should be the same type as cell.state_size.  state_name: {state_name}, cell.state_size: {sizes}"
        )
    if nested:
        names = nest.flatten(state_name)
        if len(names) != len(nest.flatten(sizes)):
            raise ValueError(f"#elems(state_name) != #elems(state_size): {len(names)} vs. {len(nest.flatten(sizes))}")
        initial = nest.pack_sequence_as(sizes, [state_saver.state(n) for n in names])
    else:
        names, initial = [state_name], state_saver.state(state_name)
    outputs, state = static_rnn(cell, inputs, initial_state=initial, sequence_length=sequence_length, scope=scope)
    saved = [state_saver.save_state(n, s) for n, s in zip(names, nest.flatten(state))]
    here = door.current()
    if here.is_graph:
        with here.control_dependencies(saved):
            last = outputs[-1]
            outputs[-1] = nest.map_structure(lambda t: find("Identity")(t), last)
            state = nest.map_structure(lambda t: find("Identity")(t), state)
    return outputs, state


@export(v1=("nn.static_bidirectional_rnn",))
def static_bidirectional_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Any, initial_state_fw: Any = None, initial_state_bw: Any = None, dtype: Any = None, sequence_length: Any = None,
    scope: Any = None,
) -> Any:  # fmt: skip
    """Two cells over a list of inputs, from the front and from the back: (outputs side by side, state, state)."""
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw_scope:
            output_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=fw_scope)
        with variable_scope("bw") as bw_scope:
            backwards, state_bw = static_rnn(
                cell_bw, _reversed(inputs, sequence_length), initial_state_bw, dtype, sequence_length, scope=bw_scope
            )
    output_bw = _reversed(backwards, sequence_length)
    joined = [nest.pack_sequence_as(f, [find("ConcatV2")([a, b], 1, name="concat") for a, b in zip(nest.flatten(f), nest.flatten(b))])
              for f, b in zip(output_fw, output_bw)]  # fmt: skip
    return joined, state_fw, state_bw


def _reversed(steps: list[Any], lengths: Any) -> list[Any]:
    if lengths is None:
        return list(reversed(steps))
    columns = []
    for parts in zip(*(nest.flatten(s) for s in steps)):
        whole = find("Pack")(list(parts), axis=0)
        columns.append(
            find("Unpack")(find("ReverseSequence")(whole, lengths, seq_dim=0, batch_dim=1), num=len(parts), axis=0)
        )
    return [nest.pack_sequence_as(s, [c[i] for c in columns]) for i, s in enumerate(steps)]


@export(v1=("nn.raw_rnn",))
def raw_rnn(
    cell: Any, loop_fn: Any, parallel_iterations: int | None = None, swap_memory: bool = False, scope: Any = None
) -> Any:
    """A cell run under the control of `loop_fn(time, cell_output, cell_state, loop_state)`, which says inputs, states and ends.

    `loop_fn` gives (elements finished, next input, next state, output to emit, next loop state).
    """
    assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    from penstock.ops.constants import zeros as make, zeros_like

    with variable_scope(scope or "rnn"):
        finished, next_input, state, emit_structure, loop_state = loop_fn(door.convert(0), None, None, None)
        flat_input = [door.convert(t) for t in nest.flatten(next_input)]
        loop_state = loop_state if loop_state is not None else door.convert(0)
        static = next(
            (t.shape.as_list()[0] for t in flat_input if t.shape.rank and t.shape.as_list()[0] is not None), None
        )
        batch = static if static is not None else shape(flat_input[0])[0]
        nest.assert_same_structure(state, cell.state_size)
        flat_state = [t if isinstance(t, TensorArray) else door.convert(t) for t in nest.flatten(state)]
        state = nest.pack_sequence_as(state, flat_state)
        if emit_structure is not None:
            flat_emit = [door.convert(t) for t in nest.flatten(emit_structure)]
            sizes = [t.shape if t.shape.is_fully_defined() else shape(t) for t in flat_emit]
            kinds = [t.dtype for t in flat_emit]
        else:
            emit_structure = cell.output_size
            sizes = [emit_structure] if isinstance(emit_structure, (int, TensorShape)) else nest.flatten(emit_structure)
            kinds = [flat_state[0].dtype] * len(sizes)
        pack = (
            (lambda flat: flat[0])
            if isinstance(emit_structure, (int, TensorShape))
            else (lambda flat: nest.pack_sequence_as(emit_structure, flat))
        )
        arrays = pack([TensorArray(k.base_dtype, size=0, dynamic_size=True, element_shape=TensorShape([static]).concatenate(_static_shape(s)), name=f"rnn_output_{i}")
                       for i, (k, s) in enumerate(zip(kinds, sizes))])  # fmt: skip

        def zero(kind: Any, size: Any) -> Any:
            if not isinstance(size, Tensor):
                return zero_state_tensors(TensorShape(size), batch, kind.base_dtype, 0 if static is not None else 1)
            return make(find("ConcatV2")([find("Reshape")(door.convert(batch), [1]), size], 0), dtype=kind.base_dtype)

        zero_emit = pack([zero(k, s) for k, s in zip(kinds, sizes)])

        def body(time: Any, finished: Any, current: Any, arrays: Any, state: Any, loop_state: Any) -> Any:
            output, cell_state = cell(current, state)
            nest.assert_same_structure(state, cell_state)
            next_time = time + 1
            next_finished, next_input, next_state, emit, next_loop_state = loop_fn(
                next_time, output, cell_state, loop_state
            )
            nest.assert_same_structure(state, next_state)
            nest.assert_same_structure(current, next_input)
            nest.assert_same_structure(arrays, emit)
            next_loop_state = loop_state if next_loop_state is None else next_loop_state
            emit = nest.map_structure(lambda z, e: _choose(finished, z, e), zero_emit, emit)
            next_state = nest.map_structure(lambda s, n: _choose(finished, s, n), state, next_state)
            arrays = nest.map_structure(lambda ta, e: ta.write(time, e), arrays, emit)
            return (
                next_time,
                find("LogicalOr")(finished, next_finished),
                next_input,
                arrays,
                next_state,
                next_loop_state,
            )

        finished = door.convert(finished) if finished is not None else zeros_like(flat_input[0])
        _, _, _, arrays, state, loop_state = while_loop(
            lambda time, finished, *_: find("LogicalNot")(find("All")(finished, [0] if finished.shape.rank else [])), body,
            [door.convert(0), finished, nest.pack_sequence_as(next_input, flat_input), arrays, state, loop_state],
            parallel_iterations=parallel_iterations or 32, swap_memory=swap_memory,
        )  # fmt: skip
    return arrays, state, loop_state


def _static_shape(size: Any) -> TensorShape:
    if isinstance(size, Tensor):
        return TensorShape(None)
    return TensorShape(_sizes_of(size))
