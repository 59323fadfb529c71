"""Finds what serves a Python app, without importing any of its code.

Prints one line: "django PROJECT", "wsgi MODULE:NAME", "script FILE", or
nothing.  Every word is a Python identifier or a name of this file's, so that
a shell may read it.
"""

import ast
import os
import sys

NAMES = ("application", "app")


def parse(path):
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read(1 << 20))
    except (OSError, SyntaxError, ValueError):
        return None


def is_module(name):
    return bool(name) and name.isascii() and \
        all(part.isidentifier() for part in name.split("."))


def django_project():
    """The package in manage.py's default of DJANGO_SETTINGS_MODULE."""
    tree = parse("manage.py")
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call) or len(node.args) != 2:
            continue
        name, value = (getattr(arg, "value", None) for arg in node.args)
        if name != "DJANGO_SETTINGS_MODULE" or not isinstance(value, str):
            continue
        package = value.split(".settings")[0]
        if is_module(package) and \
                os.path.isfile(package.replace(".", "/") + "/wsgi.py"):
            return package
    for entry in sorted(os.listdir(".")):
        if is_module(entry) and os.path.isfile(entry + "/wsgi.py"):
            return entry
    return None


def defined(tree):
    """Names that a module defines at its top."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield getattr(target, "id", None)
        elif isinstance(node, ast.AnnAssign):
            yield getattr(node.target, "id", None)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name


def main():
    os.chdir(sys.argv[1])
    if os.path.isfile("manage.py"):
        project = django_project()
        if project:
            print("django", project)
            return
    for module in ("wsgi", "app"):
        tree = parse(module + ".py")
        names = set(defined(tree)) if tree else set()
        for name in NAMES:
            if name in names:
                print("wsgi", module + ":" + name)
                return
    if os.path.isfile("app.py"):
        print("script app.py")


main()
