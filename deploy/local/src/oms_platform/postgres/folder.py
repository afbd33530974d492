"""The server's folder on disk: who owns what in it, and the secret its passwords come from."""

import hmac
import os
import secrets
import shutil
from pathlib import Path

from oms_platform.errors import PlatformError
from oms_platform.postgres.binaries import PostgresBinaries
from oms_platform.processes import Account, run_command

ADMIN_ROLE = "oms_admin"
SETTINGS_FILE = "oms.conf"


def role_password(home: Path, role: str) -> str:
    """The password of `role`, derived from one secret kept beside the data (mode 0600).

    Derived, so that it is the same after a restart and nothing but the secret is kept.
    """
    path = home / "secret"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return hmac.new(path.read_bytes(), role.encode(), "sha256").hexdigest()[:32]


async def make_data_folder(home: Path, binaries: PostgresBinaries) -> None:
    """Run initdb unless a former run finished it; raises PlatformError with its words."""
    done = home / "initialised"
    if done.exists():
        return
    data, socket_dir, password_file = home / "data", home / "socket", home / "password"
    for folder, mode in ((data, 0o700), (socket_dir, 0o711)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(mode)
        _give(folder, binaries.account)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(role_password(home, ADMIN_ROLE))
    _give(password_file, binaries.account)
    try:
        # --no-sync: a folder lost to a power cut in this second is simply made again.
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        login = ["-U", ADMIN_ROLE, f"--pwfile={password_file}"]
        argv = [str(binaries.folder / "initdb"), "-D", str(data), *login, *options]
        code, printed = await run_command(argv, account=binaries.account)
    finally:
        password_file.unlink()
    if code != 0:
        raise PlatformError(f"initdb failed: {' '.join(argv)}\n{printed[-2000:]}")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"\ninclude '{home / SETTINGS_FILE}'\n")
    done.touch()


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
