//! What others make of the tables: sfdisk, sgdisk; and of what is in the partitions.

use std::fs::File;

use super::super::error::Error;
use super::super::tests::volume::{Bench, Bytes, meta, noise, sum};
use super::super::tree::{Builder, Kind, Tree};
use super::super::{Window, ext, fat};
use super::{Guid, Layout, MbrEntry, Partition, Place, Table, write};

const MIB: u64 = 1 << 20;

fn partition(number: u8, name: &str, kind: Guid, size: u64) -> Partition {
    let mut id = [number; 16];
    (id[6], id[8]) = (0x80, 0x80);
    Partition { kind, id: Guid(id), name: name.to_owned(), legacy_boot: false, mbr: None, start: None, size }
}

fn disk() -> Layout {
    Layout {
        table: Table::Gpt("01234567-89ab-8def-8123-456789abcdef".parse().expect("a GUID")),
        size: None,
        boot_code: Vec::new(),
        signature: 0,
        partitions: vec![
            partition(1, "bios", Guid::BIOS_BOOT, MIB),
            partition(2, "EFI system", Guid::EFI_SYSTEM, 40 * MIB),
            Partition { legacy_boot: true, ..partition(3, "root 🦀", Guid::LINUX_ROOT_X86_64, 20 * MIB + 1) },
        ],
    }
}

fn with_mbr(mut partition: Partition, kind: u8, active: bool) -> Partition {
    partition.mbr = Some(MbrEntry { kind, active });
    partition
}

fn hybrid() -> Layout {
    let mut layout = disk();
    layout.boot_code = noise(1, 440);
    layout.signature = 0x1234_5678;
    layout.partitions[1] = with_mbr(layout.partitions[1].clone(), 0xef, false);
    layout.partitions[2] = with_mbr(layout.partitions[2].clone(), 0x83, true);
    layout
}

fn plain() -> Layout {
    Layout {
        table: Table::Mbr,
        size: Some(3 << 40),
        signature: 0xcafe_f00d,
        boot_code: vec![0xeb, 0xfe],
        partitions: vec![
            Partition { start: Some(512), ..with_mbr(partition(1, "", Guid::LINUX_DATA, 512), 0xda, false) },
            with_mbr(partition(2, "", Guid::LINUX_DATA, 10 << 30), 0x0c, true),
            with_mbr(partition(3, "", Guid::LINUX_DATA, 1 << 40), 0x83, false),
        ],
    }
}

fn image(bench: &Bench, name: &str, layout: &Layout) -> (File, Vec<Place>) {
    let mut file = bench.file(name);
    let places = write(layout, &mut file).expect("it can be written");
    (file, places)
}

