"""The entry point of the console script and of ``python -m ctcbench``."""

import sys


def main(argv: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Exit codes: 0 done, 2 the user's mistake, 130 interrupted, 1 anything else.
    """
    arguments = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    try:
        # Imported here, so that Ctrl-C during the imports is reported like any other interrupt.
        from ctcbench.cli.app import invoke

        code = invoke(arguments)
        sys.stdout.flush()
        return code
    except BaseException as error:
        # First, because the error report needs some of these packages itself.
        from ctcbench.cli.missing_packages import explain_missing_packages

        if line := explain_missing_packages(error):
            print(line, file=sys.stderr)
            return 1
        from ctcbench.cli.app import command_path
        from ctcbench.cli.error_report import report_error

        return report_error(error, command_path(arguments))


if __name__ == "__main__":
    sys.exit(main())
