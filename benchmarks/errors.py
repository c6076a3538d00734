"""What can go wrong, as a sentence that says what to do."""


class BenchmarkError(Exception):
    """Something cannot be measured; the message is for the person at the keyboard."""
