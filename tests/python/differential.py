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

A difference that is meant is listed in EXPECTED with its reason. A difference
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
import base64
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
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))

MISSING = "<missing>"


def meant(reason, *places):
    """Differences that have one reason.

    A place is (scenario, step, key[, conditions]): texts in which `*` stands for
    anything. `key` is what the report shows in its third column, e.g. "changed",
    "msg", "result.datasource.uid", "state.orgs.Main Org..folders./team.title".
    Conditions: `ours` and `peer`, patterns for the two values, and `grafana`, the
    major version that it is so on. Each place has to occur.
    """
    return [dict(place[3] if len(place) > 3 else {}, scenario=place[0], step=place[1], key=place[2], reason=reason)
            for place in places]


# Differences that are meant. The reasons are in docs/migrating-from-community-grafana.md, too: `--reasons`.
EXPECTED = [entry for group in [
    # in all three
    meant("check mode says what would be done, where community.grafana skips the task",
          *[(scenario, "* in check mode", key) for scenario in ("folder life", "datasource life")
            for key in ("changed", "skipped")],
          ("folder life", "* in check mode", "msg", {"ours": "would be: 1 *"}),
          ("datasource life", "* in check mode", "msg", {"ours": "Datasource hd-life would be *"})),
    meant("the organisation is a header of each request; community.grafana switches the user's own and leaves it so",
          ("dashboard organisations and authentication", "by id", "state.current_org", {"ours": "Main Org."}),
          ("datasource organisations and authentication", "in an organisation by id", "state.current_org", {"ours": "Main Org."}),
          ("datasource organisations and authentication", "deleted by organisation name", "state.current_org", {"ours": "Main Org."}),
          ("folder organisations and authentication", "by id", "state.current_org", {"ours": "Main Org."})),
    meant("an organisation that is not there is told in the same sentence by number and by name",
          ("dashboard organisations and authentication", "unknown id", "msg", {"ours": "Current user isn't member of organization: 987654; *"}),
          ("datasource organisations and authentication", "unknown organisation id", "msg", {"ours": "Current user isn't member of organization: 987654; *"})),
    meant("the caller is asked for once, by GET /api/user, and the error says what Grafana said",
          *[(kind + " organisations and authentication", step, "msg", {"ours": "Unauthorized to perform action: GET /api/user answered 401: *"})
            for kind, step in (("dashboard", "wrong token"), ("dashboard", "wrong password"), ("datasource", "by a wrong token"),
                               ("datasource", "wrong password"), ("folder", "wrong token"), ("folder", "wrong password"))]),
    meant("an error says what went wrong on the way, not \"HTTP -1\" or Python's words",
          *[(kind + " bad input", "no server there", "msg", {"ours": "failed to connect to http://127.0.0.1:9: *"})
            for kind in ("dashboard", "datasource", "folder")],
          ("datasource bad input", "url without a scheme", "msg", {"ours": "url `nonsense` is not an address of a server: *"}),
          ("datasource bad input", "url without a scheme", "result.url", {"ours": MISSING}),
          ("datasource bad input", "url without a scheme", "result.status", {"peer": "-1", "ours": MISSING}),
          ("folder bad input", "url with a path that is not there", "msg", {"ours": "GET /api/user answered 500: *; hint: *"}),
          ("datasource additional data", "not a dict", "msg", {"ours": "*unable to convert to dict: list cannot be converted to a dict"}),
          ("dashboard bad input", "absent*", "msg", {"peer": "*No uid specified %s", "ours": "Can't delete dashboard : No uid specified"}),
          ("dashboard bad input", "broken file", "msg", {"ours": "Can't load json file *: it is not JSON: *at line 1 column 10"})),
    meant("there are more options, and an unknown one is told with all of them",
          *[(kind + " bad input", "unknown option", "msg",
             {"ours": "Unsupported parameters for (*) module: bogus. Supported parameters include: *"})
            for kind in ("dashboard", "datasource", "folder")]),
    meant("the option is called `token`, and grafana_api_key is another name for it",
          ("datasource organisations and authentication", "token and user", "msg",
           {"ours": "parameters are mutually exclusive: url_username|token"})),

    # grafana_folder
    meant("a folder that has the uid and another title is renamed",
          ("folder with uid", "another title for the same uid", "changed", {"ours": "true"}),
          ("folder with uid", "another title for the same uid", "result.folder.title", {"ours": "hd-renamed"}),
          ("folder with uid", "another title for the same uid", "state.orgs.Main Org..folders./hd-uid-folder", {"ours": MISSING}),
          ("folder with uid", "another title for the same uid", "state.orgs.Main Org..folders./hd-renamed", {"peer": MISSING}),
          ("folder with uid", "the first title again", "changed", {"ours": "true"}),
          ("folder with uid", "the first title again", "state.orgs.Main Org..folders./hd-uid-folder.version", {"peer": "1", "ours": "3"})),
    meant("a folder that has the uid is found wherever it is, and moved where parent_uid says",
          ("folder nested", "child by uid without its parent", "failed", {"ours": "false"}),
          ("folder nested", "child moved to another parent", "changed", {"ours": "true"}),
          ("folder nested", "child moved to another parent", "failed", {"ours": "false"}),
          ("folder nested", "child moved to another parent", "state.orgs.Main Org..folders./hd-parent/hd-child/hd-grandchild", {"ours": MISSING}),
          ("folder nested", "child moved to another parent", "state.orgs.Main Org..folders./hd-parent/hd-grandchild", {"peer": MISSING})),
    meant("a parent that is not there is an error; community.grafana reports a folder that it did not make",
          ("folder nested", "missing parent", "changed", {"ours": "false"}),
          ("folder nested", "missing parent", "failed", {"ours": "true"}),
          ("folder nested", "missing parent", "result.folder", {"peer": "null"})),
    meant("a folder that holds something is deleted only with `force: true`",
          ("folder with a dashboard deleted", "folder deleted", "changed", {"ours": "false"}),
          ("folder with a dashboard deleted", "folder deleted", "failed", {"ours": "true"}),
          ("folder with a dashboard deleted", "folder deleted", "result.message", {"ours": MISSING}),
          ("folder with a dashboard deleted", "folder deleted", "state.orgs.Main Org..folders./hd-full", {"peer": MISSING}),
          ("folder with a dashboard deleted", "folder deleted", "state.orgs.Main Org..dashboards./hd-full/hd-in", {"peer": MISSING})),
    meant("what Grafana would refuse is told with its reason before anything is sent",
          ("folder with uid", "uid with wrong letters", "msg", {"ours": "uid `*` has characters other than *"}),
          ("folder with uid", "uid too long", "msg", {"ours": "uid `*` has 45 characters, *"}),
          ("folder with uid", "empty title", "msg", {"ours": "name is empty, *"})),
    meant("a list is no text; community.grafana makes a folder called ['hd-list'] of it",
          ("folder bad input", "name as a list", "changed", {"ours": "false"}),
          ("folder bad input", "name as a list", "failed", {"ours": "true"}),
          ("folder bad input", "name as a list", "result.folder", {"ours": MISSING}),
          ("folder bad input", "name as a list", "state.orgs.Main Org..folders./['hd-list']", {"ours": MISSING})),

    # grafana_datasource
    meant("a change names the version that it is based on, so that one in between is noticed; without it Grafana counts from 1 again",
          ("datasource *", "*", "result.datasource.version", {"peer": "1"}),
          ("datasource *", "*", "state.orgs.*.datasources.*.version", {"peer": "1"})),
    meant("keys of jsonData that the task does not declare stay; an option without a default that is taken out of the task declares nothing",
          ("datasource life", "without the interval", "changed", {"ours": "false"}),
          ("datasource life", "without the interval", "msg", {"ours": "Datasource hd-life unchanged"}),
          ("datasource life", "without the interval", "result.diff", {"ours": MISSING}),
          ("datasource life", "without the interval", "state.orgs.Main Org..datasources.hd-life.jsonData.timeInterval", {"peer": MISSING}),
          ("datasource elasticsearch", "version 7.7", "state.orgs.Main Org..datasources.hd-elastic.jsonData.timeInterval", {"peer": MISSING}),
          ("datasource influxdb opentsdb postgres", "postgres without ssl", "state.orgs.Main Org..datasources.hd-pg.jsonData.*", {"peer": MISSING}),
          ("datasource cloudwatch", "profile", "state.orgs.Main Org..datasources.hd-cloudwatch.jsonData.customMetricsNamespaces", {"peer": MISSING}),
          ("datasource authentication and tls", "ca alone", "state.orgs.Main Org..datasources.hd-auth.jsonData.serverName", {"peer": MISSING}),
          ("datasource additional data", "as JSON text", "state.orgs.Main Org..datasources.hd-more.jsonData.*", {"peer": MISSING}),
          ("datasource additional data", "option wins over additional data", "state.orgs.Main Org..datasources.hd-more.jsonData.httpMethod", {"peer": MISSING}),
          ("datasource additional data", "option wins over additional data", "state.orgs.Main Org..datasources.hd-more.jsonData.x", {"peer": MISSING}),
          ("datasource additional data", "additional secret enforced", "state.orgs.Main Org..datasources.hd-more.jsonData.timeInterval", {"peer": MISSING})),
    meant("an option that is not written does not win over what additional_json_data says",
          ("datasource additional data", "option wins over additional data", "*.jsonData.tlsAuth", {"peer": "false", "ours": "true"}),
          ("datasource additional data", "additional secret enforced", "result.diff.before.jsonData.tlsAuth", {"ours": "true"})),
    meant("`diff` names the secrets that are sent, and never holds one",
          ("datasource authentication and tls", "*enforced*", "result.diff.*.secureJsonData", {"ours": MISSING}),
          ("datasource additional data", "additional secret enforced", "result.diff.*.secureJsonData", {"ours": MISSING})),
    meant("zabbix_password is kept encrypted",
          ("datasource azure zabbix alertmanager", "zabbix*", "result.*.jsonData.password", {"ours": MISSING}),
          ("datasource azure zabbix alertmanager", "zabbix*", "state.orgs.Main Org..datasources.hd-zabbix.jsonData.password", {"ours": MISSING}),
          ("datasource azure zabbix alertmanager", "zabbix", "state.orgs.Main Org..datasources.hd-zabbix.secureJsonFields.password", {"ours": "true"})),
    meant("any type of data source and any region can be named",
          *[("datasource " + scenario, step, key) for scenario, step in (("cloudwatch", "unknown region"), ("bad input", "unknown type"))
            for key in ("changed", "failed")],
          ("datasource cloudwatch", "unknown region", "msg", {"ours": "Datasource hd-cloudwatch updated"}),
          ("datasource cloudwatch", "unknown region", "state.orgs.Main Org..datasources.hd-cloudwatch.jsonData.defaultRegion", {"ours": "mars-1"}),
          ("datasource bad input", "unknown type", "msg", {"ours": "Datasource hd-nosuch created"}),
          ("datasource bad input", "unknown type", "state.orgs.Main Org..datasources.hd-nosuch", {"peer": MISSING})),
    meant("a data source that has the uid is found under any name and renamed; one that has another uid gets the declared one, on Grafana 12 by making it anew",
          ("datasource uid and default", "another uid", "changed", {"grafana": 12, "ours": "true"}),
          ("datasource uid and default", "another uid", "failed", {"grafana": 12, "ours": "false"}),
          ("datasource uid and default", "another uid", "msg", {"grafana": 12, "peer": "*answered with HTTP 500*", "ours": "Datasource hd-uid replaced"}),
          ("datasource uid and default", "another uid", "state.orgs.Main Org..datasources.hd-uid.uid", {"grafana": 12, "ours": "hduid2"}),
          ("datasource uid and default", "uid of another one", "changed", {"grafana": 11, "ours": "true"}),
          ("datasource uid and default", "uid of another one", "failed", {"grafana": 11, "ours": "false"}),
          ("datasource uid and default", "uid of another one", "msg", {"ours": "Datasource hd-uid-b updated"}),
          ("datasource uid and default", "uid of another one", "state.orgs.Main Org..datasources.hd-uid", {"ours": MISSING}),
          ("datasource uid and default", "uid of another one", "state.orgs.Main Org..datasources.hd-uid-b", {"grafana": 11, "peer": MISSING})),
    meant("an empty ds_url is refused before anything is sent; community.grafana fails and leaves half a data source behind",
          ("datasource bad input", "empty url", "msg", {"ours": "data source `hd-bad` has no address, *"}),
          ("datasource bad input", "empty url", "state.orgs.Main Org..datasources.hd-bad", {"ours": MISSING}),
          ("datasource bad input", "absent with a type", "changed", {"peer": "true"}),
          ("datasource bad input", "absent with a type", "msg", {"ours": "Datasource hd-bad does not exist."})),

    # grafana_dashboard
    meant("an update works without `overwrite`, which is only about what somebody else saves in the same moment",
          ("dashboard without overwrite", "change", "changed", {"ours": "true"}),
          ("dashboard without overwrite", "change", "failed", {"ours": "false"}),
          ("dashboard without overwrite", "change", "msg", {"peer": "*(HTTP: 412)", "ours": "Dashboard hd-plain updated"}),
          ("dashboard without overwrite", "change", "state.orgs.Main Org..dashboards./hd-plain.dashboard.*"),
          ("dashboard without overwrite", "change", "state.orgs.Main Org..dashboards./hd-plain.messages", {"ours": "*second*"}),
          ("dashboard without overwrite", "change again", "changed", {"ours": "false"}),
          ("dashboard without overwrite", "change again", "msg", {"ours": "Dashboard hd-plain unchanged."})),
    meant("an export of what the file holds already is no change",
          ("dashboard life", "export again", "changed", {"ours": "false"}),
          ("dashboard life", "export again", "msg", {"ours": "Dashboard hddash is in * already."})),
    meant("a file without a uid is found by its title in the folder; community.grafana makes another one each time",
          ("dashboard uid and title", "without uid again*", "changed", {"ours": "false"}),
          ("dashboard uid and title", "without uid again*", "msg", {"ours": "Dashboard hd-nouid unchanged."}),
          ("dashboard uid and title", "without uid again*", "state.orgs.Main Org..dashboards./hd-nouid+*", {"ours": MISSING})),
    meant("what stands beside the dashboard in a file is used and is no difference",
          ("dashboard uid and title", "more at the top level again", "changed", {"ours": "false"}),
          ("dashboard uid and title", "more at the top level again", "msg", {"ours": "Dashboard hd-wrapped unchanged."}),
          ("dashboard uid and title", "more at the top level again", "state.orgs.Main Org..dashboards./hd-wrapped.*", {"grafana": 11})),
    meant("on Grafana 12 the message is kept with the first version, too",
          ("dashboard life", "*", "state.orgs.Main Org..dashboards./hd-dash.messages[*]", {"grafana": 12, "peer": "Initial save", "ours": "first"}),
          ("dashboard uid and title", "more at the top level", "state.orgs.Main Org..dashboards./hd-wrapped.messages[0]",
           {"grafana": 12, "peer": "Initial save", "ours": "from the file"})),
    meant("folders are compared by uid, not by the number that Grafana 12 answers as 0: the same one is unchanged, General is a move",
          ("dashboard in folders", "by folder uid", "failed", {"grafana": 12, "ours": "false"}),
          ("dashboard in folders", "by folder uid", "msg", {"grafana": 12, "peer": "*(HTTP: 412)", "ours": "Dashboard hd-f unchanged."}),
          ("dashboard in folders", "in the sub folder again", "failed", {"grafana": 12, "ours": "false"}),
          ("dashboard in folders", "in the sub folder again", "msg", {"grafana": 12, "peer": "*(HTTP: 412)", "ours": "Dashboard hd-f unchanged."}),
          ("dashboard in folders", "moved to General", "changed", {"grafana": 12, "ours": "true"}),
          ("dashboard in folders", "moved to General", "msg", {"grafana": 12, "ours": "Dashboard hd-f updated"}),
          ("dashboard in folders", "moved to General", "state.orgs.Main Org..dashboards./hd-top/hd-sub/hd-f", {"grafana": 12, "ours": MISSING}),
          ("dashboard in folders", "moved to General", "state.orgs.Main Org..dashboards./hd-f", {"grafana": 12, "peer": MISSING})),
    meant("an export without `folder` comes to the folder that it was in, where community.grafana puts it to General",
          ("dashboard export of a folder", "restored without folder", "state.orgs.Main Org..dashboards./hd-home/hd-e", {"peer": MISSING}),
          ("dashboard export of a folder", "restored without folder", "state.orgs.Main Org..dashboards./hd-e", {"ours": MISSING})),
    meant("`folder` finds a uid at any depth, also without parent_folder",
          ("dashboard in folders", "sub folder without its parent", "failed", {"ours": "false"}),
          ("dashboard in folders", "sub folder without its parent", "msg", {"ours": "Dashboard hd-f unchanged."})),
    meant("a parent_folder that is not there is told as such",
          ("dashboard in folders", "missing parent", "msg",
           {"ours": "*Dashboard folder 'hdnowhere' does not exist; *"})),
] for entry in group]


