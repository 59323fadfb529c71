"""Turns static.json or Staticfile into lines of nginx configuration.

static.json is as heroku-buildpack-static has it: root, clean_urls,
error_page, routes (to a file, for single page apps) and headers.  Staticfile
is Cloud Foundry's (staticfile.py).  Each value has to match a narrow pattern
before it gets anywhere near the configuration.

    static.py FOLDER OUT    writes OUT/root and OUT/locations.conf
"""

import json
import os
import re
import sys

from staticfile import Staticfile
from wrong import Wrong, printable

KEYS = {"root", "clean_urls", "error_page", "routes", "headers"}
IGNORED = {"https_only", "basic_auth", "canonical_host", "proxies",
           "redirects", "encoding"}
PATH = re.compile(r"/?[A-Za-z0-9_-][A-Za-z0-9._-]*"
                  r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?\Z")
ROUTE = re.compile(r"(/[A-Za-z0-9._-]+)*/?(\*\*)?\Z")
HEADER = re.compile(r"[A-Za-z0-9-]{1,100}\Z")
VALUE = re.compile(r"[ !#%&'()*+,./0-9:;<=>?@A-Z\[\]^_`a-z{|}~-]{0,1000}\Z")


def check(value, pattern, name, what):
    if not isinstance(value, str) or not pattern.match(value):
        raise Wrong(f"static.json: {name} must be {what}")
    return value


def headers(value):
    if not isinstance(value, dict):
        raise Wrong("static.json: headers must map paths to headers")
    for route, pairs in value.items():
        check(route, ROUTE, "a path in headers", "like /assets/**")
        if not isinstance(pairs, dict):
            raise Wrong("static.json: headers must map paths to headers")
        lines = []
        for name, text in pairs.items():
            check(name, HEADER, "a name in headers", "a header's name")
            check(text, VALUE, "a value in headers",
                  "a header's value without quotes, $ or backslashes")
            lines.append(f'add_header {name} "{text}" always;')
        yield route, lines


def routes(value):
    if not isinstance(value, dict):
        raise Wrong("static.json: routes must map paths to files")
    for route, target in value.items():
        check(route, ROUTE, "a path in routes", "like /** or /app/**")
        check(target, PATH, "a file in routes", "a relative path")
        yield route, target.lstrip("/")


def prefix(route):
    """/assets/** is all below it, /about only itself."""
    if route.endswith("**"):
        return route[:-2] or "/"
    return "= " + (route or "/")


def locations(config, more):
    clean = config.get("clean_urls", False)
    if not isinstance(clean, bool):
        raise Wrong("static.json: clean_urls must be true or false")
    files = "$uri " + ("$uri.html " if clean else "") + "$uri/"
    found = {"/": {"end": "/index.html =404" if more.pushstate else "=404",
                   "lines": []}}
    for route, target in routes(config.get("routes", {})):
        where = found.setdefault(prefix(route), {"end": "=404", "lines": []})
        where["end"] = "/" + target + " =404"
    for route, lines in headers(config.get("headers", {})):
        where = found.setdefault(prefix(route), {"end": "=404", "lines": []})
        where["lines"] += lines
    yield from more.server()
    for where, what in found.items():
        yield f"location {where} {{"
        for line in what["lines"]:
            yield "    " + line
        yield f"    try_files {files} {what['end']};"
        yield "}"


def read(path):
    try:
        with open(path, encoding="utf-8-sig") as file:
            config = json.loads(file.read(1 << 20))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Wrong(f"static.json can't be read: {error}") from None
    if not isinstance(config, dict):
        raise Wrong("static.json must be a JSON object")
    for key in sorted(set(config) - KEYS):
        shown = printable(key)[:60]
        if key in IGNORED:
            print(f" !     static.json: {shown} is not supported and is "
                  "left out")
        else:
            print(f" !     static.json: {shown} is not known and is "
                  "left out")
    return config


def main():
    folder, out = sys.argv[1:]
    config = read(os.path.join(folder, "static.json"))
    more = Staticfile(folder)
    if more.given and config:
        print(" !     There are static.json and Staticfile: the former's root "
              "counts, and settings of both")
    root = config.get("root", more.root)
    if root is None:
        root = "public" if os.path.isdir(os.path.join(folder, "public")) \
            and not os.path.exists(os.path.join(folder, "index.html")) \
            else "."
    if root not in (".", "./", "/", ""):
        check(root, PATH, "root", "a folder of the app")
    root = root.strip("/") or "."
    if not os.path.isdir(os.path.join(folder, root)):
        raise Wrong(f"static.json: the root folder {root} does not exist")
    lines = list(locations(config, more))
    page = config.get("error_page")
    if page is None and os.path.isfile(
            os.path.join(folder, root, "404.html")):
        page = "404.html"
    if page is not None:
        check(page, PATH, "error_page", "a file below root")
        lines.append(f"error_page 404 /{page.lstrip('/')};")
    with open(os.path.join(out, "root"), "w", encoding="ascii") as file:
        file.write(root + "\n")
    with open(os.path.join(out, "locations.conf"), "w",
              encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


try:
    main()
except Wrong as error:
    print(" !     " + printable(str(error)))
    sys.exit(1)
