//! Compression: members, checksums, ends.

use super::make::*;
use super::*;

#[test]
fn every_codec() {
    let plain = tar(&[file("a", "hello"), file("b", &"x".repeat(5000))]);
    let (head, tail) = plain.split_at(700);
    type Encode = fn(&[u8]) -> Vec<u8>;
    let codecs: [(&str, Encode); 4] = [("gzip", gzip), ("bzip2", bzip2), ("xz", xz), ("zstd", zstd)];
    for (name, encode) in codecs {
        let whole = encode(&plain);
        let listed = Ok("a=hello b=5000 bytes".to_owned());
        let list = |bytes: &[u8]| listing(bytes, &Rules::default()).map(|(lines, _)| lines);
        assert_eq!(list(&whole), listed, "{name}");
        assert_eq!(list(&[encode(head), encode(tail)].concat()), listed, "{name}: two members");
        assert_eq!(list(&[whole.clone(), encode(b"")].concat()), listed, "{name}: an empty member");
        for cut in [whole.len() - 1, whole.len() - 4, whole.len() - 8, whole.len() / 2, 20] {
            let error = list(&whole[..cut]).expect_err("it is cut");
            assert!(error.contains("cut short in the compressed data"), "{name} cut at {cut}: {error}");
        }
        for garbage in [b"garbage".as_slice(), b"\0", b"\n", b"BZh", b"\x1f\x8b", b"\xfd7zXZ\0"] {
            let error = list(&[&whole, garbage].concat()).expect_err("garbage follows");
            assert!(error.contains("damaged") || error.contains("cut short"), "{name}: {error}");
        }
        let error = list(&[whole.clone(), encode(b"more")].concat()).expect_err("another member follows the end");
        assert!(error.contains("data follows the end of the tar"), "{name}: {error}");
        // Flipping any one bit may not give another tree.
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            if let Ok(lines) = list(&flipped) {
                assert_eq!(Ok(lines), listed, "{name}: bit {} of byte {at}", at % 8);
                // Only xz checks its every byte; elsewhere some bits of headers say nothing.
                assert!(name != "xz", "{name}: flipping byte {at} was not noticed");
            }
        }
    }
}

#[test]
fn other_wrappings() {
    let plain = tar(&[file("a", "x")]);
    check(vec![
        case("cpio in xz", xz(&cpio(&[newc("a", 0o100_644, "x")])), Is("a=x")),
        case("twice", gzip(&xz(&plain)), Refuse("xz within another compression")),
        case("deb in gzip", gzip(&deb("data.tar", &plain)), Refuse("deb within a compression")),
        case("zip in gzip", gzip(&zip(&[stored("a", "x")])), Refuse("zip in a stream")),
        case("text in gzip", gzip(b"hello"), Refuse("no known archive format")),
        case("compress", b"\x1f\x9d\x90".to_vec(), Refuse("`compress` (.Z) is not supported")),
        case("lzip", b"LZIP\x01".to_vec(), Refuse("lzip is not supported")),
        case("xz padding", [xz(&plain), vec![0; 8]].concat(), Is("a=x")),
        case("xz padding not of 4", [xz(&plain), vec![0; 7]].concat(), Refuse("damaged xz")),
    ]);
}

#[test]
fn an_expected_format_is_held_to() {
    let bytes = tar(&[file("a", "x")]);
    let mut sink = List::default();
    let outcome = unpack("a.cpio", Cursor::new(&bytes), Some(Kind::Cpio), &Rules::default(), &mut sink);
    assert_eq!(outcome.expect_err("it is a tar").to_string(), "unpack `a.cpio`: expected cpio, and it is tar");
    assert!(sink.lines.is_empty());
}
