use super::{compare, facts, have, make};

#[test]
fn tar_in_gz_in_tar() {
    if !have(&["tar", "gzip", "xz"]) {
        return;
    }
    let archive = |text: &str, time: u32| {
        make(&format!(
            "mkdir i o; printf '{text}' >i/f; touch -d @{time} i/f
            tar --format=gnu --owner=a:1 --group=a:1 -C i -c f | gzip -n >o/i.tar.gz
            printf x >o/g; touch -d @1700000000 o/*
            tar --format=gnu --owner=a:1 --group=a:1 -C o -c g i.tar.gz | xz >out"
        ))
    };
    let left = archive("one\\n", 1_700_000_000);
    assert_eq!(facts(&left, &archive("one\\n", 1_700_000_000)), Vec::<String>::new());
    assert_eq!(facts(&left, &archive("two\\n", 1_700_000_000)), ["i.tar.gz/f lines"]);
    let found = facts(&left, &archive("one\\n", 1_700_000_001));
    assert_eq!(found, ["i.tar.gz/f mtime: 2023-11-14 22:13:20 | 2023-11-14 22:13:21"]);
}

#[test]
fn deb() {
    if !have(&["dpkg-deb"]) {
        return;
    }
    let deb = |version: &str, text: &str| {
        make(&format!(
            "mkdir -p p/DEBIAN p/usr; chmod 755 p p/*
            printf 'Package: p\\nVersion: {version}\\nArchitecture: all\\nMaintainer: m <m@example.org>\\nDescription: d\\n' \
                >p/DEBIAN/control
            printf '{text}\\n' >p/usr/f
            find p -exec touch -d @1600000000 {{}} +
            SOURCE_DATE_EPOCH=1600000000 dpkg-deb --root-owner-group -b p out.deb; mv out.deb out"
        ))
    };
    let left = deb("1", "a");
    assert_eq!(facts(&left, &deb("1", "a")), Vec::<String>::new());
    assert_eq!(facts(&left, &deb("2", "b")), ["control.tar.xz/control lines", "data.tar.xz/usr/f lines"]);
}

#[test]
fn an_initramfs() {
    if !have(&["cpio", "gzip"]) {
        return;
    }
    let image = |early: &str, late: &str| {
        make(&format!(
            "mkdir e l; printf '{early}' >e/early; printf '{late}' >l/late; touch -d @1700000000 e/* l/*
            (cd e; echo early | cpio --quiet --reproducible -o -H newc -R 0:0) >out
            (cd l; echo late | cpio --quiet --reproducible -o -H newc -R 0:0 | gzip -n) >>out"
        ))
    };
    let mut found = facts(&image("a\\n", "b\\n"), &image("c\\n", "d\\n"));
    found.retain(|fact| !fact.contains(" ino: ") && !fact.contains("dev"));
    assert_eq!(found, ["early lines", "what follows its trailer/late lines"]);
}

#[test]
fn a_commit_in_a_global_header() {
    if !have(&["git"]) {
        return;
    }
    let archive = |message: &str| {
        make(&format!(
            "export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' HOME=$PWD
            export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
            git init -q .; printf x >f; git add f; git commit -qm {message}; git archive HEAD >out"
        ))
    };
    let found = facts(&archive("a"), &archive("b"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("global pax comment: "), "{found:?}");
}

/// A disk image with an MBR that has `partitions`, each a first sector and a number of sectors.
fn disk(partitions: &[(u32, u32)], rest: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 512];
    for (entry, (first, count)) in partitions.iter().enumerate() {
        let at = 446 + 16 * entry;
        image[at + 4] = 0x83;
        image[at + 8..at + 12].copy_from_slice(&first.to_le_bytes());
        image[at + 12..at + 16].copy_from_slice(&count.to_le_bytes());
    }
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    image.extend(rest);
    image
}

/// A disk in whose second sector another one begins, four times, and so on.
fn disks_in_disks(last: u8) -> Vec<u8> {
    let end: Vec<u8> = std::iter::once(last).chain([0; 8191]).collect();
    (0..24_u32).rev().fold(end, |inner, level| {
        let partitions: Vec<(u32, u32)> = (0..4).map(|entry| (1, 40 - level - entry)).collect();
        disk(&partitions, &inner)
    })
}

#[test]
fn what_holds_itself_many_times_has_an_end() {
    let found = compare(&disks_in_disks(1), &disks_in_disks(2)).expect("they differ");
    assert_eq!(found.places(), 1, "the innermost alone: {found:?}");
}

#[test]
fn what_overlaps_is_told_once() {
    let image = |byte: u8| {
        let mut rest = vec![0; 4096];
        rest[2048] = byte;
        disk(&[(1, 4), (2, 4), (7, 1)], &rest)
    };
    let found = compare(&image(1), &image(2)).expect("they differ");
    let names: Vec<&str> = found.inside.iter().map(|inside| inside.name.as_str()).collect();
    assert_eq!(names, ["bytes that nothing refers to"]);
}
