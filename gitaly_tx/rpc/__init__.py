"""
The waist: what a call is, whoever made it.

Every door (gRPC, HTTP, SSH) makes a :class:`~gitaly_tx.rpc.call.Call` and hands it to an
:class:`~gitaly_tx.rpc.interfaces.IDispatcher`, which runs the middlewares in their order and then the method. There is no other
way down, so limits, logs, metrics and access are the same for all doors.
"""
