"""Calls of raw ops that few programs use; make_raw_ops.py keeps what TensorFlow gives for them."""

import numpy as np


def _draws():
    rng = np.random.default_rng(0)
    return rng, lambda *s: rng.normal(size=s).astype("f")


def _gradients(tf, make, *values):
    """The gradients of the sum of squares of what `make` gives."""

    def run():
        given = [tf.constant(v) for v in values]
        with tf.GradientTape() as tape:
            tape.watch(given)
            y = make(*given)
            total = sum(tf.reduce_sum(t * t) for t in (y if isinstance(y, (list, tuple)) else [y]))
        return tape.gradient(total, given)

    return run


def audio(tf):
    r, (_, f) = tf.raw_ops, _draws()
    samples = f(500, 2)
    power = np.abs(f(2, 7, 129)) * 50
    cases = {f"spectrogram.{squared}": lambda squared=squared: r.AudioSpectrogram(input=samples, window_size=100, stride=37, magnitude_squared=squared)
             for squared in (False, True)}  # fmt: skip
    cases["spectrogram.short"] = lambda: r.AudioSpectrogram(input=samples, window_size=1000, stride=1)
    for window, stride, x in ((1, 37, samples), (4, 0, samples), (4, 1, samples[0])):
        cases[f"spectrogram.bad.{window}.{stride}"] = lambda window=window, stride=stride, x=x: r.AudioSpectrogram(input=x, window_size=window, stride=stride)
    mfcc = lambda **change: r.Mfcc(**{"spectrogram": power, "sample_rate": 8000, **change})
    cases["mfcc"] = mfcc
    cases["mfcc.other"] = lambda: mfcc(sample_rate=16000, upper_frequency_limit=7000.0, lower_frequency_limit=5.0, filterbank_channel_count=20, dct_coefficient_count=20)
    for bad in ({"upper_frequency_limit": 1.0}, {"filterbank_channel_count": 5}, {"dct_coefficient_count": 0}, {"sample_rate": 0}):
        cases[f"mfcc.bad.{next(iter(bad))}"] = lambda bad=bad: mfcc(**bad)
    return cases


def recurrent(tf):
    r, (_, f) = tf.raw_ops, _draws()
    n, width, cell, steps = 2, 3, 2, 3
    x, c, h, w, b, sequence = f(n, width), f(n, cell), f(n, cell), f(width + cell, 4 * cell), f(4 * cell), f(steps, n, width)
    wci, wcf, wco = f(cell), f(cell), f(cell)
    cases = {}
    for peephole in (False, True):
        step = lambda peephole=peephole, **more: r.LSTMBlockCell(x=x, cs_prev=c, h_prev=h, w=w, wci=wci, wcf=wcf, wco=wco, b=b, use_peephole=peephole, **more)

        def back(peephole=peephole, step=step):
            i, cs, ff, o, ci, co, _ = step()
            return r.LSTMBlockCellGrad(x=x, cs_prev=c, h_prev=h, w=w, wci=wci, wcf=wcf, wco=wco, b=b, use_peephole=peephole, i=i, cs=cs, f=ff, o=o, ci=ci, co=co,
                                       cs_grad=c, h_grad=h)  # fmt: skip

        layer = lambda name, *values, peephole=peephole: getattr(r, name)(
            seq_len_max=np.int64(steps), **dict(zip("x cs_prev h_prev w wci wcf wco b".split(), values)), use_peephole=peephole, cell_clip=0.9)  # fmt: skip
        values = (sequence, c, h, w, wci, wcf, wco, b)
        cases[f"lstm.{peephole}"], cases[f"lstm.clip.{peephole}"], cases[f"lstm.grad.{peephole}"] = step, lambda step=step: step(cell_clip=0.3), back
        cases[f"block.{peephole}"] = lambda layer=layer: layer("BlockLSTM", *values)
        cases[f"block2.{peephole}"] = lambda layer=layer: layer("BlockLSTMV2", *values)
        cases[f"block.grad.{peephole}"] = _gradients(tf, lambda *v, layer=layer: (lambda o: [o[1], o[6]])(layer("BlockLSTM", *v)), *values)
    gates = {"x": x, "h_prev": h, "w_ru": f(width + cell, 2 * cell), "w_c": f(width + cell, cell), "b_ru": f(2 * cell), "b_c": f(cell)}
    cases["gru"] = lambda: r.GRUBlockCell(**gates)
    cases["gru.grad"] = lambda: (lambda o: r.GRUBlockCellGrad(**gates, r=o[0], u=o[1], c=o[2], d_h=h))(r.GRUBlockCell(**gates))
    cases["gru.bad"] = lambda: r.GRUBlockCell(**{**gates, "b_c": f(cell + 1)})
    return cases


