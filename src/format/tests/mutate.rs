//! Bytes of all kinds: never a panic, never a hang, never a name that leads out.

use proptest::prelude::*;

use super::make::*;
use super::*;

/// A sink that fails the test when a promise to sinks is broken.
#[derive(Default)]
struct Strict {
    seen: std::collections::BTreeMap<String, char>,
}

impl Strict {
    fn take(&mut self, path: &str, kind: char) {
        assert!(!path.is_empty() && !path.starts_with('/') && path.len() <= 4096, "{path:?}");
        assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0')), "{path:?}");
        if let Some((parent, _)) = path.rsplit_once('/') {
            assert_eq!(self.seen.get(parent), Some(&'d'), "{path:?} comes before its parent");
        }
        let before = self.seen.insert(path.to_owned(), kind);
        assert!(before.is_none_or(|before| before == kind), "{path:?} changes its type");
    }
}

impl Sink for Strict {
    fn directory(&mut self, path: &str, _: u32) -> Result<(), SinkError> {
        self.take(path, 'd');
        Ok(())
    }
    fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        assert!(mode <= 0o777);
        self.take(path, 'f');
        let count = std::io::copy(data, &mut std::io::sink())?;
        assert_eq!(count, size);
        Ok(())
    }
    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        assert!(!target.is_empty() && !target.contains('\0'));
        self.take(path, 'l');
        Ok(())
    }
    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        assert_eq!(self.seen.get(target), Some(&'f'));
        self.take(path, 'f');
        Ok(())
    }
}

fn feed(bytes: &[u8]) {
    let limits = Limits { bytes: 1 << 24, ..Limits::default() };
    for rules in [
        Rules::default(),
        Rules {
            strip: 1,
            skip_devices: true,
            modes: Modes::Keep,
            names: Names::Latin1,
            absolute: Absolute::Strip,
            limits,
        },
    ] {
        let rules = Rules { limits, ..rules };
        // Whether it is refused is the other tests' business.
        let _ = unpack("fuzz", Cursor::new(bytes), None, &rules, &mut Strict::default());
        let _ = unpack_deb_control("fuzz", bytes, &rules, &mut Strict::default());
    }
}

fn samples() -> Vec<Vec<u8>> {
    let tarred = tar(&[
        dir("d/"),
        entry(b'L', "L", "d/long\0").gnu(),
        file("d/a", "hello"),
        pax(&[("path", "d/b"), ("mtime", "1.5"), ("GNU.sparse.map", "0,2"), ("GNU.sparse.size", "4")]),
        file("d/a", "xy"),
        symlink("d/l", "a"),
        hardlink("d/h", "d/long"),
    ]);
    let cpioed = cpio(&[newc("d", 0o040_755, ""), newc("d/a", 0o100_644, "hello"), newc("d/l", 0o120_777, "a")]);
    let zipped = zip(&[deflated("d/a", "hello hello"), Zip { descriptor: 1, ..stored("d/b", "x") }]);
    let debbed = deb("data.tar.gz", &gzip(&tarred));
    vec![gzip(&tarred), bzip2(&tarred), xz(&tarred), zstd(&tarred), tarred, cpioed, zipped, debbed]
}

/// Puts the checksums of tar headers right, so that mutations reach what lies behind them.
fn mend(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..3000), magic in 0..12_usize) {
        let magics: [&[u8]; 12] = [b"", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"!<arch>\n",
            b"!<arch>\ndebian-binary   ", b"070701", b"070702", b"070707", b"PK\x03\x04", b"PK\x05\x06"];
        feed(&[magics[magic], &bytes].concat());
    }

    #[test]
    fn mutated_archives(
        sample in 0..8_usize,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        mended in any::<bool>(),
        swap in any::<bool>(),
    ) {
        let mut bytes = samples().swap_remove(sample);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if mended {
            mend(&mut bytes);
        }
        let cut = cut.index(bytes.len() * 2);
        if cut < bytes.len() {
            if swap { bytes.rotate_left(cut) } else { bytes.truncate(cut) }
        }
        feed(&bytes);
    }
}

#[test]
fn samples_are_good() {
    for bytes in samples() {
        let mut sink = Strict::default();
        unpack("sample", Cursor::new(bytes), None, &Rules::default(), &mut sink).expect("it is a good archive");
        assert!(sink.seen.len() >= 3);
    }
}
