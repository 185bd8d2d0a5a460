"""Public names of Estimators: the same in the 1.x and the 2.x namespace."""

from collections.abc import Callable
from typing import Any

from penstock.base.export import export


def estimator_export(*names: str, v1_only: bool = False, v2_only: bool = False) -> Callable[[Any], Any]:
    """Publish as `tf.estimator.<name>`, in both APIs unless said otherwise."""
    full = tuple(f"estimator.{n}" for n in names)
    return export(v1=() if v2_only else full, v2=() if v1_only else full)
