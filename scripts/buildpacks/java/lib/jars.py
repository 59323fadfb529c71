"""Prints the jars that java -jar can run, a line each: what Maven has built,
or where it has built none, those in the app's folder.  Names that could not
stand in a command as they are are left out."""

import glob
import os
import re
import zipfile

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+/-]*\Z")
LEFT_OUT = re.compile(r"(-sources|-javadoc|-tests)\.jar\Z|(^|/)original-")


def runs(path):
    try:
        with zipfile.ZipFile(path) as jar:
            manifest = jar.open("META-INF/MANIFEST.MF").read(1 << 20)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False
    return re.search(rb"^Main-Class:", manifest, re.M) is not None


def main():
    if os.path.isfile("pom.xml"):
        found = glob.glob("target/*.jar") + glob.glob("*/target/*.jar")
    else:
        found = glob.glob("*.jar")
    for path in sorted(found):
        if PLAIN.match(path) and not LEFT_OUT.search(path) and runs(path):
            print(path)


main()
