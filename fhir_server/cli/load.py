"""`fhir-server load PATH…`: takes in Bundles, single resources, NDJSON and folders, and says what it refused.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from fhir_server.app import build_parts
from fhir_server.cli.load_inputs import SUFFIXES, Document, Journal, digest_of, documents_in, files_in, is_by_lines
from fhir_server.interactions.context import Context, Tenant
from fhir_server.interactions.loading import Refused, load, refuse_unless_resource, refused_as, stands_alone
from fhir_server.kernel.errors import Refusal
from fhir_server.kernel.settings import Settings
from fhir_server.spec import json_format, xml_format
from fhir_server.web.addresses import base_url_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from fhir_server.interactions.context import Parts
    from fhir_server.interactions.interaction import Resource

T = TypeVar("T")

GROUP = 100
_INTERRUPTED = 130
_AROUND = re.compile(r"^Bundle\.entry\[0\](\.resource)?\.?")
SHOWN = 50
DEFAULT_BASE = "http://127.0.0.1:8000/fhir"


def command(
    paths: Annotated[
        list[Path], typer.Argument(help="Files (.json, .ndjson, .xml, each also .gz) and folders.", exists=True)
    ],
    *,
    tenant: Annotated[str, typer.Option(help="The tenant to load into; the default tenant where none is named.")] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Groups performed at the same time.")] = 4,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Where to note what is in, to go on after an interruption; beside a SQLite file, else in this folder, where absent."
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Load also what the journal says is in already.")] = False,
) -> None:
    """Load files into the database, with or without a running server. Ends with 1 where something was refused; after an interruption the same command goes on where it stopped."""
    console = Console(stderr=True)
    settings = Settings()
    run = _Run(files_in(paths), concurrency, journal or journal_path(settings, tenant), again)
    if not run.files:
        raise typer.BadParameter(f"no file there ends with {', '.join(SUFFIXES)}, or one of these and .gz")
    try:
        asyncio.run(_load(run, settings, tenant, console))
    except KeyboardInterrupt:
        console.print(
            f"Interrupted after {_some(run.counts.total(), 'resource')}: give the same command again to go on."
        )
        raise typer.Exit(_INTERRUPTED) from None
    report(run.counts, run.refused, console, run.skipped)
    if run.refused:
        raise typer.Exit(1)


@dataclass(slots=True)
class _Run:
    """One run of the command: what is read, and what came of it."""

    files: list[Path]
    concurrency: int
    journal_path: Path
    again: bool
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, Refused]] = field(default_factory=list)
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """One document, where it stands, and what it holds."""

    path: Path
    digest: str
    position: int
    resource: Resource


async def _load(run: _Run, settings: Settings, tenant: str, console: Console) -> None:
    async with in_process(settings, tenant) as context:
        empty = not await context.store.history(limit=1)
        journal = Journal.open(run.journal_path, void=empty or run.again)
        with progress_bar(console) as progress:
            total = sum(path.stat().st_size for path in run.files)
            task = progress.add_task("Loading", total=total, counts="")

            async def one(group: list[_Item]) -> None:
                loaded = await load([item.resource for item in group], context)
                run.counts.update(loaded.counts)
                run.refused += (_placed(refused, group[refused.number]) for refused in loaded.refused)
                _note(journal, group, {refused.number for refused in loaded.refused})

            def moved(done: int) -> None:
                progress.update(task, completed=done, counts=_some(run.counts.total(), "resource"))

            await in_parallel(_groups(run, journal, context.parts, moved), one, run.concurrency)
            moved(total)


def _note(journal: Journal, group: list[_Item], refused: set[int]) -> None:
    """Write down what is in; what was refused is tried again by the next run."""
    done: dict[str, list[int]] = {}
    for number, item in enumerate(group):
        if number not in refused:
            done.setdefault(item.digest, []).append(item.position)
    for digest, positions in done.items():
        journal.note(digest, positions)


def _placed(refused: Refused, item: _Item) -> tuple[str, Refused]:
    """Return where the item stands, and the refusal without the transaction that was put around it."""
    if not stands_alone(item.resource):
        issues = (replace(issue, expression=_AROUND.sub("", issue.expression)) for issue in refused.issues)
        refused = replace(refused, issues=tuple(issues))
    line = f": line {item.position + 1}" if is_by_lines(item.path) else ""
    return f"{item.path}{line}", refused


def _groups(run: _Run, journal: Journal, parts: Parts, moved: Callable[[int], None]) -> Iterator[list[_Item]]:
    """Yield what the files hold in groups, without what the journal has: a Bundle is a group of its own."""
    group: list[_Item] = []
    before = 0
    for path in run.files:
        for end, item in _items(path, run, journal, parts):
            moved(before + end)
            if item is None:
                continue
            if stands_alone(item.resource):
                yield [item]
                continue
            group.append(item)
            if len(group) >= GROUP:
                yield group
                group = []
        before += path.stat().st_size
    if group:
        yield group


def _items(path: Path, run: _Run, journal: Journal, parts: Parts) -> Iterator[tuple[int, _Item | None]]:
    """Yield how far into the file each document ends, and the document where it can be read and is not in."""
    digest = digest_of(path)
    try:
        for document in documents_in(path):
            if journal.has(digest, document.position):
                run.skipped += 1
                yield document.end, None
            else:
                yield document.end, _read(document, _Item(path, digest, document.position, {}), run, parts)
    except Refusal as refusal:
        run.refused.append((str(path), refused_as("file", refusal)))


def _read(document: Document, item: _Item, run: _Run, parts: Parts) -> _Item | None:
    try:
        return replace(item, resource=decode(document, parts))
    except Refusal as refusal:
        what = f"line {document.position + 1}" if is_by_lines(item.path) else "file"
        run.refused.append((str(item.path), refused_as(what, refusal)))
        return None


def decode(document: Document, parts: Parts) -> Resource:
    """Return the resource a document holds. Raises Malformed where it holds none."""
    depth = parts.settings.max_depth
    if document.is_xml:
        return refuse_unless_resource(xml_format.decode_xml(document.text, parts.definitions, max_depth=depth))
    return refuse_unless_resource(json_format.decode(document.text, max_depth=depth))


@asynccontextmanager
async def in_process(settings: Settings, tenant: str = "") -> AsyncIterator[Context]:
    """Give the surroundings of an interaction in this process, for as long as the block lasts."""
    parts = await build_parts(settings)
    try:
        name = tenant or settings.default_tenant
        key = await parts.store.tenant_key(name)
        if key is None:
            raise typer.BadParameter(
                f"There is no tenant {name!r}; `fhir-server tenant create {name}` makes it", param_hint="--tenant"
            )
        yield Context(parts=parts, tenant=Tenant(key, name), base_url=_base_url(settings, name))
    finally:
        await parts.store.close()


def _base_url(settings: Settings, tenant: str) -> str:
    """Return what references to this server's own resources begin with, where they are absolute."""
    if not settings.base_url:
        settings = settings.model_copy(update={"base_url": DEFAULT_BASE})
    return base_url_of({}, {}, "/fhir" if tenant == settings.default_tenant else f"/t/{tenant}/fhir", settings)


