"""A Grafana that a side of the comparison works on: what is there, and how it becomes empty again."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


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
