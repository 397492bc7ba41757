#!/usr/bin/env python3
"""Dependencies point one way: what each room of framework/ may include, and what plugins and transports may.

usage: includes.py SOURCE
"""
import pathlib
import re
import sys

# From the ground up. A room includes itself, what lies in framework/ itself, and rooms named here.
ROOMS = {
    "graph": set(),
    "awake": {"graph"},
    "vector": set(),
    "plugin": {"vector"},
    "config": {"plugin"},
    "method": {"vector", "plugin", "config"},
    "network": {"plugin", "config"},
    "record": {"vector", "plugin", "config"},
    "members": {"vector", "plugin", "config", "method", "network", "record"},
    "runtime": {"vector", "plugin", "config", "method", "record", "members"},
    "bench": {"vector", "plugin", "config", "record", "runtime"},
    "sweep": {"config", "record", "runtime"},
    "report": {"config", "record"},
    "cli": {"graph", "awake", "network", "plugin", "config", "record", "members", "runtime", "bench", "sweep", "report"},
}
# What plugins may be built with beside the boundary: rooms that know no host, and what those need of framework/ itself.
WITHOUT_HOST = ("graph/", "failure.hpp")
LONGEST = 450  # lines of a file
# What is longer: the boundary is one table, which grows only at its ends. It may not grow without a line here.
LONGER = {"framework/include/threepc/abi.h": 526}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(threepc/[^>]+)>)', re.M)


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".cpp", ".hpp", ".h", ".c"))


def included(path):
    return [quoted or public for quoted, public in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def faults_of_rooms(framework):
    for path in sources(framework):
        place = path.relative_to(framework)
        room = place.parts[0] if len(place.parts) > 1 else None
        if room == "include":
            continue
        if room is not None and room not in ROOMS:
            yield f"{place}: '{room}' is no room that this test knows; give it a row in ROOMS"
            continue
        for name in included(path):
            other = name.split("/")[0] if "/" in name and not name.startswith("threepc/") else None
            if other is None or other == room:
                continue
            if room is None or other not in ROOMS[room]:
                yield f"{place}: includes {name}, but {room or 'framework itself'} may only include {sorted(ROOMS.get(room, []))}"


def faults_of_plugins(source):
    for folder in (source / "plugins", source / "transports", source / "examples"):
        for path in sources(folder):
            for name in included(path):
                beside = any((base / name).exists() for base in (path.parent, folder, *path.parents[:3]))
                if not name.startswith(("threepc/", *WITHOUT_HOST)) and not beside:
                    yield f"{path.relative_to(source)}: includes {name}, which is not of the public boundary"


def faults_of_length(source):
    for folder in ("framework", "plugins", "transports"):
        for path in sources(source / folder):
            lines = path.read_text(encoding="utf-8").count("\n")
            place = str(path.relative_to(source))
            if lines > LONGER.get(place, LONGEST):
                yield f"{place}: {lines} lines, at most {LONGER.get(place, LONGEST)}; what are its two subjects?"


def main():
    source = pathlib.Path(sys.argv[1])
    faults = [*faults_of_rooms(source / "framework"), *faults_of_plugins(source), *faults_of_length(source)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
