#!/usr/bin/env python3
"""Shows what Hearth does, on a running Grafana: dry run, apply, again, drift, repair.

Run by `make demo`. The server is the one that GRAFANA_URL, GRAFANA_USER and GRAFANA_PASSWORD (or
GRAFANA_TOKEN) name; with --sandbox PROGRAM it is the stand-in, started here on a free port. On a server of
one's own everything lies in the folder "Hearth demo" and is taken away at the end, also when something goes
wrong or Ctrl-C is pressed; tests/demo/interrupted.py tests that.

What is shown comes from real runs of ansible-playbook. Their whole output lies in .cache/demo/. The program
fails when a run does anything but what it is said to do, so it is a test as well.
"""

import argparse
import base64
import contextlib
import glob
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGS = os.path.join(ROOT, ".cache", "demo")
DEMO = "playbooks/demo.yml"
CHECK = ["playbooks/check.yml", "-e", "@playbooks/vars/demo.yml"]
COUNTS = {"folders": 8, "data sources": 3, "dashboards": 12}
KINDS = list(COUNTS)
ABSENT = [DEMO, "-e", "grafana_state=absent"]
PLAYBOOK = ".venv/bin/ansible-playbook"


class Server:
    """A Grafana and who we are there."""

    def __init__(self, environ):
        self.url = environ["GRAFANA_URL"].rstrip("/")
        if environ.get("GRAFANA_TOKEN"):
            self.auth = "Bearer " + environ["GRAFANA_TOKEN"]
        else:
            login = "%s:%s" % (environ.get("GRAFANA_USER", "admin"), environ.get("GRAFANA_PASSWORD", "admin"))
            self.auth = "Basic " + base64.b64encode(login.encode()).decode()

    def call(self, method, path, body=None):
        """The answer; a status of 400 and above raises."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": self.auth, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def counts(self):
        """How many of the demo's objects are there."""
        found = self.call("GET", "/api/search?limit=5000")
        ours = [entry for entry in found if entry["uid"].startswith("hearth-demo")]
        sources = [entry for entry in self.call("GET", "/api/datasources") if entry["uid"].startswith("hearth-demo")]
        return {"folders": sum(entry["type"] == "dash-folder" for entry in ours), "data sources": len(sources),
                "dashboards": sum(entry["type"] == "dash-db" for entry in ours)}


