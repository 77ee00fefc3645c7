"""Which proxy, if any, a URL is reached through, from a mapping of variables (never from the process itself)."""

from __future__ import annotations

from collections.abc import Mapping


class Proxies:
    """*proxy* is used for everything; without it ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy`` of *env*.

    Lower-case names win. Upper-case ``HTTP_PROXY`` is passed over inside a CGI process, where a request could set it.
    """

    def __init__(self, env: Mapping[str, str], proxy: str | None = None) -> None:
        self._proxy = proxy
        self._env = {key.lower(): value for key, value in env.items() if key.lower().endswith("_proxy")}
        if "REQUEST_METHOD" in env and "http_proxy" not in env:
            self._env.pop("http_proxy", None)
        self._env.update({key: value for key, value in env.items() if key.endswith("_proxy")})
        self._bypass = [part.strip().lower() for part in self._env.get("no_proxy", "").split(",") if part.strip()]

    def for_url(self, scheme: str, host: str, port: int) -> str | None:
        """Give the proxy's URL, or None for a direct connection."""
        chosen = self._proxy or self._env.get(f"{scheme}_proxy") or self._env.get("all_proxy")
        if not chosen or self._bypassed(host, port):
            return None
        return chosen if "://" in chosen else f"http://{chosen}"

    def _bypassed(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        return any(_matches(pattern, host, port) for pattern in self._bypass)


def _matches(pattern: str, host: str, port: int) -> bool:
    if pattern == "*":
        return True
    if "/" in pattern:
        return _in_network(pattern, host)
    if pattern.count(":") > 1 and not pattern.startswith("["):
        return pattern == host  # a bare IPv6 address
    from urllib.parse import urlsplit

    try:
        parts = urlsplit("//" + pattern)
        name, wanted_port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if wanted_port is not None and wanted_port != port:
        return False
    name = name.removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _in_network(pattern: str, host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def proxy_authorization(proxy: str) -> str | None:
    """Give the header that shows a proxy the credentials of its URL, None where it has none."""
    import base64
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