def sparse_matrices(tf):
    r, (rng, f) = tf.raw_ops, _draws()
    cases = {}

    def thin(*s):
        found = f(*s)
        found[rng.random(s) < 0.5] = 0
        return found

    csr = lambda a: r.DenseToCSRSparseMatrix(dense_input=a, indices=tf.where(tf.not_equal(a, 0)))
    dense = lambda m, kind=tf.float32: r.CSRSparseMatrixToDense(sparse_input=m, type=kind)
    for batch in ((), (2,)):
        a, b, a2, d = thin(*batch, 4, 5), thin(*batch, 5, 3), thin(*batch, 4, 5), f(*batch, 5, 3)
        square = thin(*batch, 4, 4)
        square = (square @ np.swapaxes(square, -1, -2) + 5 * np.eye(4)).astype("f")
        order = np.broadcast_to(np.array([2, 0, 3, 1], "i"), (*batch, 4))
        here = {
            "dense": lambda a=a: dense(csr(a)),
            "parts": lambda a=a: r.CSRSparseMatrixToSparseTensor(sparse_matrix=csr(a), type=tf.float32),
            "components": lambda a=a: r.CSRSparseMatrixComponents(csr_sparse_matrix=csr(a), index=0, type=tf.float32),
            "components.bad": lambda a=a: r.CSRSparseMatrixComponents(csr_sparse_matrix=csr(a), index=5, type=tf.float32),
            "count": lambda a=a: r.SparseMatrixNNZ(sparse_matrix=csr(a)),
            "transposed": lambda a=a: dense(r.SparseMatrixTranspose(input=csr(a), type=tf.float32)),
            "product": lambda a=a, b=b: dense(r.SparseMatrixSparseMatMul(a=csr(a), b=csr(b), type=tf.float32)),
            "product.t": lambda a=a, a2=a2: dense(r.SparseMatrixSparseMatMul(a=csr(a), b=csr(a2), transpose_a=True, type=tf.float32)),
            "product.adjoint": lambda a=a, a2=a2: dense(r.SparseMatrixSparseMatMul(a=csr(a), b=csr(a2), adjoint_b=True, type=tf.float32)),
            "cholesky": lambda m=square, order=order: dense(r.SparseMatrixSparseCholesky(input=csr(m), permutation=order, type=tf.float32)),
            "dense.bad": lambda a=a: r.SparseMatrixMatMul(a=csr(a), b=a),
        }
        for flag, other in (("", d), ("transpose_output", d), ("conjugate_output", d), ("adjoint_a", f(*batch, 4, 3)), ("adjoint_b", f(*batch, 3, 5))):
            flags = {flag: True} if flag else {}
            here[f"times.{flag}"] = lambda a=a, other=other, flags=flags: r.SparseMatrixMatMul(a=csr(a), b=other, **flags)
            here[f"times.{flag}.grad"] = _gradients(tf, lambda p, q, flags=flags: r.SparseMatrixMatMul(a=csr(p), b=q, **flags), a, other)
        cases.update({f"{len(batch)}.{k}": v for k, v in here.items()})
    z = (thin(3, 4) + 1j * thin(3, 4)).astype("F")
    cases["complex"] = lambda: dense(r.SparseMatrixTranspose(input=csr(z), conjugate=True, type=tf.complex64), tf.complex64)
    cases["complex.type"] = lambda: dense(csr(z))
    cases["complex.times"] = lambda: r.SparseMatrixMatMul(a=csr(z), b=z, adjoint_a=True)
    for k, (indices, dims) in enumerate((([[0, 1], [2, 0]], [3, 2]), ([[0, 1], [5, 0]], [3, 2]), ([[0], [1]], [3]))):
        cases[f"from.{k}"] = lambda indices=indices, dims=dims: dense(
            r.SparseTensorToCSRSparseMatrix(indices=indices, values=[1.0, 2.0], dense_shape=dims))  # fmt: skip
    return cases


