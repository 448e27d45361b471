import pytest

from perftui.collectors.host import process_details
from perftui.collectors.host.process_details import DetailReader, Details, unit_of
from tests.unit.collectors.host.tree import Tree

ID = "0123456789ab" + "c" * 52


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/nginx.service\n", "nginx.service"),
        ("0::/system.slice/queue.service/worker-3\n", "queue.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/editor.service\n", "editor.service"),
        (f"0::/system.slice/docker-{ID}.scope\n", "docker-0123456789ab.scope"),
        (f"5:memory:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", "0123456789ab"),
        ("5:memory:/system.slice/ssh.service\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service"),
        ("4:memory:/jobs/mail\n1:cpu:/\n0::/\n", "mail"),
        ("0::/evil\x1b[2J\n", "evil␛[2J"),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_the_unit_of_a_cgroup(cgroup: str, unit: str | None) -> None:
    assert unit_of(cgroup) == unit


def test_user_command_and_unit(tree: Tree) -> None:
    owner = tree.root.stat().st_uid
    tree.write("etc/passwd", f"nobody:x:{owner + 1}:0::/:\noperator\x1b:x:{owner}:0::/:\nbroken\n")
    tree.process(7, b"mailer")
    assert DetailReader(tree.root).read("7") == Details("operator␛", "/usr/bin/mailer --queue mail", "worker.service")


def test_a_user_who_is_not_in_the_file_is_a_number(tree: Tree) -> None:
    tree.process(7)
    assert DetailReader(tree.root).read("7").user == str(tree.root.stat().st_uid)


def test_a_hostile_command_line_is_made_harmless(tree: Tree) -> None:
    tree.process(7)
    tree.write("proc/7/cmdline", b"\x1b]0;owned\x07\0[/red]\0\xff\n\0")
    assert DetailReader(tree.root).read("7").command == "␛]0;owned␇ [/red] �␊"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (b"client\0--password=hunter2\0--host=db", "client --password=*** --host=db"),
        (b"client\0--api-key\0hunter2\0-v", "client --api-key *** -v"),
        (b"env\0DB_PASSWORD=hunter2\0app", "env DB_PASSWORD=*** app"),
        (b"app\0--token-file\0/run/token", "app --token-file /run/token"),
    ],
)
def test_arguments_that_are_secrets_are_not_shown(tree: Tree, command: bytes, shown: str) -> None:
    tree.process(7)
    tree.write("proc/7/cmdline", command)
    assert DetailReader(tree.root).read("7").command == shown


def test_a_kernel_thread_has_no_command(tree: Tree) -> None:
    tree.process(7)
    tree.write("proc/7/cmdline", b"")
    assert DetailReader(tree.root).read("7").command is None


def test_what_may_not_be_read_is_denied_but_the_user_is_known(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    tree.process(7)
    monkeypatch.setattr(process_details, "_contents", refuse)
    assert DetailReader(tree.root).read("7") == Details(str(tree.root.stat().st_uid), denied=True)


def test_a_process_that_is_gone_raises(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        DetailReader(tree.root).read("7")
