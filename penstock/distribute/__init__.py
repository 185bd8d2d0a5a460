"""`tf.distribute`: one program on many replicas."""

from penstock.distribute import replica as _replica  # noqa: F401 - makes the strategy of programs that choose none
