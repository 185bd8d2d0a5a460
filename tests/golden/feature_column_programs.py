"""Feature columns on small features, alike for TensorFlow 2.15 and penstock; make_feature_columns.py keeps what TensorFlow gives."""

import os
import tempfile

import numpy as np


def run(tf, build):
    """The values of what `build` gives in a session, and the names of the variables."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default():
        tf1.set_random_seed(7)
        out = build()
        flat = []
        for one in out if isinstance(out, (list, tuple)) else [out]:
            flat.extend([one.indices, one.values, one.dense_shape] if hasattr(one, "dense_shape") else [one])
        names = [[v.name, v.shape.as_list()] for v in tf1.global_variables()]
        with tf1.Session() as session:
            session.run([tf1.global_variables_initializer(), tf1.tables_initializer()])
            return {"values": [np.asarray(v).astype("f8").round(5).tolist() for v in session.run(flat)], "variables": names}


def cases(tf):
    fc, fc1 = tf.feature_column, tf.compat.v1.feature_column
    il = fc1.input_layer
    lm = lambda features, *a, **k: fc1.linear_model({n: tf.constant(f) for n, f in features.items()}, *a, **k)
    const = tf.compat.v1.constant_initializer
    num, ind, emb = fc.numeric_column, fc.indicator_column, fc.embedding_column
    ident, hashed, vlist = fc.categorical_column_with_identity, fc.categorical_column_with_hash_bucket, fc.categorical_column_with_vocabulary_list
    table = np.arange(6, dtype="f").reshape(3, 2)
    idc = ident("id", 3)
    sparse = lambda: tf.SparseTensor([[0, 0], [0, 1], [2, 0]], np.int64([2, 1, 0]), [3, 2])
    path = os.path.join(tempfile.gettempdir(), "penstock_vocabulary.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write("x\ny\nz\n")
    C = {}
    C["numeric"] = lambda: il({"a": [[1.0, 2], [3, 4]], "b": [5, 6]}, [num("b"), num("a", 2)])
    C["numeric.ints"] = lambda: il({"a": np.int64([1, 2])}, [num("a", dtype=tf.int64)])
    C["numeric.normalizer"] = lambda: il({"a": [1.0, 2]}, [num("a", normalizer_fn=lambda x: x * 3)])
    C["numeric.missing"] = lambda: il({"a": [1.0]}, [num("b")])
    C["numeric.sparse"] = lambda: il({"a": sparse()}, [num("a")])
    C["numeric.rank0"] = lambda: il({"a": 1.0}, [num("a")])
    C["numeric.matrix"] = lambda: il({"a": np.arange(8.0).reshape(2, 2, 2)}, [num("a", (2, 2))])
    for what, args in {"shape": ("a", 0), "shape2": ("a", 1.5), "default": ("a", 2, [1.0]), "dtype": ("a", 1, None, tf.string), "fn": ("a", 1, None, tf.float32, 3), "key": (3,)}.items():
        C[f"numeric.bad.{what}"] = lambda args=args: il({"a": [1.0]}, [num(*args)])
    C["bucketized"] = lambda: il({"a": [1.0, 2, 5, 9]}, [fc.bucketized_column(num("a"), [2, 5])])
    C["bucketized.two"] = lambda: il({"a": [[1.0, 9], [5, 2]]}, [fc.bucketized_column(num("a", 2), [2, 5])])
    C["bucketized.linear"] = lambda: lm({"a": [[1.0, 9], [5, 2]]}, [fc.bucketized_column(num("a", 2), [2, 5])])
    C["bucketized.order"] = lambda: fc.bucketized_column(num("a"), [5, 2])
    C["bucketized.source"] = lambda: fc.bucketized_column(idc, [5])
    C["identity"] = lambda: il({"id": [[0], [2]]}, [ind(idc)])
    C["identity.out"] = lambda: il({"id": [[0], [5], [-2]]}, [ind(idc)])
    C["identity.default"] = lambda: il({"id": [[0], [5], [-2]]}, [ind(ident("id", 3, 1))])
    C["identity.float"] = lambda: il({"id": [[0.0]]}, [ind(idc)])
    C["identity.sparse"] = lambda: il({"id": sparse()}, [ind(idc)])
    C["identity.bad"] = lambda: ident("id", 0)
    C["identity.bad.default"] = lambda: ident("id", 3, 3)
    C["hashed"] = lambda: il({"s": [["x", "yy"], ["zzz", ""]]}, [ind(hashed("s", 5))])
    C["hashed.ints"] = lambda: il({"s": np.int64([[1, 2], [30, -1]])}, [ind(hashed("s", 5, tf.int64))])
    C["hashed.wrong"] = lambda: il({"s": np.int64([[1]])}, [ind(hashed("s", 5))])
    C["hashed.bad"] = lambda: hashed("s", 0)
    C["list"] = lambda: il({"s": [["x", "y"], ["z", ""]]}, [ind(vlist("s", ["x", "y"]))])
    C["list.oov"] = lambda: il({"s": [["x", "y"], ["z", ""]]}, [ind(vlist("s", ["x", "y"], num_oov_buckets=2))])
    C["list.default"] = lambda: il({"s": [["x", "q"], ["z", ""]]}, [ind(vlist("s", ["x", "y"], default_value=1))])
    C["list.ints"] = lambda: il({"s": np.int64([[4, 9], [7, 4]])}, [ind(vlist("s", [4, 7]))])
    C["list.duplicates"] = lambda: vlist("s", ["x", "x"])
    C["list.both"] = lambda: vlist("s", ["x", "y"], default_value=1, num_oov_buckets=2)
    C["file"] = lambda: il({"s": [["x", "z"], ["q", ""]]}, [ind(fc.categorical_column_with_vocabulary_file("s", path))])
    C["file.size"] = lambda: il({"s": [["x", "z"], ["y", ""]]}, [ind(fc.categorical_column_with_vocabulary_file("s", path, 2, num_oov_buckets=1))])
    C["file.v1"] = lambda: il({"s": [["x", "z"], ["y", ""]]}, [ind(fc1.categorical_column_with_vocabulary_file("s", path, 3, 0, 2))])
    w = fc.weighted_categorical_column(idc, "w")
    C["weighted"] = lambda: il({"id": [[0, 2], [1, 0]], "w": [[0.5, 2.0], [3, 4]]}, [ind(w)])
    C["weighted.embedding"] = lambda: il({"id": [[0, 2], [1, 0]], "w": [[0.5, 2.0], [3.0, 4]]}, [emb(w, 2, initializer=const(table))])
    C["weighted.linear"] = lambda: lm({"id": [[0], [2]], "w": [[1.0], [2]]}, [w])
    C["weighted.dtype"] = lambda: lm({"id": [[0], [2]], "w": [[1], [2]]}, [w])
    C["crossed"] = lambda: il({"s": [["x"], ["y"]], "id": [[0], [2]]}, [ind(fc.crossed_column([idc, "s"], 7))])
    C["crossed.bucketized"] = lambda: il({"s": [["x", "q"], ["y", "r"]], "a": [1.0, 9]}, [ind(fc.crossed_column(["s", fc.bucketized_column(num("a"), [2, 5])], 20))])
    C["crossed.key"] = lambda: il({"s": [["x"], ["y"]], "t": [["u"], ["v"]]}, [ind(fc.crossed_column(["s", "t"], 9, 123))])
    C["crossed.crossed"] = lambda: il({"s": [["x"]], "t": [["u"]], "id": [[1]]}, [ind(fc.crossed_column([fc.crossed_column(["s", "t"], 9), idc], 11))])
    C["crossed.hashed"] = lambda: fc.crossed_column(["s", hashed("t", 5)], 5)
    C["crossed.one"] = lambda: fc.crossed_column(["s"], 5)
    for combiner in ("mean", "sum", "sqrtn"):
        C[f"embedding.{combiner}"] = lambda c=combiner: il({"id": sparse()}, [emb(idc, 2, c, initializer=const(table))])
    C["embedding.norm"] = lambda: il({"id": sparse()}, [emb(idc, 2, initializer=const(table), max_norm=1.0)])
    C["embedding.unsafe"] = lambda: il({"id": [[0], [2]]}, [emb(idc, 2, initializer=const(table), use_safe_embedding_lookup=False)])
    C["embedding.dimension"] = lambda: emb(idc, 0)
    C["embedding.initializer"] = lambda: emb(idc, 2, initializer=3)
    C["embedding.checkpoint"] = lambda: emb(idc, 2, ckpt_to_load_from="x")
    C["shared"] = lambda: il({"id": [[0], [2]], "jd": [[1], [1]]}, fc1.shared_embedding_columns([idc, ident("jd", 3)], 2, initializer=const(table)))
    C["shared.sizes"] = lambda: fc1.shared_embedding_columns([idc, ident("jd", 4)], 2)
    C["twice"] = lambda: [il({"id": [[0], [2]]}, [emb(idc, 2, initializer=const(table))]) for _ in range(2)]
    C["categorical"] = lambda: il({"id": [1]}, [idc])
    C["duplicates"] = lambda: il({"a": [1.0]}, [num("a"), num("a", 2)])
    C["empty"] = lambda: il({"a": [1.0]}, [])
    C["no.column"] = lambda: il({"a": [1.0]}, ["a"])
    C["linear"] = lambda: lm({"id": [[0], [2]], "a": [1.0, 2]}, [idc, num("a")], units=2)
    C["linear.unknown"] = lambda: lm({"id": [[0], [2]]}, [emb(idc, 2, initializer=const(table))], sparse_combiner="mean")

    def partitioned():
        with tf.compat.v1.variable_scope("foo", partitioner=tf.compat.v1.fixed_size_partitioner(2)):
            return il({"id": [[0], [2]]}, [emb(idc, 2, initializer=tf.compat.v1.ones_initializer())])

    C["partitioned"] = partitioned
    cache = lambda f: tf.__internal__.feature_column.FeatureTransformationCache(f)
    steps = lambda v, t: tf.SparseTensor([[0, 0], [0, 1], [2, 0]], np.array(v, t), [3, 2])
    C["sequence.numeric"] = lambda: fc.sequence_numeric_column("a").get_sequence_dense_tensor(cache({"a": steps([1, 2, 3], "f")}), None)
    C["sequence.numeric.two"] = lambda: fc.sequence_numeric_column("a", 2, -1.0).get_sequence_dense_tensor(cache({"a": steps([1, 2, 3], "f")}), None)
    C["sequence.indicator"] = lambda: ind(fc.sequence_categorical_column_with_identity("id", 3)).get_sequence_dense_tensor(cache({"id": sparse()}), None)
    C["sequence.dense"] = lambda: il({"id": sparse()}, [ind(fc.sequence_categorical_column_with_identity("id", 3))])
    C["sequence.none"] = lambda: ind(idc).get_sequence_dense_tensor(cache({"id": sparse()}), None)
    return C


def specs(tf):
    """Parsing specs, names and representations as text."""
    fc = tf.feature_column
    idc = fc.categorical_column_with_identity("id", 3)
    columns = [
        fc.numeric_column("a", 2, default_value=3.0), fc.weighted_categorical_column(idc, "w"), fc.crossed_column(["s", "t"], 5), fc.indicator_column(idc),
        fc.bucketized_column(fc.numeric_column("b"), [1, 2]), fc.categorical_column_with_vocabulary_list("v", ["x", "y"]), fc.categorical_column_with_hash_bucket("h", 4),
        fc.sequence_numeric_column("q"), fc.sequence_categorical_column_with_hash_bucket("r", 4),
    ]  # fmt: skip
    names = [c.name for c in columns] + [fc.embedding_column(idc, 2).name]
    return [*names, *map(repr, columns), str(sorted(fc.make_parse_example_spec(columns).items())), str([c.get_config() for c in columns[:3]])]
