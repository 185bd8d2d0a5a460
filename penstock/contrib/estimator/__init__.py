"""`tf.contrib.estimator`: heads of 1.x by function, and what extends an Estimator."""
