"""A mistake of the app's, and how it is shown to a person."""

import re


class Wrong(Exception):
    pass


def printable(text):
    return re.sub(r"[^ -~]", "?", text)
