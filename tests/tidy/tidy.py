#!/usr/bin/env python3
"""Rules about the tree that a compiler does not check: layers, heavy headers, banned calls, sizes, generated files.

Reads tests/tidy/layers.yaml; prints `path:line: rule: what` for each breach and exits 1 if there is one.
`tidy.py --self-test` breaks each rule on purpose and fails if the breach is not found.
"""
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((ROOT / "tests/tidy/layers.yaml").read_text())
MAP = (ROOT / "controller/README.md").read_text()
INCLUDE = re.compile(r'^\s*#include\s+["<]([^">]+)[">]')
GENERATED = re.compile(r"generated", re.IGNORECASE)


def folder_of(path):
    parts = pathlib.PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "controller" else None


def is_test(path):
    """`x_test.cc`, and what tests share: `test_world.h`, `power_cut_test_disk.h`."""
    return re.search(r"(^|_)test(_|$)", pathlib.PurePosixPath(path).stem) is not None


def strip_comments_and_strings(line):
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return re.sub(r"//.*", "", line)


def check_includes(path, lines):
    folder = folder_of(path)
    if folder is None:
        return
    allowed = RULES["layers"].get(folder)
    if allowed is None:
        yield 1, "layers", f"folder {folder} is not in tests/tidy/layers.yaml"
        return
    allowed = set(allowed) | {folder, "base"}
    if is_test(path):
        allowed |= set(RULES["tests"])
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target = found.group(1)
        other = folder_of(target)
        if other and "*" not in allowed and other not in allowed:
            yield number, "layers", f"{folder} may not include {other}"
        for prefix, homes in RULES["heavy"].items():
            in_code = path.endswith(".cc") or path in RULES["exempt"]
            if target.startswith(prefix) and not (folder in homes and in_code):
                yield number, "heavy-header", f"{target} belongs into a .cc file of {', '.join(homes)}"


def check_banned(path, lines):
    folder = folder_of(path)
    if folder is None or path in RULES["exempt"]:
        return
    rules = list(RULES["banned_everywhere"])
    if folder in RULES["pure"] and not is_test(path):
        rules += RULES["banned_in_pure"]
    if folder == "reconcilers" and not is_test(path):
        rules += RULES["banned_in_reconcilers"]
    patterns = [re.compile(rule) for rule in rules]
    for number, line in enumerate(lines, 1):
        code = line if "#include" in line or "TODO" in line else strip_comments_and_strings(line)
        for pattern in patterns:
            if pattern.search(code):
                yield number, "banned", pattern.pattern


def function_spans(lines):
    """Functions by the formatter's layout: what begins at column 0 or 2, however many lines its head takes, ends in `) … {`, and goes
    on to its closing brace."""
    start = head = None
    for number, line in enumerate(lines, 1):
        if start is not None:
            if line.startswith(indent + "}"):
                yield start, number - start + 1
                start = None
            continue
        begins = re.match(r"^( {0,2})[^\s#/}]", line)
        if begins:
            other = re.match(r"^\s*(namespace|if|for|while|switch|else|struct|class|enum|INSTANTIATE_TEST_SUITE_P)\b", line)
            head = None if other else (number, begins.group(1))
        if head and re.search(r"\)( const)?( noexcept)?( override)?( final)?( ->.*)? \{$", line):
            start, indent = head
        elif re.search(r"[;{}]$", line):
            head = None


def outside_raw_strings(lines):
    """Numbered lines without those that hold data in a raw string."""
    end = None
    for number, line in enumerate(lines, 1):
        if end is None:
            opens = re.search(r'R"([^\s()\\]*)\(', line)
            if opens and f'){opens.group(1)}"' not in line[opens.end():]:
                end = f'){opens.group(1)}"'
            if not opens:
                yield number, line
        elif end in line:
            end = None


def check_sizes(path, lines):
    limits = RULES["sizes"]
    if len(lines) > limits["file_lines"]:
        yield len(lines), "size", f"file has {len(lines)} lines, at most {limits['file_lines']}"
    for number, line in outside_raw_strings(lines):
        if len(line) > limits["line_columns"] and "http" not in line:
            yield number, "size", f"line has {len(line)} columns, at most {limits['line_columns']}"
    for number, length in function_spans(lines):
        if length > limits["function_lines"]:
            yield number, "size", f"function has {length} lines, at most {limits['function_lines']}"


