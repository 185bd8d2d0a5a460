"""Every row of every `rows_*.py`, through every check of the harness."""

import importlib
import pathlib

import numpy as np
import pytest

from penstock.ir.op import find
from tests.ops import harness
from tests.ops.harness import Row


def _rows() -> list[Row]:
    found: list[Row] = []
    for path in sorted(pathlib.Path(__file__).parent.glob("rows_*.py")):
        for row in importlib.import_module(f"tests.ops.{path.stem}").ROWS:
            row.file = path.stem[5:]
            found.append(row)
    return found


ROWS = _rows()
each = pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{r}" for n, r in enumerate(ROWS)])


def _on_device(row: Row) -> bool:
    return find(row.op).where != "host"


@each
def test_value(row: Row) -> None:
    harness.check_value(row)


@each
def test_compiled_equals_eager(row: Row) -> None:
    if not row.graph:
        pytest.skip("has no graph form")
    harness.check_graph(row)


@each
def test_graph_def_round_trip(row: Row) -> None:
    if not row.graph:
        pytest.skip("has no graph form")
    harness.check_graph_def(row)


@each
def test_shape_rule_is_sound(row: Row) -> None:
    harness.check_shapes(row)


@each
def test_gradient(row: Row) -> None:
    op = find(row.op)
    if op.grad_rule is None or not row.grad or not _on_device(row):
        pytest.skip("not differentiable")
    if not any(np.asarray(x).dtype.kind in "fc" for a in row.inputs for x in (a if isinstance(a, list) else [a])):
        pytest.skip("no input that a gradient flows to")
    harness.check_gradient(row)


@each
def test_dtypes(row: Row) -> None:
    harness.check_dtypes(row)
