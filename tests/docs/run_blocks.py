#!/usr/bin/env python3
"""Runs the code blocks of one page of the documentation, as its readers do: in its order, in a folder of their own.

usage: run_blocks.py PAGE --source DIR --build DIR --work DIR

A block or a line that cannot be run here stands in EXCLUDED with the reason. A block that is neither run nor excluded
fails, and so does an exclusion or a substitution that no longer matches anything.
"""
import argparse
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

# Lines that are not run: (page, the line as it stands, why).
EXCLUDED = [
    ("README.md", "scripts/quickstart", "CI runs it; the block after it shows what it prints"),
    ("README.md", "scripts/test", "this test is a part of it"),
    ("README.md", "cmake --install build/release --prefix ~/threepc", "examples.out_of_tree installs, builds and runs both examples"),
    ("README.md", "cmake -S examples/custom-compressor -B examples/custom-compressor/build -DCMAKE_PREFIX_PATH=$HOME/threepc", "examples.out_of_tree"),
    ("README.md", "cmake --build examples/custom-compressor/build", "examples.out_of_tree"),
    ("README.md", "~/threepc/bin/threepc run examples/custom-compressor/train.toml", "examples.out_of_tree"),
    ("docs/experiments.md", "threepc reproduce quadratic-n100 --quick", "README.md's blocks run it"),
    ("docs/experiments.md", "THREEPC_DATA=/path/to/libsvm threepc reproduce clag-phishing-1e-4 --jobs 2 --out runs/clag", "real data, and minutes"),
    ("docs/problems.md", "mkdir -p data && cd data", "goes before downloads"),
    ("docs/problems.md", "curl -fLO https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/w8a", "a download"),
    ("docs/problems.md", "curl -fLO https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/news20.bz2", "a download"),
    ("docs/problems.md", "export THREEPC_DATA=$PWD", "goes after downloads"),
    ("docs/reliability.md", "scripts/fuzz", "CI runs it: a minute, and a build of its own"),
    ("docs/reliability.md", "scripts/fuzz 1200 payload", "twenty minutes"),
    ("docs/reliability.md", "build/fuzz/bin/fuzz_payload build/fuzz/findings/payload-crash-...", "a finding, and there is none"),
    ("docs/reliability.md", "scripts/soak", "CI runs a dozen of its trials"),
    ("docs/reliability.md", "scripts/soak --trial 17 --seed 1", "a trial takes up to a minute"),
    ("docs/reliability.md", "THREEPC_SOAK_JOBS=8 scripts/soak 1000 2", "a thousand trials"),
    ("docs/transports/mpi.md", "srun --mpi=pmix --kill-on-bad-exit=1 threepc run run.toml --set transport.plugin=mpi "
     "--set workers.count=$((SLURM_NTASKS - 1)) --out runs/$SLURM_JOB_NAME-$SLURM_JOB_ID --resume-or-start", "wants a Slurm cluster; bash reads it, and config check its settings"),
]

# What stands in for names of hosts and ports that are not here: (page, text, what takes its place).
SUBSTITUTED = [
    ("README.md", "127.0.0.1:5555", "127.0.0.1:{port}"),
    ("docs/reliability.md", "10.0.0.1:5555", "127.0.0.1:{port}"),
    ("docs/transports/tcp.md", "10.0.0.1:5555", "127.0.0.1:{port}"),
    ("docs/transports/tcp.md", "127.0.0.1:5555", "127.0.0.1:{port}"),
    ("docs/transports/tcp.md", "server.lab:5555", "127.0.0.1:{port}"),
    ("docs/transports/tcp.md", "--host 10.0.0.1", "--host 127.0.0.1"),
    ("docs/transports/shm.md", " training", " training-{port}"),
    ("docs/experiments.md", '"../phishing.toml"', '"configs/quickstart.toml"'),
    ("docs/experiments.md", "run.stop.grad_norm = 1e-3", "run.rounds = 3\ntransport.plugin = \"inproc\""),
]

