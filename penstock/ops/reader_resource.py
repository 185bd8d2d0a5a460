"""What a 1.x reader holds: a file taken from a queue of names, and how far it has been read."""

import threading
from collections.abc import Iterator
from typing import Any

from penstock.base.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock.base.files import told_as
from penstock.base.proto.reader_base_pb2 import ReaderBaseState
from penstock.base.records import open_for_reading, read_records

Record = tuple[bytes, bytes]


class Reader:
    """Reads records of one file (a work unit) after the other; the kinds differ in `records`."""

    whole = False  # is a work unit one record?

    def __init__(self, name: str, kind: str):
        self.name, self.kind = name, kind
        self.lock = threading.RLock()
        self.reset()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}>"

    def records(self, work: bytes) -> Iterator[Record]:
        """The (key, value) pairs of one work unit."""
        raise UnimplementedError(None, None, f"{self.kind} cannot read")

    def reset(self) -> None:
        """Back to the state at the start."""
        self.started = self.finished = self.produced = 0
        self.work = b""
        self._records: Iterator[Record] | None = None

    def read(self, queue: Any, limit: int) -> list[Record]:
        """Up to `limit` records of the present file, or of the first of the next files that has any; waits for the queue."""
        with self.lock:
            while True:
                if self._records is None:
                    self._begin(queue)
                assert self._records is not None
                taken: list[Record] = []
                try:
                    for record in self._records:
                        taken.append(record)
                        if len(taken) == limit:
                            break
                except OpError as error:
                    self._records = _failing(error)  # the next read meets the same file in the same state
                    raise
                self.produced += len(taken)
                if len(taken) < limit or self.whole:
                    self._end()
                if taken:
                    return taken

    def _begin(self, queue: Any) -> None:
        (name,) = queue.dequeue(1)[0]
        self.work = name.item() if hasattr(name, "item") else name
        self.started += 1
        self._records = self.records(self.work)

    def _end(self) -> None:
        self.finished = self.started
        self._records = None

    def state(self) -> bytes:
        """The state as a string, for `restore`."""
        raise UnimplementedError(None, None, f"{self.kind} does not support SerializeState")

    def restore(self, state: bytes) -> None:
        raise UnimplementedError(None, None, f"{self.kind} does not support RestoreState")


def _failing(error: OpError) -> Iterator[Record]:
    raise type(error)(None, None, error.message)
    yield


class IdentityReader(Reader):
    """Gives each work unit as key and value."""

    whole = True

    def records(self, work: bytes) -> Iterator[Record]:
        return iter([(work, work)])

    def state(self) -> bytes:
        with self.lock:
            proto = ReaderBaseState(work_started=self.started, work_finished=self.finished, num_records_produced=self.produced, current_work=self.work)
            return proto.SerializeToString()

    def restore(self, state: bytes) -> None:
        proto = ReaderBaseState()
        try:
            proto.ParseFromString(state)
            bad = min(proto.work_started, proto.work_finished, proto.num_records_produced) < 0 or proto.work_started < proto.work_finished
        except Exception:  # noqa: BLE001 - protobuf's own class depends on its implementation
            bad = True
        if bad:
            raise InvalidArgumentError(None, None, f"Could not parse state for IdentityReader '{self.name}': {state!r}")
        with self.lock:
            self.started, self.finished, self.produced = proto.work_started, proto.work_finished, proto.num_records_produced
            self.work, self._records = proto.current_work, None


class WholeFileReader(Reader):
    """Gives each file as one record: its name and its bytes."""

    whole = True

    def records(self, work: bytes) -> Iterator[Record]:
        with told_as(work.decode()), open(work, "rb") as file:
            data = file.read()
        yield work, data


class TextLineReader(Reader):
    """Gives the lines of files, without their ends; keys are `file:line`, counted from 1."""

    def __init__(self, name: str, kind: str, skip: int):
        self.skip = skip
        super().__init__(name, kind)

    def records(self, work: bytes) -> Iterator[Record]:
        with told_as(work.decode()), open(work, "rb") as file:
            for number, line in enumerate(file, 1):
                if number > self.skip:
                    line = line.removesuffix(b"\n")
                    yield b"%s:%d" % (work, number), line.removesuffix(b"\r")


class FixedLengthRecordReader(Reader):
    """Gives records of one length; keys are `file:index`, counted from 0."""

    def __init__(self, name: str, kind: str, header: int, record: int, footer: int, hop: int, encoding: str):
        if encoding not in ("", "ZLIB", "GZIP"):
            raise InvalidArgumentError(None, None, f"Unknown encoding type: {encoding}; it has to be ZLIB or GZIP")
        self.header, self.record, self.footer, self.hop, self.encoding = header, record, footer, hop or record, encoding
        super().__init__(name, kind)

    def records(self, work: bytes) -> Iterator[Record]:
        file = open_for_reading(work.decode(), self.encoding)
        try:
            data = file.read()
        finally:
            file.close()
        last = len(data) - self.footer - self.record
        for index, at in enumerate(range(self.header, last + 1, self.hop)):
            yield b"%s:%d" % (work, index), data[at : at + self.record]


class TFRecordReader(Reader):
    """Gives the records of TFRecord files; keys are `file:offset` in bytes."""

    def __init__(self, name: str, kind: str, compression: str):
        self.compression = compression
        super().__init__(name, kind)

    def records(self, work: bytes) -> Iterator[Record]:
        for offset, data in read_records(work.decode(), self.compression):
            yield b"%s:%d" % (work, offset), data
