"""`ragged_map_ops` and `ragged_math_ops`: functions with parameters of their own."""

from penstock.api.inner.public import public


def map_fn(
    fn, elems, dtype=None, parallel_iterations=None, back_prop=True, swap_memory=False, infer_shape=True, name=None
):
    """`tf.map_fn` of ragged elements."""
    return public("compat.v1.map_fn")(
        fn, elems, dtype=dtype, parallel_iterations=parallel_iterations, back_prop=back_prop,
        swap_memory=swap_memory, infer_shape=infer_shape, name=name,
    )  # fmt: skip


def _segment(kind):
    def segment(data, segment_ids, num_segments, name=None):
        return public(f"math.unsorted_segment_{kind}")(data, segment_ids, num_segments, name=name)

    segment.__name__ = f"segment_{kind}"
    segment.__doc__ = f"The {kind} over each segment of a ragged tensor's rows."
    return segment


segment_sum, segment_prod, segment_min, segment_max, segment_mean, segment_sqrt_n = map(
    _segment, ("sum", "prod", "min", "max", "mean", "sqrt_n")
)
