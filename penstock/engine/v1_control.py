"""1.x control flow: the part of a plan between Switch, Merge, Enter and Exit becomes one host node, run by tokens.

A token is a value of a tensor in one turn of one loop.  A node runs when its tokens of one turn are there; a dead token (the
side of a Switch that was not taken) makes what depends on it dead, until a Merge takes the live side.
"""

from collections import deque
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import Op

MARKS = frozenset("Switch RefSwitch Merge RefMerge Enter RefEnter Exit RefExit NextIteration RefNextIteration LoopCond".split())
_OPENS = frozenset("Switch RefSwitch Enter RefEnter".split())
_CLOSES = frozenset("Merge RefMerge Exit RefExit NextIteration RefNextIteration".split())
_MERGES, _SWITCHES = ("Merge", "RefMerge"), ("Switch", "RefSwitch")
_ENTERS, _EXITS, _NEXTS = ("Enter", "RefEnter"), ("Exit", "RefExit"), ("NextIteration", "RefNextIteration")
DEAD: Any = type("Dead", (), {"__repr__": lambda s: "dead"})()


def _run(xp: Any, inputs: Any, *, region: Any) -> Any:
    return region(inputs)


REGION = Op("ControlFlowRegion(inputs: Tin, *, Tin: list(type), Tout: list(type), region: str) -> outputs: Tout", _run, where="host", effect="write", public=False)


def collapse(nodes: list[Any], fed: set[int], fetched: set[int], store: Any) -> list[Any]:
    """The nodes with all 1.x control flow gathered into one node."""
    if not any(n.definition.name in MARKS for n in nodes):
        return nodes
    inside = _region(nodes, fed)
    region = Region([n for n in nodes if n in inside], nodes, fed, fetched, store)
    out = [n for n in nodes if n not in inside]
    made = {t._id for t in region.outputs}
    later, behind = [], set()
    first: list[Any] = []
    for n in out:
        if any(t._id in made or t.op in behind for t in n._inputs if t._id not in fed) or any(c in inside or c in behind for c in n._control):
            behind.add(n)
            later.append(n)
        else:
            first.append(n)
    return [*first, RegionNode(region), *later]


def _region(nodes: list[Any], fed: set[int]) -> set[Any]:
    """All nodes between an opening and a closing mark, and those that a Switch may leave dead."""
    users: dict[Any, list[Any]] = {}
    for n in nodes:
        for s in _sources(n, fed):
            users.setdefault(s, []).append(n)
    down = _spread([n for n in nodes if n.definition.name in _OPENS], lambda n: users.get(n, ()))
    up = _spread([n for n in nodes if n.definition.name in _CLOSES], lambda n: _sources(n, fed))
    found = (down & up) | {n for n in nodes if n.definition.name in MARKS or n.definition.name == "StackV2"}
    maybe_dead = [n for n in nodes if n.definition.name in _SWITCHES]
    seen = set(maybe_dead)
    while maybe_dead:
        for u in users.get(maybe_dead.pop(), ()):
            if u not in seen and u.definition.name not in (*_MERGES, *_EXITS):
                seen.add(u)
                maybe_dead.append(u)
    found |= seen & set(nodes)
    return _closed(found, nodes, fed, users)


def _closed(found: set[Any], nodes: list[Any], fed: set[int], users: Any) -> set[Any]:
    """With what stands on a way out of the region and back into it."""
    down = _spread(list(found), lambda n: users.get(n, ()))
    up = _spread(list(found), lambda n: _sources(n, fed))
    return found | (down & up)


def _sources(node: Any, fed: set[int]) -> list[Any]:
    return [*(t.op for t in node._inputs if t._id not in fed), *node._control]


def _spread(start: list[Any], step: Any) -> set[Any]:
    seen, stack = set(start), list(start)
    while stack:
        for n in step(stack.pop()):
            if n not in seen:
                seen.add(n)
                stack.append(n)
    return seen


