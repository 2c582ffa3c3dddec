#!/usr/bin/env bash
# Figures: they parse, and count what the decision log holds.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$here/server.sh" figures
