"""Why a build did not publish, and what to do about it. Readers keep the version they had."""


class BuildFailed(Exception):
    """Nothing was published. `reason` says what is wrong, `remedy` what a person does now."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class BuildInProgress(BuildFailed):
    """Another process is building; there is one at a time."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"another build is running ({owner})", "Wait until it ends, then start again if you still need to."
        )
