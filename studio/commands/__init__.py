"""Subcommands of `flowloom`: a file each, loaded when it is called."""
