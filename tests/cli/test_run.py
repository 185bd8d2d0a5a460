"""`penstock run`: a program is run as `python` would run it, and its errors show its own frames."""

import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def penstock(*args, cwd, env=None, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "penstock", *args], cwd=cwd, capture_output=True, text=True, timeout=120, input=stdin,
        env={**os.environ, "PYTHONPATH": ROOT, **(env or {})},
    )  # fmt: skip


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


SHOW = (
    "import sys, os\n"
    "print(__name__, os.path.basename(__file__), sys.argv[1:], os.path.basename(sys.path[0]), sys.argv[0])\n"
    "assert sys.modules['__main__'].__dict__ is globals()\n"
)


def test_script_sees_what_python_shows_it(tmp_path):
    write(tmp_path, "sub/program.py", SHOW + "import neighbour\n")
    write(tmp_path, "sub/neighbour.py", "print('neighbour')\n")
    args = ["sub/program.py", "--tf1", "-m", "x y"]
    ours = penstock("run", *args, cwd=tmp_path)
    real = subprocess.run([sys.executable, *args], cwd=tmp_path, capture_output=True, text=True)
    assert (ours.stdout, ours.returncode) == (real.stdout, 0), ours.stderr


@pytest.mark.parametrize("name", ["package.module", "package"])
def test_module_sees_what_python_shows_it(tmp_path, name):
    text = SHOW.replace("sys.argv[0]", "__spec__.name, __package__") + "from . import other\n"
    write(tmp_path, "package/__init__.py", "")
    write(tmp_path, "package/module.py", text)
    write(tmp_path, "package/__main__.py", text)
    write(tmp_path, "package/other.py", "print('other')\n")
    ours = penstock("run", "-m", name, "a", "--b", cwd=tmp_path)
    real = subprocess.run([sys.executable, "-m", name, "a", "--b"], cwd=tmp_path, capture_output=True, text=True)
    assert (ours.stdout, ours.returncode) == (real.stdout, 0), ours.stderr


def test_standard_input_and_folders(tmp_path):
    assert penstock("run", "-", cwd=tmp_path, stdin="print(__name__, 3)").stdout == "__main__ 3\n"
    write(tmp_path, "app/__main__.py", "print('folder')")
    assert penstock("run", "app", cwd=tmp_path).stdout == "folder\n"


def test_the_alias_is_in_place(tmp_path):
    write(tmp_path, "program.py", "import tensorflow as tf\nprint(tf.__version__, hasattr(tf, 'Dimension'))\n")
    assert penstock("run", "program.py", cwd=tmp_path).stdout == "2.21.0 False\n"
    assert penstock("run", "--tf1", "program.py", cwd=tmp_path).stdout == "1.15.5 True\n"


@pytest.mark.parametrize("code, expected", [("7", 7), ("None", 0), ("'stop'", 1), ("True", 1)])
def test_exit_codes_pass_through(tmp_path, code, expected):
    write(tmp_path, "program.py", f"import sys; sys.exit({code})")
    done = penstock("run", "program.py", cwd=tmp_path)
    assert done.returncode == expected
    assert done.stderr == ("stop\n" if "stop" in code else "")


FAILING = (
    "import tensorflow as tf\n"
    "def build():\n"
    "    tf.TensorShape([1]).merge_with([2])\n"
    "try:\n"
    "    build()\n"
    "except ValueError as error:\n"
    "    raise RuntimeError('could not build') from error\n"
)


def test_traceback_shows_the_users_frames(tmp_path):
    write(tmp_path, "program.py", FAILING)
    done = penstock("run", "program.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "cli/run.py" not in done.stderr and "shape.py" not in done.stderr
    assert "... 1 frame inside penstock (PENSTOCK_TRACEBACK=full shows them)" in done.stderr
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("    ")]
    assert lines[0] == "Traceback (most recent call last):" and "program.py" in lines[1]
    assert lines[-1] == "RuntimeError: could not build"
    full = penstock("run", "program.py", cwd=tmp_path, env={"PENSTOCK_TRACEBACK": "full"})
    assert "shape.py" in full.stderr and "inside penstock" not in full.stderr


def test_errors_in_threads_are_folded_too(tmp_path):
    write(tmp_path, "program.py", "import threading\n" + FAILING.replace("try:\n    build()", "try:\n    pass") +
          "t = threading.Thread(target=build, name='worker'); t.start(); t.join()\n")  # fmt: skip
    done = penstock("run", "program.py", cwd=tmp_path)
    assert done.returncode == 0 and "Exception in thread worker" in done.stderr and "shape.py" not in done.stderr


def test_syntax_errors_look_as_in_python(tmp_path):
    write(tmp_path, "program.py", "x = (1,\ny = 2\n")
    done = penstock("run", "program.py", cwd=tmp_path)
    assert done.returncode == 1 and "SyntaxError" in done.stderr and "penstock" not in done.stderr


@pytest.mark.parametrize(
    "args, message",
    [
        ((), "nothing to run"),
        (("nope.py",), "can't open file"),
        (("-m", "no_such_module"), "No module named 'no_such_module'"),
        (("--nope",), "no such option: --nope"),
    ],
)
def test_wrong_command_lines(tmp_path, args, message):
    done = penstock("run", *args, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr


def test_help_and_version(tmp_path):
    assert "Run an unmodified TensorFlow program." in penstock("--help", cwd=tmp_path).stdout
    assert "--tf1" in penstock("run", "--help", cwd=tmp_path).stdout
    assert penstock("--version", cwd=tmp_path).stdout == "penstock, version 0.1.0\n"


def test_running_a_program_loads_no_command_line_library(tmp_path):
    write(
        tmp_path, "program.py", "import sys; print([m for m in ('click', 'rich', 'jax', 'numpy') if m in sys.modules])"
    )
    assert penstock("run", "program.py", cwd=tmp_path).stdout == "[]\n"
