"""`tf.data.experimental.service`: datasets whose elements workers make."""

import enum
import itertools
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import NotFoundError
from penstock.base.export import export
from penstock.data import structure
from penstock.data.dataset import DatasetV2
from penstock.data.ordering import ShardPipe
from penstock.data.pipeline import UNKNOWN, Context, Pipe, Stream
from penstock.data.service_servers import DispatchServer, dispatcher_at
from penstock.data.stage_op import PLAIN, emit_stage, host, stage
from penstock.ir.convert import convert_to_tensor


@export("data.experimental.service.ShardingPolicy")
class ShardingPolicy(enum.IntEnum):
    """How the elements of a dataset are spread over the workers."""

    OFF = 0
    DYNAMIC = 1
    FILE = 2
    DATA = 3
    FILE_OR_DATA = 4
    HINT = 5


_MODES = {"parallel_epochs": ShardingPolicy.OFF, "distributed_epoch": ShardingPolicy.DYNAMIC}


@export("data.experimental.service.CrossTrainerCache")
class CrossTrainerCache:
    """Lets several trainers read the same elements of one job."""

    def __init__(self, trainer_id: str):
        if not trainer_id:
            raise ValueError("tf.data service cross-trainer cache requires a non-empty trainer ID.")
        self.trainer_id = trainer_id


class Job:
    """One pass over a dataset, which iterators may share."""

    def __init__(self, dispatcher: DispatchServer, pipe: Pipe, policy: ShardingPolicy, consumers: int):
        self.dispatcher, self.pipe, self.policy, self.consumers = dispatcher, pipe, policy, consumers
        self.lock = threading.Lock()
        self.ctx = Context(None, pipe.all_options())
        self.streams: dict[int, Stream] = {}
        self.ended: set[int] = set()
        self.turn = 0
        self.waiting: dict[int, list[Any]] = {}

    def _stream_of(self, worker: Any) -> Stream | None:
        key = 0 if self.policy == ShardingPolicy.DYNAMIC else id(worker)
        if key in self.ended:
            return None
        found = self.streams.get(key)
        if found is None:
            found = self.streams[key] = self._part(worker).stream(self.ctx)
        return found

    def _part(self, worker: Any) -> Pipe:
        if self.policy in (ShardingPolicy.OFF, ShardingPolicy.DYNAMIC):
            return self.pipe
        addresses = [str(a) for a in self.dispatcher._config.worker_addresses or ()]
        mine = [i for i, a in enumerate(addresses) if a in (worker.address, worker.address.rpartition(":")[0], f"{worker.address.rpartition(':')[0]}:%port%")]
        if not mine:
            shown = ", ".join(addresses)
            raise NotFoundError(
                None, None, f"Failed to shard dataset in tf.data service: Worker {worker.address} is not in the workers list. Got workers list {shown}."
            )
        return ShardPipe(self.pipe, len(addresses), mine[0])

    def _made(self) -> Any:
        """The next element of the workers, in turn; None when all are at their end."""
        while True:
            workers = self.dispatcher.ready_workers()
            open_ones = [w for w in workers if self._stream_of(w) is not None]
            if not open_ones:
                return None
            worker = open_ones[self.turn % len(open_ones)]
            self.turn += 1
            found = self._stream_of(worker).next()  # type: ignore[union-attr]
            if found is not None:
                return found
            self.ended.add(0 if self.policy == ShardingPolicy.DYNAMIC else id(worker))

    def next(self, consumer: int | None) -> Any:
        """The next element, for the consumer of this number where they read in rounds."""
        with self.lock:
            if consumer is None:
                return self._made()
            if not self.waiting.get(consumer):
                for i in range(self.consumers):
                    self.waiting.setdefault(i, []).append(self._made())
            return self.waiting[consumer].pop(0)


class ServedStream(Stream):
    """The elements that workers make for one iterator."""

    def __init__(self, job: Job, consumer: int | None):
        self.job, self.consumer = job, consumer

    def next(self) -> Any:
        return self.job.next(self.consumer)


class ServedPipe(Pipe):
    """A dataset that workers make."""

    def __init__(self, pipe: Pipe | None, key: bytes, settings: dict[str, Any]):
        self.pipe, self.key, self.settings = pipe, key, settings
        self.passes = itertools.count()

    def size(self) -> int:
        return UNKNOWN

    def stream(self, ctx: Context) -> Stream:
        s = self.settings
        dispatcher = dispatcher_at(s["address"])
        pipe = self.pipe if self.pipe is not None else dispatcher.known(self.key)[0]
        make = lambda: Job(dispatcher, pipe, ShardingPolicy(s["policy"]), s["consumers"] or 0)
        number = next(self.passes)
        if s["job"] is None:
            return ServedStream(make(), None)
        with dispatcher.changed:
            job = dispatcher.jobs.setdefault((s["job"], number), None) or make()
            dispatcher.jobs[s["job"], number] = job
        return ServedStream(job, s["consumer"])


@stage(f"ServedDataset(input_datasets: N*variant, dataset_id: string, *, N: int >= 0, {PLAIN}, settings: str) -> handle: variant", public=False)
def SERVED_DATASET(xp, input_datasets, dataset_id, *, settings):
    """The elements that the workers of a service make of a dataset."""
    pipe = input_datasets[0] if input_datasets else None
    return ServedPipe(pipe if pipe is None or isinstance(pipe, Pipe) else pipe.item(), np.asarray(dataset_id, object).item(), json.loads(settings))


