//! Views of what others say of a build, and of statements by themselves. JSON is the report itself.

use super::diff::difference_text;
use super::style::{Palette, Role};
use super::table::Table;
use super::text::clean;
use super::units::count;
use crate::attest::{Aside, Cause, Check, Checked, Opinion, Report, Seal, StageReport, Stand, Verdict};

/// A build against others: the verdict, a line for each stage, then who says what of those that are not confirmed. In
/// full, who says what of all.
pub fn against_text(report: &Report, palette: Palette, full: bool) -> String {
    let mut text = sentence(report, palette);
    if !report.stages.is_empty() {
        let mut table = Table::new(palette, &["stage", "target", "verdict", "output", "who says so"]);
        for stage in &report.stages {
            let (role, word) = verdict(stage.verdict);
            table.row([
                clean(&stage.stage),
                clean(&stage.target),
                palette.paint(role, word),
                short(&stage.output),
                says(stage),
            ]);
        }
        text.push_str(&format!("\n{}", table.text()));
    }
    for stage in &report.stages {
        let plain = |opinion: &Opinion| opinion.counts && opinion.stand == Stand::Agrees;
        if full || stage.verdict != Verdict::Identical || !stage.opinions.iter().all(plain) {
            details(stage, palette, full, &mut text);
        }
    }
    aside(&report.aside, palette, &mut text);
    text
}

fn sentence(report: &Report, palette: Palette) -> String {
    let of = |verdict| report.stages.iter().filter(|stage| stage.verdict == verdict).count();
    let all = count(report.stages.len(), "stage");
    let against = clean(&report.against.join(", "));
    let policy = match report.needed {
        Some(needed) => format!(" ({needed} of {} have to agree)", report.heard),
        None => String::new(),
    };
    if report.identical {
        return format!("{} {all} against {against}{policy}\n", palette.paint(Role::Good, "identical:"));
    }
    let (different, other, none) = (of(Verdict::Different), of(Verdict::OtherInputs), of(Verdict::Unconfirmed));
    let parts: Vec<String> =
        [(different, "left something else"), (other, "built from other inputs"), (none, "not confirmed")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} of {all} {what}"))
            .collect();
    let word = if different > 0 { "different:" } else { "not confirmed:" };
    let parts = if parts.is_empty() { "there is no stage to compare".to_owned() } else { parts.join(", ") };
    format!("{} {parts}, against {against}{policy}\n", palette.paint(Role::Bad, word))
}

fn verdict(verdict: Verdict) -> (Role, &'static str) {
    match verdict {
        Verdict::Identical => (Role::Good, "identical"),
        Verdict::Different => (Role::Bad, "different"),
        Verdict::OtherInputs => (Role::Warn, "other inputs"),
        Verdict::Unconfirmed => (Role::Warn, "not confirmed"),
    }
}

/// Who agrees, and how many do not.
fn says(stage: &StageReport) -> String {
    let counted = stage.opinions.iter().filter(|opinion| opinion.counts && opinion.stand == Stand::Agrees);
    let names: Vec<String> = counted.filter_map(|opinion| opinion.who.as_deref().map(clean)).collect();
    names.join(", ")
}

