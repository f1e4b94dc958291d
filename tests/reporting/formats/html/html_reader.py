"""A strict parser for the page of a report."""

import json
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "wbr", "hr"}


class Page(HTMLParser):
    """Parser that requires every element to be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.ids, self.words, self._open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("script", "style"):
            self.words.append(data)


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text).group(1))
