"""Flags, `app.run`, logging, text, versions, device settings: each as TensorFlow behaves."""

import logging
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf

tf1 = tf.compat.v1


def program(tmp_path, text, *args, tf1=False):
    path = tmp_path / "program.py"
    path.write_text(text)
    command = [sys.executable, "-m", "penstock", "run", *(["--tf1"] if tf1 else []), str(path), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


FLAGS = (
    "import tensorflow as tf\n"
    "flags = tf.app.flags\n"
    "flags.DEFINE_string('a', 'x', 'help')\n"
    "flags.DEFINE_integer(flag_name='b', default_value=3, docstring='help b')\n"
    "flags.DEFINE_boolean('c', False, 'help c')\n"
    "FLAGS = tf.flags.FLAGS\n"
)


def test_flags_and_app_run(tmp_path):
    text = FLAGS + "def main(argv): print(argv[1:], FLAGS.a, FLAGS.b, FLAGS.c, 'a' in FLAGS)\ntf.app.run()\n"
    done = program(tmp_path, text, "--a=yy", "--b", "7", "--c", "--unknown=5", "rest", tf1=True)
    assert done.stdout == "['--unknown=5', 'rest'] yy 7 True True\n"


def test_flags_parse_themselves(tmp_path):
    done = program(tmp_path, FLAGS + "FLAGS.c = True\nprint(FLAGS.b, FLAGS.c)\n", "--b=5", "other", tf1=True)
    assert done.stdout == "5 True\n"


def test_logging(tmp_path):
    text = (
        "import tensorflow.compat.v1 as tf\n"
        "tf.logging.info('hidden')\n"
        "tf.logging.warn('shown %d', 1)\n"
        "tf.logging.set_verbosity(tf.logging.INFO)\n"
        "tf.logging.info('shown %s', 'too')\n"
        "for i in range(5): tf.logging.log_every_n(tf.logging.WARN, 'every %d', 2, i)\n"
        "for i in range(5): tf.logging.log_first_n(tf.logging.WARN, 'first %d', 2, i)\n"
        "tf.logging.log_if(tf.logging.ERROR, 'no', False)\n"
        "print(tf.logging.get_verbosity())\n"
    )
    done = program(tmp_path, text)
    kept = ["shown 1", "shown too", "every 0", "every 2", "every 4", "first 0", "first 1"]
    assert [line.split(":", 2)[2] for line in done.stderr.splitlines()] == kept
    assert done.stderr.startswith("WARNING:tensorflow:") and done.stdout == "20\n"


def test_the_logger_is_pythons():
    assert tf.get_logger() is logging.getLogger("tensorflow")


@pytest.mark.parametrize("value, expected", [("é", "é".encode()), (b"x", b"x"), (bytearray(b"y"), b"y")])
def test_as_bytes(value, expected):
    assert tf.compat.as_bytes(value) == expected


@pytest.mark.parametrize("value", [1.5, None, ["a"]])
def test_text_of_other_things(value):
    for convert in (tf.compat.as_bytes, tf.compat.as_text, tf.compat.as_str):
        with pytest.raises(TypeError, match="Expected binary or unicode string, got"):
            convert(value)
    assert tf.compat.as_str_any(value) == str(value)


def test_types_of_numbers():
    assert isinstance(np.int8(1), tf.compat.integral_types) and isinstance(1.0, tf.compat.real_types)
    assert isinstance(np.complex64(1), tf.compat.complex_types) and isinstance("", tf.compat.bytes_or_text_types)


def test_forward_compatibility():
    assert tf.compat.forward_compatible(2018, 1, 1)
    with tf.compat.forward_compatibility_horizon(2017, 1, 1):
        assert not tf.compat.forward_compatible(2018, 1, 1)


def test_versions():
    assert tf.__version__ == tf.version.VERSION == tf1.VERSION == tf1.__version__
    assert tf.version.GRAPH_DEF_VERSION == tf1.GRAPH_DEF_VERSION == 2474
    assert set(tf.sysconfig.get_build_info()) >= {"is_cuda_build", "is_rocm_build"}


def test_data_files(tmp_path):
    (tmp_path / "data.bin").write_bytes(b"bytes")
    text = "import tensorflow.compat.v1 as tf\nprint(tf.resource_loader.load_resource('data.bin'))"
    assert program(tmp_path, text).stdout == "b'bytes'\n"


def test_device_settings(tmp_path):
    text = (
        "import tensorflow as tf\n"
        "c = tf.config\n"
        "cpu, = c.list_physical_devices('CPU')\n"
        "c.set_logical_device_configuration(cpu, [c.LogicalDeviceConfiguration()] * 2)\n"
        "print([d.name for d in c.list_logical_devices()])\n"
        "for call in (lambda: c.set_logical_device_configuration(cpu, [c.LogicalDeviceConfiguration()]),\n"
        "             lambda: c.experimental.set_memory_growth(cpu, True),\n"
        "             lambda: c.threading.set_intra_op_parallelism_threads(2),\n"
        "             lambda: c.set_visible_devices([], 'CPU'),\n"
        "             lambda: c.set_visible_devices(['x']),\n"
        "             lambda: c.experimental.get_memory_info('GPU:7')):\n"
        "    try: print(call())\n"
        "    except Exception as error: print(type(error).__name__)\n"
    )
    assert program(tmp_path, text).stdout.splitlines() == [
        "['/device:CPU:0', '/device:CPU:1']", "RuntimeError", "ValueError", "RuntimeError", "RuntimeError",
        "ValueError", "ValueError",
    ]  # fmt: skip


def test_local_devices():
    from penstock.platform import device_lib

    assert [d.device_type for d in device_lib.list_local_devices()][0] == "CPU"
