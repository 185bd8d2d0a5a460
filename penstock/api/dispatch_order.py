"""Which function dispatchers are told of: in TensorFlow it is the inner one where a public function calls another.

`tf.squeeze` of 2.x calls that of 1.x, so a dispatcher sees `compat.v1.squeeze` with the parameters of 1.x.
"""

import inspect

from penstock.api.lazy import INDEX, V1, resolve

INNER = {
    "squeeze": (V1 + "squeeze", "input axis name", {}),
    "shape": (V1 + "shape", "input name out_type", {}),
    "size": (V1 + "size", "input name out_type", {}),
    "transpose": (V1 + "transpose", "a perm name conjugate", {}),
    "gather": (V1 + "gather", "params indices validate_indices name axis batch_dims", {}),
    "gather_nd": (V1 + "gather_nd", "params indices name batch_dims bad_indices_policy", {}),
    "pad": (V1 + "pad", "tensor paddings mode name constant_values", {}),
    "norm": (V1 + "norm", "tensor ord axis keepdims name", {}),
    "boolean_mask": (V1 + "boolean_mask", "tensor mask name axis", {}),
    "batch_to_space": (V1 + "batch_to_space_nd", "input block_shape crops name", {}),
    "divide": ("math.truediv", "x y name", {}),
    "nn.embedding_lookup": (V1 + "nn.embedding_lookup", "params ids partition_strategy name max_norm", {"partition_strategy": "div"}),
    "nn.conv1d": (V1 + "nn.conv1d", "value filters stride padding use_cudnn_on_gpu data_format name dilations", {"use_cudnn_on_gpu": True}),
    "nn.conv2d": (V1 + "nn.conv2d", "input filter strides padding use_cudnn_on_gpu data_format dilations name", {"use_cudnn_on_gpu": True}),
    "nn.depthwise_conv2d": (V1 + "nn.depthwise_conv2d", "input filter strides padding rate name data_format", {}),
    "nn.pool": (V1 + "nn.pool", "input window_shape pooling_type padding dilation_rate strides name data_format", {}),
    "nn.crelu": (V1 + "nn.crelu", "features name axis", {}),
    "nn.in_top_k": (V1 + "math.in_top_k", "predictions targets k name", {}),
    "nn.sigmoid_cross_entropy_with_logits": (V1 + "nn.sigmoid_cross_entropy_with_logits", "labels logits name", {}),
    "nn.softmax_cross_entropy_with_logits": (V1 + "nn.softmax_cross_entropy_with_logits_v2", "labels logits axis name", {}),
    "nn.sparse_softmax_cross_entropy_with_logits": (V1 + "nn.sparse_softmax_cross_entropy_with_logits", "labels logits name", {}),
    "scan": (V1 + "scan", "fn elems initializer parallel_iterations back_prop swap_memory infer_shape reverse name", {}),
}  # fmt: skip
"""Function of 2.x -> (the one that dispatchers are told of, the parameters it is called with, values that it always gets)."""
RENAMED = {"value": "input", "filter": "filters", "rate": "dilations", "dilation_rate": "dilations"}
"""Parameter of the inner function -> that of the outer one."""
UNKNOWN = frozenset(
    "case cond constant map_fn while_loop switch_case vectorized_map function py_function numpy_function sparse.from_dense is_tensor "
    "foldl foldr stop_recording executing_eagerly init_scope name_scope device control_dependencies group".split()
)
"""Functions that dispatchers are never told of."""
_inner = {}


def inner_of(api):
    """(the function that dispatchers are told of, its parameters, values that it always gets); None where it is `api` itself."""
    if not _inner:
        for name, (target, parameters, values) in INNER.items():
            if INDEX.get(name) and INDEX.get(target):
                _inner[INDEX.get(name)] = INDEX.get(target), parameters.split(), values
    found = _inner.get(f"{api.__module__}:{api.__qualname__}")
    return None if found is None else (resolve(found[0]), *found[1:])


def as_inner(api, args, kwargs):
    """(function, args, kwargs) that dispatchers are told of for a call of `api`."""
    found = inner_of(api)
    if found is None:
        return api, args, kwargs
    target, parameters, values = found
    signature = inspect.signature(api)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    given = {}
    for name in parameters:
        outer = name if name in signature.parameters else RENAMED.get(name, name)
        if outer in bound.arguments:
            given[name] = bound.arguments[outer]
        elif name in values:
            given[name] = values[name]
        else:
            given[name] = None
    first = parameters[0]
    return target, (given.pop(first),), given
