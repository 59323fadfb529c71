"""Finds what serves a Python app, without importing any of its code.

Prints one line: "django PROJECT", "wsgi MODULE:NAME", "asgi MODULE:NAME",
"script FILE", or nothing.  Every word is a Python identifier or a name of this file's, so that
a shell may read it.
"""

import ast
import os
import sys

NAMES = ("application", "app")
MODULES = ("asgi", "wsgi", "app", "main")
# Where an app comes from says how it is called; Flask's and others' are WSGI.
ASGI = {"fastapi", "starlette", "quart", "litestar", "blacksheep", "channels",
        "uvicorn", "asgiref"}


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
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef,
                             ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield getattr(target, "id", None)
        elif isinstance(node, ast.AnnAssign):
            yield getattr(node.target, "id", None)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name


def imported(tree):
    """Packages that a module imports anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def is_asgi(module, tree, name):
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return False
    return module == "asgi" or bool(ASGI & set(imported(tree)))


def main():
    os.chdir(sys.argv[1])
    if os.path.isfile("manage.py"):
        project = django_project()
        if project:
            print("django", project)
            return
    for module in MODULES:
        tree = parse(module + ".py")
        names = set(defined(tree)) if tree else set()
        for name in NAMES:
            if name in names:
                kind = "asgi" if is_asgi(module, tree, name) else "wsgi"
                print(kind, module + ":" + name)
                return
    for script in ("app.py", "main.py"):
        if os.path.isfile(script):
            print("script", script)
            return


main()
