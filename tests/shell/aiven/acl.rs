//! The ACL document: what is not ours stays as it is.

use std::collections::BTreeSet;

use aivenator::shell::aiven::RawAcl;
use aivenator::world::Name;
use proptest::prelude::*;
use serde_json::{Value, json};

fn rules(rules: &[(&str, &str)]) -> BTreeSet<(Name, Name)> {
    rules.iter().map(|(index, permission)| ((*index).into(), (*permission).into())).collect()
}

#[test]
fn what_is_not_known_is_kept() {
    let config = json!({
        "enabled": true,
        "extendedAcl": {"x": 1},
        "acls": [
            {"username": "other", "rules": [{"index": "i", "permission": "deny", "note": 3}], "more": [1]},
            {"username": "me", "tag": "t", "rules": [
                {"index": "*", "permission": "read", "note": 4}, {"index": "old", "permission": "write"},
            ]},
            "something",
            {"username": "me", "rules": [{"index": "twice", "permission": "admin"}]},
        ],
    });
    let mut acl = RawAcl::new(config).unwrap();
    acl.set_rules("me", &rules(&[("*", "read"), ("_*", "read")]));
    let expected = json!({"opensearch_acl_config": {
        "enabled": true,
        "extendedAcl": {"x": 1},
        "acls": [
            {"username": "other", "rules": [{"index": "i", "permission": "deny", "note": 3}], "more": [1]},
            {"username": "me", "tag": "t", "rules": [
                {"index": "*", "permission": "read", "note": 4}, {"index": "_*", "permission": "read"},
            ]},
            "something",
        ],
    }});
    assert_eq!(acl.body(), expected);
    assert_eq!(acl.entries(), 3);
}

#[test]
fn what_cannot_be_written_back_safely_is_no_document() {
    for config in
        [json!(null), json!([]), json!("x"), json!({"acls": {}}), json!({"acls": "x"}), json!({"enabled": "true"})]
    {
        assert_eq!(RawAcl::new(config.clone()), None, "{config}");
    }
    let mut empty = RawAcl::new(json!({"acls": null})).unwrap();
    assert_eq!(empty.body(), json!({"opensearch_acl_config": {"enabled": false, "acls": []}}));
    empty.enable();
    assert!(empty.document().enabled);
}

fn entry() -> impl Strategy<Value = Value> {
    let user = prop::sample::select(vec!["a", "b", "c"]);
    let rule =
        (prop::sample::select(vec!["*", "_*", "i"]), prop::sample::select(vec!["read", "write"]), any::<Option<u8>>());
    let rule =
        rule.prop_map(|(index, permission, more)| json!({"index": index, "permission": permission, "more": more}));
    (user, prop::collection::vec(rule, 0..4), any::<u8>())
        .prop_map(|(user, rules, more)| json!({"username": user, "rules": rules, "more": more}))
}

proptest! {
    #[test]
    fn an_edit_changes_one_user_and_no_other(
        entries in prop::collection::vec(entry(), 0..6),
        enabled in any::<bool>(),
        wanted in prop::collection::btree_set((prop::sample::select(vec!["*", "_*", "j"]), Just("read")), 1..3),
    ) {
        let config = json!({"enabled": enabled, "acls": entries, "other": {"deep": [1, 2]}});
        let wanted: BTreeSet<(Name, Name)> = wanted.into_iter().map(|(i, p)| (i.into(), p.into())).collect();
        let before = RawAcl::new(config).unwrap();
        let others = |acl: &RawAcl| {
            let body = acl.body();
            let entries = body["opensearch_acl_config"]["acls"].as_array().unwrap().clone();
            entries.into_iter().filter(|entry| entry["username"] != "a").collect::<Vec<_>>()
        };

        let mut set = before.clone();
        set.set_rules("a", &wanted);
        prop_assert_eq!(set.document().rules.get("a").cloned(), Some(wanted.clone()));
        prop_assert_eq!(others(&set), others(&before));
        prop_assert_eq!(&set.body()["opensearch_acl_config"]["other"], &json!({"deep": [1, 2]}));
        let mut again = set.clone();
        again.set_rules("a", &wanted);
        prop_assert_eq!(&again, &set);

        let mut removed = set.clone();
        removed.remove_rules("a");
        prop_assert_eq!(removed.document().rules.get("a").cloned(), None);
        prop_assert_eq!(others(&removed), others(&before));
        prop_assert_eq!(removed.enabled(), enabled);
    }
}
