"""A private Redis cluster of primaries on free ports, joined by hand."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import free_port, wait_until

SLOTS = 16384


@contextmanager
def redis_cluster(nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Run a cluster whose slots are spread evenly, and wait until every node says that it is whole."""
    with ExitStack() as stack:
        buses = [str(free_port()) for _ in range(nodes)]  # unless told, 10,000 above the port, which may be too high
        servers = [stack.enter_context(redis_server(cluster_enabled="yes", cluster_port=bus)) for bus in buses]
        for number, server in enumerate(servers):
            with server.wire() as wire:
                wire("CLUSTER", "ADDSLOTS", *range(SLOTS * number // nodes, SLOTS * (number + 1) // nodes))
                wire("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                if number:
                    wire("CLUSTER", "MEET", "127.0.0.1", servers[0].port, buses[0])

        def joined() -> bool:
            return all(_knows(server, nodes) for server in servers)

        wait_until(joined)
        yield servers


def _knows(server: RedisServer, nodes: int) -> bool:
    with server.wire() as wire:
        info = wire("CLUSTER", "INFO")
        assert isinstance(info, bytes)
        fields = dict(line.split(b":") for line in info.split())
        return fields[b"cluster_state"] == b"ok" and fields[b"cluster_known_nodes"] == b"%d" % nodes
