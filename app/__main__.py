"""The `lading` command: each sub-command reads settings, does one thing, and tells what went wrong in one line.

The graph takes a second to build, so only the commands that need it import it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import asyncpg
import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from app.server import backing_up, migrating, page, serving, testing, trusting
from app.server import doctor as doctors
from app.server.failure import Failure
from app.server.running import run_until_stopped
from app.server.settings import Settings, complete, read_settings
from app.server.telemetry import start_logging

if TYPE_CHECKING:
    from app.importing.sources import Source

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Lading: the whole supply chain as one live GraphQL graph.",
)
imports = typer.Typer(no_args_is_help=True, help="Bring in orders of other systems; what came in once does not again.")
commands.add_typer(imports, name="import")
benches = typer.Typer(no_args_is_help=True, help="Measure what a change costs or gains, on databases of their own.")
commands.add_typer(benches, name="bench")
SDL = migrating.ROOT / "schema" / "schema.graphql"
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve.")] = None,
) -> None:
    """Serve the graph over HTTP and WebSocket until stopped."""
    with _at_head(host=host, port=port, workers=workers) as settings:
        trusting.trusted_texts(settings)
        if settings.workers > 1:
            serving.serve_in_processes(settings, ["serve"], announce=_announce)
            return
        from app.main import build_app

        serving.serve(settings, build_app, announce=_announce)


@commands.command()
def relay() -> None:
    """Give committed events their positions and wake whoever follows; any number may run, and one leads."""
    from app.main import relay_events

    with _at_head() as settings:
        run_until_stopped(lambda stop: relay_events(settings, stop))


@commands.command()
def worker() -> None:
    """Do what is due and what domains do when something happened; any number may run."""
    from app.main import work

    with _at_head() as settings:
        run_until_stopped(lambda stop: work(settings, stop))


@commands.command()
def migrate(revision: Annotated[str, typer.Argument(help="The revision to come to.")] = "head") -> None:
    """Bring the database's schema to what this code needs."""
    from app.server import upgrading

    with complete(read_settings()) as settings:
        migrating.current(settings.written_to)
        upgrading.upgrade(settings.written_to, revision)
        typer.echo(f"The database is at revision {migrating.current(settings.written_to)}.")


@commands.command("admin")
def make_admin() -> None:
    """Make the first administrator, and tell its password this once; further users are made through the graph."""
    from app.main import first_admin

    with _at_head() as settings:
        made = asyncio.run(first_admin(settings))
    if made is None:
        raise Failure("There is an administrator already; further users are made by the mutation userCreate.")
    _tell(f"{made.email} may sign in with the password {made.password}")


