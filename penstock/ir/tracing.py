"""What the body of an op may ask about the trace that it is a part of."""

import threading


class _State(threading.local):
    in_loop = False  # inside the body of a compiled loop, where XLA:CPU cannot emit optimisation barriers


state = _State()
