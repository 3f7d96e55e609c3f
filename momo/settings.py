"""What a MOMO process is told by its environment: every `MOMO_*` variable, or the file it names, read in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

import msgspec

from momo.store.address import address_of

SERVICES = ("user", "category", "meeting", "payment", "notification")
DATABASES = ("user", "meeting", "payment", "notification")
"""The services that own a database. Categories live in the user database until they are split off."""


class SettingsError(Exception):
    """A variable is missing or malformed; the text names it and says what it should look like."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per variable: `amqp_url` is `MOMO_AMQP_URL`. URLs carry user and password.

    `MOMO_AMQP_URL_FILE` names a file with its value instead, and so for every variable: secrets are mounted as files.
    """

    amqp_url: str = "amqp://guest:guest@127.0.0.1:5672/"
    amqp_management_url: str = "http://guest:guest@127.0.0.1:15672"
    redis_url: str = "redis://127.0.0.1:6379/0"
    user_db_url: str = "mysql://root@127.0.0.1:3306/user_db"
    meeting_db_url: str = "mysql://root@127.0.0.1:3306/meeting_db"
    payment_db_url: str = "mysql://root@127.0.0.1:3306/payment_db"
    notification_db_url: str = "mysql://root@127.0.0.1:3306/notification_db"
    password: str = ""
    """The password of this process' user, for each URL that names a user and no password."""
    toss_url: str = "http://127.0.0.1:8090"
    toss_secret_key: str = "test_sk_momo"  # noqa: S105 - the sandbox's
    host: str = "127.0.0.1"
    port: int = 8080
    token_secret: str = "development-only-token-secret-change-me"  # noqa: S105 - says so itself
    """Signs access tokens and command ids, and keys the fingerprints of requests. At least 32 bytes."""
    lanes: int = 2
    """Lanes a worker process opens per service; each owns one database connection."""
    batch: int = 256
    """The most messages one flush takes."""
    metrics_port: int = 0
    """Where a worker or relay answers `/metrics` and `/health/*` (of several processes, the next ports); 0: nowhere."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """The least that is logged; at INFO each message that is sent or handled has its line."""
    log_format: Literal["auto", "json", "pretty"] = "auto"
    """Auto: pretty where stderr is a terminal, else JSON."""
    grace_seconds: float = 10.0
    """How long a stopping process may take to finish what it holds."""
    drain_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.5
    """How long a stopping gateway, no longer ready, still answers new requests: until balancers have noticed. At most
    half of the grace period."""
    shed_lag_seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """A command whose queue is so far behind is answered 503 with Retry-After."""
    user_url: str = ""
    """Where the user service answers `/internal/users/{id}`; empty: where this gateway listens."""
    dead_letter_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    """A queue is paused when so much of what a process handled of it within a minute died (0 to 1)."""
    dead_letter_least: Annotated[int, msgspec.Meta(ge=1)] = 20
    """So many dead letters within the minute there must be before their share means anything."""

    def db_url(self, service: str) -> str:
        """The database of `service`; the category service reads the user database."""
        return str(getattr(self, f"{'user' if service == 'category' else service}_db_url"))


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ` (the process's own by default). Raises SettingsError naming the variable."""
    environ = resolved(os.environ if environ is None else environ)
    values = {f.name: environ[key] for f in msgspec.structs.fields(Settings) if (key := variable(f.name)) in environ}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"an environment variable is malformed: {error} (field `x` is read from MOMO_X)") from error
    if len(settings.token_secret) < 32:
        raise SettingsError(f"MOMO_TOKEN_SECRET has {len(settings.token_secret)} characters; give at least 32")
    for service in DATABASES:
        try:
            address_of(settings.db_url(service))
        except ValueError as error:
            raise SettingsError(f"{variable(f'{service}_db_url')}: {error}") from error
    urls = {name: _logged_in(getattr(settings, name), settings.password) for name in _urls()}
    return msgspec.structs.replace(settings, **urls)


def resolved(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with each `MOMO_X_FILE` replaced by `MOMO_X`, the content of the file. Raises SettingsError where both
    are given or the file can't be read."""
    found = dict(environ)
    for field in msgspec.structs.fields(Settings):
        name = variable(field.name)
        if (path := found.pop(from_file(name), None)) is None:
            continue
        if name in found:
            raise SettingsError(f"{name} and {from_file(name)} are both given; give one of them")
        try:
            found[name] = content(Path(path))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingsError(f"{from_file(name)} names {path!r}, which can't be read: {why}") from error
    return found


def content(path: Path) -> str:
    """What a file of one secret holds: its text without the last newline. Raises OSError and UnicodeDecodeError."""
    return path.read_bytes().decode().removesuffix("\n")


def variable(field: str) -> str:
    """The environment variable that sets `field`."""
    return f"MOMO_{field.upper()}"


def from_file(name: str) -> str:
    """The variable that names a file with the value of the variable `name`."""
    return f"{name}_FILE"


def addressed(environ: Mapping[str, str]) -> bool:
    """Whether `environ` says where any server is."""
    return any(name in environ or from_file(name) in environ for name in map(variable, _urls()))


def inherited(settings: Settings) -> dict[str, str]:
    """What a child gets: this process' own environment, with `settings` instead of what that says of them."""
    return {**resolved(os.environ), **environment(settings)}


def environment(settings: Settings) -> dict[str, str]:
    """`settings` as variables: what a supervisor hands to its children."""
    return {variable(name): str(value) for name, value in msgspec.structs.asdict(settings).items()}


def _urls() -> list[str]:
    return [field.name for field in msgspec.structs.fields(Settings) if field.name.endswith("_url")]


def _logged_in(url: str, password: str) -> str:
    """`url` with `password` where it names a user and none."""
    parts = urlsplit(url)
    user, at, places = parts.netloc.rpartition("@")
    if not password or not user or ":" in user:
        return url
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}{at}{places}").geturl()
