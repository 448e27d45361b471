"""Whether the agent runs on the configuration that this console's user means."""

from perftui.config.load import digest_of
from perftui.config.paths import config_file
from perftui.core.wire import Welcome

AS_CHOSEN = "as whoever started it chose"
"""How the note ends that is no trouble: nobody here asked for another file."""


def config_notes(config: str | None, welcome: Welcome) -> tuple[str, ...]:
    """Return a line for what differs: the file, or what stands in it by now. Reads the file; blocks."""
    path = config_file(config)
    if welcome.config_path and str(path) != welcome.config_path:
        mine = f"not on {path}" if config else AS_CHOSEN
        return (f"this agent runs on {welcome.config_path}, {mine}",)
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if digest_of(content) != welcome.config_digest:
        return (f"{path} has changed since the agent read it; :reload takes it",)
    return ()