fn details(stage: &StageReport, palette: Palette, full: bool, text: &mut String) {
    text.push_str(&format!("\n{} {}\n", palette.paint(Role::Name, &clean(&stage.stage)), clean(&stage.target)));
    text.push_str(&format!("  action {}\n  output {}\n", stage.action, stage.output));
    for opinion in &stage.opinions {
        let (role, word) = match (&opinion.stand, opinion.counts) {
            (Stand::Agrees, true) => (Role::Good, "agrees"),
            (Stand::Disagrees { .. }, true) => (Role::Bad, "disagrees"),
            (Stand::OtherInputs { .. }, _) if opinion.who.is_some() => (Role::Warn, "other inputs"),
            (Stand::Silent, _) => (Role::Warn, "says nothing"),
            _ => (Role::Warn, "not counted"),
        };
        let who = opinion.who.as_deref().map(|who| palette.paint(Role::Name, &clean(who)));
        let place = (opinion.who.as_deref() != Some(&opinion.place)).then(|| clean(&opinion.place));
        let source: Vec<String> = who.into_iter().chain(place).collect();
        text.push_str(&format!("  {}: {}\n", palette.paint(role, word), source.join(", ")));
        if let Some(builder) = &opinion.builder {
            text.push_str(&format!("    builder {}\n", clean(builder)));
        }
        if let Some(note) = &opinion.note {
            text.push_str(&format!("    {}\n", clean(note)));
        }
        for seal in opinion.seals.iter().filter(|seal| !matches!(seal, Seal::Good { .. })) {
            text.push_str(&format!("    signature: {}\n", seal_words(seal, palette)));
        }
        stand(&opinion.stand, !opinion.counts, palette, full, text);
    }
}

fn stand(stand: &Stand, tell: bool, palette: Palette, full: bool, text: &mut String) {
    match stand {
        Stand::Agrees if tell => text.push_str("    it states the same\n"),
        Stand::Agrees | Stand::Silent => {}
        Stand::Disagrees { output, subjects, difference } => {
            if let Some(output) = output {
                text.push_str(&format!("    output there {}\n", clean(output)));
            }
            if !subjects.is_empty() {
                let names: Vec<String> = subjects.iter().map(|name| clean(name)).collect();
                text.push_str(&format!("    it differs in {}\n", names.join(", ")));
            }
            if let Some(difference) = difference {
                text.push_str(&difference_text(difference, palette, full));
            }
        }
        Stand::OtherInputs { cause } => {
            let what = cause.as_ref().map_or_else(String::new, |cause| format!("; first, {}", self::cause(cause)));
            text.push_str(&format!("    it was built from other inputs{what}\n"));
        }
    }
}

fn cause(cause: &Cause) -> String {
    let what = clean(&cause.what);
    let side = |side: &Option<String>| side.as_deref().map_or_else(|| "nothing".to_owned(), clean);
    match (&cause.theirs, &cause.ours) {
        (None, None) => what,
        (theirs, ours) => format!("`{what}` is {} there and {} here", side(theirs), side(ours)),
    }
}

fn seal_words(seal: &Seal, palette: Palette) -> String {
    let key = |key: &str| clean(key).chars().take(16).collect::<String>();
    match seal {
        Seal::Good { name, key: id } => {
            format!("{} {} (key {})", palette.paint(Role::Good, "good:"), clean(name), key(id))
        }
        Seal::Bad { name, key: id } => {
            let what = format!("it names the key of {} ({}), which did not make it", clean(name), key(id));
            format!("{} {what}", palette.paint(Role::Bad, "bad:"))
        }
        Seal::Unknown { key: Some(id) } => format!("{} of key {}", palette.paint(Role::Warn, "unknown:"), key(id)),
        Seal::Unknown { key: None } => palette.paint(Role::Warn, "unknown"),
    }
}

fn aside(aside: &[Aside], palette: Palette, text: &mut String) {
    if aside.is_empty() {
        return;
    }
    text.push_str(&format!("\n{}\n", palette.paint(Role::Faint, "set aside")));
    for Aside { place, reason, .. } in aside {
        text.push_str(&format!("  {}: {}\n", clean(place), clean(reason)));
    }
}

/// A digest as people compare it.
fn short(digest: &str) -> String {
    clean(digest).chars().take(12).collect()
}

/// Statements by themselves.
pub fn check_text(check: &Check, palette: Palette) -> String {
    let (role, word) = if check.good { (Role::Good, "good:") } else { (Role::Bad, "not signed by anybody trusted:") };
    let bad = check.statements.iter().filter(|statement| !statement.good).count();
    let all = count(check.statements.len(), "statement");
    let number = if bad == 0 { all } else { format!("{bad} of {all}") };
    let mut text = format!("{} {number} in {}\n", palette.paint(role, word), clean(&check.file));
    for statement in &check.statements {
        summary(statement, palette, &mut text);
    }
    aside(&check.aside, palette, &mut text);
    text
}

