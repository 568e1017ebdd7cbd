//! What has to hold of the strict readers, that sources and packages go through.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use repro::format::{Absolute, Limits, Modes, Names, Rules, Sink, SinkError, unpack, unpack_deb_control};

/// A sink that fails when a promise to sinks is broken, and writes down what it is given.
#[derive(Default)]
struct Strict {
    seen: BTreeMap<String, char>,
    told: Vec<String>,
}

impl Strict {
    fn take(&mut self, path: &str, kind: char, more: &str) {
        assert!(!path.is_empty() && !path.starts_with('/') && path.len() <= 4096, "{path:?}");
        assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0')), "{path:?}");
        if let Some((parent, _)) = path.rsplit_once('/') {
            assert_eq!(self.seen.get(parent), Some(&'d'), "{path:?} comes before its parent");
        }
        let before = self.seen.insert(path.to_owned(), kind);
        assert!(before.is_none_or(|before| before == kind), "{path:?} changes its type");
        self.told.push(format!("{kind} {path} {more}"));
    }
}

impl Sink for Strict {
    fn directory(&mut self, path: &str, mode: u32) -> Result<(), SinkError> {
        assert!(mode <= 0o777);
        self.take(path, 'd', "");
        Ok(())
    }

    fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        assert!(mode <= 0o777);
        self.take(path, 'f', &format!("{mode:o} {size}"));
        assert_eq!(std::io::copy(data, &mut std::io::sink())?, size, "{path:?} has another size");
        Ok(())
    }

    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        assert!(!target.is_empty() && !target.contains('\0'));
        self.take(path, 'l', target);
        Ok(())
    }

    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        assert_eq!(self.seen.get(target), Some(&'f'), "{path:?} links to what was not there");
        self.take(path, 'f', target);
        Ok(())
    }
}

/// Unpacks some bytes by strict rules and by lax ones, twice each.
pub fn archive(bytes: &[u8]) {
    let limits = Limits { bytes: 16 << 20, ..Limits::default() };
    let lax = Rules {
        strip: 1,
        skip_devices: true,
        modes: Modes::Keep,
        names: Names::Latin1,
        absolute: Absolute::Strip,
        limits,
    };
    for rules in [Rules { limits, ..Rules::default() }, lax] {
        let once = || {
            let mut sink = Strict::default();
            let outcome = unpack("fuzz", Cursor::new(bytes), None, &rules, &mut sink);
            (outcome.map_err(|error| error.to_string()), sink.told)
        };
        let (outcome, told) = once();
        assert_eq!((&outcome, &told), (&once().0, &once().1), "the same bytes were unpacked twice");
        // Whether it is refused is the tests' business.
        let _ = unpack_deb_control("fuzz", bytes, &rules, &mut Strict::default());
    }
}
