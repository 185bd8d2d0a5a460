"""Small programs of array ops, run by a real TensorFlow (see `make_arrays.py`) and by penstock.

`programs(tf)`: name -> (function of two tensors, the first array, the second).  `run` gives value and gradient, or the
class of the error.
"""
# ruff: noqa

import numpy as np

_rng = np.random.RandomState(0)
x34, x235 = _rng.rand(3, 4).astype("float32"), _rng.rand(2, 3, 5).astype("float32")
I = np.int32


def programs(tf):
    return {
    "dynidx": (lambda x,i: x[i], x34, I(1)),
    "dynidx2": (lambda x,i: x[i,:-1]*2, x34, I(-1)),
    "dynidx3": (lambda x,i: x[:,i]*x[:,0], x34, I(2)),
    "dynidx4": (lambda x,i: x[...,i,None,1:], x235, I(2)),
    "dynrange": (lambda x,i: x[i:]*2, x34, I(1)),
    "dynrange2": (lambda x,i: x[i:i+2], x34, I(1)),
    "slice_dyn": (lambda x,i: tf.slice(x,[i,0],[1,-1])**2, x34, I(1)),
    "slice_dyn2": (lambda x,i: tf.slice(x,[i,1],[2,2])**2, x34, I(0)),
    "slice_size_dyn": (lambda x,i: tf.slice(x,[0,0],[i,-1])**2, x34, I(2)),
    "gather_dyn": (lambda x,i: tf.gather(x,i), x34, I([2,0,2])),
    "gather_ax": (lambda x,i: tf.gather(x,i,axis=1), x235, I([[2,0],[1,1]])),
    "gather_bd": (lambda x,i: tf.gather(x,i,axis=2,batch_dims=1)**2, x235, I([[2,0],[1,1]])),
    "gather_bd2": (lambda x,i: tf.gather(x,i,batch_dims=2)**2, x235, I([[[2],[0],[1]],[[4],[4],[0]]])),
    "gather_nd": (lambda x,i: tf.gather_nd(x,i)**2, x235, I([[0,2],[1,1]])),
    "gather_nd_bd": (lambda x,i: tf.gather_nd(x,i,batch_dims=1)**2, x235, I([[2],[1]])),
    "scatter": (lambda x,i: tf.scatter_nd(i,x,[5,4])**2, x34, I([[0],[4],[0]])),
    "tsu": (lambda x,i: tf.tensor_scatter_nd_update(x,i,x[:2]*3), x34, I([[2],[0]])),
    "tsa": (lambda x,i: tf.tensor_scatter_nd_add(x,i,x[:2]*3)**2, x34, I([[2],[2]])),
    "tsmax": (lambda x,i: tf.tensor_scatter_nd_max(x,i,x[:2])**2, x34, I([[2],[0]])),
    "bmask": (lambda x,i: tf.boolean_mask(x,x[:,0]>0.5)**2, x34, I(0)),
    "where1": (lambda x,i: tf.cast(tf.where(x>0.5),tf.float32)*tf.reduce_sum(x), x34, I(0)),
    "where3": (lambda x,i: tf.where(x>0.5,x,-x)**2, x34, I(0)),
    "sort": (lambda x,i: tf.sort(x,axis=0)*tf.reshape(tf.range(12.),[3,4]), x34, I(0)),
    "sortd": (lambda x,i: tf.sort(x,direction="DESCENDING")*tf.reshape(tf.range(12.),[3,4]), x34, I(0)),
    "argsort": (lambda x,i: tf.cast(tf.argsort(x),tf.float32)*x, x34, I(0)),
    "uniq": (lambda x,i: tf.gather(x,tf.unique(i).y)**2, x34, I([2,0,2])),
    "dynpart": (lambda x,i: tf.dynamic_partition(x,i,2)[1]**2, x34, I([1,0,1])),
    "stitch": (lambda x,i: tf.dynamic_stitch([i,[1]],[x[:2],x[2:]])**2, x34, I([0,2])),
    "partstitch": (lambda x,i: tf.dynamic_stitch(tf.dynamic_partition(tf.range(3),i,2),tf.dynamic_partition(x**2,i,2)), x34, I([1,0,1])),
    "repeat": (lambda x,i: tf.repeat(x,i,axis=0)**2, x34, I([1,0,2])),
    "repeat2": (lambda x,i: tf.repeat(x,2,axis=1)**2, x34, I([1,0,2])),
    "tile_dyn": (lambda x,i: tf.tile(x,i)**2, x34, I([2,1])),
    "pad_dyn": (lambda x,i: tf.pad(x,i,constant_values=2.)**2, x34, I([[1,0],[0,2]])),
    "pad_refl": (lambda x,i: tf.pad(x,i,"REFLECT")**2, x34, I([[1,0],[3,2]])),
    "pad_symm": (lambda x,i: tf.pad(x,[[2,3],[4,1]],"SYMMETRIC")**2, x34, I(0)),
    "resh_dyn": (lambda x,i: tf.reshape(x,[i,-1])**2, x34, I(2)),
    "resh_shape": (lambda x,i: tf.reshape(x,[tf.shape(x)[1],-1])**2, x34, I(2)),
    "transp_dyn": (lambda x,i: tf.transpose(x,i)**2*tf.ones([5,1,1]), x235, I([2,0,1])),
    "seqmask": (lambda x,i: tf.sequence_mask(i,4,dtype=tf.float32)*x, x34, I([1,4,0])),
    "seqmask2": (lambda x,i: tf.sequence_mask(i,dtype=tf.float32)*x, x34, I([1,4,0])),
    "revseq": (lambda x,i: tf.reverse_sequence(x,i,seq_axis=1)**2*tf.range(4.), x34, I([2,4,0])),
    "roll": (lambda x,i: tf.roll(x,i,axis=1)*tf.range(4.), x34, I(3)),
    "rev": (lambda x,i: tf.reverse(x,[-1])*tf.range(4.), x34, I(3)),
    "split": (lambda x,i: tf.split(x,[1,-1,2],axis=1)[2]**2, x34, I(3)),
    "splitdyn": (lambda x,i: tf.split(x,i,axis=1,num=2)[1]**2, x34, I([1,3])),
    "unstack": (lambda x,i: tf.unstack(x,axis=1)[1]**2, x34, I(3)),
    "stack": (lambda x,i: tf.stack([x,x*2],axis=-1)**2, x34, I(3)),
    "concat": (lambda x,i: tf.concat([x,x*2,x[:1]],0)**2, x34, I(3)),
    "onehot": (lambda x,i: tf.one_hot(i,4)*x, x34, I([1,3,-1])),
    "onehot_dyn": (lambda x,i: tf.one_hot([1,2,3],i)*x, x34, I(4)),
    "range_dyn": (lambda x,i: tf.cast(tf.range(i),tf.float32)*x, x34, I(4)),
    "eye": (lambda x,i: tf.matmul(x,tf.eye(4)), x34, I(4)),
    "eyedyn": (lambda x,i: tf.matmul(x,tf.eye(i)), x34, I(4)),
    "linspace": (lambda x,i: tf.linspace(x[0],x[1],5)**2, x34, I(4)),
    "linspacedyn": (lambda x,i: tf.linspace(x[0],x[1],i)**2, x34, I(4)),
    "meshgrid": (lambda x,i: tf.meshgrid(x[0],x[:,0])[1]**2, x34, I(4)),
    "fill_dyn": (lambda x,i: tf.fill([i,4],x[0,0])*x, x34, I(3)),
    "bcast": (lambda x,i: tf.broadcast_to(x[:,:1],[2,3,4])**2, x34, I(3)),
    "bcastdyn": (lambda x,i: tf.broadcast_to(x[:,:1],i)**2, x34, I([2,3,4])),
    "zeroslike": (lambda x,i: tf.zeros_like(x)+tf.ones_like(x)*x, x34, I(3)),
    "sqz": (lambda x,i: tf.squeeze(tf.expand_dims(x,1),[1])**2, x34, I(3)),
    "ensure": (lambda x,i: tf.ensure_shape(x,[None,4])**2, x34, I(3)),
    "stopg": (lambda x,i: tf.stop_gradient(x)*x, x34, I(3)),
    "searchs": (lambda x,i: tf.cast(tf.searchsorted([0.2,0.5,0.8],tf.reshape(x,[-1])),tf.float32)*tf.reshape(x,[-1]), x34, I(3)),
    "stride": (lambda x,i: x[::-1,3:0:-2]**2*tf.range(2.), x34, I(3)),
    "stride2": (lambda x,i: x[1:3,tf.newaxis,...,::2]**2, x34, I(3)),
    "i64": (lambda x,i: tf.gather(x,tf.cast(i,tf.int64))**2, x34, I([0,1])),
    "s2b": (lambda x,i: tf.space_to_batch(x[None],[1,2],[[0,0],[0,0]])**2, x34[:,:,None], I(3)),
    "bad_gather": (lambda x,i: tf.gather(x,i), x34, I([3])),
    "bad_idx": (lambda x,i: x[i], x34, I(3)),
    "bad_slice": (lambda x,i: tf.slice(x,[i,0],[2,2]), x34, I(2)),
    "bad_gnd": (lambda x,i: tf.gather_nd(x,i), x34, I([[0,9]])),
    "bad_snd": (lambda x,i: tf.scatter_nd(i,x,[2,4]), x34, I([[0],[1],[2]])),
    "bad_resh": (lambda x,i: tf.reshape(x,i), x34, I([5,2])),
    "bad_assert": (lambda x,i: (tf.debugging.assert_less(i,2),x)[1], x34, I(3)),
    "bad_num": (lambda x,i: tf.debugging.check_numerics(x/tf.cast(i,tf.float32),"mm"), x34, I(0)),
    }


def run(tf, function, x, i):
    """[value, gradient of a weighted sum] of `function(x, i)`, or the name of the error's class."""
    try:
        x, i = tf.constant(x), tf.constant(i)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, i)
            weights = tf.reshape(tf.range(tf.cast(tf.size(y), tf.float32)), tf.shape(y))
            loss = tf.reduce_sum(y * weights)
        g = tape.gradient(loss, x)
        return [y.numpy().tolist(), None if g is None else tf.convert_to_tensor(g).numpy().tolist()]
    except Exception as error:
        names = [c.__name__ for c in type(error).__mro__]
        return next(n for n in names if n.endswith("Error") and n not in ("ShapeError", "DTypeError", "OpError"))
