"""One exception for each status of nbase.h; each is also the Python exception nearest to it."""


class SkinError(Exception):
    """A call of the libraries failed. `status` is its name in nbase.h, e.g. "FORMAT"."""

    status = "UNKNOWN"


class ArgumentError(SkinError, ValueError):
    """An argument is not valid."""

    status = "ARG"


class OutOfMemoryError(SkinError, MemoryError):
    """There is no memory."""

    status = "NOMEM"


class FileError(SkinError, OSError):
    """The operating system refused to read or write a file."""

    status = "IO"


class FormatError(SkinError, ValueError):
    """A file or description is malformed."""

    status = "FORMAT"


class UnsupportedError(SkinError, NotImplementedError):
    """Well-formed, but of a kind that this version does not know."""

    status = "UNSUPPORTED"


class ShapeError(SkinError, ValueError):
    """Shapes do not fit together."""

    status = "SHAPE"


class LimitError(SkinError, ValueError):
    """A size is beyond a documented limit."""

    status = "LIMIT"


class NoValidFramesError(SkinError, ValueError):
    """All frames of a sequence are masked."""

    status = "NO_VALID_FRAMES"


class CancelledError(SkinError):
    """A callback asked to stop."""

    status = "CANCELLED"


class NumericError(SkinError, ArithmeticError):
    """A value is not finite."""

    status = "NUMERIC"


OF_STATUS = {-1: ArgumentError, -2: OutOfMemoryError, -3: FileError, -4: FormatError,
             -5: UnsupportedError, -6: ShapeError, -7: LimitError, -8: NoValidFramesError,
             -9: CancelledError, -10: NumericError}


def check(status: int, text: str = "") -> None:
    """Raises the exception of a status other than 0."""
    if status:
        kind = OF_STATUS.get(status, SkinError)
        raise kind(text or f"{kind.status}: {kind.__doc__}")
