"""The one writer of a process: a thread with a queue. Writes that wait together are committed together.

Each write of a group stands in a savepoint of its own, so one that fails takes nobody with it, and none is
acknowledged before the commit of all is on disk. A unit of work has the writer for itself from its BEGIN IMMEDIATE
to its end. Several processes may write to one file: SQLite lets them in one by one.

https://www.sqlite.org/lang_transaction.html and https://www.sqlite.org/lang_savepoint.html
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from fhir_server.store.dialects.sqlite_connections import connect, refusal_of
from fhir_server.store.dialects.sqlite_writes import write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fhir_server.store.versions import Write

T = TypeVar("T")
LARGEST_GROUP = 64
_NOTHING_WAITS = object()


class _Answer:
    """A future of the event loop, settled from the writer's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def give(self, value: Any, error: BaseException | None = None) -> None:
        """Settle the future; nobody may be waiting any more."""
        try:
            self._loop.call_soon_threadsafe(self._settle, value, error)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Job:
    """Writes that are saved together or not at all."""

    tenant: int
    writes: Sequence[Write]
    answer: _Answer


class Writer:
    """The thread, its connection and its queue."""

    def __init__(self, path: str, type_numbers: Mapping[str, int]) -> None:
        self.type_numbers = type_numbers
        self._connection = connect(path, writes=True)
        self._queue: SimpleQueue[_Job | Unit | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save `writes`, all or none. Raises StaleWrite."""
        job = _Job(tenant, writes, _Answer())
        self._queue.put(job)
        await job.answer.future

    def unit(self) -> Unit:
        """Return a unit of work, not begun yet."""
        return Unit(self)

    def enqueue(self, unit: Unit) -> None:
        """Let the unit have the writer when its turn comes."""
        self._queue.put(unit)

    def close(self) -> None:
        """Finish what is in the queue, stop the thread, close the connection."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        item = self._queue.get()
        while item is not None:
            if isinstance(item, Unit):
                item.serve(self._connection)
                item = self._queue.get()
                continue
            group, waiting = self._group_from(item)
            self._save(group)
            item = waiting if waiting is not _NOTHING_WAITS else self._queue.get()

    def _group_from(self, first: _Job) -> tuple[list[_Job], Any]:
        """Return the jobs that wait already, and the item after them that is none."""
        group = [first]
        while len(group) < LARGEST_GROUP:
            try:
                item = self._queue.get_nowait()
            except Empty:
                break
            if not isinstance(item, _Job):
                return group, item
            group.append(item)
        return group, _NOTHING_WAITS

    def _save(self, group: list[_Job]) -> None:
        errors: list[BaseException | None] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            errors += [self._attempt(job) for job in group]
            self._connection.execute("COMMIT")
        except Exception as fault:  # noqa: BLE001 - the thread lives on, and who waits is told
            _roll_back(self._connection)
            errors = [_told(fault)] * len(group)
        for job, error in zip(group, errors, strict=True):
            job.answer.give(None, error)

    def _attempt(self, job: _Job) -> BaseException | None:
        """Save one job's writes; return what went wrong, after undoing them."""
        execute = self._connection.execute
        execute("SAVEPOINT job")
        try:
            write_all(self._connection, job.tenant, job.writes, self.type_numbers)
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite itself rolled everything back: nobody's writes are there.
            execute("ROLLBACK TO job")
            execute("RELEASE job")
            return _told(error)
        execute("RELEASE job")
        return None


class Unit:
    """A transaction that has the writer for itself; each call is a message to its thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._messages: SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], _Answer] | None] = SimpleQueue()
        self._begun = _Answer()
        self.messages = 0

    async def begin(self) -> None:
        """Wait for the turn, and begin."""
        self.messages += 1
        self._writer.enqueue(self)
        try:
            await self._begun.future
        except asyncio.CancelledError:
            self._messages.put((_roll_back, _Answer()))
            self._messages.put(None)
            raise

    async def run(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Run `call` in the writer's thread."""
        self.messages += 1
        answer = _Answer()
        self._messages.put((call, answer))
        return await answer.future  # type: ignore[no-any-return]

    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save versions. Raises StaleWrite."""
        await self.run(lambda connection: write_all(connection, tenant, writes, self._writer.type_numbers))

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, and let the next one have the writer."""
        self.messages += 1
        answer = _Answer()
        self._messages.put((_commit if commit else _roll_back, answer))
        self._messages.put(None)
        await answer.future

    def serve(self, connection: sqlite3.Connection) -> None:
        """Do the unit's messages until its end (in the writer's thread)."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._begun.give(None, _told(error))
            return
        self._begun.give(None)
        while (message := self._messages.get()) is not None:
            call, answer = message
            try:
                value = call(connection)
            except Exception as error:  # noqa: BLE001 - it goes to who asked
                answer.give(None, _told(error))
            else:
                answer.give(value)


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _told(error: BaseException) -> BaseException:
    return refusal_of(error) if isinstance(error, sqlite3.OperationalError) else error
