"""The terminal studio and the `flowloom` command: a picture of a project and its run, and actions on both."""
