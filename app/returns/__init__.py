"""What comes back: the customer's wish, our answer, the goods' inspection and what becomes of them, and the refund.

It owns returns, their lines and refunds. A return is REQUESTED, then APPROVED or REJECTED, RECEIVED at a location,
DISPOSED once each received line has a disposition, and REFUNDED once money went back; it may be CLOSED without a
refund. Never is more returned than was delivered, received than was asked for, or refunded than the received pieces
cost; goods go back on sale only through a stock movement.
"""
