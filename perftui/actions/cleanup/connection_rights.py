"""What our account may do to the connections of others, and how it is called on the server."""

from perftui.actions.cleanup.sleepers import Around, Connection, read_programs
from perftui.core.text import clean

_UPTIME = "SHOW GLOBAL STATUS LIKE 'Uptime'"
_ACCOUNT = "SELECT USER(), CURRENT_USER(), @@version"
_MAY_KILL = ("CONNECTION ADMIN", "CONNECTION_ADMIN", "SUPER", "ALL PRIVILEGES")


class Grant:
    """What our account may do, and the statement that would let it do the rest."""

    def __init__(self, account: str, version: str, grants: tuple[str, ...]) -> None:
        is_mariadb = "mariadb" in version.lower()
        release = tuple(int(part) for part in version.partition("-")[0].split(".")[:2] if part.isdecimal())
        right = "CONNECTION ADMIN" if is_mariadb else "CONNECTION_ADMIN"
        if release < ((10, 5) if is_mariadb else (8, 0)):
            right = "SUPER"
        user, _, host = account.rpartition("@")
        self.words = f"GRANT PROCESS, {right} ON *.* TO '{user}'@'{host}'"
        whole = [grant for grant in grants if " ON *.* " in grant]
        # A grant of a role says nothing of what is in it: KILL itself will tell.
        self.may_kill = any(word in grant for grant in whole for word in _MAY_KILL) or any(
            " ON " not in grant for grant in grants
        )


async def read_around(link: Connection) -> tuple[Around, Grant]:
    """Return our account, the programs, the uptime, and our rights. Raises SourceError."""
    ((user, account, version),) = await link.rows(_ACCOUNT)
    ((_, uptime),) = await link.rows(_UPTIME)
    grants = await link.rows("SHOW GRANTS")
    name, _, address = text_of(user).rpartition("@")
    own = Grant(text_of(account), text_of(version), tuple(text_of(row[0], 2000) for row in grants))
    return Around((name, address), await read_programs(link), float(uptime or 0)), own


def text_of(cell: bytes | None, limit: int = 200) -> str:
    """Return a cell as harmless text."""
    return clean(cell or b"", limit)
