"""`tf.autodiff.ForwardAccumulator`: directional derivatives along with the computation."""

from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.fronts import backprop
from penstock.fronts.gradients import UnconnectedGradients, source_tensor
from penstock.fronts.tape import GradientTape, Record
from penstock.ir import door
from penstock.ir.op import find


@export("autodiff.ForwardAccumulator")
class ForwardAccumulator:
    """Computes Jacobian-vector products while its context is on: one direction, any number of results.

    >>> x = tf.constant([2.0, 3.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...     y = tf.reduce_sum(x * x)
    >>> acc.jvp(y).numpy()
    np.float32(4.0)
    """

    def __init__(self, primals: Any, tangents: Any):
        self._tangents: dict[int, Any] = {}
        self._held: list[Any] = []
        self._variables: dict[int, tuple[Any, Any]] = {}
        self._on = False
        nest.assert_same_structure(primals, tangents)
        for primal, tangent in zip(nest.flatten(primals), nest.flatten(tangents)):
            if tangent is None:
                continue
            if not primal.dtype.is_floating and not primal.dtype.is_complex:
                import logging

                logging.getLogger("tensorflow").warning("The dtype of the watched primal must be floating (e.g. tf.float32), got %r", primal.dtype)
            tangent = door.convert(tangent, primal.dtype.base_dtype)
            if not tangent.shape.is_compatible_with(primal.shape):
                raise ValueError(f"The tangent has shape {tangent.shape}, its primal {primal.shape}")
            source = source_tensor(primal)
            if source._id in self._tangents:
                tangent = self._tangents[source._id] + tangent
            self._tangents[source._id] = tangent
            self._held.append((primal, source))

    def __enter__(self) -> "ForwardAccumulator":
        if self._on:
            raise ValueError("Accumulator is already recording.")
        self._on = True
        door.state.watchers = (*door.state.watchers, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._on = False
        door.state.watchers = tuple(w for w in door.state.watchers if w is not self)

    # -- the watcher -------------------------------------------------------------------------------------------------
    def watches(self, tensor: Any) -> bool:
        return tensor._id in self._tangents

    def captured(self, outer: Any, inner: Any) -> None:
        if outer._id in self._tangents:
            self._tangents[inner._id] = door.convert(self._tangents[outer._id])

    def __call__(self, op: Any, inputs: Any, attrs: Any, outputs: Any, node: Any) -> None:
        if any(t._id in self._tangents for t in inputs):
            self._push(node if node is not None else Record(op, inputs, attrs, outputs))

    def record(self, definition: Any, inputs: Any, attrs: Any, outputs: Any, own: Any) -> None:
        if any(t._id in self._tangents for t in inputs):
            self._push(Record(definition, inputs, attrs, outputs, own))

    def _push(self, record: Any) -> None:
        """The tangents of a call's outputs: the transpose of its gradient, which is linear in what comes from above."""
        outputs = [o for o in record.outputs if o.dtype.is_differentiable or o.dtype.name == "variant"]
        if not outputs:
            return
        self._held.append(record)
        others = tuple(w for w in door.state.watchers if w is not self)
        before, door.state.watchers = door.state.watchers, others
        try:
            upstream = {o._id: find("ZerosLike")(o) for o in outputs}
            tape = GradientTape(watch_accessed_variables=False, persistent=True)
            with tape:
                for u in upstream.values():
                    tape.watch(u)
                keep = tuple(t._id in self._tangents for t in record._inputs)
                dxs = backprop.pull(record, [upstream.get(o._id) for o in record.outputs], keep) or ()
                terms = []
                for t, dx in zip(record._inputs, dxs):
                    tangent = self._tangents.get(t._id)
                    if tangent is not None and dx is not None:
                        terms.append((door.convert(dx), tangent))
            if not terms:
                return
            pulled = tape.gradient([dx for dx, _ in terms], list(upstream.values()), output_gradients=[t for _, t in terms])
            for o, tangent in zip(outputs, pulled):
                if tangent is not None:
                    self._tangents[o._id] = tangent
                    self._held.append(o)
        finally:
            door.state.watchers = before

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """The tangent of each of `primals`; None (or zeros) for what does not depend on the watched ones."""
        unconnected = UnconnectedGradients(unconnected_gradients)

        def one(primal: Any) -> Any:
            tangent = self._tangents.get(source_tensor(primal)._id)
            if tangent is None and unconnected is UnconnectedGradients.ZERO:
                return find("ZerosLike")(door.convert(primal))
            return tangent

        return nest.map_structure(one, primals)
