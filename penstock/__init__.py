"""penstock: TensorFlow's programs, 1.x and 2.x, run unmodified on OpenXLA.

`import penstock as tf` is the 2.x API, `import penstock.compat.v1 as tf` the 1.x API, and `install_alias()` (or
`penstock run script.py`) lets an unmodified program `import tensorflow`.  Nothing heavy is imported before first use.
"""

from penstock.api import lazy as _lazy

__penstock_version__ = "0.1.0"
__version__ = "2.21.0"  # the TensorFlow whose programs run here; programs test it


def install_alias(tf1=False):
    """Make `import tensorflow` mean penstock in this process; with `tf1`, the 1.x API at the top level."""
    from penstock.api.alias import install

    install(tf1=tf1)


_lazy.adopt(__name__)
