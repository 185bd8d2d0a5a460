"""Mutexes: a lock that is held as long as its variant lives."""

import threading

import numpy as np

from penstock.base.errors import CancelledError, InvalidArgumentError
from penstock.ir.op import op


class Mutex:
    """A lock that any thread may give back."""

    def __init__(self) -> None:
        self.free = threading.Condition()
        self.held = self.gone = False

    def session_closed(self) -> None:
        with self.free:
            self.gone = True
            self.free.notify_all()

    def take(self) -> "Lock":
        with self.free:
            while self.held:
                if self.gone:
                    raise CancelledError(None, None, "Lock acquisition was cancelled: the session was closed")
                self.free.wait(1.0)
            self.held = True
        return Lock(self)

    def give_back(self) -> None:
        with self.free:
            self.held = False
            self.free.notify()


class Lock:
    """A mutex held; it is given back with the last reference to this."""

    __slots__ = ("mutex",)

    def __init__(self, mutex: Mutex):
        self.mutex = mutex

    def __del__(self) -> None:
        self.mutex.give_back()

    def signature(self) -> str:
        """What a plan may depend on."""
        return "lock"


@op('MutexV2(*, container: str = "", shared_name: str = "") -> resource: resource', effect="handle", shape=lambda: ())
def MUTEX(xp, store, *, container, shared_name):
    """The mutex of this name, made on first use."""
    return store.get("mutex", container, shared_name, Mutex)


@op("MutexLock(mutex: resource) -> mutex_lock: variant", where="host", effect="io", shape=lambda mutex: ())
def MUTEX_LOCK(xp, mutex):
    """The mutex held, waited for."""
    if not isinstance(mutex, Mutex):
        raise InvalidArgumentError(None, None, "The resource is no mutex")
    return mutex.take()


@op("ConsumeMutexLock(mutex_lock: variant) -> ()", where="host", effect="io")
def CONSUME_MUTEX_LOCK(xp, mutex_lock):
    """Let the lock live up to here."""
    value = mutex_lock[()] if isinstance(mutex_lock, np.ndarray) else mutex_lock
    if not isinstance(value, Lock):
        raise InvalidArgumentError(None, None, "Expected input to be a mutex lock")
    return ()


for _one in (MUTEX, MUTEX_LOCK, CONSUME_MUTEX_LOCK):
    _one.no_grad()
