//! Programs and objects that differ in one thing.

use super::{Bench, PROGRAM, has, has_not};

/// Without what differs by itself in every build: the build ID, which is a digest of all the rest.
const PLAIN: &[&str] = &["-Wl,--build-id=none"];

fn x86() -> bool {
    cfg!(target_arch = "x86_64")
}

#[test]
fn a_constant_in_a_function() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", &PROGRAM.replace("n + 7", "n + 9"), PLAIN);
    let text = bench.show(&left, &right);
    assert!(text.lines().all(|line| line.starts_with("ELF file > .text > middle: ")), "{text}");
    if x86() {
        has(&text, "ELF file > .text > middle: instructions: -lea 7(%rdi), %eax");
        has(&text, "ELF file > .text > middle: instructions: +lea 9(%rdi), %eax");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}

#[test]
fn a_function_that_grew_moves_the_others_and_these_are_only_counted() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let grown = PROGRAM.replace("return n * 3", "return n * 3 + (int)strlen(words[n])");
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", &grown, PLAIN);
    let text = bench.show(&left, &right);
    if x86() {
        has(&text, "ELF file > .text > middle: instructions: +call strlen@plt");
        has(&text, "ELF file > .text > middle: instructions: +lea words, %rax");
        for function in ["main", "length", "scale", "_start"] {
            has_not(&text, &format!(".text > {function}:"));
        }
        assert!(text.contains(".text: metadata addresses in "), "{text}");
    }
    assert!(text.contains(".symtab: symbols: -middle: FUNC GLOBAL DEFAULT, size"), "{text}");
    assert!(text.contains(".symtab: metadata st_value of "), "{text}");
    assert!(text.lines().count() < 60, "{text}");

    // Without symbols, functions are what the tables for unwinding say.
    std::fs::write(bench.path("left"), &left).expect("files can be written");
    std::fs::write(bench.path("right"), &right).expect("files can be written");
    bench.run(".", "strip", &["left", "right"]);
    let text = bench.show(&bench.read("left"), &bench.read("right"));
    if x86() {
        assert!(text.contains(".text > function at 0x"), "{text}");
        has_not(&text, "call .text+");
        let functions = text.lines().filter_map(|line| line.strip_prefix("ELF file > .text > ")?.split(':').next());
        let functions: std::collections::BTreeSet<&str> = functions.collect();
        assert_eq!(functions.len(), 1, "{text}");
    }
}

#[test]
fn a_string() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", &PROGRAM.replace("hello", "howdy"), PLAIN);
    let text = bench.show(&left, &right);
    has(&text, "ELF file > .rodata: strings: -hello %d %s\\n");
    has(&text, "ELF file > .rodata: strings: +howdy %d %s\\n");
    assert!(text.lines().all(|line| line.starts_with("ELF file > .rodata")), "{text}");
}

#[test]
fn a_variable() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", &PROGRAM.replace("counter = 3", "counter = 4"), PLAIN);
    let text = bench.show(&left, &right);
    assert_eq!(text, "ELF file > .data > counter: bytes at [0, 0], [1, 1] long\n");
}

#[test]
fn a_symbol_more() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", &format!("{PROGRAM}\nint added(int n) {{ return n * 5; }}\n"), PLAIN);
    let text = bench.show(&left, &right);
    has(&text, "ELF file > .text > added: only Right");
    assert!(text.contains(".symtab: symbols: +added: FUNC GLOBAL DEFAULT, size"), "{text}");
    has(&text, "ELF file > .strtab: strings: +added");
    let text = bench.show(&right, &left);
    has(&text, "ELF file > .text > added: only Left");
    // Another visibility is another symbol.
    let hidden = PROGRAM.replace("int counter", "__attribute__((visibility(\"hidden\"))) int counter");
    let flags = [PLAIN, &["-shared", "-fPIC"]].concat();
    let text = bench.show(&bench.compile("a", PROGRAM, &flags), &bench.compile("a", &hidden, &flags));
    assert!(text.contains(".symtab: symbols: -counter: OBJECT GLOBAL DEFAULT, size 4, in .data"), "{text}");
    assert!(text.contains(".dynsym: symbols: -counter: OBJECT GLOBAL DEFAULT, size 4, in .data"), "{text}");
}

#[test]
fn the_build_id() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let id = |id: &str| bench.compile("a", PROGRAM, &[&format!("-Wl,--build-id=0x{id}")]);
    let text = bench.show(&id("0123456789"), &id("ffffffffff"));
    assert_eq!(text, "ELF file > .note.gnu.build-id: build ID: 0123456789 -> ffffffffff\n");
}

