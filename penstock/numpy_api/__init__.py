"""`tf.experimental.numpy`: NumPy's functions, types and promotion on tensors."""