# A run.toml for the pages that name one: one worker, so that `work --rank 0` is all of them.
RUN_TOML = """[run]
rounds = 200
[run.stop]
grad_norm = 1e-9
[workers]
count = 1
[problem]
plugin = "quadratic"
dim = 50
[mechanism]
plugin = "ef21"
[mechanism.compressor]
plugin = "topk"
k = 5
[transport]
plugin = "{transport}"
timeout = 20
"""
FRAGMENT_RUN = '[run]\nrounds = 20\n[workers]\ncount = 3\n'
FRAGMENT_PROBLEM = '[problem]\nplugin = "quadratic"\ndim = 200\n'
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
HOST_KEY = re.compile(r"(?:run|workers|downlink|aggregation|faults|checkpoint|transport|optimizer|topology)\.[a-z_]+(?:\.[a-z_]+)*(?=$|=| )(?<!\.toml)")
# Of mpirun, srun, containers and the benchmarks.
FOREIGN_OPTIONS = {"--mpi", "--kill-on-bad-exit", "--oversubscribe", "--map-by", "--mca", "--tag-output", "--network",
                   "--megabytes", "--rate"}
SECONDS = 120  # for one line


class Page:
    def __init__(self, name, source, build, work):
        self.name, self.source, self.work = name, source, work
        self.text = (source / name).read_text(encoding="utf-8")
        self.failures, self.ran, self.used = [], 0, set()
        self.plugins = build / "lib/threepc/plugins"
        self.port = free_port()
        self.env = dict(os.environ, HOME=str(work), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.env.pop("THREEPC_TOKEN", None)
        self.env["PATH"] = f"{build / 'bin'}:{self.env['PATH']}"
        prepare(source, build, work, "shm" if name.endswith("shm.md") else "tcp")

    def substituted(self, text):
        for page, old, new in SUBSTITUTED:
            if page == self.name and old in text:
                self.used.add(old)
                text = text.replace(old, new.format(port=self.port))
        return text

    def reason_against(self, line):
        """Of the exclusion that is this line, without what it says in a comment."""
        for page, excluded, reason in EXCLUDED:
            if page == self.name and excluded == without_comment(line):
                self.used.add(excluded)
                return reason
        return None

    def check(self):
        for match in BLOCK.finditer(self.text):
            line = self.text.count("\n", 0, match.start()) + 1
            check = CHECKS.get(match[1])
            try:
                assert check, f"nobody knows how to check a block of '{match[1]}'"
                check(self, match[2])
            except (AssertionError, ValueError, subprocess.SubprocessError) as error:
                self.failures.append(f"{self.name}:{line}: {error}")
        self.check_words()
        if self.name == "docs/configuration.md":
            self.check_coverage()
        known = [item[1] for item in EXCLUDED + SUBSTITUTED if item[0] == self.name]
        self.failures += [f"{self.name}: nothing matches '{old}' any more" for old in known if old not in self.used]

    def check_words(self):
        """In the text between the blocks, options and keys of the host are those that there are."""
        prose = BLOCK.sub("", self.text)
        spans = re.findall(r"`([^`\n]+)`", prose)
        for span in spans:
            if span.startswith(("threepc ", "--")):
                self.check_options(span)
        keys = {match[0] for span in spans if (match := re.match(HOST_KEY, span))}
        self.failures += [f"{self.name}: the configuration knows no key {key}" for key in sorted(keys)
                          if not self.is_key(key)]

    def check_options(self, span):
        """Those of `threepc run --quiet` are options of run; those of `--quiet` alone are of any command."""
        words = re.match(r"(?:threepc )?((?:[a-z]+ ?)*)", span)[1].split()
        named = [command for command in (" ".join(words[:2]), " ".join(words[:1])) if command in self.helps()]
        known = self.helps()[named[0]] if named and named[0] else self.all_help()
        for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][\w-]*", span)) - FOREIGN_OPTIONS):
            if not re.search(rf"{option}(?![\w-])", known):
                self.failures.append(f"{self.name}: `{span}`: threepc knows no option {option} there")

    @functools.cache
    def helps(self):
        """Of every command that the program's own help names, and of their commands."""
        found, left = {}, [""]
        while left:
            command = left.pop()
            found[command] = self.bash(f"threepc {command} --help")
            _, _, named = found[command].partition("\nSubcommands:\n")
            left += [f"{command} {name}".strip() for name in re.findall(r"^  ([a-z]+) ", named.split("\n\n")[0], re.M)]
        return found

    def all_help(self):
        return "".join(self.helps().values())

    def check_coverage(self):
        """Every option of the program and every key of the host is somewhere in the documentation."""
        pages = [self.source / "README.md", *sorted((self.source / "docs").rglob("*.md"))]
        text = "".join(page.read_text(encoding="utf-8") for page in pages)
        options = set(re.findall(r"^ +(?:-\w,)?(--[a-z][\w-]*)", self.all_help(), re.M)) - {"--help", "--version"}
        self.failures += [f"no page has the option {option}" for option in sorted(options)
                          if not re.search(rf"{option}(?![\w-])", text)]
        complete = re.sub(r"^\[problem\]\n(?:.+\n)*", "", self.bash("threepc config check run.toml"), flags=re.M)
        keys = set(re.findall(r"^(\w+) = ", complete, re.M))
        self.failures += [f"no page has the key {key}" for key in sorted(keys)
                          if not re.search(rf"[`.]{key}[`= ]", text)]

    @functools.cache
    def keys(self):
        """Of the host's tables, and of the transports and optimizers that there are."""
        found = set(re.findall(r"^\| `([\w.]+)`", self.bash("threepc config keys --markdown"), re.M)) | {"downlink.plugin"}
        listed = self.bash("threepc plugins list")
        for table in ("transport", "optimizer"):
            found.add(f"{table}.plugin")
            rows = listed.partition(f"\n{table}s\n")[2].partition("\n\n")[0]
            for plugin in re.findall(r"^  ([\w+-]+)", rows, re.M):
                told = self.bash(f"threepc plugins info {plugin}").partition("\n  parameters\n")[2]
                found |= {f"{table}.{name}" for name in re.findall(r"^    (\w+)", told, re.M)}
        return found

    def is_key(self, key):
        """A key or a table of keys."""
        if key == "transport.tree_from" and not (self.plugins / "transport-mpi.so").exists():
            print(f"{self.name}: skipped, there is no transport mpi: {key}")
            return True
        return key in self.keys() or key in {name.rpartition(".")[0] for name in self.keys()}

    def bash(self, script):
        """Its output. All that it started is over when this returns."""
        process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], cwd=self.work, env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            output = process.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            raise AssertionError(f"took longer than {SECONDS} s: {script}") from None
        finally:
            end_group(process)
        self.ran += 1
        assert process.returncode == 0, f"ended with {process.returncode}: {script}\n{output}"
        return output


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it left nothing behind


