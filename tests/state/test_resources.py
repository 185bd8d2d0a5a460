"""Resources of a graph, protos of collections, and the names of 1.x summaries that libraries ask for."""

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.base.proto import variable_pb2
from penstock.distribute.tpu_topology import Topology, device_assignment
from penstock.state import collection_protos, resources
from penstock.summary.scopes import summary_scope


def test_resources_are_reported_until_they_are_made():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", [])
        resources.register_resource(v, v.initializer, tf.is_variable_initialized(v))
        missing = resources.report_uninitialized_resources()
        assert session.run(missing).tolist() == [b"v:0"]
        session.run(resources.initialize_resources(resources.shared_resources()))
        assert session.run(missing).size == 0
        assert session.run(resources.report_uninitialized_resources([])).size == 0


def test_elements_of_a_collection_go_through_their_protos():
    def to_proto(element, export_scope=None):
        return variable_pb2.VariableDef(variable_name=element)

    def from_proto(proto, import_scope=None):
        return proto.variable_name

    collection_protos.register_proto_function("test words", variable_pb2.VariableDef, to_proto, from_proto)
    with pytest.raises(KeyError):
        collection_protos.register_proto_function("test words", variable_pb2.VariableDef, to_proto, from_proto)
    with tf.Graph().as_default() as graph:
        tf.add_to_collection("test words", "w")
        meta = tf.train.export_meta_graph(graph=graph)
    assert len(meta.collection_def["test words"].bytes_list.value) == 1
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(meta)
        assert graph.get_collection("test words") == ["w"]


def test_summary_scopes():
    with tf.Graph().as_default():
        with summary_scope("a b/c", "fam") as names:
            assert names == ("fam/fam/a_b/c", "fam/a_b/c/")
        with summary_scope(None, None, "dd") as names:
            assert names == ("dd", "dd/")


def test_topology_and_assignment():
    mesh = Topology(mesh_shape=[2, 1, 2], device_coordinates=np.array([[[0, 0, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 1]]]))
    assert (mesh.num_tasks, mesh.num_tpus_per_task, mesh.mesh_rank) == (2, 2, 3)
    assert mesh.tpu_device_name_at_coordinates([1, 0, 1], job="w") == "/job:w/task:1/device:TPU:1"
    assert Topology(serialized=mesh.serialized()).device_coordinates.tolist() == mesh.device_coordinates.tolist()
    pairs = device_assignment(mesh, computation_shape=[1, 1, 2], num_replicas=2)
    assert pairs.core_assignment.tolist() == [[[0, 0, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 1]]]
    with pytest.raises(ValueError, match="only 4 replicas"):
        device_assignment(mesh, num_replicas=5)


def test_dimensions_among_numbers_become_sizes():
    with tf.Graph().as_default():
        assert tf.reshape(tf.zeros([5, 3, 4]), [tf.Dimension(5), 12]).shape == [5, 12]
        with pytest.raises(ValueError, match="unknown Dimension"):
            tf.convert_to_tensor([tf.Dimension(None), 3])