#[test]
fn another_compiler_and_another_loader() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", &format!("asm(\".ident \\\"another compiler 1.0\\\"\");{PROGRAM}"), PLAIN);
    let text = bench.show(&left, &right);
    has(&text, "ELF file > .comment: strings: +another compiler 1.0");
    let right = bench.compile("a", PROGRAM, &[PLAIN, &["-Wl,-rpath,/build/lib", "-Wl,--no-as-needed", "-lm"]].concat());
    let text = bench.show(&left, &right);
    has(&text, "ELF file > .dynamic: DT_RUNPATH: - -> /build/lib");
    has(&text, "ELF file > .dynamic: DT_NEEDED: - -> libm.so.6");
    let right = bench.compile("a", PROGRAM, &[PLAIN, &["-Wl,--dynamic-linker,/lib/ld-linux-x86-64.so.1"]].concat());
    if x86() {
        let text = bench.show(&left, &right);
        has(&text, "ELF file > .interp: strings: +/lib/ld-linux-x86-64.so.1");
    }
}

#[test]
fn an_object_that_is_not_linked() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, &["-c"]);
    let right = bench.compile("a", &PROGRAM.replace("return length(argv[0])", "return length(argv[1])"), &["-c"]);
    let text = bench.show(&left, &right);
    assert!(text.lines().all(|line| line.starts_with("ELF file > .text > main: ")), "{text}");
    // What is called is known from the relocations.
    let right = bench.compile("a", &PROGRAM.replace("strlen(s)", "atoi(s)"), &["-c"]);
    let text = bench.show(&left, &right);
    assert!(
        text.lines().any(|line| line.contains(".rela.text: relocations: +length+") && line.contains("atoi")),
        "{text}"
    );
    if x86() {
        // A position-dependent 32-bit program, where this compiler can make objects of these.
        let flags = ["-c", "-m32", "-fno-pic", "-ffreestanding", "-nostdinc"];
        let source = "int middle(int n) { return n + 7; }";
        let left = bench.compile("b", source, &flags);
        let right = bench.compile("b", &source.replace('7', "9"), &flags);
        let text = bench.show(&left, &right);
        assert!(text.contains("ELF file > .text > middle: instructions: +add $9, %eax"), "{text}");
    }
}

#[test]
fn the_other_byte_order_and_class() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    if !x86() {
        return;
    }
    for (name, format) in [("wide", "elf64-big"), ("narrow", "elf32-big")] {
        for (side, text) in [("left", "some text"), ("right", "some tent")] {
            std::fs::write(bench.path("text"), text).expect("files can be written");
            bench.run(".", "objcopy", &["-I", "binary", "-O", format, "text", &format!("{name}-{side}")]);
        }
        let text = bench.show(&bench.read(&format!("{name}-left")), &bench.read(&format!("{name}-right")));
        assert_eq!(text, "ELF file > .data: bytes at [7, 7], [1, 1] long\n", "{format}");
    }
    let text = bench.show(&bench.read("wide-left"), &bench.read("narrow-left"));
    has(&text, "ELF file: EI_CLASS: 64 bits -> 32 bits");
    has_not(&text, "> .data");
}

#[test]
fn one_byte_of_padding_and_what_follows_the_end() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    // The file's segments are padded to pages.
    let end = 0x1000 - 1;
    assert_eq!(left[end], 0, "the page before the code is padded");
    let mut right = left.clone();
    right[end] = 1;
    let text = bench.show(&left, &right);
    assert!(text.starts_with("ELF file > after ") && text.contains("metadata bytes at "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let mut right = left.clone();
    right.extend(b"appended");
    let text = bench.show(&left, &right);
    assert_eq!(text, "ELF file > after the section headers: metadata bytes at [0, 0], [0, 8] long\n");
}

#[test]
fn flags_and_headers() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    let left = bench.compile("a", PROGRAM, PLAIN);
    let right = bench.compile("a", PROGRAM, &[PLAIN, &["-Wl,-z,execstack"]].concat());
    let text = bench.show(&left, &right);
    let line = text.lines().find(|line| line.starts_with("ELF file: PT_GNU_STACK p_flags: "));
    let (before, after) = line.and_then(|line| line.split_once(" -> ")).expect("the flags are told");
    assert!(!before.contains("PF_X") && after.contains("PF_X"), "{text}");
}

#[test]
fn an_encoding_that_reads_the_same() {
    let Some(bench) = Bench::new("comparison of programs") else { return };
    if !x86() {
        return;
    }
    // mov %edi, %eax: once as "from register", once as "to register".
    let source = |bytes: &str| format!("asm(\".globl f\\n.type f,@function\\nf: .byte {bytes}, 0xc3\\n.size f,.-f\");");
    let left = bench.compile("a", &source("0x89, 0xf8"), &["-c"]);
    let right = bench.compile("a", &source("0x8b, 0xc7"), &["-c"]);
    assert_eq!(bench.show(&left, &right), "ELF file > .text > f: bytes at [0, 0], [2, 2] long\n");
}
