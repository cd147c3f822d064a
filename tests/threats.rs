//! What docs/threat-model.md says is shown by tests: each of them exists, and each row names one.

use std::fs;

use crate::support::repository;

fn model() -> String {
    fs::read_to_string(repository("docs/threat-model.md")).unwrap()
}

/// The tests that a text names, as `file::function`.
fn named(text: &str) -> Vec<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let tests = quoted.filter_map(|word| word.split_once(".rs::"));
    tests.map(|(file, function)| (format!("{file}.rs"), function.to_owned())).collect()
}

#[test]
fn each_test_that_is_named_exists() {
    let all = named(&model());
    assert!(all.len() > 50, "only {}", all.len());
    for (file, function) in all {
        let path = repository(&file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let place = text.find(&format!("fn {function}(")).unwrap_or_else(|| panic!("{file} has no {function}"));
        // It is run: as a test, as the one function of a fuzz target, or by name from a test beside it.
        let before = &text[..place];
        let attributes = before.rsplit("\n\n").next().unwrap();
        let called = text.matches(&function).count() > 1 || file.starts_with("fuzz/");
        assert!(attributes.contains("test") || called, "{file}: nothing runs {function}");
    }
}

#[test]
fn each_row_names_what_shows_it() {
    let model = model();
    let (_, rows) = model.split_once("## What a tenant may try").unwrap();
    let rows: Vec<&str> = rows.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 30);
    for row in rows.into_iter().filter(|row| !row.starts_with("| Attempt |") && !row.ends_with("| Shown by |")) {
        assert!(!named(row).is_empty(), "nothing shows it: {row}");
    }
}
