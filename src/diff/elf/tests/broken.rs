//! Files that are damaged: never a panic, and always something that differs.

use super::{Bench, PROGRAM, compare};

/// A small program without start files or libraries, and with a bit of everything.
fn small(bench: &Bench) -> Vec<u8> {
    let source = "int value = 3; const char *text = \"some text\"; int f(int n) { return n + value; }\n";
    let flags = ["-shared", "-fPIC", "-nostdlib", "-g", "-gz=zlib", "-Wl,-z,max-page-size=4096,-z,noseparate-code"];
    bench.compile("small", source, &flags)
}

/// Compares a file with a damaged one, both ways.
#[track_caller]
fn differ(bench: &Bench, whole: &[u8], damaged: &[u8], what: &str) {
    let found = compare(bench.folder.path(), whole, damaged).unwrap_or_else(|| unreachable!("{what}: nothing differs"));
    assert!(found.places() > 0, "{what}");
    let found = compare(bench.folder.path(), damaged, whole).unwrap_or_else(|| unreachable!("{what}: nothing differs"));
    assert!(found.places() > 0, "{what}");
}

#[test]
fn every_byte_of_a_small_file() {
    let Some(bench) = Bench::new("comparison of damaged programs") else { return };
    let whole = small(&bench);
    assert!(whole.len() < 32 * 1024, "{} bytes take too long", whole.len());
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            // One byte is told as one thing, or not much more.
            let found = compare(bench.folder.path(), &whole, &damaged).expect("they differ");
            assert!(found.places() > 0, "byte {at:#x} ^ {flip:#x}");
        }
    }
}

#[test]
fn headers_with_strange_numbers() {
    let Some(bench) = Bench::new("comparison of damaged programs") else { return };
    let whole = small(&bench);
    let sections =
        usize::try_from(u64::from_le_bytes(whole[40..48].try_into().expect("it has eight bytes"))).expect("small");
    for at in (0..64 + 56 * 8).chain(sections..whole.len()) {
        for value in [0x00, 0x7f, 0xff] {
            for width in [1, 4, 8] {
                let mut damaged = whole.clone();
                let end = (at + width).min(damaged.len());
                damaged[at..end].fill(value);
                if damaged != whole {
                    differ(&bench, &whole, &damaged, &format!("{width} bytes at {at:#x} = {value:#x}"));
                }
            }
        }
    }
}

#[test]
fn files_that_are_cut_off() {
    let Some(bench) = Bench::new("comparison of damaged programs") else { return };
    let whole = small(&bench);
    let step = (whole.len() / 400).max(1);
    for length in (0..whole.len()).step_by(step).chain(0..128) {
        differ(&bench, &whole, &whole[..length], &format!("{length} bytes"));
    }
    // Two that are cut off are not equal either.
    differ(&bench, &whole[..whole.len() - 1], &whole[..whole.len() - 2], "both are cut off");
}

#[test]
fn a_damaged_program_is_explained_where_it_is_damaged() {
    let Some(bench) = Bench::new("comparison of damaged programs") else { return };
    let whole = bench.compile("a", PROGRAM, &[]);
    let text = bench.show(&whole, &whole[..whole.len() - 1]);
    assert!(text.contains("unreadable Right: ") && text.contains("do not lie within the file"), "{text}");
    // A section that leads out of the file is one of which that is said.
    let mut damaged = whole.clone();
    let table =
        usize::try_from(u64::from_le_bytes(whole[40..48].try_into().expect("it has eight bytes"))).expect("small");
    damaged[table + 64 + 32 + 6] = 1;
    let text = bench.show(&whole, &damaged);
    assert!(text.contains("unreadable Right: ") && text.contains("do not lie within the file"), "{text}");
}
