"""The root file system's tree and its table.

    rootfs.py merge DESTINATION TREE...
    rootfs.py manifest ROOT RULES INSIDE OUT

Only the modules of python3-minimal are at hand. `merge` copies trees over each other; one path with two contents is an error. `manifest` decides type, mode and owner of
every path by the file RULES (its format stands at its top) and writes the table to ROOT/INSIDE, for the running system
to check itself, and to OUT, for what packs ROOT. They differ in one line: a file cannot hold its own digest.

A line of the table: TYPE MODE UID GID SHA256 EXTRA PATH, separated by single spaces, sorted by path as bytes.
TYPE is d, f, l, c or b; SHA256 is `-` for all but files; EXTRA is a file's size, a link's target, a device's
major:minor, or `-`. Paths and targets have no white space; MODE is octal, four digits.
"""

import hashlib
import os
import re
import stat
import sys

TYPES = {"dir": "d", "file": "f", "link": "l", "char": "c", "block": "b"}


def fail(problems):
    for problem in problems:
        print(f"rootfs: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


def walk(root):
    """All paths below `root` with a slash in front, sorted by their bytes; `/` first."""
    found = ["/"]
    for folder, folders, files in os.walk(root):
        below = folder[len(root):]
        found += [f"{below}/{name}" for name in folders + files]
    return sorted(found, key=os.fsencode)


def kind(path):
    mode = os.lstat(path).st_mode
    for test, name in ((stat.S_ISLNK, "l"), (stat.S_ISDIR, "d"), (stat.S_ISREG, "f")):
        if test(mode):
            return name
    return "?"


def same(a, b):
    if kind(a) != kind(b):
        return False
    if kind(a) == "l":
        return os.readlink(a) == os.readlink(b)
    if kind(a) == "d":
        return True
    executable = [os.stat(path).st_mode & 0o100 for path in (a, b)]
    with open(a, "rb") as one, open(b, "rb") as other:
        return executable[0] == executable[1] and one.read() == other.read()


def merge(destination, trees):
    problems = []
    origin = {}
    for tree in trees:
        conflict = None
        for path in walk(tree)[1:]:
            source, target = tree + path, destination + path
            if conflict and path.startswith(f"{conflict}/"):
                continue
            if os.path.lexists(target):
                if not same(source, target):
                    conflict = path
                    problems.append(f"`{path}` differs between `{origin.get(path, 'the directories')}` and `{tree}`")
                continue
            origin[path] = tree
            match kind(source):
                case "l":
                    os.symlink(os.readlink(source), target)
                case "d":
                    os.mkdir(target)
                case "f":
                    with open(source, "rb") as data, open(target, "wb") as copy:
                        copy.write(data.read())
                    os.chmod(target, 0o755 if os.stat(source).st_mode & 0o100 else 0o644)
                case _:
                    problems.append(f"`{path}` of `{tree}` is neither file, folder nor link")
    fail(problems)


def identifiers(path):
    """name -> number, of /etc/passwd or /etc/group."""
    with open(path, encoding="utf-8") as lines:
        return {line.split(":")[0]: int(line.split(":")[2]) for line in lines}


def pattern(glob):
    parts = re.split(r"(\*\*|\*)", glob)
    return re.compile("".join({"**": ".+", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts) + r"\Z")


class Rule:
    def __init__(self, number, line, users, groups):
        fields = line.split()
        device = len(fields) > 1 and fields[1] in ("char", "block")
        if len(fields) != 5 + device or fields[1] not in TYPES:
            raise ValueError("not PATTERN TYPE MODE OWNER GROUP [MAJOR:MINOR]")
        self.number, self.glob, self.type = number, fields[0], TYPES[fields[1]]
        self.pattern = pattern(self.glob)
        if not self.glob.startswith("/") or (device and "*" in self.glob):
            raise ValueError("a pattern starts with `/`, and that of a device is one path")
        if not re.fullmatch("[0-7]{4}", fields[2]):
            raise ValueError("a mode is four octal digits")
        if fields[3] not in users or fields[4] not in groups:
            raise ValueError(f"no such owner: `{fields[3]} {fields[4]}`")
        self.mode, self.user, self.group = fields[2], users[fields[3]], groups[fields[4]]
        self.device = fields[5] if device else None
        if device and not re.fullmatch("[0-9]+:[0-9]+", self.device):
            raise ValueError("a device is MAJOR:MINOR")
        self.decides = 0


def read_rules(path, root):
    users, groups = identifiers(f"{root}/etc/passwd"), identifiers(f"{root}/etc/group")
    rules, problems = [], []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                try:
                    rules.append(Rule(number, line, users, groups))
                except ValueError as error:
                    problems.append(f"{path}:{number}: {error}")
    if problems:
        fail(problems)
    return rules


def entry(root, path, rules, problems):
    """The table's line for a path that is there, as fields."""
    place = root + path
    what = kind(place)
    rule = next((rule for rule in reversed(rules) if rule.type == what and rule.pattern.match(path)), None)
    target = os.readlink(place) if what == "l" else "-"
    if re.search(r"\s", path + target):
        problems.append(f"`{path}`: white space in a path or a link's target")
    if rule is None:
        problems.append(f"`{path}` (type {what}) is not covered by any line")
        return None
    rule.decides += 1
    digest, extra = "-", target
    if what == "f":
        with open(place, "rb") as data:
            content = data.read()
        digest, extra = hashlib.sha256(content).hexdigest(), str(len(content))
        if bool(os.stat(place).st_mode & 0o100) != bool(int(rule.mode, 8) & 0o111):
            problems.append(f"`{path}`: mode {rule.mode} of line {rule.number}, but its executable bit says otherwise")
    return [what, rule.mode, str(rule.user), str(rule.group), digest, extra, path]


def manifest(root, rules_path, inside, out):
    problems = []
    rules = read_rules(rules_path, root)
    os.makedirs(os.path.dirname(f"{root}/{inside}"), exist_ok=True)
    with open(f"{root}/{inside}", "wb"):
        pass
    entries = [entry(root, path, rules, problems) for path in walk(root)]
    for rule in rules:
        if rule.device is not None:
            if os.path.lexists(root + rule.glob) or not os.path.isdir(os.path.dirname(root + rule.glob)):
                problems.append(f"{rules_path}:{rule.number}: `{rule.glob}` is there already, or its folder is not")
            rule.decides += 1
            entries.append([rule.type, rule.mode, str(rule.user), str(rule.group), "-", rule.device, rule.glob])
        if rule.decides == 0:
            problems.append(f"{rules_path}:{rule.number}: `{rule.glob}` decides no path of its type")
    if problems:
        fail(problems)

    entries.sort(key=lambda fields: os.fsencode(fields[6]))
    own = next(fields for fields in entries if fields[6] == f"/{inside}")
    own[4] = own[5] = "-"
    text = table(entries)
    with open(f"{root}/{inside}", "wb") as file:
        file.write(text)
    own[4], own[5] = hashlib.sha256(text).hexdigest(), str(len(text))
    with open(out, "wb") as file:
        file.write(table(entries))
    print(f"{len(entries)} paths, {sum(int(fields[5]) for fields in entries if fields[0] == 'f')} bytes in files")


def table(entries):
    return "".join(" ".join(fields) + "\n" for fields in entries).encode()


if __name__ == "__main__":
    if sys.argv[1:2] == ["merge"] and len(sys.argv) > 3:
        merge(sys.argv[2], sys.argv[3:])
    elif sys.argv[1:2] == ["manifest"] and len(sys.argv) == 6:
        manifest(*sys.argv[2:])
    else:
        fail([__doc__])
