"""Writing: one typed input becomes one command in one transaction with its outbox records; then its payload is read."""
