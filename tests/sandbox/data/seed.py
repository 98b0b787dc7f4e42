"""Writes what a fresh authentik holds: the stand-in's `authentik-fresh.json`.

    seed.py http://127.0.0.1:9000 <token> kinds.json > authentik-fresh.json

Lists every kind and keeps a few answers that do not depend on the objects.
"""
import json, sys, time, urllib.request

url, token, kinds = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))["kinds"]
FIXED = ["admin/version", "core/brands/current", "managed/blueprints/available", "admin/system", "outposts/instances/default_settings", "root/config",
         "stages/email/templates", "events/events/actions", "enterprise/license/summary", "admin/settings", "sources/oauth/source_types", "admin/apps", "admin/models",
         "policies/all/cache_info", "flows/instances/cache_info"]


def get(path):
    request = urllib.request.Request(f"{url}/api/v3/{path}", headers={"Authorization": f"Bearer {token}"})
    for _ in range(20):
        try:
            return json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            if error.code < 500:
                break
        except OSError:
            pass
        time.sleep(3)  # it is starting
    print(path, "was not read", file=sys.stderr)


def plain(entry):
    for key in ("avatar",):
        if key in entry:
            entry[key] = "data:image/svg+xml;base64,PHN2Zy8+"
    return {key: value for key, value in entry.items() if not key.endswith(("_obj", "_themed_urls"))} if isinstance(entry, dict) else entry


out, completions, fixed = {}, {}, {}
BASES = ("all",)
for path, kind in kinds.items():
    if "list" not in kind["actions"] or "shape" not in kind or path.startswith(("enterprise/license", "tenants", "events/events", "tasks/tasks", "tasks/workers", "core/authenticated", "oauth2/", "reports", "admin")):
        continue
    found, page = [], 1
    while page:
        answer = get(f"{path}/?page_size=100&page={page}&superuser_full_list=true")
        if not isinstance(answer, dict):
            break
        found += answer["results"]
        page = answer["pagination"]["next"]
        if answer.get("autocomplete"):
            completions[path] = answer["autocomplete"]
    if path == "stages/prompt/prompts":
        found.sort(key=lambda entry: entry["name"])  # several have one key: their order is by chance
    if found and not path.endswith("/all"):
        out[path] = [plain(entry) for entry in found]
for path in FIXED + [p + "/types" for p, k in kinds.items() if "get types" in k["extra"]]:
    fixed[path] = get(path + "/")
print('{"objects": {')
print(",\n".join(json.dumps(k) + ": [\n  " + ",\n  ".join(map(json.dumps, v)) + "\n]" for k, v in out.items()))
print('}, "autocomplete": ' + json.dumps(completions) + ', "answers": {')
print(",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in fixed.items()))
print("}}")
