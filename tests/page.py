"""What a reader of the report sees, taken out of its HTML."""

import base64
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
from PIL import Image

NEVER_CLOSED = {"meta", "img", "line", "polyline", "circle", "br", "link", "input"}


@dataclass
class Page(HTMLParser):
    """A parsed page: its elements in order, and the text of each by its tag."""

    html: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()
        assert self.open_tags == [], f"never closed: {self.open_tags}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in NEVER_CLOSED:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open_tags[-1], " ".join(data.split())))

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element with this tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def texts_in(self, tag: str) -> list[str]:
        """The texts that stand directly in elements with this tag."""
        return [text for name, text in self.texts if name == tag]

    def rows(self) -> list[list[str]]:
        """The cells of every table row, for a page with one cell text each."""
        rows: list[list[str]] = []
        for tag, text in self.texts:
            if tag == "th":
                rows.append([text])
            elif tag == "td":
                rows[-1].append(text)
        return rows

    def pictures(self) -> list[np.ndarray]:
        """The pixels of every embedded image, uint8 [height, width, 3]."""
        prefix = "data:image/jpeg;base64,"
        uris = [image["src"] for image in self.attributes("img")]
        assert all(uri.startswith(prefix) for uri in uris)
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri[len(prefix) :])))) for uri in uris]
