"""The panes: pure functions from the state to rows. They know the domain and know no Textual."""
