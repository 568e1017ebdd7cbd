//! SARIF 2.1.0 (OASIS): what code review tools and editors read.

use serde_json::{Value, json};

use crate::audit::{Finding, Report, Rule, Severity, rules};

/// The name that the schema has; nothing is fetched from there.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The report as a SARIF log. What exceptions cover is there, too, as suppressed results.
pub fn audit_sarif(report: &Report) -> Value {
    let mut results: Vec<Value> = report.findings.iter().map(result).collect();
    for exception in &report.exceptions {
        for finding in &exception.findings {
            let mut result = result(finding);
            result["suppressions"] =
                json!([{ "kind": "external", "status": "accepted", "justification": exception.reason }]);
            results.push(result);
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "repro audit",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules::ALL.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "originalUriBaseIds": { "SUBJECT": { "description": { "text": report.subject } } },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "subject": report.subject, "counts": report.counts, "outside": report.outside },
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": rule.cure },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding) -> Value {
    let index = rules::ALL.iter().position(|rule| *rule == finding.rule);
    let evidence: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
    let more = if finding.more > 0 { format!("\nand {} more", finding.more) } else { String::new() };
    let text = format!("{}: {}\n{}{more}", finding.object, finding.message, evidence.join("\n"));
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": text.trim_end() },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.object), "uriBaseId": "SUBJECT" },
        }}],
        "partialFingerprints": { "object/v1": format!("{} {}", finding.object, finding.message) },
        "properties": { "evidence": finding.evidence, "more": finding.more },
    })
}

/// A path as a relative URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
