"""The command line: data on standard output, messages on standard error, exit codes that mean something."""
