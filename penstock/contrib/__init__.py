"""The living parts of `tf.contrib`, written as programs over the 1.x interface."""