def prepare(source, build, work, transport):
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for folder in ("configs", "examples"):
        shutil.copytree(source / folder, work / folder, ignore=shutil.ignore_patterns("build"))
    (work / "build").mkdir()
    (work / "build/release").symlink_to(build)
    (work / "run.toml").write_text(RUN_TOML.format(transport=transport), encoding="utf-8")


def commands(block):
    """Lines, with those that a backslash continues; neither comments nor blank ones."""
    joined = re.sub(r"\\\n\s*", "", block)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]


def together(lines):
    """A server and its workers run beside each other; `serve` says when it listens."""
    script = []
    for line, following in zip(lines, lines[1:] + [""]):
        if line.startswith("threepc serve") and following.startswith("threepc work"):
            script.append(f"rm -rf runs/run; ({line}) 2>serve.err & server=$!\n"
                          "until grep -q 'listening at' serve.err; do kill -0 $server || cat serve.err; sleep 0.05; done")
        elif line.startswith("threepc work"):
            script.append(f"{without_comment(line)}\nwait $server || {{ cat serve.err; exit 1; }}\nrm -rf runs/run")
        else:
            script.append(line)
    return "\n".join(script)


def without_comment(line):
    return re.sub(r"\s+# .*$", "", line)


def is_missing(page, line):
    program = line.split()[0]
    if program == "mpirun" and shutil.which(program) is None:
        print(f"{page.name}: skipped, there is no {program}: {line}")
        return True
    return False


