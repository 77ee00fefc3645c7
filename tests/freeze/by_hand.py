"""What is in environments and no installer of today puts there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from envkit.testing.wheels import make_wheel
from tests.freeze.places import pip, plain, run, site_of


def hand_made(python: Path, wheels: Path, tmp: Path) -> None:
    site = site_of(python)
    for folder, files in {
        "old-1.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: old\nVersion: 1.0-w\n"},
        "~broken-1.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1\n"},
        "no_record-2.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: no.record\nVersion: 2\n",
                                  "INSTALLER": "\nhand\n"},
        "egg_one-1.egg-info": {"PKG-INFO": "Metadata-Version: 1.0\nName: egg-one\nVersion: 1\n",
                               "requires.txt": "no.record>=1\n\n[x]\nother\n"},
        "url_one-1.dist-info": {
            "METADATA": "Metadata-Version: 2.1\nName: url-one\nVersion: 1\nDescription: none\n\nBody\n",
            "direct_url.json": json.dumps({"url": "https://f.example/u.zip", "archive_info": {"hash": "sha256=" + "a" * 64},
                                           "subdirectory": "sub"})},
    }.items():  # fmt: skip
        (site / folder).mkdir()
        for name, text in files.items():
            (site / folder / name).write_text(text)


def target_leftovers(python: Path, wheels: Path, tmp: Path) -> None:
    site = site_of(python)
    for wanted in ("beta==0.9", "beta==1.5.0"):  # --target replaces nothing: two versions are left
        run(
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--no-deps",
            "-f",
            wheels,
            "--target",
            site,
            wanted,
        )


def namespaces(python: Path, wheels: Path, tmp: Path) -> None:
    for name in ("ns-one", "ns.two", "ns_three"):
        make_wheel(tmp, name, "1.0", files={f"ns/{name[3:]}.py": "", f"ns/{name[3:]}/__init__.py": ""})
    pip(python, "install", "-q", "--no-index", "-f", tmp, "ns-one", "ns.two", "ns_three")


def _write(site: Path, files: dict[str, dict[str, str | bytes]]) -> None:
    for folder, contents in files.items():
        (site / folder).mkdir(parents=True)
        for name, content in contents.items():
            (site / folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def broken_metadata(python: Path, wheels: Path, tmp: Path) -> None:
    plain(python, wheels, tmp)
    _write(
        site_of(python),
        {
            "no_metadata-1.0.dist-info": {"INSTALLER": "pip\n"},
            "no_version-2.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: no-version\n"},
            "folded-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\nName: folded\nVersion: 1.0\nSummary: one\n  two\n"
                "Requires-Dist: alpha\nRequires-Dist: beta<1 ; python_version >= '3'\nLicense: x\n        y\n"
            },
            "windows_lines-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\r\nName: windows-lines\r\nVersion: 1.0\r\n\r\nText\r\n"
            },
            "bad_origin-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\nName: bad-origin\nVersion: 1.0\n",
                "direct_url.json": '{"url": "https://f.example/x.zip", "archive_info": {}}',
            },
            "with_user-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\nName: with-user\nVersion: 1.0\n",
                "direct_url.json": json.dumps(
                    {"url": "ssh://git@git.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "ab" * 20}}
                ),
            },
        },
    )


def duplicates(python: Path, wheels: Path, tmp: Path) -> None:
    plain(python, wheels, tmp)
    _write(
        site_of(python),
        {
            f"{folder}.dist-info": {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
            for folder, name, version in (
                ("twice-1.0", "twice", "1.0"),
                ("twice-2.0", "twice", "2.0"),
                ("Odd.Name-1.0", "Odd.Name", "1.0"),
                ("odd_name-1.1", "odd-name", "1.1"),
            )
        },
    )


def legacy(python: Path, wheels: Path, tmp: Path) -> None:
    site = site_of(python)
    source = tmp / "developed"
    _write(
        tmp,
        {
            "developed/developed.egg-info": {"PKG-INFO": "Metadata-Version: 1.1\nName: developed\nVersion: 0.3\n"},
        },
    )
    (site / "developed.egg-link").write_text(f"{source}\n.\n")
    (site / "easy-install.pth").write_text(f"{source}\n")
    (site / "flat-0.5-py3.11.egg-info").write_text("Metadata-Version: 1.1\nName: flat\nVersion: 0.5\nSummary: x\n")
    _write(
        site,
        {
            "folder-1.5.egg-info": {
                "PKG-INFO": "Metadata-Version: 2.1\nName: folder\nVersion: 1.5\nProvides-Extra: y\n",
                "requires.txt": 'flat>=0.1\n\n[y]\nother\n\n[:python_version<"3"]\nenum34\n',
                "installed-files.txt": "../folder.py\n",
            },
        },
    )


def no_record(python: Path, wheels: Path, tmp: Path) -> None:
    plain(python, wheels, tmp)
    for name in ("alpha-1.0", "beta-1.5.0"):
        (site_of(python) / f"{name}.dist-info" / "RECORD").unlink()
    (site_of(python) / "alpha-1.0.dist-info" / "INSTALLER").unlink()


def conda(python: Path, wheels: Path, tmp: Path) -> None:
    (python.parent.parent / "conda-meta").mkdir()
    (python.parent.parent / "conda-meta" / "history").write_text("")
    plain(python, wheels, tmp)
    for name, url in (
        ("alpha-1.0", None),
        ("beta-1.5.0", "file:///home/conda/feedstock_root/build_artifacts/beta_1/work"),
    ):
        info = site_of(python) / f"{name}.dist-info"
        (info / "INSTALLER").write_text("conda")
        (info / "REQUESTED").write_text("")
        if url is not None:
            (info / "direct_url.json").write_text(json.dumps({"dir_info": {}, "url": url}))
