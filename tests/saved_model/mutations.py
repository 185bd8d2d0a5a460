"""Files with random damage: `python tests/saved_model/mutations.py 10000 [seed]` tries so many and prints a table of what came of them."""

import faulthandler
import os
import random
import resource
import shutil
import sys
import tempfile
import time

from penstock.base.proto import tensor_bundle_pb2
from penstock.base.sorted_table import pack, unpack

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "saved_models")


def damaged(data, rng):
    """`data` with a few bytes flipped, cut, doubled, zeroed or swapped."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not data:
            return bytes(data)
        at, kind = rng.randrange(len(data)), rng.randrange(7)
        n = min(rng.choice((1, 1, 2, 8, 64)), len(data) - at)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            del data[at : at + n]
        elif kind == 3:
            data[at:at] = data[at : at + n]
        elif kind == 4:
            data[at : at + n] = bytes(n)
        elif kind == 5:
            data[at : at + n] = b"\xff" * n
        else:
            del data[at:]
    return bytes(data)


def message_damaged(message, rng, depth=0):
    """A message with one field changed somewhere inside: the wire format stays right, what it says does not."""
    fields = message.ListFields()
    if not fields:
        return
    field, value = rng.choice(fields)
    repeated = hasattr(value, "__len__") and not isinstance(value, (str, bytes))
    if repeated and hasattr(value, "keys"):
        keys = sorted(value.keys(), key=str)
        if not keys:
            return
        key = rng.choice(keys)
        if rng.random() < 0.3:
            del value[key]
        elif hasattr(value[key], "ListFields"):
            message_damaged(value[key], rng, depth + 1)
        elif isinstance(value[key], str):
            value[key] = rng.choice(("", "nothing", value[key] + ":7", value[keys[0]]))
        return
    if repeated:
        if not len(value):
            return
        i = rng.randrange(len(value))
        if rng.random() < 0.2:
            del value[i]
        elif hasattr(value[i], "ListFields"):
            message_damaged(value[i], rng, depth + 1)
        else:
            value[i] = other(value[i], rng, list(value))
        return
    if hasattr(value, "ListFields"):
        if depth < 12 and rng.random() < 0.95:
            message_damaged(value, rng, depth + 1)
        else:
            message.ClearField(field.name)
        return
    try:
        setattr(message, field.name, other(value, rng, []))
    except (ValueError, TypeError):
        message.ClearField(field.name)


def other(value, rng, near):
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((0, 1, -1, 2, value + 1, value - 1, 7, 101, 2**31 - 1, 10**6))
    if isinstance(value, float):
        return rng.choice((0.0, float("nan"), float("inf"), -value))
    if isinstance(value, bytes):
        return rng.choice((b"", value[: len(value) // 2], value + value, b"\xff\xfe", damaged(value, rng)))
    return rng.choice(("", value + ":9", "^" + value, value[::-1], rng.choice(near) if near else "nothing", value.upper()))


class Cases:
    """What is damaged, and how it is read."""

    def __init__(self):
        from google.protobuf.message import DecodeError

        import penstock as tf
        import penstock.compat.v1 as v1
        from penstock.base.proto import graph_pb2, saved_model_pb2

        self.tf, self.v1, self.graph_pb2, self.saved_model_pb2 = tf, v1, graph_pb2, saved_model_pb2
        self.documented = (ValueError, TypeError, OSError, DecodeError, tf.errors.OpError)
        read = lambda *parts: open(os.path.join(FOLDER, *parts), "rb").read()
        self.examples = [
            tf.train.Example(features=tf.train.Features(feature={"a": tf.train.Feature(int64_list=tf.train.Int64List(value=[i] * i)),
                             "b": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0, 2.0]))})).SerializeToString() for i in range(5)]  # fmt: skip
        self.models = {n: read(n, "saved_model.pb") for n in ("v221", "v115", "gradient", "keras215")}
        self.graphs = [saved_model_pb2.SavedModel.FromString(d).meta_graphs[0].graph_def for d in (self.models["v115"], self.models["gradient"])]
        self.index = read("v221", "variables", "variables.index")
        self.data = read("v221", "variables", "variables.data-00000-of-00001")
        self.folder = tempfile.mkdtemp()
        for name in self.models:
            shutil.copytree(os.path.join(FOLDER, name), os.path.join(self.folder, name))
        with tf.io.TFRecordWriter(os.path.join(self.folder, "r")) as writer:
            for i in range(20):
                writer.write(tf.train.Example(features=tf.train.Features(feature={"a": tf.train.Feature(int64_list=tf.train.Int64List(value=[i] * i))})).SerializeToString())
        with open(os.path.join(self.folder, "r"), "rb") as file:
            self.records = file.read()
        event = v1.Event(wall_time=1.0, step=3, summary=v1.Summary(value=[v1.Summary.Value(tag="x", simple_value=2.0)]))
        with tf.io.TFRecordWriter(os.path.join(self.folder, "e")) as writer:
            for _ in range(20):
                writer.write(event.SerializeToString())
        with open(os.path.join(self.folder, "e"), "rb") as file:
            self.events = file.read()
        self.kinds = ("bundle entries", "record payloads", "graph bytes", "graph message", "model bytes", "model message", "bundle index", "bundle data", "records", "events")

    def put(self, data, *parts):
        path = os.path.join(self.folder, *parts)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def one(self, kind, rng):
        tf = self.tf
        if kind.startswith("graph"):
            graph = self.graph_pb2.GraphDef()
            graph.CopyFrom(rng.choice(self.graphs))
            if kind == "graph bytes":
                graph = self.graph_pb2.GraphDef.FromString(damaged(graph.SerializeToString(), rng))
            else:
                message_damaged(graph, rng)
            with self.v1.Graph().as_default() as made:
                tf.graph_util.import_graph_def(graph, name="")
                made.as_graph_def()
        elif kind.startswith("model"):
            name = rng.choice(sorted(self.models))
            data = self.models[name]
            if kind == "model bytes":
                data = damaged(data, rng)
            else:
                model = self.saved_model_pb2.SavedModel.FromString(data)
                message_damaged(model, rng)
                data = model.SerializeToString()
            self.put(data, name, "saved_model.pb")
            tags = ["serve"] if name == "v115" else None
            model = tf.saved_model.load(os.path.join(self.folder, name), tags)
            for key in sorted(model.signatures)[:1]:
                f = model.signatures[key]
                specs = f.structured_input_signature[1]
                feed = {k: tf.zeros([1 if d is None else d for d in (s.shape.as_list() if s.shape.rank is not None else [])], s.dtype) for k, s in specs.items()
                        if s.dtype != tf.string and (s.shape.num_elements() or 1) < 1000}  # fmt: skip
                if len(feed) == len(specs):
                    f(**feed)
        elif kind == "bundle index":
            self.put(damaged(self.index, rng), "v221", "variables", "variables.index")
            self.read_bundle()
        elif kind == "bundle entries":
            table = unpack(self.index, "")
            key = rng.choice(sorted(table))
            proto = (tensor_bundle_pb2.BundleEntryProto if key else tensor_bundle_pb2.BundleHeaderProto).FromString(table[key])
            if rng.random() < 0.8:
                message_damaged(proto, rng)
                table[key] = proto.SerializeToString()
            else:
                table[key] = damaged(table[key], rng)
            self.put(pack(sorted(table.items())), "v221", "variables", "variables.index")
            self.read_bundle()
        elif kind == "record payloads":
            with self.tf.io.TFRecordWriter(os.path.join(self.folder, "p")) as writer:
                writer.write(damaged(rng.choice(self.examples), rng))
            for record in self.v1.io.tf_record_iterator(os.path.join(self.folder, "p")):
                spec = {"a": self.tf.io.VarLenFeature(self.tf.int64), "b": self.tf.io.FixedLenFeature([2], self.tf.float32, [0.0, 1.0])}
                self.tf.io.parse_example([record], spec)
                list(self.v1.Event.FromString(record).summary.value)
        elif kind == "bundle data":
            self.put(damaged(self.data, rng), "v221", "variables", "variables.data-00000-of-00001")
            self.read_bundle()
        elif kind == "records":
            path = self.put(damaged(self.records, rng), "r")
            for record in self.v1.io.tf_record_iterator(path):
                tf.train.Example.FromString(record)
        else:
            path = self.put(damaged(self.events, rng), "e")
            list(self.v1.train.summary_iterator(path))

    def read_bundle(self):
        prefix = os.path.join(self.folder, "v221", "variables", "variables")
        reader = self.tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)

    def mend(self, kind):
        if kind.startswith("bundle"):
            self.put(self.index, "v221", "variables", "variables.index")
            self.put(self.data, "v221", "variables", "variables.data-00000-of-00001")

    def close(self):
        shutil.rmtree(self.folder)


def attempt(cases, kind, rng):
    """What came of one damaged file: "read", or the name of the documented error; other errors are raised."""
    try:
        cases.one(kind, rng)
        return "read"
    except RuntimeError as error:
        if isinstance(error, cases.tf.errors.OpError) or "MetaGraphDef associated with tags" in str(error):
            return type(error).__name__
        raise
    except cases.documented as error:
        return type(error).__name__
    finally:
        cases.mend(kind)


def main(count, seed=0):
    cases = Cases()
    table, slowest, others = {}, (0.0, None), []
    faulthandler.enable()
    for i in range(count):
        kind = cases.kinds[i % len(cases.kinds)]
        started = time.monotonic()
        try:
            result = attempt(cases, kind, random.Random(f"{seed}/{i}"))
        except BaseException as error:  # noqa: BLE001 - that is what we look for
            result = f"! {type(error).__name__}"
            others.append((i, kind, repr(error)[:200]))
            import traceback

            if len(others) < 12:
                traceback.print_exc(limit=-3)
        slowest = max(slowest, (time.monotonic() - started, f"{i} {kind}"))
        table.setdefault(kind, {}).setdefault(result, 0)
        table[kind][result] += 1
    for kind, row in table.items():
        print(f"{kind:14} {sum(row.values()):6}  " + ", ".join(f"{k} {v}" for k, v in sorted(row.items(), key=lambda p: -p[1])))
    print(f"slowest {slowest[0]:.2f} s ({slowest[1]}); peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB; undocumented {len(others)}")
    for one in others[:20]:
        print(*one)
    cases.close()
    return len(others)


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
