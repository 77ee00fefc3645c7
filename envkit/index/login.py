"""A user name with a password."""

from __future__ import annotations

from typing import Literal

from envkit.dataclass import dataclass
from envkit.model.secret import Secret

KeyringProvider = Literal["disabled", "auto", "import", "subprocess"]


@dataclass(frozen=True, slots=True)
class Login:
    """A user name with a password; its text forms show neither the password nor the header."""

    username: str
    password: Secret

    def header(self) -> str:
        """Give the value of ``Authorization`` (RFC 7617)."""
        import base64  # few sign in

        pair = f"{self.username}:{self.password.reveal()}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")
