//! Results as JUnit's XML, which build servers read. The shape is that of the Ant task's schema: no more of it is used than
//! `testsuite`, `testcase`, `failure` and `error`.

use super::cause::causes_text;
use super::diff::{difference_text, verdict};
use super::{Palette, clean};
use crate::diff;
use crate::verify::{self, Outcome, Verdict};

/// A comparison as one test.
pub fn diff_junit(report: &diff::Report) -> String {
    let failure = report.difference.as_ref().map(|difference| Failure {
        tag: "failure",
        message: verdict(report),
        text: difference_text(difference, Palette::PLAIN, true),
    });
    let name = format!("{} and {}", report.subjects[0], report.subjects[1]);
    suite("repro.verify", &[(name, failure)])
}

/// Each stage that was rebuilt as a test.
pub fn verify_junit(report: &verify::Report) -> String {
    let cases: Vec<(String, Option<Failure>)> = report
        .stages
        .iter()
        .map(|stage| {
            let causes: Vec<String> = stage.causes.iter().map(super::verify::cause).collect();
            let failure = match stage.verdict {
                Verdict::Identical => None,
                Verdict::Different => {
                    let tree = |difference| difference_text(difference, Palette::PLAIN, true);
                    let text = stage.difference.as_ref().map(tree).unwrap_or_default();
                    let text = format!("{text}\n{}", causes_text(&stage.differing, Palette::PLAIN, true));
                    Some(Failure { tag: "failure", message: format!("it differs: {}", causes.join("; ")), text })
                }
                Verdict::Failed => {
                    let tail = stage.trials.iter().find_map(|trial| match &trial.outcome {
                        Outcome::Failed { reason, tail } => Some(format!("{reason}\n{}", tail.join("\n"))),
                        _ => None,
                    });
                    let message = format!("it fails: {}", causes.join("; "));
                    Some(Failure { tag: "error", message, text: tail.unwrap_or_default() })
                }
            };
            (stage.stage.clone(), failure)
        })
        .collect();
    suite("repro.verify.rebuild", &cases)
}

struct Failure {
    tag: &'static str,
    message: String,
    text: String,
}

fn suite(class: &str, cases: &[(String, Option<Failure>)]) -> String {
    let count =
        |tag: &str| cases.iter().filter(|(_, failure)| failure.as_ref().is_some_and(|it| it.tag == tag)).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{class}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\">\n",
        cases.len(),
        count("failure"),
        count("error"),
    );
    for (name, failure) in cases {
        text.push_str(&format!("  <testcase classname=\"{class}\" name=\"{}\"", escape(name)));
        match failure {
            None => text.push_str("/>\n"),
            Some(Failure { tag, message, text: details }) => {
                let details: String = details.lines().map(|line| format!("{}\n", escape(line))).collect();
                text.push_str(&format!(
                    ">\n    <{tag} message=\"{}\">{details}</{tag}>\n  </testcase>\n",
                    escape(message)
                ));
            }
        }
    }
    text.push_str("</testsuite>\n");
    text
}

/// Text of a line as content or as an attribute's value. XML 1.0 has no way to write most control characters.
fn escape(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for letter in clean(line).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{diff_junit, escape};
    use crate::diff::{Difference, Fact, Report};

    #[test]
    fn one_test_a_comparison() {
        let names = ["a".to_owned(), "<b>".to_owned()];
        let text = diff_junit(&Report::new(names.clone(), None));
        assert!(text.contains("tests=\"1\" failures=\"0\"") && text.contains("name=\"a and &lt;b&gt;\"/>"), "{text}");
        let mut found = Difference::new("x", "file", [None, None]);
        found.facts.push(Fact::Unsearched { reason: "]]> & so on".to_owned() });
        let text = diff_junit(&Report::new(names, Some(found)));
        assert!(text.contains("failures=\"1\"") && text.contains("]]&gt; &amp; so on"), "{text}");
        assert_eq!(escape("a\u{1b}[1m\u{0}b\u{ffff}"), "ab\u{fffd}");
    }
}