class RegionNode:
    """The region as a node of a plan."""

    def __init__(self, region: "Region"):
        first = region.nodes[0]
        self.definition, self.name, self.line, self._id, self.graph = REGION, f"{first.name} (control flow)", first.line, first._id, first.graph
        self._inputs, self._control, self.outputs = tuple(region.inputs), (), list(region.outputs)
        self.device, self.colocation, self.gradient_name = "", (), None
        self.attrs = {"Tin": [t.dtype for t in self._inputs], "Tout": [t.dtype for t in self.outputs], "region": region}

    type = property(lambda s: REGION.name)
    inputs = property(lambda s: s._inputs)


class Turn:
    """One turn of one loop; the outermost code is a single turn."""

    __slots__ = ("frame", "waiting", "values", "done", "next")

    def __init__(self, frame: "Frame | None"):
        self.frame = frame
        self.waiting: dict[Any, int] = {}
        self.values: dict[Any, dict[int, Any]] = {}
        self.done: set[Any] = set()
        self.next: Turn | None = None


class Frame:
    """One run of a loop: the turn that it was entered from, and what all its turns see."""

    def __init__(self, outer: Turn):
        self.outer = outer
        self.turns: list[Turn] = [Turn(self)]
        self.constants: list[tuple[Any, Any]] = []
        self.dead = False


class Region:
    """A part of a graph, run by tokens."""

    def __init__(self, nodes: list[Any], everything: list[Any], fed: set[int], fetched: set[int], store: Any):
        self.nodes, self.store = nodes, store
        inside = set(nodes)
        self.inputs = list({t._id: t for n in nodes for t in n._inputs if t._id in fed or t.op not in inside}.values())
        used = {t._id for n in everything if n not in inside for t in n._inputs} | fetched
        self.outputs = [t for n in nodes for t in n.outputs if t._id in used and t._id not in fed]
        outer = {t._id for t in self.inputs}
        self.readers: dict[int, list[tuple[Any, int]]] = {}
        self.followers: dict[Any, list[Any]] = {}
        self.control: dict[Any, int] = {}
        for n in nodes:
            for i, t in enumerate(n._inputs):
                self.readers.setdefault(t._id, []).append((n, i))
            control = [c for c in dict.fromkeys(n._control) if c in inside]
            self.control[n] = len(control)
            for c in control:
                self.followers.setdefault(c, []).append(n)
        self.outer = outer
        self.exits: dict[str, list[Any]] = {}
        self._find_exits()

    def _find_exits(self) -> None:
        """The Exits of each loop, by the name of its frame."""
        frame: dict[Any, tuple[str, ...]] = {}
        todo: deque[Any] = deque((n, ()) for n in self.nodes if not any(t._id not in self.outer for t in n._inputs) and not self.control[n])
        while todo:
            n, path = todo.popleft()
            if n in frame:
                continue
            frame[n] = path
            name = n.definition.name
            if name in _ENTERS:
                path = (*path, n.attrs["frame_name"])
            elif name in _EXITS:
                self.exits.setdefault(path[-1] if path else "", []).append(n)
                path = path[:-1]
            for t in n.outputs:
                todo.extend((u, path) for u, _ in self.readers.get(t._id, ()))
            todo.extend((u, path) for u in self.followers.get(n, ()))

    def __call__(self, values: list[Any]) -> list[Any]:
        """The outputs for values of the inputs."""
        run = _Run(self)
        run.start(dict(zip((t._id for t in self.inputs), values)))
        out = []
        for t in self.outputs:
            value = run.results.get(t._id, DEAD)
            if value is DEAD:
                raise InvalidArgumentError(None, t.op, f"Retval[0] does not have value: {t.name!r} stands on the side of a tf.cond that was not taken\n  made at {t.op.line}")
            out.append(value)
        return out


