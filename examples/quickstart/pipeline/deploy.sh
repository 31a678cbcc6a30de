#!/usr/bin/env bash
# A deployment step that works: it applies the settings of the shop window to the server.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
echo "deploy: applying the settings of the shop window"
midwatch apply -f "$here/settings.yaml"
