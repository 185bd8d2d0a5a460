"""The data service: a dispatcher and its workers in this process."""

import pytest

import penstock as tf
from penstock.base import errors

service = tf.data.experimental.service
DS = tf.data.Dataset


@pytest.fixture
def two_workers():
    dispatcher = service.DispatchServer()
    workers = [service.WorkerServer(service.WorkerConfig(dispatcher_address=dispatcher.target.split("://")[1])) for _ in range(2)]
    yield dispatcher.target
    for server in [*workers, dispatcher]:
        server.stop()


def numbers(dataset):
    return sorted(int(x) for x in dataset)


def test_each_worker_makes_the_whole_or_all_make_it_once(two_workers):
    dataset = DS.range(4).map(lambda x: x * x)
    assert numbers(dataset.apply(service.distribute("parallel_epochs", two_workers))) == [0, 0, 1, 1, 4, 4, 9, 9]
    once = dataset.apply(service.distribute(service.ShardingPolicy.DYNAMIC, two_workers))
    assert numbers(once.map(lambda x: x + 1).repeat(2)) == [1, 1, 2, 2, 5, 5, 10, 10]
    assert once.element_spec == tf.TensorSpec([], tf.int64) and int(once.cardinality()) == tf.data.UNKNOWN_CARDINALITY


def test_iterators_share_a_job_of_one_name(two_workers):
    make = lambda: DS.range(6).apply(service.distribute("distributed_epoch", two_workers, job_name="shared"))
    first, second = iter(make()), iter(make())
    assert sorted([int(next(first)), int(next(second)), *[int(x) for x in first], *[int(x) for x in second]]) == list(range(6))


def test_consumers_read_in_rounds():
    dispatcher = service.DispatchServer()
    worker = service.WorkerServer(service.WorkerConfig(dispatcher._address))
    read = [iter(DS.range(10).apply(service.distribute("parallel_epochs", dispatcher.target, "rounds", i, 2))) for i in range(2)]
    assert [[int(next(r)) for r in read] for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]
    worker.stop()


def test_registered_datasets(two_workers):
    key = service.register_dataset(two_workers, DS.range(3).batch(2))
    assert key.dtype == tf.string
    found = service.from_dataset_id("distributed_epoch", two_workers, key)
    assert found.element_spec == tf.TensorSpec([None], tf.int64) and [x.tolist() for x in found.as_numpy_iterator()] == [[0, 1], [2]]
    assert service.register_dataset(two_workers, DS.range(3), dataset_id="mine").numpy() == b"mine"
    with pytest.raises(errors.NotFoundError):
        service.from_dataset_id("distributed_epoch", two_workers, "other")


def test_errors(two_workers):
    for wrong in (dict(processing_mode="nope", service=two_workers), dict(processing_mode="parallel_epochs", service=two_workers, job_name=""),
                  dict(processing_mode="parallel_epochs", service=two_workers, compression="x")):  # fmt: skip
        with pytest.raises(ValueError):
            service.distribute(**wrong)
    with pytest.raises(ValueError, match="must not be empty"):
        DS.range(1).apply(service.distribute("parallel_epochs", ""))
    with pytest.raises(errors.NotFoundError, match="not in the workers list"):
        numbers(DS.range(4).apply(service.distribute(service.ShardingPolicy.DATA, two_workers)))
    with pytest.raises(ValueError, match="work dir"):
        service.DispatchServer(service.DispatcherConfig(fault_tolerant_mode=True))
    with pytest.raises(errors.UnavailableError):
        numbers(DS.range(1).apply(service.distribute("parallel_epochs", "grpc://localhost:1")))