def fractional(tf):
    r, (_, f) = tf.raw_ops, _draws()
    x, dy = f(2, 9, 8, 3), f(2, 4, 4, 3)
    rows, columns = np.array([0, 2, 3, 5, 9]), np.array([0, 1, 4, 6, 8])
    cases = {}
    for overlapping in (False, True):
        cases[f"avg.back.{overlapping}"] = lambda o=overlapping: r.FractionalAvgPoolGrad(
            orig_input_tensor_shape=[2, 9, 8, 3], out_backprop=dy, row_pooling_sequence=rows, col_pooling_sequence=columns, overlapping=o)  # fmt: skip
        cases[f"max.back.wrong.{overlapping}"] = lambda o=overlapping: r.FractionalMaxPoolGrad(
            orig_input=x, orig_output=dy, out_backprop=dy, row_pooling_sequence=rows, col_pooling_sequence=columns, overlapping=o)  # fmt: skip
        for kind in ("Max", "Avg"):
            pool = getattr(r, f"Fractional{kind}Pool")
            half = {"pooling_ratio": [1, 2.0, 2.0, 1], "overlapping": overlapping, "deterministic": True, "seed": 1}
            for dtype in ("f", "i"):
                cases[f"{kind}.{overlapping}.{dtype}"] = lambda pool=pool, half=half, dtype=dtype: pool(value=(x[:, :8] * 10).astype(dtype), **half)
            cases[f"{kind}.{overlapping}.grad"] = _gradients(tf, lambda v, pool=pool, half=half: pool(value=v, **half)[0], x[:, :8])
    for k, ratio in enumerate(([1, 1.5, 1.2, 2], [1, 0.5, 1, 1], [1.0, 1.5], [1, 10.0, 1, 1])):
        cases[f"ratio.{k}"] = lambda ratio=ratio: r.FractionalMaxPool(value=x, pooling_ratio=ratio)
    for k, ratio in enumerate(([1, 1.5, 1.2, 2], [2.0], [2.0, 2.0, 2.0], 0.5)):
        cases[f"public.{k}"] = lambda ratio=ratio: tf.nn.fractional_max_pool(x, ratio)
    return cases


def counts(tf):
    r, (_, f) = tf.raw_ops, _draws()
    at, values, weights = np.array([[0, 0], [0, 2], [2, 1]]), np.array([1, 5, 1]), np.array([0.5, 2.0, 3.0], "f")
    none, cases = np.zeros(0, "f"), {}
    sparse = lambda **change: r.SparseBincount(**{"indices": at, "values": values, "dense_shape": [3, 3], "size": np.int64(4), "weights": none, **change})
    ragged = lambda **change: r.RaggedBincount(**{"splits": [0, 2, 2, 3], "values": values, "size": np.int64(6), "weights": none, **change})
    for binary in (False, True):
        cases[f"sparse.{binary}"] = lambda binary=binary: sparse(binary_output=binary)
        cases[f"ragged.{binary}"] = lambda binary=binary: ragged(binary_output=binary)
    cases["sparse.weights"], cases["ragged.weights"] = lambda: sparse(weights=weights), lambda: ragged(weights=weights)
    cases["sparse.vector"] = lambda: sparse(indices=[[0], [1], [2]], dense_shape=[3])
    cases["sparse.negative"], cases["sparse.size"] = lambda: sparse(values=[-1, 0, 1]), lambda: sparse(size=np.int64(-1))
    cases["ragged.end"], cases["ragged.start"] = lambda: ragged(splits=[0, 2]), lambda: ragged(splits=[1, 3])
    fill = lambda **change: r.RaggedFillEmptyRows(**{"value_rowids": [0, 0, 3], "values": f(3), "nrows": np.int64(5), "default_value": np.float32(7), **change})
    cases["fill"], cases["fill.low"] = fill, lambda: fill(nrows=np.int64(3))
    cases["fill.grad"] = lambda: r.RaggedFillEmptyRowsGrad(reverse_index_map=[2, 0], grad_values=np.arange(4, dtype="f"))
    return cases


