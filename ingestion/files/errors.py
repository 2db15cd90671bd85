"""What can be wrong with a mapping or a file as a whole; each error says how to go on."""


class ImportProblem(Exception):
    """The file was not imported. `remedy` says what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class MappingNotFound(ImportProblem):
    """No mapping has that name or path."""


class MappingInvalid(ImportProblem):
    """The mapping itself is not well-formed."""


class MappingDoesNotFit(ImportProblem):
    """The file lacks columns that the mapping reads."""


class FileUnreadable(ImportProblem):
    """The file is not what its format promises, from its first rows on or beyond what is read."""


class FileChanging(ImportProblem):
    """Somebody is still writing the file."""
