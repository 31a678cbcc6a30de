#!/usr/bin/env bash
# Midwatch in a minute: from a commit to finished AI work, with real parts only.
#   examples/quickstart/run.sh           installs, builds, shows; on a terminal it stays running
#   examples/quickstart/run.sh --stop    leaves nothing running
# MIDWATCH_BIN=DIR takes the programs from there instead of building them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

stay=false
[ -t 1 ] && [ -z "${CI:-}" ] && stay=true
case "${1:-}" in
  '') ;;
  --stop) stay=false ;;
  *) sed -n '2,4s/^# \?//p' "$0" >&2; exit 2 ;;
esac

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' cyan=$'\e[36m' off=$'\e[0m'
else
  bold='' dim='' cyan='' off=''
fi
title() { printf '\n%s── %s ──%s\n' "$bold$cyan" "$*" "$off"; }
say() { printf '\n%s%s%s\n' "$dim" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$off"; }
run() { show "$*"; "$@"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# -- Build ---------------------------------------------------------------------------------------------------------

progress() {  # Reads ninja's output; one line on a terminal, a line every tenth elsewhere.
  local line tenth last=-1 begun left
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)/([0-9]+)\] ]]; then
      tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
      begun=$((BASH_REMATCH[1] > 0 ? BASH_REMATCH[1] : 1))  # Ninja looks at its own files as number 0.
      left=$((BASH_REMATCH[3] * (BASH_REMATCH[2] - BASH_REMATCH[1]) / begun / 60 + 1))
      if [ -t 1 ]; then
        printf '\r\e[Kbuilding %d of %d, about %d min left' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "$left"
      elif [ "$tenth" -ne "$last" ]; then
        printf 'building %d of %d\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      fi
      last=$tenth
    elif [[ $line != ninja:* ]]; then
      printf '%s\n' "$line"
    fi
  done
  [ ! -t 1 ] || printf '\r\e[K'
}

build() {
  "$root/tests/install.sh" build
  cd "$root"
  mkdir -p build
  exec 9>build/quickstart.lock
  flock 9  # Another quick start may be building.
  cmake --preset release >/dev/null
  NINJA_STATUS='[%f/%t/%e] ' cmake --build --preset release --target midwatch |
    sed -uE 's|^(\[[0-9]+/[0-9]+/[0-9]+)\.[0-9]+\]|\1]|' | progress
  exec 9>&-
}

bin=${MIDWATCH_BIN:-}
if [ -z "$bin" ]; then
  build
  bin=$root/build/release/controller/cmd
fi
[ -x "$bin/midwatch" ] || fail "there is no $bin/midwatch"
export PATH=$bin:$PATH

# -- A place for everything ----------------------------------------------------------------------------------------