def debug(tf):
    r = tf.raw_ops
    mixed = np.array([1.0, np.nan, -2.0, np.inf, 0.0], "f")
    cases = {f"summary2.{mode}": lambda mode=mode: r.DebugNumericSummaryV2(input=mixed[None], tensor_debug_mode=mode, tensor_id=7) for mode in range(2, 9)}
    cases["nan"] = lambda: r.DebugNanCount(input=mixed, tensor_name="a:0")
    cases["summary"] = lambda: r.DebugNumericSummary(input=mixed, tensor_name="a:0")
    cases["summary.bounds"] = lambda: r.DebugNumericSummary(input=[[1, 2, -4]], lower_bound=-1.0, upper_bound=1.5, tensor_name="a:0")
    cases["device"] = lambda: [r.DeviceIndex(device_names=["CPU", "GPU"]), r.DeviceIndex(device_names=["GPU", "CPU"]), r.DeviceIndex(device_names=["TPU"])]
    cases["copy"] = lambda: r.Copy(input=[1, 2])
    return cases


def tables(tf):
    r = tf.raw_ops
    cases = {}
    for name in ("AnonymousMutableHashTable", "AnonymousHashTable"):

        def run(name=name):
            t = getattr(r, name)(key_dtype=tf.int64, value_dtype=tf.float32)
            keys, values = tf.constant([1, 2], tf.int64), tf.constant([3.0, 4.0])
            put = r.InitializeTableV2 if name == "AnonymousHashTable" else r.LookupTableInsertV2
            put(table_handle=t, keys=keys, values=values)
            return r.LookupTableFindV2(table_handle=t, keys=tf.constant([2, 9], tf.int64), default_value=-1.0)

        cases[name] = run

    def mutex():
        m = r.MutexV2()
        r.ConsumeMutexLock(mutex_lock=r.MutexLock(mutex=m))
        return r.Identity(input=1)

    cases["mutex"] = mutex

    def tensor_map():
        m = r.TensorMapInsert(input_handle=r.EmptyTensorMap(), key=1, value=2.0)
        return [r.TensorMapSize(input_handle=m), r.TensorMapStackKeys(input_handle=m, key_dtype=tf.int32), r.TensorMapHasKey(input_handle=m, key=3),
                r.TensorMapLookup(input_handle=m, key=1, value_dtype=tf.float32)]  # fmt: skip

    cases["map"] = tensor_map
    cases["map.missing"] = lambda: r.TensorMapLookup(input_handle=r.EmptyTensorMap(), key=1, value_dtype=tf.float32)
    cases["map.erase"] = lambda: r.TensorMapErase(input_handle=r.EmptyTensorMap(), key=1, value_dtype=tf.float32)
    cases["map.keys"] = lambda: r.TensorMapStackKeys(input_handle=r.EmptyTensorMap(), key_dtype=tf.int32)
    return cases


