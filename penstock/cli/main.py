"""The `penstock` command; each subcommand loads its own parts, so that `penstock run` starts at once."""

import sys

import penstock


def main(argv=None):
    """The entry point: `penstock run ...` goes straight to the program, the rest through click."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv[:1] == ["run"] and not {"--help", "-h"} & set(argv[1:2]):
        from penstock.cli.run import run

        sys.exit(run(argv[1:]))
    command()(argv, prog_name="penstock")


def command():
    """The click command: made on demand, click is not needed to run a program."""
    import click

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(penstock.__penstock_version__, prog_name="penstock")
    def group():
        """Run TensorFlow programs, 1.x and 2.x, unmodified on OpenXLA."""

    @group.command(context_settings={"ignore_unknown_options": True}, add_help_option=True)
    @click.option("--tf1", is_flag=True, help="The program is written for TensorFlow 1.x: `tensorflow` is the 1.x API.")
    @click.option("-m", "module", metavar="MODULE", help="Run a module, as `python -m` does.")
    @click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[SCRIPT] [ARGS]...")
    def run(tf1, module, program):
        """Run an unmodified TensorFlow program.

        \b
        penstock run script.py --steps 100
        penstock run --tf1 old_script.py
        penstock run -m package.module --flag

        `import tensorflow` means penstock in that process; nothing is installed or written. When the program fails,
        the traceback folds penstock's own frames; PENSTOCK_TRACEBACK=full shows all of them.
        """
        from penstock.cli.run import run as start

        sys.exit(start((["--tf1"] if tf1 else []) + (["-m", module] if module else []) + list(program)))

    @group.command("saved-model", context_settings={"ignore_unknown_options": True}, add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def saved_model(arguments):
        """Show, run, scan, freeze or compile a SavedModel, as saved_model_cli does."""
        from penstock.cli.saved_model import main as start

        try:
            sys.exit(start(list(arguments), "penstock saved-model"))
        except (AttributeError, OSError, RuntimeError, ValueError, penstock.errors.OpError) as error:
            sys.exit(f"penstock saved-model: {error}")

    @group.command(context_settings={"ignore_unknown_options": True}, add_help_option=True)
    @click.option("--logdir", metavar="DIR", help="Where the event files are.")
    @click.option("--port", type=int, help="The port to listen on (6006, or the next free one).")
    @click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF TENSORBOARD]...")
    def board(logdir, port, more):
        """Start TensorBoard.

        \b
        penstock board --logdir logs
        penstock board --logdir logs --port 6007 --bind_all
        """
        from penstock.cli.board import main as start

        named = [f"--{name}={value}" for name, value in (("logdir", logdir), ("port", port)) if value is not None]
        start(named + list(more))

    @group.command()
    def doctor():
        """Show versions, devices and caches, and what is missing with the command that mends it."""
        from penstock.cli.doctor import report

        sys.exit(report())

    return group


if __name__ == "__main__":
    main()
