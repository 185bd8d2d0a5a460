"""Programs over tf.io parsing that TensorFlow and penstock run alike; make_parsing.py keeps what TensorFlow gives."""

import numpy as np

NONE = np.zeros(0, "S1")


def feature(tf, value):
    """A Feature of bytes, of floats or of integers."""
    if value is None:
        return tf.train.Feature()
    kind = np.asarray(value).dtype.kind
    if kind in "SO":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    if kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def example(tf, **values):
    """A serialised Example."""
    return tf.train.Example(features=tf.train.Features(feature={k: feature(tf, v) for k, v in values.items()})).SerializeToString()


def sequence(tf, context, lists):
    """A serialised SequenceExample."""
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={k: feature(tf, v) for k, v in context.items()}),
        feature_lists=tf.train.FeatureLists(
            feature_list={k: tf.train.FeatureList(feature=[feature(tf, v) for v in rows]) for k, rows in lists.items()}
        ),
    ).SerializeToString()


def examples(tf):
    io, v1 = tf.io, tf.compat.v1
    F, V, Q, S, R = io.FixedLenFeature, io.VarLenFeature, io.FixedLenSequenceFeature, io.SparseFeature, io.RaggedFeature
    ex = lambda **v: example(tf, **v)
    cat = lambda *parts: b"".join(parts)
    A = [ex(a=[1.0, 2.0], l=[3], s=[b"x"], t=[b"p", b"qq"], n=[-1, 300, 2**40]), ex(a=[3.5, -4.0], l=[-7], s=[b"longer" * 40], t=NONE, n=[5])]
    B = [ex(a=[9.0], l=[1, 2]), ex(l=[4]), ex(), ex(a=[1.0, 2.0, 3.0, 4.0], l=[7, 8, 9, 10, 11])]
    unpacked = b"\x0a\x13\x0a\x11\x0a\x01a\x12\x0c\x12\x0a\x0d\x00\x00\x80\x3f\x0d\x00\x00\x00\x40"
    unpacked_ints = b"\x0a\x0e\x0a\x0c\x0a\x01l\x12\x07\x1a\x05\x08\x05\x08\xac\x02"
    C = {}
    p, one, pv1, one_v1 = io.parse_example, io.parse_single_example, v1.io.parse_example, v1.io.parse_single_example
    C["fixed"] = lambda: p(A, {"a": F([2], tf.float32), "l": F([], tf.int64), "s": F([], tf.string), "s1": F([1], tf.string, [b"d"])})
    C["fixed.matrix"] = lambda: p([A[0]], {"n": F([3, 1], tf.int64), "t": F([1, 2], tf.string)})
    C["fixed.default"] = lambda: p(B[1:3], {"a": F([2, 2], tf.float32, [[1.0, 2], [3, 4]]), "l": F([], tf.int64, -9), "s": F((), tf.string, "none")})
    C["fixed.default.scalar"] = lambda: p(B[1:3], {"a": F([2, 2], tf.float32, 5.0)})
    C["fixed.default.shape"] = lambda: p(B[1:3], {"a": F([2, 2], tf.float32, [5.0, 4.0])})
    C["fixed.default.flat"] = lambda: p(B[1:3], {"a": F([2, 2], tf.float32, [5.0, 4.0, 3, 2])})
    C["fixed.default.type"] = lambda: p(B[1:3], {"a": F([2], tf.float32, ["a", "b"])})
    C["fixed.missing"] = lambda: p(B, {"a": F([2], tf.float32)})
    C["fixed.missing.key"] = lambda: p(A, {"zz": F([2], tf.float32)})
    C["fixed.count"] = lambda: p(B, {"l": F([], tf.int64, 1)})
    C["fixed.type"] = lambda: p(A, {"a": F([2], tf.int64)})
    C["fixed.type2"] = lambda: p(A, {"s": F([], tf.float32)})
    C["fixed.type3"] = lambda: p(A, {"l": F([], tf.string, "")})
    C["fixed.dtype"] = lambda: p(A, {"a": F([2], tf.float64)})
    C["fixed.unset"] = lambda: p([ex(a=None)], {"a": F([1], tf.float32, [7.0])})
    C["fixed.empty"] = lambda: p([ex(a=[])], {"a": F([1], tf.float32, [7.0])})
    C["fixed.zero"] = lambda: p([ex(a=[])], {"a": F([0], tf.float32)})
    C["fixed.none.shape"] = lambda: p(A, {"a": F(None, tf.float32)})
    C["fixed.unknown.dim"] = lambda: p(A, {"a": F([None], tf.float32)})
    C["fixed.none.dtype"] = lambda: p(A, {"a": F([2], None)})
    C["var"] = lambda: p(A, {"a": V(tf.float32), "t": V(tf.string), "n": V(tf.int64), "zz": V(tf.int64)})
    C["var.b"] = lambda: p(B, {"a": V(tf.float32), "l": V(tf.int64)})
    C["var.type"] = lambda: p(B, {"a": V(tf.int64)})
    C["var.dtype"] = lambda: p(B, {"a": V(tf.float64)})
    C["var.none"] = lambda: p(B, {"a": V(None)})
    C["seq"] = lambda: p(B, {"a": Q([], tf.float32, True), "l": Q([], tf.int64, True, 8), "zz": Q([2], tf.string, True)})
    C["seq.rows"] = lambda: p([B[3], B[2]], {"a": Q([2], tf.float32, True, -1.0)})
    C["seq.rows.bad"] = lambda: p(B, {"a": Q([2], tf.float32, True)})
    C["seq.strings"] = lambda: p(A, {"t": Q([], tf.string, True, "fill")})
    C["seq.disallow"] = lambda: p(B, {"a": Q([], tf.float32)})
    C["seq.type"] = lambda: p(B, {"a": Q([], tf.int64, True)})
    C["ragged"] = lambda: p(A, {"a": R(tf.float32), "t": R(tf.string), "n": R(tf.int64, row_splits_dtype=tf.int64), "zz": R(tf.int64)})
    C["ragged.key"] = lambda: p(B, {"other": R(tf.float32, "a"), "l": R(tf.int64)})
    C["ragged.type"] = lambda: p(B, {"a": R(tf.string)})
    P = [ex(v=[1.0, 2, 3, 4, 5, 6], len=[1, 2], sp=[0, 1, 3], st=[0, 2], li=[2, 3], ids=[0, 0, 2]), ex(v=[7.0, 8], len=[1, 0], sp=[0, 1], st=[0], li=[1], ids=[0])]
    C["ragged.lengths"] = lambda: p([ex(v=[1.0, 2, 3], len=[1, 2]), ex(v=[7.0], len=[1, 0])], {"r": R(tf.float32, "v", [R.RowLengths("len")])})
    C["ragged.splits"] = lambda: p([ex(v=[1.0, 2, 3], sp=[0, 1, 3]), ex(v=[7.0], sp=[0, 1])], {"r": R(tf.float32, "v", [R.RowSplits("sp")])})
    C["ragged.starts"] = lambda: p([ex(v=[1.0, 2, 3], st=[0, 2]), ex(v=[7.0], st=[0])], {"r": R(tf.float32, "v", [R.RowStarts("st")])})
    C["ragged.limits"] = lambda: p([ex(v=[1.0, 2, 3], li=[2, 3]), ex(v=[7.0], li=[1])], {"r": R(tf.float32, "v", [R.RowLimits("li")])})
    C["ragged.ids"] = lambda: p([ex(v=[1.0, 2, 3], ids=[0, 0, 2]), ex(v=[7.0], ids=[0])], {"r": R(tf.float32, "v", [R.ValueRowIds("ids")])})
    C["ragged.uniform"] = lambda: p(P, {"r": R(tf.float32, "v", [R.UniformRowLength(2)])})
    C["ragged.lengths.uniform"] = lambda: p(P, {"r": R(tf.float32, "v", [R.RowLengths("len"), R.UniformRowLength(2)])})
    C["ragged.two"] = lambda: p([ex(v=[1.0, 2, 3], len=[1, 2], o=[2]), ex(v=[7.0], len=[1, 0], o=[1, 1])], {"r": R(tf.float32, "v", [R.RowLengths("o"), R.RowLengths("len")])})
    C["ragged.validate"] = lambda: p([ex(v=[1.0, 2, 3], len=[1, 1])], {"r": R(tf.float32, "v", [R.RowLengths("len")], validate=True)})
    C["ragged.int64"] = lambda: p(P, {"r": R(tf.float32, "v", [R.UniformRowLength(2)], row_splits_dtype=tf.int64)})
    C["ragged.one"] = lambda: one(P[0], {"r": R(tf.float32, "v", [R.RowLengths("len"), R.UniformRowLength(2)]), "v": R(tf.float32)})
    C["ragged.one.splits"] = lambda: one(ex(v=[1.0, 2, 3], sp=[0, 1, 3]), {"r": R(tf.float32, "v", [R.RowSplits("sp")])})
    C["ragged.one.ids"] = lambda: one(ex(v=[1.0, 2, 3], sp=[0, 1, 1]), {"r": R(tf.float32, "v", [R.ValueRowIds("sp")])})
    C["ragged.partition.type"] = lambda: p(P, {"r": R(tf.float32, "v", ["len"])})
    C["empty.other.kind"] = lambda: p([A[0], ex(t=[])], {"t": V(tf.string)})
    SP = [ex(ix=[0, 3], iy=[1, 0], v=[1.0, 2.0]), ex(ix=[4, 2, 2], iy=[5, 1, 0], v=[3.0, 4.0, 5.0])]
    C["sparse"] = lambda: p(SP, {"sp": S("ix", "v", tf.float32, 6)})
    C["sparse.list1"] = lambda: p(SP, {"sp": S(["ix"], "v", tf.float32, [6])})
    C["sparse.two"] = lambda: p(SP, {"sp": S(["ix", "iy"], "v", tf.float32, [5, 6])})
    C["sparse.sorted"] = lambda: p(SP, {"sp": S(["ix", "iy"], "v", tf.float32, [5, 6], already_sorted=True)})
    C["sparse.range"] = lambda: p(SP, {"sp": S("ix", "v", tf.float32, 3)})
    C["sparse.one"] = lambda: one(SP[1], {"sp": S(["ix", "iy"], "v", tf.float32, [5, 6]), "v": V(tf.float32)})
    C["sparse.sizes"] = lambda: p(SP, {"sp": S(["ix", "iy"], "v", tf.float32, [5])})
    C["sparse.conflict"] = lambda: p(SP, {"sp": S("ix", "v", tf.float32, 6), "v": V(tf.int64)})
    C["sparse.size.type"] = lambda: p(SP, {"sp": S("ix", "v", tf.float32, 6.5)})
    C["one"] = lambda: one(A[0], {"a": F([2], tf.float32), "l": F([], tf.int64), "t": V(tf.string), "n": Q([], tf.int64, True), "zz": V(tf.float32)})
    C["one.missing"] = lambda: one(A[0], {"zz": F([2], tf.float32)})
    C["one.vector"] = lambda: one(A, {"a": F([2], tf.float32)})
    C["one.count"] = lambda: one(A[0], {"n": F([2], tf.int64)})
    C["one.type"] = lambda: one(A[0], {"n": F([3], tf.float32)})
    C["one.garbage"] = lambda: one(b"garbage", {"n": F([3], tf.float32)})
    C["scalar"] = lambda: p(A[0], {"a": F([2], tf.float32), "t": V(tf.string), "r": R(tf.int64, "n")})
    C["matrix"] = lambda: p([A], {"a": F([2], tf.float32)})
    C["int.input"] = lambda: p([1, 2], {"a": F([2], tf.float32)})
    C["garbage"] = lambda: p([A[0], b"garbage"], {"n": F([3], tf.float32)})
    C["garbage.names"] = lambda: p([A[0], b"\x0a\x05abc"], {"l": F([1], tf.int64)}, ["one", "two"])
    C["names"] = lambda: p(B, {"a": F([2], tf.float32)}, ["one", "two", "three", "four"])
    C["names.count"] = lambda: p(B, {"a": F([2], tf.float32)}, ["one", "two"])
    C["empty.batch"] = lambda: p(np.zeros([0], object), {"a": F([2], tf.float32), "v": V(tf.int64), "r": R(tf.string), "q": Q([], tf.int64, True)})
    C["no.features"] = lambda: p(A, {})
    C["no.features.none"] = lambda: p(A, None)
    C["bad.feature"] = lambda: p(A, {"a": tf.float32})
    C["duplicate"] = lambda: p([cat(ex(l=[1]), ex(l=[2]))], {"l": F([], tf.int64), "m": F([], tf.int64, 4)})
    C["duplicate.var"] = lambda: p([cat(ex(l=[1]), ex(l=[2, 3]))], {"l": V(tf.int64)})
    C["unpacked"] = lambda: p([unpacked], {"a": F([2], tf.float32)})
    C["unpacked.ints"] = lambda: p([unpacked_ints], {"l": V(tf.int64)})
    C["two.kinds"] = lambda: p([cat(ex(l=[1]), ex(l=[2.0]))], {"l": F([], tf.float32)})
    C["wide"] = lambda: p([ex(a=list(np.arange(500.0))), ex(a=list(np.arange(500.0, 1000.0)))], {"a": F([10, 50], tf.float32)})
    C["wide.ints"] = lambda: p([ex(a=list(range(-50, 450))), ex(a=list(range(500, 1000)))], {"a": F([500], tf.int64)})
    C["v1"] = lambda: pv1(A, {"a": F([2], tf.float32), "t": V(tf.string)}, "nm", None)
    C["v1.one"] = lambda: one_v1(A[0], {"a": F([2], tf.float32), "t": V(tf.string)}, "nm", "ex")
    C["fields"] = lambda: [str(F([2], tf.float32)), str(V(tf.int64)), str(Q([], tf.int64)), str(S("i", "v", tf.float32, 5)), str(R(tf.int64)), str(R.RowLengths("x"))]
    raw = tf.raw_ops
    C["raw.v1"] = lambda: raw.ParseExample(serialized=A, names=[], sparse_keys=["t"], dense_keys=["a"], dense_defaults=[np.float32([])], sparse_types=[tf.string], dense_shapes=[[2]])
    C["raw.single"] = lambda: raw.ParseSingleExample(serialized=A[0], dense_defaults=[np.float32([])], num_sparse=1, sparse_keys=["t"], dense_keys=["a"], sparse_types=[tf.string], dense_shapes=[[2]])
    C["raw.single.var"] = lambda: raw.ParseSingleExample(serialized=A[0], dense_defaults=[np.int64([])], num_sparse=0, sparse_keys=[], dense_keys=["n"], sparse_types=[], dense_shapes=[[None]])
    C["raw.single.missing"] = lambda: raw.ParseSingleExample(serialized=A[0], dense_defaults=[np.int64([])], num_sparse=0, sparse_keys=[], dense_keys=["nn"], sparse_types=[], dense_shapes=[[1]])
    return C


