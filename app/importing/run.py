"""A run: the records of a source are written stage by stage, in batches that each are one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.catalog.commands import CreateChannel, create_channel
from app.catalog.tables import Channel
from app.importing.copying import copy_rows
from app.importing.events import BatchImported
from app.importing.records import Kind, Record, Refused
from app.importing.sources import ImportFailure, Source
from app.importing.stages import STAGES, Stage
from app.importing.stages.books import Books, Written
from app.importing.tables import ImportCheckpoint, ImportedRecord, ImportRefusal, ImportRun
from app.kernel import clock
from app.kernel.limits import in_force
from app.kernel.outbox import record as record_event
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM, Principal

BEGINNING_LOCK = 0x1AD1_0002
"""The advisory lock that lets one process at a time begin a run."""
Watch = Callable[[Kind, int, int], None]
"""Is told how many records of a kind were read, and of how many."""


@dataclass(frozen=True)
class StageReport:
    """What became of the records of one kind."""

    kind: Kind
    read: int
    imported: int
    known: int
    refused: int


@dataclass(frozen=True)
class Report:
    """What became of a run, over all the times that it was begun."""

    source: str
    stages: tuple[StageReport, ...]
    refusals: tuple[tuple[Kind, str, str], ...]
    """The kind, the source's key and the reason of each record that did not come in."""
    was_finished: bool
    """Whether these very files had been imported before, so that there was nothing to do."""


@dataclass
class Sorted:
    """The records of a batch by what is to become of them."""

    new: list[Record]
    known: int
    refused: list[Refused]


