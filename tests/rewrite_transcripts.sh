#!/bin/sh
# Writes every golden transcript and docs/cli.md anew, from the release tree. Look at the difference before it is committed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
tree=$root/build/release
cmake --build "$tree" --target midwatch cli_test
"$tree/controller/cli/cli_test" --rewrite --gtest_brief=1
cd "$root/tests/integration"
MIDWATCH=$tree/controller/cmd/midwatch PYTHONDONTWRITEBYTECODE=1 python3 transcript_test.py --rewrite
