"""Families of ops in TensorFlow's API: a case is one `tf.function` (or eager calls where strings are) over ops of a family."""

import numpy as np

RNG = np.random.RandomState(0)


def floats(*shape):
    return RNG.randn(*shape).astype("float32")


def _compiled(tf, body, *values):
    step = tf.function(body)
    given = [tf.constant(v) for v in values]
    return lambda: [out.numpy() for out in tf.nest.flatten(step(*given))]  # whoever computes later, computes now


def ops_reductions(tf):
    def body(x):
        return (tf.reduce_sum(x, 0), tf.reduce_mean(x, 1), tf.reduce_max(x), tf.reduce_logsumexp(x, 1), tf.math.reduce_std(x, 0), tf.argmax(x, 1))

    return _compiled(tf, body, floats(1024, 1024))


def ops_gather_scatter(tf):
    rows, places = RNG.randint(0, 20000, 20000), RNG.randint(0, 64, [20000, 1])

    def body(x, i, p):
        picked = tf.gather(x, i)
        back = tf.tensor_scatter_nd_add(tf.zeros_like(x), i[:, None], picked)
        return tf.gather(picked, p, batch_dims=1), back, tf.scatter_nd(i[:, None], picked, [20000, 64])

    return _compiled(tf, body, floats(20000, 64), rows, places)


def ops_sort(tf):
    return _compiled(tf, lambda x: (tf.sort(x, -1), tf.argsort(x[:16]), tf.nn.top_k(x, 32)), floats(64, 10000))


def ops_sparse_dense(tf):
    indices = np.unique(RNG.randint(0, 2000, [40000, 2]), axis=0)
    values = floats(len(indices))

    def body(i, v, d):
        s = tf.SparseTensor(i, v, [2000, 2000])
        return tf.sparse.sparse_dense_matmul(s, d), tf.sparse.reduce_sum(s, 1)

    return _compiled(tf, body, indices.astype("int64"), values, floats(2000, 64))


def ops_segments(tf):
    ids = np.sort(RNG.randint(0, 500, 50000)).astype("int32")

    def body(x, i):
        u = tf.math.unsorted_segment_sum(x, i, 500), tf.math.unsorted_segment_max(x, i, 500)
        return (tf.math.segment_sum(x, i), tf.math.segment_mean(x, i), *u)

    return _compiled(tf, body, floats(50000, 32), ids)


def ops_cumulative(tf):
    return _compiled(tf, lambda x: (tf.cumsum(x, 1), tf.cumsum(x, 0), tf.math.cumprod(x * 1e-3 + 1, 1)), floats(512, 2048))


def ops_resizes(tf):
    def body(x):
        sizes = (("bilinear", [150, 150]), ("nearest", [448, 448]), ("bicubic", [300, 300]), ("area", [112, 112]))
        return [tf.image.resize(x, size, method=m) for m, size in sizes]

    return _compiled(tf, body, RNG.rand(4, 224, 224, 3).astype("float32"))


def ops_fft(tf):
    def body(x):
        return tf.signal.rfft(x), tf.signal.irfft(tf.signal.rfft(x)), tf.abs(tf.signal.stft(x, 1024, 256)), tf.signal.dct(x)

    return _compiled(tf, body, floats(16, 16384))


def ops_decode(tf):
    raw = RNG.randint(0, 255, [240, 320, 3], "uint8")
    png, jpeg = tf.io.encode_png(raw), tf.io.encode_jpeg(raw)
    numbers = tf.constant([str(v) for v in RNG.randn(2000)])
    raws = tf.constant([floats(1000).tobytes() for _ in range(50)])
    return lambda: (tf.io.decode_png(png), tf.io.decode_jpeg(jpeg), tf.strings.to_number(numbers), tf.io.decode_raw(raws, tf.float32))


def ops_unicode_parse(tf):
    words = ["naïve café", "Grüße aus Köln", "日本語のテキスト", "plain ascii words here"] * 250
    text = tf.constant(words)
    feature = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0, 2.0, 3.0])), "i": tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))}
    record = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    records = tf.constant([record] * 1000)
    spec = {"x": tf.io.FixedLenFeature([3], tf.float32), "i": tf.io.VarLenFeature(tf.int64)}
    lines = tf.constant(["1.5,2,abc"] * 1000)

    def run():
        return (tf.strings.unicode_decode(text, "UTF-8"), tf.strings.split(text), tf.strings.regex_replace(text, "[aeiou]", "_"), tf.strings.lower(text),
                tf.strings.to_hash_bucket_fast(text, 1000), tf.io.parse_example(records, spec), tf.io.decode_csv(lines, [0.0, 0, ""]))  # fmt: skip

    return run


def ops_nms(tf):
    corners = RNG.rand(2000, 2).astype("float32")
    boxes, scores = np.concatenate([corners, corners + 0.1 * RNG.rand(2000, 2).astype("float32")], 1), RNG.rand(2000).astype("float32")

    def body(b, s):
        many = tf.image.combined_non_max_suppression(b[None, :500, None], s[None, :500, None], 50, 50)
        return tf.image.non_max_suppression(b, s, 100), many

    return _compiled(tf, body, boxes, scores)


def ops_embedding(tf):
    table, ids = tf.Variable(floats(50000, 64)), tf.constant(RNG.randint(0, 50000, [256, 20]))

    @tf.function
    def step(i):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.reduce_mean(tf.nn.embedding_lookup(table, i), 1) ** 2)
        slope = tape.gradient(loss, table)
        table.scatter_sub(tf.IndexedSlices(0.01 * slope.values, slope.indices))
        return loss

    return lambda: step(ids).numpy()