fn summary(statement: &Checked, palette: Palette, text: &mut String) {
    let head = palette.paint(Role::Name, &clean(&statement.stage));
    text.push_str(&format!("\n{head} {}\n", clean(&statement.target)));
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<9}{value}\n"));
    line("builder", &clean(&statement.builder));
    if let Some(time) = &statement.finished_on {
        line("ended", &clean(time));
    }
    line("action", &statement.action);
    line("output", &clean(&statement.output));
    for (name, sha256) in &statement.files {
        line("file", &format!("{sha256}  {}", clean(name)));
    }
    let kinds = statement.dependencies.iter().map(|(kind, number)| count(*number, &clean(kind).replace('-', " ")));
    line("made of", &kinds.collect::<Vec<_>>().join(", "));
    if statement.seals.is_empty() {
        line("signature", &palette.paint(Role::Warn, " none"));
    }
    for seal in &statement.seals {
        line("signed", &seal_words(seal, palette));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attest::SCHEMA;

    fn opinion(who: Option<&str>, counts: bool, stand: Stand) -> Opinion {
        Opinion {
            who: who.map(str::to_owned),
            place: "line 1 of `all.jsonl`".to_owned(),
            builder: Some("https://builds.example/\u{1b}[2Jone".to_owned()),
            seals: Vec::new(),
            stand,
            counts,
            note: None,
        }
    }

    fn stage(name: &str, verdict: Verdict, opinions: Vec<Opinion>) -> StageReport {
        let digest = |digit: &str, size: u8| format!("{}/{size}", digit.repeat(64));
        let (stage, target) = (name.to_owned(), "x86_64".to_owned());
        StageReport { stage, target, action: digest("a", 217), output: digest("b", 160), verdict, opinions }
    }

    fn report() -> Report {
        let disagrees =
            Stand::Disagrees { output: Some("c".repeat(64)), subjects: vec!["image".into()], difference: None };
        let key = "d".repeat(64);
        let mut strange = opinion(None, false, Stand::Agrees);
        strange.note = Some("nobody who is trusted signed it".to_owned());
        strange.seals = vec![
            Seal::Bad { name: "alice".to_owned(), key: key.clone() },
            Seal::Unknown { key: Some("\u{1b}]0;x\u{7}key".to_owned()) },
            Seal::Unknown { key: None },
        ];
        let cause = Cause { what: "source:zlib".into(), theirs: Some("e".repeat(64)), ours: None };
        let mut lockfile = opinion(Some("lockfile"), false, Stand::Silent);
        (lockfile.place, lockfile.builder) = ("lockfile".to_owned(), None);
        let other = |cause| opinion(Some("bob"), false, Stand::OtherInputs { cause });
        Report {
            schema: SCHEMA,
            against: vec!["all.jsonl".to_owned(), "lockfile".to_owned()],
            heard: 3,
            needed: Some(2),
            identical: false,
            stages: vec![
                stage("musl", Verdict::Identical, vec![opinion(Some("alice"), true, Stand::Agrees)]),
                stage("image", Verdict::Different, vec![opinion(Some("alice"), true, disagrees), strange]),
                stage("zlib", Verdict::OtherInputs, vec![other(Some(cause)), other(None)]),
                stage("gcc", Verdict::Unconfirmed, vec![lockfile]),
            ],
            aside: vec![Aside { place: "line 2".into(), reason: "it is\u{9b}31m none".into(), foreign: false }],
        }
    }

    #[test]
    fn who_says_what() {
        let text = against_text(&report(), Palette::PLAIN, false);
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
        insta::with_settings!({snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!("against-text", text);
        });
        let full = against_text(&report(), Palette::PLAIN, true);
        assert!(full.contains("agrees: alice"), "{full}");
    }
}
