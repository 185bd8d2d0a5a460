"""`tf.contrib.feature_column`: sequence columns, and the layer that takes them."""

from penstock.contrib.names import again, contrib_constant

_LAYERS = "penstock.feature_column.layers"
contrib_constant("feature_column.sequence_input_layer", module=_LAYERS, attr="sequence_input_layer")
again("feature_column", "feature_column", "sequence_categorical_column_with_hash_bucket sequence_categorical_column_with_identity "
      "sequence_categorical_column_with_vocabulary_file sequence_categorical_column_with_vocabulary_list sequence_numeric_column")  # fmt: skip
