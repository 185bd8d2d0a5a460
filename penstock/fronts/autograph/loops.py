"""`while` and `for` on tensors: the variables that a loop carries become the loop variables of a `while_loop`."""

from collections.abc import Callable, Iterator
from typing import Any

from penstock.base import dtypes, nest
from penstock.base.shape import TensorShape, as_dims
from penstock.fronts import control
from penstock.fronts.autograph.flow import Block, _dtype, checked_condition, if_stmt
from penstock.fronts.autograph.growing import GrowingList, Probe
from penstock.fronts.autograph.staging import absent, as_value, is_value, odd, op, symbolic, trial, zeros_like_spec
from penstock.fronts.autograph.undefined import Undefined, UndefinedReturnValue
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.known import known_value
from penstock.ir.tensor import Tensor
from penstock.ops.tensor_array import TensorArray

LOOPERS: list[tuple[Any, Callable[..., bool]]] = []
"""How a `for` goes over objects of other floors: (class, function(source, loop) -> done?)."""


def register_for_loop(cls: Any, run: Callable[[Any, "Loop"], bool]) -> None:
    """Say how a `for` over objects of a class runs as part of a graph.

    `run(source, loop)` takes `loop.start(item)` (an item like those to come), computes the state with
    `loop.step(state, item)` as long as `loop.goes_on(state)`, gives the last state to `loop.finish(state)` and returns
    True; or it returns False, and Python iterates.
    """
    LOOPERS.append((cls, run))


