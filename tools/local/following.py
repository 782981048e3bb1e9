"""Follows the logs of all functions, for `make logs`."""

from __future__ import annotations

import threading
import time

from tools.local.site import LocalError, Site


def follow_logs(site: Site, *, stop: threading.Event | None = None) -> None:
    """Prints what functions log, each line after the name of its function, until Ctrl-C."""
    path = site.function_log
    if not path.exists():
        raise LocalError("There are no logs yet; start the platform with `make up`")
    names: dict[str, str] = {}
    with path.open(errors="replace") as lines:
        for line in lines.readlines()[-50:]:
            _print_log(site, names, line)
        while not (stop and stop.is_set()):
            line = lines.readline()
            if line:
                _print_log(site, names, line)
            else:
                time.sleep(0.2)


def _print_log(site: Site, names: dict[str, str], line: str) -> None:
    function, _, text = line.rstrip("\n").partition("\t")
    name = names.setdefault(function, function.removeprefix(f"{site.stack}-"))
    print(f"{name:<12} {text}", flush=True)
