"""Only one SELECT that reads and does nothing else passes."""

import pytest

from perftui.actions.cache.warming.sql import check_select
from perftui.core.errors import Refused


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, body FROM users ORDER BY seen DESC LIMIT 1000;",
        "  (select 1 AS id) UNION (SELECT 2)",
        "WITH recent AS (SELECT * FROM users) SELECT * FROM recent",
        "SELECT REPLACE(body, 'delete', 'into outfile') AS body, INSERT('a', 1, 1, 'b') FROM users",
        "SELECT 'it''s; \\' into', \"a;b\", `update` FROM users -- for update; drop",
        "SELECT /* into outfile; */ id # for update\nFROM users",
    ],
)
def test_a_select_passes_without_its_semicolon(sql: str) -> None:
    assert check_select(sql) == sql.strip().rstrip(";")


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "DELETE FROM users",
        "SHOW TABLES",
        "SELECT 1; DELETE FROM users",
        "WITH x AS (SELECT 1) DELETE FROM users",
        "WITH x AS (SELECT 1) UPDATE users SET a = 1",
        "SELECT * FROM users INTO OUTFILE '/tmp/x'",
        "SELECT * INTO @x FROM users",
        "SELECT * FROM users FOR UPDATE",
        "SELECT * FROM users LOCK IN SHARE MODE",
        "SELECT /*! 1 INTO OUTFILE '/tmp/x' */",
        "SELECT /*M!100100 1 */",
        "SELECT @a := 1",
        "SELECT LOAD_FILE('/etc/passwd')",
        "SELECT SLEEP (10)",
        "/* comment */ CALL p()",
    ],
)
def test_what_does_more_is_refused(sql: str) -> None:
    with pytest.raises(Refused, match="refused by recipe"):
        check_select(sql)
