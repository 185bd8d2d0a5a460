"""`SyncReplicasOptimizer`: gradients of several replicas gathered before they are applied together."""

from typing import Any

from penstock.base.dtypes import int32
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.accumulators import Accumulator, ConditionalAccumulator, SparseConditionalAccumulator
from penstock.ops.constants import fill
from penstock.ops.identity import identity
from penstock.ops.queues import FIFOQueue
from penstock.platform import messages
from penstock.state.collections import GraphKeys, global_variables
from penstock.state.initialization import report_uninitialized_variables
from penstock.state.variable import VariableV1
from penstock.train.optimizer import Optimizer, is_slices
from penstock.train.queue_runner import QueueRunner
from penstock.train.session_manager import _ready
from penstock.train.session_run_hook import SessionRunHook


@export(v1=("train.SyncReplicasOptimizer",))
class SyncReplicasOptimizer(Optimizer):
    """Applies the mean of `replicas_to_aggregate` gradients, then lets every replica make its next step.

    >>> opt = tf.train.SyncReplicasOptimizer(opt, replicas_to_aggregate=1)
    >>> train = opt.minimize(loss, global_step); hook = opt.make_session_run_hook(is_chief=True)
    """

    def __init__(self, opt: Any, replicas_to_aggregate: int, total_num_replicas: int | None = None, variable_averages: Any = None,
                 variables_to_average: Any = None, use_locking: bool = False, name: str = "sync_replicas"):  # fmt: skip
        total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        super().__init__(use_locking, name)
        messages.info("SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s", replicas_to_aggregate, total)
        self._opt, self._replicas_to_aggregate, self._total_num_replicas = opt, replicas_to_aggregate, total
        self._tokens_per_step = max(total, replicas_to_aggregate)
        self._gradients_applied = False
        self._variable_averages, self._variables_to_average = variable_averages, variables_to_average
        self._global_step: Any = None
        self._sync_token_queue: Any = None
        self._chief_queue_runner: Any = None
        self._accumulators: list[Any] = []

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """Those of the optimizer inside."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """An op that hands in the gradients and waits for the token of the next step; the chief's thread applies them."""
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = global_step
        graph = get_default_graph()
        self._local_step = VariableV1(initial_value=0, trainable=False, collections=[GraphKeys.LOCAL_VARIABLES], dtype=global_step.dtype.base_dtype,
                                      name="sync_rep_local_step")  # fmt: skip
        self.local_step_init_op = self._local_step.assign(
            global_step.read_value() if hasattr(global_step, "read_value") else global_step
        )
        chief_init_ops = [self.local_step_init_op]
        self.ready_for_local_init_op = report_uninitialized_variables(global_variables())
        train_ops, aggregated = [], []
        with graph.name_scope(None):
            step = identity(self._local_step.read_value())
            for grad, var in pairs:
                if grad is None:
                    aggregated.append(None)
                    continue
                if is_slices(grad):
                    gathered: Any = SparseConditionalAccumulator(
                        grad.values.dtype.base_dtype, shape=(), shared_name=f"{var.name}/grad_accum"
                    )
                    gathered._shape = None
                    train_ops.append(gathered.apply_indexed_slices_grad(grad, local_step=step))
                    aggregated.append(gathered.take_indexed_slices_grad(self._replicas_to_aggregate))
                else:
                    gathered = ConditionalAccumulator(
                        grad.dtype.base_dtype, shape=var.get_shape(), shared_name=f"{var.name}/grad_accum"
                    )
                    train_ops.append(gathered.apply_grad(grad, local_step=step))
                    aggregated.append(gathered.take_grad(self._replicas_to_aggregate))
                self._accumulators.append(gathered)
            update = self._opt.apply_gradients(list(zip(aggregated, [v for _, v in pairs])), global_step)
            queue = FIFOQueue(
                -1, global_step.dtype.base_dtype, shapes=(()), name="sync_token_q", shared_name="sync_token_q"
            )
            self._sync_token_queue = queue
            dummy = FIFOQueue(1, int32, shapes=(()), name="dummy_queue", shared_name="dummy_queue")
            with graph.control_dependencies(train_ops):
                token = queue.dequeue()
            train_op = self._local_step.assign(token)
            with graph.control_dependencies([update]):
                now = identity(global_step.read_value() if hasattr(global_step, "read_value") else global_step)
                sync = queue.enqueue_many((fill([self._tokens_per_step], now),))
            if self._variable_averages is not None:
                with graph.control_dependencies([sync]):
                    sync = self._variable_averages.apply(self._variables_to_average)
            self._chief_queue_runner = QueueRunner(dummy, [sync])
            read = global_step.read_value() if hasattr(global_step, "read_value") else global_step
            for gathered in self._accumulators:
                chief_init_ops.append(gathered.set_global_step(_as_int64(read), name="SetGlobalStep"))
            self.chief_init_op = group(*[getattr(o, "op", o) for o in chief_init_ops])
            self._gradients_applied = True
            return train_op

    def get_chief_queue_runner(self) -> Any:
        """The queue runner with which the chief applies gradients."""
        if self._gradients_applied is False:
            raise ValueError("Should be called after apply_gradients().")
        return self._chief_queue_runner

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot(*args, **kwargs)

    def variables(self) -> Any:
        return self._opt.variables()

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot_names(*args, **kwargs)

    def get_init_tokens_op(self, num_tokens: int = -1) -> Any:
        """An op that puts the tokens of the first step into the queue."""
        if self._gradients_applied is False:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} (needed)")
        if num_tokens <= 0:
            return group(name="no_init_tokens")
        step = self._global_step
        now = identity(step.read_value() if hasattr(step, "read_value") else step)
        return self._sync_token_queue.enqueue_many((fill([num_tokens], now),))

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> Any:
        """The hook that a monitored session needs for this optimizer."""
        return _SyncReplicasOptimizerHook(self, is_chief, num_tokens)


