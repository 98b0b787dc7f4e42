#!/usr/bin/env python3
"""Write argument_table.json: what ansible-core's own AnsibleModule makes of a table of arguments.

The table below is run through the real AnsibleModule of the installed
ansible-core (pinned in requirements.txt), and each outcome is written next to
the arguments that caused it. Run with --check to compare instead of write.
See README.md for the form of the file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys

PINNED = "2.19.14"
HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "argument_table.json")

# Ansible builds some texts from sets of strings, whose order depends on the
# hash seed, so the seed is fixed before anything is imported.
if __name__ == "__main__" and "PYTHONHASHSEED" not in os.environ:
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable] + sys.argv)

from unittest import mock  # noqa: E402

from ansible import release  # noqa: E402
from ansible.module_utils import basic  # noqa: E402
from ansible.module_utils.basic import AnsibleModule, env_fallback  # noqa: E402
from ansible.module_utils.common import warnings as ansible_warnings  # noqa: E402
from ansible.module_utils.testing import patch_module_args  # noqa: E402

MODULE_NAME = "hearth_test"

# The whole environment every case runs in; a case's "env" comes on top.
BASE_ENV = {"HOME": "/home/hearth", "HEARTH_DIR": "/srv/hearth"}

CHECKS = ("required_if", "required_together", "required_one_of", "required_by", "mutually_exclusive")

CASES: list[dict] = []


def case(name, spec, args, env=None, exit=None, **checks):
    """Add a case. `exit` are the keys a successful run passes to exit_json."""
    assert set(checks) <= set(CHECKS), name
    assert all(c["name"] != name for c in CASES), name
    entry = {"name": name, "spec": spec}
    entry.update({k: checks[k] for k in CHECKS if k in checks})
    entry["env"] = env or {}
    entry["args"] = args
    if exit is not None:
        entry["exit"] = exit
    CASES.append(entry)


def typed(kind, values, **extra):
    """One case per value for a single option `v` of this type."""
    for value in values:
        spec = {"v": dict({"type": kind}, **extra)}
        label = json.dumps(value, ensure_ascii=True)
        suffix = "".join(" %s=%s" % (k, json.dumps(v)) for k, v in sorted(extra.items()))
        case("%s%s from %s" % (kind, suffix, label), spec, {"v": value})


def build_types():
    typed("bool", [
        True, False, "yes", "no", "on", "off", "1", "0", "true", "false", "t", "f", "y", "n",
        "YES", "No", "oN", "OFF", "True", "FALSE", "T", "N", " yes ", "\tno\n",
        1, 0, 1.0, 0.0, -0.0, 2, -1, 0.5, 1.5, "2", "1.0", "0.0", "", " ", "maybe", "enabled",
        None, [], ["yes"], {}, {"a": True},
    ])
    typed("int", [
        5, 0, -3, "5", " 5 ", "+5", "-3", "007", "-0", 5.0, 5.5, -5.0, 1e3, "5.0", "5.5", "1e3", "1E+2", "5e-1",
        ".5", "5.", "0x5", "0b1", "0o7", True, False, "true", "", " ", "abc", "five", "5 6", "5,6",
        9223372036854775807, 9223372036854775808, -9223372036854775808, -9223372036854775809,
        18446744073709551615, 123456789012345678901234567890,
        "9223372036854775808", "-9223372036854775809", "123456789012345678901234567890",
        "1_000", "_1", "1__0", "\u0665", "\uff15", "NaN", "inf", "-Infinity", 1e20, 1.5e15, 0.1,
        None, [], [5], {}, {"a": 5},
    ])
    typed("float", [
        5, 0, -3, 5.0, 5.5, -0.25, 1e10, 1e16, 1e22, 1e-7, 0.1, "5", "5.5", " 5.5 ", "-3", "+3", "1e3", "1E-2", ".5",
        "5.", "0x5", "1_000.5", True, False, "true", "", "abc", "1,5", 123456789012345678901234567890,
        None, [], [5.5], {},
    ])
    typed("str", [
        "text", "", " padded ", "caf\u00e9", "\u706b", "line\nbreak", 5, -3, 0, 5.0, 1.0, 1.5, 0.1, -0.0, 1e10, 1e15, 1e16,
        1e17, 1.5e16, 1e22, 1e23, 1e-4, 1e-5, 1.5e-7, 123456789.125, 1e100, 5e-324, 1.7976931348623157e308,
        0.30000000000000004, 100000.0, 123456789012345678901234567890,
        True, False, None, [], ["a", 1, 1.0, True, None], ["it's", "say \"x\"", "both ' and \""],
        ["tab\t", "nl\n", "back\\slash", "caf\u00e9", "\u0000", "\u007f", "\u00a0", "\u200b", "\ud83d\ude00", "\u00ad"],
        {}, {"a": 1}, {"b": {"c": [1, None]}, "a": "x"}, {"k": "it's"}, [[]], [{}],
    ])
    case("no type means str, from int", {"v": {}}, {"v": 5})
    case("no type means str, from bool", {"v": {}}, {"v": True})
    case("no type means str, from list", {"v": {}}, {"v": [1]})
    case("no type means str, from null", {"v": {}}, {"v": None})
    case("type null means str", {"v": {"type": None}}, {"v": 5})
    typed("list", [
        [], ["a"], ["a", 1, None], "a,b", "a, b", " a , b ", "a", "", ",", "a,", ",,", "[1,2]", "{\"a\": 1}",
        5, 5.0, 5.5, -3, 1e16, True, False, None, {}, {"a": 1}, [["a"], []], "caf\u00e9,x",
    ])
    typed("list", [["a", "b"], [1, 2.0, True, None], "a,b", "", 5, None, [[1, "x"]], [{"a": 1}], []], elements="str")
    typed("list", [
        [1, "2", 3.0], "1,2", "1, 2", "1,x", "", 5, True, [None], [1, "x", "y", 4], [[1]], [2.5], ["1.0"],
        [True], [{"a": 1}], ["9223372036854775808"],
    ], elements="int")
    typed("list", [[True, "no", 1, "off"], "yes,no", ["maybe"], [2], [None], "", [[]], [1.0]], elements="bool")
    typed("list", [[{"a": 1}], ["a=1"], ["{\"a\": 1}"], "a=1,b=2", ["x"], [1], [None], [[]], [{}]], elements="dict")
    typed("list", [["~/x", "$HEARTH_DIR/y"], "~/x,/abs", [None], [5]], elements="path")
    typed("list", [[1, "1.5", 2.5], ["x"], [None], [True]], elements="float")
    typed("list", [[1, None, "x", {"a": []}], "a,b", 5], elements="raw")
    typed("list", [[["a"], "b,c", 5], [None], [{"a": 1}]], elements="list")
    typed("list", [[{"a": 1}, [1], " x "], [5], [None]], elements="json")
    typed("dict", [
        {}, {"a": 1, "b": [None]}, "{\"a\": 1, \"b\": null}", "{'a': 1, 'b': None}", "{\"a\": True}", "{}", "{", "{a}", "{a: 1}",
        "{\"a\": 1}trailing", " {\"a\": 1}", "{1: 2}", "{'a', 'b'}", "{'a': 'x' 'y'}", "{\"a\": 1,}", "{\"a\": NaN}x",
        "{'a': (1, 2)}", "{'a': 0x10}", "{'a': -1.5}", "{'a': \"it's\"}", "{'a': f()}", "{\"a\":1,\"a\":2}",
        "k=v", "k=v,k2=v2", "k=v k2=v2", "k=v, k2=v2", "k = v", "k='a b' k2=\"c,d\"", "k=a\\ b", "k=a\\,b", "k=\"unclosed k2=v",
        "k=v=w", "k=", "=v", "=", "k=v,k=w", "k=v,k2", "k2,k=v", " k=v ", "k=v,,k2=v2", "k='it\"s'", "k=\\'x\\'", "'k=1'=2",
        "k=v\tk2=w", "k=v\nk2=w", "k={\"a\":1}",
        "", " ", "text", "a:1", "[1]", "null", "5",
        [], ["a=1"], [{"a": 1}], [["a", 1]], 5, 5.5, True, None,
    ])
    typed("path", [
        "/abs", "rel/x", "~", "~/x", "~nosuchuser_hearth/x", "/x/~", "~/$HEARTH_DIR", "$HEARTH_DIR/x", "${HEARTH_DIR}/x", "$HOME",
        "$HEARTH_DIRx", "${HEARTH_DIR}x", "$UNKNOWN_VAR/x", "${UNKNOWN_VAR}/x", "${", "$", "$$HEARTH_DIR", "\\$HEARTH_DIR", "${}", "$1",
        "%HEARTH_DIR%", "", " ", "a//b/../c/", "$HEARTH_DIR$HEARTH_DIR", 5, 5.0, True, None, [], ["~/x"], {"a": "~"},
    ])
    case("path: a variable's value with another variable is not expanded again", {"v": {"type": "path"}}, {"v": "$A"},
         env={"A": "$HEARTH_DIR/~", "B": "~"})
    case("path: a variable that holds a tilde is expanded", {"v": {"type": "path"}}, {"v": "$B/x"}, env={"B": "~"})
    case("path: HOME with a trailing slash", {"v": {"type": "path"}}, {"v": "~/x"}, env={"HOME": "/home/other/"})
    case("path: HOME is the root", {"v": {"type": "path"}}, {"v": "~/x"}, env={"HOME": "/"})
    case("path: empty variable", {"v": {"type": "path"}}, {"v": "$EMPTY/x"}, env={"EMPTY": ""})
    typed("raw", ["text", "", 5, 5.0, True, None, [], [1, None], {}, {"a": {"b": 1}}, "{\"a\": 1}"])
    for kind in ("json", "jsonarg"):
        typed(kind, [
            {}, {"b": 1, "a": [None, True, 1.0]}, [], [1, "x"], {"k": "caf\u00e9 \ud83d\ude00"}, {"k": "q\"\\/\b\n\u001f\u007f"},
            {"f": [1e16, 1e22, 1e-7, 0.1, 100000.0, -0.0]},
            "text", " {\"a\": 1} ", "{broken", "", "\n", 5, 5.5, True, None,
        ])
    typed("bytes", ["1K", "10M", "1KB", "1 kb", "1Kb", "1b", "1B", "2 megabyte", "1.5G", "100", 100, 1.5, "", "x", "1Q", "1KQ", "-1", None, [1], True,
                    "0.5", "2.5", "3.5", "1megabit", "1Y"])
    typed("bits", ["1K", "1Kb", "1KB", "1b", "1B", "8 megabit", "x", 5, None])


def build_choices():
    s = {"v": {"type": "str", "choices": ["present", "absent"]}}
    for value in ["present", "Present", " present", "", "gone", None, 5, True, ["present"]]:
        case("choices of text from %s" % json.dumps(value), s, {"v": value})
    case("choices, option left out", s, {})
    for value in [1, "1", "3", 1.0, True, "x"]:
        case("choices of ints from %s" % json.dumps(value), {"v": {"type": "int", "choices": [1, 2]}}, {"v": value})
    for value in ["1", 1, 1.0, True]:
        case("choices of numbers as text from %s" % json.dumps(value), {"v": {"type": "str", "choices": ["1", "2"]}}, {"v": value})
    case("choices of ints for a str option", {"v": {"type": "str", "choices": [1, 2]}}, {"v": 1})
    for value in [True, False, "yes", "True", "False", "true", "on", 1]:
        case("choices yes/no, str, from %s" % json.dumps(value), {"v": {"type": "str", "choices": ["yes", "no"]}}, {"v": value})
    for value in [True, False, "True"]:
        case("choices on/off/auto, from %s" % json.dumps(value), {"v": {"choices": ["on", "off", "auto"]}}, {"v": value})
        case("choices with two words for each truth, from %s" % json.dumps(value),
             {"v": {"choices": ["yes", "true", "no", "false"]}}, {"v": value})
        case("choices without truth words, from %s" % json.dumps(value), {"v": {"choices": ["always", "never"]}}, {"v": value})
        case("choices where only False has a word, from %s" % json.dumps(value), {"v": {"choices": ["no", "ask"]}}, {"v": value})
        case("choices with the word True itself, from %s" % json.dumps(value), {"v": {"choices": ["True", "no"]}}, {"v": value})
        case("choices with the numbers 1 and 0, from %s" % json.dumps(value), {"v": {"choices": [1, 0]}}, {"v": value})
    case("choices: yes/no in a list is not converted", {"v": {"type": "list", "elements": "str", "choices": ["yes", "no"]}}, {"v": [True]})
    case("choices of bools", {"v": {"type": "bool", "choices": [True, False]}}, {"v": "yes"})
    case("choices of bools, excluded", {"v": {"type": "bool", "choices": [True]}}, {"v": "no"})
    case("choices of text for a bool", {"v": {"type": "bool", "choices": ["yes", "no"]}}, {"v": "yes"})
    for value in [["a"], ["a", "b"], ["a", "x", "b", "y"], "a,b", "a, b", "", [], None, ["a", "a"], ["A"], [1]]:
        case("list with choices from %s" % json.dumps(value),
             {"v": {"type": "list", "elements": "str", "choices": ["a", "b"]}}, {"v": value})
    case("list of ints with choices", {"v": {"type": "list", "elements": "int", "choices": [1, 2]}}, {"v": "1,3"})
    case("list without elements with int choices, sent as text", {"v": {"type": "list", "choices": [1, 2]}}, {"v": "1,2"})
    case("default not in choices", {"v": {"choices": ["a", "b"], "default": "z"}}, {})
    case("default empty, in choices", {"v": {"choices": ["", "a"], "default": ""}}, {})
    case("null for choices with a default", {"v": {"choices": ["a", "b"], "default": "a"}}, {"v": None})
    case("null for a required option with choices", {"v": {"choices": ["a", "b"], "required": True}}, {"v": None})
    case("empty choices", {"v": {"choices": []}}, {"v": "a"})
    case("choices of raw, a dict given", {"v": {"type": "raw", "choices": ["a"]}}, {"v": {"a": 1}})
    case("choices with no_log value in the message", {"v": {"choices": ["a", "b"], "no_log": True}}, {"v": "secret"})
    case("choices of floats", {"v": {"type": "float", "choices": [1.0, 2.5]}}, {"v": "1"})
    case("choices of floats, no match", {"v": {"type": "float", "choices": [1.0, 2.5]}}, {"v": "1.5"})


def build_defaults():
    full = {
        "s": {"type": "str", "default": "d"}, "i": {"type": "int", "default": 7}, "b": {"type": "bool", "default": False},
        "f": {"type": "float", "default": 1.5}, "l": {"type": "list", "elements": "str", "default": ["x"]},
        "d": {"type": "dict", "default": {"k": 1}}, "p": {"type": "path", "default": "~/d"}, "r": {"type": "raw", "default": 0},
        "n": {"type": "str"},
    }
    case("defaults of every type", full, {})
    case("defaults left alone by other arguments", full, {"s": "given", "i": "8"})
    for key in full:
        case("explicit null for %s with default %s" % (full[key]["type"], json.dumps(full[key].get("default"))), {key: full[key]}, {key: None})
    case("explicit null for json with default", {"j": {"type": "json", "default": "{}"}}, {"j": None})
    case("default given as text for int", {"i": {"type": "int", "default": "7"}}, {})
    case("default given as text for bool", {"b": {"type": "bool", "default": "yes"}}, {})
    case("default given as text for list", {"l": {"type": "list", "default": "a,b"}}, {})
    case("default of wrong type", {"i": {"type": "int", "default": "seven"}}, {})
    case("default empty list", {"l": {"type": "list", "default": []}}, {})
    case("default empty text", {"s": {"default": ""}}, {})
    case("default null", {"s": {"type": "int", "default": None}}, {})
    case("default in a json option", {"j": {"type": "json", "default": {"a": 1}}}, {})
    case("required with a default is an internal error", {"s": {"required": True, "default": "x"}}, {"s": "y"})
    case("no options at all", {}, {})


def build_required():
    case("required, given", {"a": {"required": True}}, {"a": "x"})
    case("required, missing", {"a": {"required": True}}, {})
    case("required, null", {"a": {"required": True}}, {"a": None})
    case("required int, null", {"a": {"required": True, "type": "int"}}, {"a": None})
    case("required list, null", {"a": {"required": True, "type": "list"}}, {"a": None})
    case("required dict, null", {"a": {"required": True, "type": "dict"}}, {"a": None})
    case("required bool, null", {"a": {"required": True, "type": "bool"}}, {"a": None})
    case("required raw, null", {"a": {"required": True, "type": "raw"}}, {"a": None})
    case("required path, null", {"a": {"required": True, "type": "path"}}, {"a": None})
    case("required, empty text", {"a": {"required": True}}, {"a": ""})
    case("several required missing are sorted", {"c": {"required": True}, "a": {"required": True}, "b": {"required": True}}, {"b": "x"})
    case("required given by its alias", {"a": {"required": True, "aliases": ["x"]}}, {"x": "v"})

    spec = {"state": {"default": "present", "choices": ["present", "absent"]}, "a": {}, "b": {}, "n": {"type": "int"}, "d": {"default": "x"}}
    ri = [["state", "present", ["a", "b"]]]
    case("required_if all, both missing", spec, {}, required_if=ri)
    case("required_if all, one missing", spec, {"b": "1"}, required_if=ri)
    case("required_if all, given", spec, {"a": "1", "b": "1"}, required_if=ri)
    case("required_if all, null counts as given", spec, {"a": None, "b": None}, required_if=ri)
    case("required_if all, empty text counts as given", spec, {"a": "", "b": ""}, required_if=ri)
    case("required_if all, condition not met", spec, {"state": "absent"}, required_if=ri)
    case("required_if satisfied by a default", spec, {}, required_if=[["state", "present", ["d"]]])
    any_ = [["state", "present", ["a", "b"], True]]
    case("required_if any, none given", spec, {}, required_if=any_)
    case("required_if any, one given", spec, {"b": "1"}, required_if=any_)
    case("required_if any, null counts as given", spec, {"b": None}, required_if=any_)
    case("required_if with false as fourth item", spec, {"a": "1"}, required_if=[["state", "present", ["a", "b"], False]])
    case("required_if on an int, sent as text", spec, {"n": "99", "state": "absent"}, required_if=[["n", 99, ["a"]]])
    case("required_if on an int, text in the rule never matches", spec, {"n": "99"}, required_if=[["n", "99", ["a"]]])
    case("required_if on a bool", {"b": {"type": "bool"}, "a": {}}, {"b": "yes"}, required_if=[["b", True, ["a"]]])
    case("required_if on a bool, default false", {"b": {"type": "bool", "default": False}, "a": {}}, {}, required_if=[["b", False, ["a"]]])
    case("required_if on int 1 with true in the rule", {"n": {"type": "int"}, "a": {}}, {"n": 1}, required_if=[["n", True, ["a"]]])
    case("required_if on null in the rule, option left out", {"s": {}, "a": {}}, {}, required_if=[["s", None, ["a"]]])
    case("required_if on null in the rule, null given", {"s": {}, "a": {}}, {"s": None}, required_if=[["s", None, ["a"]]])
    case("required_if, two rules, only the first is told", spec, {}, required_if=[["state", "present", ["b"]], ["state", "present", ["a"]]])
    case("required_if on a list", {"l": {"type": "list"}, "a": {}}, {"l": "x"}, required_if=[["l", ["x"], ["a"]]])
    case("required_if met through an alias", {"s": {"aliases": ["t"]}, "a": {"aliases": ["z"]}}, {"t": "x", "z": "1"}, required_if=[["s", "x", ["a"]]])
    case("required_if missing names the option, not the alias", {"s": {"aliases": ["t"]}, "a": {"aliases": ["z"]}}, {"t": "x"}, required_if=[["s", "x", ["a"]]])
    case("required_if with an alias as the key", {"s": {"aliases": ["t"]}, "a": {}}, {"t": "x"}, required_if=[["t", "x", ["a"]]])
    case("required_if after env fallback", {"s": {"fallback_env": ["HEARTH_S"]}, "a": {}}, {}, env={"HEARTH_S": "x"}, required_if=[["s", "x", ["a"]]])
    case("required_if with no requirements", spec, {}, required_if=[["state", "present", []]])
    case("required_if with a float in the rule", {"n": {"type": "float"}, "a": {}}, {"n": 1}, required_if=[["n", 1, ["a"]]])

    abc = {"a": {}, "b": {}, "c": {}}
    rt = [["a", "b"]]
    case("required_together, none", abc, {}, required_together=rt)
    case("required_together, one", abc, {"a": "1"}, required_together=rt)
    case("required_together, other one", abc, {"b": "1"}, required_together=rt)
    case("required_together, both", abc, {"a": "1", "b": "1"}, required_together=rt)
    case("required_together, one null", abc, {"a": "1", "b": None}, required_together=rt)
    case("required_together, only a null", abc, {"b": None}, required_together=rt)
    case("required_together with a default present", {"a": {"default": "x"}, "b": {}}, {}, required_together=rt)
    case("required_together, two groups, first told", abc, {"c": "1", "a": "1"}, required_together=[["b", "c"], ["a", "b"]])
    case("required_together through alias", {"a": {"aliases": ["x"]}, "b": {}}, {"x": "1"}, required_together=rt)

    ro = [["a", "b"]]
    case("required_one_of, none", abc, {}, required_one_of=ro)
    case("required_one_of, one", abc, {"b": "1"}, required_one_of=ro)
    case("required_one_of, both", abc, {"a": "1", "b": "1"}, required_one_of=ro)
    case("required_one_of, null counts", abc, {"a": None}, required_one_of=ro)
    case("required_one_of, satisfied by a default", {"a": {"default": 1, "type": "int"}, "b": {}}, {}, required_one_of=ro)
    case("required_one_of, two groups, first told", abc, {}, required_one_of=[["c"], ["a", "b"]])

    case("required_by, key absent", abc, {}, required_by={"a": ["b"]})
    case("required_by, missing", abc, {"a": "1"}, required_by={"a": ["b", "c"]})
    case("required_by, one missing", abc, {"a": "1", "b": "2"}, required_by={"a": ["b", "c"]})
    case("required_by, given", abc, {"a": "1", "b": "2"}, required_by={"a": ["b"]})
    case("required_by, null does not count as given", abc, {"a": "1", "b": None}, required_by={"a": ["b"]})
    case("required_by, null key does not ask", abc, {"a": None}, required_by={"a": ["b"]})
    case("required_by, text instead of a list", abc, {"a": "1"}, required_by={"a": "b"})
    case("required_by, empty text counts as given", abc, {"a": "1", "b": ""}, required_by={"a": ["b"]})
    case("required_by, two keys, first told", abc, {"a": "1", "c": "1"}, required_by={"c": ["b"], "a": ["b"]})
    case("required_by, satisfied by a default", {"a": {}, "b": {"default": "x"}}, {"a": "1"}, required_by={"a": ["b"]})

    case("mutually_exclusive, one", abc, {"a": "1"}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive, both", abc, {"a": "1", "b": "1"}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive, null counts", abc, {"a": "1", "b": None}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive, both null", abc, {"a": None, "b": None}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive, three of three", abc, {"a": "1", "b": "1", "c": "1"}, mutually_exclusive=[["a", "b", "c"]])
    case("mutually_exclusive, two of three", abc, {"c": "1", "b": "1"}, mutually_exclusive=[["a", "b", "c"]])
    case("mutually_exclusive, two groups told together", abc, {"a": "1", "b": "1", "c": "1"}, mutually_exclusive=[["a", "b"], ["b", "c"]])
    case("mutually_exclusive as a flat list never fires", abc, {"a": "1", "b": "1"}, mutually_exclusive=["a", "b"])
    case("mutually_exclusive, defaults do not count", {"a": {"default": "x"}, "b": {"default": "y"}}, {"a": "1"}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive through alias", {"a": {"aliases": ["x"]}, "b": {}}, {"x": "1", "b": "1"}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive with env fallback", {"a": {"fallback_env": ["HEARTH_A"]}, "b": {}}, {"b": "1"}, env={"HEARTH_A": "x"}, mutually_exclusive=[["a", "b"]])
    case("mutually_exclusive, option and its own alias", {"a": {"aliases": ["x"]}}, {"x": "1"}, mutually_exclusive=[["a", "x"]])


def build_aliases_and_unknown():
    al = {"name": {"aliases": ["title", "label"]}, "other": {}}
    case("alias alone", al, {"title": "x"})
    case("second alias alone", al, {"label": "x"})
    case("alias and option, alias wins with a warning", al, {"name": "n", "title": "t"})
    case("two aliases: the last in the spec wins, with a warning", al, {"title": "t", "label": "l"})
    case("two aliases and the option", al, {"name": "n", "label": "l", "title": "t"})
    case("alias null over a given option", al, {"name": "n", "title": None})
    case("alias keeps its raw value beside the converted option", {"n": {"type": "int", "aliases": ["num"]}}, {"num": "5"})
    case("conversion error names the option, not the alias", {"n": {"type": "int", "aliases": ["num"]}}, {"num": "x"})
    case("alias of an option with a default", {"n": {"default": "d", "aliases": ["m"]}}, {"m": "x"})
    case("alias null of an option with a default", {"n": {"default": "d", "aliases": ["m"]}}, {"m": None})
    case("alias of a no_log option", {"secret": {"no_log": True, "aliases": ["token"]}, "o": {}}, {"token": "hush", "o": "say hush now"},
         exit={"echo": "hush and more", "same": "hush"})
    case("alias warning also comes with a failure", {"n": {"type": "int", "aliases": ["m"]}}, {"n": "1", "m": "x"})
    case("alias with env fallback: the alias is looked at after the environment", {"n": {"aliases": ["m"], "fallback_env": ["HEARTH_N"]}}, {"m": "x"}, env={"HEARTH_N": "e"})
    case("aliases as text is an internal error", {"n": {"aliases": "m"}}, {"n": "x"})
    case("aliases empty", {"n": {"aliases": []}}, {"n": "x"})
    case("one alias for two options", {"a": {"aliases": ["z"]}, "b": {"aliases": ["z"]}}, {"z": "1"})

    case("unknown, one", al, {"name": "n", "bogus": 1})
    case("unknown, several are sorted", al, {"zeta": 1, "alpha": 2, "Beta": 3, "name": "n"})
    case("unknown in a spec without aliases", {"b": {}, "a": {}}, {"c": 1})
    case("unknown in an empty spec", {}, {"c": 1})
    case("unknown with many aliases", {"b": {"aliases": ["z", "y"]}, "a": {"aliases": ["m"]}, "c": {}}, {"q": 1})
    case("unknown, null", al, {"bogus": None})
    case("unknown, case differs", al, {"Name": "n"})
    case("unknown and missing required: required is told", {"a": {"required": True}}, {"c": 1})
    case("unknown and wrong type: type is told", {"a": {"type": "int"}}, {"a": "x", "c": 1})
    case("unknown and required_if: required_if is told", {"a": {"default": "x"}, "b": {}}, {"c": 1}, required_if=[["a", "x", ["b"]]])
    case("unknown starting with an underscore", {"a": {}}, {"_b": 1})
    case("unknown option named like an unused internal one", {"a": {}}, {"_ansible_unheard_of": 1})

    case("several errors: mutually exclusive before required", {"a": {}, "b": {}, "c": {"required": True}}, {"a": "1", "b": "1"}, mutually_exclusive=[["a", "b"]])
    case("several errors: required before type", {"a": {"type": "int"}, "c": {"required": True}}, {"a": "x"})
    case("several errors: type before choices", {"a": {"choices": ["x"]}, "b": {"type": "int"}}, {"a": "y", "b": "z"})
    case("several errors: types in the order of the spec", {"b": {"type": "int"}, "a": {"type": "int"}}, {"a": "x", "b": "y"})
    case("several errors: choices in the order of the spec", {"b": {"choices": ["1"]}, "a": {"choices": ["1"]}}, {"a": "x", "b": "y"})
    case("several errors: choices before required_together", {"a": {"choices": ["1"]}, "b": {}}, {"a": "x"}, required_together=[["a", "b"]])
    case("several errors: together before one_of", {"a": {}, "b": {}, "c": {}}, {"a": "x"}, required_one_of=[["c"]], required_together=[["a", "b"]])
    case("several errors: one_of before if", {"a": {}, "b": {}, "c": {}}, {"a": "x"}, required_if=[["a", "x", ["b"]]], required_one_of=[["c"]])
    case("several errors: if before by", {"a": {}, "b": {}, "c": {}}, {"a": "x"}, required_by={"a": ["c"]}, required_if=[["a", "x", ["b"]]])
    case("several errors: by before suboptions", {"a": {}, "c": {}, "d": {"type": "dict", "options": {"n": {"type": "int"}}}}, {"a": "x", "d": {"n": "x"}}, required_by={"a": ["c"]})
    case("several errors: suboptions before unknown", {"d": {"type": "dict", "options": {"n": {"type": "int"}}}}, {"d": {"n": "x"}, "bogus": 1})
    case("several element errors: first is told", {"l": {"type": "list", "elements": "int"}}, {"l": ["1", "x", "y"]})
    case("a type error does not stop required_if seeing the raw value", {"n": {"type": "int"}, "a": {}}, {"n": "x"}, required_if=[["n", "x", ["a"]]])


def build_env():
    e = {"url": {"fallback_env": ["HEARTH_URL"]}}
    case("env set", e, {}, env={"HEARTH_URL": "http://e"})
    case("env unset", e, {})
    case("env empty counts as set", e, {}, env={"HEARTH_URL": ""})
    case("env set and given: given wins", e, {"url": "http://g"}, env={"HEARTH_URL": "http://e"})
    case("env set and null given: null stays", e, {"url": None}, env={"HEARTH_URL": "http://e"})
    case("env coerced to int", {"n": {"type": "int", "fallback_env": ["HEARTH_N"]}}, {}, env={"HEARTH_N": " 5 "})
    case("env coerced to int fails", {"n": {"type": "int", "fallback_env": ["HEARTH_N"]}}, {}, env={"HEARTH_N": "five"})
    case("env coerced to bool", {"b": {"type": "bool", "fallback_env": ["HEARTH_B"]}}, {}, env={"HEARTH_B": "off"})
    case("env empty for a bool fails", {"b": {"type": "bool", "fallback_env": ["HEARTH_B"]}}, {}, env={"HEARTH_B": ""})
    case("env coerced to list", {"l": {"type": "list", "elements": "int", "fallback_env": ["HEARTH_L"]}}, {}, env={"HEARTH_L": "1,2"})
    case("env coerced to dict", {"d": {"type": "dict", "fallback_env": ["HEARTH_D"]}}, {}, env={"HEARTH_D": "a=1"})
    case("env checked against choices", {"c": {"choices": ["a"], "fallback_env": ["HEARTH_C"]}}, {}, env={"HEARTH_C": "z"})
    case("env satisfies required", {"u": {"required": True, "fallback_env": ["HEARTH_URL"]}}, {}, env={"HEARTH_URL": "x"})
    case("env unset, required", {"u": {"required": True, "fallback_env": ["HEARTH_URL"]}}, {})
    case("env before default", {"u": {"default": "d", "fallback_env": ["HEARTH_URL"]}}, {}, env={"HEARTH_URL": "e"})
    case("env unset, default", {"u": {"default": "d", "fallback_env": ["HEARTH_URL"]}}, {})
    case("env, first of two names", {"u": {"fallback_env": ["HEARTH_1", "HEARTH_2"]}}, {}, env={"HEARTH_1": "one", "HEARTH_2": "two"})
    case("env, second of two names", {"u": {"fallback_env": ["HEARTH_1", "HEARTH_2"]}}, {}, env={"HEARTH_2": "two"})
    case("env in a suboption", {"d": {"type": "dict", "options": {"u": {"fallback_env": ["HEARTH_URL"]}}}}, {"d": {}}, env={"HEARTH_URL": "e"})
    case("env in a suboption of an absent dict", {"d": {"type": "dict", "options": {"u": {"fallback_env": ["HEARTH_URL"]}}}}, {}, env={"HEARTH_URL": "e"})
    case("env of a no_log option is masked", {"t": {"no_log": True, "fallback_env": ["HEARTH_T"]}}, {}, env={"HEARTH_T": "hush"}, exit={"echo": "x hush y"})


def build_suboptions():
    so = {"d": {"type": "dict", "options": {"name": {"required": True}, "n": {"type": "int", "default": 3}, "flag": {"type": "bool"}, "k": {"aliases": ["kk"]}}}}
    case("suboptions, given", so, {"d": {"name": "x", "n": "5", "flag": "no"}})
    case("suboptions, defaults and nulls filled in", so, {"d": {"name": "x"}})
    case("suboptions, dict left out", so, {})
    case("suboptions, dict null", so, {"d": None})
    case("suboptions, required missing", so, {"d": {}})
    case("suboptions, unknown", so, {"d": {"name": "x", "bogus": 1}})
    case("suboptions, two unknown", so, {"d": {"name": "x", "zz": 1, "bogus": 1}})
    case("suboptions, wrong type", so, {"d": {"name": "x", "n": "five"}})
    case("suboptions, null for a suboption with a default", so, {"d": {"name": "x", "n": None}})
    case("suboptions from JSON text", so, {"d": "{\"name\": \"x\", \"n\": \"5\"}"})
    case("suboptions from key=value text", so, {"d": "name=x n=5"})
    case("suboptions, text that is no dict", so, {"d": "nonsense"})
    case("suboptions, a list where a dict is wanted", so, {"d": [{"name": "x"}]})
    case("suboptions, a number where a dict is wanted", so, {"d": 5})
    case("suboptions, alias", so, {"d": {"name": "x", "kk": "v"}})
    case("suboptions, alias and option", so, {"d": {"name": "x", "kk": "v", "k": "w"}})
    case("suboptions, choices", {"d": {"type": "dict", "options": {"c": {"choices": ["a", "b"]}}}}, {"d": {"c": "z"}})
    case("suboptions, choices in a list", {"d": {"type": "dict", "options": {"c": {"type": "list", "elements": "str", "choices": ["a", "b"]}}}}, {"d": {"c": ["z", "a"]}})
    case("suboptions, element error", {"d": {"type": "dict", "options": {"l": {"type": "list", "elements": "int"}}}}, {"d": {"l": ["x"]}})

    ad = {"d": {"type": "dict", "apply_defaults": True, "options": {"n": {"type": "int", "default": 3}, "m": {}}}}
    case("apply_defaults, left out", ad, {})
    case("apply_defaults, null", ad, {"d": None})
    case("apply_defaults, given", ad, {"d": {"m": "x"}})
    case("apply_defaults, required inside", {"d": {"type": "dict", "apply_defaults": True, "options": {"r": {"required": True}}}}, {})
    case("apply_defaults without options", {"d": {"type": "dict", "apply_defaults": True}}, {})
    case("apply_defaults on a list of dicts", {"d": {"type": "list", "elements": "dict", "apply_defaults": True, "options": {"n": {"default": "x"}}}}, {})
    case("default dict with suboptions", {"d": {"type": "dict", "default": {"n": "4"}, "options": {"n": {"type": "int"}, "m": {"default": "y"}}}}, {})

    ls = {"l": {"type": "list", "elements": "dict", "options": {"name": {"required": True}, "n": {"type": "int", "default": 3}, "k": {"aliases": ["kk"]}}}}
    case("list of dicts", ls, {"l": [{"name": "a"}, {"name": "b", "n": "5"}]})
    case("list of dicts, empty", ls, {"l": []})
    case("list of dicts, left out", ls, {})
    case("list of dicts, required missing in the second", ls, {"l": [{"name": "a"}, {}]})
    case("list of dicts, wrong type in the second", ls, {"l": [{"name": "a"}, {"name": "b", "n": "x"}]})
    case("list of dicts, unknown", ls, {"l": [{"name": "a", "bogus": 1}]})
    case("list of dicts, alias and option", ls, {"l": [{"name": "a"}, {"name": "a", "kk": "v", "k": "w"}]})
    case("list of dicts, elements as text", ls, {"l": ["name=a", "{\"name\": \"b\"}"]})
    case("list of dicts, a bare dict", ls, {"l": {"name": "a"}})
    case("list of dicts, one text", ls, {"l": "name=a"})
    case("list of dicts, element of the wrong kind", ls, {"l": [{"name": "a"}, 5]})
    case("list of dicts, null element", ls, {"l": [None]})
    case("list of dicts, no elements given in the spec: suboptions ignored", {"l": {"type": "list", "options": {"n": {"type": "int"}}}}, {"l": [{"n": "x", "bogus": 1}]})
    case("raw with options: suboptions ignored", {"r": {"type": "raw", "options": {"n": {"type": "int"}}}}, {"r": {"n": "x"}})

    def sub(**checks):
        return {"d": dict({"type": "dict", "options": {"a": {}, "b": {}, "c": {}, "s": {"default": "on"}}}, **checks)}

    case("nested required_if", sub(required_if=[["s", "on", ["a", "b"]]]), {"d": {"a": "1"}})
    case("nested required_if any", sub(required_if=[["s", "on", ["a", "b"], True]]), {"d": {"c": "1"}})
    case("nested required_together", sub(required_together=[["a", "b"]]), {"d": {"a": "1"}})
    case("nested required_one_of", sub(required_one_of=[["a", "b"]]), {"d": {}})
    case("nested required_by", sub(required_by={"a": ["b"]}), {"d": {"a": "1"}})
    case("nested mutually_exclusive", sub(mutually_exclusive=[["a", "b"]]), {"d": {"a": "1", "b": "2"}})
    case("nested checks all fine", sub(required_if=[["s", "on", ["a"]]], mutually_exclusive=[["a", "b"]], required_by={"a": ["c"]}), {"d": {"a": "1", "c": "2"}})
    case("nested checks in a list of dicts",
         {"l": {"type": "list", "elements": "dict", "options": {"a": {}, "b": {}}, "mutually_exclusive": [["a", "b"]]}}, {"l": [{"a": "1"}, {"a": "1", "b": "2"}]})

    deep = {"o": {"type": "dict", "options": {"i": {"type": "list", "elements": "dict", "options": {
        "x": {"type": "int", "required": True}, "y": {"choices": ["p", "q"], "aliases": ["why"]}}}}}}
    case("two levels, given", deep, {"o": {"i": [{"x": "1", "y": "p"}]}})
    case("two levels, required missing", deep, {"o": {"i": [{"y": "p"}]}})
    case("two levels, wrong type", deep, {"o": {"i": [{"x": "z"}]}})
    case("two levels, choices", deep, {"o": {"i": [{"x": 1, "y": "z"}]}})
    case("two levels, unknown", deep, {"o": {"i": [{"x": 1, "z": 1}]}})
    case("two levels, alias warning with its path", deep, {"o": {"i": [{"x": 1}, {"x": 1, "y": "p", "why": "q"}]}})
    case("two levels, elements error", deep, {"o": {"i": [1]}})
    case("two levels, inner text", deep, {"o": {"i": "x=1"}})
    case("error in the outer level is told before the inner", {"n": {"type": "int"}, "d": {"type": "dict", "options": {"m": {"type": "int"}}}}, {"n": "x", "d": {"m": "y"}})
    case("no_log in a suboption masks the output", {"d": {"type": "dict", "options": {"p": {"no_log": True}, "q": {}}}}, {"d": {"p": "hush", "q": "say hush"}}, exit={"echo": ["hush", {"hush": "a hush b"}]})
    case("no_log in a list of dicts", {"l": {"type": "list", "elements": "dict", "options": {"p": {"no_log": True}}}}, {"l": [{"p": "one"}, {"p": "two"}]}, exit={"echo": "one two three"})
    case("no_log suboption, the list is a number", {"l": {"type": "list", "elements": "dict", "options": {"p": {"no_log": True}}}}, {"l": 5})
    case("no_log suboption, text that is no dict", {"d": {"type": "dict", "options": {"p": {"no_log": True}}}}, {"d": "nonsense"})


def build_no_log():
    t = {"token": {"no_log": True}, "o": {}}
    case("no_log value hidden as a whole and inside", t, {"token": "hush", "o": "x"}, exit={"whole": "hush", "part": "xhushy", "twice": "hushhush", "list": ["hush", 1], "n": None, "b": True, "changed": False})
    case("no_log: keys are not touched", t, {"token": "hush"}, exit={"hush": "a", "d": {"hush": "hush"}})
    case("no_log: the longer of two is hidden first", {"a": {"no_log": True}, "b": {"no_log": True}}, {"a": "ab", "b": "abcd"}, exit={"echo": "xabcdx ab"})
    case("no_log: numbers", {"a": {"no_log": True, "type": "int"}}, {"a": 42}, exit={"same": 42, "holds": 1425, "text": "42", "float": 42.5, "other": 7, "list": [42, True]})
    case("no_log: number 1 and the truth", {"a": {"no_log": True}}, {"a": "1"}, exit={"changed": True, "n": 1, "deep": {"t": True, "f": 10}})
    case("no_log: empty value hides nothing", t, {"token": ""}, exit={"echo": "text"})
    case("no_log: null hides nothing", t, {"token": None}, exit={"echo": "None"})
    case("no_log: bool hides nothing", {"a": {"no_log": True, "type": "bool"}}, {"a": True}, exit={"echo": "True"})
    case("no_log: a list hides each element", {"a": {"no_log": True, "type": "list", "elements": "str"}}, {"a": ["one", "two"]}, exit={"echo": "one, two, three"})
    case("no_log: a list sent as text is hidden as that text", {"a": {"no_log": True, "type": "list", "elements": "str"}}, {"a": "one,two"}, exit={"echo": "one", "all": "one,two"})
    case("no_log: a dict hides its values", {"a": {"no_log": True, "type": "dict"}}, {"a": {"k": "hush", "d": {"e": 5}}}, exit={"echo": "k hush 5", "n": 15})
    case("no_log: a dict sent as JSON text", {"a": {"no_log": True, "type": "dict"}}, {"a": "{\"k\": \"hush\"}"}, exit={"echo": "hush"})
    case("no_log: the default is hidden too", {"a": {"no_log": True, "default": "admin"}, "u": {"default": "admin"}}, {}, exit={"echo": "administrator", "user": "admin"})
    case("no_log: default null hides nothing", {"a": {"no_log": True, "default": None}}, {}, exit={"echo": "None"})
    case("no_log: in a failure's text", {"token": {"no_log": True, "type": "int"}}, {"token": "hush"})
    case("no_log: in the name of an option in a failure", {"k": {"no_log": True}, "key": {}, "bk": {}}, {"k": "k", "key": "x", "bk": "y"}, mutually_exclusive=[["key", "bk"]])
    case("no_log false is quiet for a password", {"password": {"no_log": False}}, {"password": "x"}, exit={"echo": "x"})
    case("a password without no_log is warned of", {"password": {}}, {"password": "x"}, exit={"echo": "x"})
    case("a pass-like name is warned of, even when null", {"ssh_passphrase": {}, "bypass": {}, "pass": {}, "pass_through": {}, "user-pass": {}, "compass": {}, "passwords": {}}, {})
    case("a pass-like alias follows its option", {"secret": {"no_log": True, "aliases": ["password"]}}, {"password": "x"})
    case("a pass-like suboption is not warned of", {"d": {"type": "dict", "options": {"password": {}}}}, {"d": {"password": "x"}})
    case("no pass warning with a failure", {"password": {}, "n": {"type": "int"}}, {"password": "x", "n": "x"})
    case("internal arguments are not options", {"a": {}}, {"a": "1", "_ansible_verbosity": 2, "_ansible_debug": False, "_ansible_version": "2.19.14", "_ansible_no_log": False})
    case("ignore_unknown_opts lets unknown ones through", {"a": {}}, {"a": "1", "bogus": 2, "_ansible_ignore_unknown_opts": True})
    case("check mode sent as text", {"a": {}}, {"a": "1", "_ansible_check_mode": "yes"})
    case("check mode and a wrong argument: the argument is told", {"a": {"type": "int"}}, {"a": "x", "_ansible_check_mode": True})


def to_spec(spec):
    """Ansible's form of a spec: `fallback_env` becomes its `fallback` pair."""
    out = {}
    for key, value in spec.items():
        value = dict(value)
        if "fallback_env" in value:
            value["fallback"] = (env_fallback, list(value.pop("fallback_env")))
        if isinstance(value.get("options"), dict):
            value["options"] = to_spec(value["options"])
        out[key] = value
    return out


