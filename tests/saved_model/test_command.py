"""`penstock saved-model`, as `saved_model_cli` is."""

import numpy as np
import pytest

from penstock.cli.saved_model import (
    main,
    preprocess_input_examples_arg_string,
    preprocess_input_exprs_arg_string,
    preprocess_inputs_arg_string,
)
from tests.saved_model.golden import EXPECTED, X, path, same

ALL = """
signature_def['serving_default']:
  The given SavedModel SignatureDef contains the following input(s):
    inputs['x'] tensor_info:
        dtype: DT_FLOAT
        shape: (-1, 3)
        name: serving_default_x:0
  The given SavedModel SignatureDef contains the following output(s):
    outputs['out'] tensor_info:
        dtype: DT_FLOAT
        shape: (-1, 2)
        name: StatefulPartitionedCall_1:0
    outputs['s'] tensor_info:
        dtype: DT_FLOAT
        shape: ()
        name: StatefulPartitionedCall_1:1
  Method name is: tensorflow/serving/predict
"""


def said(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_show(capsys):
    assert said(capsys, "show", "--dir", path("v221")) == "The given SavedModel contains the following tag-sets:\n'serve'\n"
    assert said(capsys, "show", "--dir", path("v115")).splitlines()[1:] == ["'gpu', 'serve'", "'serve'"]
    keys = said(capsys, "show", "--dir", path("v221"), "--tag_set", "serve")
    assert keys.splitlines()[1:] == [f'SignatureDef key: "{k}"' for k in ("__saved_model_init_op", "look", "serving_default")]
    text = said(capsys, "show", "--dir", path("v221"), "--all")
    assert ALL in text and "Function Name: 'serve'\n    Option #1\n      Callable with:\n        Argument #1\n          x: TensorSpec(shape=(None, 3)" in text
    with pytest.raises(RuntimeError, match="tag-set foo could not be found"):
        main(["show", "--dir", path("v221"), "--tag_set", "foo"])
    with pytest.raises(ValueError, match='Could not find signature "nope". Please choose from: __saved_model_init_op, look, serving_default'):
        main(["show", "--dir", path("v221"), "--tag_set", "serve", "--signature_def", "nope"])


def test_run(capsys, tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "several.npz", a=X, b=X)
    common = ["run", "--dir", path("v115"), "--tag_set", "serve", "--signature_def", "serving_default"]
    said(capsys, *common, "--inputs", f"x={tmp_path}/x.npy", "--outdir", str(tmp_path / "out"))
    same(np.load(tmp_path / "out" / "y.npy").tolist(), EXPECTED["v115"]["y"])
    with pytest.raises(RuntimeError, match="already exists. Add flag"):
        main([*common, "--inputs", f"x={tmp_path}/several.npz[b]", "--outdir", str(tmp_path / "out")])
    with pytest.raises(RuntimeError, match="more than one ndarray"):
        main([*common, "--inputs", f"x={tmp_path}/several.npz"])
    with pytest.raises(ValueError, match='"z" is not a valid input key'):
        main([*common, "--input_exprs", "z=1"])
    with pytest.raises(AttributeError, match="must be required"):
        main(common)
    capsys.readouterr()
    text = said(capsys, "run", "--dir", path("v221"), "--tag_set", "serve", "--signature_def", "look", "--input_exprs", "k=[b'b','z']")
    assert text == "Result for output key output_0:\n[ 1 -1]\n"


def test_inputs_are_parsed():
    assert preprocess_inputs_arg_string("a=x.npy;b=y.npz[c]") == {"a": ("x.npy", None), "b": ("y.npz", "c")}
    assert preprocess_input_exprs_arg_string("a=[1,2];b='t'") == {"a": [1, 2], "b": "t"}
    for bad in ("a=__import__('os')", "a=np.ones(2)"):
        with pytest.raises(RuntimeError, match="not a valid python literal"):
            preprocess_input_exprs_arg_string(bad)
    (example,) = preprocess_input_examples_arg_string('x=[{"age":[22,24],"name":["BS"],"w":[0.5]}]')["x"]
    import penstock as tf

    made = tf.train.Example.FromString(example).features.feature
    assert list(made["age"].int64_list.value) == [22, 24] and list(made["name"].bytes_list.value) == [b"BS"] and list(made["w"].float_list.value) == [0.5]


def test_scan_freeze_and_compile(capsys, tmp_path):
    assert "does not contain the default denylisted ops" in said(capsys, "scan", "--dir", path("v221"))
    assert "contains the following denylisted ops: {'MatMul'}" in said(capsys, "scan", "--dir", path("v221"), "--op_denylist", "MatMul")
    for name, feed, fetch in (("v115", "x", "y"), ("keras215", "dense_input", "Identity")):
        said(capsys, "freeze", "--dir", path(name), "--tag_set", "serve", "--output_prefix", str(tmp_path / name))
        import penstock.compat.v1 as tf

        definition = tf.GraphDef.FromString((tmp_path / f"{name}.pb").read_bytes())
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
            tf.import_graph_def(definition, name="")
            same(sess.run(f"{fetch}:0", {f"{feed}:0": X}).tolist(), EXPECTED[name]["y"])
        config = (tmp_path / f"{name}.config.pbtxt").read_text()
        assert f'node_name: "{feed}"' in config and f'node_name: "{fetch}"' in config
    said(capsys, "aot", "--dir", path("keras215"), "--output_prefix", str(tmp_path / "k"))
    assert (tmp_path / "k.hlo").read_text().startswith("HloModule")
