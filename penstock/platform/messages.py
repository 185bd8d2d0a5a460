"""`tf.logging` and `tf.get_logger`: the logger named "tensorflow", quiet below warnings until told otherwise."""

import functools
import logging
import os
import sys
import threading
from collections import Counter

from penstock.base.export import export, export_constant

DEBUG, INFO, WARN, ERROR, FATAL = logging.DEBUG, logging.INFO, logging.WARN, logging.ERROR, logging.FATAL
for _name in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL"):
    export_constant(module=__name__, attr=_name, v1=(f"logging.{_name}",))

_lock = threading.Lock()
_logger = None
_counts = Counter()


@export("get_logger", v1=())
def get_logger():
    """The logger that TensorFlow's messages go to; it writes `WARNING:tensorflow:...` to standard error."""
    global _logger
    if _logger is None:
        with _lock:
            if _logger is None:
                logger = logging.getLogger("tensorflow")
                interactive = bool(getattr(sys, "ps1", None))
                if interactive:
                    logger.setLevel(INFO)
                elif logger.level == logging.NOTSET:
                    logger.setLevel(_level_from_environment())
                if not logging.getLogger().handlers and not logger.handlers:
                    handler = logging.StreamHandler(sys.stdout if interactive else sys.stderr)
                    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT, None))
                    logger.addHandler(handler)
                _logger = logger
    return _logger


def _level_from_environment():
    """`TF_CPP_MIN_LOG_LEVEL` 0..3 silences as in TensorFlow; without it warnings and worse are shown."""
    return {"2": ERROR, "3": FATAL}.get(os.environ.get("TF_CPP_MIN_LOG_LEVEL", ""), WARN)


def _forward(method):
    @functools.wraps(getattr(logging.Logger, method))
    def log(msg, *args, **kwargs):
        getattr(get_logger(), method)(msg, *args, stacklevel=kwargs.pop("stacklevel", 1) + 1, **kwargs)

    log.__name__ = log.__qualname__ = method
    log.__module__ = __name__
    log.__doc__ = f"Log a message, formatted with `args`, at the level {method.upper()}."
    del log.__wrapped__
    return export(v1=(f"logging.{method}",))(log)


debug, info, error, fatal = (_forward(name) for name in ("debug", "info", "error", "fatal"))
warning = _forward("warning")


@export(v1=("logging.warn",))
def warn(msg, *args, **kwargs):
    """Log a message, formatted with `args`, at the level WARN."""
    get_logger().warning(msg, *args, stacklevel=kwargs.pop("stacklevel", 1) + 1, **kwargs)


@export(v1=("logging.log",))
def log(level, msg, *args, **kwargs):
    """Log a message at a level."""
    get_logger().log(level, msg, *args, stacklevel=kwargs.pop("stacklevel", 1) + 1, **kwargs)


@export(v1=("logging.vlog",))
def vlog(level, msg, *args, **kwargs):
    """Log a message at a level."""
    get_logger().log(level, msg, *args, stacklevel=kwargs.pop("stacklevel", 1) + 1, **kwargs)


@export(v1=("logging.TaskLevelStatusMessage",))
def TaskLevelStatusMessage(msg):
    """Log the state of a task, as an error so that it is seen."""
    get_logger().error(msg, stacklevel=2)


@export(v1=("logging.flush",))
def flush():
    """Write out what the handlers of the logger hold."""
    for handler in get_logger().handlers:
        handler.flush()


@export(v1=("logging.get_verbosity",))
def get_verbosity():
    """The level below which nothing is logged."""
    return get_logger().getEffectiveLevel()


@export(v1=("logging.set_verbosity",))
def set_verbosity(v):
    """Log nothing below the level `v`."""
    get_logger().setLevel(v)


def _times_called():
    """How often the line that called `log_every_n` or `log_first_n` did so before."""
    frame = sys._getframe(2)
    place = frame.f_code, frame.f_lineno
    with _lock:
        _counts[place] += 1
        return _counts[place] - 1


@export(v1=("logging.log_every_n",))
def log_every_n(level, msg, n, *args):
    """Log the first message and each n-th after it from this line."""
    if _times_called() % n == 0:
        get_logger().log(level, msg, *args, stacklevel=2)


@export(v1=("logging.log_first_n",))
def log_first_n(level, msg, n, *args):
    """Log the first n messages from this line."""
    if _times_called() < n:
        get_logger().log(level, msg, *args, stacklevel=2)


@export(v1=("logging.log_if",))
def log_if(level, msg, condition, *args):
    """Log a message when the condition holds."""
    if condition:
        get_logger().log(level, msg, *args, stacklevel=2)
