"""Cloud Foundry's Staticfile: lines of `key: value`, of which root, directory,
pushstate, ssi, host_dot_files, force_https, http_strict_transport_security,
its include_subdomains and preload, and Staticfile.auth are known here.
"""

import os
import re

from wrong import Wrong, printable

PREFIX = "http_strict_transport_security"
SWITCHES = {
    "directory": {"visible"},
    "pushstate": {"enabled", "true"},
    "ssi": {"enabled", "true"},
    "host_dot_files": {"visible"},
    "force_https": {"enabled", "true"},
    PREFIX: {"enabled", "true"},
    PREFIX + "_include_subdomains": {"enabled", "true"},
    PREFIX + "_preload": {"enabled", "true"},
}
OFF = {"", "false", "disabled", "hidden"}
# Never shown, whatever is asked for: what the platform put there.
OWN = r"location ~ ^/\.(paas|profile\.d|git)(/|$) { return 404; }"
DOTS = r"location ~ (^|/)\.(?!well-known/) { return 404; }"


class Staticfile:
    def __init__(self, folder):
        self.root = None
        self.on = set()
        self.given = False
        self.auth = os.path.isfile(os.path.join(folder, "Staticfile.auth"))
        try:
            with open(os.path.join(folder, "Staticfile"),
                      encoding="utf-8-sig", errors="replace") as file:
                self.given = True
                for number, line in enumerate(file, 1):
                    self.read(number, line)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Wrong(f"Staticfile can't be read: {error}") from None

    def read(self, number, line):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if line in ("", "---"):
            return
        match = re.match(r"([a-z_]+)\s*:\s*(.*)\Z", line)
        if not match:
            raise Wrong(f"Staticfile line {number} is not KEY: VALUE")
        key, value = match.group(1), match.group(2).strip("\"'")
        if key == "root":
            self.root = value
        elif key not in SWITCHES:
            print(f" !     Staticfile: {printable(key)[:60]} is not known "
                  "and is left out")
        elif value in SWITCHES[key]:
            self.on.add(key)
        elif value not in OFF:
            raise Wrong(f"Staticfile line {number}: {key} must be "
                        f"{sorted(SWITCHES[key])[0]}, or be left out")

    @property
    def pushstate(self):
        return "pushstate" in self.on

    def server(self):
        """Lines for the server as a whole."""
        yield OWN
        if "host_dot_files" not in self.on:
            yield DOTS
        if "directory" in self.on:
            yield "autoindex on;"
        if "ssi" in self.on:
            yield "ssi on;"
        if "force_https" in self.on:
            yield ("if ($http_x_forwarded_proto != https) "
                   "{ return 301 https://$host$request_uri; }")
        if PREFIX in self.on:
            value = "max-age=31536000"
            if PREFIX + "_include_subdomains" in self.on:
                value += "; includeSubDomains"
            if PREFIX + "_preload" in self.on:
                value += "; preload"
            yield f'add_header Strict-Transport-Security "{value}" always;'
        if self.auth:
            yield 'auth_basic "restricted";'
            yield 'auth_basic_user_file "@APP@/Staticfile.auth";'
