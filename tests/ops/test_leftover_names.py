"""Sounds, glimpses, accidental hits, scripts, conjugate gradients, critical sections, DLPack; values of TensorFlow 2.21."""

import struct

import numpy as np
import pytest

import penstock as tf


def test_wav() -> None:
    wav = tf.audio.encode_wav([[0.0, 0.5], [1.0, -1.0], [2.0, -2.0], [0.30001, 1e-5]], 8000)
    want = "524946463400000057415645666d74201000000001000200401f0000007d000004001000646174611000000000000040ff7f0080ff7f008067260000"
    assert wav.numpy().hex() == want
    audio, rate = tf.audio.decode_wav(wav)
    assert audio.numpy().tolist()[1] == [0.999969482421875, -1.0] and int(rate) == 8000
    assert tf.audio.decode_wav(wav, desired_channels=1, desired_samples=6).audio.numpy()[:, 0].tolist()[3:] == [0.300018310546875, 0.0, 0.0]
    for bad in (b"", b"RIFF", b"x" * 60, wav.numpy()[:40]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.audio.decode_wav(bad)
    eight_bits = wav.numpy()[:34] + struct.pack("<H", 8) + wav.numpy()[36:]
    with pytest.raises(tf.errors.InvalidArgumentError, match="16-bit"):
        tf.audio.decode_wav(eight_bits)


@pytest.mark.parametrize(
    "centered, normalized, new, old",
    [
        (True, True, [9, 10, 11, 13, 14, 15], [9, 10, 11, 13, 14, 15]), (False, True, [9, 10, 11, 13, 14, 15], [4, 5, 6, 8, 9, 10]),
        (True, False, [10, 11, 0, 14, 15, 0], [4, 5, 6, 8, 9, 10]), (False, False, [0, 1, 2, 4, 5, 6], None),
    ],
)  # fmt: skip
def test_glimpse(centered, normalized, new, old) -> None:
    x = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    where = {"centered": centered, "normalized": normalized}
    assert tf.image.extract_glimpse(x, [2, 3], [[0.5, 0.25]], noise="zero", **where).numpy().ravel().tolist() == new
    if old is not None:
        assert tf.compat.v1.image.extract_glimpse(x, [2, 3], [[0.5, 0.25]], **where).numpy().ravel().tolist() == old


def test_accidental_hits() -> None:
    rows, places, weights = tf.nn.compute_accidental_hits([[1, 2], [3, 1]], [3, 1, 1], 2)
    assert rows.numpy().tolist() == [0, 1, 1] and places.numpy().tolist() == [2, 0, 2]
    assert weights.numpy().max() == np.finfo(np.float32).min


def test_unicode_script() -> None:
    assert tf.strings.unicode_script([97, 1041, 0x4E00, -1, 0x110000]).numpy().tolist() == [25, 8, 17, -1, -1]
    assert tf.strings.unicode_script(tf.ragged.constant([[97], []])).to_list() == [[25], []]


def test_conjugate_gradient() -> None:
    a = tf.linalg.LinearOperatorFullMatrix([[4.0, 1.0], [1.0, 3.0]], is_positive_definite=True, is_self_adjoint=True)
    solve = tf.linalg.experimental.conjugate_gradient
    for state in (solve(a, tf.constant([1.0, 2.0])), tf.function(lambda b: solve(a, b))(tf.constant([1.0, 2.0]))):
        assert int(state.i) == 2
        np.testing.assert_allclose(state.x, [0.09090909, 0.6363636], rtol=1e-5)
    with pytest.raises(ValueError, match="positive definite"):
        solve(tf.linalg.LinearOperatorFullMatrix([[1.0]]), tf.constant([1.0]))


def test_critical_section() -> None:
    v, section = tf.Variable(0.0), tf.CriticalSection(name="cs")
    assert section.name == "cs" and float(section.execute(lambda: v.assign_add(1.0))) == 1.0
    with pytest.raises(ValueError, match="already running"):
        section.execute(lambda: section.execute(lambda: 1))

    @tf.function
    def twice():
        section.execute(lambda: v.assign_add(1.0))
        return section.execute(lambda: v.assign(v * 2.0))

    assert float(twice()) == 4.0


def test_dlpack_and_libraries() -> None:
    made = tf.experimental.dlpack.from_dlpack(tf.experimental.dlpack.to_dlpack(tf.constant([1.0, 2.0])))
    assert made.numpy().tolist() == [1.0, 2.0]
    with pytest.raises(tf.errors.NotFoundError):
        tf.load_op_library("/nowhere.so")
    with pytest.raises(FileNotFoundError):
        tf.load_library("/nowhere.so")


def test_function_types() -> None:
    f = tf.function(lambda x: x)
    kinds = tf.types.experimental
    assert isinstance(f, kinds.GenericFunction) and isinstance(f, kinds.Callable) and not isinstance(len, kinds.Callable)
    assert isinstance(f.get_concrete_function(1.0), kinds.ConcreteFunction)
