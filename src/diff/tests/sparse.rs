use super::{facts, have, make};

const POSIX: &str = "--format=posix --pax-option=delete=atime,delete=ctime,exthdr.name=x";

fn archive(format: &str, change: &str) -> Vec<u8> {
    make(&format!(
        "truncate -s 3M f; printf hello | dd of=f bs=1 seek=1000000 conv=notrunc status=none
        for i in 1 2 3 4 5 6 7 8; do printf $i | dd of=f bs=1 seek=$((i * 200000)) conv=notrunc status=none; done
        {change}; touch -d @1700000000 f
        tar {format} --owner=a:1 --group=a:1 -cf out f"
    ))
}

#[test]
fn holes_are_zeros() {
    if !have(&["tar"]) {
        return;
    }
    let formats = ["0.0", "0.1", "1.0"].map(|version| format!("--sparse {POSIX} --sparse-version={version}"));
    for format in formats.iter().map(String::as_str).chain(["--sparse --format=gnu"]) {
        let left = archive(format, "true");
        let change = "printf jello | dd of=f bs=1 seek=1000000 conv=notrunc status=none";
        let facts_of = |right: &[u8]| {
            let mut found = facts(&left, right);
            // It has the number of the process.
            found.retain(|fact| !fact.starts_with("f header name: ./GNUSparseFile."));
            found
        };
        assert_eq!(facts_of(&archive(format, "true")), Vec::<String>::new(), "{format}");
        assert_eq!(facts_of(&archive(format, change)), ["f bytes"], "{format}");
        // Zeros that are stored are no hole any more.
        let found =
            facts(&left, &archive(format, "dd if=/dev/zero of=f bs=1000 seek=2900 count=1 conv=notrunc status=none"));
        assert!(found.iter().any(|fact| fact.starts_with("f sparse map: ")), "{format}: {found:?}");
        assert!(found.iter().all(|fact| !fact.starts_with("f bytes")), "{format}: {found:?}");
        let found = facts(&left, &archive("--format=ustar", "true"));
        assert!(found.iter().all(|fact| fact != "f bytes"), "{format}: {found:?}");
    }
}
