"""What lies over the panes and takes the keys: help, commands, themes, and an action from picker to proof."""