BOOLEANS = re.compile(r"(Valid booleans include: )([^\n]*)$")


def stable(text):
    """Ansible lists the booleans in the order of a set; here they are sorted."""
    return BOOLEANS.sub(lambda m: m.group(1) + ", ".join(sorted(m.group(2).split(", "))), text)


def run(entry):
    # a deep copy: AnsibleModule changes defaults that are dicts or lists
    entry = json.loads(json.dumps(entry))
    recorded = []
    ansible_warnings._global_warnings.clear()
    ansible_warnings._global_deprecations.clear()
    args = dict({"_ansible_module_name": MODULE_NAME}, **entry["args"])
    env = dict(BASE_ENV, **entry["env"])
    checks = {k: entry[k] for k in CHECKS if k in entry}

    def record(_self, result):
        recorded.append(result)

    with mock.patch.dict(os.environ, env, clear=True), patch_module_args(args), \
            mock.patch.object(AnsibleModule, "_record_module_result", record), \
            mock.patch.object(AnsibleModule, "log", lambda *a, **k: None), \
            mock.patch.object(AnsibleModule, "_check_locale", lambda self: None), \
            mock.patch.object(AnsibleModule, "_set_cwd", lambda self: None):
        params = None
        try:
            module = AnsibleModule(argument_spec=to_spec(entry["spec"]), supports_check_mode=True, **checks)
            params = json.loads(json.dumps(module.params))
            module.exit_json(**entry.get("exit", {}))
        except SystemExit:
            pass
        except Exception as exc:
            return {"ok": False, "crash": "%s: %s" % (type(exc).__name__, exc)}

    (output,) = recorded
    warnings = [w.event.msg for w in output.get("warnings", [])]
    if output.get("failed"):
        result = {"ok": False, "msg": stable(output["msg"])}
        if warnings:
            result["warnings"] = warnings
        return result
    result = {"ok": True, "params": {k: v for k, v in params.items() if not k.startswith("_ansible_")}, "warnings": warnings}
    if "exit" in entry:
        shown = {k: v for k, v in output.items() if k not in ("warnings", "invocation")}
        shown["invocation"] = output["invocation"]
        result["output"] = shown
    return result


