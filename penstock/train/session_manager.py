"""`SessionManager`: a session whose variables are restored or initialised, and ready."""

import glob
import os
import time
from typing import Any

from penstock.base import errors
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.session import Session
from penstock.platform import messages
from penstock.state.checkpoints import get_checkpoint_state


def _name(thing: Any) -> str:
    if thing is None or isinstance(thing, str):
        return str(thing)
    return str(getattr(thing, "name", f"<no name for {type(thing)}>"))


def _ready(op: Any, sess: Any, message: str) -> tuple[bool, str | None]:
    """Does the ready op say so?  If not, what it misses."""
    if op is None:
        return True, None
    try:
        missing = sess.run(op)
        if missing is None or missing.dtype.kind == "i" or missing.size == 0:
            return True, None
        names = ", ".join(n.decode() if isinstance(n, bytes) else str(n) for n in missing.reshape(-1))
        return False, f"Variables not initialized: {names}"
    except errors.FailedPreconditionError as e:
        if "uninitialized" not in str(e):
            messages.warning("%s : error [%s]", message, e)
            raise
        return False, str(e)


def restore_newest(saver: Any, sess: Any, state: Any) -> str:
    """Restore the newest checkpoint of a CheckpointState; one that is damaged gives way to the one before, with a warning."""
    paths = [state.model_checkpoint_path]
    older = [p for p in state.all_model_checkpoint_paths if p != state.model_checkpoint_path]
    paths += reversed(older)
    for i, path in enumerate(paths):
        try:
            saver.restore(sess, path)
        except (errors.DataLossError, errors.OutOfRangeError, ValueError) as e:
            if i + 1 == len(paths) or isinstance(e, ValueError) and not _incomplete(path):
                raise
            messages.warning(
                "The checkpoint %s is damaged (%s). Going back to the one before it: %s", path, e, paths[i + 1]
            )
            continue
        except errors.NotFoundError:
            if i + 1 == len(paths) or not _incomplete(path):
                raise
            messages.warning(
                "The checkpoint %s is not complete. Going back to the one before it: %s", path, paths[i + 1]
            )
            continue
        kept = [p for p in state.all_model_checkpoint_paths if p not in paths[:i]]
        if hasattr(saver, "recover_last_checkpoints"):
            saver.recover_last_checkpoints(kept)
        return path
    raise AssertionError("not reached: the last path either restores or raises")


def _incomplete(prefix: str) -> bool:
    """Are files of this checkpoint missing?"""
    return not os.path.exists(f"{prefix}.index") or not glob.glob(f"{glob.escape(prefix)}.data-*")