def fused(tf):
    r, (_, f) = tf.raw_ops, _draws()
    x, w, around, cases = f(1, 5, 6, 3), f(2, 3, 3, 4), [[0, 0], [1, 1], [2, 1], [0, 0]], {}
    for mode in ("REFLECT", "SYMMETRIC"):
        for padding in ("SAME", "VALID"):
            both = {"input": x, "filter": w, "mode": mode, "padding": padding, "paddings": around}
            cases[f"pad.{mode}.{padding}"] = lambda both=both: r.FusedPadConv2D(**both, strides=[1, 1, 1, 1])
            for corners in (False, True):
                cases[f"resize.{mode}.{padding}.{corners}"] = lambda both=both, corners=corners: r.FusedResizeAndPadConv2D(
                    **both, size=[7, 9], strides=[1, 2, 2, 1], resize_align_corners=corners)  # fmt: skip
    cases["bad"] = lambda: r.FusedPadConv2D(input=x, filter=w, mode="REFLECT", padding="SAME", paddings=[[0, 0], [1, 1], [2, 1], [1, 0]], strides=[1, 1, 1, 1])
    return cases


def quantized(tf):
    r, (rng, _), cases = tf.raw_ops, _draws(), {}
    kinds = {tf.quint8: tf.uint8, tf.qint32: tf.int32}
    small = lambda *s: rng.integers(0, 256, s).astype(np.uint8)
    held = lambda a: tf.bitcast(tf.constant(a), tf.quint8 if a.dtype == np.uint8 else tf.qint32)
    plain = lambda found: [tf.bitcast(t, kinds[t.dtype]) if t.dtype in kinds else t for t in found]
    a, b, x, w, big = small(3, 4), small(4, 5), small(1, 5, 6, 2), small(2, 3, 2, 4), rng.integers(-100000, 100000, (3, 4)).astype(np.int32)
    for low, high in ((0.0, 6.0), (-1.0, 3.0), (-5.0, 5.0)):
        one, two, three = {"min_x": low, "max_x": high}, {"min_y": -2.0, "max_y": 1.5}, {"min_input": low, "max_input": high}
        here = {
            "matmul": lambda low=low, high=high: r.QuantizedMatMul(a=held(a), b=held(b), min_a=low, max_a=high, min_b=-2.0, max_b=1.5),
            "mul": lambda one=one, two=two: r.QuantizedMul(x=held(a), y=held(a), **one, **two),
            "relu": lambda low=low, high=high: r.QuantizedRelu(features=held(a), min_features=low, max_features=high),
            "relu6": lambda low=low, high=high: r.QuantizedRelu6(features=held(a), min_features=low, max_features=high * 3),
            "used": lambda low=low, high=high: r.RequantizationRange(input=held(big), input_min=low * 1e3, input_max=high * 1e3),
        }
        for padding in ("SAME", "VALID"):
            pool = {**three, "padding": padding}
            here[f"conv.{padding}"] = lambda pool=pool: r.QuantizedConv2D(input=held(x), filter=held(w), min_filter=-1.0, max_filter=1.0, strides=[1, 2, 2, 1], **pool)
            here[f"max.{padding}"] = lambda pool=pool: r.QuantizedMaxPool(input=held(x), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], **pool)
            here[f"avg.{padding}"] = lambda pool=pool: r.QuantizedAvgPool(input=held(x), ksize=[1, 3, 2, 1], strides=[1, 2, 1, 1], **pool)
        cases.update({f"{k}.{low}": lambda v=v: plain(v()) for k, v in here.items()})
    cases["concat"] = lambda: plain(r.QuantizedConcat(concat_dim=0, values=[held(a), held(a)], input_mins=[0.0, 0.0], input_maxes=[6.0, 6.0]))
    cases["reshape"] = lambda: plain(r.QuantizedReshape(tensor=held(a), shape=[2, 6], input_min=0.0, input_max=1.0))
    return cases


GROUPS = {g.__name__: g for g in (audio, recurrent, sparse_matrices, fractional, counts, debug, tables, fused, quantized)}
