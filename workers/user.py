"""The user service: what it consumes, and what answers each queue."""

from handlers.user import follow, register, unfollow, withdraw
from momo.worker import Service

service = Service("user")

service.decides("user.register.queue", register.decide, actor="email")
service.decides("user.follow.queue", follow.decide, actor="followee_id")
service.decides("user.unfollow.queue", unfollow.decide, actor="followee_id")
service.decides("user.withdraw.queue", withdraw.decide, actor="user_id")
