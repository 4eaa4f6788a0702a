"""One page about a run, in Markdown: what became of it, which step failed and why, how long each took."""

from dataclasses import dataclass
from datetime import datetime

from detloop.summary.steps import ENDED, Step, failed_step


@dataclass(frozen=True)
class RunSummary:
    """What is known of a run when its last step begins.

    Attributes:
        state: succeeded, failed or canceled.
        began: None where the server could not be asked.
        steps: without the one that makes the page; empty where the server could not be asked.
        log: the last lines of the step that failed, where they can still be had.
        trouble: why the server could not be asked; empty where it was.
    """

    name: str
    run_id: str
    state: str
    began: datetime | None
    steps: list[Step]
    reason: str = ""
    log: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def failed(self) -> Step | None:
        """The step that failed first."""
        return failed_step(self.steps)

    @property
    def headline(self) -> str:
        """The whole story on one line."""
        line = f"{self.name} {self.state}"
        if self.failed:
            line += f" at {self.failed.title}"
        return line + (f": {self.reason}" if self.reason else "")

    def __str__(self) -> str:
        return self.headline

    def metadata(self) -> dict[str, str | float]:
        """Figures for KFP's metadata store."""
        seconds = [step.seconds() or 0.0 for step in self.steps]
        facts: dict[str, str | float] = {"state": self.state, "steps": len(self.steps), "step_seconds": sum(seconds)}
        return facts | ({"failed_step": self.failed.name} if self.failed else {})


def markdown(summary: RunSummary) -> str:
    """The page."""
    began = f", begun {summary.began:%Y-%m-%d %H:%M:%S} UTC" if summary.began else ""
    parts = [f"# {_plain(summary.name)}: {summary.state}", f"Run `{summary.run_id}`{began}."]
    if summary.failed:
        parts.append(
            f"Step **{_plain(summary.failed.title)}** failed: {_plain(summary.reason or 'no reason is known')}"
        )
    elif summary.reason:
        parts.append(_plain(summary.reason))
    if summary.log:
        parts.append("\n".join(["Its last lines:", "", *(f"    {line}" for line in summary.log)]))
    if summary.steps:
        parts.append("\n".join(["| step | state | seconds |", "| --- | --- | ---: |", *map(_row, summary.steps)]))
    if summary.trouble:
        parts.append(f"What each step did is not known: {_plain(summary.trouble)}")
    return "\n\n".join(parts) + "\n"


def _row(step: Step) -> str:
    seconds = step.seconds()
    state = step.state if step.state in ENDED else f"{step.state} when this page was made"
    return f"| {_plain(step.title)} | {state} | {'' if seconds is None else f'{seconds:.0f}'} |"


def _plain(text: str) -> str:
    """Text in which nothing is Markdown or HTML, since the UI renders both."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\")
    for mark in "|*_`[]#":
        escaped = escaped.replace(mark, f"\\{mark}")
    return " ".join(escaped.split())
