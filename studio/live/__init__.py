"""A run as it is watched from the command line: what to show (`board`, `words`), where (`plain`, `screen`), and when."""
