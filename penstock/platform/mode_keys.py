"""`tensorflow.python.saved_model.model_utils.mode_keys`: the names of a model's modes, in Keras and in Estimators."""

import collections.abc


class KerasModeKeys:
    """The modes of a Keras model."""

    TRAIN, TEST, PREDICT = "train", "test", "predict"


class EstimatorModeKeys:
    """The modes of an Estimator."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


def is_train(mode):
    """Is it the mode of training?"""
    return mode in (KerasModeKeys.TRAIN, EstimatorModeKeys.TRAIN)


def is_eval(mode):
    """Is it the mode of evaluation?"""
    return mode in (KerasModeKeys.TEST, EstimatorModeKeys.EVAL)


def is_predict(mode):
    """Is it the mode of prediction?"""
    return mode in (KerasModeKeys.PREDICT, EstimatorModeKeys.PREDICT)


class ModeKeyMap(collections.abc.Mapping):
    """A mapping from modes that takes the names of Keras and those of Estimators for the same keys."""

    def __init__(self, **kwargs):
        self._held, self._given = {}, []
        for key, value in kwargs.items():
            inner = self._inner(key)
            if inner in self._held:
                raise ValueError(f"Multiple keys/values found for mode: {inner}. Found keys: {key} and {inner}.")
            self._held[inner] = value
            self._given.append(key)

    @staticmethod
    def _inner(key):
        for is_mode, name in ((is_train, KerasModeKeys.TRAIN), (is_eval, KerasModeKeys.TEST), (is_predict, KerasModeKeys.PREDICT)):
            if is_mode(key):
                return name
        raise ValueError(f"Invalid mode key: {key}.")

    def __getitem__(self, key):
        return self._held[self._inner(key)]

    def __iter__(self):
        return iter(self._given)

    def __len__(self):
        return len(self._given)
