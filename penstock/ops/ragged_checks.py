"""Checks that ragged tensors have the same rows."""

from typing import Any

from penstock.ops.asserts import assert_equal

_DIFFERENT = "Inputs must have identical ragged splits"


def assert_splits_match(nested_splits_lists: Any) -> list[Any]:
    """Ops that fail unless all these lists of row splits are equal; ValueError where their lengths differ."""
    first = nested_splits_lists[0]
    if any(len(other) != len(first) for other in nested_splits_lists):
        raise ValueError(_DIFFERENT)
    return [
        assert_equal(mine, theirs, message=_DIFFERENT)
        for other in nested_splits_lists[1:] for mine, theirs in zip(first, other)
    ]  # fmt: skip
