//! A panic is a bug in `repro`: exit 70, with what a report needs.

use std::panic::PanicHookInfo;

use super::output::say;

/// Replaces the default message of panics.
pub fn install() {
    std::panic::set_hook(Box::new(|info| say(&message(info))));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let what = what.unwrap_or("a panic without words");
    let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    text(what, &place)
}

fn text(what: &str, place: &str) -> String {
    format!(
        "\nbug: repro {}{place}: {what}\n hint: please report this, with the command line and the lines above; no \
         result was recorded that is not complete\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bug_asks_to_be_reported() {
        let text = super::text("index out of bounds", " at src/x.rs:7");
        assert!(text.contains("at src/x.rs:7: index out of bounds") && text.contains("please report"));
    }
}