@contextlib.contextmanager
def sandbox(program):
    """The stand-in server; gives the environment that names it."""
    with tempfile.TemporaryDirectory() as place:
        ready = os.path.join(place, "url")
        process = subprocess.Popen([program, "--port", "0", "--quiet", "--ready-file", ready], stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 15
            while not os.path.exists(ready) or not os.path.getsize(ready):
                if process.poll() is not None or time.monotonic() > end:
                    sys.exit("the stand-in server does not start: %s" % program)
                time.sleep(0.02)
            with open(ready, encoding="utf-8") as handle:
                url = handle.read().strip()
            environ = dict(os.environ, GRAFANA_URL=url, GRAFANA_USER="admin", GRAFANA_PASSWORD="admin")
            environ.pop("GRAFANA_TOKEN", None)
            yield environ
        finally:
            process.terminate()
            process.wait(timeout=10)


def ansible(environ, arguments, log):
    """Runs ansible-playbook; gives its exit code. Ctrl-C reaches it as well: it is waited for, since a module
    that is writing must not be left behind."""
    # Ansible refuses to start in a locale that is not UTF-8 or not installed.
    locale = {"LC_ALL": "C.UTF-8"} if platform.system() == "Linux" else {}
    with open(log, "w", encoding="utf-8") as handle:
        with subprocess.Popen(["ansible-playbook", *arguments], cwd=ROOT, env=dict(environ, **locale),
                              stdin=subprocess.DEVNULL, stdout=handle, stderr=subprocess.STDOUT) as process:
            try:
                return process.wait()
            except BaseException:
                process.terminate()
                raise


def say(line=""):
    print(line, flush=True)


def wrong(text, log=None):
    say("\nThis is not what the demo is about: %s" % text)
    if log:
        with open(log, encoding="utf-8") as handle:
            say("".join(handle.readlines()[-40:]))
        say("The whole output: %s" % os.path.relpath(log, ROOT))
    sys.exit(1)


class Run:
    """One run of ansible-playbook: its output, its results, its seconds."""

    number = 0

    def __init__(self, environ, arguments, may_fail=False):
        Run.number += 1
        self.log = os.path.join(LOGS, "%02d-%s.log" % (Run.number, os.path.basename(arguments[0]).split(".")[0]))
        report = self.log[:-4] + ".json"
        start = time.monotonic()
        self.code = ansible(environ, [*arguments, "-e", "grafana_report=" + report], self.log)
        self.seconds = time.monotonic() - start
        if not os.path.exists(report) or (self.code and not may_fail):
            wrong("`%s %s` ended with %d" % (PLAYBOOK, " ".join(arguments), self.code), self.log)
        with open(report, encoding="utf-8") as handle:
            self.results = json.load(handle)

    def objects(self):
        return [dict(entry, kind=kind) for kind, result in self.results.items() for entry in result.get("objects", [])]

    def changes(self):
        return sorted((entry for entry in self.objects() if entry["changed"]), key=lambda entry: KINDS.index(entry["kind"]))

    def stats(self, key, kinds=None):
        return sum(result["stats"][key] for kind, result in self.results.items() if not kinds or kind in kinds)

    def tell(self):
        for kind in [kind for kind in KINDS if kind in self.results]:
            result = self.results[kind]
            known = "objects" in result
            say("     %-14s %s" % (kind, result["msg"] if known else "cannot be told before the others are there"))
        say("     %-14s %.1f s, %d requests" % ("took", self.seconds, self.stats("requests")))

    def difference(self, name, longest=30):
        """What ansible-playbook showed of one object."""
        with open(self.log, encoding="utf-8") as handle:
            lines = handle.read().splitlines()
        for number, line in enumerate(lines):
            if line.startswith("--- ") and name in line:
                rest = lines[number:]
                ends = [at for at, text in enumerate(rest) if at > 2 and (text.startswith(("--- ", "changed:", "ok:")))]
                shown = [text for text in rest[:ends[0] if ends else len(rest)] if text.strip()]
                more = len(shown) - longest
                return shown[:longest] + (["  … %d more lines" % more] if more > 0 else [])
        return []


def heading(number, text, command=None):
    say("\n%d. %s" % (number, text))
    if command:
        say("   $ %s %s" % (PLAYBOOK, " ".join(command)))


def break_things(server):
    """Four things that happen to a Grafana that several people use."""
    board = server.call("GET", "/api/dashboards/uid/hearth-demo-node")
    panels = [panel for panel in board["dashboard"]["panels"] if panel["type"] == "gauge"]
    panels[0]["title"] = "CPU (edited at 2 a.m.)"
    panels[0]["fieldConfig"]["defaults"]["max"] = 1000
    body = {"dashboard": board["dashboard"], "folderUid": board["meta"]["folderUid"], "overwrite": True}
    server.call("POST", "/api/dashboards/db", body)
    say("     edited   a panel of the dashboard `%s`" % board["dashboard"]["title"])

    server.call("DELETE", "/api/dashboards/uid/hearth-demo-redis")
    say("     deleted  the dashboard `Databases: Redis`")

    source = server.call("GET", "/api/datasources/uid/hearth-demo-prometheus")
    source["url"] = "http://old-prometheus:9090"
    server.call("PUT", "/api/datasources/uid/hearth-demo-prometheus", source)
    say("     pointed  the data source `%s` at an old server" % source["name"])

    server.call("PUT", "/api/folders/hearth-demo-network", {"title": "Netzwerk", "overwrite": True})
    say("     renamed  the folder `Network`")
    return 4


@contextlib.contextmanager
def taken_away(environ, server, own):
    """When something goes wrong inside, or somebody ends it: nothing of the demo stays on a server of one's own."""
    try:
        yield
    except BaseException:
        if own:
            say("\nTaking away what the demo made.")
            try:
                remove(environ, server)
            except BaseException:
                say("Not all of it is gone. By hand:\n  %s %s" % (PLAYBOOK, " ".join(ABSENT)))
                raise
        raise


def remove(environ, server):
    """A module that was ended with its play may still have written: so it is looked at more than once."""
    log = os.path.join(LOGS, "taken-away.log")
    for _ in range(3):
        if ansible(environ, ABSENT, log) == 0 and not any(server.counts().values()):
            say("Nothing of it is left.")
            return
        time.sleep(1)
    wrong("still there: %s" % server.counts(), log)


def compare(program):
    """The same dashboards by community.grafana, on a stand-in of their own."""
    boards = sorted(glob.glob(os.path.join(ROOT, "playbooks/files/demo/dashboards/**/*.json"), recursive=True))
    seconds = []
    with sandbox(program) as environ:
        for time_of in ("create", "again"):
            log = os.path.join(LOGS, "peer-%s.log" % time_of)
            start = time.monotonic()
            code = ansible(environ, ["tests/demo/peer.yml", "-e", json.dumps({"peer_dashboards": boards})], log)
            seconds.append(time.monotonic() - start)
            if code:
                return None
    return seconds


def demo(environ, program):
    server, own = Server(environ), program is None
    say("Hearth on %s, %s." % (server.url, "your server" if own else "the stand-in for Grafana that comes with Hearth"))
    if own:
        say("All of it lies in the folder `Hearth demo` and in data sources named so, and is taken away at the end.")
    else:
        say("With GRAFANA_URL, GRAFANA_USER and GRAFANA_PASSWORD set it runs on that server instead.")
    try:
        if any(server.counts().values()):
            wrong("there are objects of an earlier demo; take them away with\n  %s %s" % (PLAYBOOK, " ".join(ABSENT)))
    except urllib.error.HTTPError as error:
        wrong("%s answers %d %s" % (server.url, error.code, error.reason))
    except OSError as error:
        wrong("%s cannot be reached: %s" % (server.url, error))

    heading(1, "What would a run do? A dry run reads, compares, and writes nothing.", [DEMO, "--check", "--diff"])
    dry = Run(environ, [DEMO, "--check", "--diff"])
    dry.tell()
    if any(server.counts().values()):
        wrong("the dry run has written something", dry.log)
    shown = dry.difference("Hearth demo Loki")
    if shown:
        say("\n   One of the %d differences it shows; secrets are never printed:\n" % len(dry.changes()))
        say("\n".join("     " + line for line in shown))

    with taken_away(environ, server, own):
        heading(2, "Then do it.", [DEMO])
        first = Run(environ, [DEMO])
        first.tell()
        named = lambda run: sorted((entry["kind"], entry["name"], entry["action"]) for entry in run.changes())  # noqa: E731
        if server.counts() != COUNTS:
            wrong("there are %s and not %s" % (server.counts(), COUNTS), first.log)
        told = [kind for kind, result in dry.results.items() if "objects" in result]
        if [entry for entry in named(first) if entry[0] in told] != named(dry):
            wrong("the run did not do what the dry run said", first.log)
        say("     Exactly what the dry run said.")

        heading(3, "And again.", [DEMO])
        second = Run(environ, [DEMO])
        second.tell()
        if second.changes():
            wrong("the second run changed %s" % named(second), second.log)

        heading(4, "Now somebody works on the server by hand:")
        broken = break_things(server)

        heading(5, "What is not as declared? The same question for cron or CI; it changes nothing, and fails on drift.",
                CHECK)
        drift = Run(environ, CHECK, may_fail=True)
        for entry in drift.changes():
            fields = ": " + ", ".join(entry["fields"]) if entry.get("fields") else ""
            say("     %-8s %s `%s`%s" % (entry["action"], entry["kind"].rstrip("s"), entry["name"], fields))
        if len(drift.changes()) != broken or drift.code == 0:
            wrong("%d things were broken, and the check found %d (exit %d)" % (broken, len(drift.changes()), drift.code), drift.log)
        shown = drift.difference("node exporter", 24)
        if shown:
            say("\n   The difference of one of them:\n")
            say("\n".join("     " + line for line in shown))

        heading(6, "Repair it, and ask once more.", [DEMO])
        repair = Run(environ, [DEMO])
        repair.tell()
        after = Run(environ, CHECK)
        if named(repair) != named(drift) or after.changes() or server.counts() != COUNTS:
            wrong("the repair did not do what the check said", repair.log)
        say("     Exactly what the check said; nothing differs any more.")

        if own:
            heading(7, "Take it away.", ABSENT)
            gone = Run(environ, ABSENT)
            gone.tell()
            if any(server.counts().values()):
                wrong("still there: %s" % server.counts(), gone.log)

    say("\nIn short")
    rows = [("dry run", dry, "said %d changes, wrote nothing" % len(dry.changes())),
            ("apply", first, "%d created: %s" % (len(first.changes()), ", ".join("%d %s" % (n, k) for k, n in COUNTS.items()))),
            ("apply again", second, "0 changed"),
            ("drift check", drift, "%d broken by hand, %d found" % (broken, len(drift.changes()))),
            ("repair", repair, "%d repaired, nothing else touched" % len(repair.changes()))]
    for what, run, came in rows:
        say("   %-12s %5.1f s   %s" % (what, run.seconds, came))
    inside = first.stats("seconds", ["dashboards"]), second.stats("seconds", ["dashboards"])
    say("   Most of each is Ansible's own start and tasks; the dashboards' module took %.2f s, and %.2f s again." % inside)
    peer = None if own else compare(program)
    if peer:
        say("\n   For comparison, only the 12 dashboards, by community.grafana in a loop on the same stand-in:")
        say("   create       %5.1f s\n   again        %5.1f s" % tuple(peer))
        say("   A stand-in answers faster than a Grafana does; `make bench` measures more, and says on what.")
    say("\n   The whole output of each run: .cache/demo/")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sandbox", metavar="PROGRAM", help="the stand-in server to start, unless GRAFANA_URL is set")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    os.makedirs(LOGS, exist_ok=True)
    for old in glob.glob(os.path.join(LOGS, "*")):
        os.unlink(old)
    if os.environ.get("GRAFANA_URL"):
        demo(dict(os.environ), None)
    elif options.sandbox:
        with sandbox(options.sandbox) as environ:
            demo(environ, options.sandbox)
    else:
        parser.error("set GRAFANA_URL, or name a stand-in server with --sandbox")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