def build():
    build_types()
    build_choices()
    build_defaults()
    build_required()
    build_aliases_and_unknown()
    build_env()
    build_suboptions()
    build_no_log()
    entries = []
    for entry in CASES:
        entries.append(dict(entry, result=run(entry)))
    return entries


def text_of(entries):
    """One case per line, so that a change shows as one changed line."""
    lines = ["{", ' "ansible_core": %s,' % json.dumps(release.__version__), ' "module_name": %s,' % json.dumps(MODULE_NAME),
             ' "base_env": %s,' % json.dumps(BASE_ENV), ' "cases": [']
    body = ["  " + json.dumps(entry, ensure_ascii=True, allow_nan=False) for entry in entries]
    return "\n".join(lines) + "\n" + ",\n".join(body) + "\n ]\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail when the committed file is not what would be written")
    parser.add_argument("--output", default=OUTPUT)
    options = parser.parse_args()
    if release.__version__ != PINNED:
        sys.exit("ansible-core %s is needed, this is %s" % (PINNED, release.__version__))
    text = text_of(build())
    if options.check:
        try:
            with open(options.output, encoding="utf-8") as handle:
                committed = handle.read()
        except FileNotFoundError:
            sys.exit("%s does not exist" % options.output)
        if committed != text:
            old, new = committed.splitlines(), text.splitlines()
            for number, (before, after) in enumerate(zip(old, new), 1):
                if before != after:
                    print("line %d:\n- %s\n+ %s" % (number, before, after))
                    break
            sys.exit("%s differs from what ansible-core %s gives" % (options.output, PINNED))
        print("%s is up to date (%d cases)" % (os.path.basename(options.output), len(CASES)))
        return
    with open(options.output, "w", encoding="utf-8") as handle:
        handle.write(text)
    print("%d cases written to %s" % (len(CASES), options.output))


if __name__ == "__main__":
    main()