@commands.command()
def backup(file: Annotated[Path, typer.Argument(help="Where to write it; there must be no such file yet.")]) -> None:
    """Write the whole database, as it is at one moment, to a file."""
    with complete(read_settings()) as settings:
        size = backing_up.back_up(settings.written_to, file)
    _tell(f"{file} holds the database ({size:,} bytes). LADING_SECRET is not in it: keep that elsewhere.")


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `lading backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Drop what is in the database.")] = False,
) -> None:
    """Bring a backup into the database, all of it or nothing, and check its stock; stop the servers before."""
    with complete(read_settings()) as settings:
        backing_up.restore(settings.written_to, file, replace=replace)
        wrong = migrating.mismatch(migrating.current(settings.written_to), migrating.head())
        _tell(f"Restored; but {wrong}." if wrong else "Restored.")
        if not wrong:
            _check_stock(settings)


@imports.command()
def olist(folder: Annotated[Path, typer.Argument(help="The folder of its files.")]) -> None:
    """Import orders of the Brazilian marketplace Olist, as they were published."""
    from app.importing.olist import Olist

    _import(lambda: Olist(folder))


@imports.command()
def dataco() -> None:
    """Import the demo's orders, a cut of the DataCo set that comes with Lading."""
    from app.importing.dataco import DataCo

    _import(DataCo)


@commands.command()
def simulate(
    rate: Annotated[float, typer.Option(min=0.001, max=10_000, help="Events a second.")] = 2.0,
    events: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="End after so many minutes.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed over the same data plays the same trade.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Tell nothing of it.")] = False,
) -> None:
    """Play live trade through the real commands until stopped: carts, orders, picks, shipments, scans, returns."""
    from app.server import filling
    from app.simulation.play import Pace

    seconds = None if minutes is None else 60 * minutes
    pace, console = Pace(rate=rate, events_max=events, seconds_max=seconds), Console(quiet=quiet)
    with _at_head() as settings:
        run_until_stopped(lambda stop: filling.simulate(settings, pace, seed=seed, stop=stop, console=console))


@commands.command()
def demo(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    rate: Annotated[float, typer.Option(min=0, max=1_000, help="Events of trade a second; 0 for none.")] = 1.0,
) -> None:
    """Serve the graph with real orders in it, people who may sign in, and trade going on; Ctrl-C stops it."""
    from app.server.demo import run_demo

    settings = read_settings(host=host, port=port, log_level=os.environ.get("LADING_LOG_LEVEL", "warning"))
    start_logging(settings.log_level, settings.log_lines)
    trusting.trusted_texts(settings)
    with complete(settings) as whole:
        run_demo(whole, rate=rate, console=Console())


@commands.command()
def schema(
    write: Annotated[bool, typer.Option("--write", help="Refresh the committed file instead of printing.")] = False,
) -> None:
    """Print the graph's types in GraphQL's own language, for clients that generate code from them."""
    from schema.root import GRAPH

    if write:
        SDL.write_text(GRAPH.sdl)
    else:
        typer.echo(GRAPH.sdl, nl=False)


@commands.command("page")
def fetch_page() -> None:
    """Fetch the query editor that browsers get at /graphql, so that it needs no network; npm does it."""
    page.fetch_assets(read_settings().home)
    _tell("The page at /graphql is whole; a server that runs already shows it once it is started again.")


@commands.command()
def doctor() -> None:
    """Tell what runs, in which versions, what is wrong and what to do."""
    table = Table("", "what", "found", "advice", title="Lading")
    settings, wrong = read_settings(), 0
    findings = list(doctors.examine(settings))
    if settings.trusted_documents is not None:
        from app.server.doctor_documents import documents_finding

        findings.append(documents_finding(settings))
    for finding in findings:
        wrong += finding.wrong
        sign = "[red]wrong[/red]" if finding.wrong else "[green]fine[/green]"
        table.add_row(sign, finding.what, finding.found, finding.advice)
    Console().print(table)
    raise typer.Exit(1 if wrong else 0)


@benches.command("reads")
def bench_reads(
    *,
    only: Annotated[list[str] | None, typer.Option(help="A part: peers, pages, tables, first or loop.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Measure all parts; without it, the peers alone.")] = False,
    orders: Annotated[int, typer.Option(min=1_000, max=2_000_000, help="How many orders there are to read.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How many rounds there are of each read.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="How long a round of one server takes.")] = 2.0,
    connections: Annotated[int, typer.Option(min=1, max=200, help="How many clients ask at once.")] = 8,
    largest: Annotated[
        int, typer.Option(min=1_000, max=1_000_000, help="How many orders the largest table of `tables` has.")
    ] = 1_000_000,
    keep: Annotated[bool, typer.Option("--keep", help="Write the results where they are committed.")] = False,
) -> None:
    """Compare this server with the limit, a stock Strawberry and PostGraphile, reading the same rows in one run.

    The parts: `peers` asks all servers for the same reads; `pages` and `tables` tell how the cost grows with rows;
    `first` how long an operation takes that was never asked before; `loop` how long the event loop stands still.
    """
    try:
        from bench.ground import Wanted
        from bench.reads import run
    except ModuleNotFoundError as missing:
        raise Failure(
            f"{missing.name} is not here: benchmarks are run from a clone, as `./lading bench reads`."
        ) from None
    parts = only or ([] if every else ["peers"])
    run(Wanted(orders, rounds, connections, seconds, largest), parts, keep=keep)


@benches.command("live")
def bench_live(
    *,
    followers: Annotated[
        list[int] | None, typer.Option(min=1, max=20_000, help="How many followers; 100, 1,000 and 5,000 unless told.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="How long events come for each figure.")] = 5.0,
    only: Annotated[
        list[str] | None, typer.Option(help="A server: lading, stock_strawberry or graphql_ws; else all of them.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write the results where they are committed.")] = False,
) -> None:
    """Tell followers of changes, in one cohort and in one each, beside a stock Strawberry and graphql-ws on Node."""
    try:
        from bench.live import run
    except ModuleNotFoundError as missing:
        raise Failure(
            f"{missing.name} is not here: benchmarks are run from a clone, as `./lading bench live`."
        ) from None
    run(followers or [100, 1_000, 5_000], seconds, only or [], keep=keep)


@commands.command()
def explain(
    query: Annotated[str, typer.Argument(help="The query, such as `{ products { totalCount } }`.")],
    asker: Annotated[
        str, typer.Option("--as", help="Who asks: a role, such as `customer:7` for customer 7.")
    ] = "admin",
    variables: Annotated[str, typer.Option(help="Values for its variables, as JSON.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="Which operation, where the document has several.")] = None,
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it, and tell what that took.")] = False,
) -> None:
    """Tell a query's plan, what it costs, the one statement that it becomes, and how PostgreSQL runs that."""
    from app.server import explaining
    from schema.root import GRAPH

    asked = explaining.Asked(query, explaining.variables_of(variables), explaining.asker(asker), operation)
    with _at_head() as settings:
        explained = explaining.explained(GRAPH, asked, settings.limits)
        steps = asyncio.run(explaining.executed(settings.read_from, explained, analyze=analyze))
    for heading, lines in (*explained.told(), ("EXPLAIN", steps)):
        _tell("\n".join([f"── {heading}", *lines]))


@commands.command("test", context_settings=PASSED_ON)
def run_tests(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Run the tests and nothing else.")] = False,
) -> None:
    """Check style, types and imports, and run the tests; further arguments go to pytest."""
    testing.check(context.args, fast=fast, tell=_tell)


@contextmanager
def _at_head(**told: Any) -> Iterator[Settings]:
    """Complete settings over a database that has the schema of this code, and logging begun: what processes need."""
    settings = read_settings(**told)
    start_logging(settings.log_level, settings.log_lines)
    with complete(settings) as whole:
        migrating.require_head(whole.written_to)
        yield whole


def _import(source: Callable[[], Source]) -> None:
    """Import a set of orders, and tell how far it is and what became of it."""
    from app.server import filling

    with _at_head() as settings:
        asyncio.run(filling.import_set(settings, source, console=Console()))


def _check_stock(settings: Settings) -> None:
    """Tell whether the ledger explains every stock level; Failure where it does not."""
    from app.main import unexplained_stock

    unexplained = asyncio.run(unexplained_stock(settings))
    for level in unexplained:
        _tell(f"Not explained: {level}")
    if unexplained:
        raise Failure("The data is as it was backed up, but its ledger does not explain these stock levels.")
    _tell("The stock ledger balances.")


def _announce(address: str) -> None:
    _tell(f"Lading is served at {address}")


def _tell(text: str) -> None:
    """Tell the user at once, also where a program reads what we say."""
    typer.echo(text)
    sys.stdout.flush()


def main() -> None:
    """Run the command of the arguments; whatever the operator can mend is told in plain lines, without a traceback."""
    try:
        commands(prog_name="lading")
    except Failure as failure:
        _end(str(failure))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, RedisError) as failure:
        _end(f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else 'no more is known'}")


def _end(message: str) -> None:
    for line in message.splitlines():
        typer.echo(f"lading: {line}", err=True)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
