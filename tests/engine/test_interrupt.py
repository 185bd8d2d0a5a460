"""Ctrl-C inside a compiled loop."""

import subprocess
import sys

PROGRAM = """
import os, signal, threading
import penstock as tf

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
v = tf.Variable(1.0)

@tf.function
def count(n):
    v.assign_add(1.0)
    i, total = 0, 0.0
    while i < n:
        total += tf.cast(i, tf.float32) * 1e-9
        i += 1
    v.assign_add(total)
    return total

def press_later(seconds=0.5):
    threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

for seconds in (3.0, 0.5, 0.5):  # a first call takes another way than later ones, and is compiled before the loop begins
    before = v.numpy()
    press_later(seconds)
    try:
        count(tf.constant(2_000_000_000))
        print("ran to the end")
    except KeyboardInterrupt:
        print("stopped, variable kept:", v.numpy() == before)
print("still usable:", count(tf.constant(10)).numpy() > 0)

signal.signal(signal.SIGINT, lambda *_: print("noted"))
press_later()
print("a handler that returns lets it finish:", count(tf.constant(400_000_000)).numpy() > 1)
"""


def test_a_compiled_loop_stops_and_leaves_variables_as_they_were(tmp_path):
    script = tmp_path / "count.py"
    script.write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [
        *3 * ["stopped, variable kept: True"], "still usable: True", "noted", "a handler that returns lets it finish: True", ""]  # fmt: skip