class Loop:
    """One loop being traced: its state is a flat list of tensors and composite values."""

    def __init__(
        self, names: Any, body: Callable[..., None], get_state: Block, set_state: Callable[[Any], None], options: Any,
        test: Block | None,
    ):  # fmt: skip
        self.names, self.body, self.get, self.set, self.test = names, body, get_state, set_state, test
        self.options = dict(options)
        self.lists = self.options.pop("lists", ())  # names that the body appends to
        self.before = tuple(get_state())
        self.first: list[Any] = []  # each variable as it enters the loop
        self.unset: list[bool] = []  # it has no value of its own before the loop
        self.invariants: list[Any] = []
        self.first_item: Any = None  # what the loop's own variable is when no turn is made, where that is known

    # -- before ------------------------------------------------------------------------------------------------------
    def start(self, *item: Any) -> list[Any]:
        """The state that enters the loop; variables without a value are tried out in one turn that is thrown away."""
        self.first = list(self.before)
        self.unset = [False] * len(self.names)
        lists = [i for i, (n, v) in enumerate(zip(self.names, self.before)) if n in self.lists and type(v) is list]
        if lists or any(absent(v) for v in self.before):
            probes = {i: Probe(self.before[i]) for i in lists}
            after = self._tried(item, probes)
            for i, probe in probes.items():
                self.first[i] = probe.grown() or self.before[i]
            for i, (value, new) in enumerate(zip(self.before, after)):
                if absent(value) and not odd(new):
                    of_item = self.first_item is not None and value is not None and any(new is item for item in self.tried_items)
                    self.first[i] = self.first_item if of_item else nest.map_structure(zeros_like_spec, new)
                    self.unset[i] = not of_item
                    self.after_trial.append((i, new))
        self.first = [self._entering(v) for v in self.first]
        self.invariants = [self._invariant(i, leaf) for i, leaf in self._leaves()]
        flat = [leaf for _, leaf in self._leaves()]
        self.counts_turns = any(
            unset and not isinstance(v, UndefinedReturnValue) for unset, v in zip(self.unset, self.before)
        )
        if self.counts_turns:
            flat.append(door.convert(False))
            self.invariants.append(TensorShape([]))
        return flat

    def _tried(self, item: tuple[Any, ...], probes: dict[int, Probe]) -> Any:
        self.after_trial: list[tuple[int, Any]] = []

        def run() -> Any:
            self.set(tuple([probes[i] if i in probes else self._entering(v) for i, v in enumerate(self.before)]))
            if self.test is not None:
                self.test()
            self.tried_items = [i.make() if isinstance(i, _Later) else i for i in item]
            self.body(*self.tried_items)
            return self.get()

        try:
            return trial(run)
        finally:
            self.set(self.before)

    def _entering(self, value: Any) -> Any:
        if absent(value):
            return value
        return nest.map_structure(lambda leaf: as_value(leaf) if is_value(leaf) else leaf, value)

    def _leaves(self) -> Iterator[tuple[int, Any]]:
        for i, value in enumerate(self.first):
            if not absent(value):
                for leaf in nest.flatten(value):
                    if is_value(leaf):
                        yield i, leaf

    def _invariant(self, index: int, leaf: Any) -> Any:
        given = self.options.get("shape_invariants") or ()
        if isinstance(given, dict):
            given = list(given.items())
        originals = nest.flatten(self.before[index]) if not absent(self.before[index]) else []
        current = [x for x in nest.flatten(self.first[index]) if is_value(x)]
        position = next(k for k, x in enumerate(current) if x is leaf)
        original = originals[position] if position < len(originals) else None
        for value, shape in given:
            if value is leaf or (original is not None and value is original) or value is self.before[index]:
                return shape if hasattr(shape, "_component_specs") else TensorShape(shape)
        if self.unset[index] and isinstance(leaf, Tensor):
            seen = next(new for i, new in self.after_trial if i == index)
            tried = nest.flatten(seen)[position]
            return TensorShape._of(tried._dims) if isinstance(tried, Tensor) else TensorShape._of(leaf._dims)
        return TensorShape._of(leaf._dims) if isinstance(leaf, Tensor) else None

    # -- inside ------------------------------------------------------------------------------------------------------
    def enter(self, state: Any) -> None:
        """Give the variables the values of a state."""
        given = iter(state)
        values: list[Any] = []
        for first in self.first:
            if absent(first):
                values.append(first)
                continue
            leaves = [next(given) if is_value(leaf) else leaf for leaf in nest.flatten(first)]
            values.append(nest.pack_sequence_as(first, leaves))
        self.set(tuple(values))

    def goes_on(self, state: Any) -> Any:
        """The test of the loop as a tensor; True when it has none."""
        if self.test is None:
            return door.convert(True)
        self.enter(state)
        return checked_condition(self.test(), "while loop")

    def step(self, state: Any, *item: Any) -> list[Any]:
        """One turn."""
        self.enter(state)
        self.body(*item)
        flat: list[Any] = []
        for name, first, new in zip(self.names, self.first, self.get()):
            self._check(name, first, new)
            if not absent(first):
                flat += [as_value(leaf) for leaf in nest.flatten(new) if is_value(leaf)]
        for (i, leaf), new, invariant in zip(self._leaves(), flat, self.invariants):
            _check_shape(self.names[i], leaf, new, invariant)
        return [*flat, door.convert(True)] if self.counts_turns else flat

    def _check(self, name: str, first: Any, new: Any) -> None:
        if isinstance(new, Undefined) and not isinstance(first, Undefined):
            raise ValueError(f"'{name}' must also be defined at the end of the loop body: it is deleted there")
        if absent(first) and absent(new):
            return
        if absent(new):
            raise ValueError(f"'{name}' is None at the end of the iteration.")
        try:
            nest.assert_same_structure(first, new, expand_composites=True)
        except (ValueError, TypeError) as error:
            if "Incompatible CompositeTensor" not in str(error):
                text = f"'{name}' does not have the same nested structure after one iteration.\n\n{error}"
                raise TypeError(text) from None
        for a, b in zip(nest.flatten(first), nest.flatten(new)):
            if not is_value(a) or not is_value(b):
                if a is not b:
                    raise TypeError(
                        f"'{name}' is {a!r} before the loop, but {b!r} after one iteration: a loop on a tensor can "
                        "only change tensors"
                    )
                continue
            one, two = _dtype(a), _dtype(b)
            if one is not None and two is not None and one != two:
                raise TypeError(
                    f"'{name}' has dtype {one.name} before the loop, but dtype {two.name} after one iteration"
                )

    # -- after -------------------------------------------------------------------------------------------------------
    def finish(self, state: Any) -> None:
        """Give the variables their last values; one that only the loop sets needs a turn to have been made."""
        state = list(state)
        if self.counts_turns:
            turned = state.pop()
            missing = [
                n
                for n, u, v in zip(self.names, self.unset, self.before)
                if u and not isinstance(v, UndefinedReturnValue)
            ]
            message = f"loop must iterate at least once to initialize {', '.join(missing)}"
            check = op("Assert", turned, [message])
            here = door.current()
            if here.is_graph and check is not None:
                with here.control_dependencies([check]):
                    state = [op("Identity", t) if isinstance(t, Tensor) else t for t in state]
        self.enter(state)

    def run(self, test: Callable[..., Any], turn: Callable[..., Any], state: list[Any], ahead: list[Any]) -> None:
        """A `while_loop` over `ahead` (counters of its own) and the state."""
        n = len(ahead)
        flat = [*ahead, *state]
        invariants = [TensorShape._of(t._dims) for t in ahead] + self.invariants
        if not flat:
            flat, invariants = [door.convert(0)], [TensorShape([])]
        options = {k: v for k, v in self.options.items() if k != "shape_invariants"}
        results = control.while_loop_v2(
            lambda *v: test(v[:n], v[n:] if state else ()),
            lambda *v: turn(v[:n], v[n:] if state else ()) or [v[0]],
            flat, shape_invariants=invariants, **options,
        )  # fmt: skip
        self.finish(results[n:] if state else ())


