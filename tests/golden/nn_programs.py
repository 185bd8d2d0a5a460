"""Programs over tf.nn and tf.image that TensorFlow and penstock run alike; make_nn.py keeps what TensorFlow gives."""

import numpy as np


def layers(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    X = f(2, 7, 6, 4)
    W = f(3, 2, 4, 6)
    W2 = f(3, 2, 2, 6)
    V = f(2, 5, 6, 4, 4)
    f(3, 2, 2, 4, 6)
    S = f(2, 9, 4)
    WS = f(3, 4, 5)
    WD = f(3, 2, 4, 2)
    L = f(5, 7) * 3
    P = np.abs(f(5, 7))
    P /= P.sum(1, keepdims=True)
    CASES = {}
    C = CASES
    nn = tf.nn
    n1 = v1.nn
    for name in "relu relu6 elu selu softplus softsign leaky_relu gelu silu swish softmax log_softmax l2_loss zero_fraction crelu".split():
        for dt in ("float32", "float64", "float16", "bfloat16"):
            C[f"{name}.{dt}"] = lambda name=name, dt=dt: getattr(nn, name)(tf.cast(tf.constant(L), dt))
    C["gelu.approx"] = lambda: nn.gelu(L, approximate=True)
    C["leaky.alpha"] = lambda: nn.leaky_relu(L, 0.4)
    C["leaky.int"] = lambda: nn.leaky_relu(np.arange(-3, 3))
    C["silu.beta"] = lambda: nn.silu(L, 2.0)
    C["relu.int"] = lambda: nn.relu(np.arange(-3, 3))
    C["relu6.int"] = lambda: nn.relu6(np.arange(-3, 9))
    C["softmax.ax0"] = lambda: nn.softmax(X, axis=0)
    C["softmax.ax1"] = lambda: nn.softmax(X, axis=1)
    C["softmax.ax-2"] = lambda: nn.log_softmax(X, axis=-2)
    C["softmax.v1dim"] = lambda: n1.softmax(X, dim=1)
    C["softmax.bad"] = lambda: nn.softmax(X, axis=9)
    C["softmax.scalar"] = lambda: nn.softmax(1.0)
    C["softmax.inf"] = lambda: nn.softmax(np.float32([[np.inf, 1], [-np.inf, -np.inf], [np.nan, 1]]))
    C["crelu.v1"] = lambda: n1.crelu(X, axis=1)
    C["bias"] = lambda: nn.bias_add(X, [1.0, 2, 3, 4])
    C["bias.nchw"] = lambda: nn.bias_add(X, f(7), data_format="NCHW")
    C["bias.NC.."] = lambda: nn.bias_add(X, np.ones(7, "f"), data_format="NC")
    C["bias.bad"] = lambda: nn.bias_add(X, [1.0, 2.0])
    C["bias.bad2"] = lambda: nn.bias_add(X, [[1.0, 2.0]])
    C["bias.bad3"] = lambda: nn.bias_add([1.0, 2.0], [1.0, 2.0])
    C["bias.bad4"] = lambda: nn.bias_add(X, [1.0, 2.0, 3, 4], data_format="foo")
    C["bias.dtype"] = lambda: nn.bias_add(X, np.ones(4, "d"))
    C["xw"] = lambda: n1.xw_plus_b(L, f(7, 3), np.ones(3, "f")).shape
    C["relu_layer"] = lambda: n1.relu_layer(L, np.ones((7, 3), "f"), np.ones(3, "f"))
    for pad in ("SAME", "VALID"):
        for s in (1, 2, [2, 1], [1, 2, 2, 1]):
            C[f"conv2d.{pad}.{s}"] = lambda pad=pad, s=s: nn.conv2d(X, W, s, pad)
            C[f"dw.{pad}.{s}"] = lambda pad=pad, s=s: nn.depthwise_conv2d(X, WD, [1, 2, 2, 1], pad)
            C[f"mp.{pad}.{s}"] = lambda pad=pad, s=s: nn.max_pool2d(X, 3, s, pad)
            C[f"ap.{pad}.{s}"] = lambda pad=pad, s=s: nn.avg_pool2d(X, [3, 2], s, pad)
            C[f"mpa.{pad}.{s}"] = lambda pad=pad, s=s: nn.max_pool_with_argmax(X, 3, s, pad)
        C[f"conv2d.dil.{pad}"] = lambda pad=pad: nn.conv2d(X, W, 1, pad, dilations=2)
        C[f"atrous.{pad}"] = lambda pad=pad: nn.atrous_conv2d(X, W, 2, pad)
        C[f"conv1d.{pad}"] = lambda pad=pad: nn.conv1d(S, WS, 2, pad)
        C[f"conv1d.dil{pad}"] = lambda pad=pad: nn.conv1d(S, WS, 1, pad, dilations=2)
        C[f"conv3d.{pad}"] = lambda pad=pad: nn.conv3d(V, np.ones((3, 2, 2, 4, 6), "f"), [1, 2, 1, 2, 1], pad)
        C[f"mp3.{pad}"] = lambda pad=pad: nn.max_pool3d(V, 2, [1, 2, 2], pad) if False else nn.max_pool3d(V, 2, 2, pad)
        C[f"ap3.{pad}"] = lambda pad=pad: nn.avg_pool3d(V, [3, 2, 2], 2, pad)
        C[f"mp1.{pad}"] = lambda pad=pad: nn.max_pool1d(S, 2, 2, pad)
        C[f"ap1.{pad}"] = lambda pad=pad: nn.avg_pool1d(S, 3, 2, pad)
        C[f"mpN.{pad}"] = lambda pad=pad: [
            nn.max_pool(S, 2, 2, pad),
            nn.max_pool(X, 2, 2, pad),
            nn.max_pool(V, 2, 2, pad),
            nn.avg_pool(S, 2, 2, pad),
            nn.avg_pool(X, 2, 2, pad),
            nn.avg_pool(V, 2, 2, pad),
        ]
        C[f"sep.{pad}"] = lambda pad=pad: nn.separable_conv2d(X, WD, np.ones((1, 1, 8, 3), "f"), [1, 1, 1, 1], pad)
        C[f"convolution.{pad}"] = lambda pad=pad: [
            nn.convolution(S, WS, padding=pad, strides=2),
            nn.convolution(X, W, padding=pad, dilations=[2, 1]),
            nn.convolution(V, np.ones((3, 2, 2, 4, 6), "f"), padding=pad),
        ]
        C[f"convolution.v1.{pad}"] = lambda pad=pad: [
            n1.convolution(S, WS, pad, [2]),
            n1.convolution(X, W, pad, dilation_rate=[2, 1]),
        ]
        C[f"ctr.{pad}"] = lambda pad=pad: nn.conv2d_transpose(
            np.ones((2, 3, 3, 4), "f"),
            np.ones((3, 3, 5, 4), "f"),
            [2, 6, 6, 5] if pad == "SAME" else [2, 7, 7, 5],
            2,
            pad,
        )
        C[f"ctr1.{pad}"] = lambda pad=pad: nn.conv1d_transpose(
            np.ones((2, 3, 4), "f"), np.ones((3, 5, 4), "f"), [2, 6, 5] if pad == "SAME" else [2, 7, 5], 2, pad
        )
        C[f"ctr3.{pad}"] = lambda pad=pad: nn.conv3d_transpose(
            np.ones((1, 3, 3, 2, 4), "f"),
            np.ones((3, 3, 2, 5, 4), "f"),
            [1, 6, 6, 4, 5] if pad == "SAME" else [1, 7, 7, 4, 5],
            2,
            pad,
        )
        C[f"pool.{pad}"] = lambda pad=pad: [nn.pool(X, [2, 2], "MAX", padding=pad), nn.pool(S, [2], "AVG", [2], pad)]
    C["pool.dil"] = lambda: nn.pool(X, [2, 2], "MAX", dilations=[2, 2], padding="SAME")
    C["pool.dil.avg"] = lambda: nn.pool(X, [2, 2], "AVG", dilations=[2, 1], padding="VALID")
    C["conv2d.exp"] = lambda: nn.conv2d(X, W, 1, [[0, 0], [1, 2], [0, 1], [0, 0]])
    C["conv2d.5d"] = lambda: nn.conv2d(np.ones((2, 3, 7, 6, 4), "f"), W, 1, "SAME")
    C["conv1d.4d"] = lambda: nn.conv1d(np.ones((2, 3, 7, 4), "f"), WS, 1, "SAME")
    C["conv2d.v1"] = lambda: n1.conv2d(X, W, [1, 1, 1, 1], "SAME")
    C["conv2d.v1f"] = lambda: n1.conv2d(X, filters=W, strides=2, padding="SAME", use_cudnn_on_gpu=False)
    C["conv1d.v1"] = lambda: n1.conv1d(S, WS, 1, "SAME")
    C["conv2d.grp"] = lambda: nn.conv2d(X, W2, 1, "SAME")
    C["conv2d.e1"] = lambda: nn.conv2d(X, np.ones((3, 3, 3, 6), "f"), 1, "SAME")
    C["conv2d.e2"] = lambda: nn.conv2d(X, W, [2, 1, 1, 1], "SAME")
    C["conv2d.e3"] = lambda: nn.conv2d(X, np.ones((9, 9, 4, 6), "f"), 1, "VALID")
    C["conv2d.e4"] = lambda: nn.conv2d(X, W, 1, "FOO")
    C["conv2d.e5"] = lambda: nn.conv2d(X, W, 1, [[0, 0], [1, 1], [1, 1], [1, 0]])
    C["conv2d.e6"] = lambda: nn.conv2d(X, W, 1, [[0, 0], [1, 1], [1, 1]])
    C["conv2d.e7"] = lambda: nn.conv2d(X, W, [1, 1, 1], "SAME")
    C["conv2d.e8"] = lambda: nn.conv2d(X, W.astype("d"), 1, "SAME")
    C["mp.exp"] = lambda: nn.max_pool2d(X, 2, 1, [[0, 0], [1, 1], [0, 1], [0, 0]])
    C["mp.e1"] = lambda: nn.max_pool2d(X, 2, 2, "FOO")
    C["mp.e2"] = lambda: nn.max_pool2d(X, 0, 2, "VALID")
    C["mp.depth"] = lambda: nn.max_pool2d(X, [1, 1, 1, 2], [1, 1, 1, 2], "VALID")
    C["mp.e3"] = lambda: nn.max_pool2d(X, [2, 2, 2, 1], [1, 1, 1, 1], "VALID")
    C["ap.e3"] = lambda: nn.avg_pool2d(X, [1, 1, 1, 2], [1, 1, 1, 2], "VALID")
    C["mp.v1"] = lambda: n1.max_pool(X, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    C["ap.v1"] = lambda: n1.avg_pool(value=X, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    C["mpa.v1"] = lambda: n1.max_pool_with_argmax(X, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", include_batch_in_index=True)
    C["mpa.i32"] = lambda: nn.max_pool_with_argmax(X, 2, 2, "SAME", output_dtype=tf.int32)
    C["mp.int"] = lambda: nn.max_pool2d(np.arange(32).reshape(1, 4, 4, 2).astype("i4"), 2, 2, "SAME")
    for dt in ("float32", "float64", "float16"):
        C[f"sx.{dt}"] = lambda dt=dt: nn.softmax_cross_entropy_with_logits(tf.cast(P, dt), tf.cast(L, dt))
        C[f"ssx.{dt}"] = lambda dt=dt: nn.sparse_softmax_cross_entropy_with_logits([0, 1, 2, 6, 3], tf.cast(L, dt))
        C[f"sig.{dt}"] = lambda dt=dt: nn.sigmoid_cross_entropy_with_logits(tf.cast(P, dt), tf.cast(L, dt))
        C[f"wce.{dt}"] = lambda dt=dt: nn.weighted_cross_entropy_with_logits(tf.cast(P, dt), tf.cast(L, dt), 2.0)
    C["sx.v1"] = lambda: n1.softmax_cross_entropy_with_logits(labels=P, logits=L)
    C["sx.v1v2"] = lambda: n1.softmax_cross_entropy_with_logits_v2(labels=P, logits=L)
    C["sx.axis"] = lambda: nn.softmax_cross_entropy_with_logits(np.abs(X), X, axis=1)
    C["sx.3d"] = lambda: nn.softmax_cross_entropy_with_logits(np.abs(X), X)
    C["sx.1d"] = lambda: nn.softmax_cross_entropy_with_logits(P[0], L[0])
    C["sx.list"] = lambda: nn.softmax_cross_entropy_with_logits([[1, 0]], [[1.0, 2.0]])
    C["sx.e"] = lambda: nn.softmax_cross_entropy_with_logits([[1.0, 2.0]], [[1.0, 2.0, 3]])
    C["sx.e2"] = lambda: n1.softmax_cross_entropy_with_logits(P, None)
    C["ssx.4d"] = lambda: nn.sparse_softmax_cross_entropy_with_logits(np.zeros((2, 7, 6), "i8"), X)
    C["ssx.0d"] = lambda: nn.sparse_softmax_cross_entropy_with_logits(1, L[0])
    C["ssx.e1"] = lambda: nn.sparse_softmax_cross_entropy_with_logits([3], [[1.0, 2.0, 3]])
    C["ssx.e2"] = lambda: nn.sparse_softmax_cross_entropy_with_logits([[1]], [[1.0, 2.0, 3]])
    C["ssx.e3"] = lambda: nn.sparse_softmax_cross_entropy_with_logits([1.0], [[1.0, 2.0, 3]])
    C["ssx.e4"] = lambda: nn.sparse_softmax_cross_entropy_with_logits([1, 2], [[1.0, 2.0, 3]])
    C["sig.e"] = lambda: nn.sigmoid_cross_entropy_with_logits(P, L[0])
    C["lpl"] = lambda: [nn.log_poisson_loss(P * 5, L), nn.log_poisson_loss(P * 5, L, True)]
    C["avgloss"] = lambda: [
        nn.compute_average_loss(L[:, 0]),
        nn.compute_average_loss(L[:, 0], sample_weight=P[:, 0], global_batch_size=10),
        nn.scale_regularization_loss(L),
    ]
    C["raw.lrn"] = lambda: [nn.lrn(X), nn.local_response_normalization(X, 2, 1.5, 0.1, 0.75)]
    return CASES


def normalization(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    X = f(2, 7, 6, 4)
    L = f(5, 7) * 3
    V = f(2, 3, 4, 5, 4)
    sc = f(4)
    of = f(4)
    mu = f(4)
    va = np.abs(f(4)) + 0.1
    CASES = {}
    C = CASES
    nn = tf.nn
    n1 = v1.nn
    C["lrn"] = lambda: [nn.lrn(X), nn.local_response_normalization(X, 2, 1.5, 0.1, 0.75), nn.lrn(X, 1)]
    C["lrn.e"] = lambda: nn.lrn(L)
    C["lrngrad"] = lambda: tf.raw_ops.LRNGrad(input_grads=X, input_image=X, output_image=nn.lrn(X, 2), depth_radius=2)
    for t in (True, False):
        for _fmt in ("NHWC",):
            C[f"fbn.{t}"] = lambda t=t: n1.fused_batch_norm(
                X, sc, of, mu if not t else None, va if not t else None, is_training=t
            )
    C["fbn.avg"] = lambda: n1.fused_batch_norm(X, sc, of, mu, va, exponential_avg_factor=0.3)
    C["fbn.h"] = lambda: n1.fused_batch_norm(tf.cast(X, "float16"), sc, of)
    C["fbn.5d"] = lambda: tf.raw_ops.FusedBatchNormV3(
        x=V, scale=sc, offset=of, mean=mu, variance=va, data_format="NDHWC"
    )[:5]
    C["fbn.e1"] = lambda: n1.fused_batch_norm(X, sc, of, is_training=False)
    C["fbn.e2"] = lambda: n1.fused_batch_norm(X, sc[:3], of)
    C["fbn.e3"] = lambda: n1.fused_batch_norm(X[0], sc, of)
    C["fbn1"] = lambda: tf.raw_ops.FusedBatchNorm(x=X, scale=sc, offset=of, mean=mu, variance=va)
    C["fbn2"] = lambda: tf.raw_ops.FusedBatchNormV2(x=X, scale=sc, offset=of, mean=mu, variance=va)
    C["fbng"] = lambda: tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=X * X, x=X, scale=sc, reserve_space_1=mu, reserve_space_2=va, reserve_space_3=0.0
    )[:3]
    C["fbngi"] = lambda: tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=X * X, x=X, scale=sc, reserve_space_1=mu, reserve_space_2=va, reserve_space_3=0.0, is_training=False
    )[:3]
    C["bn"] = lambda: [
        nn.batch_normalization(X, mu, va, of, sc, 1e-3),
        nn.batch_normalization(X, mu, va, None, sc, 1e-3),
        nn.batch_normalization(X, mu, va, of, None, 1e-3),
        nn.batch_normalization(X, mu, va, None, None, 1e-3),
    ]
    C["bn.g"] = lambda: [
        nn.batch_norm_with_global_normalization(X, mu, va, of, sc, 1e-3, True),
        n1.batch_norm_with_global_normalization(X, mu, va, of, sc, 1e-3, False),
    ]
    C["mom"] = lambda: [
        nn.moments(X, [0, 1, 2]),
        nn.moments(X, [0], keepdims=True),
        n1.moments(X, [1, 2], keep_dims=True),
        nn.moments(tf.cast(X, "float16"), [0, 1]),
        nn.moments(X, [-1]),
        nn.moments(X, axes=1),
    ]
    C["wmom"] = lambda: [
        nn.weighted_moments(X, [0, 1, 2], np.abs(X)),
        nn.weighted_moments(X, [0], 2.0, keepdims=True),
        n1.weighted_moments(X, [1, 2], np.abs(X[:, :1]), keep_dims=True),
    ]
    C["suff"] = lambda: [
        nn.sufficient_statistics(X, [0, 1]),
        nn.sufficient_statistics(X, [0, 1], shift=1.5, keepdims=True),
        n1.sufficient_statistics(X, [2], keep_dims=True),
    ]
    C["nmom"] = lambda: [
        nn.normalize_moments(5.0, f(3) * 0 + 2, f(3) * 0 + 9, None),
        nn.normalize_moments(5.0, f(3) * 0 + 2, f(3) * 0 + 9, 1.0),
    ]
    C["l2n"] = lambda: [nn.l2_normalize(X, -1), nn.l2_normalize(X, [1, 2], epsilon=0.1), nn.l2_normalize(X)]
    C["topk"] = lambda: [
        nn.top_k(L, 3),
        nn.top_k(X, 0),
        nn.top_k([1, 2, 2, 3, 3], 5),
        nn.top_k(L, 2, sorted=False)[0].shape,
        nn.top_k(L, 2, index_type=tf.int16),
    ]
    C["topk.u8"] = lambda: [
        nn.top_k(np.array([3, 200, 7], "u1"), 2),
        nn.top_k(np.array([-3, -128, 7], "i1"), 3),
        nn.top_k(np.array([np.nan, 1, np.inf, -np.inf, 2], "f"), 5),
    ]
    C["topk.e1"] = lambda: nn.top_k([1, 2], 3)
    C["topk.e2"] = lambda: nn.top_k([1, 2], -1)
    C["topk.e3"] = lambda: nn.top_k(3.0, 1)
    P = np.array(
        [[0.1, 0.3, 0.2, 0.4], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [np.nan, 1, 2, 3], [1, 2, np.inf, 3]],
        "f",
    )
    C["intop"] = lambda: [
        nn.in_top_k([0, 3, 1, 1, 1], P, 2),
        n1.in_top_k(P, [1, 3, 0, 2, 3], 1),
        nn.in_top_k([2, 9, -1, 1, 2], P, 3),
        nn.in_top_k(np.array([2, 1, 1, 1, 3], "i8"), P, 3),
    ]
    C["intop.e"] = lambda: nn.in_top_k([0, 3], P, 2)
    C["nth"] = lambda: [tf.raw_ops.NthElement(input=L, n=2), tf.raw_ops.NthElement(input=L, n=2, reverse=True)]
    C["nth.e"] = lambda: tf.raw_ops.NthElement(input=L, n=12)

    def seeded(g):
        def run():
            tf.random.set_seed(5)
            return g()

        return run

    C["drop"] = seeded(
        lambda: [
            nn.dropout(X, 0.4),
            nn.dropout(X, 0.4, seed=3),
            nn.dropout(X, 0.4, noise_shape=[None, 1, 1, 4]),
            nn.dropout(X, 0.0),
            nn.dropout(X, 0.5),
        ]
    )
    C["drop.t"] = seeded(lambda: [nn.dropout(X, tf.constant(0.4)), nn.dropout(X, rate=tf.constant(0.0))])
    C["drop.h"] = seeded(lambda: [nn.dropout(tf.cast(X, "float16"), 0.4), nn.dropout(tf.cast(X, "float64"), 0.4)])
    C["drop.v1"] = seeded(
        lambda: [n1.dropout(X, 0.6), n1.dropout(X, rate=0.3), n1.dropout(X, 0.6, noise_shape=[2, 1, 6, 1], seed=1)]
    )
    C["drop.e1"] = lambda: nn.dropout(X, 1.0)
    C["drop.e2"] = lambda: nn.dropout(np.arange(3), 0.3)
    C["drop.e3"] = lambda: n1.dropout(X)
    C["drop.e4"] = lambda: n1.dropout(X, 0.3, rate=0.2)
    C["drop.sl"] = lambda: [
        nn.experimental.stateless_dropout(X, 0.3, [1, 2]),
        nn.experimental.stateless_dropout(X, 0.3, [1, 2], rng_alg="philox"),
    ]
    C["drop.gen"] = lambda: nn.experimental.general_dropout(
        X, 0.3, lambda shape, dtype: tf.random.stateless_uniform(shape, [3, 4], dtype=dtype)
    )
    return CASES


def gradients(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    X = f(2, 7, 6, 4)
    L = f(5, 7) * 3
    V = f(2, 3, 4, 5, 4)
    sc = f(4)
    of = f(4)
    mu = f(4)
    va = np.abs(f(4)) + 0.1
    W = f(3, 2, 4, 6)
    WD = f(3, 2, 4, 2)
    f(3, 2, 2, 6)
    S = f(2, 9, 4)
    WS = f(3, 4, 5)
    WV = f(3, 2, 2, 4, 3)
    P = np.abs(f(5, 7))
    P /= P.sum(1, keepdims=True)
    nn = tf.nn
    n1 = v1.nn
    CASES = {}
    C = CASES

    def G(fn, *xs, second=True):
        def run():
            vs = [tf.constant(x) for x in xs]
            with tf.GradientTape(persistent=True) as t2:
                for v in vs:
                    t2.watch(v)
                with tf.GradientTape() as t:
                    for v in vs:
                        t.watch(v)
                    y = fn(*vs)
                    y = tf.reduce_sum(y * tf.sin(tf.reshape(tf.range(tf.size(y), dtype=y.dtype), tf.shape(y)) + 1.0))
                g = t.gradient(y, vs)
                z = 0.0
                for a in g:
                    if a is not None:
                        z = z + tf.reduce_sum(a * tf.cos(tf.reshape(tf.range(tf.size(a), dtype=a.dtype), tf.shape(a))))
            out = list(g)
            if second:
                out += [t2.gradient(z, v) for v in vs]
            return out

        return run

    for n in "relu relu6 elu selu softplus leaky_relu gelu silu softmax log_softmax l2_loss crelu".split():
        C[n] = G(getattr(nn, n), L)
    C["softmax0"] = G(lambda x: nn.softmax(x, axis=0), L)
    C["bias"] = G(nn.bias_add, X, of)
    C["bias.nchw"] = G(lambda x, b: nn.bias_add(x, b, data_format="NCHW"), X, f(7))
    for pad in ("SAME", "VALID"):
        C[f"conv2d.{pad}"] = G(lambda x, w, pad=pad: nn.conv2d(x, w, 2, pad), X, W)
        C[f"conv2d1.{pad}"] = G(lambda x, w, pad=pad: nn.conv2d(x, w, 1, pad), X, W)
        C[f"conv1d.{pad}"] = G(lambda x, w, pad=pad: nn.conv1d(x, w, 2, pad), S, WS)
        C[f"conv3d.{pad}"] = G(lambda x, w, pad=pad: nn.conv3d(x, w, [1, 1, 2, 1, 1], pad), V, WV)
        C[f"dw.{pad}"] = G(lambda x, w, pad=pad: nn.depthwise_conv2d(x, w, [1, 2, 2, 1], pad), X, WD)
        C[f"mp.{pad}"] = G(lambda x, pad=pad: nn.max_pool2d(x, 3, 2, pad), X)
        C[f"mp2.{pad}"] = G(lambda x, pad=pad: nn.max_pool2d(x, 2, 2, pad), X)
        C[f"ap.{pad}"] = G(lambda x, pad=pad: nn.avg_pool2d(x, 3, 2, pad), X)
        C[f"mp3.{pad}"] = G(lambda x, pad=pad: nn.max_pool3d(x, 2, 2, pad), V)
        C[f"ap3.{pad}"] = G(lambda x, pad=pad: nn.avg_pool3d(x, 2, 2, pad), V)
        C[f"mpa.{pad}"] = G(lambda x, pad=pad: nn.max_pool_with_argmax(x, 2, 2, pad)[0], X, second=False)
        C[f"sep.{pad}"] = G(
            lambda x, w, p, pad=pad: nn.separable_conv2d(x, w, p, [1, 1, 1, 1], pad), X, WD, f(1, 1, 8, 3)
        )
    C["conv1x1"] = G(lambda x, w: nn.conv2d(x, w, 1, "VALID"), X, f(1, 1, 4, 3))
    C["ctr"] = G(lambda x, w: nn.conv2d_transpose(x, w, [2, 14, 12, 5], 2, "SAME"), X, f(3, 3, 5, 4))
    C["conv.exp"] = G(lambda x, w: nn.conv2d(x, w, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]), X, W)
    C["sx"] = G(lambda l, x: nn.softmax_cross_entropy_with_logits(l, x), P, L)
    C["sx1"] = G(lambda l, x: n1.softmax_cross_entropy_with_logits(labels=l, logits=x), P, L)
    C["ssx"] = G(lambda x: nn.sparse_softmax_cross_entropy_with_logits([0, 1, 2, 6, 3], x), L)
    C["sig"] = G(lambda l, x: nn.sigmoid_cross_entropy_with_logits(l, x), P, L)
    C["wce"] = G(lambda l, x: nn.weighted_cross_entropy_with_logits(l, x, 2.0), P, L)
    C["lrn"] = G(lambda x: nn.lrn(x, 2, 1.0, 0.5, 0.6), X, second=False)
    for t in (True, False):
        C[f"fbn.{t}"] = G(
            lambda x, s, o, t=t: n1.fused_batch_norm(x, s, o, None if t else mu, None if t else va, is_training=t)[0],
            X,
            sc,
            of,
        )
    C["bn"] = G(lambda x, m, v, o, s: nn.batch_normalization(x, m, v, o, s, 1e-3), X, mu, va, of, sc)
    C["mom0"] = G(lambda x: nn.moments(x, [0, 1, 2])[0], X)
    C["mom1"] = G(lambda x: nn.moments(x, [0, 1, 2])[1], X)
    C["topk"] = G(lambda x: nn.top_k(x, 3)[0], L)
    C["nth"] = G(lambda x: tf.raw_ops.NthElement(input=x, n=2), L)

    def embg():
        v = tf.constant(L)
        with tf.GradientTape() as t:
            t.watch(v)
            y = tf.reduce_sum(nn.embedding_lookup(v, [[0, 2], [2, 1]]) ** 2)
        g = t.gradient(y, v)
        return tf.convert_to_tensor(g)

    C["emb"] = embg
    C["emb.max"] = lambda: nn.embedding_lookup(L, [[0, 2], [2, 1]], max_norm=2.0)
    C["emb.parts"] = lambda: [
        nn.embedding_lookup([L[:2], L[2:4], L[4:]], [[0, 2], [4, 1]]),
        n1.embedding_lookup([L[:2], L[2:4], L[4:]], [[0, 2], [4, 1]]),
    ]
    C["embsp"] = lambda: [
        nn.embedding_lookup_sparse(
            L,
            tf.sparse.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, 3, 2], tf.int64), [3, 2]),
            None,
            combiner=c,
        )
        for c in ("sum", "mean", "sqrtn")
    ]
    C["embspw"] = lambda: [
        nn.embedding_lookup_sparse(
            L,
            tf.sparse.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, 3, 2], tf.int64), [3, 2]),
            tf.sparse.SparseTensor([[0, 0], [0, 1], [2, 0]], [1.0, 3, 2], [3, 2]),
            combiner=c,
        )
        for c in ("sum", "mean", "sqrtn")
    ]
    C["nce"] = lambda: nn.nce_loss(
        tf.constant(L),
        tf.constant(L[:, 0]),
        tf.constant([[1], [2]]),
        tf.constant(L[:2] * 0.3),
        3,
        5,
        sampled_values=(tf.constant([0, 1, 4], tf.int64), tf.constant([[0.5], [0.2]]), tf.constant([0.3, 0.2, 0.1])),
    )
    C["ssm"] = lambda: [
        nn.sampled_softmax_loss(
            tf.constant(L),
            tf.constant(L[:, 0]),
            tf.constant([[1, 3], [2, 0]]),
            tf.constant(L[:2] * 0.3),
            3,
            5,
            num_true=2,
            sampled_values=(
                tf.constant([0, 1, 4], tf.int64),
                tf.constant([[0.5, 0.1], [0.2, 0.1]]),
                tf.constant([0.3, 0.2, 0.1]),
            ),
        )
    ]

    def ssm2():
        tf.random.set_seed(3)
        return [
            nn.sampled_softmax_loss(
                tf.constant(L), tf.constant(L[:, 0]), tf.constant([[1], [2]]), tf.constant(L[:2] * 0.1), 3, 5, seed=4
            ),
            nn.nce_loss(tf.constant(L), tf.constant(L[:, 0]), tf.constant([[1], [2]]), tf.constant(L[:2] * 0.1), 3, 5),
        ]

    C["ssm.rand"] = ssm2
    return CASES


