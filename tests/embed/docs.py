#!/usr/bin/env python3
"""Holds the documents to the tree: what they name must exist.

    docs.py BIN [FILE.md...]

BIN is the folder of the tools. Without files: README.md, weights/README.md and all of docs/.

Names that are checked, in code spans, code blocks and links:
  - files and folders: paths from the top folder, links, and names of sources alone ("engine.c");
  - anchors of links;
  - targets of make;
  - options of the tools, against their --help;
  - functions, types and constants of the libraries' headers.
Prints a line for each that is not there and exits with 1."""
import glob
import os
import re
import subprocess
import sys

# Sources of other projects, and files that a user writes.
FOREIGN = {"cblas.h", "omp.h", "zlib.h", "stb_image.h", "jpeglib.h", "hdf5.h", "mpi.h",
           "example.c"}
FOLDERS = ("libconvlstm", "libmtcnn", "tools", "tests", "bench", "weights", "docs", ".ci",
           ".github")
FETCHED = {"weights/mtcnn.safetensors", "weights/mtcnn_weights.npy"}  # by make weights
HEADERS = [h for library in ("libconvlstm", "libmtcnn")
           for h in glob.glob(library + "/**/*.h", recursive=True)]


def documents():
    return ["README.md", "weights/README.md"] + sorted(glob.glob("docs/**/*.md", recursive=True))


def tree():
    """Names of all files, without what is built."""
    names = set()
    for folder, folders, files in os.walk("."):
        folders[:] = [f for f in folders
                      if f not in (".git", "demo", "__pycache__") and not f.startswith("build")]
        names.update(files)
    return names


def make_targets():
    files = ["Makefile", "tests/checks.mk"] + glob.glob("tools/packaging/*.mk")
    text = "\n".join(open(f, encoding="utf-8").read() for f in files)
    return {t for line in re.findall(r"^([\w -]+):(?!=)", text, re.M) for t in line.split()}


def braces(word):
    """a{b,c}d -> abd, acd"""
    m = re.search(r"\{([^{}]*)\}", word)
    if not m:
        return [word]
    begin, end = word[:m.start()], word[m.end():]
    return [w for part in m[1].split(",") for w in braces(begin + part + end)]


def anchors(path):
    """The anchors of a document's headings, as the usual renderers name them."""
    found, code = set(), False
    for line in open(path, encoding="utf-8"):
        code ^= line.startswith("```")
        if not code and line.startswith("#"):
            words = re.sub(r"[`*]|\[|\]\([^)]*\)", "", line.lstrip("#").strip()).lower()
            found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def stands_for_others(path):
    """Whether a path names no file, but the form of many: tests/log/NAME.log, tools/<step>."""
    return re.search(r"[<>%$@]|(^|[/_.-])[A-Z]+(\.(log|c|h|sh))?($|[/_])", path)


class Checker:
    def __init__(self, bin_folder):
        self.bin, self.names, self.targets, self.help = bin_folder, tree(), make_targets(), {}
        texts = [open(h, encoding="utf-8").read() for h in HEADERS]
        self.declared = set(re.findall(r"\w+", " ".join(texts)))
        self.missing = []

    def complain(self, where, words):
        self.missing.append(f"{where}: {words}")

    def options(self, tool):
        if tool not in self.help:
            run = subprocess.run([os.path.join(self.bin, tool), "--help"],
                                 stdout=subprocess.PIPE, text=True, check=True)
            self.help[tool] = set(re.findall(r"--[a-z0-9][a-z0-9-]*", run.stdout))
        return self.help[tool]

    def link(self, where, folder, target):
        if re.match(r"[a-z]+:", target):
            return
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(folder, path)) if path else where.split(":")[0]
        if not os.path.exists(path):
            self.complain(where, f"a link to {target}, which is not there")
        elif anchor and anchor not in anchors(path):
            self.complain(where, f"a link to {target}: no such heading")

    def word(self, where, word):
        """A word of a code span or block."""
        word = word.strip("\"'(),;:")
        ours = word.startswith(tuple(f + "/" for f in FOLDERS))
        if ours and not stands_for_others(word):
            for path in braces(word.removeprefix("./")):
                if path not in FETCHED and not glob.glob(path, include_hidden=True):
                    self.complain(where, f"{path} is not there")
        elif re.fullmatch(r"[a-z0-9_-]{2,}\.(c|h|inc|sh)", word):
            if word not in self.names | FOREIGN:
                self.complain(where, f"no file is called {word}")
        m = re.match(r"(convlstm|mtcnn|nbase|NBASE|MTCNN|CONVLSTM)_\w*[a-zA-Z0-9]", word)
        if not m or word[m.end():m.end() + 1] == ".":
            return
        known = self.declared | {"NBASE_MAX_ISA", "NBASE_TUNING", "NBASE_VERBOSE"}
        if m[0] not in known and f"fuzz_{m[0]}.c" not in self.names:
            self.complain(where, f"{m[0]} is in no header of the libraries")

    def command(self, where, words):
        """A code span, or a line of a code block."""
        for part in re.split(r"&&|\||;", re.split(r"\s#\s", words)[0]):
            part = part.split()
            part = part[1:] if part[:1] == ["$"] else part
            while part and re.fullmatch(r"\w+=\S*", part[0]):
                part = part[1:]
            if not part:
                continue
            if part[0] == "make" and all(re.fullmatch(r"[\w=.$/'-]+", p) for p in part):
                targets = re.sub(r"-C \S+", "", " ".join(part[1:])).split()
                for target in targets:
                    named = "=" not in target and not target.startswith("-")
                    if named and target not in self.targets:
                        self.complain(where, f"make has no target {target}")
            tool = os.path.basename(part[0])
            if re.fullmatch(r"skin-[a-z]+|bench", tool) and (tool != "bench" or len(part) > 1):
                if not os.path.exists(os.path.join(self.bin, tool)):
                    self.complain(where, f"no tool is called {tool}")
                    continue
                for option in re.findall(r"(?<![\w-])--[a-z0-9][a-z0-9-]*", " ".join(part)):
                    if option not in self.options(tool) | {"--help", "--version"}:
                        self.complain(where, f"{tool} has no option {option}")

    def document(self, path):
        text = open(path, encoding="utf-8").read()
        fence, lines, prose = False, [], []
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("```"):
                fence = not fence
            elif fence or line.startswith("    "):
                lines.append((number, line.strip()))
            prose.append("" if fence or line.startswith("    ") else line)
        for number, line in lines:
            where = f"{path}:{number}"
            self.command(where, line)
            for word in line.split():
                self.word(where, word)
        words = "\n".join(prose)
        for m in re.finditer(r"(?<!`)`([^`]+)`(?!`)", words):
            where = f"{path}:{words.count(chr(10), 0, m.start()) + 1}"
            self.command(where, m[1])
            for word in m[1].split():
                self.word(where, word)
        for m in re.finditer(r"\]\(([^)\s]+)\)", words):
            where = f"{path}:{words.count(chr(10), 0, m.start()) + 1}"
            self.link(where, os.path.dirname(path), m[1])


def main():
    checker = Checker(sys.argv[1])
    files = sys.argv[2:] or documents()
    for path in files:
        checker.document(path)
    print("\n".join(checker.missing) or f"{len(files)} documents name nothing that is not there")
    sys.exit(bool(checker.missing))


main()
