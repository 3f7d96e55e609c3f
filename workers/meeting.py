"""The meeting service: what it consumes, and what answers each queue."""

from handlers.meeting import cancel, create, delete, dismiss, expire, join, release, seat, withdraw, withdrawn
from momo.worker import Service

service = Service("meeting")

service.decides("meeting.create.queue", create.decide, actor="host_id")
service.decides("meeting.join.queue", join.decide, actor="meeting_id")
service.decides("meeting.cancel.queue", cancel.decide, actor="meeting_id")
service.decides("meeting.delete.queue", delete.decide, actor="meeting_id")
service.decides("meeting.dismiss.queue", dismiss.decide, actor="meeting_id")
service.decides("meeting.expire.queue", expire.decide, actor="meeting_id")
service.decides("payment.completed.queue", seat.decide, actor="meeting_id")
service.decides("payment.failed.queue", release.decide, actor="meeting_id")
service.decides("meeting.withdraw.queue", withdraw.decide, actor="member_id")
service.decides("user.withdrawn.queue", withdrawn.decide, actor="user_id")
