"""What may be shown of a URL, and what of a header."""

import subprocess
import sys
from pathlib import Path

import pytest

from perftui.config.kinds import HttpOptions
from perftui.config.secret import Secret
from perftui.connect.http import HttpTarget, place_of
from perftui.core.errors import BadAnswer, Denied, SourceError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@web-1:8443/health?token=secret#x", "https://web-1:8443/health"),
        ("http://web-1", "http://web-1"),
        ("http://web-1/a@b", "http://web-1/a@b"),
        ("http://web-1/\x1b[2J", "http://web-1/␛[2J"),
    ],
)
def test_the_place_holds_no_secret(url: str, shown: str) -> None:
    assert place_of(url) == shown


@pytest.mark.parametrize("token", ["s3cret\nvalue", "s3cret\u20ac"])
async def test_a_malformed_token_is_not_shown(token: str) -> None:
    target = HttpTarget(HttpOptions(url="http://127.0.0.1:9/", token=Secret(token)))
    with pytest.raises(SourceError, match="holds characters that HTTP does not allow") as raised:
        try:
            await target.open()
            await target.fetch()
        finally:
            await target.close()
    assert "s3cret" not in str(raised.value)


async def test_a_token_that_cannot_be_had_is_denied() -> None:
    with pytest.raises(Denied, match="env:NO_SUCH_TOKEN"):
        await HttpTarget(HttpOptions(url="http://127.0.0.1:9/", token=Secret("env:NO_SUCH_TOKEN"))).open()


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://host/file", "http://[::1", "http://127.0.0.1:99999/", "http:///path"]
)
async def test_a_url_that_cannot_be_asked_is_said(url: str) -> None:
    with pytest.raises(BadAnswer, match="cannot be asked"):
        await HttpTarget(HttpOptions(url=url)).open()


@pytest.mark.parametrize("installed", [True, False])
def test_sniffio_is_left_alone_where_it_is_installed(tmp_path: Path, installed: bool) -> None:
    if installed:
        (tmp_path / "sniffio.py").write_text("def current_async_library():\n    return 'asyncio'\n")
    program = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import perftui.connect.http\n"
        "try:\n"
        "    import sniffio\n"
        "    print(sniffio.current_async_library())\n"
        "except ImportError:\n"
        "    print('none')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == ("asyncio\n" if installed else "none\n")
