"""What can go wrong, one class for each decision a caller has to make."""


class TrackerError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigurationError(TrackerError):
    """The tracker cannot start as it was told to; the message says which setting and why."""


class InvalidMessageError(TrackerError):
    """A request body is not a message of the wire format.

    The reader is not told; the reason goes into the header of the answer.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class BusyError(TrackerError):
    """Too many ask for what takes long or stays open."""

    retry_seconds = 5
    """After how long it makes sense to ask again."""


class InvalidQuestionError(TrackerError):
    """A parameter of a request for figures is wrong."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")


class InvalidManifestError(TrackerError):
    """A content manifest was refused as a whole; the one before stays in force."""


class StorageError(TrackerError):
    """The database did not commit: nothing of the batch counts as stored, and a retry is safe."""


class NoRoomError(StorageError):
    """The disk has no more room than what is kept for pruning."""


class QueueFullError(TrackerError):
    """More messages wait for the disk than `max_waiting` allows; the sender should come later."""


class UnguardedRouteError(TrackerError):
    """A route and the table of policies do not agree: the application does not start."""
