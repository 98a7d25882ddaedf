#!/usr/bin/env python3
"""Fails on what would rot unseen: arrows that run up, compiler traps, names that no test exercises.

usage: tidy.py [ROOT]        all checks, and the ten longest files and functions for a look
       tidy.py --self-test   only the samples beside this file (they are also checked at every start)
"""

import re
import sys
from pathlib import Path

# --- the house -------------------------------------------------------------------------------------------

FLOORS = {
    "core": 0,
    "crypto": 1,
    "net": 2, "data": 2,
    "store": 3, "wire": 3, "sql": 3, "workflow": 3, "script": 3,
    "state": 4, "sources": 4, "activities": 4, "sdk": 4, "match": 4,
    "gateway": 5, "agent": 5, "worker": 5,
    "app": 6,
    "cli": 7,  # cli knows app, never the other way
}
ABOVE_ALL = 8  # src/main.cpp
BEAST_FILES_MAX = 6
OTHER_FOLDERS = {"web"}  # no C++

# Types that survive as a braced temporary: those with constructors (only aggregates are destroyed twice) and
# those without a destructor.
HARMLESS = re.compile(
    r"^(?:std::)?(?:chrono::)?(?:hours|minutes|seconds|milliseconds|microseconds|nanoseconds|size_t|u?int\d+_t|"
    r"string_view|byte|monostate)$|^(?:vmc::)?(?:Duration|Micros|ByteView)$|"
    r"^std::(?:string|optional|function|unique_ptr|shared_ptr)\b|^(?:vmc::)?Result<|^asio::")

# --- what must be exercised --------------------------------------------------------------------------------
# category: (folders of src searched, how names are collected, what in the text of tests/ counts as use,
#            test files that merely list every name and prove nothing)


def find_error_codes(sources):
    """Codes of the table that something outside it raises: the list is closed, and ahead of what is built."""
    listed, raised = {}, set()
    for text in sources.values():
        entry = r'CodeInfo\{Code::(\w+),\s*"([A-Z_]+)"'
        listed.update(re.findall(entry, text))
        raised.update(re.findall(r"\bCode::(\w+)", re.sub(entry, "", text)))
    return {name for code, name in listed.items() if code in raised}


def find_message_types(sources):
    types = set()
    for text in sources.values():
        for body in re.findall(r"\bk(?:Agent|Gateway)Types\s*(?:=\s*)?\{([^}]*)\}", text):
            types.update(re.findall(r'"(\w+)"', body))
    return types


CONFIG_READERS = "str|required_str|integer|boolean|number|duration|size|secret|strings|choice|table|tables|named_tables"


def find_config_keys(sources):
    keys = set()
    for text in sources.values():
        if re.search(r"\bconfig::(?:Table|Document)\b", text):
            keys.update(re.findall(r'[.>](?:%s)\(\s*"(\w+)"' % CONFIG_READERS, text))
    return keys


def find_routes(sources):
    everything = "\n".join(sources.values())
    constants = dict(re.findall(r'\b(k\w+)\s*(?:=\s*|\{)"(/[^"]*)"', everything))
    routes = set()
    for method, literal, name in re.findall(
            r'[{(]\s*"(GET|POST|PUT|PATCH|DELETE)"\s*,\s*(?:"(/[^"]*)"|(?:\w+::)*(k\w+))', everything):
        pattern = literal or constants.get(name)
        if pattern:
            routes.add(f"{method} {pattern}")
    return routes


def find_commands(sources):
    commands = set()
    for text in sources.values():
        path_of = {"root": ""}
        groups = set()
        for kind, variable, parent, name in _command_calls(text):
            path = (path_of.get(parent, "") + " " + name).strip()
            if variable:
                path_of[variable] = path
            if kind == "noun":
                groups.add(path)
            else:
                commands.add(path)
    return commands


def _command_calls(text):
    call = re.compile(
        r"(?:(?:auto|CLI::App)\s*\*\s*(?P<var>\w+)\s*=\s*)?"
        r"(?:add_(?P<kind>noun|verb)\(\s*\*?(?P<parent>\w+)\s*,\s*(?:\w+\s*,\s*)?\"(?P<name>[\w-]+)\""
        r"|(?P<parent2>\w+)(?:\.|->)add_subcommand\(\s*\"(?P<name2>[\w-]+)\")")
    for m in call.finditer(text):
        yield (m["kind"] or "verb", m["var"], m["parent"] or m["parent2"], m["name"] or m["name2"])


