"""SavedModels written here, loaded by real TensorFlow 2.21 and 1.15."""

import json
import os

import numpy as np

import penstock as tf
from tests.golden import saved_model_programs as programs
from tests.oracle.real import ROOT, oracle, run
from tests.saved_model.golden import EXPECTED, same

PROGRAM = """
import json, sys
sys.path.insert(0, {golden!r})
import tensorflow as tf, saved_model_programs as programs
print(json.dumps([programs.use_model(tf, {model!r}), programs.use_gradient(tf, {gradient!r})]))
"""
PROGRAM_1 = """
import json, numpy as np, tensorflow as tf
with tf.Session(graph=tf.Graph()) as sess:
    meta = tf.saved_model.load(sess, ["serve"], {model!r})
    look, serve = meta.signature_def["look"], meta.signature_def["serving_default"]
    ids = sess.run(look.outputs["output_0"].name, {{look.inputs["k"].name: ["b", "z"]}})
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    print(json.dumps([ids.tolist(), sess.run(serve.outputs["out"].name, {{serve.inputs["x"].name: x}}).tolist()]))
"""


LOOP = """
import json, tensorflow as tf
m = tf.saved_model.load({loop!r})
print(json.dumps([int(m.total(9, 3)), float(m.v)]))
"""


def write(tmp_path):
    words = tmp_path / "vocabulary.txt"
    words.write_text("a\nb\nc\n")
    programs.save_model(tf, str(tmp_path / "model"), str(words))
    tf.saved_model.save(programs.modules(tf, "")[1](), str(tmp_path / "gradient"))
    words.unlink()
    return {"model": str(tmp_path / "model"), "gradient": str(tmp_path / "gradient"), "golden": os.path.join(ROOT, "tests", "golden")}


def told(version, program, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(program)
    return json.loads(run([oracle(version), str(path)]).strip().splitlines()[-1])


def test_tensorflow_2_21_loads_them(tmp_path):
    model, gradient = told("2.21", PROGRAM.format(**write(tmp_path)), tmp_path)
    same(model, EXPECTED["v221"])
    same(gradient, EXPECTED["gradient"])


def test_tensorflow_1_15_runs_their_signatures(tmp_path):
    ids, out = told("1.15", PROGRAM_1.format(**write(tmp_path)), tmp_path)
    assert ids == EXPECTED["v221"]["look"]
    np.testing.assert_allclose(out, EXPECTED["v221"]["out"], rtol=1e-5)


class Loop(tf.Module):
    def __init__(self):
        self.v = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.int64)])
    def total(self, n, last):
        t = tf.constant(0, tf.int64)
        for i, x in tf.data.Dataset.range(n).map(lambda x: 2 * x).enumerate():
            if i > last:
                break
            t += x
            self.v.assign_add(1.0)
        return t


def test_loops_over_datasets_run_in_tensorflow(tmp_path):
    tf.saved_model.save(Loop(), str(tmp_path / "loop"))
    assert told("2.21", LOOP.format(loop=str(tmp_path / "loop")), tmp_path) == [12, 4.0]
