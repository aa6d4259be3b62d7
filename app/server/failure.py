"""What goes wrong at the operator's hands, told in one plain line instead of a traceback."""


class Failure(Exception):
    """The process cannot go on; the message says why and what to do."""


class EmbeddedFailure(Failure):
    """An embedded server cannot run here; the message says why and what to do."""