def check_header(path, lines):
    if path.endswith(".h") and not any(line.startswith("#pragma once") for line in lines[:5]):
        yield 1, "header", "#pragma once is missing"
    name = pathlib.PurePosixPath(path).stem
    if re.search(r"(^|_)(util|utils|helper|helpers|common|misc)(_|$)|^manager$", name):
        yield 1, "name", f"{name} says nothing"


def check_file(path, text):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    generated = GENERATED.search("\n".join(lines[:3])) is not None
    checks = [check_includes, check_banned, check_header]
    if not generated:
        checks.append(check_sizes)
    for check in checks:
        for number, rule, what in check(path, lines) or ():
            yield f"{path}:{number}: {rule}: {what}"


def tracked_sources():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "controller", "tests"],
                            check=True, capture_output=True, text=True).stdout.split()
    return [p for p in listed if p.endswith((".h", ".cc")) and (ROOT / p).exists()]


def check_readmes():
    for folder in sorted(p for p in (ROOT / "controller").rglob("*") if list(p.glob("*.cc")) or list(p.glob("*.h"))):
        if not is_test(folder) and not (folder / "README.md").exists():
            yield f"{folder.relative_to(ROOT)}:1: readme: the folder has no README.md"


def check_map(text):
    """The table of controller/README.md: a row for each folder, with the includes that the rules allow."""
    mapped, before = set(), None
    for folders, includes in re.findall(r"(?m)^\| (`[^|]+`) \|[^|]*\| ([^|]+) \|$", text):
        listed = {"–": []}.get(includes, includes.split(", "))
        before = before if includes == "the same" else listed
        for folder in re.findall(r"`([a-z]+)", folders):
            mapped.add(folder)
            allowed = [name for name in RULES["layers"].get(folder, []) if (ROOT / "controller" / name).exists()]
            if all(name in RULES["layers"] for name in before) and before != allowed:
                yield f"controller/README.md:1: map: {folder} may include {', '.join(allowed)}"
    for folder in sorted(p.name for p in (ROOT / "controller").iterdir() if p.is_dir()):
        if folder not in mapped:
            yield f"controller/README.md:1: map: {folder} is missing"


def check_generated():
    script = ROOT / "schemas/generate.py"
    if script.exists():
        run = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
        if run.returncode != 0:
            yield f"schemas/generate.py:1: drift: {run.stdout.strip() or run.stderr.strip()}"


def self_test():
    cases = [
        ("controller/object/x.cc", '#include "controller/runtime/plan.h"\n', "layers"),
        ("controller/nowhere/x.cc", "\n", "layers"),
        ("controller/object/x.h", "#pragma once\n#include <nlohmann/json.hpp>\n", "heavy-header"),
        ("controller/reconcilers/x.cc", "auto t = std::chrono::system_clock::now();\n", "banned"),
        ("controller/posix/x.cc", "int pid = fork();\n", "banned"),
        ("controller/object/x.h", "int x;\n", "header"),
        ("controller/object/json_util.cc", "\n", "name"),
        ("controller/object/x.cc", "\n" * 900, "size"),
        ("controller/object/x.cc", "int F(int a) {\n" + "  ++a;\n" * 80 + "}\n", "size"),
        ("controller/object/x.cc", "int F(int a,\n      int b) {\n" + "  ++a;\n" * 80 + "}\n", "size"),
        ("controller/object/x.cc", "class A {\n  A(int a)\n      : a_(a) {\n" + "    ++a_;\n" * 80 + "  }\n};\n", "size"),
        ("controller/object/x.cc", "// " + "x" * 120 + "\n", "size"),
        ("controller/reconcilers/x.cc", '#include "controller/env/log.h"\n', "banned"),
    ]
    missed = [f"{rule} not found in {path}" for path, text, rule in cases
              if not any(f": {rule}: " in breach for breach in check_file(path, text))]
    broken_map = MAP.replace("| object, schema, env |", "| object, schema, env, api |").replace("`telemetry`", "")
    missed += [f"{what} not found in the map" for what in ("apiserver may include", "telemetry is missing")
               if not any(what in breach for breach in check_map(broken_map))]
    return missed


def main():
    if "--self-test" in sys.argv:
        breaches = self_test()
    else:
        breaches = [b for path in tracked_sources() for b in check_file(path, (ROOT / path).read_text())]
        breaches += [*check_readmes(), *check_map(MAP), *check_generated()]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
