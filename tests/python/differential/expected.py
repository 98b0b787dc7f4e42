"""The differences between community.grafana and ours that are meant, each with its reason, and how they are told."""

from __future__ import annotations

import json
import os
import re

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
HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "..", "..", "..", "docs", "migrating-from-community-grafana.md")
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
