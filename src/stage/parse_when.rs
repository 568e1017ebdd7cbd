//! What depends on the parameters in `stage.toml`: `[when.PARAMETER.VALUE]`, merged into the file before it is read, and
//! `only`, the values that there is such a stage for.
//!
//! Merging only adds: a list grows at its end, a table by keys. A value that is there already stays the only one that can be
//! meant, so saying it twice is a mistake, and the order of the branches has no meaning.

use toml::de::{DeTable, DeValue};

use super::mistake::did_you_mean;
use super::params::{self, ParamValues};
use super::parse::STAGE;
use super::reader::{Doc, Fields};
use super::values::Wrong;

/// Keys that say which stage it is and what it depends on, and so cannot depend on anything.
const FIXED: &[&str] = &["schema", "params", "only", "when"];

/// Takes the branches out of a file's table, and adds those that the values choose to it.
pub(super) fn select<'a>(doc: &Doc<'a>, table: &mut DeTable<'a>, values: &ParamValues) {
    let Some(when) = table.remove("when") else { return };
    let span = when.span();
    let declared: Vec<String> = Fields::new(doc, table, 0..0).peek("params").into_iter().map(str::to_owned).collect();
    let DeValue::Table(when) = when.into_inner() else {
        return doc.wrong(&span, "`when` must be a table", Some("[when.arch.aarch64]".to_owned()));
    };
    for (name, branches) in when {
        let (span, name) = (name.span(), name.into_inner());
        let Some(allowed) = params::values_of(&name) else {
            let help = did_you_mean(&name, params::names());
            doc.wrong(&span, format!("`{}` is no parameter", name.escape_debug()), help);
            continue;
        };
        if !declared.iter().any(|declared| *declared == name) {
            let help = Some(format!("add \"{name}\" to `params`"));
            doc.wrong(&span, format!("`{name}` is not among the stage's parameters"), help);
        }
        let span = branches.span();
        let DeValue::Table(branches) = branches.into_inner() else {
            doc.wrong(&span, "a parameter's values are tables", Some(format!("[when.{name}.{}]", allowed[0])));
            continue;
        };
        for (value, branch) in branches {
            let (value_span, span) = (value.span(), branch.span());
            doc.take(&value_span, fits(&name, value.get_ref(), allowed));
            let DeValue::Table(branch) = branch.into_inner() else {
                doc.wrong(&span, format!("`when.{name}.{}` must be a table", value.get_ref()), None);
                continue;
            };
            let keys: Vec<&str> = STAGE.iter().copied().filter(|key| !FIXED.contains(key)).collect();
            Fields::new(doc, &branch, span).only(&keys);
            if values.get(&name) == Some(value.get_ref().as_ref()) {
                merge(doc, table, branch, "");
            }
        }
    }
}

/// Adds what a branch says. `above` is the dotted name of the table, with a dot at its end.
fn merge<'a>(doc: &Doc<'a>, table: &mut DeTable<'a>, branch: DeTable<'a>, above: &str) {
    for (key, value) in branch {
        let Some(there) = table.get_mut(&key) else {
            table.insert(key, value);
            continue;
        };
        let span = value.span();
        match (there.get_mut(), value.into_inner()) {
            (DeValue::Array(list), DeValue::Array(more)) => more.into_iter().for_each(|item| list.push(item)),
            (DeValue::Table(inner), DeValue::Table(more)) => {
                merge(doc, inner, more, &format!("{above}{}.", key.get_ref()));
            }
            _ => {
                let help = Some("say it in each branch of `when`, and not outside".to_owned());
                doc.wrong(&span, format!("`{above}{}` is said twice", key.get_ref()), help);
            }
        }
    }
}

/// Why there is no such stage for these values, if `only` leaves one of them out.
pub(super) fn excluded(fields: &Fields<'_, '_>, values: &ParamValues) -> Option<String> {
    let only = fields.table("only")?;
    let mut reason = None;
    for name in only.keys("") {
        let Some(allowed) = params::values_of(&name.value) else {
            let help = did_you_mean(&name.value, params::names());
            fields.doc.wrong(&name.span, format!("`{}` is no parameter", name.value.escape_debug()), help);
            continue;
        };
        let list = only.set(&name.value);
        for value in &list {
            fields.doc.take(&value.span, fits(&name.value, &value.value, allowed));
        }
        let current = values.get(&name.value).unwrap_or_default();
        if reason.is_none() && !list.iter().any(|value| value.value == current) {
            let list: Vec<&str> = list.iter().map(|value| value.value.as_str()).collect();
            reason = Some(format!("it is for `{}` {} only, not {current}", name.value, list.join(", ")));
        }
    }
    reason
}

/// Whether a parameter can have a value.
fn fits(name: &str, value: &str, allowed: &[&str]) -> Result<(), Wrong> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let help =
        did_you_mean(value, allowed.iter().copied()).unwrap_or_else(|| format!("it takes {}", allowed.join(" or ")));
    Err(Wrong { message: format!("`{name}` cannot be `{}`", value.escape_debug()), help: Some(help) })
}
