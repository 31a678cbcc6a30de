"""One table of requests, and what a kube-apiserver with our CustomResourceDefinitions answers to each.

The table (validation_cases.tsv) is run against the real binary by every test run; `validation_test.py --real FOLDER` runs it
against the real kube-apiserver and etcd of FOLDER, and with `--record` writes their answers down. The last column, where there
is something in it, is the answer of ours that says the same otherwise.
"""
import csv
import json
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

TABLE = HERE / "validation_cases.tsv"
HEAD = ["name", "verb", "what", "body", "answer", "ours"]
OURS = "midwatch.dev/v1alpha1"
PLURALS = {"Module": "modules", "ModuleJob": "modulejobs", "Agent": "agents", "AgentAssignment": "agentassignments",
           "AgentInstance": "agentinstances", "GitSource": "gitsources", "Dispatch": "dispatches", "Run": "runs",
           "Report": "reports", "Stack": "stacks", "OrganizationMission": "organizationmissions",
           "ModuleMission": "modulemissions", "ConfigMap": "configmaps", "Secret": "secrets", "Namespace": "namespaces"}
CLUSTER = {"Stack", "OrganizationMission", "Namespace"}
CORE = {"ConfigMap", "Secret", "Namespace"}
VALUE = re.compile(r'^(Invalid|Duplicate|Unsupported) value: (("[^"]*"|-?[0-9.]+|null|(map.*)?\{.*\})(: |$))?|[\w.\[\]]+(?= in body)')
CHANGING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=in record \()\d+")
PATCHES = {"MERGE": "application/merge-patch+json", "JSON": "application/json-patch+json",
           "STRATEGIC": "application/strategic-merge-patch+json", "APPLY": "application/apply-patch+yaml"}


def request_of(row):
    """Method, path, body and headers. `what` is KIND/NAME or KIND/NAME/status, for APPLY with ` MANAGER` behind it."""
    what, _, manager = row["what"].partition(" ")
    kind, name, *sub = what.split("/")
    base = "/api/v1" if kind in CORE else f"/apis/{OURS}"
    path = base + ("" if kind in CLUSTER else "/namespaces/default") + f"/{PLURALS[kind]}"
    verb = row["verb"]
    body = json.loads(row["body"]) if row["body"] else None
    if verb in ("POST", "PUT", "APPLY"):
        body = {"apiVersion": "v1" if kind in CORE else OURS, "kind": kind, **body,
                "metadata": {"name": name, **body.get("metadata", {})}}
    if verb != "POST":
        path += "/" + "/".join([name, *sub])
    query = [f"fieldManager={manager or 'table'}"] if verb != "GET" else []
    query += ["force=true"] if manager.startswith("force-") else []
    query += ["fieldValidation=Strict"] if verb not in ("GET", "DELETE") else []
    headers = {"Content-Type": PATCHES.get(verb, "application/json")}
    return "PATCH" if verb in PATCHES else verb, path + "?" + "&".join(query), body, headers


def shown(row, status, answer):
    """What of an answer the table holds: the part that was written, the causes, or the message. Versions of Kubernetes
    differ in how they show a value."""
    if status >= 400:
        causes = answer.get("details", {}).get("causes", [])
        said = [f"{c['field']} {c['reason']}: {VALUE.sub('', c['message'])}" for c in causes]
        text = CHANGING.sub("X", " | ".join(sorted(said)) or answer["message"]).replace("\n", " ")
    elif answer.get("kind") == "Status":
        text = answer["status"]
    else:
        part = "status" if "/status" in row["what"] else "spec"
        text = json.dumps(answer.get(part, {}), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{status} {text}"


def read_table():
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file, HEAD, delimiter="\t", quoting=csv.QUOTE_NONE, escapechar=None))


def differences(call, rows, ours=False, record=False):
    """Runs the rows in order. Records, or returns what is not as the table says."""
    out = []
    for row in rows:
        method, path, body, headers = request_of(row)
        status, answer = call(method, path, body, headers)
        want, seen = ours and row["ours"] or row["answer"], shown(row, status, answer)
        if record:
            row["answer"] = seen
        elif seen != want:
            out.append(f"{row['name']}: {method} {path}\n  table: {want}\n  seen:  {seen}")
    return out


def real(arguments):
    from real_server import RealServer  # noqa: E402
    rows = read_table()
    record = "--record" in arguments
    with RealServer(pathlib.Path(arguments[arguments.index("--real") + 1])) as server:
        wrong = differences(server.call, rows, record=record)
    if record:
        TABLE.write_text("".join("\t".join(row[key] or "" for key in HEAD) + "\n" for row in rows))
    print("\n".join(wrong) or f"{len(rows)} answers of kube-apiserver are as the table says")
    return 1 if wrong else 0


if "--real" in sys.argv:
    sys.exit(real(sys.argv))

from harness import World  # noqa: E402
from raw_api import RawApi  # noqa: E402


class Validation(World):
    maxDiff = None

    def test_answers_are_those_of_a_kube_apiserver(self):
        api = RawApi(self)
        self.assertEqual("\n".join(differences(api.call, read_table(), ours=True)), "")


if __name__ == "__main__":
    unittest.main()
