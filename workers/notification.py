"""The notification service: what it consumes, and what answers each queue."""

from handlers.notification import (
    announce,
    broadcast,
    close,
    create,
    dismissed,
    failed,
    followed,
    joined,
    left,
    offered,
    open,  # noqa: A004 - named for its verb; only this list reads it
    paid,
    refunded,
    send,
)
from momo.worker import Service

service = Service("notification")

service.decides("user.registered.queue", open.decide, actor="user_id")
service.decides("user.withdrawn.notification.queue", close.decide, actor="user_id")
service.decides("user.followed.queue", followed.decide, actor="followee_id")
service.decides("meeting.joined.queue", joined.decide, actor="meeting_id")
service.decides("meeting.cancelled.queue", left.decide, actor="meeting_id")
service.decides("meeting.offered.queue", offered.decide, actor="meeting_id")
service.decides("meeting.dismissed.queue", dismissed.decide, actor="meeting_id")
service.decides("payment.completed.notification.queue", paid.decide, actor="order_id")
service.decides("payment.failed.notification.queue", failed.decide, actor="order_id")
service.decides("payment.refunded.queue", refunded.decide, actor="order_id")
service.decides("notification.create.queue", create.decide, actor="member_id")
service.decides("notification.announce.queue", announce.decide, actor="subject")
service.calls("notification.broadcast.queue", broadcast.run, at_once=8)
service.calls("notification.send.queue", send.run, at_once=256)
