//! Debugging information.

use super::{Bench, PROGRAM, has, has_not};

const FLAGS: &[&str] = &["-g", "-Wl,--build-id=none"];

#[test]
fn the_build_path() {
    let Some(bench) = Bench::new("comparison of debugging information") else { return };
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let flags = [FLAGS, &[version]].concat();
        let left = bench.compile("first", PROGRAM, &flags);
        let right = bench.compile("second", PROGRAM, &flags);
        let text = bench.show(&left, &right);
        let folder = |name: &str| bench.path(name).display().to_string();
        // The paths have one length, or all offsets differ, too.
        let wanted = [("strings: -", folder("first")), ("strings: +", folder("second"))];
        for (mark, folder) in wanted {
            assert!(text.lines().any(|line| line.contains(mark) && line.ends_with(&folder)), "{version}\n{text}");
        }
        let unit = format!(
            "ELF file > .debug_info > x.c: DW_AT_comp_dir: \"{}\" -> \"{}\"",
            folder("first"),
            folder("second")
        );
        has(&text, &unit);
    }
}

#[test]
fn the_producer_and_the_entries() {
    let Some(bench) = Bench::new("comparison of debugging information") else { return };
    let left = bench.compile("a", PROGRAM, FLAGS);
    let right = bench.compile("a", PROGRAM, &[FLAGS, &["-fno-math-errno"]].concat());
    let text = bench.show(&left, &right);
    assert!(text.contains("ELF file > .debug_info > x.c: DW_AT_producer: "), "{text}");
    has_not(&text, "debugging entries");

    let right = bench.compile("a", &PROGRAM.replace("{ int x, y; }", "{ int x; unsigned y; }"), FLAGS);
    let text = bench.show(&left, &right);
    let entries: Vec<&str> =
        text.lines().filter(|line| line.contains(".debug_info > x.c: debugging entries: +")).collect();
    assert!(
        entries.iter().any(|line| line.contains("member name=\"y\"") && line.contains("type=unsigned int")),
        "{text}"
    );

    let right = bench.compile("a", &PROGRAM.replace("int middle", "\n\nint middle"), FLAGS);
    let text = bench.show(&left, &right);
    assert!(text.lines().any(|line| line.contains(".debug_line > ") && line.contains("x.c: rows: +")), "{text}");
    has_not(&text, ".text");
}

#[test]
fn what_is_compressed_is_compared_inside() {
    let Some(bench) = Bench::new("comparison of debugging information") else { return };
    let flags = [FLAGS, &["-gz=zlib"]].concat();
    let left = bench.compile("a", PROGRAM, &flags);
    let right = bench.compile("a", PROGRAM, &[flags.as_slice(), &["-fno-math-errno"]].concat());
    let text = bench.show(&left, &right);
    assert!(text.contains("ELF file > .debug_info > x.c: DW_AT_producer: "), "{text}");
    // The same, compressed and not.
    std::fs::write(bench.path("packed"), &left).expect("files can be written");
    bench.run(".", "objcopy", &["--decompress-debug-sections", "packed", "plain"]);
    let text = bench.show(&left, &bench.read("plain"));
    has(&text, "ELF file > .debug_info: metadata compression: zlib -> none");
    has_not(&text, "> x.c");
}

#[test]
fn objects_that_are_not_linked() {
    let Some(bench) = Bench::new("comparison of debugging information") else { return };
    let left = bench.compile("a", PROGRAM, &["-g", "-c"]);
    let grown = PROGRAM.replace("return n * 3", "return n * 3 + (int)strlen(words[n])");
    let right = bench.compile("a", &grown, &["-g", "-c"]);
    let text = bench.show(&left, &right);
    // Names are where relocations lead, and functions that only moved are not told.
    let entries = || text.lines().filter(|line| line.contains(".debug_info > x.c: debugging entries: "));
    assert!(entries().any(|line| line.contains("subprogram") && line.contains("name=\"middle\"")), "{text}");
    assert!(entries().all(|line| !line.contains("name=\"main\"")), "{text}");
}

#[test]
fn a_link_to_debugging_information() {
    let Some(bench) = Bench::new("comparison of debugging information") else { return };
    let program = bench.compile("a", PROGRAM, FLAGS);
    for (name, byte) in [("left", 1), ("right", 2)] {
        std::fs::write(bench.path(name), &program).expect("files can be written");
        std::fs::write(bench.path("out.debug"), [byte]).expect("files can be written");
        bench.run(".", "objcopy", &["--add-gnu-debuglink=out.debug", name]);
    }
    let text = bench.show(&bench.read("left"), &bench.read("right"));
    assert!(text.starts_with("ELF file > .gnu_debuglink: CRC: "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn tables_are_written_out() {
    let Some(bench) = Bench::new("comparison of debugging information") else { return };
    let left = bench.compile("a", PROGRAM, FLAGS);
    let right = bench.compile("a", &format!("union both {{ int a; }} both;\n{PROGRAM}"), FLAGS);
    let text = bench.show(&left, &right);
    let abbreviation =
        |line: &str| line.contains(".debug_abbrev: abbreviations: +") && line.contains("DW_TAG_union_type");
    assert!(text.lines().any(abbreviation), "{text}");
    let grown = PROGRAM.replace("return n * 3", "return n * 3 + (int)strlen(words[n])");
    for (version, section) in [("-gdwarf-4", ".debug_ranges"), ("-gdwarf-5", ".debug_rnglists")] {
        let flags = [FLAGS, &[version, "-ffunction-sections"]].concat();
        let text = bench.show(&bench.compile("a", PROGRAM, &flags), &bench.compile("a", &grown, &flags));
        assert!(text.lines().any(|line| line.contains(&format!("{section}: ranges: +"))), "{version}\n{text}");
        has_not(&text, &format!("{section}: bytes"));
    }
    let clean = "void end(int *); void work(int); void f(int n) { int __attribute__((cleanup(end))) a = n; work(n); }";
    let flags = ["-c", "-fexceptions"];
    let twice = clean.replace("work(n);", "work(n); a++; work(a);");
    let text = bench.show(&bench.compile("a", clean, &flags), &bench.compile("a", &twice, &flags));
    assert!(text.lines().any(|line| line.contains(".gcc_except_table: call sites: +  0x")), "{text}");
}