def check_sh(page, block):
    if block.startswith("#!"):
        return check_script(page, block)
    lines = [line for line in commands(page.substituted(block)) if page.reason_against(line) is None]
    lines = [without_comment(line) for line in lines if not is_missing(page, line)]
    if lines:
        page.bash(together(lines))
    for line in lines:  # what a block sets, the next ones of its page have
        if match := re.match(r"export (\w+)=", line):
            page.env[match[1]] = page.bash(f"{line}\nprintf %s \"${match[1]}\"")


def check_script(page, block):
    """A batch script: its shell is read, and its settings are a configuration's."""
    for line in commands(block):
        page.reason_against(line)
    subprocess.run(["bash", "-n"], input=block, text=True, check=True)
    settings = re.findall(r"--set (\S+?)=(\$\(\(.*?\)\)|\S+)", block)
    assert settings, "a script without settings"
    page.bash("threepc config check run.toml " + " ".join(
        f"--set {key}={'32' if value.startswith('$') else value}" for key, value in settings))
    known = page.bash("threepc run --help")
    for option in re.findall(r"^ +(--[\w-]+)", block, re.M):
        assert option in known, f"threepc run knows no {option}"


def check_toml(page, block):
    text = page.substituted(block)
    is_sweep = re.search(r"^\[grid\]", text, re.M)
    mechanism = "" if "[mechanism]" in text else '[mechanism]\nplugin = "gd"\n'
    problem = "" if "[problem]" in text else FRAGMENT_PROBLEM
    whole = text if is_sweep else FRAGMENT_RUN + problem + mechanism + text
    (page.work / "block.toml").write_text(whole, encoding="utf-8")
    page.bash(f"threepc {'sweep' if is_sweep else 'run'} block.toml --out runs/block")
    shutil.rmtree(page.work / "runs/block")


def check_json(page, block):
    json.loads(block)
    page.ran += 1


def check_python(page, block):
    (page.work / "block.py").write_text(block, encoding="utf-8")
    page.bash(f"{sys.executable} block.py")


def check_cpp(page, block):
    """A plugin: compiled as it stands, against the headers alone, and trained with as an example does."""
    examples = [file for file in (page.work / "examples").rglob("train.toml")
                if f'"{plugin_id(block)}"' in file.read_text(encoding="utf-8")]
    assert examples, f"no example trains with the {plugin_id(block)} that this block makes"
    folder = examples[0].parent
    (folder / "build").mkdir()
    (folder / "block.cpp").write_text(block, encoding="utf-8")
    page.bash(f"cd '{folder}' && {os.environ.get('CXX', 'c++')} -std=c++20 -O1 -Wall -Wextra -fPIC -shared block.cpp"
              f" -o build/block.so -I'{page.source}/framework/include'")
    page.bash(f"threepc run '{examples[0]}' --out runs/block --set run.rounds=50")


def plugin_id(block):
    return re.search(r'\.id = "(\w+)"', block)[1]


CHECKS = {"sh": check_sh, "toml": check_toml, "json": check_json, "python": check_python, "cpp": check_cpp,
          "": lambda page, block: None}  # what a program prints, or a drawing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page")
    for folder in ("--source", "--build", "--work"):
        parser.add_argument(folder, type=pathlib.Path, required=True)
    given = parser.parse_args()
    page = Page(given.page, given.source, given.build, given.work)
    page.check()
    print("\n".join(page.failures) or f"{page.name}: {page.ran} commands and blocks")
    if not page.failures:
        shutil.rmtree(given.work)
    return 1 if page.failures else 0


if __name__ == "__main__":
    sys.exit(main())
