"""A problem that a person can solve."""


class Problem(Exception):
    """Ends a command with one line and a remedy instead of a traceback."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def describe(error: BaseException) -> str:
    """What to print: the reason on the first line, then how to go on.

    Any error with a `remedy` speaks for itself, wherever it was defined; others are named by their type.
    """
    remedy = getattr(error, "remedy", None)
    reason = " ".join(str(error).split())
    if remedy:
        return f"supportled: {reason}\nRemedy: {remedy}"
    return (
        f"supportled: unexpected {type(error).__name__}: {reason}\n"
        "Remedy: ./supportled doctor checks this machine; SUPPORTLED_DEBUG=1 shows where it happened."
    )
