use super::*;
use crate::digest::Digest;
use crate::schedule::StageResult;
use crate::schedule::events::{Level, Product, StageFailure, Summary};

/// A writer whose text can be read afterwards.
#[derive(Clone, Default)]
pub(in crate::report) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(in crate::report) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("unpoisoned").clone()).expect("reports are UTF-8")
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Compares with the committed text under snapshots/.
pub(in crate::report) fn snapshot(name: &str, text: &str) {
    insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}

fn output(stage: &str, line: &str) -> Event {
    Event::StageOutput { stage: stage.into(), line: line.into() }
}

fn finished(stage: &str, result: StageResult, failure: Option<StageFailure>) -> Event {
    let output = failure.is_none().then(|| Digest::of(stage.as_bytes()));
    Event::StageFinished { stage: stage.into(), result, output, seconds: 63.0, cpu: 121.0, failure }
}

fn names() -> Vec<String> {
    ["linux-headers", "binutils", "musl", "gcc-pass1", "rootfs"].map(str::to_owned).to_vec()
}

/// A run with a bit of everything.
pub(in crate::report) fn story(to: &dyn Subscriber) {
    let started = |stage: &str| Event::StageStarted { stage: stage.into() };
    let failure = StageFailure {
        reason: "exit code 2".into(),
        log: Some("/store/logs/musl.log".into()),
        hint: Some("declare `perl` as a tool".into()),
    };
    for event in [
        Event::Planned { stages: names() },
        Event::FetchStarted { name: "linux.tar.xz".into(), bytes: 0, total: Some(130 << 20) },
        Event::FetchAdvanced { name: "linux.tar.xz".into(), bytes: 65 << 20, total: Some(130 << 20) },
        Event::FetchFinished { name: "linux.tar.xz".into(), bytes: 130 << 20, total: Some(130 << 20), error: None },
        Event::StageQueued { stage: "binutils".into() },
        finished("linux-headers", StageResult::Cached, None),
        started("binutils"),
        started("musl"),
        output("musl", "\u{1b}[32mCC\u{1b}[0m src/string/memcpy.o"),
        Event::Message { level: Level::Warning, text: "clock runs backwards".into() },
        finished("binutils", StageResult::Built, None),
        output("musl", "sh: perl: not found"),
        finished("musl", StageResult::Failed, Some(failure)),
        Event::StageSkipped { stage: "gcc-pass1".into(), because: Some("musl".into()) },
        Event::StageSkipped { stage: "rootfs".into(), because: Some("musl".into()) },
        Event::Summary(Summary {
            built: 1,
            cached: 1,
            failed: 1,
            skipped: 2,
            seconds: 75.2,
            products: vec![
                Product { stage: "binutils".into(), output: Digest::of(b"binutils"), path: None },
                Product { stage: "image".into(), output: Digest::of(b"x"), path: Some("out/image".into()) },
            ],
            ..Summary::default()
        }),
    ] {
        to.event(&event);
    }
}

fn model() -> Model {
    let mut model = Model::new(Palette { colour: false, unicode: true });
    let at = Duration::from_secs;
    model.event(&Event::Planned { stages: names() }, at(0));
    model.event(&Event::FetchStarted { name: "linux.tar.xz".into(), bytes: 10 << 20, total: Some(130 << 20) }, at(130));
    model
        .event(&Event::FetchAdvanced { name: "linux.tar.xz".into(), bytes: 34 << 20, total: Some(130 << 20) }, at(132));
    model.event(&Event::FetchStarted { name: "of-unknown-size.tar".into(), bytes: 0, total: None }, at(134));
    for stage in ["musl", "gcc-pass1", "rootfs"] {
        model.event(&Event::StageQueued { stage: stage.into() }, at(1));
    }
    model.event(&Event::StageStarted { stage: "gcc-pass1".into() }, at(1));
    model.event(&Event::StageStarted { stage: "musl".into() }, at(120));
    model.event(&finished("linux-headers", StageResult::Cached, None), at(1));
    let long = "x86_64-linux-musl-gcc -O2 -fno-strict-aliasing -c ../../gcc/config/i386/日本語/i386.cc -o i386.o";
    model.event(&output("gcc-pass1", long), at(134));
    model.event(&output("musl", "\u{1b}]0;owned\u{7}\u{1b}[2JCC src/string/memcpy.o"), at(134));
    model
}

#[test]
fn the_block_at_80_columns() {
    let block = model().block(Duration::from_secs(134), 80, 24);
    assert!(block.iter().all(|line| super::super::text::width(line) < 80), "{block:#?}");
    snapshot("report-live-80", &block.join("\n"));
}

#[test]
fn small_terminals_lose_lines_not_sense() {
    for (columns, rows) in [(40, 5), (20, 4), (1, 1), (0, 0)] {
        let block = model().block(Duration::from_secs(134), columns, rows);
        assert!(block.len() <= rows.max(3), "{columns}x{rows}: {block:#?}");
        assert!(block.iter().all(|line| super::super::text::width(line) <= columns.max(32)), "{columns}: {block:#?}");
    }
    assert!(model().block(Duration::ZERO, 40, 5).iter().any(|line| line.contains("and 3 more")));
}

#[test]
fn a_drawn_story_leaves_only_what_is_done() {
    let out = Shared::default();
    let live = Live::new(Screen {
        out: Box::new(out.clone()),
        size: Box::new(|| (80, 24)),
        elapsed: Box::new(|| Duration::from_secs(3)),
        palette: Palette { colour: true, unicode: true },
    });
    story(&live);
    drop(live);
    let text = out.text();
    for part in ["failed", "perl: not found", "2 skipped", "out/image"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("\u{1b}[?25l"), "the cursor stays visible");
    assert!(text.ends_with("\u{1b}[J\u{1b}[?2026l"), "nothing is left of the block");
}

#[test]
fn at_most_ten_drawings_a_second() {
    let out = Shared::default();
    let start = std::time::Instant::now();
    let live = Live::new(Screen {
        out: Box::new(out.clone()),
        size: Box::new(|| (80, 24)),
        elapsed: Box::new(move || start.elapsed()),
        palette: Palette::PLAIN,
    });
    live.event(&Event::Planned { stages: names() });
    live.event(&Event::StageStarted { stage: "musl".into() });
    while start.elapsed() < Duration::from_millis(450) {
        live.event(&output("musl", "again"));
    }
    drop(live);
    let most = start.elapsed().as_millis() / 100 + 3;
    let frames = out.text().matches("\u{1b}[?2026h").count() as u128;
    assert!(frames >= 2 && frames <= most, "{frames} frames, at most {most}");
}
