"""Who the load test says it is, where the service asks for it."""

from pathlib import Path


def headers_from(token_file: str | None) -> dict[str, str]:
    """Return the headers that every request carries: the token in a file, or none without a file.

    Options hold the file's name alone, because Locust shows them in its web UI and sends them to its workers.

    Raises:
        ValueError: if the file can't be read, or holds anything but one word.
    """
    if not token_file:
        return {}
    try:
        words = Path(token_file).read_text(encoding="ascii").split()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"token file: {token_file} can't be read") from error
    if len(words) != 1:
        raise ValueError(f"token file: {token_file} has to hold a token and nothing else")
    return {"Authorization": f"Bearer {words[0]}"}