def losses(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    L = f(5, 7)
    P = np.abs(f(5, 7))
    P /= P.sum(1, keepdims=True)
    w = np.array([0, 1, 2, 0, 0.5], "f")
    lo = v1.losses
    CASES = {}
    C = CASES
    for n in "absolute_difference hinge_loss huber_loss log_loss mean_squared_error sigmoid_cross_entropy softmax_cross_entropy mean_pairwise_squared_error".split():
        fn = getattr(lo, n)
        X = P * 0.9 if n == "log_loss" else L
        C[n] = lambda fn=fn, X=X: fn(P, X)
        if n != "softmax_cross_entropy":
            C[n + ".w"] = lambda fn=fn, X=X: fn(P, X, weights=w[:, None])
            C[n + ".we"] = lambda fn=fn, X=X: fn(P, X, weights=w[:3, None])
        else:
            C[n + ".w"] = lambda fn=fn, X=X: fn(P, X, weights=w)
        if n != "mean_pairwise_squared_error":
            for r in lo.Reduction.all():
                C[n + r] = lambda fn=fn, X=X, r=r: fn(P, X, weights=2.0, reduction=r)
        C[n + ".e"] = lambda fn=fn: fn(P, L[:3])
        C[n + ".e2"] = lambda fn=fn: fn(None, L[:3])
    C["cos"] = lambda: lo.cosine_distance(P, L, axis=1)
    C["cos.e"] = lambda: lo.cosine_distance(P, L)
    C["ss"] = lambda: [
        lo.sparse_softmax_cross_entropy([1, 2, 3, 4, 5], L),
        lo.sparse_softmax_cross_entropy([[1], [2], [3], [4], [5]], L, weights=w),
    ]
    C["sm"] = lambda: [
        lo.softmax_cross_entropy(P, L, label_smoothing=0.1),
        lo.sigmoid_cross_entropy(P, L, label_smoothing=0.1),
    ]

    def g():
        with tf.Graph().as_default():
            a = lo.mean_squared_error(tf.constant(P), tf.constant(L))
            b = lo.softmax_cross_entropy(tf.constant(P), tf.constant(L))
            t = lo.get_total_loss()
            with v1.Session() as s:
                return [
                    s.run([a, b, t]),
                    np.array([n.name for n in [a.op, b.op, t.op]]).astype("S"),
                    len(lo.get_losses()),
                ]

    C["graph"] = g
    C["mse.int"] = lambda: lo.mean_squared_error([1, 2], [3, 4])
    return CASES


def resizing(tf):
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    X = f(2, 7, 6, 3)
    U = (np.abs(X) * 70).clip(0, 255).astype("u1")
    r = tf.raw_ops
    CASES = {}
    C = CASES
    for sz in ([14, 12], [4, 3]):
        for n in ("ResizeNearestNeighbor", "ResizeBilinear", "ResizeBicubic"):
            for a, h in ((False, False), (True, False), (False, True)):
                op = getattr(r, n)
                C[f"{n}{sz}{a}{h}"] = lambda op=op, sz=sz, a=a, h=h: [
                    op(images=X, size=sz, align_corners=a, half_pixel_centers=h),
                    op(images=U, size=sz, align_corners=a, half_pixel_centers=h),
                ]
                if n != "ResizeNearestNeighbor":
                    g = getattr(r, n + "Grad")
                    gr = np.cos(np.arange(2 * sz[0] * sz[1] * 3)).reshape(2, *sz, 3).astype("f")
                    C[f"{n}Grad{sz}{a}{h}"] = lambda g=g, gr=gr, a=a, h=h: g(
                        grads=gr, original_image=X, align_corners=a, half_pixel_centers=h
                    )
                else:
                    gr = np.cos(np.arange(2 * sz[0] * sz[1] * 3)).reshape(2, *sz, 3).astype("f")
                    C[f"{n}Grad{sz}{a}{h}"] = lambda gr=gr, a=a, h=h: r.ResizeNearestNeighborGrad(
                        grads=gr, size=[7, 6], align_corners=a, half_pixel_centers=h
                    )
        for a in (False, True):
            C[f"area{sz}{a}"] = lambda sz=sz, a=a: r.ResizeArea(images=X, size=sz, align_corners=a)
        for k in ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"):
            for aa in (True, False):
                C[f"st{k}{aa}{sz}"] = lambda sz=sz, k=k, aa=aa: r.ScaleAndTranslate(
                    images=X, size=sz, scale=[sz[0] / 7, sz[1] / 6], translation=[0.0, 0.0], kernel_type=k, antialias=aa
                )
        C[f"stmv{sz}"] = lambda sz=sz: r.ScaleAndTranslate(images=X, size=sz, scale=[1.7, 0.6], translation=[1.5, -0.7])
        gr = np.cos(np.arange(2 * sz[0] * sz[1] * 3)).reshape(2, *sz, 3).astype("f")
        C[f"stg{sz}"] = lambda sz=sz, gr=gr: r.ScaleAndTranslateGrad(
            grads=gr, original_image=X, scale=[1.7, 0.6], translation=[1.5, -0.7]
        )
    C["e1"] = lambda: r.ResizeBilinear(images=X, size=[0, 3])
    C["e2"] = lambda: r.ResizeBilinear(images=X[0], size=[2, 3])
    C["e3"] = lambda: r.ResizeBilinear(images=X, size=[2, 3, 4])
    C["e4"] = lambda: r.ResizeBilinear(images=X, size=[2, 3], align_corners=True, half_pixel_centers=True)
    C["e5"] = lambda: r.ScaleAndTranslate(
        images=X, size=[2, 3], scale=[1.0, 1.0], translation=[0.0, 0.0], kernel_type="foo"
    )
    return CASES


def images(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.random(size=s).astype("f")
    X = f(2, 5, 4, 3)
    U = (X * 255).astype("u1")
    I = tf.image
    J = v1.image
    G1 = f(2, 5, 4, 1)
    CASES = {}
    C = CASES
    kinds = {"f32": X, "u8one": U[0]}
    for k, x in kinds.items():
        for d in ("uint8", "uint16", "int16", "int32", "float32", "float16", "float64", "int8"):
            for s in (False, True):
                C[f"cid{k}{d}{s}"] = lambda x=x, d=d, s=s: I.convert_image_dtype(x, d, saturate=s)
        for n in "flip_left_right flip_up_down transpose rot90 per_image_standardization rgb_to_grayscale rgb_to_hsv hsv_to_rgb rgb_to_yiq yiq_to_rgb rgb_to_yuv yuv_to_rgb".split():
            C[f"{n}.{k}"] = lambda x=x, n=n: getattr(I, n)(x)
        C[f"rot{k}"] = lambda x=x: [I.rot90(x, 2), I.rot90(x, 3), I.rot90(x, -1), I.rot90(x, 4)]
        C[f"adj{k}"] = lambda x=x: [
            I.adjust_brightness(x, 0.3),
            I.adjust_contrast(x, 2.0),
            I.adjust_hue(x, 0.4),
            I.adjust_saturation(x, 0.5),
            I.adjust_hue(x, -0.7),
            I.adjust_saturation(x, 3.0),
        ]
        C[f"gam{k}"] = lambda x=x: I.adjust_gamma(x, 0.5, 1.2)
        C[f"crop{k}"] = lambda x=x: [
            I.crop_to_bounding_box(x, 1, 1, 3, 3),
            I.pad_to_bounding_box(x, 1, 2, 10, 9),
            I.central_crop(x, 0.5),
            I.central_crop(x, 0.7),
            I.resize_with_crop_or_pad(x, 10, 3),
            I.resize_with_crop_or_pad(x, 4, 9),
        ]
        for m in "bilinear nearest bicubic area lanczos3 lanczos5 gaussian mitchellcubic".split():
            for aa in (False, True):
                C[f"resize{k}{m}{aa}"] = lambda x=x, m=m, aa=aa: [
                    I.resize(x, [4, 9], m, antialias=aa),
                    I.resize(x, [5, 4], m, antialias=aa),
                ]
        C[f"pad{k}"] = lambda x=x: [I.resize_with_pad(x, 10, 12), J.resize_image_with_pad(x, 5, 3)]
        C[f"v1resize{k}"] = lambda x=x: (
            [J.resize_images(x, [4, 9], m) for m in range(4)]
            + [J.resize_images(x, [5, 4], m) for m in range(4)]
            + [J.resize(x, [3, 3], preserve_aspect_ratio=True)]
        )

        def rnd(x=x):
            tf.random.set_seed(4)
            return [
                I.random_flip_left_right(x, 1),
                I.random_flip_up_down(x),
                I.random_brightness(x, 0.3),
                I.random_contrast(x, 0.3, 2.0),
                I.random_hue(x, 0.3),
                I.random_saturation(x, 0.3, 2.0),
            ]

        C[f"rnd{k}"] = rnd
        C[f"srnd{k}"] = lambda x=x: [
            I.stateless_random_flip_left_right(x, [1, 2]),
            I.stateless_random_flip_up_down(x, [1, 3]),
            I.stateless_random_brightness(x, 0.3, [1, 2]),
            I.stateless_random_contrast(x, 0.3, 2.0, [1, 2]),
            I.stateless_random_hue(x, 0.3, [1, 2]),
            I.stateless_random_saturation(x, 0.3, 2.0, [1, 2]),
        ]
    C["aspect"] = lambda: [
        I.resize(X, [20, 10], preserve_aspect_ratio=True),
        I.resize(X, [3, 30], preserve_aspect_ratio=True),
    ]
    C["g2r"] = lambda: I.grayscale_to_rgb(G1)
    C["e.g2r"] = lambda: I.grayscale_to_rgb(X)
    C["e.r2g"] = lambda: I.rgb_to_grayscale(G1)
    C["e.hsv"] = lambda: I.rgb_to_hsv(G1)
    C["e.crop"] = lambda: I.crop_to_bounding_box(X, 5, 2, 4, 3)
    C["e.crop2"] = lambda: I.crop_to_bounding_box(X, -1, 2, 4, 3)
    C["e.crop3"] = lambda: I.crop_to_bounding_box(X, 0, 2, 0, 3)
    C["e.crop4"] = lambda: I.crop_to_bounding_box(G1[0, 0], 0, 2, 0, 3)
    C["e.pad"] = lambda: I.pad_to_bounding_box(X, 5, 2, 4, 3)
    C["e.cc"] = lambda: I.central_crop(X, 0.0)
    C["e.hue"] = lambda: I.adjust_hue(X, 2.0)
    C["e.gam"] = lambda: I.adjust_gamma(X, -1.0)
    C["e.rh"] = lambda: I.random_hue(X, 0.7)
    C["e.rc"] = lambda: I.random_contrast(X, 0.7, 0.3)
    C["e.rb"] = lambda: I.random_brightness(X, -0.7)
    C["e.rs"] = lambda: I.resize(X, [1, 2, 3])
    C["e.rs2"] = lambda: I.resize(X, [1, 2], "foo")
    C["e.rs3"] = lambda: I.resize(X[0, 0], [1, 2])
    C["old"] = lambda: [
        J.resize_bilinear(X, [3, 4], True),
        J.resize_bicubic(X, [3, 4]),
        J.resize_nearest_neighbor(X, [3, 4], half_pixel_centers=True),
        J.resize_area(X, [3, 4]),
    ]
    return CASES


def boxes(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.random(size=s).astype("f")
    X = f(2, 13, 12, 3)
    U = (X * 255).astype("u1")
    I = tf.image
    J = v1.image
    r = tf.raw_ops
    Y = (X + 0.1 * f(2, 13, 12, 3)).clip(0, 1).astype("f")
    YU = (Y * 255).astype("u1")
    B = np.array(
        [[0.1, 0.2, 0.8, 0.9], [-0.2, 0.3, 1.3, 0.7], [0.9, 0.8, 0.1, 0.2], [0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]], "f"
    )
    bi = np.array([0, 1, 0, 1, 1], "i4")
    CASES = {}
    C = CASES
    for m in ("bilinear", "nearest"):
        for cs in ([4, 5], [1, 1], [1, 6]):
            C[f"car{m}{cs}"] = lambda m=m, cs=cs: [
                I.crop_and_resize(X, B, bi, cs, m),
                I.crop_and_resize(U, B, bi, cs, m, extrapolation_value=7.0),
            ]
            g = np.cos(np.arange(5 * cs[0] * cs[1] * 3)).reshape(5, *cs, 3).astype("f")
            C[f"carg{m}{cs}"] = lambda m=m, g=g: r.CropAndResizeGradImage(
                grads=g, boxes=B, box_ind=bi, image_size=[2, 13, 12, 3], T=tf.float32, method=m
            )
            if m == "bilinear":
                C[f"cargb{m}{cs}"] = lambda g=g: r.CropAndResizeGradBoxes(grads=g, image=X, boxes=B, box_ind=bi)
    C["car.v1"] = lambda: J.crop_and_resize(X, B, bi, [3, 3])
    C["car.e"] = lambda: I.crop_and_resize(X, B, bi + 1, [3, 3])
    C["car.e2"] = lambda: I.crop_and_resize(X, B, bi[:3], [3, 3])
    C["car.e3"] = lambda: I.crop_and_resize(X, B, bi, [0, 3])
    N = rng.random((40, 2)).astype("f")
    S = (rng.random((40, 2)) * 0.3 + 0.05).astype("f")
    NB = np.concatenate([N, N + S], 1)
    sc = rng.random(40).astype("f")
    sc[3] = sc[7]
    for iou in (0.1, 0.5, 0.0, 1.0):
        for st in (-np.inf, 0.4):
            C[f"nms{iou}{st}"] = lambda iou=iou, st=st: [
                I.non_max_suppression(NB, sc, 10, iou, st),
                I.non_max_suppression(NB, sc, 100, iou, st),
            ]
            C[f"nms5{iou}{st}"] = lambda iou=iou, st=st: [
                I.non_max_suppression_with_scores(NB, sc, 10, iou, st, sg) for sg in (0.0, 0.5, 0.1)
            ]
            C[f"nms4{iou}{st}"] = lambda iou=iou, st=st: r.NonMaxSuppressionV4(
                boxes=NB,
                scores=sc,
                max_output_size=30,
                iou_threshold=iou,
                score_threshold=st,
                pad_to_max_output_size=True,
            )
    C["nmsv1"] = lambda: [
        r.NonMaxSuppression(boxes=NB, scores=sc, max_output_size=30),
        r.NonMaxSuppressionV2(boxes=NB, scores=sc, max_output_size=30, iou_threshold=0.3),
    ]
    C["nmsflip"] = lambda: I.non_max_suppression(NB[:, [2, 3, 0, 1]], sc, 20)
    C["nms.e"] = lambda: I.non_max_suppression(NB, sc, 20, 1.5)
    C["nms.e2"] = lambda: I.non_max_suppression(NB[:, :3], sc, 20)
    C["nms.e3"] = lambda: I.non_max_suppression(NB, sc[:3], 20)
    O = rng.random((20, 20)).astype("f")
    C["nmso"] = lambda: I.non_max_suppression_overlaps(O, sc[:20], 9, 0.6, 0.2)
    CS = rng.random((2, 40, 3)).astype("f")
    CB = np.stack([NB[:, None]] * 2) * 1.2
    CB3 = np.concatenate([CB, CB * 0.9, CB * 0.8], 2)
    for pp in (False, True):
        for cl in (False, True):
            C[f"cnms{pp}{cl}"] = lambda pp=pp, cl=cl: [
                I.combined_non_max_suppression(CB, CS, 4, 9, 0.3, 0.2, pp, cl),
                I.combined_non_max_suppression(CB3, CS, 4, 20, 0.3, 0.2, pp, cl),
            ]
    C["draw"] = lambda: [
        I.draw_bounding_boxes(X, np.stack([B, B[::-1]]), None),
        I.draw_bounding_boxes(X, np.stack([B, B[::-1]]), [[0.1, 0.2, 0.3], [0.5, 0.4, 0.3]]),
        J.draw_bounding_boxes(X[..., :1], np.stack([B, B[::-1]])),
    ]
    C["psnr"] = lambda: [I.psnr(X, Y, 1.0), I.psnr(U, YU, 255), I.psnr(X[0], Y, 1.0)]
    C["ssim"] = lambda: [
        I.ssim(X, Y, 1.0),
        I.ssim(U, YU, 255),
        I.ssim(X[0], Y[0], 1.0, filter_size=5),
        I.ssim(X, Y, 1.0, filter_size=7, return_index_map=True),
    ]
    C["ssim.e"] = lambda: I.ssim(X, Y[:, 1:], 1.0)
    BX = f(2, 48, 52, 3)
    BY = (BX + 0.1 * f(2, 48, 52, 3)).astype("f")
    C["msssim"] = lambda: [
        I.ssim_multiscale(BX, BY, 1.0, filter_size=3),
        I.ssim_multiscale(BX[:, :41, :43], BY[:, :41, :43], 1.0, filter_size=2),
    ]
    C["tv"] = lambda: [I.total_variation(X), I.total_variation(X[0])]
    C["tv.e"] = lambda: I.total_variation(X[0, 0])
    C["sobel"] = lambda: I.sobel_edges(tf.constant(X))
    C["grad"] = lambda: I.image_gradients(tf.constant(X))
    return CASES


def quantization(tf):
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    X = f(5, 4) * 4
    Q = tf.quantization
    r = tf.raw_ops
    CASES = {}
    C = CASES
    for nb in (8, 4, 16):
        for nr in (False, True):
            C[f"fqa{nb}{nr}"] = lambda nb=nb, nr=nr: [
                Q.fake_quant_with_min_max_args(X, num_bits=nb, narrow_range=nr),
                Q.fake_quant_with_min_max_args(X, -1.3, 2.7, nb, nr),
                Q.fake_quant_with_min_max_args_gradient(X * 2, X, -1.3, 2.7, nb, nr),
            ]
            C[f"fqv{nb}{nr}"] = lambda nb=nb, nr=nr: [
                Q.fake_quant_with_min_max_vars(X, -1.3, 2.7, nb, nr),
                Q.fake_quant_with_min_max_vars_gradient(X * 2, X, -1.3, 2.7, nb, nr),
                Q.fake_quant_with_min_max_vars(X, 0.5, 2.7, nb, nr),
                Q.fake_quant_with_min_max_vars(X, 0.0, 0.0, nb, nr),
            ]
            C[f"fqc{nb}{nr}"] = lambda nb=nb, nr=nr: [
                Q.fake_quant_with_min_max_vars_per_channel(X, [-1.3, -2, -0.5, -4], [2.7, 1, 3.0, 0.1], nb, nr),
                Q.fake_quant_with_min_max_vars_per_channel_gradient(
                    X * 2, X, [-1.3, -2, -0.5, -4], [2.7, 1, 3.0, 0.1], nb, nr
                ),
            ]
            for sg in (True, False):
                for rm in ("HALF_TO_EVEN", "HALF_UP"):
                    for rg in (True, False):
                        C[f"qd{nb}{nr}{sg}{rm}{rg}"] = lambda nb=nb, nr=nr, sg=sg, rm=rm, rg=rg: [
                            Q.quantize_and_dequantize(X, -1.5, 2.5, sg, nb, rg, rm, narrow_range=nr),
                            Q.quantize_and_dequantize_v2(X, -1.5, 2.5, sg, nb, rg, rm, narrow_range=nr),
                        ]
    C["qd.axis"] = lambda: [Q.quantize_and_dequantize_v2(X, [0.0] * 4, [0.0] * 4, num_bits=n, axis=1) for n in (4, 8)]
    C["fqa.e"] = lambda: Q.fake_quant_with_min_max_args(X, num_bits=1)
    C["fqa.e2"] = lambda: Q.fake_quant_with_min_max_args(X, 3.0, 2.0)
    C["fqv.e"] = lambda: Q.fake_quant_with_min_max_vars(X, [1.0], 2.0)
    C["fqc.e"] = lambda: Q.fake_quant_with_min_max_vars_per_channel(X, [1.0], [2.0])
    for T in ("qint8", "quint8", "qint16", "quint16"):
        for m in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            if T in ("qint16", "quint16") and m == "MIN_FIRST":
                continue
            C[f"q{T}{m}"] = lambda T=T, m=m: (
                lambda o: [tf.cast(o[0], tf.int32) if T != "qint32" else tf.bitcast(o[0], tf.int32), o[1], o[2]]
            )(
                Q.quantize(
                    X,
                    -3.0,
                    5.0,
                    getattr(tf, T),
                    m,
                    round_mode="HALF_TO_EVEN" if m == "SCALED" else "HALF_AWAY_FROM_ZERO",
                )
            )
            C[f"dq{T}{m}"] = lambda T=T, m=m: Q.dequantize(
                Q.quantize(
                    X,
                    -3.0,
                    5.0,
                    getattr(tf, T),
                    m,
                    round_mode="HALF_TO_EVEN" if m == "SCALED" else "HALF_AWAY_FROM_ZERO",
                )[0],
                -3.0,
                5.0,
                m,
            )
    C["v3"] = lambda: r.QuantizeAndDequantizeV3(input=X, input_min=-1.5, input_max=2.5, num_bits=6)
    C["v4g"] = lambda: r.QuantizeAndDequantizeV4Grad(gradients=X * 2, input=X, input_min=-1.5, input_max=2.5)

    def grads():
        x = tf.constant(X)
        a = tf.constant(-1.5)
        b = tf.constant(2.5)
        with tf.GradientTape(persistent=True) as t:
            for v in (x, a, b):
                t.watch(v)
            y = tf.reduce_sum(Q.fake_quant_with_min_max_vars(x, a, b) * X)
            z = tf.reduce_sum(Q.quantize_and_dequantize(x, -1.5, 2.5, range_given=True) * X)
            w = tf.reduce_sum(Q.quantize_and_dequantize_v2(x, a, b, range_given=True) * X)
        return [*t.gradient(y, [x, a, b]), t.gradient(z, x), t.gradient(w, x)]

    C["grads"] = grads
    return CASES


def ctc(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    T, B, K = 9, 4, 5
    L = f(T, B, K) * 2
    nn = tf.nn
    n1 = v1.nn
    D = np.array([[1, 2, 2, 0], [3, 0, 0, 0], [1, 2, 3, 4], [2, 2, 0, 0]], "i4")
    dl = np.array([3, 1, 4, 2], "i4")
    ll = np.array([9, 5, 7, 8], "i4")

    def sp(off=0):
        return tf.sparse.SparseTensor(
            [[b, i] for b in range(B) for i in range(dl[b])],
            tf.constant([int(D[b, i]) - off for b in range(B) for i in range(dl[b])], tf.int32),
            [B, 4],
        )

    CASES = {}
    C = CASES
    C["v1"] = lambda: n1.ctc_loss(sp(1), L, ll)
    C["v1.bm"] = lambda: n1.ctc_loss(sp(1), L.transpose(1, 0, 2), ll, time_major=False)
    C["v1.col"] = lambda: n1.ctc_loss(sp(1), L, ll, preprocess_collapse_repeated=True)
    C["v1.nomerge"] = lambda: n1.ctc_loss(sp(1), L, ll, ctc_merge_repeated=False)
    C["v1.short"] = lambda: n1.ctc_loss(sp(1), L, np.array([2, 5, 7, 8], "i4"))
    C["v1.shortok"] = lambda: n1.ctc_loss(
        sp(1), L, np.array([2, 5, 7, 8], "i4"), ignore_longer_outputs_than_inputs=True
    )
    C["v1.lab"] = lambda: n1.ctc_loss(sp(0), L, ll)
    C["v1.type"] = lambda: n1.ctc_loss(D, L, ll)
    C["raw"] = lambda: tf.raw_ops.CTCLoss(
        inputs=L, labels_indices=sp(1).indices, labels_values=sp(1).values, sequence_length=ll
    )
    C["raw.nm"] = lambda: tf.raw_ops.CTCLoss(
        inputs=L, labels_indices=sp(1).indices, labels_values=sp(1).values, sequence_length=ll, ctc_merge_repeated=False
    )
    C["v2"] = lambda: nn.ctc_loss(D, L, dl, ll)
    C["v2.bm"] = lambda: nn.ctc_loss(D, L.transpose(1, 0, 2), dl, ll, logits_time_major=False)
    C["v2.blank"] = lambda: nn.ctc_loss(D - 1, L, dl, ll, blank_index=4)
    C["v2.neg"] = lambda: nn.ctc_loss(D - 1, L, dl, ll, blank_index=-1)
    C["v2.sp"] = lambda: [nn.ctc_loss(sp(0), L, dl, ll, blank_index=0), nn.ctc_loss(sp(1), L, dl, ll, blank_index=-1)]
    C["v2.spe"] = lambda: nn.ctc_loss(sp(0), L, dl, ll)
    C["v2.uniq"] = lambda: nn.ctc_loss(D, L, dl, ll, unique=nn.ctc_unique_labels(D))
    C["v2.imposs"] = lambda: nn.ctc_loss(D, L, dl, np.array([2, 5, 7, 8], "i4"))

    def gr():
        x = tf.constant(L)
        with tf.GradientTape(persistent=True) as t:
            t.watch(x)
            y = nn.ctc_loss(D, x, dl, ll) * [1.0, 2.0, 3.0, 4.0]
            z = n1.ctc_loss(sp(1), x, ll) * [1.0, 2.0, 3.0, 4.0]
        return [t.gradient(y, x), t.gradient(z, x)]

    C["grad"] = gr
    C["uniq"] = lambda: nn.ctc_unique_labels(D)
    C["coll"] = lambda: nn.collapse_repeated(D, dl)
    C["coll2"] = lambda: nn.collapse_repeated(np.array([[1, 1, 2, 2, 1], [0, 1, 1, 1, 1], [3, 3, 3, 3, 3]]), [5, 2, 4])
    for m in (True, False):
        C[f"greedy{m}"] = lambda m=m: [nn.ctc_greedy_decoder(L, ll, m), nn.ctc_greedy_decoder(L, ll, m, blank_index=0)]
    C["beam"] = lambda: [nn.ctc_beam_search_decoder(L, ll, beam_width=w, top_paths=2) for w in (2, 5, 50)]
    C["beam1"] = lambda: [n1.ctc_beam_search_decoder(L, ll, beam_width=5, top_paths=3)]
    C["beam.e"] = lambda: nn.ctc_beam_search_decoder(L, ll, beam_width=2, top_paths=5)
    C["greedy.e"] = lambda: nn.ctc_greedy_decoder(L, ll + 3)
    return CASES


def morphology(tf):
    v1 = tf.compat.v1
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    X = f(2, 7, 6, 3)
    W = f(3, 2, 3)
    L = f(6, 4)
    nn = tf.nn
    n1 = v1.nn
    CASES = {}
    C = CASES
    for p in ("SAME", "VALID"):
        for s in ([1, 1, 1, 1], [1, 2, 2, 1]):
            for d in ([1, 1, 1, 1], [1, 2, 1, 1]):
                C[f"dil{p}{s}{d}"] = lambda p=p, s=s, d=d: [
                    nn.dilation2d(X, W, s, p, "NHWC", d),
                    nn.erosion2d(X, W, s, p, "NHWC", d),
                    n1.erosion2d(X, W, s, d, p),
                ]

                def g(p=p, s=s, d=d):
                    x, w = tf.constant(X), tf.constant(W)
                    with tf.GradientTape() as t:
                        t.watch([x, w])
                        y = nn.dilation2d(x, w, s, p, "NHWC", d)
                        y = tf.reduce_sum(y * tf.sin(tf.reshape(tf.range(tf.size(y), dtype=y.dtype), tf.shape(y))))
                    return t.gradient(y, [x, w])

                C[f"dilg{p}{s}{d}"] = g
    C["dil.int"] = lambda: nn.dilation2d(
        tf.constant((X * 9).astype("i4")), tf.constant((W * 9).astype("i4")), [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]
    )
    C["dil.e"] = lambda: nn.dilation2d(X, W, [2, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1])
    C["dil.e2"] = lambda: nn.dilation2d(X, W[:, :, :2], [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1])
    sp = lambda v, dt: tf.sparse.SparseTensor([[0, 0], [0, 1], [2, 0], [3, 1], [3, 2]], tf.constant(v, dt), [5, 3])
    for c in ("sum", "mean", "sqrtn"):
        C[f"safe{c}"] = lambda c=c: [
            nn.safe_embedding_lookup_sparse(tf.constant(L), sp([1, 3, -1, 2, 5], tf.int64), combiner=c),
            nn.safe_embedding_lookup_sparse(tf.constant(L), sp([1, 3, -1, 2, 5], tf.int64), default_id=2, combiner=c),
            nn.safe_embedding_lookup_sparse(
                tf.constant(L), sp([1, 3, 4, 2, 5], tf.int64), sp([1.0, 2.0, -1.0, 0.0, 3.0], tf.float32), combiner=c
            ),
        ]
        C[f"safe3{c}"] = lambda c=c: nn.safe_embedding_lookup_sparse(
            tf.constant(L),
            tf.sparse.SparseTensor([[0, 0, 0], [0, 1, 1], [1, 0, 1]], tf.constant([1, 3, 2], tf.int64), [2, 2, 3]),
            combiner=c,
        )
        C[f"v1safe{c}"] = lambda c=c: n1.safe_embedding_lookup_sparse(
            [tf.constant(L[:3]), tf.constant(L[3:])], sp([1, 3, -1, 2, 5], tf.int64), combiner=c
        )
    C["safe.e"] = lambda: nn.safe_embedding_lookup_sparse(None, sp([1, 3, -1, 2, 5], tf.int64))
    return CASES


def sampled_boxes(tf):
    I = tf.image
    b = np.array([[[0.1, 0.2, 0.5, 0.9], [0.3, 0.3, 0.6, 0.7]]], "f")
    CASES = {}
    C = CASES
    for s in range(8):
        C[f"st{s}"] = lambda s=s: [
            I.stateless_sample_distorted_bounding_box([40, 50, 3], b, [s, 2]),
            I.stateless_sample_distorted_bounding_box(
                np.array([333, 217, 3], "i8"),
                b,
                [s, 7],
                min_object_covered=0.6,
                area_range=[0.2, 0.9],
                aspect_ratio_range=[0.5, 2.0],
                max_attempts=7,
            ),
        ]

    def run():
        tf.random.set_seed(3)
        return [I.sample_distorted_bounding_box([40, 50, 3], b, seed=5) for _ in range(4)] + [
            I.sample_distorted_bounding_box([400, 500, 3], b, seed=6, min_object_covered=0.9) for _ in range(3)
        ]

    C["seq"] = run
    C["none"] = lambda: I.stateless_sample_distorted_bounding_box(
        [40, 50, 3], np.zeros((0, 0, 4), "f"), [1, 2], use_image_if_no_bounding_boxes=True
    )
    C["e1"] = lambda: I.stateless_sample_distorted_bounding_box([40, 50, 3], np.zeros((0, 0, 4), "f"), [1, 2])
    C["e2"] = lambda: I.stateless_sample_distorted_bounding_box([40, 50], b, [1, 2])
    C["e3"] = lambda: I.stateless_sample_distorted_bounding_box([40, 50, 3], b * 2, [1, 2])
    return CASES


def formats(tf):
    rng = np.random.default_rng(3)
    f = lambda *s: rng.normal(size=s).astype("f")
    I = tf.image
    r = tf.raw_ops
    N = rng.random((3, 40, 2)).astype("f")
    S = (rng.random((3, 40, 2)) * 0.3 + 0.05).astype("f")
    NB = np.concatenate([N, N + S], 2)
    sc = rng.random((3, 40)).astype("f")
    CASES = {}
    C = CASES
    C["p1"] = lambda: I.non_max_suppression_padded(NB[0], sc[0], 10, 0.3, 0.1, pad_to_max_output_size=True)
    C["pb"] = lambda: I.non_max_suppression_padded(NB, sc, 10, 0.3, 0.1, pad_to_max_output_size=True)
    C["pb9"] = lambda: I.non_max_suppression_padded(NB, sc, 30, 0.1, 0.5, pad_to_max_output_size=True)
    C["dm"] = lambda: [
        r.DataFormatDimMap(x=[0, 1, 2, 3, -1, -2]),
        r.DataFormatDimMap(x=[0, 1, 2], src_format="NCHW", dst_format="NHWC"),
        r.DataFormatVecPermute(x=[1, 2, 3, 4]),
        r.DataFormatVecPermute(x=[[1, 2], [3, 4], [5, 6], [7, 8]]),
        r.DataFormatVecPermute(x=[7, 8]),
    ]
    X = f(2, 3, 7, 6, 4)
    W = f(3, 2, 4, 6)
    C["conv"] = lambda: [
        r.Conv(input=X, filter=W, strides=[1, 1, 2, 1], padding="SAME", batch_dims=2),
        r.Conv(input=X[0], filter=W, strides=[1, 1, 1, 1], padding="VALID"),
    ]
    return CASES


def isotonic(tf):
    rng = np.random.default_rng(3)
    L = rng.normal(size=(5, 7)).astype("f")
    nn = tf.nn
    CASES = {}
    C = CASES
    C["iso"] = lambda: [
        nn.isotonic_regression(L),
        nn.isotonic_regression(L, decreasing=False),
        nn.isotonic_regression(L, axis=0),
        nn.isotonic_regression(L.astype("d")),
        nn.isotonic_regression(tf.cast(L, "float16")),
    ]
    for t in ("int32", "int16", "int64"):
        C["iso" + t] = lambda t=t: nn.isotonic_regression(np.array([[3, 1, 2, 2, 5]], t))

    def g():
        x = tf.constant(L)
        with tf.GradientTape() as t:
            t.watch(x)
            y = tf.reduce_sum(nn.isotonic_regression(x)[0] * tf.sin(x * 0 + L))
        return t.gradient(y, x)

    C["g"] = g
    return CASES


GROUPS = {
    f.__name__: f
    for f in (
        layers,
        normalization,
        gradients,
        losses,
        resizing,
        images,
        boxes,
        quantization,
        ctc,
        morphology,
        sampled_boxes,
        formats,
        isotonic,
    )
}