#[test]
fn sfdisk_and_sgdisk_read_what_was_laid_out() {
    let bench = Bench::new();
    for (name, layout, wants) in [
        (
            "gpt",
            disk(),
            &[
                r#""id":"01234567-89AB-8DEF-8123-456789ABCDEF""#,
                r#""firstlba":34"#,
                r#""start":2048,"size":2048,"type":"21686148-6449-6E6F-744E-656564454649""#,
                r#""start":4096,"size":81920,"type":"C12A7328-F81F-11D2-BA4B-00A0C93EC93B","uuid":"02020202-0202-8002-8002-020202020202","name":"EFI system""#,
                r#""start":86016,"size":40961,"type":"4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709""#,
                r#""attrs":"LegacyBIOSBootable""#,
            ][..],
        ),
        ("hybrid", hybrid(), &[r#""label":"gpt""#, r#""start":86016,"size":40961"#]),
        (
            "mbr",
            plain(),
            &[
                r#""label":"dos""#,
                r#""id":"0xcafef00d""#,
                r#""start":1,"size":1,"type":"da""#,
                r#""start":2048,"size":20971520,"type":"c","bootable":true"#,
                r#""start":20973568,"size":2147483648,"type":"83""#,
            ],
        ),
    ] {
        image(&bench, name, &layout);
        let Some((code, said)) = bench.run("sfdisk", &["-J", name]) else { return };
        let said: String =
            said.split_whitespace().collect::<Vec<_>>().join(" ").replace("\": ", "\":").replace(", \"", ",\"");
        for want in wants {
            assert!(code == 0 && said.contains(want), "{name}: no {want} in {said}");
        }
        let (code, said) = bench.run("sfdisk", &["--verify", name]).expect("it is there");
        assert!(code == 0 && said.contains("No errors detected"), "{name}: {said}");
        if layout.table != Table::Mbr {
            let Some((code, said)) = bench.run("sgdisk", &["-v", name]) else { return };
            assert!(code == 0 && said.contains("No problems found"), "{name}: {said}");
            let (_, said) = bench.run("sgdisk", &["-p", name]).expect("it is there");
            assert!(said.contains("EFI system"), "{said}");
        }
    }
    let Some((_, said)) = bench.run("sfdisk", &["-J", "--label-nested", "dos", "hybrid"]) else { return };
    assert!(said.contains("\"type\": \"ef\"") && said.contains("\"type\": \"83\""), "{said}");
}

fn content() -> (Tree, Bytes) {
    let mut bytes = Bytes::default();
    let mut tree = Builder::default();
    tree.folder(b"", meta(0o755, 0, 0, 1_700_000_000)).expect("a new path");
    let content = bytes.add(b"in a partition\n");
    tree.add_other(b"file", meta(0o644, 0, 0, 1_700_000_000), Kind::File(content)).expect("a new path");
    (tree.finish().expect("a tree"), bytes)
}

#[test]
fn partitions_hold_file_systems_and_the_bytes_are_known() {
    let (tree, bytes) = content();
    let bench = Bench::new();
    let known = [disk(), hybrid()].map(|layout| {
        let name = if layout == disk() { "gpt" } else { "hybrid" };
        let (mut file, places) = image(&bench, name, &layout);
        let hidden = (places[1].start / 512) as u32;
        let options = fat::Options {
            size: Some(places[1].size),
            hidden_sectors: hidden,
            width: Some(fat::Width::Fat32),
            ..fat::Options::default()
        };
        let mut window = Window::new(&mut file, places[1].start).expect("a file can seek");
        fat::write(&tree, &bytes, &options, &mut window).expect("it can be written");
        let options = ext::Options { size: Some(places[2].size), ..ext::Options::default() };
        let mut window = Window::new(&mut file, places[2].start).expect("a file can seek");
        ext::write(&tree, &bytes, &options, &mut window).expect("it can be written");
        assert_eq!(file.metadata().expect("it is there").len(), 63 * MIB);
        bench.passes("sfdisk", &["--verify", name]);
        bench.passes("e2fsck", &["-fn", &format!("{name}?offset={}", places[2].start)]);
        if let Some((code, said)) = bench.run("mtype", &["-i", &format!("{name}@@{}", places[1].start), "::file"]) {
            assert_eq!((code, said.as_str()), (0, "in a partition\n"));
        }
        sum(&file)
    });
    assert_eq!(
        known,
        [
            "b75cd9ae30e4863de1cf510b7168341dc9fb1c3b5f9fe24604b66b5c3c948902",
            "4c73798a7e077acc55512f970b29f81c9d9ecdd3c90e1eaa485f0754d9b128a1"
        ]
    );
    let small = Layout { size: Some(64 * MIB), partitions: vec![plain().partitions[0].clone()], ..plain() };
    assert_eq!(
        sum(&image(&bench, "mbr", &small).0),
        "149e35f81939f3535177d533d3bf19037bcc850a644a8677a339149a7c1fcd2b"
    );
}

#[test]
fn what_cannot_be_is_an_error() {
    let told = |change: &dyn Fn(&mut Layout)| {
        let mut layout = hybrid();
        change(&mut layout);
        layout.places().expect_err("it cannot be").to_string()
    };
    let other = || partition(9, "other", Guid::LINUX_DATA, MIB);
    for (want, change) in [
        (
            "partition 4: it overlaps another",
            &(|it: &mut Layout| {
                it.partitions.push(Partition { start: Some(2 * MIB + 512), ..other() });
            }) as &dyn Fn(&mut Layout),
        ),
        ("partition 1: it begins within the table", &|it| it.partitions[0].start = Some(33 * 512)),
        ("partition 1: it does not begin at a whole sector", &|it| it.partitions[0].start = Some(MIB + 1)),
        ("partition 2: it is empty", &|it| it.partitions[1].size = 0),
        ("bytes of the disk: ", &|it| it.partitions[1].size = u64::MAX),
        ("bytes of the disk: 65029120 wanted, at most 65011712", &|it| it.size = Some(62 * MIB)),
        ("partition 1: its name has more than 36", &|it| it.partitions[0].name = "🦀".repeat(19)),
        ("partition 2: its identifier is zero, or another's", &|it| it.partitions[1].id = it.partitions[0].id),
        ("partition 3: its type is that of an unused entry", &|it| it.partitions[2].kind = Guid([0; 16])),
        ("partitions: 129 wanted, at most 128", &|it| {
            it.partitions = (0..129).map(|_| other()).collect();
        }),
        ("option `boot_code`", &|it| it.boot_code.push(0)),
        ("option `size`", &|it| it.size = Some((1 << 30) + 1)),
        ("partition 1: it has no type for an MBR", &|it| it.table = Table::Mbr),
        ("partition 3: another is active", &|it| it.partitions[1] = with_mbr(it.partitions[1].clone(), 0xef, true)),
        ("partition 3: its type is none", &|it| it.partitions[2] = with_mbr(it.partitions[2].clone(), 5, true)),
        ("partition 2: an MBR ends at 2 TiB", &|it| it.partitions[1].size = 2 << 40),
        ("partition 5: a hybrid MBR has three", &|it| {
            it.partitions.extend([3, 4].map(|id| with_mbr(Partition { id: Guid([id; 16]), ..other() }, 0x83, false)));
        }),
    ] {
        let said = told(change);
        assert!(said.starts_with(want), "{want}: {said}");
    }
    for text in [
        "",
        "01234567-89ab-8def-8123-456789abcde",
        "+1234567-89ab-8def-8123-456789abcdef",
        "0123456789ab-8def-8123-456789abcdef-",
    ] {
        assert!(matches!(text.parse::<Guid>(), Err(Error::Option { .. })), "{text}");
    }
    let text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
    assert_eq!(text.parse::<Guid>().expect("a GUID"), Guid::EFI_SYSTEM);
    assert_eq!(Guid::EFI_SYSTEM.to_string(), text);
}