@export(v1=("train.SessionManager",))
class SessionManager:
    """Makes sessions: restores the newest checkpoint or runs the init op, and waits until the model is ready."""

    def __init__(self, local_init_op: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None, graph: Any = None,
                 recovery_wait_secs: float = 30, local_init_run_options: Any = None, local_init_feed_dict: Any = None):  # fmt: skip
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError("If you pass a ready_for_local_init_op you must also pass a local_init_op "
                             f", ready_for_local_init_op [{ready_for_local_init_op}]")  # fmt: skip
        self._local_init_op, self._ready_op, self._ready_for_local_init_op = (
            local_init_op,
            ready_op,
            ready_for_local_init_op,
        )
        self._graph = get_default_graph() if graph is None else graph
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options, self._local_init_feed_dict = local_init_run_options, local_init_feed_dict
        self._target: Any = None

    def _restore_checkpoint(self, master: Any, saver: Any, checkpoint_dir: Any, checkpoint_filename_with_path: Any, wait_for_checkpoint: bool,
                            max_wait_secs: float, config: Any) -> tuple[Any, bool]:  # fmt: skip
        self._target = master
        sess = Session(master, graph=self._graph, config=config)
        if checkpoint_dir and checkpoint_filename_with_path:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        if not saver or not (checkpoint_dir or checkpoint_filename_with_path):
            return sess, False
        if checkpoint_filename_with_path:
            saver.restore(sess, checkpoint_filename_with_path)
            return sess, True
        waited = 0.0
        state = get_checkpoint_state(checkpoint_dir)
        while not state or not state.model_checkpoint_path:
            if not wait_for_checkpoint or waited >= max_wait_secs:
                return sess, False
            messages.info("Waiting for checkpoint to be available.")
            time.sleep(self._recovery_wait_secs)
            waited += self._recovery_wait_secs
            state = get_checkpoint_state(checkpoint_dir)
        restore_newest(saver, sess, state)
        return sess, True

    def prepare_session(self, master: Any, init_op: Any = None, saver: Any = None, checkpoint_dir: Any = None, checkpoint_filename_with_path: Any = None,
                        wait_for_checkpoint: bool = False, max_wait_secs: float = 7200, config: Any = None, init_feed_dict: Any = None,
                        init_fn: Any = None) -> Any:  # fmt: skip
        """A session of a model that was restored, or else initialised; RuntimeError when it is not ready after that."""
        sess, restored = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        if not restored:
            if init_op is None and not init_fn and self._local_init_op is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                sess.run(init_op, feed_dict=init_feed_dict)
            if init_fn:
                init_fn(sess)
        done, text = self._try_run_local_init_op(sess)
        if not done:
            raise RuntimeError(
                f"Init operations did not make model ready for local_init.  Init op: {_name(init_op)}, init fn: {init_fn}, error: {text}"
            )
        done, text = self._model_ready(sess)
        if not done:
            raise RuntimeError(f"Init operations did not make model ready.  Init op: {_name(init_op)}, init fn: {init_fn}, "
                               f"local_init_op: {self._local_init_op}, error: {text}")  # fmt: skip
        return sess

    def recover_session(self, master: Any, saver: Any = None, checkpoint_dir: Any = None, checkpoint_filename_with_path: Any = None,
                        wait_for_checkpoint: bool = False, max_wait_secs: float = 7200, config: Any = None) -> tuple[Any, bool]:  # fmt: skip
        """(session, was it restored and ready)."""
        sess, restored = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        done, text = self._try_run_local_init_op(sess)
        if not restored:
            return sess, False
        source = checkpoint_dir or checkpoint_filename_with_path
        if not done:
            messages.info("Restoring model from %s did not make model ready for local init: %s", source, text)
            return sess, False
        done, text = self._model_ready(sess)
        if not done:
            messages.info("Restoring model from %s did not make model ready: %s", source, text)
            return sess, False
        messages.info("Restored model from %s", source)
        return sess, True

    def wait_for_session(self, master: Any, config: Any = None, max_wait_secs: float | None = float("inf")) -> Any:
        """A session, once another one has made the model ready; DeadlineExceededError when that takes too long."""
        self._target = master
        limit = float("inf") if max_wait_secs is None else max_wait_secs
        started = time.time()
        while True:
            sess = Session(master, graph=self._graph, config=config)
            local_text = ready_text = None
            done, local_text = self._try_run_local_init_op(sess)
            if done:
                ready, ready_text = self._model_ready(sess)
                if ready:
                    return sess
            try:
                sess.close()
            except Exception:  # noqa: BLE001, S110 - it is thrown away
                pass
            if started + limit - time.time() - self._recovery_wait_secs < 0:
                raise errors.DeadlineExceededError(
                    None, None, f"Session was not ready after waiting {max_wait_secs} secs."
                )
            messages.info(
                "Waiting for model to be ready.  Ready_for_local_init_op:  %s, ready: %s", local_text, ready_text
            )
            time.sleep(self._recovery_wait_secs)

    def _model_ready(self, sess: Any) -> tuple[bool, str | None]:
        return _ready(self._ready_op, sess, "Model not ready")

    def _try_run_local_init_op(self, sess: Any) -> tuple[bool, str | None]:
        if self._local_init_op is None:
            return True, None
        done, text = _ready(self._ready_for_local_init_op, sess, "Model not ready for local init")
        if not done:
            return False, text
        messages.info("Running local_init_op.")
        sess.run(self._local_init_op, feed_dict=self._local_init_feed_dict, options=self._local_init_run_options)
        messages.info("Done running local_init_op.")
        return True, None
