"""Replication as a replica sees it: is it running, how far behind, and what stopped it."""

from perftui.collectors.mysql_redact import redact
from perftui.connect.mysql import MySQLConnection, Record
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean


async def read_channels(connection: MySQLConnection) -> list[Record]:
    """Ask for every channel, under the names of MySQL 8.0.22; an empty list is a server that replicates from none."""
    if connection.is_mariadb:
        query = "SHOW ALL SLAVES STATUS"
    else:
        query = "SHOW REPLICA STATUS" if connection.release >= (8, 0, 22) else "SHOW SLAVE STATUS"
    return [{_modern(name): value for name, value in row.items()} for row in await connection.records(query)]


def add_replication(builder: ReadingBuilder, channels: list[Record]) -> None:
    """Add the samples of each channel. A lag of NULL means that a thread is stopped: absent, never 0."""
    for channel in channels:
        name = clean(channel.get("channel_name") or channel.get("connection_name") or b"", 80)
        pairs = {"channel": name} if name else {}
        threads = (channel.get("replica_io_running"), channel.get("replica_sql_running"))
        builder.add("mysql.replica.running", float(threads == (b"Yes", b"Yes")), **pairs)
        lag = channel.get("seconds_behind_source")
        builder.add("mysql.replica.time_behind_source", None if lag is None else float(lag), **pairs)
        error = channel.get("last_sql_error") or channel.get("last_io_error")
        if error:
            builder.fact(f"replication_error {name}".strip(), redact(error))


def _modern(column: str) -> str:
    return column.lower().replace("slave", "replica").replace("master", "source")