async def in_parallel(items: Iterator[T], work: Callable[[T], Awaitable[None]], most: int) -> None:
    """Await `work` of every item, at most so many at a time; stops at the first fault."""
    running: set[asyncio.Task[None]] = set()
    try:
        for item in items:
            running.add(asyncio.ensure_future(work(item)))
            if len(running) >= most:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        for task in running:
            await task
    finally:
        for task in running:
            task.cancel()


def journal_path(settings: Settings, tenant: str) -> Path:
    """Return where the journal of a database and tenant is: beside a SQLite file, else in the folder one is in."""
    name = tenant or settings.default_tenant
    if settings.database_url.startswith("sqlite:///"):
        database = Path(settings.database_url.removeprefix("sqlite:///"))
        return database.with_name(f"{database.name}-load-{name}.journal")
    # The URL may hold a password: only a digest of it goes into the name.
    digest = hashlib.sha256(settings.database_url.encode()).hexdigest()[:12]
    return Path(f".fhir-server-load-{digest}-{name}.journal")


def progress_bar(console: Console) -> Progress:
    """Return the progress bar of everything that loads."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=console,
    )


def report(counts: Counter[str], refused: Sequence[tuple[str, Refused]], console: Console, skipped: int = 0) -> None:
    """Print what went in, by type, and what was refused and why."""
    if counts:
        table = Table("type", "resources", title="Loaded")
        for resource_type, count in counts.most_common():
            table.add_row(resource_type, f"{count:,}")
        console.print(table)
    verb = "was" if skipped == 1 else "were"
    known = f"; {_some(skipped, 'document')} {verb} in already" if skipped else ""
    console.print(f"{_some(counts.total(), 'resource')} loaded, {len(refused):,} refused{known}.")
    for where, this in refused[:SHOWN]:
        _say(console, f"{where}: " if where else "", this)
    if len(refused) > SHOWN:
        console.print(f"… and {len(refused) - SHOWN:,} more")


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _say(console: Console, where: str, refused: Refused) -> None:
    lines = [f"{where}{refused.what}: {refused.status}"]
    lines += ["    " + f"{issue.expression} {issue.diagnostics}".strip() for issue in refused.issues[:5]]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
