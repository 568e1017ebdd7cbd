//! Archives with a bit flipped, or cut off: something is always said of them, and nothing panics.

use super::{AGE, Fact, TREE, compare, have, make};

const ARCHIVES: [(&str, &[&str], &str); 14] = [
    ("v7", &["tar"], "tar --format=v7 --sort=name -C t -cf out ."),
    ("ustar", &["tar"], "tar --format=ustar --sort=name -C t -cf out ."),
    ("gnu", &["tar"], "tar --format=gnu --incremental --sort=name -C t -cf out ."),
    ("pax", &["tar"], "tar --format=posix --sort=name -C t -cf out ."),
    ("sparse", &["tar"], "truncate -s 100k t/s; printf x >>t/s; tar --format=gnu --sparse -C t -cf out ."),
    ("sparse pax", &["tar"], "truncate -s 100k t/s; printf x >>t/s; tar --format=posix --sparse -C t -cf out ."),
    ("newc", &["cpio"], "cd t; find . | cpio --quiet -o -H newc >../out"),
    ("crc", &["cpio"], "cd t; find . | cpio --quiet -o -H crc >../out"),
    ("odc", &["cpio"], "cd t; find . | cpio --quiet -o -H odc >../out"),
    ("ar", &["ar"], "cp t/d/a t/d/a_rather_long_name; ar rcU out t/d/a_rather_long_name t/d/b"),
    ("zip", &["zip"], "seq 1 100 >t/n; cd t; zip -qry ../out.zip .; mv ../out.zip ../out"),
    ("gzip", &["gzip"], "seq 1 100 >s; gzip s; mv s.gz out"),
    ("xz", &["xz"], "seq 1 100 | xz >out"),
    ("zstd", &["zstd"], "seq 1 100 >s; zstd -q s -o out"),
];

fn archives() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let made = ARCHIVES.iter().filter(|(_, tools, _)| have(tools));
    made.map(|(name, _, script)| {
        // Long names need headers of their own.
        let long = if name.contains("v7") || name.contains("ustar") { 20 } else { 120 };
        let more = format!("echo x >t/{}", "n".repeat(long));
        (*name, make(&format!("{TREE}\n{more}\n{AGE}\n{script}")))
    })
}

#[test]
fn a_flipped_bit_is_never_overlooked() {
    for (name, archive) in archives() {
        // Half of the flips where something is, as most of a small tar archive is zeros.
        let used: Vec<usize> = (0..archive.len()).filter(|at| archive[*at] != 0).collect();
        for step in 0..400_usize {
            let number = step.wrapping_mul(2_654_435_761) >> 7;
            let at = if step % 2 == 0 { used[number % used.len()] } else { number % archive.len() };
            let mut flipped = archive.clone();
            flipped[at] ^= 1 << (step / 2 % 8);
            let found = compare(&archive, &flipped).unwrap_or_else(|| panic!("{name}: byte {at} is overlooked"));
            let known = found.facts.iter().any(|fact| matches!(fact, Fact::Unreadable { .. } | Fact::Kind { .. }));
            let bytes = found.facts.iter().any(|fact| matches!(fact, Fact::Bytes { metadata: false, .. }));
            assert!(known || !bytes, "{name}: bit {} of byte {at} is seen as a byte only", step / 2 % 8);
        }
    }
}

#[test]
fn what_is_cut_off_is_never_overlooked() {
    for (name, archive) in archives() {
        for step in 0..200 {
            let length = archive.len() * step / 200;
            assert!(compare(&archive, &archive[..length]).is_some(), "{name}: cut off at {length}");
        }
    }
}

#[test]
fn numbers_that_are_much_too_large_do_no_harm() {
    for (name, archive) in archives() {
        for step in 0..300_usize {
            let at = (step.wrapping_mul(2_654_435_761) >> 7) % archive.len();
            let mut changed = archive.clone();
            let end = (at + 8).min(changed.len());
            changed[at..end].fill([0xff, 0, b'7', b'f'][step % 4]);
            if changed != archive {
                assert!(compare(&archive, &changed).is_some(), "{name}: bytes at {at}");
            }
        }
    }
}
