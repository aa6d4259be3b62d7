"""What goes wrong with embedded servers, told in one line."""


class EmbeddedFailure(Exception):
    """An embedded server cannot run here; the message says why and what to do."""
