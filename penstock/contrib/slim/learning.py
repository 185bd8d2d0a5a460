"""`slim.learning`: a training op, and a loop that runs it under a supervisor."""

import sys
import time
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.contrib.training import training

_USE_DEFAULT = 0


@contrib("slim.learning.create_train_op")
def create_train_op(
    total_loss: Any, optimizer: Any, global_step: Any = training._USE_GLOBAL_STEP, update_ops: Any = None, variables_to_train: Any = None,
    clip_gradient_norm: float = 0, summarize_gradients: bool = False, gate_gradients: int = 1, aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False, gradient_multipliers: Any = None, check_numerics: bool = True,
) -> Any:  # fmt: skip
    """A tensor that makes one training step and gives the loss; gradients multiplied and clipped as asked."""

    def transform_grads_fn(grads: Any) -> Any:
        if gradient_multipliers:
            with tf.name_scope("multiply_grads"):
                grads = training.multiply_gradients(grads, gradient_multipliers)
        if clip_gradient_norm > 0:
            with tf.name_scope("clip_grads"):
                grads = training.clip_gradient_norms(grads, clip_gradient_norm)
        return grads

    return training.create_train_op(
        total_loss=total_loss, optimizer=optimizer, global_step=global_step, update_ops=update_ops, variables_to_train=variables_to_train,
        transform_grads_fn=transform_grads_fn, summarize_gradients=summarize_gradients, gate_gradients=gate_gradients,
        aggregation_method=aggregation_method, colocate_gradients_with_ops=colocate_gradients_with_ops, check_numerics=check_numerics,
    )  # fmt: skip


@contrib("slim.learning.train_step")
def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: Any) -> Any:
    """(loss, should stop) of one step."""
    start = time.time()
    trace_options = run_metadata = None
    if "should_trace" in train_step_kwargs:
        if "logdir" not in train_step_kwargs:
            raise ValueError("logdir must be present in train_step_kwargs when should_trace is present")
        if sess.run(train_step_kwargs["should_trace"]):
            trace_options, run_metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
    total_loss, np_global_step = sess.run([train_op, global_step], options=trace_options, run_metadata=run_metadata)
    elapsed = time.time() - start
    if run_metadata is not None and "summary_writer" in train_step_kwargs:
        train_step_kwargs["summary_writer"].add_run_metadata(run_metadata, f"run_metadata-{np_global_step}")
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        tf.logging.info("global step %d: loss = %.4f (%.3f sec/step)", np_global_step, total_loss, elapsed)
    should_stop = sess.run(train_step_kwargs["should_stop"]) if "should_stop" in train_step_kwargs else False
    return total_loss, should_stop



