//! Images that xorriso, libarchive and partitioning tools read.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use super::*;
use crate::image::tests::archive::{
    Memory, TIME, expected, may_extract, meta, noise, same, sample, seen, timeless, tool,
};
use crate::image::{Attributes, Builder, Contents, Error, Kind, Meta, Problem, Tree};

fn options() -> Options {
    Options {
        volume: "Sample 1.0".into(),
        system: "LINUX".into(),
        publisher: "Somebody".into(),
        preparer: "repro".into(),
        application: "Test".into(),
        time: TIME,
        ..Options::default()
    }
}

fn bytes(tree: &Tree, memory: &Memory, options: &Options) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let begins = write(tree, memory, options, &mut out).expect("it can be written");
    for (inode, begin) in tree.inodes.iter().zip(begins) {
        // What is told of the disc stands in what a BIOS boots.
        let is_told = options.bios.as_ref().is_some_and(|bios| bios.path == inode.path);
        if let Kind::File(content) = &inode.kind
            && !is_told
        {
            assert!(out.get_ref()[begin as usize..].starts_with(&memory.0[content]), "{:?}", inode.path);
        }
    }
    out.into_inner()
}

/// A small tree with a loader, and options that boot it either way.
fn bootable() -> (Tree, Memory, Options) {
    let (mut builder, mut memory) = (Builder::default(), Memory::default());
    builder.folder(b"", meta(0o755)).expect("it is new");
    builder.folder(b"boot", meta(0o755)).expect("it is new");
    builder.add_other(b"boot/loader.bin", meta(0o644), memory.file(&noise(5003))).expect("it is new");
    builder.add_other(b"boot/linux", meta(0o644), memory.file(&noise(4096))).expect("it is new");
    let tree = builder.finish().expect("a whole tree");
    let Kind::File(efi) = memory.file(&noise(100_000)) else { unreachable!("it is a file") };
    let partitions = [tree.identifier("data"), tree.identifier("efi")];
    let options = Options {
        bios: Some(Bios { path: b"boot/loader.bin".to_vec(), sectors: 4, info: Info::Grub }),
        efi: Some(efi),
        hybrid: Some(Hybrid {
            table: Table::Gpt { disk: tree.identifier("disk"), partitions },
            code: vec![0xf4; 400],
            address: Address::Grub,
        }),
        padding: true,
        ..options()
    };
    (tree, memory, options)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn place() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn xorriso(place: &Path, args: &[&str]) -> Option<String> {
    let all = [["-abort_on", "WARNING", "-return_with", "WARNING", "32"].as_slice(), args].concat();
    tool(place, "xorriso", &all, None)
}

#[test]
fn two_tools_extract_what_went_in() {
    if !may_extract("the extraction of ISO 9660 images") {
        return;
    }
    let (tree, memory) = sample(200);
    let place = place();
    let image = bytes(&tree, &memory, &options());
    assert_eq!(image.len() % 2048, 0);
    fs::write(place.path().join("a.iso"), image).expect("it can be written");
    let args = ["-hardlinks", "on", "-osirrox", "on:device_files", "-indev", "a.iso", "-extract", "/", "xorriso"];
    if xorriso(place.path(), &args).is_some() {
        same(&timeless(seen(&place.path().join("xorriso"))), &timeless(expected(&tree)));
    }
    fs::create_dir(place.path().join("bsdtar")).expect("a new folder");
    let args = ["-x", "-p", "--numeric-owner", "-C", "bsdtar", "-f", "a.iso"];
    if tool(place.path(), "bsdtar", &args, None).is_some() {
        // It sees links of files only.
        let alone = |line: String| line.replace(" *2 c ", " *1 c ");
        let expected: Vec<String> = timeless(expected(&tree)).into_iter().map(alone).collect();
        same(&timeless(seen(&place.path().join("bsdtar"))), &expected);
    }
}

#[test]
fn descriptors_say_what_the_options_say() {
    let (tree, memory) = sample(100);
    let place = place();
    fs::write(place.path().join("a.iso"), bytes(&tree, &memory, &options())).expect("it can be written");
    let Some(said) = xorriso(place.path(), &["-indev", "a.iso", "-pvd_info"]) else { return };
    for line in [
        "Volume Id    : Sample 1.0",
        "Publisher Id : Somebody",
        "Preparer Id  : repro",
        "App Id       : Test",
        "System Id    : LINUX",
        "Creation Time: 2023111422132000",
        "Modif. Time  : 2023111422132000",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn joliet_has_the_same_files_under_its_own_names() {
    let (mut builder, mut memory) = (Builder::default(), Memory::default());
    builder.folder(b"", meta(0o755)).expect("it is new");
    builder.folder("Ordner mit Umlaut ä".as_bytes(), meta(0o755)).expect("it is new");
    let long = format!("Ordner mit Umlaut ä/{}", "x".repeat(64));
    builder.add_other(long.as_bytes(), meta(0o644), memory.file(b"long")).expect("it is new");
    builder.add_other("日本語.txt".as_bytes(), meta(0o644), memory.file(&noise(3000))).expect("it is new");
    builder.add_other(b"link", meta(0o777), Kind::Symlink(b"x".to_vec())).expect("it is new");
    let tree = builder.finish().expect("a whole tree");
    let place = place();
    let image = bytes(&tree, &memory, &Options { joliet: Joliet::Standard, ..options() });
    fs::write(place.path().join("a.iso"), image).expect("it can be written");
    fs::create_dir(place.path().join("out")).expect("a new folder");
    let args = ["-x", "--options", "iso9660:!rockridge", "-C", "out", "-f", "a.iso"];
    if tool(place.path(), "bsdtar", &args, None).is_some() {
        let lines = seen(&place.path().join("out"));
        let rest =
            |line: &String| line.split(' ').filter(|word| word.contains('/')).map(str::to_owned).collect::<String>();
        let found: Vec<_> = lines.iter().map(rest).collect();
        let wanted = expected(&tree);
        let wanted: Vec<_> = wanted.iter().filter(|line| !line.starts_with("link")).map(rest).collect();
        assert_eq!(found, wanted);
    }
    if let Some(said) =
        xorriso(place.path(), &["-read_fs", "nojoliet", "-indev", "a.iso", "-find", "/", "-exec", "lsdl"])
    {
        assert!(said.contains("'/link' -> 'x'"), "{said}");
    }
}

#[test]
fn names_that_joliet_cannot_have_are_errors() {
    let problem = |name: &[u8], joliet| {
        let mut builder = Builder::default();
        builder.folder(b"", meta(0o755)).expect("it is new");
        builder.folder(name, meta(0o755)).expect("it is new");
        let tree = builder.finish().expect("a whole tree");
        let mut out = Cursor::new(Vec::new());
        match write(&tree, &Memory::default(), &Options { joliet, ..options() }, &mut out) {
            Ok(_) => None,
            Err(Error::Entry { problem, .. }) => Some(problem),
            Err(other) => panic!("{other}"),
        }
    };
    for name in [b"a:b".as_slice(), b"a\x01", b"\xff", "\u{1f600}".as_bytes(), b"a*", b"a\\b"] {
        let said = problem(name, Joliet::Standard);
        assert!(matches!(said, Some(Problem::Unsupported { .. })), "{name:?}: {said:?}");
        assert_eq!(problem(name, Joliet::No), None);
    }
    let long = [b'x'; 104];
    assert_eq!(problem(&long[..64], Joliet::Standard), None);
    let most = 64;
    let too_long = Some(Problem::TooLarge { what: "a Joliet name of", value: 65, most });
    assert_eq!(problem(&long[..65], Joliet::Standard), too_long);
    assert_eq!(problem(&long[..103], Joliet::Long), None);
    assert!(problem(&long, Joliet::Long).is_some());
}

#[test]
fn names_become_plain_and_stay_different() {
    let mut tree = Builder::default();
    tree.folder(b"", meta(0o755)).expect("it is new");
    for name in [b"readme.txt".as_slice(), b"README.TXT", b"read-me.txt", b"read+me.txt", b".hidden", b"a.b.tar.gz"] {
        tree.add_other(name, meta(0o644), Kind::Fifo).expect("it is new");
    }
    tree.add_other(&[b'n'; 40], meta(0o644), Kind::Fifo).expect("it is new");
    tree.add_other(&[b'n'; 41], meta(0o644), Kind::Fifo).expect("it is new");
    tree.folder(b"both", meta(0o755)).expect("it is new");
    tree.add_other(b"BOTH", meta(0o644), Kind::Fifo).expect("it is new");
    tree.folder(b"lib.d", meta(0o755)).expect("it is new");
    let tree = tree.finish().expect("a whole tree");
    let Kind::Folder(entries) = &tree.inodes[0].kind else { panic!("the root is a folder") };
    let names = name::plain(&tree, entries);
    let names: Vec<_> = names.iter().map(|child| String::from_utf8_lossy(&child.identifier).into_owned()).collect();
    let long = "N".repeat(30);
    let expected = [
        "A_B_TAR.GZ;1",
        "BOTH.;1",
        "BOTH_1",
        "LIB_D",
        &format!("{long}.;1"),
        &format!("{}_1.;1", &long[..28]),
        "README.TXT;1",
        "README_1.TXT;1",
        "READ_ME.TXT;1",
        "READ_ME_1.TXT;1",
        "_HIDDEN.;1",
    ];
    assert_eq!(names, expected);
}

#[test]
fn it_boots_from_disc_and_from_disk() {
    let (tree, memory, options) = bootable();
    let image = bytes(&tree, &memory, &options);
    let place = place();
    fs::write(place.path().join("a.iso"), &image).expect("it can be written");

    // The catalog, and what the loader is told.
    let catalog = number(&image, 17 * 2048 + 71) as usize * 2048;
    let loader = number(&image, catalog + 32 + 8);
    let at = loader as usize * 2048;
    let told: Vec<u32> = (0..4).map(|field| number(&image, at + 8 + 4 * field)).collect();
    let mut words = image[at + 64..at + 5003].to_vec();
    words.resize(words.len().next_multiple_of(4), 0);
    let sum = words.chunks(4).fold(0_u32, |sum, word| sum.wrapping_add(number(word, 0)));
    assert_eq!(told, [16, loader, 5003, sum]);
    assert_eq!(number(&image, at + 2548), loader * 4 + 5);
    assert_eq!(number(&image, 432), loader * 4 + 4);
    assert_eq!(&image[at + 64..at + 2548], &noise(5003)[64..2548]);
    let efi = number(&image, catalog + 96 + 8) as usize * 2048;
    assert_eq!(&image[efi..efi + 100_000], noise(100_000));

    let args = ["-indev", "a.iso", "-report_el_torito", "plain", "-report_system_area", "plain"];
    if let Some(said) = xorriso(place.path(), &args) {
        let lines: Vec<String> =
            said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let has = |start: &str| assert!(lines.iter().any(|line| line.starts_with(start)), "{start}: {said}");
        has(&format!("El Torito boot img : 1 BIOS y none 0x0000 0x00 4 {loader}"));
        has(&format!("El Torito boot img : 2 UEFI y none 0x0000 0x00 196 {}", efi / 2048));
        has("El Torito img path : 1 /boot/loader.bin");
        has("El Torito img opts : 1 boot-info-table grub2-boot-info");
        has("System area summary: MBR protective-msdos-label grub2-mbr cyl-align-off GPT");
        has("GPT partition name : 2 4500460049002000730079007300740065006d00");
        has("GPT type GUID : 2 28732ac11ff8d211ba4b00a0c93ec93b");
        has(&format!("GPT start and size : 2 {} 196", efi / 512));
    }
    if let Some(said) = tool(place.path(), "sgdisk", &["-v", "a.iso"], None) {
        assert!(said.contains("No problems found"), "{said}");
    }
    if let Some(said) = tool(place.path(), "sfdisk", &["--verify", "a.iso"], None) {
        assert!(said.contains("No errors detected"), "{said}");
    }
}

#[test]
fn an_mbr_alone_will_do() {
    let (tree, memory, mut options) = bootable();
    options.hybrid =
        Some(Hybrid { table: Table::Mbr { disk: 0x1234_5678 }, code: vec![0xf4; 432], address: Address::Isolinux });
    options.bios = options.bios.map(|bios| Bios { info: Info::Table, ..bios });
    let image = bytes(&tree, &memory, &options);
    let place = place();
    fs::write(place.path().join("a.iso"), &image).expect("it can be written");
    if let Some(said) = tool(place.path(), "sfdisk", &["--dump", "a.iso"], None) {
        let size = image.len() / 512;
        assert!(said.contains("label-id: 0x12345678"), "{said}");
        for (start, size, rest) in [("0", size, "type=17, bootable"), ("", 196, "type=ef")] {
            let found = said.lines().any(|line| {
                let line = line.replace(' ', "");
                line.contains(&format!("start={start}"))
                    && line.contains(&format!("size={size},{}", rest.replace(' ', "")))
            });
            assert!(found, "{rest}: {said}");
        }
    }
    if let Some(said) = xorriso(place.path(), &["-indev", "a.iso", "-report_system_area", "plain"]) {
        let lines: Vec<String> =
            said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(lines.contains(&format!("MBR partition : 1 0x80 0x17 0 {}", image.len() / 512)), "{said}");
    }
}

#[test]
fn a_firmware_alone_is_the_default() {
    let (tree, memory, options) = bootable();
    let image = bytes(&tree, &memory, &Options { bios: None, hybrid: None, ..options });
    let place = place();
    fs::write(place.path().join("a.iso"), &image).expect("it can be written");
    if let Some(said) = xorriso(place.path(), &["-indev", "a.iso", "-report_el_torito", "plain"]) {
        assert!(said.contains("El Torito boot img :   1  UEFI  y"), "{said}");
    }
    assert!(image[..16 * 2048].iter().all(|byte| *byte == 0));
}

/// So many zeros for whoever asks.
struct Zeros(u64);

impl Contents for Zeros {
    fn open(&self, _: &Digest) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(std::io::repeat(0).take(self.0)))
    }
}

/// A file in which zeros are holes.
struct Sparse(fs::File);

impl std::io::Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.iter().any(|byte| *byte != 0) {
            return self.0.write(bytes);
        }
        let at = std::io::Seek::seek(&mut self.0, std::io::SeekFrom::Current(bytes.len() as i64))?;
        let length = self.0.metadata()?.len();
        self.0.set_len(length.max(at))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for Sparse {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn files_over_four_gibibytes_have_several_extents() {
    let size = (4_u64 << 30) + 5;
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755)).expect("it is new");
    let content = Digest { size, ..Digest::of(b"large") };
    builder.add_other(b"a-large-file", meta(0o644), Kind::File(content)).expect("it is new");
    let tree = builder.finish().expect("a whole tree");
    let place = place();
    let mut out = Sparse(fs::File::create(place.path().join("a.iso")).expect("a new file"));
    write(&tree, &Zeros(size), &options(), &mut out).expect("it can be written");
    drop(out);
    let length = fs::metadata(place.path().join("a.iso")).expect("it was made").len();
    assert_eq!(length % 2048, 0);
    if let Some(said) = xorriso(place.path(), &["-indev", "a.iso", "-find", "/", "-exec", "report_lba"]) {
        let extents = said.lines().filter(|line| line.starts_with("File data lba:") && line.contains("a-large-file"));
        assert_eq!(extents.count(), 2, "{said}");
        assert!(said.contains(&format!("{size} , '/a-large-file'")), "{said}");
    }
    if let Some(said) = tool(place.path(), "bsdtar", &["-tvf", "a.iso"], None) {
        assert!(said.contains(&size.to_string()), "{said}");
    }
}

