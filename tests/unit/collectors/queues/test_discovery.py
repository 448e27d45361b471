"""Workers are told by the names of their connections, whatever else is in the client list."""

import base64

import pytest

from perftui.collectors.queues.discovery import Discovery, workers_of


def line(name: str, database: int = 0, more: str = "") -> bytes:
    text = f"id=3 addr=127.0.0.1:1 laddr=127.0.0.1:2 fd=8 name={name} age=1 flags=b db={database} sub=0 {more}\n"
    return text.encode()


def coded(name: str) -> str:
    return base64.b64encode(name.encode()).decode()


@pytest.mark.parametrize("prefix", ["bull", "{my.app}"])
def test_client_names(prefix: str) -> None:
    clients = b"".join(
        [
            line(f"{prefix}:{coded('mail')}"),
            line(f"{prefix}:{coded('mail')}:w:second"),
            line(f"{prefix}:{coded('mail')}:qe"),
            line(f"{prefix}:{coded('grüße')}:qe"),
            line(f"{prefix}:{coded('elsewhere')}", database=1),
            line(f"other:{coded('mail')}"),
            line(f"{prefix}:!!!"),
            line("", more=f"lib-name={prefix}:{coded('no')}"),
        ]
    )
    found = workers_of(Discovery(prefix, 0)._client.findall(clients))
    assert found == {b"mail": 2, "grüße".encode(): 0}