def _as_int64(value: Any) -> Any:
    return find("Cast")(door.convert(value), DstT="int64") if value.dtype.base_dtype.name != "int64" else value


class _SyncReplicasOptimizerHook(SessionRunHook):
    """Starts the chief's thread, and fills in the first tokens."""

    def __init__(self, sync_optimizer: Any, is_chief: bool, num_tokens: int):
        self._sync_optimizer, self._is_chief, self._num_tokens = sync_optimizer, is_chief, num_tokens

    def begin(self) -> None:
        opt = self._sync_optimizer
        if opt._gradients_applied is False:
            raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
        self._ready_for_local_init_op = opt.ready_for_local_init_op
        self._local_init_op = opt.chief_init_op if self._is_chief else opt.local_step_init_op
        self._q_runner = opt.get_chief_queue_runner() if self._is_chief else None
        self._init_tokens_op = opt.get_init_tokens_op(self._num_tokens) if self._is_chief else None

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._coord = coord
        ready, text = _ready(
            self._ready_for_local_init_op, session, "Model is not ready for SyncReplicasOptimizer local init."
        )
        if not ready:
            raise RuntimeError(f"Init operations did not make model ready for SyncReplicasOptimizer local_init. Init op: {self._local_init_op.name}, "
                               f"error: {text}")  # fmt: skip
        session.run(self._local_init_op)
        if self._init_tokens_op is not None:
            session.run(self._init_tokens_op)
        if self._q_runner is not None:
            self._q_runner.create_threads(session, coord=coord, daemon=True, start=True)

    def end(self, session: Any) -> None:
        """Wake the chief's thread up where it waits for gradients that nobody will send any more."""
        if self._is_chief and not session._served:
            self._coord.request_stop()  # first, so that the thread's end is no error
            for held in session._store.resources():
                if isinstance(held, Accumulator):
                    held.session_closed()
