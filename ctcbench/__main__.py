"""The console script: help from the cache if it is there, else parse, run, and say how it ended."""

import sys

from ctcbench.cli import help_cache


def main(argv: "list[str] | None" = None) -> int:
    """Run a command line and return its exit code: 0 done, 2 the user's mistake, 130 interrupted, 1 else."""
    arguments = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    try:
        if help_cache.replay(arguments):
            return 0
        with help_cache.Recording(arguments):
            from ctcbench.cli.app import invoke

            code = invoke(arguments)
        sys.stdout.flush()
        return code
    except BaseException as error:
        from ctcbench.cli.error_report import report

        return report(error, arguments)


if __name__ == "__main__":
    sys.exit(main())