#[test]
fn long_names_and_targets_continue_elsewhere() {
    let (mut builder, memory) = (Builder::default(), Memory::default());
    builder.folder(b"", meta(0o755)).expect("it is new");
    // Lengths around which one more entry, area or block is needed; without slashes, or with many.
    let mut targets: Vec<Vec<u8>> = (100..700).step_by(7).map(|length| vec![b'x'; length]).collect();
    targets.extend((1900..4095).step_by(133).map(|length| vec![b'y'; length]));
    targets.extend((240..260).map(|length| vec![b'z'; length]));
    targets.extend((1..60).map(|count| format!("/usr{}", "/../abc".repeat(count)).into_bytes()));
    targets.extend(["//", "/..", "/.", ".", "..", "a//b/", "//a", "/a/"].map(|text| text.as_bytes().to_vec()));
    targets.push(vec![b'/'; 120]);
    for (at, target) in targets.iter().enumerate() {
        let name = format!("{at:03}{}", "n".repeat(at % 250));
        builder.add_other(name.as_bytes(), meta(0o777), Kind::Symlink(target.clone())).expect("it is new");
    }
    let tree = builder.finish().expect("a whole tree");
    let place = place();
    fs::write(place.path().join("a.iso"), bytes(&tree, &memory, &options())).expect("it can be written");
    fs::create_dir(place.path().join("out")).expect("a new folder");
    if may_extract("the extraction of ISO 9660 images")
        && tool(place.path(), "bsdtar", &["-x", "-p", "-C", "out", "-f", "a.iso"], None).is_some()
    {
        same(&timeless(seen(&place.path().join("out"))), &timeless(expected(&tree)));
    }
}

