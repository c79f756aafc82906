"""The front door's own rooms: what every subcommand of `flowloom` shares. They import no screen."""
