"""Tables from vocabularies by the names and parameters that they have inside TensorFlow (`tensorflow.python.ops.lookup_ops`)."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.lookup import lookup


def index_table_from_tensor(
    vocabulary_list: Any, num_oov_buckets: int = 0, default_value: int = -1, hasher_spec: Any = lookup.FastHashSpec, dtype: Any = tf.string, name: Any = None
) -> Any:
    """A table from the entries of `vocabulary_list` to their places."""
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` must be specified.")
    return lookup.index_table_from_tensor(vocabulary_list, num_oov_buckets, default_value, hasher_spec, dtype, name)


def index_to_string_table_from_tensor(vocabulary_list: Any, default_value: str = "UNK", name: Any = None) -> Any:
    """A table from places to the entries of `vocabulary_list`."""
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` argument must be specified.")
    return lookup.index_to_string_table_from_tensor(vocabulary_list, default_value, name)