def _check_shape(name: str, before: Any, after: Any, invariant: Any) -> None:
    if not isinstance(before, Tensor) or not isinstance(after, Tensor) or invariant is None:
        return
    want, have = as_dims(invariant), after._dims
    if want is None:
        return
    fits = have is not None and len(have) == len(want) and all(w is None or w == h for w, h in zip(want, have))
    if not fits:
        shown = TensorShape._of(before._dims)
        given = "" if want == before._dims else f" (shape invariant {TensorShape._of(want)})"
        raise ValueError(
            f"'{name}' has shape {shown}{given} before the loop, but shape {after.shape} after one iteration. "
            "Use tf.autograph.experimental.set_loop_options to set shape invariants."
        )


# --- while ----------------------------------------------------------------------------------------------------------


def while_stmt(
    test: Block, body: Block, get_state: Block, set_state: Callable[[Any], None], names: Any, options: Any
) -> None:
    """`while test(): body()`; from the first turn on whose test is a tensor, as a loop of the graph."""
    while True:
        go = test()
        if symbolic(go) is not None:
            break
        if not go:
            return
        body()
    loop = Loop(names, body, get_state, set_state, options, test)
    state = loop.start()
    loop.run(lambda _, s: loop.goes_on(s), lambda _, s: loop.step(s), state, [])


# --- for ------------------------------------------------------------------------------------------------------------


class Indexed:
    """A sequence of graph tensors that a `for` can go over: how many items, and the item at a place."""

    def __init__(self, count: Any, item: Callable[[Any], Any]):
        self.count, self.item = count, item

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            "the items of a symbolic tensor can only be taken by a `for` statement that AutoGraph converted"
        )


def for_stmt(
    source: Any, test: Block | None, body: Callable[[Any], None], get_state: Block, set_state: Callable[[Any], None],
    names: Any, options: Any,
) -> None:  # fmt: skip
    """`for item in source: body(item)` while `test()`; over tensors and datasets as a loop of the graph."""
    if isinstance(source, Tensor) and door.current().is_graph:
        source = door.convert(source)
        if isinstance(source, GraphTensor) and source.op.type == "Range":
            return _over_range(source, Loop(names, body, get_state, set_state, options, test))
        source = indexed(source)
    if isinstance(source, Indexed):
        return _over_indexed(source, Loop(names, body, get_state, set_state, options, test))
    if door.current().is_graph:
        if is_ragged(source):
            rows = op("Cast", source.nrows(), DstT=dtypes.int32)
            every = Indexed(rows, lambda i: source[i])
            return _over_indexed(every, Loop(names, body, get_state, set_state, options, test))
        if isinstance(source, GrowingList):
            every = Indexed(source.count, source.array.read)
            return _over_indexed(every, Loop(names, body, get_state, set_state, options, test))
        for cls, run in LOOPERS:
            if isinstance(source, cls) and run(source, Loop(names, body, get_state, set_state, options, test)):
                return None
        if symbolic(source) is not None:
            tensor = indexed(symbolic(source))
            return _over_indexed(tensor, Loop(names, body, get_state, set_state, options, test))
    return _over_python(source, test, body, get_state, set_state, names)


