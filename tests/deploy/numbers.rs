//! Alerts and dashboard read metrics that the program has, with labels that they have; each alert has its section in the
//! runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::manifest;
use crate::shell::metrics::busy;
use crate::support::repository;

/// Labels that Prometheus adds, or that an aggregation keeps of what it adds.
const OF_PROMETHEUS: [&str; 5] = ["namespace", "pod", "instance", "job", "le"];

/// Every metric of the program by name, with its labels; what was counted once shows all of them.
fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in busy().render().lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = metrics.entry(name.to_owned()).or_default();
        labels.extend(
            rest.split(['{', ',']).filter_map(|label| label.split_once("=\"")).map(|(name, _)| name.to_owned()),
        );
    }
    metrics
}

/// Every query of alerts and dashboard, and whose it is.
fn queries() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut queries: Vec<(String, String)> =
        rules().iter().map(|rule| (text(&rule["alert"]), text(&rule["expr"]))).collect();
    let dashboard = fs::read_to_string(repository("deploy/chart/files/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push((text(&panel["title"]), text(&target["expr"])));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        queries.extend(variable["definition"].as_str().map(|query| ("a variable".to_owned(), query.to_owned())));
    }
    queries
}

fn rules() -> Vec<Value> {
    let objects = manifest("monitoring.yaml");
    let rules = objects.into_iter().find(|object| object["kind"] == "PrometheusRule").unwrap();
    rules["spec"]["groups"][0]["rules"].as_array().unwrap().clone()
}

/// The metrics that a query names, each with the labels that are selected by.
fn named(query: &str) -> Vec<(String, Vec<String>)> {
    let mut named = vec![];
    for (at, _) in query.match_indices("aivenator_").chain(query.match_indices("process_")) {
        let before = query[..at].chars().next_back();
        // Part of a longer word, or of a value.
        if before.is_some_and(|before| before.is_ascii_alphanumeric() || before == '_' || before == '"') {
            continue;
        }
        let rest = &query[at..];
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let selected =
            rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(selected, _)| selected);
        let labels = selected.split("\",").filter_map(|label| label.split(['=', '!']).next());
        named
            .push((name.to_owned(), labels.map(|label| label.trim().to_owned()).filter(|it| !it.is_empty()).collect()));
    }
    named
}

/// The labels that a query groups by.
fn grouped(query: &str) -> Vec<String> {
    let groups = query.split(" by (").skip(1).filter_map(|rest| rest.split_once(')'));
    groups.flat_map(|(labels, _)| labels.split(',')).map(|label| label.trim().to_owned()).collect()
}

#[test]
fn queries_name_metrics_and_labels_that_there_are() {
    let metrics = metrics();
    let mut wrong = vec![];
    for (whose, query) in queries() {
        let named = named(&query);
        assert!(!named.is_empty(), "{whose} reads nothing: {query}");
        let mut labels_of_all = BTreeSet::new();
        for (name, labels) in named {
            let Some(there) = metrics.get(&name) else {
                wrong.push(format!("{whose}: no metric {name}"));
                continue;
            };
            labels_of_all.extend(there.iter().cloned());
            let missing = labels.iter().filter(|it| !there.contains(*it) && !OF_PROMETHEUS.contains(&it.as_str()));
            wrong.extend(missing.map(|label| format!("{whose}: {name} has no label {label}")));
        }
        let missing = grouped(&query)
            .into_iter()
            .filter(|it| !labels_of_all.contains(it) && !OF_PROMETHEUS.contains(&it.as_str()));
        wrong.extend(missing.map(|label| format!("{whose}: groups by {label}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_measured_is_shown() {
    let read: BTreeSet<String> = queries().iter().flat_map(|(_, query)| named(query)).map(|(name, _)| name).collect();
    let ends = ["_bucket", "_count", "_sum"];
    let unread: Vec<String> = metrics()
        .into_keys()
        .filter(|name| name.starts_with("aivenator_") && !read.contains(name))
        .filter(|name| {
            let family = ends.iter().find_map(|end| name.strip_suffix(end));
            !family.is_some_and(|family| ends.iter().any(|end| read.contains(&format!("{family}{end}"))))
        })
        .collect();
    assert!(unread.is_empty(), "in no query: {unread:?}");
}

#[test]
fn each_alert_has_its_section_and_each_section_its_alert() {
    let runbook = fs::read_to_string(repository("docs/runbook.md")).unwrap();
    let sections: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().map(|rule| rule["alert"].as_str().unwrap()).collect();
    assert_eq!(sections, alerts);
    for rule in &rules {
        let (alert, notes) = (rule["alert"].as_str().unwrap(), &rule["annotations"]);
        for note in ["summary", "description", "consequence"] {
            assert!(notes[note].as_str().is_some_and(|text| !text.is_empty()), "{alert} has no {note}");
        }
        let link = notes["runbook_url"].as_str().unwrap();
        assert!(link.ends_with(&format!("docs/runbook.md#{}", alert.to_lowercase())), "{link}");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{alert}");
    }
}

#[test]
fn panels_are_of_kinds_that_grafana_has() {
    let dashboard = fs::read_to_string(repository("deploy/chart/files/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = &panel["title"];
        assert!(["row", "stat", "timeseries", "heatmap"].contains(&panel["type"].as_str().unwrap()), "{title}");
        assert!(ids.insert(panel["id"].to_string()), "{title}: its id is another's");
        let place = &panel["gridPos"];
        assert!(places.insert((place["x"].to_string(), place["y"].to_string())), "{title}: another is there");
        let right = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
        assert!(right <= 24, "{title}: is too far right");
    }
}
