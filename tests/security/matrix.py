"""The authorisation matrix: every route of the gateway, and what each role is answered there."""

from __future__ import annotations

ROLES = ("anonymous", "member", "other", "host", "admin", "internal")
"""Who asks, of a paid meeting that `host` opened and in which `member` holds a seat still to be paid. `other` and
`admin` have no part in it; `internal` is one of MOMO's own processes, which signs its call and has no token."""

ANYBODY = (200,) * 6
SIGNED_IN = (401, 200, 200, 200, 200, 401)
COMMAND = (401, 204, 204, 204, 204, 401)
REFRESH = (401,) * 6
ADMIN = (401, 403, 403, 403, 200, 401)
OPERATED = (401, 403, 403, 403, 404, 401)
"""For admins only, of what is not there."""

MATRIX: dict[str, tuple[int, ...]] = {
    # users
    "POST /api/v2/users": (201,) * 6,
    "POST /api/v2/users/login": ANYBODY,
    "POST /api/v2/users/token": REFRESH,  # a cookie alone counts there, and nobody here shows one
    "POST /api/v2/users/logout": COMMAND,
    "GET /api/v2/users/me": SIGNED_IN,
    "DELETE /api/v2/users/me": COMMAND,
    "GET /api/v2/users/{user_id}": SIGNED_IN,
    "POST /api/v2/users/{user_id}/follow": COMMAND,
    "DELETE /api/v2/users/{user_id}/follow": COMMAND,
    "GET /api/v2/users/{user_id}/followers": SIGNED_IN,
    "GET /api/v2/users/{user_id}/followings": SIGNED_IN,
    # categories
    "GET /api/v2/categories": ANYBODY,
    # meetings                                   anonymous member other host admin internal
    "GET /api/v2/meetings": ANYBODY,
    "POST /api/v2/meetings": (401, 201, 201, 201, 201, 401),
    "GET /api/v2/meetings/mine": SIGNED_IN,
    "GET /api/v2/meetings/{meeting_id}": ANYBODY,
    "DELETE /api/v2/meetings/{meeting_id}": (401, 403, 403, 204, 403, 401),
    "GET /api/v2/meetings/{meeting_id}/join": (401, 200, 404, 200, 404, 401),
    "POST /api/v2/meetings/{meeting_id}/join": (401, 409, 200, 409, 200, 401),
    "DELETE /api/v2/meetings/{meeting_id}/join": (401, 204, 404, 409, 404, 401),
    "GET /api/v2/meetings/{meeting_id}/participants": (401, 403, 403, 200, 403, 401),
    # payments
    "GET /api/v2/payments": SIGNED_IN,
    "GET /api/v2/payments/{order_id}": (401, 200, 403, 403, 403, 401),
    "POST /api/v2/payments/confirm": (401, 200, 403, 403, 403, 401),
    "POST /api/v2/payments/webhooks/toss": ANYBODY,  # nothing in it is believed
    # notifications
    "GET /api/v2/notifications": SIGNED_IN,
    "GET /api/v2/notifications/unread": SIGNED_IN,
    "WS /api/v2/notifications/stream": (4401, 101, 101, 101, 101, 4401),
    # commands: the one of `member`, who registered nobody and holds the seat by it
    "GET /api/v2/commands/{command_id}": (401, 200, 404, 404, 404, 401),
    # operating: the story of that command
    "GET /console/api/stories/{story_id}": (401, 403, 403, 403, 200, 401),
    "GET /console/asyncapi": (401, 403, 403, 403, 200, 401),
    "GET /console/asyncapi.json": (401, 403, 403, 403, 200, 401),
    # the console: its page anybody may have, what it shows and does only admins
    "GET /console": ANYBODY,
    "GET /console/static/{name}": ANYBODY,
    "POST /console/api/session": (403,) * 6,  # none of these asks from the console's own page
    "DELETE /console/api/session": (403,) * 6,
    "GET /console/api/session": ADMIN,
    "GET /console/api/live": ADMIN,
    "GET /console/api/topology": ADMIN,
    "POST /console/api/queues/{name}": ADMIN,
    "GET /console/api/acts": ADMIN,
    "GET /console/api/dead": ADMIN,
    "GET /console/api/dead/letters": ADMIN,
    "GET /console/api/dead/letter": OPERATED,
    "POST /console/api/dead/edit": OPERATED,
    "POST /console/api/dead/replay": ADMIN,
    "POST /console/api/dead/drop": OPERATED,
    "GET /console/api/sagas/{saga}/{stage}": ADMIN,
    "GET /console/api/search": ADMIN,
    # MOMO's own
    "GET /internal/audit": (401, 401, 401, 401, 401, 200),
    "GET /internal/users/{user_id}": (401, 401, 401, 401, 401, 200),
    # the process; a balancer sends nobody there
    "GET /health/live": ANYBODY,
    "GET /health/ready": ANYBODY,
    "GET /metrics": ANYBODY,
    "GET /schema": ANYBODY,
    "GET /schema/scalar": ANYBODY,
    "GET /schema/openapi.json": ANYBODY,
    "GET /schema/{path}": (404,) * 6,
}
"""By route, a status for each of ROLES; for the WebSocket its close code, or 101 where it stays open."""