def is_ragged(value: Any) -> bool:
    return not isinstance(value, Tensor) and hasattr(value, "row_splits") and hasattr(value, "nrows")


def indexed(tensor: Any) -> Indexed:
    """The items of a tensor along its first axis."""
    dims = tensor._dims
    if dims is not None and not dims:
        raise ValueError(f"len requires a non-scalar tensor, got one of shape {tensor.shape}: {tensor}")
    count = length(tensor)
    rows = TensorArray(tensor.dtype, size=count, element_shape=None if dims is None else dims[1:]).unstack(tensor)
    return Indexed(count, rows.read)


def length(tensor: Any) -> Any:
    """The size of the first axis as an int32 scalar."""
    dims = tensor._dims
    if dims is not None and dims[0] is not None:
        return door.convert(int(dims[0]))
    shape = op("Shape", tensor)
    return op("GatherV2", shape, 0, 0)


def _and(a: Any, b: Any) -> Any:
    return op("LogicalAnd", a, b)


def _over_indexed(source: Indexed, loop: Loop) -> None:
    count = source.count
    state = loop.start(trial_item(source))

    def test(ahead: Any, state: Any) -> Any:
        more = op("Less", ahead[0], count)
        return more if loop.test is None else _and(more, loop.goes_on(state))

    def turn(ahead: Any, state: Any) -> Any:
        return [op("AddV2", ahead[0], 1), *loop.step(state, source.item(ahead[0]))]

    loop.run(test, turn, state, [door.convert(0)])


def trial_item(source: Indexed) -> Any:
    """An item only for a turn that is thrown away."""
    return _Later(lambda: source.item(door.convert(0)))


class _Later:
    """An item that is made in the graph that is thrown away."""

    def __init__(self, make: Block):
        self.make = make


def _over_range(source: Any, loop: Loop) -> None:
    start, limit, delta = source.op.inputs
    here = door.current()
    start, limit, delta = (here.convert(t) for t in (start, limit, delta))
    step = known_value(delta)
    if step is None:
        up = op("Greater", delta, op("ZerosLike", delta))

    def more(at: Any) -> Any:
        if step is not None:
            return op("Less" if step > 0 else "Greater", at, limit)
        ahead = _and(up, op("Less", at, limit))
        return op("LogicalOr", ahead, _and(op("LogicalNot", up), op("Greater", at, limit)))

    loop.first_item = start
    state = loop.start(_Later(lambda: op("Identity", start)))

    def test(ahead: Any, state: Any) -> Any:
        go = more(ahead[0])
        return go if loop.test is None else _and(go, loop.goes_on(state))

    def turn(ahead: Any, state: Any) -> Any:
        return [op("AddV2", ahead[0], delta), *loop.step(state, ahead[0])]

    loop.run(test, turn, state, [start])


def _over_python(
    source: Any, test: Block | None, body: Callable[[Any], None], get_state: Block, set_state: Callable[[Any], None],
    names: Any,
) -> None:  # fmt: skip
    items = iter(source)
    for item in items:
        body(item)
        if test is None:
            continue
        go = test()
        if symbolic(go) is not None:
            if not hasattr(source, "__len__"):
                raise NotImplementedError(
                    "break and return statements which depend on a TF condition are not supported in Python for loops "
                    f"over {type(source).__name__} objects, whose length is not known. Did you intend to make it a TF "
                    "loop?"
                )
            return _unrolled(items, test, body, get_state, set_state, names)
        if not go:
            return None
    return None


def _unrolled(
    items: Iterator[Any], test: Block, body: Callable[[Any], None], get_state: Block, set_state: Callable[[Any], None],
    names: Any,
) -> None:  # fmt: skip
    """The rest of a loop over Python items that a tensor may end: each turn becomes a branch."""
    for item in items:
        go = test()
        if symbolic(go) is None:
            if not go:
                return
            body(item)
            continue
        if_stmt(go, lambda item=item: body(item), lambda: None, get_state, set_state, names, len(names))
