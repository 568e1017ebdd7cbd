//! How long it takes to find what two builds differ in, beside `cmp`, `diff -r` and diffoscope where they are installed.
//!
//! `cargo bench --bench compare [-- FOLDER]`; the folder (default: a temporary one) holds about 2.5 GB for a while. Cases: a
//! 30 MB image as tar with four causes (a build path in an ELF file, two times, a gzip header, a line of text); one byte in
//! an ELF file of 11 MB; two equal trees of 1 GB in a store; the unpacked image. Each command runs as a whole process, in
//! alternating rounds; the best of each is shown, with the largest memory of any round.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark makes files, looks at the clock and prints"
)]

use std::fs;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use repro::store::{ImportRules, Store};

const ROUNDS: usize = 5;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let base = match &folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let base = base.expect("a temporary folder");
    let at = |name: &str| base.path().join(name);
    let repro = PathBuf::from(env!("CARGO_BIN_EXE_repro"));
    let program = program(base.path());
    let compare = |left: &str, right: &str| {
        let mut command = Command::new(&repro);
        command.args(["verify", left, right, "--store"]).arg(at("store")).current_dir(base.path());
        command
    };
    let other = |tool: &str, arguments: &[&str]| {
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(base.path());
        command
    };

    image(&at("a.tar"), &program, false);
    image(&at("b.tar"), &program, true);
    let size = fs::metadata(at("a.tar")).expect("it was written").len();
    case(
        &format!("two images of {} MB as tar, four causes", size >> 20),
        vec![
            ("repro verify", compare("a.tar", "b.tar")),
            ("cmp", other("cmp", &["a.tar", "b.tar"])),
            ("diffoscope", other("diffoscope", &["--text", "-", "a.tar", "b.tar"])),
        ],
    );
    for (name, tar) in [("a", "a.tar"), ("b", "b.tar")] {
        let file = fs::File::open(at(tar)).expect("it was written");
        fs::create_dir(at(name)).expect("made");
        tar::Archive::new(file).unpack(at(name)).expect("unpacked");
    }
    case(
        "the same as folders",
        vec![
            ("repro verify", compare("a", "b")),
            ("diff -r", other("diff", &["-rq", "a", "b"])),
            ("diffoscope", other("diffoscope", &["--text", "-", "a", "b"])),
        ],
    );

    fs::write(at("x"), &program).expect("written");
    let mut changed = program.clone();
    changed[text_of(&program)] ^= 1;
    fs::write(at("y"), &changed).expect("written");
    case(
        &format!("one byte in an ELF file of {} MB", program.len() >> 20),
        vec![
            ("repro verify", compare("x", "y")),
            ("cmp", other("cmp", &["x", "y"])),
            ("diffoscope", other("diffoscope", &["--text", "-", "x", "y"])),
        ],
    );

    let store = Store::open(&at("store")).expect("a store");
    fs::create_dir(at("big")).expect("made");
    let mut state = 1_u64;
    for index in 0..1000 {
        let mut file = fs::File::create(at("big").join(index.to_string())).expect("made");
        let mut content = Vec::with_capacity(1 << 20);
        while content.len() < 1 << 20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            content.extend_from_slice(&(state >> 16).to_le_bytes());
        }
        file.write_all(&content).expect("written");
    }
    let dir = fs::File::open(at("big")).expect("opens");
    let tree = store.import(dir.as_fd(), &at("big"), &ImportRules::default()).expect("imported").to_string();
    case(
        "two equal trees of 1 GB in a store",
        vec![("repro verify", compare(&tree, &tree)), ("diff -r (of folders)", other("diff", &["-rq", "big", "big"]))],
    );
}

