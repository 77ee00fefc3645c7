"""Run in a process of its own: read requirements files with pip and print what it made of them as JSON.

Standard input holds a JSON list of [folder, file name]; each is read with that folder as the working folder.
"""

import json
import os
import sys

from pip._internal.exceptions import PipError
from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.release_control import ReleaseControl
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements


class Options:
    """What percolates upward."""

    def __init__(self):
        self.require_hashes = False
        self.no_require_hashes = False
        self.features_enabled = []
        self.isolated_mode = False


def describe(parsed):
    wanted = install_req_from_parsed_requirement(parsed, user_supplied=True)
    link = wanted.link
    line = int(parsed.comes_from.rpartition("(line ")[2].rstrip(")"))
    return {
        "name": wanted.name and wanted.req and str(wanted.req.name),
        "extras": sorted(wanted.extras),
        "specifier": str(wanted.req.specifier) if wanted.req is not None else "",
        "marker": str(wanted.markers) if wanted.markers else None,
        "url": link.url if link is not None else None,
        "editable": wanted.editable,
        "constraint": wanted.constraint,
        "hashes": (parsed.options or {}).get("hashes", {}) if not parsed.is_editable else {},
        "config_settings": (parsed.options or {}).get("config_settings", {}),
        "line": line,
        "pinned": wanted.is_pinned if wanted.req is not None else False,
    }


def read(folder, name):
    os.chdir(folder)
    session = PipSession()
    finder = PackageFinder.create(
        link_collector=LinkCollector(session=session, search_scope=SearchScope.create([], ["default"], no_index=False)),
        selection_prefs=SelectionPreferences(allow_yanked=False, release_control=ReleaseControl()),
    )
    options = Options()
    try:
        found = [describe(one) for one in parse_requirements(name, session, finder, options)]
    except (PipError, UnicodeError, ValueError, RecursionError, LookupError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    control = finder.release_control
    return {
        "entries": found,
        "index_urls": finder.index_urls,
        "no_index": finder.search_scope.no_index,
        "find_links": finder.find_links,
        "no_binary": sorted(finder.format_control.no_binary),
        "only_binary": sorted(finder.format_control.only_binary),
        "all_releases": sorted(control.all_releases) if control else [],
        "only_final": sorted(control.only_final) if control else [],
        "prefer_binary": finder.prefer_binary,
        "trusted_hosts": [f"{host}:{port}" if port else host for host, port in session.pip_trusted_origins],
        "require_hashes": options.require_hashes,
        "no_require_hashes": options.no_require_hashes,
        "features": options.features_enabled,
    }


def main():
    answers = [read(folder, name) for folder, name in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


main()
