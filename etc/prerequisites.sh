#!/bin/sh
# Says in one line what is missing on this machine, if anything is.
missing=
command -v git >/dev/null 2>&1 || missing="$missing git"
if command -v python3 >/dev/null 2>&1; then
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || missing="$missing python3(>=3.11)"
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || missing="$missing python3-venv"
else
    missing="$missing python3 python3-venv"
fi
if [ -n "$missing" ]; then
    echo "gitaly_tx needs:$missing   (Debian: apt-get install git python3 python3-venv)" >&2
    exit 1
fi
