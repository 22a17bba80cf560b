"""The password that calls leave with: read from where the manifest says, and made and kept there. Never told."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import SecretStr

from provision.errors import SettingMissingError
from provision.settings import ProvisionSettings
from provision.stamp import outbound_login
from telephony.errors import UserError, WorldError
from telephony.manifest.model import Manifest
from telephony.manifest.outbound import Outbound, SecretReference

LEAST_PASSWORD: Final = 8
MOST_PASSWORD: Final = 64
"""The least is the API's (Vobiz documentation, credentials); the most is ours."""
_COMMAND_TIMEOUT_S: Final = 30.0
_LETTERS: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_MARKS: Final = "@^*_+"
"""The console wants a mark (Bolna's guide); these mean nothing in an environment file or in a shell's quotes."""
_LENGTH: Final = 20


def with_passwords(
    settings: ProvisionSettings, manifest: Manifest, environ: Mapping[str, str], *, folder: Path
) -> ProvisionSettings:
    """Return the settings with the passwords that a manifest refers to; files are looked up in `folder`.

    A variable is looked up in `environ`, then in the environment file that the manifest names.

    Raises:
        SettingMissingError: a variable is not set.
        UserError: a file cannot be read, or what is in there is no password that Vobiz takes.
        WorldError: a command does not tell it.
    """
    if manifest.outbound is None:
        return settings
    reference = manifest.outbound.password
    password = _read(reference, environ, folder)
    if not (password.isascii() and password.isprintable() and LEAST_PASSWORD <= len(password) <= MOST_PASSWORD):
        span = f"{LEAST_PASSWORD} to {MOST_PASSWORD} printable ASCII characters"
        raise UserError(f"{reference} holds no password that Vobiz takes: it has {span}")
    username = outbound_login(manifest.deployment, manifest.outbound.username)
    return settings.model_copy(update={"passwords": {username: SecretStr(password)}})


def make_password(outbound: Outbound, environ: Mapping[str, str], *, folder: Path, renew: bool) -> str:
    """Make a password and keep it where the manifest says; return that place, in words.

    An environment file and a file of its own get mode 600.

    Raises:
        UserError: one is there already and `renew` is false, or the manifest names no way to keep one.
        WorldError: it cannot be kept; nothing was made.
    """
    reference = outbound.password
    if not renew and _is_there(reference, environ, folder):
        raise UserError(f"{reference} holds a password already; --renew makes another one, which `apply` then writes")
    password = _new_password()
    try:
        if reference.env is not None:
            path = folder / reference.env_file
            _keep_line(path, reference.env, password)
            return f"{path} as {reference.env}"
        if reference.file is not None:
            path = folder / reference.file
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_private(path, f"{password}\n")
            return str(path)
    except (OSError, ValueError) as error:
        raise WorldError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from None
    if not reference.store:
        raise UserError("outbound.password: name the command that keeps it, as store: [PROGRAM, ARGUMENT, …]")
    _run(reference.store, stdin=password)
    return f"the command {reference.store[0]}"


def _read(reference: SecretReference, environ: Mapping[str, str], folder: Path) -> str:
    if reference.env is not None:
        password = environ.get(reference.env) or _kept_line(folder / reference.env_file, reference.env)
        if not password:
            raise SettingMissingError([reference.env])
        return password
    if reference.file is not None:
        try:
            return (folder / reference.file).read_text(encoding="utf8").strip()
        except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a NUL in the name
            told = getattr(error, "strerror", None) or error
            raise UserError(f"{ascii(str(reference.file))[1:-1]}: cannot be read: {told}") from None
    return _run(reference.command).strip()


def _is_there(reference: SecretReference, environ: Mapping[str, str], folder: Path) -> bool:
    try:
        return bool(_read(reference, environ, folder))
    except (UserError, WorldError):
        return False


def _run(command: Sequence[str], *, stdin: str = "") -> str:
    """Run a command of the manifest; what it prints is told to nobody."""
    try:
        done = subprocess.run(  # noqa: S603 - the manifest's author wrote it, and no shell reads it
            command, input=stdin, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in a word
        told = getattr(error, "strerror", None) or error
        raise WorldError(f"outbound.password: {command[0]!r} cannot be run: {told}") from None
    except (subprocess.TimeoutExpired, UnicodeDecodeError):
        raise WorldError(f"outbound.password: {command[0]} gave no text within {_COMMAND_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        raise WorldError(f"outbound.password: {command[0]} ended with exit code {done.returncode}")
    return done.stdout


def _new_password() -> str:
    """Return a password that API and console take: letters, digits, one mark that is neither first nor last."""
    letters = [secrets.choice(_LETTERS) for _ in range(_LENGTH)]
    letters[1 + secrets.randbelow(_LENGTH - 2)] = secrets.choice(_MARKS)
    return "".join(letters)


def _kept_line(path: Path, name: str) -> str:
    """Return what an environment file has for a name, "" when there is no such file or line."""
    try:
        return dotenv_values(path).get(name) or ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _keep_line(path: Path, name: str, value: str) -> None:
    """Put a line into an environment file, in place of the one that it has for the same name."""
    lines = path.read_text(encoding="utf8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition("=")[0].removeprefix("export ").strip() != name]
    _write_private(path, "\n".join([*kept, f"{name}='{value}'", ""]))


def _write_private(path: Path, text: str) -> None:
    """Replace a file at once, for its owner alone; a link stays, and what it leads to is replaced."""
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf8") as file:
            file.write(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
