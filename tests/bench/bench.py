#!/usr/bin/env python3
"""Measures the rows of the table of figures with the real programs. Called by run.sh."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import machine
import peer
import rows
from server import Programs


def text_of(value, unit):
    if unit == "s":
        return f"{value:.2f} s"
    if value == float("inf"):
        return "no"
    return f"{value:,.0f} {unit}" if value >= 100 or unit in ("/s", "h", "MiB") else f"{value:.2f} {unit}"


def table(results):
    lines = [("what", "measured", "target", "met", "beside")]
    for row in results:
        beside = row.beside
        parts = [f"load {beside['load']}, others {beside['foreign_cores']} cores"] if "load" in beside else []
        if "fdatasync_per_second" in beside:
            parts.append("fdatasync " + "–".join(f"{rate}" for rate in beside["fdatasync_per_second"]) + "/s")
        if "sqlite_commits_per_second" in beside:
            parts.append(f"SQLite alone {beside['sqlite_commits_per_second']}/s")
        if "kube_apiserver" in beside:
            parts.append(f"kube-apiserver with etcd {text_of(beside['kube_apiserver'], row.unit)}")
        if "kubeconform_seconds" in beside:
            parts.append(f"kubeconform {beside['kubeconform_seconds']} s")
        lines.append((row.what, text_of(row.measured, row.unit),
                      ("≥ " if row.at_least else "≤ ") + text_of(row.target, row.unit), "yes" if row.met else "NO",
                      ", ".join(parts)))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for line in lines:
        yield "  ".join([line[0].ljust(widths[0]), line[1].rjust(widths[1]), line[2].rjust(widths[2]),
                         line[3].ljust(widths[3]), line[4]]).rstrip()


def revision():
    done = subprocess.run(["git", "-C", str(pathlib.Path(__file__).parent), "rev-parse", "--short", "HEAD"],
                          capture_output=True, text=True)
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure, of: " + ", ".join(rows.NAMES))
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    parser.add_argument("--tree", type=pathlib.Path, required=True, help="a built tree")
    parser.add_argument("--directory", help="where the data directories stand; the disk that is measured")
    parser.add_argument("--peer", action="store_true", help="measures kube-apiserver with etcd beside; built once, with Go")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that the harness works, not what is fast")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in rows.NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(rows.NAMES)}")
    wanted = [name for name in rows.NAMES if not arguments.names or name in arguments.names]

    results, failures = [], []
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-", dir=arguments.directory) as directory:
        facts = machine.facts(directory) | {"load_at_start": os.getloadavg()[0], "revision": revision()}
        print(f"{facts['cores']} cores ({facts['cpu']}), {facts['memory_mib']} MiB, Linux {facts['kernel']}, "
              f"{facts['file_system']}; load {facts['load_at_start']:.1f}; revision {facts['revision']}", flush=True)
        programs, sizes = Programs(arguments.tree.resolve()), rows.QUICK if arguments.quick else rows.Sizes()
        bench = rows.Bench(programs, directory, sizes)
        try:
            for name in wanted:
                print(f"measuring {name}", file=sys.stderr, flush=True)
                try:
                    for row in getattr(bench, name)():
                        results.append(row)
                        print(f"  {row.what}: {text_of(row.measured, row.unit)}  ({row.detail})", flush=True)
                except (AssertionError, subprocess.SubprocessError, OSError) as error:
                    failures.append(f"{name}: {error}")
                    print(f"  {name} FAILED: {error}", flush=True)
        finally:
            bench.close()
        if arguments.peer:
            print("measuring kube-apiserver with etcd", file=sys.stderr, flush=True)
            peer.put_beside(results, programs, pathlib.Path(directory) / "peer", sizes,
                            lambda row: print(f"  {row.what}: {text_of(row.measured, row.unit)}  ({row.detail})", flush=True))
    print()
    print("\n".join(table(results)))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({
            "machine": facts, "quick": arguments.quick, "failures": failures,
            "rows": [vars(row) | {"met": row.met} for row in results]}, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
