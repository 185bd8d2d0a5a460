"""Tables, image warps, vocabularies, hyperparameters, run by real TensorFlow 1.15 (make_contrib.py) and by the tests."""

import tempfile

import numpy as np


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.3) + how.get("at", 0.2)) * 0.5).reshape(shape)


def tables(tf):
    L = tf.contrib.lookup
    path = tempfile.mktemp()
    with open(path, "w") as f:
        f.write("emerson\nlake\npalmer\n")
    words = tf.constant(["lake", "palmer", "and", "emerson", "x"])
    fetches = {
        "tensor": L.index_table_from_tensor(["emerson", "lake"], default_value=7).lookup(words),
        "buckets": L.index_table_from_tensor(["emerson", "lake"], num_oov_buckets=3).lookup(words),
        "file": L.index_table_from_file(path, num_oov_buckets=2).lookup(words),
        "strong": L.index_table_from_file(path, num_oov_buckets=2, hasher_spec=L.StrongHashSpec([3, 5])).lookup(words),
        "back": L.index_to_string_table_from_file(path, default_value="?").lookup(tf.constant([2, 0, 5], tf.int64)),
        "back_tensor": L.index_to_string_table_from_tensor(["a", "b"]).lookup(tf.constant([1, 0, 5], tf.int64)),
        "plain": L.HashTable(L.KeyValueTensorInitializer(["a", "b"], [1.5, 2.5]), -1.0).lookup(tf.constant(["b", "c"])),
        "size": L.index_table_from_tensor(["emerson", "lake"], num_oov_buckets=3).size(),
        "sparse": L.index_table_from_tensor(["emerson", "lake"]).lookup(tf.SparseTensor([[0, 1], [1, 0]], ["lake", "no"], [2, 2])).values,
    }
    with tf.Session() as sess:
        sess.run(tf.tables_initializer())
        return sess.run(fetches)


def mutable(tf):
    t = tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1)
    with tf.Session() as sess:
        sess.run(t.insert(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)))
        return {"found": sess.run(t.lookup(tf.constant(["b", "z"]))), "size": sess.run(t.size())}


def images(tf):
    image = tf.contrib.image
    x = tf.constant(numbers(2, 5, 6, 3))
    small = tf.constant(numbers(4, 5))
    transforms = image.compose_transforms(image.angles_to_projective_transforms(0.3, 5, 6), [1.0, 0.1, 0.5, 0.0, 1.1, -0.5, 0.001, 0.0])
    flow = tf.constant(numbers(2, 5, 6, 2, at=1.0) * 3)
    points = np.float32([[[0, 0], [0, 5], [4, 0], [4, 5], [2, 2]]] * 2)
    warped, found = image.sparse_image_warp(x, points, points + np.float32([0.5, -0.3]) * np.float32([[[0], [0], [0], [0], [1]]]), num_boundary_points=0)
    with tf.Session() as sess:
        return sess.run({
            "rotate": image.rotate(x, [0.3, -1.0]), "rotate_bilinear": image.rotate(small, 0.5, interpolation="BILINEAR"), "translate": image.translate(x, [1.0, -2.0]),
            "transform": image.transform(x, transforms, "BILINEAR", output_shape=[4, 4]), "composed": transforms,
            "warp": image.dense_image_warp(x, flow), "sparse": warped, "flow": found,
            "spline": image.interpolate_spline(points[:1], tf.constant(numbers(1, 5, 2)), tf.constant(numbers(1, 3, 2) * 3), 1),
            "components": image.connected_components(tf.constant(np.array([[1, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 0], [2, 1, 0, 1]]) > 0)),
            "components_values": image.connected_components(tf.constant([[1, 1, 2, 2], [0, 1, 2, 0], [3, 3, 0, 2]])),
        })


