//! The boot code here is made byte by byte after the description in `stages/bootcode`.

use super::*;

fn mbr() -> Vec<u8> {
    let mut mbr = vec![0x90; 512];
    mbr[424..440].copy_from_slice(&[16, 0, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    mbr
}

fn loader() -> Vec<u8> {
    let mut loader = vec![0; 8192];
    loader[..16].fill(0x90);
    loader[16..24].copy_from_slice(b"repro-bl");
    loader[24..28].copy_from_slice(&[1, 0, 252, 0]);
    loader[4096..].fill(0x90);
    loader
}

fn disc() -> Vec<u8> {
    let mut disc = vec![0x90; 2048];
    disc[8..64].fill(0);
    disc.extend(loader());
    disc
}

const fn extent(first: u64, sectors: u32) -> Extent {
    Extent { first, sectors }
}

fn message(result: Result<impl std::fmt::Debug, Error>) -> String {
    result.expect_err("this must be refused").to_string()
}

const KERNEL: Placed<'_> = Placed { extents: &[extent(0x1_2345_6789, 2), extent(100, 3)], size: 2049 };
const INITRAMFS: Placed<'_> = Placed { extents: &[extent(200, 0x0102)], size: 0x0001_0203 };

#[test]
fn the_first_sector_names_the_loader() {
    let mut sector = mbr();
    patch_mbr(&mut sector, 0x0102_0304_0506_0708, 16).expect("patches");
    assert_eq!(sector[424..440], [16, 0, 16, 0, 0, 0x90, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]);
    let (mut before, mut after) = (mbr(), sector.clone());
    before.drain(424..440);
    after.drain(424..440);
    assert_eq!(before, after);
    // Another image from the same sector.
    patch_mbr(&mut sector[..440], 40, 17).expect("patches");
    assert_eq!(sector[424..440], [16, 0, 17, 0, 0, 0x90, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn other_first_sectors_are_refused() {
    for bad in [&mut vec![0; 512], &mut mbr()[..439].to_vec(), &mut Vec::new()] {
        assert_eq!(message(patch_mbr(bad, 1, 16)), "option `mbr`: this is not the first part of the boot code");
    }
    for sectors in [0, 57, u16::MAX] {
        assert!(message(patch_mbr(&mut mbr(), 1, sectors)).ends_with("at most 56"));
    }
}

#[test]
fn the_loader_gets_its_list() {
    let patched = patch_loader(&loader(), KERNEL, INITRAMFS, "quiet panic=1").expect("patches");
    let mut expected = loader();
    expected[28..40].copy_from_slice(&[2, 0, 1, 0, 1, 8, 0, 0, 3, 2, 1, 0]);
    expected[48..61].copy_from_slice(b"quiet panic=1");
    expected[1072..1084].copy_from_slice(&[0x89, 0x67, 0x45, 0x23, 1, 0, 0, 0, 2, 0, 0, 0]);
    expected[1084..1096].copy_from_slice(&[100, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    expected[1096..1108].copy_from_slice(&[200, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0]);
    assert_eq!(patched, expected);
}

#[test]
fn nothing_is_left_of_an_earlier_list() {
    let earlier = patch_loader(&loader(), KERNEL, INITRAMFS, "a long command line").expect("patches");
    let small = Placed { extents: &[extent(8, 1)], size: 1 };
    let patched = patch_loader(&earlier, small, Placed::NONE, "").expect("patches");
    assert_eq!(patched, patch_loader(&loader(), small, Placed::NONE, "").expect("patches"));
}

#[test]
fn a_list_as_long_as_there_is_room() {
    let extents: Vec<Extent> = (1..=252).map(|at| extent(at * 2, 1)).collect();
    let kernel = Placed { extents: &extents, size: 252 * 512 };
    let patched = patch_loader(&loader(), kernel, Placed::NONE, &"x".repeat(1023)).expect("patches");
    assert_eq!(patched[1070..1072], [b'x', 0]);
    assert_eq!(patched[4084..4096], [248, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(patched[4096..], loader()[4096..]);

    let more = message(patch_loader(&loader(), kernel, INITRAMFS, ""));
    assert_eq!(more, "pieces that kernel and initramfs lie in: 253 wanted, at most 252");
    let longer = message(patch_loader(&loader(), kernel, Placed::NONE, &"x".repeat(1024)));
    assert_eq!(longer, "bytes of the command line: 1024 wanted, at most 1023");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let try_kernel =
        |extents: &[Extent], size| message(patch_loader(&loader(), Placed { extents, size }, INITRAMFS, ""));
    let short = "option `kernel`: the extents do not hold the file";
    assert_eq!(try_kernel(&[extent(8, 2)], 1025), short);
    assert_eq!(try_kernel(&[], 1), short);
    assert_eq!(try_kernel(&[extent(8, 2)], 0), short);
    assert_eq!(try_kernel(&[], 0), "option `kernel`: it is empty");
    let bad = "option `kernel`: an extent is empty, or ends beyond what 64 bits count";
    assert_eq!(try_kernel(&[extent(8, 0)], 0), bad);
    assert_eq!(try_kernel(&[extent(u64::MAX, 1)], 512), bad);
    let large = try_kernel(&[extent(8, u32::MAX)], 1 << 32);
    assert_eq!(large, "a file that is booted: 4294967296 wanted, at most 4294967295");
    let zero = message(patch_loader(&loader(), KERNEL, INITRAMFS, "a\0b"));
    assert_eq!(zero, "option `command line`: a zero byte would end it");
}

#[test]
fn other_loaders_are_refused() {
    let try_loader = |loader: &[u8]| message(patch_loader(loader, KERNEL, INITRAMFS, ""));
    for none in [&[][..], &[0; 4096], &loader()[..23], &disc()[..2048 + 23], &mbr()] {
        assert_eq!(try_loader(none), "option `loader`: this is no boot loader");
    }
    for at in [24, 4095] {
        let short = if at == 24 { "its header has another version" } else { "it is shorter than its header says" };
        assert_eq!(try_loader(&loader()[..at]), format!("option `loader`: {short}"));
    }
    let mut newer = loader();
    newer[24] = 2;
    assert_eq!(try_loader(&newer), "option `loader`: its header has another version");
    let mut roomy = loader();
    roomy[26..28].fill(0xff);
    assert_eq!(try_loader(&roomy), "option `loader`: it is shorter than its header says");
}

#[test]
fn a_disc_has_the_same_loader_behind_its_first_part() {
    let kernel = Placed { extents: &[extent(400, 8), extent(44, 3)], size: 5500 };
    let initramfs = Placed { extents: &[extent(48, 1)], size: 1 };
    let mut patched = patch_loader(&disc(), kernel, initramfs, "x").expect("patches");
    assert_eq!(patched[..2048], disc()[..2048]);
    assert_eq!(patched[2048..], patch_loader(&loader(), kernel, initramfs, "x").expect("patches"));

    patch_disc(&mut patched, 0x0102_0304).expect("patches");
    assert_eq!(patched[8..20], [16, 0, 0, 0, 4, 3, 2, 1, 0, 0x28, 0, 0]);
    let words = patched[64..].chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    assert_eq!(patched[20..24], words.fold(0, u32::wrapping_add).to_le_bytes());
    assert!(patched[24..64].iter().all(|byte| *byte == 0));
}

#[test]
fn extents_of_a_disc_are_of_its_sectors() {
    let bad = "option `initramfs`: an extent does not begin and end with a sector of the disc";
    let kernel = Placed { extents: &[extent(400, 8)], size: 4000 };
    for extents in [&[extent(401, 4)][..], &[extent(400, 3), extent(404, 4)]] {
        let initramfs = Placed { extents, size: 700 };
        assert_eq!(message(patch_loader(&disc(), kernel, initramfs, "")), bad);
        patch_loader(&loader(), kernel, initramfs, "").expect("a disk has smaller sectors");
    }
}

#[test]
fn only_boot_code_for_a_disc_has_the_table() {
    for bad in [&mut loader(), &mut mbr(), &mut Vec::new()] {
        assert_eq!(message(patch_disc(bad, 1)), "option `cd`: this is not boot code for a disc");
    }
}

/// The numbers here and in the assembly are one thing written twice.
#[test]
fn the_source_has_the_same_layout() {
    let (start, loader) =
        (include_str!("../../stages/bootcode/start.s"), include_str!("../../stages/bootcode/loader.s"));
    let layout = include_str!("../../stages/bootcode/layout.s");
    let has = |text: &str, words: &str| text.lines().any(|line| line.split_whitespace().eq(words.split_whitespace()));
    let wanted = [
        (start, format!(".org {PACKET}")),
        (layout, format!(".set LOADER, {LOADER_ADDRESS:#x}")),
        (layout, format!(".set MAGIC_AT, {}", MAGIC.0)),
        (loader, format!(".word {}", VERSION.1)),
        (loader, format!(".org {COMMAND_LINE}")),
        (loader, format!(".org {EXTENTS}")),
        (start, format!(".org {TABLE_END}")),
    ];
    for (text, words) in wanted {
        assert!(has(text, &words), "{words}");
    }
    let magic = |name, at: usize| {
        let word = u32::from_le_bytes(get(MAGIC.1, at).expect("eight bytes"));
        layout.lines().any(|line| line.contains(name) && line.contains(&format!("{word:#x}")))
    };
    assert!(magic("MAGIC_LOW", 0) && magic("MAGIC_HIGH", 4));
}
