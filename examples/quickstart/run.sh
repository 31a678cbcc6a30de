#!/usr/bin/env bash
# Midwatch in a minute: from a commit to finished AI work, with real parts only.
#   examples/quickstart/run.sh           installs, builds, shows; on a terminal it stays running
#   examples/quickstart/run.sh --stop    leaves nothing running
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

stay=false
[ -t 1 ] && [ -z "${CI:-}" ] && stay=true
[ "${1:-}" = --stop ] && stay=false

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' cyan=$'\e[36m' off=$'\e[0m'
else
  bold='' dim='' cyan='' off=''
fi
title() { printf '\n%s== %s%s\n' "$bold$cyan" "$*" "$off"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$off"; }
run() { show "$*"; "$@"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# -- Build ---------------------------------------------------------------------------------------------------------

progress() {  # Reads ninja's output; one line on a terminal, a line every tenth elsewhere.
  local line last=-1 done total tenth
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      done=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
      tenth=$((done * 10 / total))
      if [ -t 1 ]; then
        printf '\rbuilding %d of %d ' "$done" "$total"
      elif [ "$tenth" -ne "$last" ]; then
        printf 'building %d of %d\n' "$done" "$total"
      fi
      last=$tenth
    elif [[ $line != ninja:* ]]; then
      printf '%s\n' "$line"
    fi
  done
  [ -t 1 ] && printf '\n'
  return 0
}

"$root/tests/install.sh" build
cd "$root"
cmake --preset release >/dev/null
NINJA_STATUS='[%f/%t] ' cmake --build --preset release --target midwatch | progress
bin=$root/build/release/controller/cmd
[ -x "$bin/midwatch" ] || fail "the build left no midwatch"
export PATH=$bin:$PATH

# -- A place for everything ----------------------------------------------------------------------------------------

dir=$(mktemp -d "${TMPDIR:-/tmp}/midwatch-quickstart.XXXXXX")
pids=()
stop_all() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

wait_for() {  # WHAT COMMAND…: until the command succeeds, at most 30 s.
  local what=$1 tries=150
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { tail -n 20 "$dir"/*.log >&2; fail "$what did not happen in 30 s"; }
    sleep 0.2
  done
}
started=$(date +%s)

title "1. A server, an agent, and a git repository that says what should happen"
say "midwatch serve keeps everything in one directory: the API's objects, its own certificate authority, a kubeconfig."
show "midwatch serve --data DIR --listen 127.0.0.1:0 --allow-file-urls"
midwatch serve --data "$dir/data" --listen 127.0.0.1:0 --allow-file-urls >"$dir/serve.log" 2>&1 &
pids+=($!)
wait_for "the server's start" test -s "$dir/data/kubeconfig"
export KUBECONFIG=$dir/data/kubeconfig
wait_for "the API" midwatch get namespaces

cp -r "$here/repo" "$dir/work"
git -C "$dir/work" init -q -b main
git -C "$dir/work" config user.name "Platform engineer"
git -C "$dir/work" config user.email "platform@example.com"
git init -q --bare "$dir/repo.git"
commit() {  # MESSAGE
  git -C "$dir/work" add -A
  git -C "$dir/work" commit -q -m "$1"
  git -C "$dir/work" push -q "$dir/repo.git" main
  say "commit $(git -C "$dir/work" rev-parse --short HEAD): $1"
}
commit "The shop, its agent and three missions"

say "A GitSource keeps that repository applied. The one in midwatch-system may write everywhere."
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
run midwatch get gitsources -n midwatch-system
run midwatch get modules,organizationmissions,stackmissions,agents,agentassignments -A

say "The agent's owner makes a token and runs the agent; agent.yaml on its host says which sidecars it can start."
agent() {  # NAME
  midwatch agent --agent agents/ops --config "$here/agent.yaml" --kubeconfig "$dir/agent.kubeconfig" \
    --data "$dir/agent-$1" >"$dir/agent-$1.log" 2>&1 &
  pids+=($!)
  agent_pid=$!
}
connected() { [ "$(midwatch get agents ops -n agents -o json | tr -d ' \n' | grep -o '"connectedInstances":[0-9]*' | cut -d: -f2)" = "$1" ]; }
run midwatch agent token agents/ops --file "$dir/agent.kubeconfig"
show "midwatch agent --agent agents/ops --config agent.yaml --kubeconfig agent.kubeconfig"
agent one
wait_for "the agent's connection" connected 1
run midwatch get agents -n agents

title "2. A pipeline step really fails, and is diagnosed"
say "The output and the exit code are those of the command; what the Agent found stands under it."
show "midwatch job exec --module payments/database --wait 1m -- pipeline/migrate.sh"
code=0
midwatch job exec --module payments/database --operation Deploy --job-id deploy-1 --wait 1m -- "$here/pipeline/migrate.sh" || code=$?
say "exit code: $code"
[ "$code" -eq 1 ] || fail "expected the command's exit code 1"

title "3. A plan waits for approval; a job succeeds"
show "midwatch job exec --module payments/database --approval-exit-code 2 --plan plan.json --wait 1m -- pipeline/plan.sh plan.json"
code=0
midwatch job exec --module payments/database --operation Plan --job-id plan-1 --approval-exit-code 2 --plan "$dir/plan.json" \
  --wait 1m -- "$here/pipeline/plan.sh" "$dir/plan.json" || code=$?
[ "$code" -eq 2 ] || fail "expected the command's exit code 2"
show "midwatch job exec --module storefront/frontend --wait 1m -- cmp a b"
cp "$here/agent.yaml" "$dir/a"; cp "$here/agent.yaml" "$dir/b"
midwatch job exec --module storefront/frontend --operation Test --job-id check-1 --wait 1m -- cmp "$dir/a" "$dir/b"
run midwatch get dispatches -A

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
commit "Withdraw the assignment; summarise what the database job changed"
run midwatch sync platform -n midwatch-system
say "The next failure parks."
midwatch job exec --module payments/database --operation Deploy --job-id deploy-2 -- "$here/pipeline/migrate.sh" || true
dispatch_of() {  # JOB-ID: the Dispatch of that job.
  midwatch get dispatches -n payments --no-headers --search "$1" | awk '{print $1; exit}'
}
phase_is() { [ "$(midwatch get dispatches "$1" -n payments -o json | tr -d ' \n' | grep -o '"phase":"[A-Za-z]*"' | head -1 | cut -d'"' -f4)" = "$2" ]; }
wait_for "the Dispatch" test -n "$(sleep 1; dispatch_of deploy-2)"
parked=$(dispatch_of deploy-2)
wait_for "the parking" phase_is "$parked" Parked
run midwatch get dispatches -n payments
run midwatch why "dispatch/$parked" -n payments
git -C "$dir/work" checkout -q HEAD~1 -- agents/assignment.yaml
commit "Bring the assignment back"
run midwatch sync platform -n midwatch-system
wait_for "the unparking" phase_is "$parked" Succeeded
run midwatch tree "modulejob/$(midwatch get modulejobs -n payments --no-headers --search deploy-2 | awk '{print $1; exit}')" -n payments

say "The same with the agent stopped, and started again."
kill "$agent_pid"; wait "$agent_pid" 2>/dev/null || true
wait_for "the disconnection" connected 0
midwatch job exec --module payments/database --operation Deploy --job-id deploy-3 -- "$here/pipeline/migrate.sh" || true
wait_for "the Dispatch" test -n "$(sleep 1; dispatch_of deploy-3)"
parked=$(dispatch_of deploy-3)
wait_for "the parking" phase_is "$parked" Parked
run midwatch why "dispatch/$parked" -n payments
say "Two instances connect: one takes it, the other keeps its hands off."
agent two
agent three
wait_for "the unparking" phase_is "$parked" Succeeded
run midwatch get agentinstances -n agents
run midwatch get runs -n agents

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
commit "A mission with two mistakes"
show "midwatch sync platform -n midwatch-system"
midwatch sync platform -n midwatch-system || say "refused; the last good revision stays in force:"
run midwatch get gitsources -n midwatch-system
rm "$dir/work/missions/mistake.yaml" "$dir/work/missions/database.yaml"
commit "Mend the mistake; delete the ModuleMission"
run midwatch sync platform -n midwatch-system
run midwatch get modulemissions -A

title "6. What happened, in $(($(date +%s) - started)) seconds"
run midwatch get modulejobs -A
run midwatch get dispatches -A
run midwatch get reports -A
cat <<TEXT

Look around:    export KUBECONFIG=$KUBECONFIG PATH=$bin:\$PATH
                midwatch get midwatch -A      midwatch report NAME      midwatch logs dispatch/NAME
The repository: $dir/work (commit, push to $dir/repo.git, midwatch sync platform -n midwatch-system)
TEXT

if $stay; then
  echo "Stop it all:    Ctrl-C"
  trap 'echo; exit 0' INT TERM
  wait "${pids[0]}"
else
  echo "Nothing is left running."
fi