def sequences(tf):
    io = tf.io
    F, V, Q, R = io.FixedLenFeature, io.VarLenFeature, io.FixedLenSequenceFeature, io.RaggedFeature
    sx = lambda c, l: sequence(tf, c, l)
    A = [
        sx({"c": [1], "w": [b"k"], "vv": [1, 2]}, {"x": [[1.0, 2.0], [3.0, 4.0]], "t": [[b"a"], [b"b", b"c"], NONE], "i": [[1], [2], [3]]}),
        sx({"c": [2], "w": [b"m"]}, {"x": [[5.0, 6.0]], "t": [[b"d"]], "i": []}),
    ]
    p, one = io.parse_sequence_example, io.parse_single_sequence_example
    C = {}
    ctx = {"c": F([], tf.int64), "w": F([1], tf.string), "vv": V(tf.int64), "d": F([2], tf.float32, [1.0, 2.0])}
    seq = {"x": Q([2], tf.float32), "t": V(tf.string), "i": Q([], tf.int64)}
    C["batch"] = lambda: p(A, ctx, seq)
    C["batch.names"] = lambda: p(A, ctx, seq, ["a", "b"])
    C["batch.ragged"] = lambda: p(A, {"vv": R(tf.int64), "c": F([], tf.int64)}, {"t": R(tf.string), "xx": R(tf.float32, "x", row_splits_dtype=tf.int64)})
    C["one"] = lambda: one(A[0], ctx, seq)
    C["one.b"] = lambda: one(A[1], ctx, seq)
    C["one.ragged"] = lambda: one(A[0], {"vv": R(tf.int64)}, {"t": R(tf.string), "i": R(tf.int64)})
    C["one.name"] = lambda: one(A[1], ctx, seq, "nm")
    C["only.context"] = lambda: one(A[0], ctx)
    C["only.lists"] = lambda: one(A[0], sequence_features=seq)
    C["none"] = lambda: one(A[0])
    C["missing.list"] = lambda: one(A[0], None, {"zz": Q([2], tf.float32)})
    C["missing.list.allowed"] = lambda: one(A[0], None, {"zz": Q([2], tf.float32, True)})
    C["missing.list.batch"] = lambda: p(A, None, {"zz": Q([2], tf.float32, True), "v": V(tf.int64), "r": R(tf.int64)})
    C["missing.list.batch.bad"] = lambda: p(A, None, {"zz": Q([2], tf.float32)})
    C["missing.context"] = lambda: one(A[0], {"zz": F([2], tf.float32)})
    C["missing.context.batch"] = lambda: p(A, {"zz": F([2], tf.float32)})
    C["type.list"] = lambda: one(A[0], None, {"x": Q([2], tf.int64)})
    C["type.list.var"] = lambda: one(A[0], None, {"x": V(tf.int64)})
    C["type.list.batch"] = lambda: p(A, None, {"x": Q([2], tf.int64)})
    C["type.context"] = lambda: one(A[0], {"c": F([], tf.float32)})
    C["count.list"] = lambda: one(A[0], None, {"x": Q([3], tf.float32)})
    C["count.list.batch"] = lambda: p(A, None, {"x": Q([3], tf.float32)})
    C["count.context"] = lambda: one(A[0], {"vv": F([], tf.int64)})
    C["fixed.in.list"] = lambda: one(A[0], None, {"x": F([2], tf.float32)})
    C["seq.in.context"] = lambda: one(A[0], {"c": Q([2], tf.float32)})
    C["garbage"] = lambda: one(b"garbage", ctx, seq)
    C["garbage.batch"] = lambda: p([A[0], b"garbage"], ctx, seq)
    C["vector"] = lambda: one(A, ctx, seq)
    C["empty.steps"] = lambda: p([sx({}, {"x": [None, [1.0, 2.0]]})], None, {"x": Q([2], tf.float32)})
    C["empty.steps.var"] = lambda: p([sx({}, {"x": [None, [1.0, 2.0]]}), sx({}, {})], None, {"x": V(tf.float32)})
    C["empty.steps.ragged"] = lambda: p([sx({}, {"x": [None, [1.0, 2.0]]}), sx({}, {})], None, {"x": R(tf.float32)})
    C["default"] = lambda: p([A[0], A[1]], None, {"x": Q([2], tf.float32, default_value=9.0)})
    C["example.as.sequence"] = lambda: one(example(tf, c=[4]), {"c": F([], tf.int64)})
    C["empty.batch"] = lambda: p(np.zeros([0], object), ctx, seq)
    raw = tf.raw_ops
    C["raw.batch"] = lambda: raw.ParseSequenceExample(
        serialized=A, debug_name=[], context_dense_defaults=[np.int64([])], feature_list_dense_missing_assumed_empty=["i"], context_sparse_keys=["vv"], context_dense_keys=["c"],
        feature_list_sparse_keys=["t"], feature_list_dense_keys=["i"], Ncontext_sparse=1, Ncontext_dense=1, Nfeature_list_sparse=1, Nfeature_list_dense=1,
        context_sparse_types=[tf.int64], context_dense_shapes=[[]], feature_list_sparse_types=[tf.string], feature_list_dense_types=[tf.int64], feature_list_dense_shapes=[[]])  # fmt: skip
    C["raw.single"] = lambda: raw.ParseSingleSequenceExample(
        serialized=A[0], debug_name="", context_dense_defaults=[np.int64([])], feature_list_dense_missing_assumed_empty=[], context_sparse_keys=["vv"], context_dense_keys=["c"],
        feature_list_sparse_keys=["t"], feature_list_dense_keys=["i"], context_sparse_types=[tf.int64], context_dense_shapes=[[]], feature_list_sparse_types=[tf.string],
        feature_list_dense_types=[tf.int64], feature_list_dense_shapes=[[]])  # fmt: skip
    return C