# -- checks ------------------------------------------------------------------------------------------------------------
def _policy(mode: Any) -> ShardingPolicy:
    if isinstance(mode, ShardingPolicy):
        return mode
    if isinstance(mode, str) and mode in _MODES:
        return _MODES[mode]
    raise ValueError(
        "tf.data service processing mode should be a `tf.data.experimental.service.ShardingPolicy`, `\"parallel_epochs\"`, or "
        f"`\"distributed_epoch\"`. Got {mode!r}."
    )


def _address(service: Any) -> str:
    if not isinstance(service, str):
        raise ValueError(f"`service` must be a string, but `service` was of type {type(service)}. service={service}")
    if not service:
        raise ValueError("`service` must not be empty")
    parts = service.split("://")
    if len(parts) > 2:
        raise ValueError(f"Malformed `service` string has multiple '://': {service}.")
    return parts[-1]


def _settings(mode: Any, service: Any, job_name: Any, consumer_index: Any, num_consumers: Any, compression: Any = "AUTO", target_workers: Any = "AUTO") -> Any:
    policy = _policy(mode)
    if job_name is not None:
        if not isinstance(job_name, (str, bytes)):
            raise ValueError(f"`job_name` must be a string, but `job_name` was of type {type(job_name)}. job_name={job_name}")
        if not job_name:
            raise ValueError("`job_name` must not be empty")
    if compression not in ("AUTO", None, "SNAPPY"):
        raise ValueError(f"Invalid `compression` argument: {compression}. Must be one of ['AUTO', None, 'SNAPPY'].")
    whole = lambda n: None if n is None else int(np.asarray(n))

    def made() -> str:
        if (consumer_index is None) != (num_consumers is None):
            raise ValueError("Must either set both `consumer_index` and `num_consumers`, or neither. "
                             f"consumer_index={consumer_index}, num_consumers={num_consumers}")  # fmt: skip
        if num_consumers is not None and job_name is None:
            raise ValueError(f"`job_name` must be set when setting `num_consumers`. num_consumers was set to {num_consumers}.")
        if str(target_workers).upper() not in ("AUTO", "ANY", "LOCAL"):
            raise ValueError(f"`target_workers` must be AUTO, ANY or LOCAL, got {target_workers}")
        name = job_name.decode() if isinstance(job_name, bytes) else job_name
        return json.dumps({"policy": int(policy), "address": _address(service), "job": name, "consumer": whole(consumer_index), "consumers": whole(num_consumers)})

    return made


# -- the functions -----------------------------------------------------------------------------------------------------
@export("data.experimental.service.distribute")
def distribute(
    processing_mode: Any, service: Any, job_name: Any = None, consumer_index: Any = None, num_consumers: Any = None, max_outstanding_requests: Any = None,
    data_transfer_protocol: Any = None, compression: Any = "AUTO", cross_trainer_cache: Any = None, target_workers: Any = "AUTO",
) -> Callable[[DatasetV2], DatasetV2]:  # fmt: skip
    """A transformation: the elements, made by the workers of a service.

    >>> service = tf.data.experimental.service; dispatcher = service.DispatchServer()
    >>> worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=dispatcher.target.split("://")[1]))
    >>> dataset = tf.data.Dataset.range(3).apply(service.distribute("parallel_epochs", dispatcher.target))
    >>> sorted(int(x) for x in dataset)
    [0, 1, 2]
    """
    settings = _settings(processing_mode, service, job_name, consumer_index, num_consumers, compression, target_workers)

    def apply(dataset: DatasetV2) -> DatasetV2:
        attrs = structure.attrs_of(dataset.element_spec)
        variant = emit_stage(SERVED_DATASET, ([dataset._variant_tensor], convert_to_tensor(b"")), {**attrs, "settings": settings()})
        return dataset._made("_DataServiceDataset", variant, dataset.element_spec, [dataset])

    return apply


@export("data.experimental.service.register_dataset")
def register_dataset(service: Any, dataset: DatasetV2, compression: Any = "AUTO", dataset_id: str | None = None) -> Any:
    """Give a dataset to a service; its id, a string tensor, is what `from_dataset_id` takes."""
    if compression not in ("AUTO", None, "SNAPPY"):
        raise ValueError(f"Invalid `compression` argument: {compression}. Must be one of ['AUTO', None, 'SNAPPY'].")
    pipe = host(dataset._variant_tensor)
    return convert_to_tensor(dispatcher_at(_address(service)).register(pipe, dataset.element_spec, dataset_id), dtypes.string)


@export("data.experimental.service.from_dataset_id")
def from_dataset_id(
    processing_mode: Any, service: Any, dataset_id: Any, element_spec: Any = None, job_name: Any = None, consumer_index: Any = None,
    num_consumers: Any = None, max_outstanding_requests: Any = None, data_transfer_protocol: Any = None, cross_trainer_cache: Any = None,
    target_workers: Any = "AUTO",
) -> DatasetV2:  # fmt: skip
    """A dataset that was given to a service, made by its workers."""
    settings = _settings(processing_mode, service, job_name, consumer_index, num_consumers, target_workers=target_workers)()
    key = convert_to_tensor(dataset_id, dtypes.string)
    if element_spec is None:
        element_spec = dispatcher_at(_address(service)).known(key.numpy())[1]
    variant = emit_stage(SERVED_DATASET, ([], key), {**structure.attrs_of(element_spec), "settings": settings})
    return DatasetV2.range(0)._made("_DataServiceDataset", variant, element_spec, [])
