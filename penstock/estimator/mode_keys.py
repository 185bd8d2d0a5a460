"""`tf.estimator.ModeKeys`: what a model function is called for."""

from penstock.estimator.names import estimator_export


@estimator_export("ModeKeys")
class ModeKeys:
    """TRAIN: training; EVAL: evaluation; PREDICT: prediction and serving."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"
