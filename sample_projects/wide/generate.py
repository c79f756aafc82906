"""Write project.toml: the sum of the first two million squares, as a tree of a thousand nodes.

    python generate.py [LEAVES] > project.toml

LEAVES nodes sum the squares of a range each, LEAVES - 1 nodes add two sums, and one compares the last one with the
formula: 500 leaves make 1,000 nodes, 13 levels deep.
"""

import sys

HEAD = """\
format = 1

[project]
name = "wide"
description = "The sum of {last:,} squares as a tree of {nodes:,} nodes"
result = "check"

# Written by generate.py: change that, not this.
"""


def main(leaves=500, width=4000):
    print(HEAD.format(last=leaves * width, nodes=2 * leaves))
    names = []
    for number in range(leaves):
        names.append(f"part_{number:03}")
        first, last = number * width + 1, (number + 1) * width
        print(f'[nodes.{names[-1]}]\ntask = "squares:part"\nargs = {{ first = {first}, last = {last} }}\n')
    level = 0
    while len(names) > 1:
        level += 1
        pairs = [names[at : at + 2] for at in range(0, len(names), 2)]
        names = []
        for number, pair in enumerate(pairs):
            if len(pair) == 1:
                names.append(pair[0])
                continue
            names.append(f"add_{level}_{number:03}")
            print(
                f'[nodes.{names[-1]}]\ntask = "squares:add"\ninputs = {{ left = "{pair[0]}", right = "{pair[1]}" }}\n'
            )
    print(
        f'[nodes.check]\ntask = "squares:check"\ninputs = {{ total = "{names[0]}" }}\nargs = {{ last = {leaves * width} }}'
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
