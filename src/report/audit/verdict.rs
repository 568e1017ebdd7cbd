//! What a build says of the audit of what it delivers.

use crate::report::{Palette, Role, clean, count};
use crate::schedule::events::Audit;

/// `image  audited  no errors, 2 warnings`: in one line.
pub(in crate::report) fn verdict_words(palette: Palette, audit: &Audit) -> String {
    let number = |number: u64, what: &str| count(usize::try_from(number).unwrap_or(usize::MAX), what);
    let (role, errors) = match audit.errors {
        0 => (Role::Good, "no errors".to_owned()),
        errors => (Role::Bad, number(errors, "error")),
    };
    let mut parts = vec![palette.paint(role, &errors)];
    if audit.warnings > 0 {
        parts.push(number(audit.warnings, "warning"));
    }
    if audit.allowed > 0 {
        parts.push(format!("{} allowed", audit.allowed));
    }
    parts.join(", ")
}

/// The box that shows what is wrong with a product, as lines without line ends.
pub(in crate::report) fn verdict_box(palette: Palette, audit: &Audit) -> Vec<String> {
    let role = if audit.offered { Role::Warn } else { Role::Bad };
    let bar = palette.paint(role, palette.sign("│", "|"));
    let errors = count(usize::try_from(audit.errors).unwrap_or(usize::MAX), "error");
    let (word, rest) = if audit.offered {
        ("warning", format!("is offered although its audit found {errors} (--audit=warn)"))
    } else {
        ("refused", format!("is not offered: its audit found {errors}"))
    };
    let head = format!("{} {word}", palette.sign("╭", "+"));
    let mut lines = vec![format!("{} {} {rest}", palette.paint(role, &head), palette.paint(Role::Name, &audit.stage))];
    let mut told = 0;
    for broken in &audit.worst {
        told += broken.findings;
        let times = if broken.findings > 1 { format!(" ({})", broken.findings) } else { String::new() };
        lines.push(format!("{bar} {}{times}", palette.paint(Role::Name, &clean(&broken.rule))));
        lines.push(format!("{bar}   {}: {}", clean(&broken.object), clean(&broken.message)));
        lines.push(format!("{bar}   {} {}", palette.paint(Role::Hint, "cure:"), clean(&broken.cure)));
    }
    if audit.errors > told {
        lines.push(format!("{bar} and {} more", audit.errors - told));
    }
    // A refused one is a failed stage: its own message has the cure.
    if audit.offered {
        lines.push(format!("{bar} {} `repro audit {}` shows all", palette.paint(Role::Hint, "hint: "), audit.stage));
    }
    lines.push(palette.paint(role, palette.sign("╰", "+")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::schedule::events::Broken;

    #[test]
    fn says_what_where_and_the_cure() {
        let broken = Broken {
            rule: "leak-build-path".into(),
            findings: 3,
            object: "etc/\u{1b}[31mx".into(),
            message: "it names a path".into(),
            cure: "map it away".into(),
        };
        let mut audit = Audit {
            stage: "image".into(),
            output: Digest::of(b""),
            errors: 4,
            warnings: 1,
            notes: 0,
            allowed: 2,
            offered: false,
            worst: vec![broken],
        };
        insta::assert_snapshot!(verdict_box(Palette::PLAIN, &audit).join("\n"), @r"
        + refused image is not offered: its audit found 4 errors
        | leak-build-path (3)
        |   etc/x: it names a path
        |   cure: map it away
        | and 1 more
        +
        ");
        audit.offered = true;
        let text = verdict_box(Palette::PLAIN, &audit).join("\n");
        assert!(
            text.starts_with("+ warning image is offered although its audit found 4 errors (--audit=warn)"),
            "{text}"
        );
        assert_eq!(verdict_words(Palette::PLAIN, &audit), "4 errors, 1 warning, 2 allowed");
    }
}
