"""Programs of 1.x find the names of their Python and NumPy again, and old message files load."""

import subprocess
import sys
import textwrap


def run(tmp_path, program, *options):
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-c", "import sys; from penstock.cli.main import main; sys.exit(main())"]
    done = subprocess.run([*command, "run", *options, "program.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_names_of_numpy_and_python(tmp_path):
    out = run(
        tmp_path,
        """
        import collections, fractions, inspect, threading, time
        import numpy as np
        a = np.arange(6, dtype=np.int32).reshape(2, 3)
        print(np.fromstring(a.tostring(), dtype=np.int32).tolist(), np.fromstring("1 2", sep=" ", dtype=np.int).tolist())
        a.itemset(0, 9); a.itemset((1, 1), 7)
        print(a.tolist(), a.ptp(), np.asscalar(np.array([3])), np.product([2, 3]), np.cast[np.float32](3).dtype)
        print(np.float is float, np.float_ is np.float64, np.Inf, np.rank(a), np.asfarray([1]).dtype)
        print(inspect.getargspec(lambda a, b=1, *c: 0).defaults, fractions.gcd(4, 6), time.clock() > 0)
        print(issubclass(dict, collections.Mapping), threading.current_thread().isAlive())
        """,
        "--tf1",
    )
    assert out.splitlines() == [
        "[0, 1, 2, 3, 4, 5] [1, 2]",
        "[[9, 1, 2], [3, 7, 5]] 8 3 6 float32",
        "True True inf 2 float64",
        "(1,) 2 True",
        "True True",
    ]


def test_programs_of_today_keep_todays_names(tmp_path):
    assert run(tmp_path, "import numpy as np; print(hasattr(np, 'float'), hasattr(np.ndarray, 'tostring'))") == "False False\n"


def test_old_message_files(tmp_path):
    """What protoc 3.6 wrote: descriptors made by hand around the serialized file."""
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto(name="old_pair.proto", package="old", syntax="proto3")
    message = file.message_type.add(name="Pair")
    message.field.add(name="key", number=1, type=9, label=1)
    message.field.add(name="more", number=2, type=11, label=3, type_name=".old.Pair")
    (tmp_path / "pair_pb2.py").write_text(
        textwrap.dedent(
            f"""
            import sys
            _b=sys.version_info[0]<3 and (lambda x:x) or (lambda x:x.encode('latin1'))
            from google.protobuf import descriptor as _descriptor
            from google.protobuf import symbol_database as _symbol_database
            _sym_db = _symbol_database.Default()
            DESCRIPTOR = _descriptor.FileDescriptor(name='old_pair.proto', package='old', syntax='proto3',
              serialized_pb=_b({file.SerializeToString().decode("latin1")!r}))
            _PAIR = _descriptor.Descriptor(name='Pair', full_name='old.Pair', filename=None, file=DESCRIPTOR)
            _PAIR.fields_by_name['more'].message_type = _PAIR
            """
        )
    )
    out = run(
        tmp_path,
        """
        import pair_pb2
        made = pair_pb2.Pair(key="a", more=[pair_pb2.Pair(key="b")])
        print(pair_pb2.Pair.FromString(made.SerializeToString()).more[0].key, pair_pb2.DESCRIPTOR.package)
        """,
        "--tf1",
    )
    assert out == "b old\n"
