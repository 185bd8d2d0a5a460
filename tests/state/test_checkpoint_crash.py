"""A kill, a full disk or an I/O error at any moment leaves the old checkpoint or the new one; damage is found and named."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock.base import bundle, dtypes, errors, files

v1 = tf.compat.v1
HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_kills(tmp_path, count):
    script = os.path.join(HERE, "kill_loop.py")
    done = subprocess.run([sys.executable, script, str(tmp_path), str(count), "1"], capture_output=True, text=True, timeout=120)  # noqa: S603
    assert done.stdout == f"{count}\n", done.stderr


def tensors(value, count):
    return [(f"t{i}", "", np.full([100], value, np.float32), dtypes.float32) for i in range(count)]


def held(prefix):
    reader = bundle.Reader(prefix)
    values = {float(x) for n in reader.entries for x in reader.tensor(n)}
    assert len(values) == 1
    return values.pop()


class Disk:
    """Stands in for the calls that change files, to stop after so many of them: by an error, or as a kill does."""

    CALLS = ("replace", "link", "remove", "fsync")

    def __init__(self, monkeypatch, allowed):
        self.left = allowed
        for name in self.CALLS:
            monkeypatch.setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, call):
        def run(*args, **kwargs):
            if self.left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.left -= 1
            return call(*args, **kwargs)

        return run


@pytest.mark.parametrize("shards", [(1, 1), (2, 2), (1, 2), (2, 1)])
def test_every_prefix_of_the_writes_is_old_or_new(tmp_path, monkeypatch, shards):
    old, new = ([tensors(value, 1)] + [[(f"more{k}", *t[1:]) for t in tensors(value, 1)] for k in range(count - 1)] for value, count in zip((1.0, 2.0), shards))
    seen = []
    for allowed in range(40):
        prefix = str(tmp_path / f"ck{allowed}")
        bundle.write_shards(prefix, old)
        with monkeypatch.context() as patch:
            Disk(patch, allowed)
            try:
                bundle.write_shards(prefix, new)
                finished = True
            except errors.ResourceExhaustedError:
                finished = False
        seen.append(held(prefix))
        if finished:
            break
    assert finished and seen[0] == 1.0 and seen[-1] == 2.0 and seen == sorted(seen)
    bundle.write_shards(prefix, old)
    assert held(prefix) == 1.0


def test_errors_are_typed_and_leave_the_old(tmp_path, monkeypatch):
    v = tf.Variable(np.ones([100], np.float32))
    checkpoint = tf.train.Checkpoint(v=v)
    path = checkpoint.write(str(tmp_path / "ck"))
    v.assign(np.zeros([100], np.float32))
    failures = 0
    for allowed in range(20):
        with monkeypatch.context() as patch:
            Disk(patch, allowed)
            try:
                checkpoint.write(path)
            except errors.ResourceExhaustedError:
                failures += 1
        with_old = tf.train.Checkpoint(v=tf.Variable(np.full([100], 5.0, np.float32)))
        with_old.read(path).assert_consumed()
        assert len(set(with_old.v.numpy().tolist())) == 1
    assert failures > 5
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        w = v1.get_variable("w", initializer=1.0)
        session.run(w.initializer)
        saver = v1.train.Saver()
        with monkeypatch.context() as patch:
            Disk(patch, 0)
            with pytest.raises(errors.ResourceExhaustedError, match="No space left"):
                saver.save(session, str(tmp_path / "graph"))
    assert not [n for n in os.listdir(tmp_path) if n.startswith("graph")]


def test_damage_is_named(tmp_path):
    prefix = str(tmp_path / "ck")
    bundle.write_shards(prefix, [tensors(1.0, 1), [("other", *tensors(2.0, 1)[0][1:])]])
    broken = bundle.data_file(prefix, 1, 2)
    shutil.copy(broken, f"{broken}.kept")
    with open(broken, "r+b") as file:
        file.seek(17)
        file.write(b"\xff")
    assert bundle.Reader(prefix).tensor("t0")[0] == 1.0
    with pytest.raises(errors.DataLossError, match="other.*data-00001-of-00002"):
        bundle.Reader(prefix).tensor("other")
    with open(broken, "r+b") as file:
        file.truncate(50)
    with pytest.raises(errors.DataLossError, match="data-00001-of-00002"):
        bundle.Reader(prefix).tensor("other")
    os.remove(broken)
    with pytest.raises(errors.NotFoundError, match="data-00001-of-00002"):
        bundle.Reader(prefix).tensor("other")
    with open(f"{prefix}.index", "r+b") as file:
        file.seek(5)
        file.write(b"\xff\xff")
    with pytest.raises(errors.DataLossError):
        bundle.Reader(prefix)


def test_files_are_whole(tmp_path, monkeypatch):
    target = tmp_path / "file"
    files.write_whole(str(target), [b"old"])

    def stops():
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_whole(str(target), stops())
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
