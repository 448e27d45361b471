"""What `perftui --help` teaches."""

_TEXT = """\
perftui: see it, fix it, prove it, from one terminal.

  perftui                  the live console of this host and what runs on it
{commands}
  Each command has its own --help.

Options of the console
  --read-only              change nothing, whatever is pressed; the agent enforces it
  --config FILE            configuration (default: $XDG_CONFIG_HOME/perftui/perftui.toml; none is needed)
  --theme NAME             dark, light, colour-blind, or a file of yours in the folder themes/ beside the configuration
  --ascii                  draw with ASCII alone
  --plain                  print the same facts as text, for pipes and screen readers
  --socket PATH            attach to the agent that listens there
  --version, --help

Keys
  q quit   ? help   : command   / filter   tab, arrows, j k g G move   enter more   esc back, never quits
  1 overview   2 host   3 queues   4 caches   5 databases   6 services, endpoints   8 alerts   9 actions
  f maximise   p pause   r probe now   P M T F6 I sort the processes   F2 settings   Y copy
  a acknowledge   m silence an alert, its rule or its source   v e n on screen 8: one severity, state, source
  enter on an alert, c clean up, w warm, s services, o health and optimise, F7 F8 F9 nice and signal of a process:
    a preview first, then a confirmation, then the proof; u takes back what can be taken back
  ctrl-c quits too, ctrl-z suspends; `[keys]` in the configuration changes any of them

Files and environment
  $XDG_CONFIG_HOME/perftui/perftui.toml   configuration; `perftui config init` writes what it finds here
  $XDG_STATE_HOME/perftui/                audit log, state.db (alerts, acks, silences), log files, what Y wrote
  /run/perftui/agent.sock                 the agent of a service, tried first
  /tmp/perftui-UID/                       your private agent: its socket, lock and log
  NO_COLOR                                no colour, only bold, dim and reverse
  PERFTUI_DEBUG=1                         the traceback when perftui crashes

Exit status
  0 quit   1 an error   2 wrong usage or configuration, or no terminal   129 hung up   143 ended by SIGTERM
  `perftui check`: 0 healthy, 1 warning, 2 critical, 3 unknown"""


def text(commands: dict[str, tuple[str, str]]) -> str:
    """Return the help for these commands: name -> (module, one line of what it does)."""
    lines = "\n".join(f"  perftui {name:<16} {what}" for name, (_, what) in commands.items())
    return _TEXT.format(commands=lines)