def others(tf):
    io = tf.io
    C = {}
    C["json"] = lambda: tf.train.Example.FromString(io.decode_json_example('{"features": {"feature": {"a": {"floatList": {"value": [1, 2.5]}}}}}').numpy()).features.feature["a"].float_list.value[1]
    C["json.snake"] = lambda: io.decode_json_example(['{"features": {"feature": {"b": {"bytes_list": {"value": ["eA=="]}}}}}'])
    numbers = '{"features": {"feature": {"i": {"int64List": {"value": ["12", 3]}}}}}'
    C["json.int"] = lambda: io.parse_example(io.decode_json_example([numbers]), {"i": io.VarLenFeature(tf.int64)})
    C["json.empty"] = lambda: io.decode_json_example("{}")
    C["json.bad"] = lambda: io.decode_json_example("{")
    F = tf.train.FloatList(value=[1, 2.5]).SerializeToString()
    F2 = tf.train.FloatList(value=[7]).SerializeToString()
    dp, ep = io.decode_proto, io.encode_proto
    C["proto.float"] = lambda: dp([F, F2, b""], "tensorflow.FloatList", ["value"], [tf.float32])
    C["proto.nested"] = lambda: dp([tf.train.Feature(float_list=tf.train.FloatList(value=[1, 2.5])).SerializeToString()], "tensorflow.Feature", ["float_list", "bytes_list"], [tf.string, tf.string])
    C["proto.scalars"] = lambda: dp([tf.compat.v1.AttrValue(type=3).SerializeToString()], "tensorflow.AttrValue", ["type", "i", "f", "b", "s"], [tf.int32, tf.int64, tf.float32, tf.bool, tf.string])
    C["proto.matrix"] = lambda: dp([[F], [F2]], "tensorflow.FloatList", ["value"], [tf.float64])
    C["proto.text"] = lambda: dp([b"value: 3 value: 4"], "tensorflow.FloatList", ["value"], [tf.float32], message_format="text")
    C["proto.type"] = lambda: dp([F], "tensorflow.FloatList", ["value"], [tf.int64])
    C["proto.field"] = lambda: dp([F], "tensorflow.FloatList", ["valu"], [tf.float32])
    C["proto.message"] = lambda: dp([F], "tensorflow.Nope", ["value"], [tf.float32])
    C["proto.garbage"] = lambda: dp([b"garbage"], "tensorflow.FloatList", ["value"], [tf.float32])
    C["proto.encode"] = lambda: ep([[2], [1]], [np.float32([[1, 2.5], [7, 0]])], ["value"], "tensorflow.FloatList")
    C["proto.encode.two"] = lambda: ep([[1, 1]], [np.int32([[3]]), np.int32([[4]])], ["producer", "min_consumer"], "tensorflow.VersionDef")
    C["proto.encode.size"] = lambda: ep([[3]], [np.float32([[1, 2.5]])], ["value"], "tensorflow.FloatList")
    C["json.unknown"] = lambda: io.decode_json_example('{"nothing": 3}')
    return C


