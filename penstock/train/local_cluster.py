"""`tf.test.create_local_cluster`: a cluster of servers inside this process."""

from penstock.base.export import export
from penstock.platform.test_conditions import pick_unused_port
from penstock.train.server import ClusterSpec, Server


@export("test.create_local_cluster")
def create_local_cluster(num_workers, num_ps, protocol="grpc", worker_config=None, ps_config=None):
    """(the servers of the workers, those of the parameter servers), all started in this process.

    >>> workers, _ = tf.test.create_local_cluster(num_workers=1, num_ps=1)
    >>> len(workers)
    1
    """
    addresses = lambda n: [f"localhost:{pick_unused_port()}" for _ in range(n)]
    cluster = ClusterSpec({"worker": addresses(num_workers), "ps": addresses(num_ps)})
    make = lambda job, i, config: Server(cluster, job_name=job, task_index=i, protocol=protocol, config=config, start=True)
    return [make("worker", i, worker_config) for i in range(num_workers)], [make("ps", i, ps_config) for i in range(num_ps)]
