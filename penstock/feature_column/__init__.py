"""`tf.feature_column`: how the features of an example become the numbers that a model takes."""
