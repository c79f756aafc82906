"""What the nodes of project.toml call."""


def first(ctx, flag):
    """Leaves a mark for those that come later, if it is asked to."""
    if flag:
        ctx.variables["flag"] = True
    return "结果1"


def flag_is_set(ctx):
    """Decides which way to go; nobody set the flag means no."""
    return ctx.variables.get("flag", bool, False)


def second():
    return "结果2"


def third():
    return "结果3"


def inner(fail):
    if fail:
        raise OSError("the inner task was told to fail")
    return "子结果"


def succeeded():
    print("the workflow has completed")


def failed():
    print("the workflow has failed")
