//! What is compressed comes out again, and by the formats' own tools.

use std::fs;
use std::io::Write;

use super::super::tests::archive::{noise, tool};
use super::{Compression, Error};

fn packed(compression: Compression, bytes: &[u8], step: usize) -> Vec<u8> {
    let mut compressor = compression.wrap(Vec::new()).expect("there is such a level");
    for part in bytes.chunks(step) {
        compressor.write_all(part).expect("memory does not fail");
        compressor.flush().expect("memory does not fail");
    }
    compressor.finish().expect("memory does not fail")
}

#[test]
fn tools_unpack_it_and_headers_are_fixed() {
    let bytes = [noise(100_000), b"the same again and again ".repeat(20_000)].concat();
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    fs::write(place.path().join("plain"), &bytes).expect("it can be written");
    for (name, compression, head) in [
        ("gzip", Compression::Gzip(9), b"\x1f\x8b\x08\0\0\0\0\0\x02\xff".as_slice()),
        ("gzip", Compression::Gzip(1), b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"),
        ("xz", Compression::Xz(6), b"\xfd7zXZ\0\0\x01"),
        ("zstd", Compression::Zstd(3), b"\x28\xb5\x2f\xfd"),
    ] {
        let small = packed(compression, &bytes, 1000);
        assert_eq!(small, packed(compression, &bytes, 77_777), "{compression:?}: how it is handed over does not show");
        assert!(small.len() < bytes.len() / 2);
        assert_eq!(&small[..head.len()], head, "{compression:?}");
        fs::write(place.path().join("small"), small).expect("it can be written");
        let unpack = format!("{name} -dc <small >out && cmp plain out");
        if tool(place.path(), name, &["--version"], None).is_some() {
            tool(place.path(), "sh", &["-c", &unpack], None);
        }
    }
    assert_eq!(packed(Compression::None, &bytes, 10), bytes);
}

#[test]
fn levels_that_do_not_exist_are_errors() {
    for wrong in [Compression::Gzip(10), Compression::Xz(10), Compression::Zstd(0), Compression::Zstd(23)] {
        assert!(matches!(wrong.wrap(Vec::new()), Err(Error::Option { .. })), "{wrong:?}");
    }
}
