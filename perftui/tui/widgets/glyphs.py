"""Glyphs of the state, and what stands for each character of ours on a terminal that has only ASCII."""

from rich.cells import cell_len

OK, WARNING, CRITICAL, STALE, UNKNOWN, PAUSED, ACKED, PENDING, INFO = "●", "▲", "✖", "◌", "?", "‖", "✓", "◔", "i"

_ASCII = str.maketrans(
    dict(zip("●▲✖◌‖✓◔", "o!X~=v.", strict=True))
    | dict(zip("│┌┐└┘├┤┬┴┼─┈┊", "|+++++++++--:", strict=True))
    | dict(zip("▏▎▍▌▋▊▉█", "---====#", strict=True))
    | dict(zip("▁▂▃▄▅▆▇", "_.,:-=+", strict=True))
    | dict(zip("…–→←↑↓·×µ°", ">->" + "<^v.xu ", strict=True))
)


def to_ascii(text: str) -> str:
    """Return `text` in ASCII that takes the same cells; what has no stand-in is `?`."""
    if text.isascii():
        return text
    return "".join(
        character if character.isascii() else "?" * cell_len(character) for character in text.translate(_ASCII)
    )
