"""JPEG files are written and read bit for bit as TensorFlow does it (tests/golden/make_jpeg.py)."""

import json
import os
import sys

import numpy as np
import pytest

import penstock as tf
from penstock.base.errors import InvalidArgumentError

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
sys.path.insert(0, GOLDEN)
import make_jpeg  # noqa: E402


def test_equals_tensorflow():
    with open(os.path.join(GOLDEN, "jpeg.json")) as file:
        want = json.load(file)
    assert make_jpeg.results(tf) == want


def test_windows_of_files():
    data = tf.io.encode_jpeg(make_jpeg.image()).numpy()
    whole = tf.io.decode_jpeg(data).numpy()
    np.testing.assert_array_equal(tf.io.decode_and_crop_jpeg(data, [3, 4, 11, 12]), whole[3:14, 4:16])
    with pytest.raises(InvalidArgumentError, match="Invalid JPEG data or crop window"):
        tf.io.decode_and_crop_jpeg(data, [3, 4, 30, 12])
    with pytest.raises(InvalidArgumentError, match="dct_method must be one of"):
        tf.io.decode_jpeg(data, dct_method="SLOW")
    with pytest.raises(InvalidArgumentError, match="JPEG does not support 4 channels"):
        tf.io.decode_jpeg(data, channels=4)


def test_four_inks():
    from io import BytesIO

    from PIL import Image

    inks = np.random.RandomState(0).randint(0, 255, (8, 8, 4)).astype("u1")
    file = BytesIO()
    Image.fromarray(np.repeat(np.repeat(inks, 8, 0), 8, 1), "CMYK").save(file, "JPEG", quality=100)
    assert tf.io.decode_jpeg(file.getvalue()).shape == (64, 64, 3)
    assert tf.io.extract_jpeg_shape(file.getvalue()).numpy().tolist() == [64, 64, 4]
