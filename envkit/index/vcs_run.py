"""Run version control programs so that they cannot ask, cannot hang, and see no more than they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envkit.dataclass import dataclass
from envkit.errors import Cancelled, VcsError
from envkit.events import Emitter
from envkit.host.streaming import run_streaming
from envkit.model.secret import Secret, last_lines, mask_credentials

_PASSED = frozenset(
    (
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
        "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_PROXY_COMMAND", "HGRCPATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC",
        "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)",
    )
)  # fmt: skip
_QUIET = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "HGPLAIN": "1",
    "HGEDITOR": "false",
    "BZR_EDITOR": "false",
    "BRZ_PLUGIN_PATH": "-user",
}
_BATCH = "-oBatchMode=yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class VcsRunner:
    """Runs programs with an allow-list of *environ*, at most *timeout* seconds each."""

    environ: Mapping[str, str]
    emitter: Emitter
    timeout: float = 900.0

    def run(
        self,
        command: Sequence[str],
        *,
        shown: str,
        variables: Mapping[str, str] | None = None,
        secret: Secret | None = None,
        allowed: tuple[int, ...] = (0,),
    ) -> tuple[int, str]:
        """Run *command* and give its status and output.

        Raises `VcsError`, naming the repository as *shown*, for another status than those *allowed*; the text of *secret*
        is taken out of all that is told.
        """
        self.emitter.check()
        try:
            result = run_streaming(
                command,
                environ={**self._base(), **(variables or {})},
                timeout=self.timeout,
                on_cancel=None if self.emitter.cancel is None else self.emitter.cancel.on_cancel,
                max_output=1024 * 1024,
            )
        except OSError as error:
            raise VcsError(
                f"{shown}: the program {command[0]!r} cannot be run: {error.strerror or error}",
                hint=f"install {command[0]}, or name an archive instead",
                context={"url": shown, "program": command[0]},
            ) from error
        if result.ended == "cancelled":
            raise Cancelled("the operation was cancelled")
        output = mask_credentials(result.output)
        if secret is not None:
            output = output.replace(secret.reveal(), "****")
        if result.ended == "timeout":
            raise self._failed(shown, f"{command[0]} took longer than {self.timeout:g} seconds and was ended", output)
        if result.returncode not in allowed:
            raise self._failed(shown, f"{command[0]} failed with exit status {result.returncode}", output)
        return result.returncode, output

    def _base(self) -> dict[str, str]:
        variables = {key: value for key, value in self.environ.items() if key.upper() in _PASSED}
        variables.update(_QUIET)
        ssh = variables.get("GIT_SSH_COMMAND")
        if ssh is None and "GIT_SSH" not in variables:
            variables["GIT_SSH_COMMAND"] = f"ssh {_BATCH}"
        elif ssh is not None and ssh.split(" ", 1)[0].endswith("ssh"):
            variables["GIT_SSH_COMMAND"] = f"{ssh} {_BATCH}"
        return variables

    def _failed(self, shown: str, reason: str, output: str) -> VcsError:
        # Servers and repositories choose these lines: nothing of them may steer a terminal or a log.
        lines = last_lines(output, 10)
        causes = [line for line in lines if line.startswith(("fatal:", "error:", "abort:"))]
        last = f": {(causes or lines)[0 if causes else -1][:300]}" if lines else ""
        return VcsError(f"{shown}: {reason}{last}", context={"url": shown, "reason": reason, "last_lines": lines})
