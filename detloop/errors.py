"""What a user sees when the work cannot be done: one line that says which input is wrong and what to do."""


class DetloopError(Exception):
    """The work failed for a reason the user can mend; its message is one line and becomes the command's last word.

    Attributes:
        exit_code: what the command exits with.
    """

    exit_code = 1


class ImageError(DetloopError):
    """One image cannot be used; its message is the reason that images.csv records."""


class UnsafeNameError(DetloopError):
    """A name leaves the folder that it is to lie in."""


class InterruptionError(DetloopError):
    """A signal ended the work early; the same command goes on from what is kept. Source of the code: sysexits.h."""

    exit_code = 75


def one_line(error: Exception) -> str:
    """What an exception says, on one line; its type's name where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
