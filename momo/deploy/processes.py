"""What runs in a deployment: each process with its image, its words, its user and what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from contracts.topology import QUEUES, Queue
from momo.grants import OPERATOR
from momo.routing.upstreams import PORT
from momo.settings import DATABASES, SERVICES, from_file, variable

METRICS_PORT = 9100
"""Where workers and relays answer their probes; gateways answer theirs where they listen."""
GRACE_SECONDS = 20
DRAIN_SECONDS = 5
"""Longer than it takes until every balancer has heard that a gateway leaves."""
STOP_SECONDS = GRACE_SECONDS + DRAIN_SECONDS + 10
"""How long a process may take from SIGTERM before it is killed: it ends by itself before."""

SECRETS = "/run/secrets"
"""The folder where a secret is a file: passwords are called as their users are."""

SETTINGS: dict[str, str] = {
    variable("host"): "0.0.0.0",  # noqa: S104 - in a container of its own
    variable("port"): str(PORT),
    variable("metrics_port"): str(METRICS_PORT),
    variable("log_format"): "json",
    variable("grace_seconds"): str(GRACE_SECONDS),
    variable("drain_seconds"): str(DRAIN_SECONDS),
    variable("user_url"): f"http://user-service:{PORT}",
    variable("toss_url"): "https://api.tosspayments.com",
}
"""What every process is told."""

Role = Literal["gateway", "worker", "relay", "console", "release"]


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Host and port of each: a service's database is on a server of its own."""

    broker_scheme: Literal["amqp", "amqps"] = "amqp"
    broker: str
    redis: str
    databases: dict[str, str]


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """`momo <words>` in the image of `service`, as `user` on the broker, in Redis and in the databases of `databases`.

    `secrets` are the files it reads, by variable. A `queue` is the only one that its worker consumes.
    """

    name: str
    role: Role
    service: str
    words: tuple[str, ...]
    user: str
    databases: tuple[str, ...]
    secrets: dict[str, str]
    queue: Queue | None = None

    @property
    def image(self) -> str:
        return f"momo-{self.service}-service"

    @property
    def port(self) -> int:
        """Where it answers `/health/*` and `/metrics`."""
        return PORT if self.role in {"gateway", "console"} else METRICS_PORT

    def addresses(self, servers: Servers) -> dict[str, str]:
        """Where its servers are, and as whom it logs in there."""
        databases = {
            variable(f"{service}_db_url"): f"mysql://{self.user}@{servers.databases[service]}/{service}_db"
            for service in self.databases
        }
        broker = {variable("amqp_url"): f"{servers.broker_scheme}://{self.user}@{servers.broker}/"}
        return broker | databases | {variable("redis_url"): f"redis://{self.user}@{servers.redis}/0"}

    @property
    def secret_files(self) -> dict[str, str]:
        """The variables that name the files of its secrets."""
        return {from_file(name): f"{SECRETS}/{file}" for name, file in self.secrets.items()}


def gateways() -> tuple[Process, ...]:
    """One for each service; every gateway reads each inbox, for a command's outcome."""
    return tuple(
        Process(
            name=f"{service}-service",
            role="gateway",
            service=service,
            words=("serve", service),
            user="momo_gateway",
            databases=DATABASES,
            secrets=_password("momo_gateway") | _TOKEN,
        )
        for service in SERVICES
    )


def workers() -> tuple[Process, ...]:
    """One for each service that has queues, for all of them."""
    return tuple(_owner(service, f"{service}-worker", "worker", ("work", service)) for service in DATABASES)


def queue_workers() -> tuple[Process, ...]:
    """One for each queue: what is added to the service's worker while the queue lags."""
    return tuple(
        msgspec.structs.replace(
            _owner(queue.service, f"{queue.stem.replace('.', '-')}-queue", "worker", ("work", queue.name)), queue=queue
        )
        for queue in QUEUES
    )


def relays() -> tuple[Process, ...]:
    """One for each service that has a database."""
    return tuple(_owner(service, f"{service}-relay", "relay", ("relay", service)) for service in DATABASES)


def console() -> Process:
    """For operators: the only one that looks into every service's dead letters."""
    return _operator("console", "console", ("serve", "console"), _password(OPERATOR) | _TOKEN)


def release() -> tuple[Process, ...]:
    """What has to be done before the processes of a new version start; each ends by itself."""
    return (
        _operator("migrate", "release", ("migrate",), _password(OPERATOR)),
        _operator("topology", "release", ("topology", "declare"), _password(OPERATOR)),
    )


def processes() -> Iterator[Process]:
    """All of them."""
    yield from (*gateways(), *workers(), *relays(), *queue_workers(), console(), *release())


_TOKEN = {variable("token_secret"): "token_secret"}
_TOSS = {variable("toss_secret_key"): "toss_secret_key"}


def _password(user: str) -> dict[str, str]:
    return {variable("password"): user}


def _owner(service: str, name: str, role: Role, words: tuple[str, ...]) -> Process:
    pays = service == "payment" and role == "worker"
    user = f"momo_{service}"
    return Process(
        name=name,
        role=role,
        service=service,
        words=words,
        user=user,
        databases=(service,),
        secrets=_password(user) | (_TOSS if pays else {}),
    )


def _operator(name: str, role: Role, words: tuple[str, ...], secrets: dict[str, str]) -> Process:
    return Process(
        name=name, role=role, service="user", words=words, user=OPERATOR, databases=DATABASES, secrets=secrets
    )
