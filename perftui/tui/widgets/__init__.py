"""Building blocks that know no domain: text, tables, bars, sparklines, frames, charts and the widget under them."""
