"""What can go wrong, each as a sentence that says what to do."""


class LocalNodeError(Exception):
    """A local node could not be had; the message is a sentence for the person at the keyboard."""


class SourceUnavailableError(LocalNodeError):
    """One source of Elasticsearch failed; the next one may serve."""


class NodeDiedError(LocalNodeError):
    """A node ended without being asked to."""
