"""What every domain shares: rows, ids, money, time, callers, refusals and the outbox. It knows no domain."""
