"""Prints the licences of everything that is linked into the binary.

The crates are those that `cargo metadata` says the package `rightsize` depends on (not the build
dependencies), the texts are the licence files in their sources. Opens no socket.

usage: licences.py ROOT [cargo's feature arguments]
"""

import json
import pathlib
import re
import subprocess
import sys

LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
RULE = "=" * 78

GCC = """libgcc, libstdc++ and libgomp (from GCC) are linked into the binary. They are under the GNU General
Public License, version 3, with the GCC Runtime Library Exception, version 3.1, which permits to
convey the resulting binary under terms of one's choice."""


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked_packages(root, features):
    """The packages of other people in the binary, sorted by name and version."""
    host = re.search(r"^host: (\S+)$", run("rustc", "-vV", cwd=root), re.MULTILINE).group(1)
    metadata = json.loads(
        run(
            "cargo", "metadata", "--format-version", "1", "--locked", "--offline",
            "--filter-platform", host, "--manifest-path", str(root / "harness" / "Cargo.toml"),
            *features, cwd=root,
        )
    )
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    start = next(p["id"] for p in metadata["packages"] if p["name"] == "rightsize" and p["source"] is None)
    seen, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        for dependency in nodes[node]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    foreign = [packages[i] for i in seen if packages[i]["source"] is not None]
    return sorted(foreign, key=lambda p: (p["name"], p["version"]))


def licence_texts(folder):
    """The licence files directly in a folder: (name, text)."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and LICENCE_FILE.match(path.name) and path.suffix not in {".rs", ".html"}:
            yield path.name, path.read_text(encoding="utf-8", errors="replace").strip()


def native_parts(packages):
    """Native code inside a crate, with licences of its own: (title, text)."""
    for package in packages:
        if package["name"] != "llama-cpp-sys-2":
            continue
        source = pathlib.Path(package["manifest_path"]).parent / "llama.cpp"
        yield "llama.cpp and ggml", (source / "LICENSE").read_text(encoding="utf-8").strip()
        for path in sorted((source / "vendor").rglob("LICENSE*")):
            part = path.parent.relative_to(source / "vendor")
            yield f"llama.cpp, vendor/{part}", path.read_text(encoding="utf-8", errors="replace").strip()
        json_header = source / "vendor" / "nlohmann" / "json.hpp"
        if json_header.is_file():
            head = json_header.read_text(encoding="utf-8").split("*/", 1)[0] + "*/"
            yield "llama.cpp, vendor/nlohmann", head + "\n\n" + mit("2013-2026 Niels Lohmann")


def mit(holder):
    text = (ROOT / "LICENSE-MIT").read_text(encoding="utf-8")
    return re.sub(r"(?m)^Copyright .*$", f"Copyright (c) {holder}", text).strip()


def main():
    packages = linked_packages(ROOT, sys.argv[2:])
    texts, without = {}, []
    for package in packages:
        title = f"{package['name']} {package['version']}"
        found = list(licence_texts(pathlib.Path(package["manifest_path"]).parent))
        if not found:
            without.append(package)
        for _, text in found:
            texts.setdefault(text, []).append(title)

    out = [
        "Licences of the software that is linked into the binary `rightsize`.",
        f"{len(packages)} crates of other authors, the Rust standard library (MIT OR Apache-2.0)"
        " and parts named below.",
        "",
    ]
    for package in packages:
        licence = package["license"] or "see its licence file"
        out.append(f"{package['name']} {package['version']}: {licence}")
    for title, text in native_parts(packages):
        out += ["", RULE, title, RULE, "", text]
    out += ["", RULE, "GCC's runtime libraries", RULE, "", GCC]
    for text, titles in sorted(texts.items(), key=lambda item: item[1]):
        out += ["", RULE, ", ".join(titles), RULE, "", text]
    for package in without:
        authors = ", ".join(package["authors"]) or f"the authors of {package['name']}"
        out += ["", RULE, f"{package['name']} {package['version']} (no licence file in its sources)", RULE, ""]
        out.append(f"{package['license']}. Copyright {authors}. Source: {package['repository'] or 'unknown'}")
        out.append("The texts of MIT and Apache-2.0 are LICENSE-MIT and LICENSE-APACHE in this folder.")
    print("\n".join(out))


ROOT = pathlib.Path(sys.argv[1]).resolve()
main()
