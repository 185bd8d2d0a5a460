"""The modules whose SavedModels stand in `saved_models/`: written by real TensorFlow, and again by penstock in the tests."""

import numpy as np


def modules(tf, folder):
    """Classes of modules that use what SavedModels can hold."""

    class Dense(tf.Module):
        def __init__(self, n):
            super().__init__(name="dense")
            self.w = tf.Variable(tf.reshape(tf.range(3.0 * n), [3, n]) / 10.0, name="w")
            self.b = tf.Variable(tf.zeros([n]), name="b", trainable=False)

        @tf.function
        def __call__(self, x, training=False, *, scale=1.0):
            y = tf.matmul(x, self.w) + self.b
            if training:
                y = y * 2
            return {"y": y * scale, "pair": (y, [tf.reduce_sum(y)])}

    class Model(tf.Module):
        def __init__(self, vocabulary):
            super().__init__()
            self.layers = [Dense(2), Dense(4)]
            self.named = {"a": Dense(1)}
            self.asset = tf.saved_model.Asset(vocabulary)
            index = tf.lookup.TextFileIndex
            rows = tf.lookup.TextFileInitializer(self.asset, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)
            self.table = tf.lookup.StaticHashTable(rows, -1)
            self.counts = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -5)
            self.count = tf.Variable(0, dtype=tf.int64)
            self.big = tf.constant([[1.0, 2.0]] * 200)

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def serve(self, x):
            self.count.assign_add(1)
            for _ in tf.range(3):
                x = x + 1.0
            if tf.reduce_sum(x) > 10.0:
                x = x - 1.0
            return {"out": self.layers[0](x)["y"], "s": tf.reduce_sum(self.big)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def look(self, k):
            return self.table.lookup(k)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int64)])
        def add(self, k, v):
            self.counts.insert(k, v)
            return self.counts.lookup(tf.constant(["q", "r"])), self.counts.size()

    @tf.custom_gradient
    def square(x):
        s = tf.sin(x)

        def grad(dy):
            return dy * 100.0 * s

        return x * x, grad

    class OwnGradient(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def __call__(self, x):
            return square(x * self.v) + x

    return Model, OwnGradient


def save_model(tf, path, vocabulary):
    """Write a `Model` with several traces and two signatures."""
    Model, _ = modules(tf, path)
    model = Model(vocabulary)
    model.layers[1](tf.ones([2, 3]))
    model.layers[1](tf.ones([2, 3]), training=True)
    model.layers[0](tf.ones([1, 3]), scale=3.0)
    model.named["a"](tf.ones([2, 3]))
    model.add(tf.constant(["q"]), tf.constant([5], tf.int64))
    tf.saved_model.save(model, path, signatures={"serving_default": model.serve, "look": model.look})


def use_model(tf, path):
    """What a loaded `Model` gives."""
    model = tf.saved_model.load(path)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    serve, found = model.signatures["serving_default"](x=tf.constant(x)), {}
    found["out"], found["s"] = serve["out"].numpy().tolist(), float(serve["s"])
    found["look"] = model.signatures["look"](k=tf.constant(["b", "z"]))["output_0"].numpy().tolist()
    found["serve"] = model.serve(tf.constant(x[:1]))["out"].numpy().tolist()
    found["plain"] = model.layers[1](tf.ones([2, 3]))["y"].numpy().tolist()
    found["training"] = model.layers[1](tf.ones([2, 3]), training=True)["pair"][0].numpy().tolist()
    found["scaled"] = model.layers[0](tf.ones([1, 3]), scale=3.0)["pair"][1][0].numpy().tolist()
    found["named"] = model.named["a"](tf.ones([2, 3]))["y"].numpy().tolist()
    found["count"] = int(model.count)
    values, size = model.add(tf.constant(["r"]), tf.constant([7], tf.int64))
    found["add"] = [values.numpy().tolist(), int(size)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.layers[1](tf.ones([2, 3]))["y"] ** 2)
    found["grad"] = tape.gradient(loss, model.layers[1].w).numpy().tolist()
    found["in_function"] = tf.function(lambda v: model.serve(v)["out"] + 1.0)(tf.constant(x)).numpy().tolist()
    found["names"] = [sorted(model.signatures), len(model.layers), sorted(model.named), [v.name for v in (model.layers[0].w, model.count)]]
    found["trainable"] = [model.layers[0].w.trainable, model.layers[0].b.trainable]
    return found


def use_gradient(tf, path):
    """The value and gradient of a loaded function that brings its own gradient."""
    model = tf.saved_model.load(path)
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x)
    return [float(y), float(tape.gradient(y, x))]