/// Runs the commands in turns, and says how long each took.
fn case(what: &str, mut commands: Vec<(&str, Command)>) {
    println!("\n{what}");
    let mut best: Vec<Option<(Duration, u64)>> = vec![None; commands.len()];
    for round in 0..ROUNDS {
        for (index, (_, command)) in commands.iter_mut().enumerate() {
            // A tool that takes seconds is slow enough to be seen in two rounds.
            if round > 1 && best[index].is_some_and(|(time, _)| time > Duration::from_secs(2)) {
                continue;
            }
            let Some((time, memory)) = run(command) else { continue };
            let (least, most) = best[index].unwrap_or((time, 0));
            best[index] = Some((least.min(time), most.max(memory)));
        }
    }
    let ours = best[0].map_or(1.0, |(time, _)| time.as_secs_f64());
    for ((name, _), best) in commands.iter().zip(best) {
        match best {
            Some((time, memory)) => println!(
                "  {name:<22} {:9.1} ms {:6.2} x repro {:7.1} MB",
                time.as_secs_f64() * 1e3,
                time.as_secs_f64() / ours,
                memory as f64 / 1024.0
            ),
            None => println!("  {name:<22} not installed"),
        }
    }
}

/// Wall-clock time and the largest resident set, in KiB.
fn run(command: &mut Command) -> Option<(Duration, u64)> {
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().ok()?;
    let pid = i32::try_from(child.id()).expect("process ids are small");
    let (_, _, usage) = repro::sys::process::wait(pid).expect("a child can be waited for");
    Some((start.elapsed(), usage.max_rss / 1024))
}

/// A root file system with what usually differs.
fn image(path: &Path, program: &[u8], second: bool) {
    let mut tar = tar::Builder::new(fs::File::create(path).expect("made"));
    let mut add = |name: &str, bytes: &[u8], mtime: u64| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        header.set_mtime(mtime);
        tar.append_data(&mut header, name, bytes).expect("written");
    };
    let mut elf = program.to_vec();
    if second {
        let found = elf.windows(12).position(|part| part == b"/build/first").expect("it names its folder");
        elf[found..found + 12].copy_from_slice(b"/build/other");
    }
    add("usr/bin/tool", &elf, 1);
    add("etc/issue", if second { b"Built 12:00:01\n" } else { b"Built 12:00:00\n" }, 1);
    add("etc/one", b"one\n", 1 + u64::from(second));
    add("etc/two", b"two\n", 1 + u64::from(second));
    let mut gzip = flate2::GzBuilder::new().mtime(u32::from(second)).write(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&program[..1 << 20]).expect("memory takes it");
    add("usr/share/doc.gz", &gzip.finish().expect("memory takes it"), 1);
    for index in 0..900 {
        add(&format!("usr/share/{index}"), &program[index * 1000..][..20_000], 1);
    }
    tar.finish().expect("written");
}

/// A program of about 11 MB: 30,000 functions, compiled by the C compiler that links Rust programs, too.
fn program(folder: &Path) -> Vec<u8> {
    let mut source = String::from("static volatile int state;\n");
    for index in 0..30_000 {
        let body: String = (0..6)
            .map(|line| format!("  for (int i = 0; i < {}; i++) state += i * {} ^ a;\n", line + 2, index + line))
            .collect();
        source.push_str(&format!("int function_{index}(int a) {{\n{body}  return state;\n}}\n"));
    }
    source.push_str("const char *where(void) { return __FILE__ \" built in /build/first/tree\"; }\n");
    source.push_str("int main(void) { return function_1(where()[0]); }\n");
    fs::write(folder.join("program.c"), source).expect("written");
    let compiled =
        Command::new("cc").args(["-O0", "-o", "program", "program.c"]).current_dir(folder).status().expect("cc runs");
    assert!(compiled.success(), "cc compiles it");
    fs::read(folder.join("program")).expect("it was made")
}

/// The middle of the section `.text`.
fn text_of(elf: &[u8]) -> usize {
    use object::{Object as _, ObjectSection as _};
    let file = object::File::parse(elf).expect("it is an ELF file");
    let range = file.section_by_name(".text").and_then(|text| text.file_range());
    range.map_or(elf.len() / 2, |(start, size)| usize::try_from(start + size / 2).expect("it fits"))
}
