"""The payment service: what it consumes, and what answers each queue."""

from handlers.payment import charge, confirm, expire, inspect, pay_back, refund, register, settle
from momo.worker import Service

service = Service("payment")

service.decides("payment.register.queue", register.decide, actor="order_id")
service.decides("payment.confirm.queue", confirm.decide, actor="order_id")
service.decides("payment.settle.queue", settle.decide, actor="order_id")
service.decides("payment.expire.queue", expire.decide, actor="order_id")
service.decides("payment.refund.queue", refund.decide, actor="order_id")
service.calls("payment.charge.queue", charge.run)
service.calls("payment.inspect.queue", inspect.run)
service.calls("payment.return.queue", pay_back.run)
