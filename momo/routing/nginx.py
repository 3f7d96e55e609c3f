"""The table as nginx reads it: a whole configuration file for a balancer in front of the gateways."""

from __future__ import annotations

from momo.gateway.app import MOST_BYTES as MOST_BODY_BYTES
from momo.gateway.headers import LONGEST_WAIT_SECONDS
from momo.gateway.heads import MOST_BYTES as MOST_HEAD_BYTES
from momo.gateway.problems import RETRY_AFTER_SECONDS
from momo.gateway.server import IDLE_SECONDS
from momo.routing.answers import ANSWERS, Answer
from momo.routing.rules import RULES, Rule
from momo.routing.upstreams import Upstreams

IDLE_SHORTER_SECONDS = 15
"""So much sooner than a gateway nginx closes an idle connection: it never sends into one that is closing."""
ANSWER_SECONDS = LONGEST_WAIT_SECONDS + 10
"""How long a gateway may be silent. The pings of a WebSocket come more often."""
NEXT_SECONDS = 5
"""How long after a request came another gateway may still be tried: not after a silence, which would double it."""
NAMES_SECONDS = 5
"""How long the name server's answer holds, whatever it says itself: containers move sooner."""


def configuration(upstreams: Upstreams, *, listen: str, resolver: str = "") -> str:
    """A whole nginx.conf; what it writes lies under nginx' prefix (`nginx -p FOLDER`). `listen` is a port or
    address:port. `resolver` is the name server to ask, again and again, for the gateways' addresses (nginx 1.27.3 or
    newer); without one, nginx asks the system when it starts."""
    lines = [
        "# Printed by `momo routes --format nginx`: print it again instead of editing it.",
        "worker_processes auto;",
        "worker_rlimit_nofile 16384;",
        # its own lines quote whole addresses, and that of a WebSocket may hold a token: only what keeps it from running
        "error_log stderr crit;",
        "pid nginx.pid;",
        *_block("events", "worker_connections 8192;"),
        *_block(
            "http",
            *_FILES,
            *_LOG,
            *_MAPS,
            *([f"resolver {resolver} valid={NAMES_SECONDS}s;"] if resolver else []),
            *(line for rule in RULES for line in _upstream(rule, upstreams, resolve=bool(resolver))),
            *_server(listen),
        ),
    ]
    return "\n".join(lines) + "\n"


_FILES = [f"{kind}_temp_path {kind}-temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]

_LOG = [
    """log_format momo escape=json '{"timestamp":"$time_iso8601","client":"$remote_addr",'""",
    """    '"request":"$momo_request","status":"$status","seconds":"$request_time",'""",
    """    '"upstream":"$upstream_addr","upstreamStatus":"$upstream_status","requestId":"$momo_request_id"}';""",
    "access_log /dev/stdout momo;",
]


def _block(head: str, *inside: str) -> list[str]:
    return [f"{head} {{", *(f"    {line}" for line in inside), "}"]


_MAPS = [
    # only WebSockets: what else a client would like to be upgraded to is not passed on
    *_block("map $http_upgrade $momo_upgrade", '"~*^websocket$" websocket;', 'default "";'),
    *_block("map $momo_upgrade $momo_connection", "websocket upgrade;", 'default "";'),
    # for the log: method and path as they came, without the query, which may hold a token
    *_block("map $request $momo_request", '"~^(?<asked>[A-Z]+ [^? ]*)" $asked;', 'default "";'),
    *_block(
        "map $http_x_request_id $momo_request_id",
        '"~^[A-Za-z0-9._-]{1,128}$" $http_x_request_id;',
        "default $request_id;",
    ),
    *_block("map $http_x_forwarded_proto $momo_scheme", '"~^https?$" $http_x_forwarded_proto;', "default $scheme;"),
]


def _upstream(rule: Rule, upstreams: Upstreams, *, resolve: bool) -> list[str]:
    watched = f"max_fails=1 fail_timeout={RETRY_AFTER_SECONDS}s{' resolve' if resolve else ''}"
    return _block(
        f"upstream {rule.target}",
        f"zone {rule.target} 64k;",
        *(f"server {address} {watched};" for service in rule.services for address in upstreams[service]),
        "keepalive 64;",
        f"keepalive_timeout {IDLE_SECONDS - IDLE_SHORTER_SECONDS}s;",
    )


def _server(listen: str) -> list[str]:
    return _block(
        "server",
        f"listen {listen};",
        "server_tokens off;",
        f"large_client_header_buffers 4 {MOST_HEAD_BYTES};",
        f"client_max_body_size {MOST_BODY_BYTES};",
        f"client_body_buffer_size {MOST_BODY_BYTES};",
        "proxy_max_temp_file_size 0;",
        "proxy_http_version 1.1;",
        "proxy_set_header Upgrade $momo_upgrade;",
        "proxy_set_header Connection $momo_connection;",
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $momo_scheme;",
        "proxy_set_header X-Request-Id $momo_request_id;",
        "add_header X-Request-Id $momo_request_id always;",
        "proxy_connect_timeout 1s;",
        f"proxy_send_timeout {ANSWER_SECONDS}s;",
        f"proxy_read_timeout {ANSWER_SECONDS}s;",
        # a POST that a gateway may have seen is never sent to the next: nginx does so only where told `non_idempotent`
        "proxy_next_upstream error timeout;",
        f"proxy_next_upstream_timeout {NEXT_SECONDS}s;",
        *(line for rule in RULES for line in _location(rule)),
        *_block("location = /health/live", "default_type application/json;", """return 200 '{"status":"alive"}';"""),
        *_block("location /", "return 404;"),
        *(line for answer in ANSWERS for line in _answered(answer)),
    )


def _location(rule: Rule) -> list[str]:
    return _block(f"location ~ ^{rule.path}(/|$)", f"proxy_pass http://{rule.target};")


def _answered(answer: Answer) -> list[str]:
    """What nginx answers itself, as the gateways would."""
    codes = " ".join(map(str, answer.instead_of))
    headers = {"X-Request-Id": "$momo_request_id", **answer.headers}
    return [
        f"error_page {codes} ={answer.status} {answer.address};",
        *_block(
            f"location = {answer.address}",
            "internal;",
            "default_type application/problem+json;",
            *(f"add_header {name} {value} always;" for name, value in headers.items()),
            f"return {answer.status} {_quoted(answer.body)};",
        ),
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