class _Run:
    """One run of a region."""

    def __init__(self, region: Region):
        self.region, self.root = region, Turn(None)
        self.ready: deque[tuple[Any, Turn, bool]] = deque()
        self.results: dict[int, Any] = {}
        self.frames: dict[tuple[int, str], Frame] = {}

    def start(self, values: dict[int, Any]) -> None:
        region = self.region
        for n in region.nodes:
            if not n._inputs and not region.control[n]:
                self.ready.append((n, self.root, False))
        for key, value in values.items():
            self.deliver(key, value, self.root)
        while self.ready:
            node, turn, dead = self.ready.popleft()
            self.fire(node, turn, dead)

    def deliver(self, tensor_id: int, value: Any, turn: Turn) -> None:
        if turn.frame is None and tensor_id not in self.results:
            self.results[tensor_id] = value
        for node, index in self.region.readers.get(tensor_id, ()):
            self.arrive(node, index, value, turn)

    def arrive(self, node: Any, index: int, value: Any, turn: Turn) -> None:
        """A token (or, with index -1, a control edge) comes to a node."""
        if node in turn.done:
            return
        held = turn.values.setdefault(node, {})
        if index >= 0:
            held[index] = value
        elif value is DEAD:
            held[-1] = DEAD
        if index < 0:
            turn.waiting[node] = turn.waiting.get(node, 0) + 1
        if turn.waiting.get(node, 0) < self.region.control[node]:
            return
        given = [i for i in held if i >= 0]
        if node.definition.name in _MERGES:
            live = [i for i in given if held[i] is not DEAD]
            if not live and len(given) < self.expected(node):
                return
            turn.done.add(node)
            self.ready.append((node, turn, not live))
            return
        if len(given) < len(node._inputs):
            return
        turn.done.add(node)
        dead = any(v is DEAD for v in held.values()) and node.definition.name != "ControlTrigger"
        self.ready.append((node, turn, dead))

    @staticmethod
    def expected(merge: Any) -> int:
        """How many tokens a Merge waits for before it is dead: those that come in one turn."""
        loops = sum(t.op.definition.name in _NEXTS for t in merge._inputs)
        return max(loops, len(merge._inputs) - loops)

    def fire(self, node: Any, turn: Turn, dead: bool) -> None:
        name = node.definition.name
        held = turn.values.get(node, {})
        if name in _ENTERS:
            self.enter(node, turn, dead, held.get(0))
        elif name in _EXITS:
            if not dead and turn.frame is not None:
                self.send(node, [held[0]], turn.frame.outer, False)
        elif name in _NEXTS:
            if not dead:
                self.send(node, [held[0]], self.following(turn), False)
        elif dead:
            self.send(node, [DEAD] * len(node.outputs), turn, True)
        elif name in _SWITCHES:
            chosen = bool(np.asarray(_plain(held[1])))
            self.send(node, [DEAD, held[0]] if chosen else [held[0], DEAD], turn, False)
        elif name in _MERGES:
            at = min(i for i in held if i >= 0 and held[i] is not DEAD)
            self.send(node, [held[at], np.int32(at)], turn, False)
        elif name == "LoopCond":
            self.send(node, [held[0]], turn, False)
        else:
            self.send(node, self.compute(node, [held[i] for i in range(len(node._inputs))]), turn, False)

    def compute(self, node: Any, flat: list[Any]) -> list[Any]:
        from penstock.engine.control import host_control
        from penstock.engine.interpret import run_node

        if node.definition.where == "control":
            return host_control(node, flat, self.region.store)
        return run_node(node, flat, self.region.store)

    def send(self, node: Any, outs: list[Any], turn: Turn, dead: bool) -> None:
        for t, v in zip(node.outputs, outs):
            self.deliver(t._id, v, turn)
        for follower in self.region.followers.get(node, ()):
            self.arrive(follower, -1, DEAD if dead else None, turn)

    def enter(self, node: Any, turn: Turn, dead: bool, value: Any) -> None:
        name = node.attrs["frame_name"]
        frame = self.frames.get((id(turn), name))
        if frame is None:
            frame = self.frames[id(turn), name] = Frame(turn)
        if dead:
            if not frame.dead:
                frame.dead = True
                for e in self.region.exits.get(name, ()):
                    self.send(e, [DEAD], turn, True)
            return
        if node.attrs["is_constant"]:
            frame.constants.append((node, value))
            for t in frame.turns:
                self.send(node, [value], t, False)
        else:
            self.send(node, [value], frame.turns[0], False)

    def following(self, turn: Turn) -> Turn:
        if turn.next is None:
            assert turn.frame is not None
            turn.next = Turn(turn.frame)
            turn.frame.turns.append(turn.next)
            for node, value in turn.frame.constants:
                self.send(node, [value], turn.next, False)
        return turn.next


def _plain(value: Any) -> Any:
    return value.read() if hasattr(value, "read") and hasattr(value, "write") else value