def find_flags(sources):
    flags = set()
    for text in sources.values():
        for names in re.findall(r'add_(?:option|flag)\w*(?:<[^>]*>)?\(\s*"([^"]+)"', text):
            flags.update(n for n in names.split(",") if n.startswith("--"))
    return flags


def word(name):
    return r"(?<![\w-])" + re.escape(name) + r"(?![\w-])"


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def route_use(route):
    path = route.split(" ", 1)[1]
    parts = re.split(r"\{\w+\}", path)
    hole = r"""(?:[^/"'\s?]+|["']\s*\+[^;,/]+?\+\s*f?["'])"""
    last = r"""(?:[^/"'\s?]+|["']\s*\+\s*\w+)""" if path.endswith("}") else hole
    pattern = re.escape(parts[0])
    for i, part in enumerate(parts[1:], 1):
        pattern += (last if i == len(parts) - 1 else hole) + re.escape(part)
    return pattern + r"(?![\w/{-])"


EXERCISED = {
    "error code": (None, find_error_codes, lambda n: rf"{word(n)}|\bCode::{n.lower()}\b",
                   {"tests/unit/core/error_test.cpp"}),
    "message type": (("wire",), find_message_types,
                     lambda n: rf"""[\\"']{n}[\\"']|\bwire::{camel(n)}\b|\b{camel(n)}\{{""", set()),
    "configuration key": (None, find_config_keys, lambda n: rf"(?:\b|\\n){n}\s*=|\[+(?:\w+\.)*{n}(?:\.[\w-]+)*\]",
                          {"tests/unit/core/config_test.cpp"}),
    "route": (("gateway", "app"), find_routes, route_use, set()),
    "command": (("cli",), find_commands,
                lambda n: r"""(?<![\w-])""" + r"""["',\s]+""".join(map(re.escape, n.split())) + r"(?![\w-])", set()),
    "flag": (("cli",), find_flags, word, set()),
}

# --- reading C++ -------------------------------------------------------------------------------------------


