"""`tensorflow.python.ops.summary_op_util`: what libraries with summaries of their own name and collect them with."""

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.ops.summaries import clean_tag as _clean_tag, summary_scope as _scope
from penstock.state.collections import add_to_collections


def clean_tag(name: str | None) -> str | None:
    """A tag with the characters that TensorBoard cannot take replaced by underscores."""
    return None if name is None else _clean_tag(name)


def collect(val: Any, collections: Any, default_collections: Any) -> None:
    """Put a summary into collections; None means the default ones."""
    for key in default_collections if collections is None else collections:
        add_to_collections(key, val)


@contextlib.contextmanager
def summary_scope(
    name: str | None, family: str | None = None, default_name: str | None = None, values: Any = None
) -> Iterator[tuple[str, str]]:
    """The tag of a summary and the name scope opened for its ops; `family` comes first in both."""
    with _scope(name or default_name or "", family, default_name) as (tag, scope):
        yield tag, scope


def skip_summary() -> int:
    """Does another replica write the summaries?  Falsy for the first replica, the only one of most programs."""
    return 0
