"""Makes archives that no honest program writes: each function gives a file name and bytes."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib


def field(value, width):
    return f"{value:0{width - 1}o}".encode() + b"\0"


def header(name, size=0, kind=b"0", link="", mode=0o644, magic=b"ustar\x0000", prefix=b""):
    """One tar header with a right checksum."""
    name, link = name.encode("utf-8", "surrogateescape"), link.encode()
    raw = name.ljust(100, b"\0") + field(mode, 8) + field(0, 8) + field(0, 8)
    raw += (size if isinstance(size, bytes) else field(size, 12)) + field(0, 12) + b" " * 8 + kind
    raw += link.ljust(100, b"\0") + magic + b"\0" * 64 + b"\0" * 16 + prefix.ljust(155, b"\0")
    raw = raw.ljust(512, b"\0")
    checksum = sum(raw)
    return raw[:148] + f"{checksum:06o}\0 ".encode() + raw[156:]


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def member(name, data=b"", **options):
    return header(name, options.pop("size", len(data)), **options) + padded(data)


def pax(records, kind=b"x"):
    data = b""
    for key, value in records:
        body = f" {key}={value}\n".encode()
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length = len(str(length)) + len(body)
        data += str(length).encode() + body
    return member("pax", data, kind=kind)


END = b"\0" * 1024
OK = member("p-1/", kind=b"5", mode=0o755) + member("p-1/ok.txt", b"fine")


def tar(*parts, end=END):
    return gzip.compress(OK + b"".join(parts) + end, mtime=0)


def zipped(*entries, comment=b""):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        archive.writestr("p-1/ok.txt", "fine")
        for name, data, mode in entries:
            info = zipfile.ZipInfo(name)
            info.filename = name
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return raw.getvalue()


def raw_zeros(count):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = [packer.compress(OK + header("p-1/bomb", count))]
    piece = b"\0" * (1 << 20)
    out += [packer.compress(piece) for _ in range(count >> 20)]
    return b"".join([*out, packer.compress(END), packer.flush()])


def zip_with_lying_size():
    data = bytearray(zipped(("p-1/x", b"x" * 5000, 0o100644)))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 10)
    return bytes(data)


def zip_with_two_names():
    data = bytearray(zipped(("p-1/good", b"x", 0o100644)))
    at = data.find(b"p-1/good")
    data[at : at + 8] = b"p-1/evil"
    return bytes(data)


def zip_overlapping():
    data = bytearray(zipped(("p-1/aaaa", b"x" * 100, 0o100644), ("p-1/bbbb", b"x" * 100, 0o100644)))
    second = data.rfind(b"PK\x01\x02")
    first = data.rfind(b"PK\x01\x02", 0, second)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(data)


DEEP = "d" * 200
CASES = {
    # names
    "absolute.tar.gz": lambda: tar(member("/tmp/escaped-by-envkit-test", b"x")),
    "climbing.tar.gz": lambda: tar(member("p-1/../../escaped", b"x")),
    "climbing-inside.tar.gz": lambda: tar(member("p-1/a/../b", b"x")),
    "drive.tar.gz": lambda: tar(member("C:/escaped", b"x")),
    "backslash.tar.gz": lambda: tar(member("p-1\\..\\..\\escaped", b"x")),
    "control.tar.gz": lambda: tar(member("p-1/a\x1b[2Jb", b"x")),
    "newline.tar.gz": lambda: tar(member("p-1/a\nb", b"x")),
    "prefix-absolute.tar.gz": lambda: tar(member("escaped", b"x", prefix=b"/tmp")),
    "pax-absolute.tar.gz": lambda: tar(pax([("path", "/tmp/escaped")]), member("p-1/x", b"x")),
    "long-component.tar.gz": lambda: tar(pax([("path", "p-1/" + "a" * 300)]), member("p-1/x", b"x")),
    "path-max.tar.gz": lambda: tar(pax([("path", "p-1/" + "/".join([DEEP] * 25))]), member("p-1/x", b"x")),
    "deep.tar.gz": lambda: tar(pax([("path", "p-1/" + "/".join("a" * 100) + "/x")]), member("p-1/x", b"x")),
    "nameless.tar.gz": lambda: tar(member("./", b"x", kind=b"7")),
    # links
    "link-then-member.tar.gz": lambda: tar(member("p-1/l", kind=b"2", link="../.."), member("p-1/l/escaped", b"x")),
    "link-inside-then-member.tar.gz": lambda: tar(
        member("p-1/d/", kind=b"5"), member("p-1/l", kind=b"2", link="d"), member("p-1/l/x", b"x")
    ),
    "member-then-link.tar.gz": lambda: tar(member("p-1/l/x", b"x"), member("p-1/l", kind=b"2", link="/etc")),
    "absolute-link.tar.gz": lambda: tar(member("p-1/l", kind=b"2", link="/etc/passwd")),
    "climbing-link.tar.gz": lambda: tar(member("p-1/l", kind=b"2", link="../../etc/passwd")),
    "links-that-add-up.tar.gz": lambda: tar(
        member("p-1/a/b/c/", kind=b"5"),
        member("p-1/up", kind=b"2", link="a/b/c/../../../.."),
        member("p-1/x", kind=b"2", link="up/../escaped"),
    ),
    "long-way-out.tar.gz": lambda: tar(
        member(f"p-1/{'d' * 80}/", kind=b"5"),
        member("p-1/a", kind=b"2", link="d" * 80),
        member(f"p-1/{'d' * 80}/b", kind=b"2", link=".."),
        member("p-1/out", kind=b"2", link="a/b/a/b/a/b/../../escaped"),
    ),
    "link-loop.tar.gz": lambda: tar(member("p-1/a", kind=b"2", link="b"), member("p-1/b", kind=b"2", link="a")),
    "whole-link.tar.gz": lambda: tar(member("p-1/a", kind=b"2", link="..")),
    "hard-link-outside.tar.gz": lambda: tar(member("p-1/a", kind=b"1", link="/etc/passwd")),
    "hard-link-to-link.tar.gz": lambda: tar(
        member("p-1/a", kind=b"2", link="ok.txt"), member("p-1/b", kind=b"1", link="p-1/a")
    ),
    "link-over-file.tar.gz": lambda: tar(member("p-1/ok.txt", kind=b"2", link="elsewhere")),
    "file-over-link.tar.gz": lambda: tar(member("p-1/l", kind=b"2", link="ok.txt"), member("p-1/l", b"x")),
    # kinds
    "pipe.tar.gz": lambda: tar(member("p-1/pyproject.toml", kind=b"6")),
    "character-device.tar.gz": lambda: tar(member("p-1/zero", kind=b"3")),
    "block-device.tar.gz": lambda: tar(member("p-1/disk", kind=b"4")),
    "sparse.tar.gz": lambda: tar(member("p-1/hole", b"x", kind=b"S")),
    "pax-sparse.tar.gz": lambda: tar(pax([("GNU.sparse.realsize", "99999999999")]), member("p-1/x", b"x")),
    "unknown-kind.tar.gz": lambda: tar(member("p-1/x", b"x", kind=b"Z")),
    "file-as-folder.tar.gz": lambda: tar(member("p-1/ok.txt/x", b"x")),
    "twice.tar.gz": lambda: tar(member("p-1/ok.txt", b"other")),
    # sizes that lie
    "pax-size-smaller.tar.gz": lambda: tar(
        pax([("size", "512")]), header("p-1/x", 1024), member("p-1/hidden"), padded(b"x" * 512)
    ),
    "pax-size-larger.tar.gz": lambda: tar(pax([("size", "1024")]), member("p-1/x", b""), member("p-1/hidden", b"x")),
    "pax-size-negative.tar.gz": lambda: tar(pax([("size", "-512")]), member("p-1/x", b"x")),
    "negative-size.tar.gz": lambda: tar(header("p-1/x", b"\xff" * 12)),
    "huge-size.tar.gz": lambda: tar(header("p-1/x", b"\x80" + b"\0" * 3 + b"\x7f" * 8)),
    "huge-pax-header.tar.gz": lambda: tar(header("pax", 1 << 33, kind=b"x")),
    "pax-lengths.tar.gz": lambda: tar(member("pax", b"99 path=escaped\n", kind=b"x"), member("p-1/x", b"x")),
    "pax-twice.tar.gz": lambda: tar(pax([("path", "a")]), pax([("path", "b")]), member("p-1/x", b"x")),
    "global-path.tar.gz": lambda: tar(pax([("path", "p-1/x")], kind=b"g"), member("p-1/y", b"x")),
    "two-names.tar.gz": lambda: tar(
        pax([("path", "p-1/a")]), member("long", b"p-1/b\0", kind=b"L"), member("p-1/x", b"x")
    ),
    "data-in-link.tar.gz": lambda: tar(member("p-1/x", b"", kind=b"2", link="ok.txt", size=512), padded(b"x" * 512)),
    "checksum.tar.gz": lambda: gzip.compress(b"\1" + OK[1:] + END, mtime=0),
    "dangling-header.tar.gz": lambda: tar(pax([("path", "p-1/x")])),
    # two archives in one
    "tar-and-zip.tar.gz": lambda: tar() + zipped(),
    "zip-in-comment.tar.gz": lambda: tar(member("p-1/x", b"x")) + b"\0" * 10 + zipped(),
    "tar-after-end.tar.gz": lambda: tar(end=END + member("p-1/x", b"x") + END),
    "garbage-after-gzip.tar.gz": lambda: tar() + b"garbage",
    "zip-named-tar.tar.gz": zipped,
    "tar-named-zip.zip": tar,
    "cut.tar.gz": lambda: tar(member("p-1/x", b"x" * 4000))[:-30],
    "cut-inside.tar.gz": lambda: gzip.compress(OK + header("p-1/x", 4000) + b"x" * 100, mtime=0),
    "empty.tar.gz": lambda: b"",
    # bombs
    "bomb.tar.gz": lambda: raw_zeros(100 << 20),
    "many.tar.gz": lambda: tar(*[member(f"p-1/{n}/", kind=b"5") for n in range(3000)]),
    "zeros-after-end.tar.gz": lambda: gzip.compress(OK + END + b"\0" * (100 << 20), 1, mtime=0),
    "bomb.zip": lambda: zipped(("p-1/x", b"\0" * (100 << 20), 0o100644)),
    "many.zip": lambda: zipped(*[(f"p-1/{n}", b"", 0o100644) for n in range(3000)]),
    # zip
    "climbing.zip": lambda: zipped(("p-1/../../escaped", b"x", 0o100644)),
    "absolute.zip": lambda: zipped(("/tmp/escaped", b"x", 0o100644)),
    "backslash.zip": lambda: zipped(("p-1\\..\\escaped", b"x", 0o100644)),
    "link.zip": lambda: zipped(("p-1/l", b"../../etc", 0o120777)),
    "link-then-member.zip": lambda: zipped(("p-1/l", b"..", 0o120777), ("p-1/l/x", b"x", 0o100644)),
    "pipe.zip": lambda: zipped(("p-1/pipe", b"", 0o010644)),
    "prefixed.zip": lambda: b"#!/bin/sh\n" + zipped(),
    "suffixed.zip": lambda: zipped() + b"more",
    "lying-size.zip": zip_with_lying_size,
    "two-names.zip": zip_with_two_names,
    "overlapping.zip": zip_overlapping,
    "cut.zip": lambda: zipped()[:-30],
    "unknown.rar": lambda: b"Rar!",
}


def plain_tar(files, mode="w:gz", fmt=tarfile.PAX_FORMAT):
    """An honest archive by the standard library."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode, format=fmt) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1_500_000_000.5 if fmt == tarfile.PAX_FORMAT else 1_500_000_000
            archive.addfile(info, io.BytesIO(data))
    return raw.getvalue()
