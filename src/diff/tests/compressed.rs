use super::{facts, have, make};

fn packed(command: &str) -> Vec<u8> {
    make(&format!("seq 1 60000 | sed 's/7/seven/g' >in; touch -d @1700000000 in; {command}"))
}

#[test]
fn the_same_content_compressed_otherwise() {
    for (tool, left, right, fields) in [
        ("gzip", "gzip -n -5 <in >out", "gzip -n -6 <in >out", 0),
        ("gzip", "gzip -n -1 <in >out", "gzip -n -9 <in >out", 1),
        ("gzip", "gzip -n -1 <in >out", "gzip -n -6 <in >out", 1),
        ("bzip2", "bzip2 -1 <in >out", "bzip2 -9 <in >out", 1),
        ("xz", "xz -0 <in >out", "xz -9 <in >out", 1),
        ("xz", "xz -6 <in >out", "xz -6e --lzma2=preset=6,nice=200 <in >out", 0),
        ("zstd", "zstd -q -1 <in >out", "zstd -q -19 <in >out", 1),
        ("zstd", "zstd -q -3 in -o out", "zstd -q -4 in -o out", 0),
    ] {
        if have(&[tool]) {
            let found = facts(&packed(left), &packed(right));
            let packing = found.iter().position(|fact| fact.starts_with("compressed bytes: "));
            let packing = packing.unwrap_or_else(|| panic!("{left} | {right}: {found:?}"));
            assert!(found[packing].ends_with(", the same content compressed otherwise"));
            assert_eq!(found[packing + 1..], ["unseen bytes"], "{left} | {right}");
            assert!(packing >= fields, "{left} | {right}: {found:?}");
        }
    }
}

#[test]
fn headers() {
    const CASES: [(&str, &str, &str, &[&str]); 12] = [
        (
            "gzip",
            "gzip -n -6 <in >out",
            "gzip -6 -k in; mv in.gz out",
            &["MTIME: none | 2023-11-14 22:13:20", "FLG: 0 | 8", "FNAME: - | in"],
        ),
        (
            "gzip",
            "gzip -n <in >out",
            "gzip -n <in >out; head -c 9 /dev/zero >>out",
            &["what follows the last member unseen bytes"],
        ),
        (
            "gzip",
            "gzip -n <in >out",
            "gzip -n <in >out; gzip -n </dev/null >>out",
            &["members: 1 | 2", "compressed bytes", "unseen bytes"],
        ),
        ("xz", "xz --check=crc64 <in >out", "xz --check=sha256 <in >out", &["integrity check: CRC64 | SHA-256"]),
        (
            "xz",
            "xz -6 <in >out",
            "xz --lzma2=preset=6,dict=16MiB <in >out",
            &["filters: LZMA2 with a dictionary of 8388608 bytes | LZMA2 with a dictionary of 16777216 bytes"],
        ),
        ("xz", "xz <in >out", "xz <in >out; head -c 8 /dev/zero >>out", &["padding: - | 8"]),
        (
            "xz",
            "xz -T1 <in >out",
            "xz --block-size=100000 -T1 <in >out",
            &["blocks: 1 | ", "block size: - | 100000", "compressed bytes", "unseen bytes"],
        ),
        ("zstd", "zstd -q <in >out", "zstd -q --no-check <in >out", &["checksum: yes | no"]),
        ("zstd", "zstd -q in -o out", "zstd -q --no-content-size in -o out", &["window: ", "size stated: "]),
        (
            "zstd",
            "zstd -q <in >out",
            "zstd -q <in >out; printf '\\120\\052\\115\\030\\003\\000\\000\\000abc' >>out",
            &["skippable frame after 1 frames unseen bytes"],
        ),
        ("bzip2", "bzip2 <in >out", "bzip2 <in >out; echo x >>out", &["what follows the last member unseen bytes"]),
        (
            "bzip2",
            "bzip2 <in >out",
            "bzip2 <in >out; bzip2 -1 </dev/null >>out",
            &["members: 1 | 2", "member 2 block size: - | 100 kB", "compressed bytes", "unseen bytes"],
        ),
    ];
    for (tool, left, right, want) in CASES {
        if have(&[tool]) {
            let found = facts(&packed(left), &packed(right));
            let equal =
                found.len() == want.len() && found.iter().zip(want).all(|(found, want)| found.starts_with(want));
            assert!(equal, "{left} | {right}: {found:?}");
        }
    }
}

#[test]
fn content_and_header() {
    if have(&["gzip", "xz", "zstd", "bzip2"]) {
        for tool in ["gzip -n", "xz", "zstd -q", "bzip2"] {
            let right = format!("sed s/seven/Seven/ in | {tool} >out");
            let found = facts(&packed(&format!("{tool} <in >out")), &packed(&right));
            assert_eq!(found.last().map(String::as_str), Some("lines"), "{tool}: {found:?}");
            assert!(found.iter().all(|fact| !fact.starts_with("compressed bytes")), "{tool}: {found:?}");
        }
        let found = facts(&packed("gzip -n <in >out"), &packed("xz <in >out"));
        assert_eq!(found[0], "kind: gzip | xz");
        assert!(found.iter().all(|fact| !fact.starts_with("compressed bytes")), "{found:?}");
    }
}
