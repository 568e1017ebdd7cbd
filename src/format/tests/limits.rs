//! Limits, counts, and time.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::make::*;
use super::*;

fn limited(limits: Limits) -> Rules {
    Rules { limits, ..Rules::default() }
}

#[test]
fn limits_hold() {
    let limits = Limits::default();
    let bomb = vec![0; 1 << 22];
    let small = || limited(Limits { bytes: 1 << 20, ..limits });
    let deep = |depth: usize| vec!["d"; depth].join("/");
    check(vec![
        ruled(
            "entries",
            limited(Limits { entries: 2, ..limits }),
            tar(&[dir("a"), dir("b"), dir("c")]),
            Refuse("entry `c`: more than 2 entries"),
        ),
        ruled(
            "entries of a zip",
            limited(Limits { entries: 1, ..limits }),
            zip(&[stored("a", ""), stored("b", "")]),
            Refuse("more than 1 entries"),
        ),
        ruled(
            "depth",
            limited(Limits { depth: 3, ..limits }),
            tar(&[file("a/b/c", ""), file("a/b/c/d", "")]),
            Refuse("more than 3 components"),
        ),
        case("default depth", tar(&[pax(&[("path", &deep(600))]), file("a", "")]), Refuse("more than 512 components")),
        ruled(
            "bytes",
            limited(Limits { bytes: 9, ..limits }),
            tar(&[file("a", "12345"), file("b", "67890")]),
            Refuse("entry `b`: more than 9 bytes"),
        ),
        ruled("gzip bomb", small(), gzip(&bomb), Refuse("more than 1048576 bytes")),
        ruled("xz bomb", small(), xz(&bomb), Refuse("more than 1048576 bytes")),
        ruled("zstd bomb", small(), zstd(&bomb), Refuse("more than 1048576 bytes")),
        ruled("bzip2 bomb", small(), bzip2(&bomb), Refuse("more than 1048576 bytes")),
        ruled("zip bomb", small(), zip(&[deflated("a", &"x".repeat(2 << 20))]), Refuse("more than 1048576 bytes")),
    ]);
}

#[test]
fn what_is_not_represented_is_counted() {
    let owned = file("a", "x").mode("0004755\0").with(108, b"0001750\0");
    let attributes = pax(&[("SCHILY.xattr.security.capability", "1"), ("uname", "me")]);
    let bytes =
        tar(&[attributes, owned, file("a", "y"), entry(b'3', "null", ""), symlink("l", "a"), hardlink("h", "a")]);
    let rules = Rules { skip_devices: true, ..Rules::default() };
    let (_, summary) = listing(&bytes, &rules).expect("all is within the rules");
    let other = [("pax SCHILY.xattr.*".to_owned(), 1), ("pax uname".to_owned(), 1)];
    let want = Summary {
        entries: 5,
        directories: 0,
        files: 2,
        symlinks: 1,
        hardlinks: 1,
        bytes: 2,
        replaced: vec!["a".to_owned()],
        devices: vec!["null".to_owned()],
        special_modes: vec!["a".to_owned()],
        owners: 1,
        times: 5,
        other: other.into(),
    };
    assert_eq!(summary, want);
}

#[test]
fn depth_and_number_cost_what_they_must() {
    // 512 levels, a file on each; and 20,000 files in one directory.
    let mut entries = Vec::new();
    for depth in 1..512 {
        let path = format!("{}/f", vec!["d"; depth].join("/"));
        entries.extend([pax(&[("path", &path)]), file("f", "")]);
    }
    entries.extend((0..20_000).map(|number| file(&format!("many/{number}"), "")));
    let bytes = tar(&entries);
    // Of the processor, in this thread: the machine may be busy. A step for each pair of entries takes minutes.
    let processor = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("it is always known"));
    let start = processor();
    let (_, summary) = listing(&bytes, &Rules::default()).expect("it is within the limits");
    assert_eq!(summary.files, 20_511);
    let took = processor() - start;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_failing_sink_and_a_failing_reader_are_told_apart() {
    struct Full;
    impl Sink for Full {
        fn directory(&mut self, _: &str, _: u32) -> Result<(), SinkError> {
            Ok(())
        }
        fn file(&mut self, _: &str, _: u32, _: u64, _: &mut dyn Read) -> Result<(), SinkError> {
            Err("no space".into())
        }
        fn symlink(&mut self, _: &str, _: &str) -> Result<(), SinkError> {
            Ok(())
        }
        fn hardlink(&mut self, _: &str, _: &str) -> Result<(), SinkError> {
            Ok(())
        }
    }
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let bytes = tar(&[file("a", &"x".repeat(100_000))]);
            if self.0 > 60_000 {
                return Err(std::io::Error::from_raw_os_error(5));
            }
            let count = buffer.len().min(bytes.len() - self.0);
            buffer[..count].copy_from_slice(&bytes[self.0..self.0 + count]);
            self.0 += count;
            Ok(count)
        }
    }
    let bytes = gzip(&tar(&[file("a", "x")]));
    let error = unpack_stream("x.tgz", bytes.as_slice(), None, &Rules::default(), &mut Full).expect_err("it is full");
    assert!(matches!(&error, Error::Sink { entry, .. } if entry == "a"), "{error:?}");
    let error =
        unpack_stream("x.tar", Broken(0), None, &Rules::default(), &mut List::default()).expect_err("it is broken");
    assert!(matches!(&error, Error::Read { source, .. } if source.raw_os_error() == Some(5)), "{error:?}");
}
