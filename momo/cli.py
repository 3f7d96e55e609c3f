"""The command line: one subcommand a process, each importing only what it runs."""

# ruff: noqa: PLC0415 - a worker must not pay for the gateway's imports, nor `momo --help` for anybody's
from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from momo.dashboards.command import dashboards
from momo.deploy.commands import deploy
from momo.dlq.commands import dlq
from momo.dlq.queues import queues
from momo.dlq.terminal import JSON, USUAL_FOLDER, loaded
from momo.granting.command import grants
from momo.lag.command import lag
from momo.releases.commands import contracts
from momo.routing.command import routes
from momo.settings import DATABASES, Settings
from momo.sizing.command import size
from momo.stories.commands import trace

T = TypeVar("T")
USAGE = 2
FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=USUAL_FOLDER,
    show_default=True,
    help="Where a MOMO of `momo up` keeps its data.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="momo")
def main() -> None:
    """MOMO: the event processor of a meeting platform.

    Every command reads its addresses from MOMO_* variables; see README for the list.
    """


main.add_command(dlq)
main.add_command(queues)
main.add_command(lag)
main.add_command(trace)
main.add_command(contracts)
main.add_command(size)
main.add_command(routes)
main.add_command(grants)
main.add_command(deploy)
main.add_command(dashboards)


@main.command()
@FOLDER
@click.option("--port", type=int, help="The gateway's port (8080 or a free one unless given).")
@click.option("--fresh", is_flag=True, help="Start empty: delete what an earlier run left in the folder.")
def up(folder: Path, port: int | None, fresh: bool) -> None:
    """Start everything on this machine, private servers included, until Ctrl-C."""
    from momo.local.up import up as run

    sys.exit(_loop(run(folder.absolute(), os.environ, fresh=fresh, port=port)))


@main.command()
@click.argument("services", nargs=-1)
def serve(services: tuple[str, ...]) -> None:
    """Run the HTTP gateway for SERVICES (`console` is one), or for all."""
    _load_redis()
    from momo.gateway.app import EVERYTHING
    from momo.gateway.server import serve as run

    if unknown := set(services) - set(EVERYTHING):
        _fail(f"there is no service {min(unknown)!r}; there are: {', '.join(EVERYTHING)}")
    settings = loaded()
    _prepare("gateway", settings)
    _loop(run(settings, services or EVERYTHING))


@main.command()
@click.argument("names", nargs=-1, metavar="[SERVICE|QUEUE]...")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="How many to run.")
def work(names: tuple[str, ...], processes: int) -> None:
    """Run workers for services or single queues, or for all."""
    _load_redis()
    from workers import SERVICES as WIRED
    from workers import chosen

    try:
        services, queues = chosen(names)
    except ValueError as error:
        _fail(str(error))
    settings = loaded()
    _prepare(services[0] if len(services) == 1 else "worker", settings)
    if processes > 1:
        from momo.processes import run_many

        sys.exit(_loop(run_many([sys.executable, "-m", "momo", "work", *names], processes, settings)))
    from momo.worker import Worker

    async def run(stop: asyncio.Event) -> None:
        await Worker(settings, [WIRED[name] for name in services], queues).run(stop)

    _until_told(run)


@main.command()
@click.argument("services", nargs=-1)
def relay(services: tuple[str, ...]) -> None:
    """Publish what crashes left in the outboxes, and fire timers, for SERVICES or for all."""
    _load_redis()
    from momo.relay import run

    if unknown := set(services) - set(DATABASES):
        _fail(f"{min(unknown)!r} owns no database; these do: {', '.join(DATABASES)}")
    settings = loaded()
    _prepare("relay", settings)
    _until_told(lambda stop: run(settings, services or DATABASES, stop))


@main.command()
def migrate() -> None:
    """Bring every service's database to the newest version."""
    from momo.store.migrate import MigrationError, folder, migrate_all

    try:
        applied = _loop(migrate_all(loaded(), folder()))
    except MigrationError as error:
        _fail(str(error))
    for service, names in applied.items():
        click.echo(f"{service}: {', '.join(names) or 'up to date'}")


@main.group()
def topology() -> None:
    """The exchanges, queues and dead letters on the broker."""


@topology.command("show")
@JSON
def topology_show(as_json: bool) -> None:
    """Print every queue with its key, contract, owner and dead-letter queue."""
    import msgspec

    from contracts.topology import QUEUES

    if as_json:
        fields = ("name", "exchange", "key", "service", "kind", "dead_letter_exchange", "dead_letter_queue")
        rows = [{f: getattr(q, f) for f in fields} | {"contract": q.contract.__name__} for q in QUEUES]
        click.echo(msgspec.json.encode({"queues": rows}))
        return
    for queue in QUEUES:
        click.echo(f"{queue.name:38} {queue.exchange:22} {queue.contract.__name__:20} {queue.service:13} {queue.kind}")


@topology.command("declare")
def topology_declare() -> None:
    """Declare on the broker what is missing."""
    from momo.broker.topology import TopologyError, declare
    from momo.broker.topology import topology as wanted

    try:
        _loop(declare(loaded().amqp_url, wanted()))
    except TopologyError as error:
        _fail(str(error))


@topology.command("check")
def topology_check() -> None:
    """Compare the broker with the topology; exit 1 where they differ."""
    from momo.broker.topology import TopologyError, check
    from momo.broker.topology import topology as wanted

    settings = loaded()
    try:
        differences = _loop(check(settings.amqp_url, settings.amqp_management_url, wanted()))
    except TopologyError as error:
        _fail(str(error))
    for difference in differences:
        click.echo(difference)
    if differences:
        sys.exit(1)
    click.echo("the broker has the topology, and nothing else")