@contrib("slim.learning.train")
def train(
    train_op: Any, logdir: Any, train_step_fn: Any = train_step, train_step_kwargs: Any = _USE_DEFAULT, log_every_n_steps: int = 1,
    graph: Any = None, master: str = "", is_chief: bool = True, global_step: Any = None, number_of_steps: int | None = None,
    init_op: Any = _USE_DEFAULT, init_feed_dict: Any = None, local_init_op: Any = _USE_DEFAULT, init_fn: Any = None, ready_op: Any = _USE_DEFAULT,
    summary_op: Any = _USE_DEFAULT, save_summaries_secs: float = 600, summary_writer: Any = _USE_DEFAULT, startup_delay_steps: int = 0,
    saver: Any = None, save_interval_secs: float = 600, sync_optimizer: Any = None, session_config: Any = None, session_wrapper: Any = None,
    trace_every_n_steps: int | None = None, ignore_live_threads: bool = False,
) -> Any:  # fmt: skip
    """Train until `number_of_steps`; summaries and checkpoints go to `logdir`.  The last loss."""
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None:
        if summary_op != _USE_DEFAULT:
            raise ValueError("Cannot provide summary_op because logdir=None")
        if saver is not None:
            raise ValueError("Cannot provide saver because logdir=None")
        if trace_every_n_steps is not None:
            raise ValueError("Cannot provide trace_every_n_steps because logdir=None")
    if sync_optimizer is not None and startup_delay_steps > 0:
        raise ValueError("startup_delay_steps must be zero when sync_optimizer is supplied.")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError("`number_of_steps` must be either None or a positive number.")
    graph = graph or tf.get_default_graph()
    with graph.as_default():
        if global_step is None:
            global_step = tf.train.get_or_create_global_step()
        saver = saver or tf.train.Saver()
        sync = [] if sync_optimizer is None else sync_optimizer if isinstance(sync_optimizer, (list, tuple)) else [sync_optimizer]
        with tf.name_scope("init_ops"):
            if init_op == _USE_DEFAULT:
                init_op = tf.global_variables_initializer()
            if ready_op == _USE_DEFAULT:
                ready_op = tf.report_uninitialized_variables()
            if local_init_op == _USE_DEFAULT:
                local_init_op = tf.group(tf.local_variables_initializer(), tf.tables_initializer())
            if sync:
                with tf.control_dependencies([local_init_op] if local_init_op is not None else []):
                    local_init_op = tf.group(*[o.chief_init_op if is_chief else o.local_step_init_op for o in sync])
                ready_for_local_init_op = sync[0].ready_for_local_init_op
            else:
                ready_for_local_init_op = None
        if summary_op == _USE_DEFAULT:
            summary_op = tf.summary.merge_all()
        if summary_writer == _USE_DEFAULT:
            summary_writer = tf.train.Supervisor.USE_DEFAULT
        if train_step_kwargs == _USE_DEFAULT:
            with tf.name_scope("train_step"):
                train_step_kwargs = {}
                should_stop = tf.greater_equal(global_step, number_of_steps) if number_of_steps else tf.constant(False)
                train_step_kwargs["should_stop"] = should_stop
                if log_every_n_steps > 0:
                    train_step_kwargs["should_log"] = tf.equal(tf.floormod(global_step, log_every_n_steps), 0)
                if is_chief and trace_every_n_steps is not None:
                    train_step_kwargs["should_trace"] = tf.equal(tf.floormod(global_step, trace_every_n_steps), 0)
                    train_step_kwargs["logdir"] = logdir
    supervisor = tf.train.Supervisor(
        graph=graph, is_chief=is_chief, logdir=logdir, init_op=init_op, init_feed_dict=init_feed_dict, local_init_op=local_init_op,
        ready_for_local_init_op=ready_for_local_init_op, ready_op=ready_op, summary_op=summary_op, summary_writer=summary_writer,
        global_step=global_step, saver=saver, save_summaries_secs=save_summaries_secs, save_model_secs=save_interval_secs, init_fn=init_fn,
    )  # fmt: skip
    if supervisor.summary_writer is not None:
        train_step_kwargs["summary_writer"] = supervisor.summary_writer
    total_loss = None
    should_retry = True
    while should_retry:
        try:
            should_retry = False
            with supervisor.managed_session(master, start_standard_services=False, config=session_config) as sess:
                tf.logging.info("Starting Session.")
                if session_wrapper is not None:
                    tf.logging.info("Wrapping session with wrapper function: %s", session_wrapper)
                    sess = session_wrapper(sess)
                if is_chief:
                    if logdir:
                        supervisor.start_standard_services(sess)
                elif startup_delay_steps > 0:
                    while sess.run(global_step) < min(startup_delay_steps, number_of_steps or sys.maxsize):
                        time.sleep(1)
                supervisor.start_queue_runners(sess)
                tf.logging.info("Starting Queues.")
                if is_chief:
                    for optimizer in sync:
                        supervisor.start_queue_runners(sess, [optimizer.get_chief_queue_runner()])
                        sess.run(optimizer.get_init_tokens_op())
                try:
                    while not supervisor.should_stop():
                        total_loss, should_stop = train_step_fn(sess, train_op, global_step, train_step_kwargs)
                        if should_stop:
                            tf.logging.info("Stopping Training.")
                            supervisor.request_stop()
                            break
                except tf.errors.OutOfRangeError as e:
                    tf.logging.info("Caught OutOfRangeError. Stopping Training. %s", e)
                if logdir and supervisor.is_chief:
                    tf.logging.info("Finished training! Saving model to disk.")
                    supervisor.saver.save(sess, supervisor.save_path, global_step=supervisor.global_step)
                    supervisor.stop(threads=[], close_summary_writer=True, ignore_live_threads=ignore_live_threads)
        except tf.errors.AbortedError:
            tf.logging.info("Retrying training!")
            should_retry = True
    return total_loss


