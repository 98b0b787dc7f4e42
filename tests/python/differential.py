#!/usr/bin/env python3
"""Run the same tasks with community.grafana and with ours, and compare.

Two Grafana servers are used, one for each. Every step of every scenario in
differential/*.yml runs the peer's module against the first and ours against
the second, and after each step these are compared:

* `changed`, `failed`, `skipped` and `msg`; of a failure ours has to hold the
  peer's sentence and may say more around it,
* the keys of the result: each key of the peer's must be in ours, at every
  depth, with the same value (ours may have more),
* the state of the two servers: organisations, data sources, folders,
  dashboards, their permissions and the messages of their versions,
* the files the task wrote.

A difference of the state is told at the step that made it. Where the peer
ends with an uncaught exception, ours has to fail too, with whatever text.

Whatever cannot be equal between two servers (ids, times, random uids, the
server's own address) is replaced before the comparison.

A difference that is meant is listed in differential/expected.py with its reason. A difference
that is not listed fails the run; so does an entry of the list that matched
nothing, unless only some scenarios were asked for, and a reason that
docs/migrating-from-community-grafana.md does not tell.

    # with two servers started and stopped by the program
    differential.py --library ../../library --server-cmd 'sandbox --port {port} --profile 12.4'

    # with two servers that run already (admin/admin); nothing is reset there,
    # what a scenario made is deleted after it
    differential.py --library ../../library --peer-url http://127.0.0.1:3001 --our-url http://127.0.0.1:3002

    # what the peer alone does
    differential.py --peer-only --server-cmd '...'

    # the last section of the document about migrating
    differential.py --reasons

The peer is community.grafana as found by the Python that runs this program,
or by --peer-python.

A scenario:

    name: unique
    module: grafana_folder         # what a step runs if it names no other
    args: {...}                    # added to each step's arguments
    files: {a.json: <any JSON>, b.json: "text as it is"}
    steps:
      - name: unique in the scenario
        args: {...}                # a null value takes a common argument out
        check: true                # in check mode
      - name: without a module, the same request to both servers
        request: {method: POST, path: /api/orgs, body: {...}}
        save: {variable: key.in.the.answer}

In all strings @{url} is the server, @{tmp} a folder of this scenario and this
side, @{name} a saved variable.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import fnmatch
import glob
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "differential"))

from expected import DOCUMENT, EXPECTED, MISSING, document_is_old, is_meant, is_of, reasons  # noqa: E402
from server import Server  # noqa: E402

VERSION = "2.19.14"
PEER = "ansible_collections.community.grafana.plugins.modules."

# What the controller sends along with a module's own arguments.
INTERNAL = {
    "_ansible_check_mode": False, "_ansible_no_log": False, "_ansible_debug": False, "_ansible_diff": True,
    "_ansible_verbosity": 0, "_ansible_version": VERSION, "_ansible_syslog_facility": "LOG_USER",
    "_ansible_selinux_special_fs": ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"], "_ansible_socket": None,
    "_ansible_shell_executable": "/bin/sh", "_ansible_keep_remote_files": False, "_ansible_remote_tmp": "~/.ansible/tmp",
    "_ansible_ignore_unknown_opts": False, "_ansible_target_log_info": None, "_ansible_tracebacks_for": [],
}


# --- the peer's half: a process that has the modules loaded and forks per task

def peer_worker():
    import importlib
    from unittest import mock
    from ansible.module_utils.basic import AnsibleModule
    from ansible.module_utils.testing import patch_module_args

    modules = {name: importlib.import_module(PEER + name) for name in ("grafana_datasource", "grafana_folder", "grafana_dashboard")}

    def task(name, args):
        with patch_module_args(args), mock.patch.object(AnsibleModule, "log", lambda *a, **k: None):
            try:
                modules[name].main()
            except Exception as exc:  # as Ansible's wrapper around a module does
                print(json.dumps({"failed": True, "crash": "%s: %s" % (type(exc).__name__, exc)}))

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        out_read, out_write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(out_read)
            buffer = io.StringIO()
            try:
                with contextlib.redirect_stdout(buffer):
                    task(job["module"], job["args"])
            except SystemExit:
                pass
            finally:
                data = buffer.getvalue().encode()
                while data:
                    data = data[os.write(out_write, data):]
                os._exit(0)
        os.close(out_write)
        with os.fdopen(out_read, "rb") as handle:
            output = handle.read().decode()
        os.waitpid(child, 0)
        print(json.dumps({"output": output}), flush=True)


def last_json(output):
    """The result a module printed, as the controller finds it."""
    start = output.find("{")
    if start < 0:
        return {"failed": True, "crash": "no result: %r" % output[-500:]}
    try:
        return json.JSONDecoder().raw_decode(output[start:])[0]
    except ValueError as exc:
        return {"failed": True, "crash": "not JSON (%s): %r" % (exc, output[-500:])}


class Peer:
    """community.grafana"""

    def __init__(self, python, environ):
        self.process = subprocess.Popen([python, os.path.abspath(__file__), "--peer-worker"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environ)
        if not self.process.stdout.readline():
            sys.exit("the peer's modules cannot be loaded with %s" % python)

    def run(self, module, args, _tmp):
        self.process.stdin.write(json.dumps({"module": module, "args": args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the peer's process has ended")
        return last_json(json.loads(line)["output"])

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Ours:
    """The binaries in the library folder"""

    def __init__(self, library, environ):
        self.library, self.environ = library, environ

    def run(self, module, args, tmp):
        path = os.path.join(tmp, ".args")
        with open(path, "w", encoding="utf-8") as handle:
            json.dump(args, handle)
        try:
            done = subprocess.run([os.path.join(self.library, module), path], capture_output=True, text=True, timeout=60,
                                  env=self.environ, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return {"failed": True, "crash": "no result within 60 seconds"}
        finally:
            os.unlink(path)
        result = last_json(done.stdout)
        if done.stderr.strip():
            result.setdefault("crash", "standard error: " + done.stderr.strip()[:500])
        if bool(done.returncode) != bool(result.get("failed")):
            result.setdefault("crash", "exit code %d with failed=%r" % (done.returncode, result.get("failed")))
        return result

    def close(self):
        pass


# --- making two sides comparable

# Only numbers and times: a name under these keys stays.
VOLATILE = {"id", "folderId", "created", "updated", "createdBy", "updatedBy", "typeLogoUrl", "slug", "dashboardId"}
UID_KEYS = {"uid", "folderUid", "parentUid", "folder"}


class Normaliser:
    """Replaces what differs between two servers by names."""

    def __init__(self, server, tmp, known):
        self.plain = [(server.url, "<server>"), (server.url.split("//", 1)[1], "<server>"), (tmp, "<tmp>")]
        self.known = known  # the text of the scenario: a uid in it was chosen by it
        self.uids = {}

    def learn(self, value, title=None):
        """Give each uid the server made up the name of its object."""
        if isinstance(value, dict):
            title = value.get("name") or value.get("title") or title
            uid = value.get("uid")
            if isinstance(uid, str) and uid and title and json.dumps(uid)[1:-1] not in self.known:
                self.uids.setdefault(uid, "<uid of %s>" % title)
            for item in value.values():
                self.learn(item)
            if isinstance(value.get("dashboard"), dict) and isinstance(uid, str) and uid in self.uids:
                self.uids[uid] = "<uid of %s>" % value["dashboard"].get("title")
        elif isinstance(value, list):
            for item in value:
                self.learn(item)

    def text(self, value):
        for uid, name in self.uids.items():
            value = value.replace(uid, name)
        for old, new in self.plain:
            value = value.replace(old, new)
        return value

    def __call__(self, value):
        if isinstance(value, dict):
            return {self.text(k): self(v) for k, v in value.items() if k not in VOLATILE}
        if isinstance(value, list):
            return [self(v) for v in value]
        if isinstance(value, str):
            return self.text(value)
        return value


def same(a, b):
    """Python holds True == 1 and 1 == 1.0; JSON does not hold the first."""
    return type(a) is type(b) and a == b or (isinstance(a, (int, float)) and isinstance(b, (int, float))
                                              and not isinstance(a, bool) and not isinstance(b, bool) and a == b)


def differences(peer, ours, path, exact):
    """(key, peer's, ours); with `exact` ours may not have more keys either."""
    if isinstance(peer, dict) and isinstance(ours, dict):
        for key in peer:
            yield from differences(peer[key], ours.get(key, MISSING), "%s.%s" % (path, key), exact)
        if exact:
            for key in ours:
                if key not in peer:
                    yield "%s.%s" % (path, key), MISSING, ours[key]
    elif isinstance(peer, list) and isinstance(ours, list) and len(peer) == len(ours):
        for index, pair in enumerate(zip(peer, ours)):
            yield from differences(*pair, "%s[%d]" % (path, index), exact)
    elif not same(peer, ours):
        yield path, peer, ours


PYTHON_REPR = re.compile(r"[\s:(-]*\{'.*", re.S)
BOOLEANS = re.compile(r"(Valid booleans include: )(.*)$", re.S)


def stable(text):
    """Ansible lists the booleans as a Python set, in no order."""
    if not isinstance(text, str):
        return text
    return BOOLEANS.sub(lambda m: m.group(1) + ", ".join(sorted(set(m.group(2).replace("'", "").split(", ")))), text)


def sentence(text):
    """What a failure of the peer's says, without what only frames it."""
    return re.sub(r"^error : ", "", text).rstrip(".")


def told(warning):
    """A warning as the controller shows it: ansible-core 2.19 wraps it for the way there."""
    return warning["event"]["msg"] if isinstance(warning, dict) and "event" in warning else warning


def compare_results(peer, ours):
    for key in ("changed", "failed", "skipped"):
        if bool(peer.get(key)) != bool(ours.get(key)):
            yield key, bool(peer.get(key)), bool(ours.get(key))
    if ours.get("crash"):
        yield "crash", peer.get("crash"), ours["crash"]
    if peer.get("crash"):
        return  # there is no text of the peer's to compare with
    if "msg" in peer or "msg" in ours:
        theirs, mine = stable(peer.get("msg", MISSING)), stable(ours.get("msg", MISSING))
        if isinstance(theirs, str) and "{'" in theirs:
            # the peer printed a Python dict with the whole answer of the server
            theirs = PYTHON_REPR.sub("", theirs)
        # a failure of ours may say more, for example what can be done, in front and behind
        says_it = peer.get("failed") and ours.get("failed") and isinstance(mine, str) and sentence(theirs) and sentence(theirs) in mine
        if theirs != mine and theirs != MISSING and not says_it:
            yield "msg", theirs, mine
    for key in peer:
        if key == "invocation":
            if key not in ours:
                yield "result.invocation", "given", MISSING
        elif key == "warnings":
            yield from differences([told(w) for w in peer[key]], ours.get(key, MISSING), "result.warnings", False)
        elif key not in ("changed", "failed", "skipped", "msg"):
            yield from differences(peer[key], ours.get(key, MISSING), "result." + key, False)


# --- running

class Side:
    def __init__(self, name, server, runner, root):
        self.name, self.server, self.runner = name, server, runner
        self.root = os.path.join(root, name)
        self.seconds = 0.0

    def begin(self, scenario):
        self.tmp = os.path.join(self.root, re.sub(r"\W+", "-", scenario["name"]))
        os.makedirs(self.tmp)
        self.variables = {"url": self.server.url, "tmp": self.tmp}
        self.server.reset()
        self.before = self.server.inventory()
        for name, content in (scenario.get("files") or {}).items():
            with open(os.path.join(self.tmp, name), "w", encoding="utf-8") as handle:
                handle.write(content if isinstance(content, str) else json.dumps(self.fill(content)))
        self.normalise = Normaliser(self.server, self.tmp, json.dumps(scenario))

    def fill(self, value):
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if isinstance(value, str):
            whole = re.fullmatch(r"@\{(\w+)\}", value)
            if whole:  # keeps a number a number
                return self.variables[whole.group(1)]
            return re.sub(r"@\{(\w+)\}", lambda m: str(self.variables[m.group(1)]), value)
        return value

    def step(self, scenario, step):
        if "request" in step:
            ask = self.fill(step["request"])
            org = ask.get("org")
            status, answer = self.server.call(ask["method"], ask["path"], ask.get("body"), org=org)
            if status >= 400 and not step.get("may_fail"):
                sys.exit("%s: %s: %s answered %d to %s %s: %s" % (scenario["name"], step["name"], self.name, status, ask["method"], ask["path"], answer))
            for variable, path in (step.get("save") or {}).items():
                value = answer
                for part in path.split("."):
                    value = value[part]
                self.variables[variable] = value
                if isinstance(value, str):
                    self.normalise.plain.insert(0, (value, "<%s>" % variable))
            return None
        args = dict({"url": "@{url}"}, **(scenario.get("args") or {}))
        for key, value in (step.get("args") or {}).items():
            if value is None and key in args:
                del args[key]
            else:
                args[key] = value
        module = step.get("module") or scenario["module"]
        args = dict(self.fill(args), **INTERNAL)
        args["_ansible_module_name"] = module
        args["_ansible_check_mode"] = bool(step.get("check"))
        args["_ansible_tmpdir"] = self.tmp
        start = time.perf_counter()
        result = self.runner.run(module, args, self.tmp)
        self.seconds += time.perf_counter() - start
        return result

    def observe(self):
        state = self.server.state()
        files = {}
        for name in sorted(os.listdir(self.tmp)):
            with open(os.path.join(self.tmp, name), encoding="utf-8", errors="replace") as handle:
                text = handle.read()
            try:
                files[name] = json.loads(text)
            except ValueError:
                files[name] = text
        state["files"] = files
        return state

    def end(self):
        self.server.clean(self.before)


def load_scenarios(folder, only):
    import yaml
    scenarios = []
    for path in sorted(glob.glob(os.path.join(folder, "*.yml"))):
        with open(path, encoding="utf-8") as handle:
            scenarios += yaml.safe_load(handle)
    names = [s["name"] for s in scenarios]
    assert len(set(names)) == len(names), "two scenarios with one name"
    for scenario in scenarios:
        steps = [s["name"] for s in scenario["steps"]]
        assert len(set(steps)) == len(steps), "%s: two steps with one name" % scenario["name"]
    if only:
        scenarios = [s for s in scenarios if any(fnmatch.fnmatch(s["name"], pattern) for pattern in only)]
    return scenarios


def brief(result):
    if result.get("crash"):
        return "crash: " + result["crash"]
    words = [key for key in ("changed", "failed", "skipped") if result.get(key)] or ["ok"]
    text = ", ".join(words)
    if result.get("msg") is not None:
        text += ": %s" % PYTHON_REPR.sub(" ...", str(result["msg"]))
    return text


def cell(value, width=110):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= width else text[:width - 3] + "..."


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def run(options, sides, scenarios, out):
    rows, expected, unexpected, record, tasks = [], [], [], [], 0
    used = set()
    at_once = concurrent.futures.ThreadPoolExecutor(len(sides)).map  # each side has its own server
    for scenario in scenarios:
        for side in sides:
            side.begin(scenario)
        lasting = set()
        for step in scenario["steps"]:
            results = list(at_once(lambda side: side.step(scenario, step), sides))
            if results[0] is None:
                continue
            tasks += 1
            states = list(at_once(lambda side: side.observe(), sides))
            for side, result, state in zip(sides, results, states):
                side.normalise.learn(state)
                side.normalise.learn(result)
            results = [side.normalise(result) for side, result in zip(sides, results)]
            states = [side.normalise(state) for side, state in zip(sides, states)]
            found = []
            if len(sides) == 2:
                found = list(compare_results(*results))
                # a difference of the states is told at the step that made it, not at those after it
                standing = {(key, json.dumps(theirs), json.dumps(mine)): (key, theirs, mine)
                            for key, theirs, mine in differences(states[0], states[1], "state", True)}
                found += [item for mark, item in standing.items() if mark not in lasting]
                lasting = set(standing)
            fresh = []
            for key, theirs, mine in found:
                matching = [index for index, entry in enumerate(EXPECTED)
                            if is_meant(entry, options.grafana, scenario["name"], step["name"], key, theirs, mine)]
                used.update(matching)
                if matching:
                    reason = EXPECTED[matching[0]]["reason"]
                    expected.append((scenario["name"], step["name"], key, theirs, mine, reason))
                else:
                    fresh.append((scenario["name"], step["name"], key, theirs, mine))
            unexpected += fresh
            verdict = "" if len(sides) < 2 else "**differs**" if fresh else "as meant" if found else "same"
            rows.append([scenario["name"], step["name"] + (" (check)" if step.get("check") else "")] + [brief(r) for r in results] + [verdict])
            record.append({"scenario": scenario["name"], "step": step["name"], "results": results, "states": states})
        for side in sides:
            side.end()

    write = lambda line="": print(line, file=out)  # noqa: E731
    write("| scenario | step | community.grafana |" + (" ours | |" if len(sides) == 2 else ""))
    write("|---|---|---|%s" % ("---|---|" if len(sides) == 2 else ""))
    for row in rows:
        write("| " + " | ".join(cell(c) for c in (row if len(sides) == 2 else row[:3])) + " |")
    for title, items, heads in (("Differences that are meant", expected, ["reason"]), ("Differences that are not", unexpected, [])):
        if items:
            write("\n%s\n" % title)
            heads = ["scenario", "step", "key", "community.grafana", "ours"] + heads
            write("| " + " | ".join(heads) + " |")
            write("|" + "---|" * len(heads))
            for item in items:
                write("| " + " | ".join(cell(c) for c in item) + " |")
    write("\n%d tasks in %d scenarios. %s." % (tasks, len(scenarios), ", ".join("%s took %.1f s" % (s.name, s.seconds) for s in sides)))
    if len(sides) == 2:
        write("%d differences that are meant, %d that are not." % (len(expected), len(unexpected)))
    failed = bool(unexpected)
    if len(sides) == 2 and not options.only:
        for index, entry in enumerate(EXPECTED):
            if index not in used and is_of(entry, options.grafana):
                failed = True
                write("No longer occurs: %s / %s / %s (%s)" % (entry["scenario"], entry["step"], entry["key"], entry["reason"]))
    if len(sides) == 2 and document_is_old():
        failed = True
        write("%s is not what --reasons prints." % os.path.relpath(DOCUMENT))
    if options.record:
        with open(options.record, "w", encoding="utf-8") as handle:
            json.dump(record, handle, indent=1, ensure_ascii=False)
            handle.write("\n")
    return failed


def main():
    if sys.argv[1:] == ["--peer-worker"]:
        return peer_worker()
    if sys.argv[1:] == ["--reasons"]:
        return print(reasons(), end="")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=os.path.join(HERE, "..", "..", "library"), help="folder of our binaries")
    parser.add_argument("--peer-url", help="the peer's server")
    parser.add_argument("--our-url", help="our server")
    parser.add_argument("--server-cmd", help="command that starts a server; {port} is replaced")
    parser.add_argument("--peer-python", default=sys.executable, help="a Python with community.grafana")
    parser.add_argument("--peer-only", action="store_true", help="run and show the peer alone")
    parser.add_argument("--scenarios", default=os.path.join(HERE, "differential"), help="folder of the scenarios")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="only scenarios with such a name")
    parser.add_argument("--output", help="write the Markdown there too")
    parser.add_argument("--record", help="write all normalised results and states there, as JSON")
    options = parser.parse_args()

    scenarios = load_scenarios(options.scenarios, options.only)
    root = tempfile.mkdtemp(prefix="differential-")
    servers, runners, failed = [], [], True
    # neither side sees proxies or a login file
    environ = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": root, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        for name, url in (("community.grafana", options.peer_url), ("ours", options.our_url)):
            if name == "ours" and options.peer_only:
                continue
            if url:
                servers.append(Server(url))
            elif options.server_cmd:
                port = free_port()
                command = shlex.split(options.server_cmd.replace("{port}", str(port)))
                servers.append(Server("http://127.0.0.1:%d" % port, owned=True, command=command))
            else:
                parser.error("no server for %s: give its URL or --server-cmd" % name)
        for server in servers:
            server.wait()
        runners.append(Peer(options.peer_python, environ))
        if not options.peer_only:
            for module in sorted({s.get("module") for s in scenarios if s.get("module")}):
                if not os.access(os.path.join(options.library, module), os.X_OK):
                    sys.exit("there is no %s in %s" % (module, options.library))
            runners.append(Ours(options.library, environ))
        options.grafana = int(servers[-1].get("/api/health")["version"].split(".")[0])
        sides = [Side(name, server, runner, root) for name, server, runner in zip(("community.grafana", "ours"), servers, runners)]
        text = io.StringIO()
        failed = run(options, sides, scenarios, text)
        print(text.getvalue(), end="")
        if options.output:
            with open(options.output, "w", encoding="utf-8") as handle:
                handle.write(text.getvalue())
    finally:
        for thing in runners + servers:
            thing.close()
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
