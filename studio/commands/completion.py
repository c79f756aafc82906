"""`flowloom completion`: the script that teaches a shell to complete our command line."""

from __future__ import annotations

import click

from studio.front.streams import tell

WHERE = {
    "bash": 'eval in ~/.bashrc:  eval "$(flowloom completion bash)"',
    "zsh": 'eval in ~/.zshrc:  eval "$(flowloom completion zsh)"',
    "fish": "save it:  flowloom completion fish > ~/.config/fish/completions/flowloom.fish",
}


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands and options of `flowloom`.

    \b
    bash:  eval "$(flowloom completion bash)"      in ~/.bashrc
    zsh:   eval "$(flowloom completion zsh)"       in ~/.zshrc
    fish:  flowloom completion fish > ~/.config/fish/completions/flowloom.fish
    """
    tell(f"# {WHERE[shell]}\n{script(shell)}")


def script(shell: str) -> str:
    """The completion script of a shell, without asking that shell anything."""
    from click.shell_completion import get_completion_class

    from studio.cli import front_door

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(front_door(), {}, "flowloom", "_FLOWLOOM_COMPLETE")
    return made.source_template % made.source_vars()
