"""What may be done with returns: asked for, answered, received, disposed of and refunded."""

from app.returns.commands.finding import ReturnLineRepeated, ReturnStatusForbids, UnknownReturn, UnknownReturnLine
from app.returns.commands.receiving import (
    AlreadyDisposed,
    DisposedLine,
    DisposeReturn,
    NotReceived,
    ReceivedLine,
    ReceivedTooMany,
    ReceiveReturn,
    dispose_return,
    receive_return,
)
from app.returns.commands.refunding import OtherCurrency, RecordRefund, RefundTooHigh, record_refund
from app.returns.commands.requesting import (
    ApproveReturn,
    CloseReturn,
    NotReturnable,
    RejectReturn,
    RequestedLine,
    RequestReturn,
    approve_return,
    close_return,
    reject_return,
    request_return,
)

__all__ = [
    "AlreadyDisposed",
    "ApproveReturn",
    "CloseReturn",
    "DisposeReturn",
    "DisposedLine",
    "NotReceived",
    "NotReturnable",
    "OtherCurrency",
    "ReceiveReturn",
    "ReceivedLine",
    "ReceivedTooMany",
    "RecordRefund",
    "RefundTooHigh",
    "RejectReturn",
    "RequestReturn",
    "RequestedLine",
    "ReturnLineRepeated",
    "ReturnStatusForbids",
    "UnknownReturn",
    "UnknownReturnLine",
    "approve_return",
    "close_return",
    "dispose_return",
    "receive_return",
    "record_refund",
    "reject_return",
    "request_return",
]