#[test]
fn golden() {
    let (tree, memory) = sample(200);
    let (small, contents, all) = bootable();
    let digests = || {
        [bytes(&tree, &memory, &options()), bytes(&small, &contents, &all)].map(|image| Digest::of(&image).to_string())
    };
    assert_eq!(digests(), digests());
    let golden = [
        "e50b636c5bf759b569a6958094afed4a36bf5382e213c25b2e240972db0e5be4/544768",
        "50609ebffee807abdb25f6bf57faa24eb0afebb331feb59d098aeee8b9bf78ac/487424",
    ];
    assert_eq!(digests(), golden);
}

#[test]
fn what_is_not_possible_is_an_error() {
    let written = |change: &dyn Fn(&mut Options)| {
        let (tree, memory, mut options) = bootable();
        change(&mut options);
        match write(&tree, &memory, &options, &mut Cursor::new(Vec::new())) {
            Ok(_) => "",
            Err(Error::Option { option, .. }) => option,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(written(&|_| {}), "");
    assert_eq!(written(&|options| options.volume.clear()), "volume");
    assert_eq!(written(&|options| options.volume = "x".repeat(33)), "volume");
    assert_eq!(written(&|options| options.application = "ä".into()), "application");
    assert_eq!(written(&|options| options.publisher = "x".repeat(129)), "publisher");
    assert_eq!(written(&|options| options.efi = Some(Digest::of(b""))), "efi");
    let bios = |path: &'static [u8], info| {
        move |options: &mut Options| options.bios = Some(Bios { path: path.to_vec(), sectors: 4, info })
    };
    assert_eq!(written(&bios(b"boot", Info::None)), "bios");
    assert_eq!(written(&bios(b"no", Info::None)), "bios");
    assert_eq!(written(&|options| options.bios = None), "hybrid");
    let code = |length| move |options: &mut Options| options.hybrid.as_mut().expect("it is").code = vec![1; length];
    assert_eq!(written(&code(432)), "");
    assert_eq!(written(&code(433)), "hybrid");
    assert_eq!(written(&code(441)), "hybrid");

    let problem = |name: &[u8], meta: Meta, kind: Kind| {
        let mut builder = Builder::default();
        builder.folder(b"", self::meta(0o755)).expect("it is new");
        builder.add_other(name, meta, kind).expect("it is new");
        let tree = builder.finish().expect("a whole tree");
        match write(&tree, &Memory::default(), &options(), &mut Cursor::new(Vec::new())) {
            Err(Error::Entry { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    };
    let most = 253;
    let too_long = Problem::TooLarge { what: "a name of", value: 254, most };
    assert_eq!(problem(&[b'n'; 254], meta(0o644), Kind::Fifo), too_long);
    assert!(matches!(problem(b"x", meta(0o644), Kind::Character(0, 256)), Problem::Unsupported { .. }));
    assert!(matches!(problem(b"x", meta(0o644), Kind::Block(4096, 0)), Problem::TooLarge { .. }));
    let attributes: Attributes = [(b"user.a".to_vec(), Vec::new())].into();
    let with = Meta { attributes, ..meta(0o644) };
    assert_eq!(problem(b"x", with, Kind::Fifo), Problem::Unsupported { what: "extended attributes" });
    let huge = Kind::File(Digest { size: u64::MAX, ..Digest::of(b"") });
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755)).expect("it is new");
    builder.add_other(b"x", meta(0o644), huge).expect("it is new");
    let tree = builder.finish().expect("a whole tree");
    let wrong = write(&tree, &Memory::default(), &options(), &mut Cursor::new(Vec::new()));
    assert!(matches!(wrong, Err(Error::TooMuch { .. })), "{wrong:?}");
}
