"""Saves that are cut off keep the file that was there; a run that was killed ends where the undisturbed one ends."""

import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

TRAIN = """
import os, signal, sys
import penstock; penstock.install_alias()
import keras, numpy as np, tensorflow as tf

folder, kill = sys.argv[1], int(sys.argv[2])
keras.utils.set_random_seed(11)
x, y = np.random.rand(64, 8).astype("float32"), np.random.rand(64, 1).astype("float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.3), keras.layers.Dense(1)])
model.compile("adam", "mse")
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64).map(lambda a, b: (a + tf.random.normal([8]), b))
data = data.repeat().batch(16) if len(sys.argv) > 3 else data.batch(16)

class Kill(keras.callbacks.Callback):
    steps = 0
    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == kill:
            os.kill(os.getpid(), signal.SIGKILL)

model.fit(data, epochs=4, steps_per_epoch=3 if len(sys.argv) > 3 else None, verbose=0,
          callbacks=[keras.callbacks.BackupAndRestore(folder), Kill()])
print(" ".join(w.tobytes().hex() for w in model.get_weights()))
"""


def run(*args):
    return subprocess.run([sys.executable, "-c", TRAIN, *map(str, args)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("more", [(), ("repeated",)])
def test_a_killed_run_goes_on_as_if_nothing_had_been(keras, tmp_path, more):
    undisturbed = run(tmp_path / "a", -1, *more)
    assert undisturbed.returncode == 0, undisturbed.stderr[-2000:]
    assert run(tmp_path / "b", 9, *more).returncode == -signal.SIGKILL
    assert os.listdir(tmp_path / "b")
    assert run(tmp_path / "b", -1, *more).stdout == undisturbed.stdout


@pytest.fixture
def model(keras):
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.h5", "folder"])
def test_a_save_that_fails_keeps_the_good_file(keras, model, tmp_path, monkeypatch, name):
    path = str(tmp_path / name)
    more = {"zipped": False} if name == "folder" else {}
    save = model.save_weights if name == "m.weights.h5" else lambda p: model.save(p, **more)
    load = model.load_weights if name == "m.weights.h5" else lambda p: model.set_weights(keras.models.load_model(p, compile=False).get_weights())
    save(path)
    good = model.get_weights()
    model.set_weights([w + 1 for w in good])
    full = h5py.Group.create_dataset
    seen = []

    def disk_full(self, *args, **kwargs):
        seen.append(1)
        if len(seen) > 1:
            raise OSError(28, "No space left on device")
        return full(self, *args, **kwargs)

    monkeypatch.setattr(h5py.Group, "create_dataset", disk_full)
    with pytest.raises(OSError, match="No space"):
        save(path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == [name]
    load(path)
    for now, then in zip(model.get_weights(), good):
        np.testing.assert_array_equal(now, then)


def test_what_is_written_and_where(model, tmp_path):
    target = tmp_path / "real.keras"
    model.save(target)
    os.chmod(target, 0o640)
    os.symlink(target, tmp_path / "link.keras")
    model.save(tmp_path / "link.keras")
    assert os.path.islink(tmp_path / "link.keras") and os.stat(target).st_mode & 0o777 == 0o640
    model.save_weights(tmp_path / "s.weights.json", max_shard_size=1)
    assert sorted(os.listdir(tmp_path))[:2] == ["link.keras", "real.keras"] and "s.weights.json" in os.listdir(tmp_path)
    model.load_weights(tmp_path / "s.weights.json")
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "none" / "m.keras")
    with pytest.raises(ValueError, match=r"Received: filepath=.*bad\.zip"):
        model.save(tmp_path / "bad.zip")
