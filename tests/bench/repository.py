"""A bare git repository with as many manifests as wanted, and commits that are there before the branch is moved to them."""
import os
import subprocess

NAMESPACES = 10


def namespace_of(number):
    return f"space-{number % NAMESPACES}"


def module(number, note="as declared"):
    """A manifest of about 300 bytes."""
    text = (f"apiVersion: midwatch.dev/v1alpha1\nkind: Module\nmetadata:\n  name: module-{number}\n"
            f"  namespace: {namespace_of(number)}\nspec:\n  displayName: Module {number}\n"
            f"  description: One unit of the benchmark, {note}\n  source:\n"
            f"    repository: https://git.example.com/platform/infrastructure.git\n    path: modules/")
    return text + f"module-{number}".ljust(299 - len(text), "x") + "\n"


def files(count):
    """Path and text; the namespaces count too."""
    for index in range(NAMESPACES):
        yield f"namespaces/space-{index}.yaml", f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: space-{index}\n"
    for number in range(count - NAMESPACES):
        yield path_of(number), module(number)


def path_of(number):
    return f"modules/{number // 100:03d}/module-{number}.yaml"


class Bare:
    def __init__(self, directory):
        self.directory = str(directory)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.directory], check=True)

    def write(self, branch, contents, onto=None):
        """A commit on a branch of its own; `onto` is the branch that it begins from."""
        out = [f"commit refs/heads/{branch}\ncommitter Bench <bench@example.com> 1700000000 +0000\ndata 6\nchange\n"]
        if onto:
            out.append(f"from refs/heads/{onto}\n")
        for path, text in contents:
            out.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        subprocess.run(["git", "-C", self.directory, "fast-import", "--quiet"], input="".join(out), text=True, check=True)

    def show(self, branch):
        """The remote's main is now at that commit."""
        subprocess.run(["git", "-C", self.directory, "update-ref", "refs/heads/main", f"refs/heads/{branch}"], check=True)

    @property
    def url(self):
        return "file://" + os.path.abspath(self.directory)