def vocabulary(tf):
    P = tf.contrib.learn.preprocessing
    texts = ["The quick brown fox, don't you see", "the the quick HTTPServer", "fox FOX fox jumps"]
    p = P.VocabularyProcessor(6)
    found = {"rows": np.array(list(p.fit_transform(texts))), "count": np.array(len(p.vocabulary_))}
    found["new"] = np.array(list(p.transform(["quick zebra fox"])))
    found["words"] = np.array(list(p.reverse(found["new"])))
    q = P.VocabularyProcessor(4, min_frequency=1)
    found["trimmed"] = np.array(list(q.fit_transform(texts)))
    found["bytes"] = np.array(list(P.ByteProcessor(5).transform(["abc", "abcdefg"])))
    return found


def hparams(tf):
    H = tf.contrib.training.HParams(rate=0.1, units=[1, 2], name="x", flag=True, n=3)
    H.parse("rate=0.5,units=[4,5,6],name=hello,flag=false")
    H.set_hparam("n", 7)
    H.add_hparam("more", 2.5)
    errors = []
    for f in (lambda: H.parse("nope=1"), lambda: H.set_hparam("n", "a"), lambda: H.set_hparam("units", 3), lambda: H.parse("n=1.5"), lambda: H.add_hparam("n", 1),
              lambda: H.override_from_dict({"zzz": 1}), lambda: H.parse("rate=[1,2]"), lambda: H.parse("rate"), lambda: H.parse("units[1]=9")):
        try:
            f()
            errors.append("none")
        except Exception as e:
            errors.append(type(e).__name__)
    return {"values": np.array([str(sorted(H.values().items())), H.to_json(sort_keys=True), str("n" in H), str(H.get("q", 4)), str(H), *errors])}


def training_parts(tf):
    T = tf.contrib.training
    v = tf.get_variable("v", initializer=tf.constant([3.0, 4.0]))
    op = T.create_train_op(tf.reduce_sum(v * v), tf.train.GradientDescentOptimizer(0.1), transform_grads_fn=T.clip_gradient_norms_fn(1.0))
    loss = T.train(op, None, hooks=[tf.train.StopAtStepHook(num_steps=3)], save_checkpoint_secs=None, save_summaries_steps=None)
    return {"names": np.array([x.op.name for x in tf.global_variables()] + ["%.1f" % (loss > 0)])}


def contrib_data(tf):
    D = tf.contrib.data
    d = tf.data.Dataset.range(7).apply(D.map_and_batch(lambda x: x * 2, 3, drop_remainder=True))
    e = tf.data.Dataset.range(7).apply(D.batch_and_drop_remainder(2)).apply(D.unbatch())
    f = tf.data.Dataset.range(4).apply(D.shuffle_and_repeat(1, 2))
    found = {}
    with tf.Session() as sess:
        for name, ds in (("a", d), ("b", e), ("c", f)):
            n = ds.make_one_shot_iterator().get_next()
            values = []
            try:
                while True:
                    values.append(sess.run(n))
            except tf.errors.OutOfRangeError:
                pass
            found[name] = np.array(values)
    return found


def bucketed(tf):
    lengths = tf.train.input_producer(tf.constant([1, 5, 2, 6, 3, 7, 2, 8, 1, 5], tf.int32), num_epochs=1, shuffle=False).dequeue()
    length, (batch,) = tf.contrib.training.bucket_by_sequence_length(lengths, [tf.range(lengths)], 2, [4], dynamic_pad=True, allow_smaller_final_batch=True)
    found = []
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coordinator)
        try:
            while True:
                a, b = sess.run([length, batch])
                found.append("%s %s" % (a.tolist(), b.shape))
        except tf.errors.OutOfRangeError:
            coordinator.request_stop()
        coordinator.join(threads)
    return {"batches": np.array(sorted(found))}


PROGRAMS = {"bucketed": bucketed, "tables": tables, "mutable": mutable, "images": images, "vocabulary": vocabulary, "hparams": hparams, "training_parts": training_parts, "data": contrib_data}
LOOSE = {"images": 2e-3}


def run(tf, name):
    with tf.Graph().as_default():
        found = PROGRAMS[name](tf)
        found.setdefault("names", np.array([""]))
        return {k: np.asarray(v).astype(str) if np.asarray(v).dtype.kind == "O" else v for k, v in found.items()}
