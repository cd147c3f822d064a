//! Texts that mean harm, or nothing.

use proptest::prelude::*;

use super::objects::APPLICATION;
use super::ours::{ENTRIES, OBSERVATION, PROJECT, journal};
use super::workloads::POD_SPEC;
use super::*;

/// Every type error in every place of a document that holds secrets.
#[test]
fn no_error_shows_a_secret_wherever_it_stands() {
    let whole = secret(MANAGED, &format!("data: {{A: {CANARY}}}\nstringData: {{B: {CANARY}}}\n"));
    let project = PROJECT.replace("present", CANARY).replace("kafka", CANARY);
    for (from, to) in [
        ("{", "["),
        ("}", ""),
        (":", ""),
        ("- ", "-"),
        ("\"", "'"),
        (": ", ": !"),
        (": ", ": *"),
        (": ", ": ["),
        ("\n", "\n "),
    ] {
        for text in [&whole, &project] {
            for (place, _) in text.match_indices(from) {
                let broken = format!("{}{to}{}", &text[..place], &text[place + from.len()..]);
                if let Err(error) = read(&[source("a.yaml", &broken)], empty(), None) {
                    // As the name of an object or of a key a text cannot be a secret.
                    let message = error.to_string().replace(&format!("[\"{CANARY}"), "");
                    assert!(!message.contains(CANARY) || message.contains("given twice"), "{message}\n{broken}");
                    assert!(!message.contains('\n'), "{message}");
                }
            }
        }
    }
    assert!(error_of(&whole).contains("data.A: expected base64"));
}

fn valid_documents() -> impl Strategy<Value = String> {
    let all = [APPLICATION, PROJECT, OBSERVATION].map(str::to_owned).into_iter();
    let more = [
        journal("aivenator", ENTRIES),
        secret(MANAGED, "data: {KAFKA_CERTIFICATE: YQ==}"),
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{namespace: team, name: w}}\nspec: {POD_SPEC}\n"),
    ];
    proptest::sample::select(all.chain(more).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text, there is a world or an error of one line.
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        if let Err(error) = read(&[source("a.yaml", &text)], empty(), None) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    /// The same for documents with a piece cut out and another put in.
    #[test]
    fn mutated_documents_are_read_or_refused(
        text in valid_documents(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
        piece in "[-\\]\\[{}:,#&*!|>'\"%@\\\\ \n\ta0\u{e6}]{0,6}|null|true|[0-9]{1,20}|---|~",
    ) {
        let chars: Vec<char> = text.chars().collect();
        let from = from.index(chars.len());
        let to = chars.len().min(from + length);
        let mutated: String = chars[..from].iter().copied().chain(piece.chars()).chain(chars[to..].iter().copied()).collect();
        if let Err(error) = read(&[source("a.yaml", &mutated)], empty(), Some("aivenator")) {
            let message = error.to_string();
            prop_assert!(!message.contains('\n') && !message.contains(CANARY), "{message}");
        }
    }
}

/// Nothing that is nested, repeated or left open takes the stack or the day.
#[test]
fn towers_are_refused_in_no_time() {
    let towers = [
        "[",
        "{a: ",
        "{\"a\":[",
        "- ",
        "? ",
        "&a ",
        "!a ",
        "a: ",
        "\"",
        "---\n",
        "...\n",
        "<<: ",
        "|\n",
        "%YAML 1.2\n",
        "*a ",
        "# a\n",
    ];
    for tower in towers {
        for text in [tower.repeat(20_000), format!("{PROJECT_HEAD}{}", tower.repeat(20_000))] {
            let _ = read(&[source("a.yaml", &text)], empty(), None);
        }
    }
    let steps: String = (0..2_000).flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()]).collect();
    assert!(read(&[source("a.yaml", &steps)], empty(), None).is_err());
}

const PROJECT_HEAD: &str =
    "apiVersion: aivenator.aiven.nais.io/v1\nkind: AivenProject\nmetadata: {name: p}\nservices: ";
