"""Wide and deep stories end where TensorFlow 2.15 ends (tests/golden/wide_and_deep_walks.py)."""

import pathlib
import sys

import pytest

import penstock as tf

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "golden"))
from wide_and_deep_walks import census, tumours  # noqa: E402

TUMOURS = {"accuracy": 0.9171597, "auc": 0.9924063, "auc_precision_recall": 0.9976505, "average_loss": 0.1746136, "loss": 7.3774223, "precision": 0.9833333,
           "recall": 0.9076923, "prediction/mean": 0.6849579, "label/mean": 0.7692308, "accuracy_baseline": 0.7692308, "global_step": 64}  # fmt: skip
CENSUS = {"accuracy": 0.78, "auc": 0.8741198, "auc_precision_recall": 0.8193448, "average_loss": 0.4968316, "loss": 0.4968317, "precision": 0.8148148,
          "recall": 0.5641026, "prediction/mean": 0.3832927, "label/mean": 0.39, "accuracy_baseline": 0.61, "global_step": 80}  # fmt: skip


def test_tumours(tmp_path):
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_breast_cancer()
    assert tumours(tf, data.data, data.target.astype("int32"), str(tmp_path / "m")) == pytest.approx(TUMOURS, rel=2e-4)


def test_census(tmp_path):
    assert census(tf, str(tmp_path), str(tmp_path / "m")) == pytest.approx(CENSUS, rel=2e-4)