KINDS = ("folder", "datasource", "dashboard")
DOCUMENT = os.path.join(HERE, "..", "..", "docs", "migrating-from-community-grafana.md")
HEADING = "## Every difference that the comparison finds"


def reasons():
    """The last section of the document about migrating."""
    kinds = {}
    for entry in EXPECTED:
        kinds.setdefault(entry["reason"], set()).add(entry["scenario"].split()[0])
    lines = [HEADING, "", "Written by `tests/python/differential.py --reasons` from its list, each entry of which has to occur on",
             "Grafana 12 or 11.", ""]
    for kind in (None,) + KINDS:
        here = [reason for reason, found in kinds.items() if (found == {kind} if kind else len(found) > 1)]
        lines += ["%s:" % ("grafana_" + kind if kind else "In several modules"), ""] + ["- " + reason for reason in here] + [""]
    return "\n".join(lines)


def document_is_old():
    """Whether the document does not hold what `reasons` says; where there is none, that is no matter."""
    if not os.path.exists(DOCUMENT):
        return False
    with open(DOCUMENT, encoding="utf-8") as handle:
        return not handle.read().endswith(reasons())


def fits(pattern, value):
    """Whether a value, as the report shows it, is what a pattern with `*` says."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.S) is not None


def is_of(entry, grafana):
    return entry.get("grafana", grafana) == grafana


def is_meant(entry, grafana, scenario, step, key, theirs, mine):
    return (is_of(entry, grafana) and fits(entry["scenario"], scenario) and fits(entry["step"], step) and fits(entry["key"], key)
            and fits(entry.get("peer", "*"), theirs) and fits(entry.get("ours", "*"), mine))


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


# --- a server

class Server:
    def __init__(self, url, password="admin:admin", owned=False, command=None):
        self.url, self.owned, self.process = url.rstrip("/"), owned, None
        self.auth = "Basic " + base64.b64encode(password.encode()).decode()
        if command:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method, path, body=None, org=None):
        """(status, parsed answer)"""
        headers = {"Authorization": self.auth, "Content-Type": "application/json"}
        if org is not None:
            headers["X-Grafana-Org-Id"] = str(org)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=20) as response:
                status, raw = response.status, response.read()
        except urllib.error.HTTPError as exc:
            status, raw = exc.code, exc.read()
        try:
            return status, json.loads(raw or b"null")
        except ValueError:
            return status, raw.decode(errors="replace")

    def get(self, path, org=None):
        status, answer = self.call("GET", path, org=org)
        return answer if status == 200 else None

    def wait(self):
        for _ in range(600):
            try:
                if self.call("GET", "/api/health")[0] == 200:
                    return
            except OSError:
                pass
            if self.process and self.process.poll() is not None:
                sys.exit("the server command has ended with %d" % self.process.returncode)
            time.sleep(0.1)
        sys.exit("%s does not answer" % self.url)

    def reset(self):
        if not self.owned:
            return False
        return self.call("POST", "/_sandbox/reset")[0] in (200, 204)

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=20)

    def folders(self, org, parent=None):
        query = "?limit=1000" + ("&parentUid=" + urllib.parse.quote(parent, safe="") if parent else "")
        for folder in self.get("/api/folders" + query, org) or []:
            yield parent, folder
            yield from self.folders(org, folder["uid"])

    def inventory(self):
        """What there is, by kind, for cleaning up."""
        found = {"orgs": {}, "datasources": set(), "folders": [], "dashboards": set(), "serviceaccounts": set()}
        for entry in self.get("/api/orgs") or []:
            org = entry["id"]
            found["orgs"][org] = entry["name"]
            found["datasources"] |= {(org, d["uid"]) for d in self.get("/api/datasources", org) or []}
            found["folders"] += [(org, f["uid"]) for _, f in self.folders(org)]
            found["dashboards"] |= {(org, d["uid"]) for d in self.get("/api/search?type=dash-db&limit=5000", org) or []}
            accounts = self.get("/api/serviceaccounts/search?perpage=1000", org) or {}
            found["serviceaccounts"] |= {(org, a["id"]) for a in accounts.get("serviceAccounts") or []}
        return found

    def clean(self, before):
        """Delete what was not there before."""
        self.call("POST", "/api/user/using/1")
        now = self.inventory()

        def gone(kind):
            return [item for item in now[kind] if item not in before[kind]]

        for org, uid in gone("dashboards"):
            self.call("DELETE", "/api/dashboards/uid/" + uid, org=org)
        for org, uid in reversed(gone("folders")):
            self.call("DELETE", "/api/folders/" + uid, org=org)
        for org, uid in gone("datasources"):
            self.call("DELETE", "/api/datasources/uid/" + uid, org=org)
        for org, account in gone("serviceaccounts"):
            self.call("DELETE", "/api/serviceaccounts/%d" % account, org=org)
        for org in gone("orgs"):
            self.call("DELETE", "/api/orgs/%d" % org)

    def state(self):
        """Everything a task may change, by names rather than ids."""
        user = self.get("/api/user") or {}
        orgs = {o["id"]: o["name"] for o in self.get("/api/orgs") or []}
        state = {"current_org": orgs.get(user.get("orgId")), "orgs": {}}
        for org, name in orgs.items():
            here = state["orgs"][name] = {"datasources": {}, "folders": {}, "dashboards": {}}
            for entry in self.get("/api/datasources", org) or []:
                here["datasources"][entry["name"]] = self.get("/api/datasources/uid/" + entry["uid"], org) or entry
            paths = {None: ""}
            for parent, entry in self.folders(org):
                uid = entry["uid"]
                path = paths[uid] = paths[parent] + "/" + entry["title"]
                full = dict(self.get("/api/folders/" + uid, org) or entry)
                full.pop("parents", None)
                full["permissions"] = self.permissions("/api/folders/%s/permissions" % uid, org)
                here["folders"][path] = full
            for entry in self.get("/api/search?type=dash-db&limit=5000", org) or []:
                uid = entry["uid"]
                full = self.get("/api/dashboards/uid/" + uid, org) or {}
                versions = self.get("/api/dashboards/uid/%s/versions" % uid, org)
                if isinstance(versions, dict):
                    versions = versions.get("versions")
                path = "%s/%s" % (paths.get(entry.get("folderUid"), ""), entry["title"])
                while path in here["dashboards"]:  # titles need not be unique
                    path += "+"
                here["dashboards"][path] = {
                    "uid": uid, "dashboard": full.get("dashboard"), "folder": (full.get("meta") or {}).get("folderUid"),
                    "messages": [v.get("message", "") for v in versions or []],
                    "permissions": self.permissions("/api/dashboards/uid/%s/permissions" % uid, org)}
        return state

    def permissions(self, path, org):
        entries = self.get(path, org)
        if not isinstance(entries, list):
            return None
        kept = ("role", "team", "userLogin", "permission", "permissionName", "inherited", "isFolder")
        return sorted(({k: e[k] for k in kept if e.get(k)} for e in entries), key=json.dumps)


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
