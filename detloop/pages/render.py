"""A page's HTML from its template, which extends the one that all pages share."""

from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined

PAGE_LIMIT_BYTES = 5_000_000


def render(template: str, **values: object) -> bytes:
    """The page as UTF-8; what is no character (bytes of a name that are not UTF-8) is shown as a question mark.

    Args:
        template: its path in the package detloop, as pages/base.html.jinja.
        values: what the template shows; all text in them is escaped.
    """
    return _environment().get_template(template).render(**values).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: resources.files("detloop").joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = lambda value: "-" if value is None else f"{value:.3f}"
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["percent"] = _percent
    environment.filters["units"] = lambda position: f"{position:.1f}"
    return environment


def _percent(share: float) -> str:
    """A share of 0 to 1 with two digits that count, as 0.35 %, 4.2 % or 97 %."""
    percent = 100 * share
    digits = 0 if percent >= 10 or percent == 0 else 1 if percent >= 1 else 2
    return f"{percent:.{digits}f} %"