def blank(text):
    """The text with comments and the content of literals blanked; every offset and line stays."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\s\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])+\'', re.S)

    def hide(match):
        found = match.group()
        if found[0] == "/":
            return re.sub(r"[^\n]", " ", found)
        return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1] if found[0] in "\"'" else \
            '""' + re.sub(r"[^\n]", " ", found[2:])

    text = token.sub(hide, text)
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.M)


LAMBDA_HEAD = re.compile(r"(\[[^\[\]]*\]|\[\[[^\]]*\]\])\s*(?:\([^{}]*\))?\s*(?:mutable|constexpr|noexcept|\s)*(?:->[^{};]*)?$")
BLOCK_WORDS = re.compile(r"(?:\b(?:const|override|final|noexcept|mutable|else|do|try)|&&?)$")
TYPE_WORDS = re.compile(r"^(?:\[\[[^\]]*\]\]\s*|template\s*<.*>\s*|inline\s+|typedef\s+|static\s+|export\s+)*"
                        r"(?:namespace|struct|class|union|enum|extern)\b", re.S)
CONTROL = re.compile(r"^(?:if|for|while|switch|catch|else|do|try|return|co_return|case|default)\b")


class Unit:
    """The statements, function bodies and lambda bodies of one file."""

    def __init__(self, text):
        self.text = blank(text)
        self.statements = []  # (offset, text); bodies of lambdas inside replaced by §
        self.functions = []   # (offset of "{", offset of "}", head, is_lambda)
        self._block(0, inside_function=False)

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def _block(self, at, inside_function):
        """Reads statements until the matching '}'; returns the offset behind it."""
        text, end = self.text, len(self.text)
        start, collected, depth = at, "", 0
        while at < end:
            c = text[at]
            if c in "([":
                depth += 1
                collected += c
                at += 1
            elif c in ")]":
                depth -= 1
                collected += c
                at += 1
            elif c == ";" and depth == 0:
                self._statement(start, collected)
                at += 1
                start, collected = at, ""
            elif c == "}":
                self._statement(start, collected)
                return at + 1
            elif c == "{":
                if depth <= 0 and self._opens_block(collected):
                    self._statement(start, collected)
                    head = collected.strip()
                    scope = bool(TYPE_WORDS.match(head)) and "(" not in re.sub(r"<[^<>]*>|alignas\([^)]*\)", "", head)
                    is_function = not inside_function and not scope and head != "" and not CONTROL.match(head)
                    close = self._block(at + 1, inside_function or is_function)
                    if is_function:
                        self.functions.append((at, close - 1, head, False))
                    at = close
                    start, collected, depth = at, "", 0
                elif LAMBDA_HEAD.search(collected) and not re.search(r"\bauto\s*&*\s*\[[^\]]*\]$", collected):
                    close = self._block(at + 1, True)
                    self.functions.append((at, close - 1, "lambda", True))
                    collected += "§"
                    at = close
                else:
                    close, inner = self._braces(at + 1)
                    collected += "{" + inner + "}"
                    at = close
            else:
                collected += c
                at += 1
        self._statement(start, collected)
        return end

    def _braces(self, at):
        """A brace initialiser: part of its statement, lambdas in it excepted."""
        text, collected = self.text, ""
        while at < len(text):
            c = text[at]
            if c == "}":
                return at + 1, collected
            if c == "{":
                if LAMBDA_HEAD.search(collected):
                    close = self._block(at + 1, True)
                    self.functions.append((at, close - 1, "lambda", True))
                    collected += "§"
                else:
                    close, inner = self._braces(at + 1)
                    collected += "{" + inner + "}"
                at = close
            else:
                collected += c
                at += 1
        return at, collected

    @staticmethod
    def _opens_block(collected):
        head = collected.strip()
        if head == "" or TYPE_WORDS.match(head) or re.match(r"^(?:else|do|try)\b", head) or head.endswith(":"):
            return True
        if LAMBDA_HEAD.search(head):
            return False
        if head.endswith(")") or BLOCK_WORDS.search(head):
            return True
        if head.endswith("}"):  # behind a constructor's initialisers
            return re.search(r"\)\s*(?:noexcept\s*)?:", head) is not None
        return re.search(r"\)\s*(?:const\s*|noexcept\s*)*->[^=;(]*$", head) is not None

    def _statement(self, start, collected):
        if collected.strip():
            offset = start + len(self.text[start:]) - len(self.text[start:].lstrip())
            self.statements.append((offset, collected.strip()))


# --- checks -------------------------------------------------------------------------------------------------


def check_arrows(folder, text):
    """Includes of a file in src/FOLDER that do not run down."""
    mine = ABOVE_ALL if folder is None else FLOORS[folder]
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*"(\w+)/', line)
        if not match or match[1] == folder:
            continue
        other = match[1]
        if other not in FLOORS:
            yield number, f"includes {other}/, which has no floor"
        elif FLOORS[other] == mine:
            yield number, f"includes {other}/, a folder of the same floor"
        elif FLOORS[other] > mine:
            yield number, f"includes {other}/, which stands above"


CAPTURING = re.compile(r"(?:^|[(,={;:?]|\breturn|\bco_return|\bco_await)\s*\[[^\[\]]*[^\[\]\s][^\[\]]*\]\s*(?:\([^§]*?\))?[^()§;,]*§")
BRACED = re.compile(r"(?:^|[(,=?:{!+]|\breturn|\bco_return|\bco_await)\s*((?:\w+::)*\w+(?:<[^;{}()]*>)?)\s*\{")
UNNAMED = re.compile(r"[(,]\s*\{(?!\s*\})")
CATCH_MACRO = re.compile(r"\b(?:CHECK|REQUIRE)(?:_\w+)?\s*\(.*\bco_await\b", re.S)
CONDITION = re.compile(r"^(?:\}\s*)?(?:else\s+)?(?:if|while|switch|for)\b(?:\s*constexpr)?\s*\(", re.S)
DECLARATION = re.compile(
    r"(?:^|[(;{]\s*)(?:static\s+|constexpr\s+|const\s+)*(?:auto|(?!(?:co_\w+|return|delete|throw|new|else|case|goto|using|namespace)\b)"
    r"[A-Za-z_][\w:]*(?:<[^;()]*>)?(?:::\w+)*)(?:\s+const)?(?:\s*[&*]+\s*|\s+)(?:\[[^\]]+\]|\w+(?:\[\w*\])?)\s*(?:=|\{|\(|;|:|$)")
DECLARING_MACRO = re.compile(r"\bVMC_(?:CO_)?(?:TRY|CHECK)\b")


def first_parenthesis(statement):
    depth, start = 0, statement.find("(")
    for i in range(start, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[i], 0)
        if depth == 0:
            return statement[start + 1:i]
    return statement[start + 1:]


def check_coroutines(text):
    """What g++ 12 compiles into crashes (core/async.hpp names the rules)."""
    if "co_await" not in text:
        return
    unit = Unit(text)
    for offset, statement in unit.statements:
        if "co_await" not in statement:
            continue
        if CAPTURING.search(statement):
            yield unit.line(offset), "a capturing lambda in a statement with co_await: name it on the line above"
        for name in BRACED.findall(statement):
            if not HARMLESS.match(name) and name not in ("else", "do", "try"):
                yield unit.line(offset), f"a temporary {name}{{…}} in a statement with co_await: name it on the line above"
                break
        if UNNAMED.search(statement):
            yield unit.line(offset), "a braced argument in a statement with co_await: name it on the line above"
        if CATCH_MACRO.search(statement):
            yield unit.line(offset), "co_await inside a Catch macro is evaluated twice: take the value first"
    for begin, end, head, is_lambda in unit.functions:
        if is_lambda:
            continue  # a lambda's frame has its closure, which is enough
        inside = [(o, s) for o, s in unit.statements if begin < o < end]
        nested = [(b, e) for b, e, _, other in unit.functions if other and begin < b < end]
        own = [(o, s) for o, s in inside if not any(b < o < e for b, e in nested)]
        if any(DECLARATION.search(s) or DECLARING_MACRO.search(s) for _, s in own):
            continue
        for offset, statement in own:
            if CONDITION.match(statement) and "co_await" in first_parenthesis(statement):
                yield unit.line(offset), "co_await in a condition of a coroutine without variables: take the value first"
                break


def check_house(root):
    src = root / "src"
    for folder in sorted(p for p in src.iterdir() if p.is_dir()):
        if folder.name not in FLOORS and folder.name not in OTHER_FOLDERS:
            yield f"src/{folder.name}: a folder without a floor"
    beast = []
    for path in cpp_files(src):
        name = path.relative_to(root)
        folder = path.relative_to(src).parts[0] if path.parent != src else None
        text = path.read_text(errors="replace")
        if folder is None or folder in FLOORS:
            for line, message in check_arrows(folder, text):
                yield f"{name}:{line}: {message}"
        if path.suffix == ".cpp" and re.search(r"#\s*include\s*<boost/beast", text):
            beast.append(str(name))
    if len(beast) > BEAST_FILES_MAX:
        yield f"{len(beast)} .cpp include Boost.Beast, the limit is {BEAST_FILES_MAX}: {', '.join(beast)}"
    for folder in (src, root / "tests", root / "bench"):
        for path in cpp_files(folder):
            if "tidy" in path.relative_to(root).parts:
                continue
            for line, message in check_coroutines(path.read_text(errors="replace")):
                yield f"{path.relative_to(root)}:{line}: {message}"


def check_exercised(root):
    tests = {str(p.relative_to(root)): p.read_text(errors="replace")
             for p in sorted((root / "tests").rglob("*"))
             if p.is_file() and p.suffix in {".cpp", ".hpp", ".py", ".sh", ".toml", ".json", ".txt", ".ts", ".sql"}
             and "tidy" not in p.relative_to(root).parts}
    sources = {str(p.relative_to(root / "src")): p.read_text(errors="replace") for p in cpp_files(root / "src")}
    for category, (folders, find, use, lists) in EXERCISED.items():
        chosen = {n: t for n, t in sources.items() if folders is None or n.split("/")[0] in folders}
        names = find(chosen)
        text = "\n".join(t for n, t in tests.items() if n not in lists)
        missing = sorted(n for n in names if not re.search(use(n), text))
        print(f"{category}: {len(names) - len(missing)} of {len(names)} exercised")
        for name in missing:
            yield f"no test exercises the {category} {name}"


def cpp_files(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in {".cpp", ".hpp"}) if folder.is_dir() else []


def print_longest(root):
    files, functions = [], []
    for path in cpp_files(root / "src"):
        text = path.read_text(errors="replace")
        name = path.relative_to(root)
        files.append((text.count("\n"), str(name)))
        unit = Unit(text)
        for begin, end, head, is_lambda in unit.functions:
            if not is_lambda:
                called = re.search(r"([\w:~]+)\s*\(", head)
                functions.append((unit.line(end) - unit.line(begin) + 1,
                                  f"{name}:{unit.line(begin)} {called[1] if called else head[:40]}"))
    for title, entries in (("longest files", files), ("longest functions", functions)):
        print(f"\n{title}")
        for size, name in sorted(entries, reverse=True)[:10]:
            print(f"{size:6} {name}")


# --- the samples ----------------------------------------------------------------------------------------------


def self_test():
    """Each sample names, behind '// expect:', what is to be found on that line; nothing else may be."""
    folder = Path(__file__).resolve().parent
    problems = []
    for sample in sorted(folder.glob("sample_*.txt")):
        text = sample.read_text()
        first = text.split("\n", 1)[0]
        mode = re.match(r"// tidy: (arrows (\w+)|coroutines|names (\w[\w ]*))", first)
        if not mode:
            problems.append(f"{sample.name}: its first line must say what is checked")
        elif mode[1].startswith("names"):
            wanted = set(re.findall(r"// expect: (.+)", text))
            find = next(f for category, (_, f, _, _) in EXERCISED.items() if category == mode[3])
            found = find({sample.name: re.sub(r"//.*", "", text)})
            if found != wanted:
                problems.append(f"{sample.name}: found {sorted(found)}, expected {sorted(wanted)}")
        else:
            found = check_arrows(mode[2], text) if mode[2] else check_coroutines(text)
            found = {(line, message) for line, message in found}
            lines = text.split("\n")
            wanted = {(n, w[1]) for n, l in enumerate(lines, 1) if (w := re.search(r"// expect: (.+)", l))}
            for line, words in sorted(wanted):
                if not any(n == line and words in message for n, message in found):
                    problems.append(f"{sample.name}:{line}: not found: {words}")
            for line, message in sorted(found):
                if not any(n == line and words in message for n, words in wanted):
                    problems.append(f"{sample.name}:{line}: found without reason: {message}")
    for route, text, used in ROUTE_SAMPLES:
        if bool(re.search(route_use(route), text)) != used:
            problems.append(f"route {route} in {text}: expected {used}")
    return problems


ROUTE_SAMPLES = [
    ("GET /a/v1/jobs", 'get("/a/v1/jobs")', True),
    ("GET /a/v1/jobs", 'get("/a/v1/jobs/5")', False),
    ("GET /a/v1/jobs", "get('/a/v1/jobs?x=1')", True),
    ("GET /a/v1/jobs/{id}", 'get(f"/a/v1/jobs/{job}")', True),
    ("GET /a/v1/jobs/{id}", 'get("/a/v1/jobs/" + id)', True),
    ("GET /a/v1/jobs/{id}", 'get("/a/v1/jobs")', False),
    ("POST /a/v1/jobs/{id}/stop", 'post(f"/a/v1/jobs/{job["id"]}/stop")', False),
    ("POST /a/v1/jobs/{id}/stop", "post(f'/a/v1/jobs/{job}/stop')", True),
    ("POST /a/v1/jobs/{id}/stop", 'post("/a/v1/jobs/" + id + "/stop")', True),
    ("POST /a/v1/jobs/{id}/stop", 'post("/a/v1/jobs/5")', False),
]


def main():
    problems = self_test()
    if problems:
        print("the self-test of tidy fails:", *problems, sep="\n  ")
        return 1
    if "--self-test" in sys.argv:
        print("the self-test passes")
        return 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]).resolve()
    findings = [*check_house(root), *check_exercised(root)]
    print_longest(root)
    print()
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