@main.command("toss-sandbox")
def toss_sandbox() -> None:
    """Run a Toss Payments of our own, for tests and demonstrations."""
    from urllib.parse import urlsplit

    from momo.toss.sandbox import run

    settings = loaded()
    address = urlsplit(settings.toss_url)
    webhook = f"http://{settings.host}:{settings.port}/api/v2/payments/webhooks/toss"
    run(address.hostname or "127.0.0.1", address.port or 8090, settings.toss_secret_key, webhook)


@main.command()
@FOLDER
@click.option("--members", type=click.IntRange(10, 2_000), default=60, show_default=True, help="How many take part.")
@click.option("--seed", type=int, help="Repeats a day: the seed that an earlier one printed.")
@JSON
def demo(folder: Path, members: int, seed: int | None, as_json: bool) -> None:
    """Play a day against the MOMO that runs in the folder, then audit it; exit 1 where anything differs."""
    import msgspec

    from momo.demo import DemoError, print_summary
    from momo.demo import demo as run
    from momo.gateway.internal import internal_secret
    from momo.local.instance import running_instance
    from momo.local.server import LocalError

    try:
        instance = running_instance(folder.absolute())
        settings = instance.settings()
        day = run(
            instance.addresses["gateway"],
            settings.toss_url,
            members=members,
            seed=seed,
            progress=not as_json,
            internal_secret=internal_secret(settings.token_secret),
        )
        report = _loop(day)
    except (LocalError, DemoError) as error:
        _fail(str(error))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        print_summary(report)
    if not report.ok:
        sys.exit(1)


@main.command()
@click.option("--cases", default="all", show_default=True, help="Which to run, separated by commas.")
@click.option("--repeat", type=click.IntRange(1, 20), help="How often each: 3 times, or once with --quick.")
@click.option("--quick", is_flag=True, help="Smaller numbers: all cases within five minutes.")
@JSON
def bench(cases: str, repeat: int | None, quick: bool, as_json: bool) -> None:
    """Measure MOMO, and others that do the same work, on private servers started for this alone."""
    import msgspec

    from momo.bench.ground import FULL, QUICK
    from momo.bench.run import bench as run
    from momo.bench.run import chosen
    from momo.bench.table import show
    from momo.local.server import LocalError

    try:
        names = chosen(cases)
        size, rounds = (QUICK, repeat or 1) if quick else (FULL, repeat or 3)
        report = _loop(run(names, rounds, lambda line: click.echo(line, err=True), size=size))
    except (LocalError, RuntimeError, ValueError) as error:
        _fail(str(error))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        show(report)


@main.command()
@click.option("--minutes", type=click.FloatRange(0.1, 600), default=20.0, show_default=True, help="How long.")
@click.option("--seed", type=int, help="Repeats a schedule: the seed that an earlier run printed.")
@click.option("--faults", default="all", show_default=True, help="Which kinds to draw from, separated by commas.")
@click.option("--hosts", is_flag=True, help="On five hosts, with their faults: network namespaces, as root.")
@JSON
def chaos(minutes: float, seed: int | None, faults: str, hosts: bool, as_json: bool) -> None:
    """Break a private MOMO under load in every way it must survive, then compare a ledger; exit 1 where it differs."""
    import random
    import tempfile

    import msgspec

    from momo.chaos.report import show
    from momo.chaos.run import ONE_MACHINE, Ground, chosen
    from momo.chaos.run import chaos as run
    from momo.hosts.ground import HOSTS
    from momo.local.server import LocalError

    # the client library tells of every connection that breaks, and here they do
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    try:
        ground: Ground[Any] = HOSTS if hosts else ONE_MACHINE
        kinds = chosen(faults, ground)
        seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        with tempfile.TemporaryDirectory(prefix="momo-chaos-") as folder:
            report = _loop(
                run(
                    Path(folder),
                    seconds=minutes * 60,
                    seed=seed,
                    kinds=kinds,
                    ground=ground,
                    say=lambda line: click.echo(line, err=True),
                )
            )
    except (LocalError, ValueError) as error:
        _fail(str(error))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        show(report)
    if not report.ok:
        sys.exit(1)


def _fail(text: str) -> NoReturn:
    click.echo(f"momo: {text}", err=True)
    sys.exit(USAGE)


def _load_redis() -> None:
    """The Redis client, before others load it: it would load OpenTelemetry's metrics, 3 MB, that nobody asks it for."""
    from momo.telemetry.absent import absent

    with absent("opentelemetry"):
        import redis.asyncio  # noqa: F401


def _prepare(name: str, settings: Settings) -> None:
    """Logs and, where the environment says where to, traces of this process, which is called momo-`name` there."""
    from momo.telemetry import lines, logs, tracing

    lines.lines = logs.configure(settings)
    tracing.start(f"momo-{name}")


def _loop(work: Coroutine[Any, Any, T]) -> T:
    import uvloop

    return uvloop.run(work)


def _until_told(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Runs a process until SIGTERM or SIGINT; it then has the grace period to finish."""
    import ctypes
    import gc

    from momo.telemetry.watchdog import watched

    # What is imported stays, and messages leave few cycles: looking for them less often halves the tail at full load.
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    # Importing leaves a tenth of the process behind as free memory that only glibc knows how to give back.
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for which in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(which, stop.set)
        async with watched():
            await run(stop)

    _loop(main())
