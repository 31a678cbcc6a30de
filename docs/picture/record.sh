#!/usr/bin/env bash
# Runs the quick start on a terminal and draws its second step: docs/picture/quickstart.svg.
set -euo pipefail
cd "$(dirname "$0")/../.."
# On a terminal of 100 columns; without its frames the spinner leaves nothing.
script -qec 'stty cols 100; examples/quickstart/run.sh --stop' /dev/null |
  sed -nE 's/\r$//; s/\x1b\[2K[^\r]*\r//g; s/\r//g; s/\x1b\[2K//g; /── 2\. /,/── 3\. /p' |
  sed -nE '/^\x1b\[1m\$ midwatch job exec/,/produced by/p' |
  sed "s|$PWD/examples/quickstart/||g" |
  python3 docs/picture/terminal.py >docs/picture/quickstart.svg
