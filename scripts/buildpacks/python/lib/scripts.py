"""Gives the app's Python the commands of Debian's packages.

/usr/bin/gunicorn runs /usr/bin/python3, which does not see what pip has
installed for the app.  So each command of a package that the app names, and
that pip has not brought itself, gets a small script beside the app's Python.
"""

import importlib.metadata as metadata
import os
import re
import sys

SCRIPT = """\
#!{python}
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({attr}())
"""
ALWAYS = {"gunicorn", "uvicorn", "django", "flask"}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(path):
    names = set(ALWAYS)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
                if match:
                    names.add(canonical(match.group(1)))
    except OSError:
        pass
    return names


def main():
    bin_dir, requirements = sys.argv[1:]
    names = wanted(requirements)
    for dist in metadata.distributions():
        if canonical(dist.metadata["Name"] or "") not in names:
            continue
        for entry in dist.entry_points:
            module, _, attr = entry.value.partition(":")
            path = os.path.join(bin_dir, os.path.basename(entry.name))
            if entry.group != "console_scripts" or os.path.lexists(path):
                continue
            if not IDENTIFIER.match(module) or not IDENTIFIER.match(attr):
                continue
            with open(path, "x", encoding="utf-8") as file:
                file.write(SCRIPT.format(
                    python=os.path.join(bin_dir, "python"), module=module,
                    name=attr.split(".")[0], attr=attr))
            os.chmod(path, 0o755)


main()
