"""`CancellationManager`: what may be told to stop."""

from contextlib import contextmanager


class CancellationManager:
    """Functions that were bound to it stop being started once it is cancelled."""

    def __init__(self):
        self._cancelled, self._callbacks = False, []

    @property
    def is_cancelled(self):
        return self._cancelled

    def start_cancel(self):
        """Cancel, and call each registered callback once."""
        if self._cancelled:
            return
        self._cancelled = True
        for callback in self._callbacks:
            callback()

    def get_cancelable_function(self, concrete_function):
        """The function; a CancelledError when it is called after the cancellation."""
        from penstock.base.errors import CancelledError

        def call(*args, **kwargs):
            if self._cancelled:
                raise CancelledError(None, None, "The function was cancelled before it was called.")
            return concrete_function(*args, **kwargs)

        return call


_managers = []


@contextmanager
def CancellationManagerContext(cancellation_manager):  # noqa: N802 - TensorFlow's name
    """The manager that `context()` gives within."""
    _managers.append(cancellation_manager)
    try:
        yield
    finally:
        _managers.pop()


def context():
    """The manager in whose context this runs, or None."""
    return _managers[-1] if _managers else None
