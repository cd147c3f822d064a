//! How plans look to people: one snapshot per situation.

use aivenator::plan::Plan;
use aivenator::render::{self, Options};

use super::plans;

#[track_caller]
fn check(name: &str, plan: &Plan, options: Options) {
    let text = render::plan(plan, options);
    insta::with_settings!({
        snapshot_path => "../../snapshots/render", prepend_module_to_snapshot => false, omit_expression => true
    }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn a_first_application() {
    check("first", &plans::first(), Options::default());
}

#[test]
fn an_application_with_several_secrets() {
    check("several", &plans::several(), Options::default());
}

#[test]
fn what_ends_and_what_stays() {
    check("endings", &plans::endings(), Options::default());
}

#[test]
fn what_cannot_be_or_was_not_seen() {
    check("trouble", &plans::trouble(), Options::default());
}

#[test]
fn nothing_at_all() {
    check("nothing", &plans::empty(), Options::default());
}

#[test]
fn many_that_are_as_they_have_to_be_do_not_flood() {
    check("calm", &plans::calm(3000), Options::default());
}

#[test]
fn kept_ones_can_be_listed() {
    check("kept", &plans::calm(2), Options { all_kept: true, ..Options::default() });
}

#[test]
fn kept_ones_are_counted_beside_changes() {
    let mut plan = plans::calm(20);
    plan.decisions.extend(plans::endings().decisions.into_iter().take(2));
    check("mixed", &plan, Options::default());
}

#[test]
fn colour_adds_nothing_but_escapes() {
    for (plan, width) in plans::all().into_iter().flat_map(|plan| [(plan.clone(), None), (plan, Some(80))]) {
        let narrow = Options { width, ..Options::default() };
        let coloured = render::plan(&plan, Options { colour: true, all_kept: true, ..narrow });
        let plain = render::plan(&plan, Options { colour: false, all_kept: true, ..narrow });
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
        assert!(coloured.contains('\u{1b}'));
        assert!(!plain.contains('\u{1b}'));
    }
}

#[test]
fn a_narrow_terminal() {
    check("narrow", &plans::several(), Options { width: Some(80), ..Options::default() });
}

#[test]
fn lines_are_broken_where_the_terminal_ends_and_between_words_only() {
    for plan in plans::all() {
        let wide = render::plan(&plan, Options::default());
        for width in [80, 100, 200] {
            let text = render::plan(&plan, Options { width: Some(width), ..Options::default() });
            let fits = |line: &str| line.chars().count() <= width || line.split_whitespace().count() <= 2;
            assert!(text.lines().all(fits), "{width}:\n{text}");
            let words = |text: &str| text.split_whitespace().collect::<String>().len();
            assert_eq!(words(&text), words(&wide), "{text}");
        }
    }
}

#[test]
fn no_line_ends_in_blanks_and_there_are_no_empty_paragraphs() {
    for plan in plans::all() {
        let text = render::plan(&plan, Options::default());
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        assert!(!text.contains("\n\n\n") && text.ends_with(".\n"), "{text}");
    }
}