class Import:
    """One run of a source, begun or gone on with."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        source: Source,
        *,
        watch: Watch = lambda *_: None,
        batch_rows: int | None = None,
    ) -> None:
        """Write through `sessions` what `source` tells, and tell `watch` how far it is."""
        self.sessions = sessions
        self.source = source
        self.watch = watch
        self.batch_rows = batch_rows or in_force().import_batch_rows
        self.by = Principal(roles=SYSTEM.roles, name=f"import of {source.name}")

    async def run(self) -> Report:
        """Import all that is not imported yet."""
        run_id, was_finished, books = await self._begin()
        if not was_finished:
            for stage in STAGES:
                await self._stage(run_id, stage, books)
            await self._finish(run_id)
        return await self._report(run_id, was_finished=was_finished)

    async def _begin(self) -> tuple[int, bool, Books]:
        """The run of these files, begun now where there is none; whether it is finished; and its books."""
        async with self._transaction() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": BEGINNING_LOCK})
            named = {"source": self.source.name, "fingerprint": self.source.fingerprint()}
            run = await session.scalar(select(ImportRun).filter_by(**named))
            if run is None:
                run = ImportRun(**named)
                session.add(run)
                await session.flush()
                session.add_all(ImportCheckpoint(run_id=run.id, stage=stage.kind) for stage in STAGES)
            books = Books(self.source.name, await self._channel(session), self.source.currency, self.by)
            return run.id, run.finished_at is not None, books

    async def _channel(self, session: AsyncSession) -> int:
        """The channel that the orders came through, created where there is none of its code."""
        found = await session.scalar(select(Channel.id).where(Channel.code == self.source.channel_code))
        if found is not None:
            return found
        channel = CreateChannel(
            code=self.source.channel_code, name=self.source.channel_name, currency=self.source.currency
        )
        return await create_channel(session, channel, by=self.by)

    async def _stage(self, run_id: int, stage: Stage, books: Books) -> None:
        """Write the records of one kind from where its checkpoint stands."""
        read = await self._resume(run_id, stage, books)
        total = max(self.source.total(stage.kind), read)
        self.watch(stage.kind, read, total)
        for batch in _batches(islice(_once(self.source.records(stage.kind)), read, None), self.batch_rows):
            async with self._transaction() as session:
                await self._batch(session, await self._checkpoint(session, run_id, stage, read), batch, books)
            read += len(batch)
            self.watch(stage.kind, read, max(total, read))

    async def _resume(self, run_id: int, stage: Stage, books: Books) -> int:
        """How many records of a kind were read before; our keys of those that came in are put into the books."""
        async with self.sessions() as session:
            of_kind = select(ImportedRecord.record, ImportedRecord.row_id).filter_by(
                source=self.source.name, kind=stage.kind
            )
            books.ids[stage.kind] = {row.record: row.row_id for row in await session.execute(of_kind)}
            checkpoint = await session.get_one(ImportCheckpoint, (run_id, stage.kind))
            return checkpoint.read

    async def _checkpoint(self, session: AsyncSession, run_id: int, stage: Stage, read: int) -> ImportCheckpoint:
        """The stage's checkpoint, locked; ImportFailure where another process moved it."""
        checkpoint = await session.get_one(ImportCheckpoint, (run_id, stage.kind), with_for_update=True)
        if checkpoint.read != read:
            raise ImportFailure("Another process is importing the same files; let it end.")
        return checkpoint

    async def _batch(
        self, session: AsyncSession, checkpoint: ImportCheckpoint, batch: Sequence[Record | Refused], books: Books
    ) -> None:
        """Write one batch: its rows, what was refused, the checkpoint and the one event, in this transaction."""
        stage = next(stage for stage in STAGES if stage.kind == checkpoint.stage)
        sorted_ = await _sort(session, stage, batch, books)
        written = await stage.write(session, books, sorted_.new) if sorted_.new else Written({})
        await self._remember(session, checkpoint, written, sorted_.refused)
        checkpoint.read += len(batch)
        checkpoint.imported += len(sorted_.new)
        checkpoint.known += sorted_.known
        checkpoint.refused += len(sorted_.refused)
        event = BatchImported(
            import_run_id=checkpoint.run_id,
            source=self.source.name,
            stage=stage.kind,
            read=len(batch),
            imported=len(sorted_.new),
            known=sorted_.known,
            refused=len(sorted_.refused),
            rows={table: count for table, count in written.rows.items() if count},
        )
        record_event(session, event, by=self.by)
        books.ids[stage.kind] |= written.ids

    async def _remember(
        self, session: AsyncSession, checkpoint: ImportCheckpoint, written: Written, refused: Sequence[Refused]
    ) -> None:
        """Keep what came in under which key, and what did not and why."""
        shared = {"source": self.source.name, "kind": checkpoint.stage}
        known = [{**shared, "record": key, "row_id": row_id} for key, row_id in written.ids.items()]
        await copy_rows(session, ImportedRecord, known)
        if refused:
            told = {"run_id": checkpoint.run_id, "stage": checkpoint.stage}
            rows = [{**told, "record": each.key, "reason": each.reason} for each in refused]
            await session.execute(insert(ImportRefusal), rows)

    async def _finish(self, run_id: int) -> None:
        """Take note that nothing is left to do."""
        async with self._transaction() as session:
            run = await session.get_one(ImportRun, run_id)
            run.finished_at = clock.now()

    async def _report(self, run_id: int, *, was_finished: bool) -> Report:
        """What became of the run."""
        async with self.sessions() as session:
            found = await session.scalars(select(ImportCheckpoint).where(ImportCheckpoint.run_id == run_id))
            checkpoints = {row.stage: row for row in found}
            of_run = select(ImportRefusal).where(ImportRefusal.run_id == run_id).order_by(ImportRefusal.id)
            refusals = [(Kind(row.stage), row.record, row.reason) for row in await session.scalars(of_run)]
        stages = tuple(_stage_report(checkpoints[stage.kind]) for stage in STAGES)
        return Report(self.source.name, stages, tuple(refusals), was_finished)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end with its events, or undone."""
        async with self.sessions() as session:
            yield session
            await write_outbox(session)
            await session.commit()


def _stage_report(row: ImportCheckpoint) -> StageReport:
    """What became of the records of one kind."""
    return StageReport(Kind(row.stage), row.read, row.imported, row.known, row.refused)


def _once(records: Iterable[Record | Refused]) -> Iterator[Record | Refused]:
    """The records with each key once: what is told twice is refused the second time, wherever batches end."""
    seen = set[str]()
    for record in records:
        if isinstance(record, Record) and record.key in seen:
            yield Refused(record.key, "it is in the file twice")
        else:
            seen.add(record.key)
            yield record


def _batches(records: Iterable[Record | Refused], size: int) -> Iterable[list[Record | Refused]]:
    """The records in lists of `size`, the last one shorter."""
    waiting = iter(records)
    while batch := list(islice(waiting, size)):
        yield batch


async def _sort(session: AsyncSession, stage: Stage, batch: Sequence[Record | Refused], books: Books) -> Sorted:
    """Which records of a batch come in, which came in before, and which do not and why."""
    known = books.ids[stage.kind]
    records = [each for each in batch if isinstance(each, Record)]
    fresh = [record for record in records if record.key not in known]
    taken = await _taken(session, stage, fresh)
    reasons = {record.key: _reason(record, taken, books) for record in fresh}
    refused = [each for each in batch if isinstance(each, Refused)]
    refused += [Refused(key, reason) for key, reason in reasons.items() if reason]
    new = [record for record in fresh if not reasons[record.key]]
    return Sorted(new, len(records) - len(fresh), refused)


def _reason(record: Record, taken: set[str | None], books: Books) -> str | None:
    """Why a record that did not come in before does not come in now, if it does not."""
    if record.natural_key in taken:
        return f"{record.natural_key} is taken by another"
    missing = books.lacks(record)
    return f"it names {missing}" if missing else None


async def _taken(session: AsyncSession, stage: Stage, records: Sequence[Record]) -> set[str | None]:
    """Which names of new records are taken by rows that did not come from this source."""
    if stage.named_in is None or not records:
        return set()
    names: Sequence[Any] = [record.natural_key for record in records]
    return set(await session.scalars(select(stage.named_in).where(stage.named_in.in_(names))))