def graphs(tf):
    """Names, types, inputs and static shapes of the nodes that parsing leaves in a graph."""
    io, v1 = tf.io, tf.compat.v1
    f = {
        "a": io.FixedLenFeature([2], tf.float32, default_value=[1.0, 2.0]), "l": io.FixedLenFeature([], tf.int64), "s": io.VarLenFeature(tf.string),
        "q": io.FixedLenSequenceFeature([], tf.int64, allow_missing=True), "r": io.RaggedFeature(tf.float32),
    }  # fmt: skip

    def nodes(build, shape):
        with tf.Graph().as_default() as g:
            out = build(v1.placeholder(tf.string, shape, name="ser"))
            flat = tf.nest.flatten(out, expand_composites=True)
            return [f"{o.name} {o.type} {[i.name for i in o.inputs]}" for o in g.get_operations()] + [f"{t.name} {t.shape} {t.dtype.name}" for t in flat]

    context, lists = {k: f[k] for k in "asr"}, {"x": io.FixedLenSequenceFeature([2], tf.float32), "t": io.VarLenFeature(tf.string), "rr": io.RaggedFeature(tf.int64)}
    return {
        "batch": lambda: nodes(lambda s: io.parse_example(s, f), [None]),
        "batch.known": lambda: nodes(lambda s: io.parse_example(s, f), [5]),
        "batch.unknown": lambda: nodes(lambda s: io.parse_example(s, f), None),
        "one": lambda: nodes(lambda s: io.parse_single_example(s, f), []),
        "sequences": lambda: nodes(lambda s: io.parse_sequence_example(s, context, lists), [None]),
        "sequences.known": lambda: nodes(lambda s: io.parse_sequence_example(s, context, lists), [3]),
        "sequence": lambda: nodes(lambda s: io.parse_single_sequence_example(s, context, lists), []),
        "v1": lambda: nodes(lambda s: v1.parse_example(s, f, "parse"), [None]),
        "v1.one": lambda: nodes(lambda s: v1.parse_single_example(s, f, "parse"), []),
    }  # fmt: skip


GROUPS = {"examples": examples, "sequences": sequences, "others": others, "graphs": graphs}
