"""`tf.io.gfile`: what TensorFlow 2.21 answered to the same calls."""

import pathlib

import pytest

import penstock as tf

gfile = tf.io.gfile
old = tf.compat.v1.gfile


@pytest.fixture
def folder(tmp_path):
    gfile.makedirs(str(tmp_path / "a" / "b"))
    with gfile.GFile(str(tmp_path / "x.txt"), "w") as file:
        file.write("line1\nline2\nline3")
        assert file.tell() == 17
    return str(tmp_path)


def test_reading(folder):
    file = gfile.GFile(f"{folder}/x.txt")
    assert (file.size(), file.readline(), file.tell()) == (17, "line1\n", 6)
    assert file.readlines() == ["line2\n", "line3"] and file.read() == ""
    file.seek(2)
    assert file.read(3) == "ne1" and file.seekable()
    file.seek(offset=0)
    assert list(file) == ["line1\n", "line2\n", "line3"]
    with gfile.GFile(f"{folder}/x.txt", "rb") as binary:
        assert (binary.read(4), binary.read()) == (b"line", b"1\nline2\nline3")
    assert old.FastGFile(f"{folder}/x.txt", "r").read() == "line1\nline2\nline3"


def test_seeking_past_the_end(folder):
    file = gfile.GFile(f"{folder}/x.txt")
    with pytest.raises(tf.errors.OutOfRangeError, match="reached end of file"):
        file.seek(100)
    assert file.tell() == 17
    file.seek(-2, 2)
    assert file.read() == "e3"
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid whence argument: 7"):
        file.seek(0, 7)
    with pytest.raises(TypeError, match="offset argument required"):
        file.seek()


def test_appending(folder):
    path = f"{folder}/x.txt"
    with gfile.GFile(path, "a") as file:
        file.write("d")
        file.flush()
        assert file.size() == 18
    assert gfile.GFile(path).read().endswith("line3d")


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda f: gfile.mkdir(f + "/q/r"), "NotFoundError"),
        (lambda f: gfile.makedirs(f + "/x.txt"), "FailedPreconditionError"),
        (lambda f: gfile.makedirs(f + "/x.txt/y"), "FailedPreconditionError"),
        (lambda f: gfile.remove(f + "/a"), "FailedPreconditionError"),
        (lambda f: gfile.remove(f + "/none"), "NotFoundError"),
        (lambda f: gfile.rmtree(f + "/none"), "NotFoundError"),
        (lambda f: gfile.listdir(f + "/x.txt"), "NotFoundError"),
        (lambda f: gfile.stat(f + "/none"), "NotFoundError"),
        (lambda f: gfile.copy(f + "/none", f + "/y"), "NotFoundError"),
        (lambda f: gfile.copy(f + "/x.txt", f + "/x.txt"), "AlreadyExistsError"),
        (lambda f: gfile.copy(f + "/a", f + "/y"), "InvalidArgumentError"),
        (lambda f: gfile.rename(f + "/none", f + "/y"), "NotFoundError"),
        (lambda f: gfile.rename(f + "/x.txt", f + "/x.txt"), "AlreadyExistsError"),
        (lambda f: gfile.GFile(f + "/none").read(), "NotFoundError"),
        (lambda f: gfile.GFile(f).read(), "FailedPreconditionError"),
        (lambda f: gfile.GFile(f + "/x.txt", "w").read(), "PermissionDeniedError"),
        (lambda f: gfile.GFile(f + "/x.txt").write("x"), "PermissionDeniedError"),
        (lambda f: gfile.GFile(f + "/x.txt", "q").read(), "InvalidArgumentError"),
        (lambda f: gfile.GFile(f + "/none/x", "w").write("a"), "NotFoundError"),
    ],
)
def test_errors(folder, call, error):
    with pytest.raises(getattr(tf.errors, error)):
        call(folder)


def test_folders(folder):
    assert gfile.mkdir(f"{folder}/a") is None and old.MakeDirs(folder) is None
    assert sorted(gfile.listdir(folder)) == ["a", "x.txt"] == sorted(old.ListDirectory(pathlib.Path(folder)))
    walked = [(folder, ["a"], ["x.txt"]), (f"{folder}/a", ["b"], []), (f"{folder}/a/b", [], [])]
    assert list(gfile.walk(folder)) == walked
    assert list(gfile.walk(folder, topdown=False)) == list(old.Walk(folder, in_order=False)) == walked[::-1]
    assert list(gfile.walk(f"{folder}/none")) == []
    assert gfile.stat(f"{folder}/x.txt").length == 17 and gfile.stat(folder).is_directory
    assert gfile.isdir(folder) and old.Exists(folder.encode()) and not old.IsDirectory(f"{folder}/x.txt")


def test_copying_renaming_matching(folder):
    gfile.copy(f"{folder}/x.txt", f"{folder}/y.txt")
    old.Copy(f"{folder}/x.txt", f"{folder}/y.txt", overwrite=True)
    gfile.rename(f"{folder}/y.txt", f"{folder}/z.txt")
    assert sorted(gfile.glob(f"{folder}/*")) == [f"{folder}/a", f"{folder}/x.txt", f"{folder}/z.txt"]
    assert gfile.glob([f"{folder}/*.txt", f"{folder}/a"])[-1] == f"{folder}/a"
    assert old.Glob(f"{folder}/none*") == []
    old.Rename(f"{folder}/z.txt", f"{folder}/x.txt", overwrite=True)
    old.Remove(f"{folder}/x.txt")
    gfile.rmtree(f"{folder}/a")
    assert gfile.listdir(folder) == []
    assert gfile.join("a", "b", "/c") == "/c" and gfile.join("a") == "a"


def test_a_folder_without_a_name_is_no_error():
    """Programs make the folder of a file that has none."""
    assert tf.io.gfile.makedirs("") is None and not tf.io.gfile.exists("")
