//! Which data source is meant, by uid and by name.

use serde_json::json;

use super::*;

#[test]
fn names_are_compared_exactly() {
    let snapshot = there(&[stored("a", "p", json!({})), stored("b", " P ", json!({}))]);
    assert_eq!(told(&planned(single(json!({})), &snapshot)), ["create P "]);
}

/// Fact 18.
#[test]
fn a_declared_uid_that_has_another_name_is_renamed() {
    let snapshot = there(&[stored("u", "Old", json!({}))]);
    let plan = planned(json!({"datasources": [{"name": "P", "uid": "u"}]}), &snapshot);
    assert_eq!(told(&plan), ["update P name"]);
    assert_eq!(plan[0].step.body["name"], "P");
    let both = there(&[stored("u", "Old", json!({})), stored("v", "P", json!({}))]);
    let error = refused(json!({"datasources": [{"name": "P", "uid": "u"}]}), &both);
    assert!(error.contains("`u` is that of `Old`") && error.contains("of uid `v`"), "{error}");
}

#[test]
fn a_name_is_given_up_before_another_takes_it() {
    let snapshot = there(&[stored("a", "A", json!({})), stored("b", "B", json!({})), stored("c", "C", json!({}))]);
    let chain =
        json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "C", "uid": "b"}, {"name": "D", "uid": "c"}]});
    let ranks: Vec<u32> = planned(chain, &snapshot).iter().map(|change| change.rank).collect();
    assert!(ranks[0] > ranks[1] && ranks[1] > ranks[2], "{ranks:?}");
    let freed = json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "B ", "uid": "b", "state": "absent"}]});
    let plan = planned(freed, &snapshot);
    assert!(plan[0].rank > plan[1].rank && plan[0].needs == ["b"], "{:?}", plan[0]);
    let swapped = json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "A", "uid": "b"}]});
    assert!(refused(swapped, &snapshot).contains("exchange their names"));
}

#[test]
fn a_name_that_is_given_up_is_free_for_a_new_one() {
    let snapshot = there(&[stored("a", "A", json!({"secureJsonFields": {"password": true}}))]);
    for first in [json!({"name": "B", "uid": "a"}), json!({"name": "B", "uid": "a", "state": "absent"})] {
        let new = json!({"name": "A", "uid": "new", "ds_type": "prometheus", "ds_url": "http://p"});
        for list in [json!([first, new]), json!([new, first])] {
            let mut plan = planned(json!({"datasources": list}), &snapshot);
            plan.sort_by_key(|change| change.rank);
            assert_eq!(plan[1].action, Action::Create);
            assert_eq!((plan[0].rank < plan[1].rank, &plan[1].needs[..]), (true, &["a".to_owned()][..]));
        }
    }
    // Without a uid of its own it means the one that has the name.
    let same = json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "A"}]});
    assert!(refused(same, &snapshot).contains("are one data source"));
}

#[test]
fn a_name_beside_the_old_one_is_one_that_grafana_takes() {
    assert_eq!(find::name_beside("old", "new"), "new instead of old");
    assert!(find::name_beside(&"ü".repeat(150), "new").len() <= 190);
}

/// Facts 18, 59: 12.4 changes no uid, 11.5 does.
#[test]
fn a_uid_is_changed_by_making_it_anew_where_it_must_be() {
    let mut snapshot =
        there(&[stored("old", "P", json!({"secureJsonFields": {"password": true}, "jsonData": {"kept": 1}}))]);
    let item = json!({"datasources": [{"name": "P", "uid": "new", "password": "given-secret"}]});
    for version in [None, Version::parse("12.4.0")] {
        snapshot.version = version;
        let plan = planned(item.clone(), &snapshot);
        assert_eq!(told(&plan), ["replace P uid"]);
        assert_eq!((&plan[0].before["uid"], &plan[0].after["uid"]), (&json!("old"), &json!("new")));
        assert_eq!(plan[0].sent, ["secureJsonData.password"]);
        assert_eq!(plan[0].step.body["jsonData"], json!({"kept": 1}));
        assert!(plan[0].warnings[0].contains("`old`"), "{:?}", plan[0].warnings);
        let error = refused(json!({"datasources": [{"name": "P", "uid": "new"}]}), &snapshot);
        assert!(error.contains("secrets cannot be read: password"), "{error}");
    }
    snapshot.version = Version::parse("11.5.1");
    let plan = planned(json!({"datasources": [{"name": "P", "uid": "new"}]}), &snapshot);
    assert_eq!(told(&plan), ["update P uid"]);
    assert_eq!(plan[0].step.body["uid"], "new");
}

#[test]
fn one_data_source_cannot_be_declared_twice() {
    let snapshot = there(&[stored("u", "P", json!({}))]);
    assert!(refused(json!({"datasources": [{"name": "P"}, {"name": "P"}]}), &snapshot).contains("declared twice"));
    assert!(
        refused(json!({"datasources": [{"name": "P"}, {"name": "Q", "uid": "u"}]}), &snapshot)
            .contains("are one data source")
    );
}
