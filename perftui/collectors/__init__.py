"""One file per kind of source behind one contract; `registry` is the explicit table kind -> class."""