dir=$(mktemp -d "${TMPDIR:-/tmp}/midwatch-quickstart.XXXXXX")
pids=()
stop_all() {
  local pid tries=100
  kill "${pids[@]}" 2>/dev/null || true
  while [ "$tries" -gt 0 ] && kill -0 "${pids[@]}" 2>/dev/null; do
    tries=$((tries - 1))
    sleep 0.1
  done
  kill -KILL "${pids[@]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap stop_all EXIT
trap 'exit 130' INT TERM HUP
trap 'echo "error: line $LINENO of the quick start did not do what it should" >&2' ERR

start() {  # NAME COMMAND…: in the background; on a terminal it outlives this script.
  local log=$dir/$1.log
  shift
  (trap '' HUP; exec "$@" >"$log" 2>&1) &
  pids+=($!)
}
wait_for() {  # WHAT COMMAND…: until the command succeeds, at most 30 s.
  local what=$1 tries=150
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { tail -n 20 "$dir"/*.log >&2; fail "$what did not happen in 30 s"; }
    sleep 0.2
  done
}
field() {  # NAME: the first value of that field in the JSON on standard input.
  grep -o "\"$1\": *[^,}]*" | head -1 | sed 's/^[^:]*: *//; s/"//g'
}
connected() { [ "$(midwatch get agents ops -n agents -o json | field connectedInstances)" = "$1" ]; }
dispatch_of() {  # JOB: the Dispatch of that job of payments/database.
  midwatch get dispatches -n payments --no-headers --search "database-$1" 2>/dev/null | awk '{print $1; exit}'
}
dispatch_is() {  # JOB PHASE
  [ "$(midwatch get dispatches "$(dispatch_of "$1")" -n payments -o json | field phase)" = "$2" ]
}
started=$SECONDS

# -- 1 -------------------------------------------------------------------------------------------------------------

title "1. A server, an agent, and a git repository that says what should happen"
say "midwatch serve keeps everything in one directory: objects, artifacts, its own certificate authority, a kubeconfig."
show "midwatch serve --data DIR --listen 127.0.0.1:0 --allow-file-urls"
start serve midwatch serve --data "$dir/data" --listen 127.0.0.1:0 --allow-file-urls
wait_for "the server's start" test -s "$dir/data/kubeconfig"
export KUBECONFIG=$dir/data/kubeconfig
wait_for "the API" midwatch get namespaces
run midwatch version

cp -r "$here/repo" "$dir/work"
git -C "$dir/work" init -q -b main
git -C "$dir/work" config user.name "Platform engineer"
git -C "$dir/work" config user.email "platform@example.com"
git init -q --bare "$dir/repo.git"
commit() {  # MESSAGE
  git -C "$dir/work" add -A
  git -C "$dir/work" commit -q -m "$1"
  git -C "$dir/work" push -q "$dir/repo.git" main
  say "commit $(git -C "$dir/work" rev-parse --short=12 HEAD): $1"
}
commit "The shop, its agent and three missions"

say "A GitSource keeps that repository applied. One in midwatch-system may write everywhere."
show "midwatch apply -f gitsource.yaml"
midwatch apply -f - <<YAML
apiVersion: midwatch.dev/v1alpha1
kind: GitSource
metadata:
  name: platform
  namespace: midwatch-system
spec:
  url: file://$dir/repo.git
  ref:
    branch: main
  interval: 1m
YAML
run midwatch sync platform -n midwatch-system
run midwatch get stacks,modules,organizationmissions,stackmissions,namespacemissions,agents,agentassignments -A

say "The agent's owner makes a token and runs the agent; agent.yaml on its host says which sidecars it can start."
agent() {  # NAME
  start "agent-$1" midwatch agent --agent agents/ops --config "$here/agent.yaml" --kubeconfig "$dir/agent.kubeconfig" \
    --data "$dir/agent-$1"
}
show "midwatch agent token agents/ops --file agent.kubeconfig"
midwatch agent token agents/ops --file "$dir/agent.kubeconfig"
show "midwatch agent --agent agents/ops --config agent.yaml --kubeconfig agent.kubeconfig"
agent one
wait_for "the agent's connection" connected 1
run midwatch get agents -n agents

# -- 2 -------------------------------------------------------------------------------------------------------------

job() {  # EXIT-CODE OPTION… -- COMMAND…: a pipeline step, which must end with that code.
  local expected=$1 code=0 shown
  shift
  shown=$*
  shown=${shown//"$here/"/}
  show "midwatch job exec ${shown//"$dir/"/}"
  midwatch job exec "$@" || code=$?
  [ "$code" -eq "$expected" ] || fail "the step ended with $code, not with $expected"
}

title "2. A pipeline step fails, and is diagnosed"
say "Its output and exit code are those of the command; what the Agent found stands under it."
job 1 --module payments/database --operation Deploy --job-id deploy-1 --wait 1m -- "$here/pipeline/migrate.sh"
say "The step's exit code is still 1. How the sidecar came to that:"
run midwatch logs -n payments "dispatch/$(dispatch_of deploy-1)"

# -- 3 -------------------------------------------------------------------------------------------------------------

title "3. A plan waits for approval; a job succeeds"
say "Exit code 2 means: there are changes, somebody must approve. The plan is uploaded, and a recommendation is given."
job 2 --module payments/database --operation Plan --job-id plan-1 --approval-exit-code 2 --plan "$dir/plan.json" \
  --wait 1m -- "$here/pipeline/plan.sh" "$dir/plan.json"
say "A job that succeeds gets a summary."
job 0 --module storefront/frontend --operation Deploy --job-id deploy-1 --wait 1m -- "$here/pipeline/deploy.sh"
run midwatch get dispatches -A

# -- 4 -------------------------------------------------------------------------------------------------------------

title "4. What cannot run is parked, says why, and runs when it can"
rm "$dir/work/agents/assignment.yaml"
cat >"$dir/work/missions/database.yaml" <<'YAML'
apiVersion: midwatch.dev/v1alpha1
kind: ModuleMission
metadata:
  name: summarize-database
  namespace: payments
spec:
  moduleRef:
    name: database
  missionType: SummarizeJob
  agentRef:
    namespace: agents
    name: ops
YAML
commit "Withdraw the Agent's assignment; summarise what the database's jobs change"
run midwatch sync platform -n midwatch-system
say "The step fails again. The ModuleMission is of another type and keeps still; the diagnosis must wait."
job 1 --module payments/database --operation Deploy --job-id deploy-2 -- "$here/pipeline/migrate.sh"
wait_for "the parking" dispatch_is deploy-2 Parked
run midwatch get dispatches -n payments --state parked
run midwatch why -n payments "dispatch/$(dispatch_of deploy-2)"
git -C "$dir/work" checkout -q HEAD~1 -- agents/assignment.yaml
commit "Bring the assignment back"
run midwatch sync platform -n midwatch-system
wait_for "the unparking" dispatch_is deploy-2 Succeeded
run midwatch tree -n payments modulejob/database-deploy-2

say "The same with the agent stopped …"
kill "${pids[1]}"
wait "${pids[1]}" 2>/dev/null || true
unset 'pids[1]'
wait_for "the disconnection" connected 0
job 1 --module payments/database --operation Deploy --job-id deploy-3 -- "$here/pipeline/migrate.sh"
wait_for "the parking" dispatch_is deploy-3 Parked
run midwatch get dispatches -n payments --state parked
say "… and started again, in two instances: one wins, the other keeps its hands off."
agent two
agent three
wait_for "the unparking" dispatch_is deploy-3 Succeeded
wait_for "the second connection" connected 2
run midwatch get agentinstances -n agents
run midwatch get runs -n agents --search "$(dispatch_of deploy-3)"

# -- 5 -------------------------------------------------------------------------------------------------------------

title "5. A commit with a mistake is refused; a commit that deletes a mission prunes it"
cat >"$dir/work/missions/mistake.yaml" <<'YAML'
apiVersion: midwatch.dev/v1alpha1
kind: NamespaceMission
metadata:
  name: mistake
  namespace: payments
spec:
  missionType: AutoDiagnoze
  agentref:
    namespace: agents
    name: ops
YAML
commit "A mission with two slips of the pen"
show "midwatch sync platform -n midwatch-system"
! midwatch sync platform -n midwatch-system || fail "the broken revision was applied"
run midwatch get gitsources -n midwatch-system
rm "$dir/work/missions/mistake.yaml" "$dir/work/missions/database.yaml"
commit "Take the mistake out; delete the ModuleMission"
run midwatch sync platform -n midwatch-system
run midwatch get modulemissions -n payments

# -- 6 -------------------------------------------------------------------------------------------------------------

title "6. What happened, in $((SECONDS - started)) seconds"
run midwatch get dispatches -A
run midwatch get reports -A

if $stay; then
  cat >"$dir/stop" <<STOP
#!/bin/sh
# Stops the quick start of this directory, and removes the directory.
kill ${pids[*]} 2>/dev/null
for pid in ${pids[*]}; do while kill -0 \$pid 2>/dev/null; do sleep 0.1; done; done
rm -rf "$dir"
STOP
  chmod +x "$dir/stop"
  trap - EXIT
  cat <<TEXT

It stays running.
${bold}Look around:${off}     export KUBECONFIG=$KUBECONFIG PATH=$bin:\$PATH
                 midwatch get midwatch -A
                 midwatch report -n payments dispatch/$(dispatch_of deploy-1)
${bold}Change something:${off} $dir/work is the repository: commit, git push $dir/repo.git main,
                 midwatch sync platform -n midwatch-system
${bold}Stop it all:${off}     $dir/stop
TEXT
else
  printf '\nNothing is left running.\n'
fi
