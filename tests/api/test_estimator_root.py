"""`import tensorflow_estimator` finds the Estimators, in a process of its own each time."""

import pytest

from tests.api.test_alias import python

COMMON = (
    "from tensorflow_estimator.python.estimator.canned.linear import LinearClassifier, LinearClassifierV2\n"
    "from tensorflow_estimator.python.estimator.api._v1.estimator import LinearClassifier as one, inputs\n"
    "from tensorflow_estimator.python.estimator.api._v2.estimator import LinearClassifier as two\n"
    "assert one is LinearClassifier and two is LinearClassifierV2\n"
    "from tensorflow_estimator.python.estimator import estimator_lib, model_fn, run_config, util\n"
    "from tensorflow_estimator.python.estimator.api._v1.estimator.inputs import numpy_input_fn\n"
    "from tensorflow_estimator.python.estimator.canned import head, metric_keys, optimizers, prediction_keys\n"
    "from tensorflow_estimator.python.estimator.tpu.tpu_estimator import TPUEstimator\n"
    "from tensorflow.python.estimator.canned.head import _regression_head\n"
    "import tensorflow_estimator, tensorflow as tf\n"
    "assert estimator_lib.RunConfig is run_config.RunConfig and model_fn.EstimatorSpec is tf.compat.v1.estimator.EstimatorSpec\n"
    "assert metric_keys.MetricKeys.AUC_PR == 'auc_precision_recall' and util.fn_args(lambda a, b: 0) == ('a', 'b')\n"
    "assert inputs.numpy_input_fn is numpy_input_fn\n"
    "try:\n    import tensorflow_estimator.nothing\nexcept ImportError as e:\n    print(e)\n"
)


@pytest.mark.parametrize("tf1", [False, True])
def test_the_package_of_estimators(tf1):
    out = python(f"import penstock; penstock.install_alias(tf1={tf1})\n{COMMON}")
    assert out == "No module named 'tensorflow_estimator.nothing'"
