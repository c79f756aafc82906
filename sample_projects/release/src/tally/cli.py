"""The command: lines from standard input, counts to standard output."""

import argparse
import sys

from tally.counting import tally


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="tally", description="Count the lines of standard input.")
    parser.add_argument("--top", type=int, metavar="N", help="show only the N most frequent")
    asked = parser.parse_args(arguments)
    for line, count in tally(sys.stdin, asked.top):
        print(f"{count:>6} {line}")
