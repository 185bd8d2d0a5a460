"""`framework.test_util`: helpers whose parameters differ from those of `tf.test`."""

from penstock.platform.graph_check import assert_equal_graph_def_v1


def assert_equal_graph_def(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """AssertionError that says where two graphs differ."""
    assert_equal_graph_def_v1(actual, expected, checkpoint_v2, hash_table_shared_name)


def set_producer_version(graph, producer_version):
    """The producer of the graph's version is this one."""
    graph.graph_def_versions.producer = producer_version
