"""TensorBoard over what is written here: started by `penstock board`, asked through its HTTP API."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def write_logs(folder):
    """What the two ways of writing leave: summaries of 2.x below `new`, of a 1.x session below `old`."""
    writer = tf.summary.create_file_writer(f"{folder}/new")

    @tf.function
    def model(x):
        with tf.name_scope("layer"):
            return tf.nn.relu(x @ tf.ones([2, 2]))

    with writer.as_default():
        for step in range(3):
            tf.summary.scalar("loss", 1.0 / (step + 1), step=step, description="how **wrong**")
            tf.summary.histogram("weights", np.linspace(-1, 1, 50) * (step + 1), step=step)
        tf.summary.image("picture", tf.random.uniform([1, 8, 8, 3], seed=1), step=0)
        tf.summary.text("notes", "hello *world*", step=0)
        tf.summary.audio("sound", tf.sin(tf.range(800.0))[None, :, None], 8000, step=0)
        tf.summary.trace_on(graph=True)
        model(tf.ones([1, 2]))
        tf.summary.trace_export("model", step=0)
        hparams = pytest.importorskip("tensorboard.plugins.hparams.summary_v2")
        tf.summary.experimental.write_raw_pb(hparams.hparams_pb({"rate": 0.1, "kind": "sgd"}, "trial").SerializeToString(), step=0)
    writer.close()
    with tf.Graph().as_default() as graph, v1.Session() as session:
        with tf.name_scope("old_layer"):
            x = v1.placeholder(tf.float32, [3], name="x")
            y = tf.reduce_sum(x * 2.0, name="y")
        merged = v1.summary.merge([v1.summary.scalar("y", y), v1.summary.histogram("x", x)])
        with v1.summary.FileWriter(f"{folder}/old", graph) as old:
            metadata = v1.RunMetadata()
            options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
            out = session.run(merged, {x: [1.0, 2.0, 3.0]}, options=options, run_metadata=metadata)
            old.add_run_metadata(metadata, "step0", 0)
            old.add_summary(out, 0)


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Asks a TensorBoard that watches fresh logs for a path of its API."""
    folder = tmp_path_factory.mktemp("logs")
    write_logs(folder)
    command = [sys.executable, "-m", "penstock", "board", "--logdir", str(folder), "--port", "0", "--host", "127.0.0.1", "--load_fast", "false"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    base, said = None, []
    for line in process.stdout:
        said.append(line)
        if "http://" in line:
            base = "http://" + line.split("http://")[1].split()[0].rstrip("/")
            break
    assert base, "".join(said)

    def get(path, **query):
        url = f"{base}/data/plugin/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        for _ in range(100):
            try:
                with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - on loopback
                    body = response.read()
                try:
                    found = json.loads(body)
                except ValueError:
                    found = body
                if found not in ({}, [], b""):
                    return found
            except urllib.error.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} has no answer")

    try:
        yield get
    finally:
        process.terminate()
        process.wait(20)


def test_scalars(ask):
    tags = ask("scalars/tags")
    assert tags["new"]["loss"]["description"] == "<p>how <strong>wrong</strong></p>" and "y" in tags["old"]
    points = ask("scalars/scalars", run="new", tag="loss")
    np.testing.assert_allclose([(p[1], p[2]) for p in points], [(0, 1.0), (1, 0.5), (2, 1 / 3)], rtol=1e-6)
    assert ask("scalars/scalars", run="old", tag="y")[0][2] == 12.0


def test_histograms_and_distributions(ask):
    points = ask("histograms/histograms", run="new", tag="weights")
    assert [p[1] for p in points] == [0, 1, 2] and len(points[0][2]) == 30 and sum(b[2] for b in points[0][2]) == 50
    assert sum(b[2] for b in ask("histograms/histograms", run="old", tag="x")[0][2]) == 3
    assert "weights" in ask("distributions/tags")["new"]


def test_images_sounds_and_text(ask):
    (picture,) = ask("images/images", run="new", tag="picture", sample=0)
    assert picture["step"] == 0 and ask(f"images/individualImage?{picture['query']}")[:4] == b"\x89PNG"
    (sound,) = ask("audio/audio", run="new", tag="sound", sample=0)
    assert sound["contentType"] == "audio/wav" and ask(f"audio/individualAudio?{sound['query']}")[:4] == b"RIFF"
    assert "hello <em>world</em>" in ask("text/text", run="new", tag="notes")[0]["text"]


def test_graphs(ask):
    info = ask("graphs/info")
    assert info["new"]["tags"]["model"]["op_graph"] and info["old"]["run_graph"] and info["old"]["tags"]["step0"]["profile"]
    assert b'"old_layer/y"' in ask("graphs/graph", run="old", conceptual="false")
    assert b'"layer/Relu"' in ask("graphs/graph", run="new", tag="model", conceptual="false")
    assert b"node_stats" in ask("graphs/run_metadata", run="old", tag="step0")


def test_hparams(ask):
    experiment = ask("hparams/experiment?request=%7B%22experimentName%22%3A%22%22%7D")
    assert {h["name"] for h in experiment["hparamInfos"]} == {"rate", "kind"}
