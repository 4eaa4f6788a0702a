"""What a check has to say."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        severity: an error lets the training fail or learn something wrong; a warning is likely a mistake; a note tells
            how far the checks looked.
        where: the file, config field or option.
        what: what is wrong with it.
        advice: what to do; may be empty.
    """

    severity: Severity
    where: str
    what: str
    advice: str = ""

    @property
    def text(self) -> str:
        """Where, what and what to do, on one line."""
        return f"{self.where}: {self.what}" + (f"; {self.advice}" if self.advice else "")

    def __str__(self) -> str:
        return f"{self.severity}: {self.text}"


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Those that a training must not start with."""
    return [finding for finding in findings if finding.severity == "error"]


def findings_text(findings: list[Finding]) -> str:
    """All findings, one a line, errors first, and a last line that counts them."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.severity))
    counts = [sum(finding.severity == severity for finding in findings) for severity in _ORDER[:2]]
    errors, warnings = (f"{count} {what}{'s' * (count != 1)}" for count, what in zip(counts, _ORDER, strict=False))
    return "\n".join([*map(str, ordered), f"checked: {errors}, {warnings}"])
