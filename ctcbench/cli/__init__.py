"""The command line: flags, help, errors and progress; `commands` has a module for each command."""
