"""What TensorFlow's internal modules define with parameters or a meaning of its own, unlike the public function of that name."""

HERE = {
    "python.eager.backprop": "backprop",
    "python.eager.cancellation": "cancellation",
    "python.eager.execute": "execute",
    "python.eager.imperative_grad": "imperative_grad",
    "python.framework.function": "functional",
    "python.framework.ops": "framework_ops",
    "python.framework.test_util": "test_util",
    "python.layers.utils": "layer_conventions",
    "python.ops.array_ops": "array_ops",
    "python.ops.control_flow_ops": "control_flow",
    "python.ops.functional_ops": "functional",
    "python.ops.gradient_checker_v2": "gradient_checks",
    "python.ops.list_ops": "list_ops",
    "python.ops.logging_ops": "old_summaries",
    "python.ops.ragged.ragged_map_ops": "ragged",
    "python.ops.ragged.ragged_math_ops": "ragged",
    "python.ops.sparse_ops": "sparse_ops",
    "python.ops.state_ops": "state_ops",
    "python.ops.while_v2": "control_flow",
    "python.ops.string_ops": "string_ops",
}
"""Internal module -> the module of this package whose names win over the public ones."""
