//! The schema of a plan fits the plans, and JSON and YAML are the same data.

use aivenator::action::Action;
use aivenator::plan::{Plan, schema};

use super::plans;

/// Texts that a careless writer of YAML would turn into something else.
#[rustfmt::skip]
const LOOKALIKES: [&str; 61] = [
    "", " ", "null", "~", "true", "yes", "No", "on", "1", "1.0", "1e3", "0x1F", "017", ".5", "+1", "-", "- a",
    "a: b", "a #b", "#", "{}", "[", "*", "&a", "!x", "%", "@", "`", "|", ">", "'", "\"", "2026-11-20",
    "2026-11-20T12:00:00Z", "1:30", "a\nb", "\n", "a\n", "\ta", "\u{0}", "\u{7f}", "\u{85}", "\u{2028}",
    "\u{feff}", "=", "<<", "...", "---", "å", "🦀", "NaN", ".inf", "x\\y", "1_000", "?", "? a", ":", "a:",
    "{ \"a\": 1 }", "y", "n",
];

#[test]
fn every_plan_fits_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for plan in plans::all() {
        let json = serde_json::to_value(&plan).unwrap();
        let mistakes: Vec<String> =
            validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(mistakes.is_empty(), "{mistakes:#?}\n{json:#}");
    }
}

#[test]
fn the_plans_hold_every_action() {
    let plans = plans::all();
    let mut seen: Vec<&str> = plans.iter().flat_map(Plan::actions).map(Action::name).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 17, "{seen:?}");
}

#[test]
fn what_is_not_a_plan_does_not_fit() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut plan = serde_json::to_value(plans::first()).unwrap();
    plan["decisions"][0]["verdict"] = "perhaps".into();
    assert!(!validator.is_valid(&plan));
}

#[test]
fn yaml_is_the_same_data() {
    for plan in plans::all() {
        let yaml = serde_saphyr::to_string(&plan).unwrap();
        let back: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        assert_eq!(back, serde_json::to_value(&plan).unwrap(), "{yaml}");
    }
}

#[test]
fn texts_that_look_like_something_else_stay_texts() {
    for text in LOOKALIKES {
        let value = serde_json::json!({"text": text, text: [text]});
        let yaml = serde_saphyr::to_string(&value).unwrap();
        let back: serde_json::Value =
            serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{text:?}: {error}\n{yaml}"));
        assert_eq!(back, value, "{yaml}");
    }
}
