//! RELIABILITY requirement 22: twenty ways in which servers go wrong. For each the right verdict, and never wrong bytes.

use std::time::Duration;

use super::server::{Answer, Asked, Server};
use super::*;

/// What should come of it.
enum Verdict {
    /// The pinned bytes, all the same.
    Good,
    /// Refused, with this in the message.
    Refused(&'static str),
}
use Verdict::{Good, Refused};

const SIZE: usize = 200_000;

/// Runs one behaviour: alone, where the verdict must be the right one, and before a good mirror, where the pinned bytes
/// must arrive whatever the first place does.
fn behaviour(planted: usize, handler: impl Fn(&Asked, &mut Answer, &[u8]) + Send + Sync + 'static, verdict: Verdict) {
    let bytes = noise(SIZE);
    let body = bytes.clone();
    let server = Server::new(move |asked, answer| handler(asked, answer, &body));
    let url = server.url("/file");
    let store = Folder::new();
    let wanted = pin("file", std::slice::from_ref(&url), &bytes);
    let digest = Digest::of(&bytes);
    if planted > 0 {
        store.plant(digest, &bytes[..planted]);
    }
    let result = Fetcher::new(&store, quick(), &Silent).fetch(std::slice::from_ref(&wanted));
    match verdict {
        Good => {
            result.unwrap();
            assert_eq!(store.get_bytes(digest).unwrap(), bytes);
            assert!(store.partials().is_empty(), "nothing stays behind: {:?}", store.partials());
        }
        Refused(why) => {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(why), "want `{why}` in: {message}");
            assert!(message.contains(&url), "the URL is named: {message}");
            assert_eq!(store.blobs(), 0, "nothing was accepted");
            let empty = |name: &String| fs::metadata(store.root().join("partial").join(name)).unwrap().len() == 0;
            assert!(!store.partials().iter().any(empty), "no empty files pile up: {:?}", store.partials());
        }
    }
    let body = bytes.clone();
    let good = Server::new(move |asked, answer| answer.serve(asked, &body, "\"v1\""));
    let store = Folder::new();
    if planted > 0 {
        store.plant(digest, &bytes[..planted]);
    }
    let wanted = pin("file", &[url, good.url("/file")], &bytes);
    Fetcher::new(&store, quick(), &Silent).fetch(&[wanted]).unwrap();
    assert_eq!(store.get_bytes(digest).unwrap(), bytes);
}

#[test]
fn short_with_length() {
    let cut = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.before == 0 {
            answer.head("200 OK", &format!("Content-Length: {SIZE}\r\n"));
            answer.raw(&bytes[..SIZE / 2]);
        } else {
            answer.serve(asked, bytes, "");
        }
    };
    behaviour(0, cut, Good);
}

#[test]
fn always_short_with_length() {
    let cut = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("200 OK", &format!("Content-Length: {SIZE}\r\n"));
        answer.raw(&bytes[..SIZE / 2]);
    };
    behaviour(0, cut, Refused("the connection broke after 100000 bytes"));
}

#[test]
fn short_without_length() {
    let cut = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("200 OK", "");
        answer.raw(&bytes[..SIZE / 2]);
    };
    behaviour(0, cut, Refused("expected 200000 bytes, the body ended after 100000"));
}

#[test]
fn cut_chunked() {
    let cut = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.before > 0 {
            return answer.serve(asked, bytes, "");
        }
        answer.head("200 OK", "Transfer-Encoding: chunked\r\n");
        answer.raw(b"c350\r\n");
        answer.raw(&bytes[..50_000]);
        answer.raw(b"\r\n");
    };
    behaviour(0, cut, Good);
}

#[test]
fn longer_without_length() {
    let long = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("200 OK", "");
        answer.raw(bytes);
        answer.raw(b"more");
    };
    behaviour(0, long, Refused("expected 200000 bytes, the body goes on"));
}

#[test]
fn longer_with_length() {
    let long = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("200 OK", "Content-Length: 200004\r\n");
        answer.raw(bytes);
        answer.raw(b"more");
    };
    behaviour(0, long, Refused("expected 200000 bytes, the server announces 200004"));
}

#[test]
fn wrong_bytes() {
    let wrong = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[SIZE / 3] ^= 1;
        answer.serve(asked, &bytes, "");
    };
    let mut bytes = noise(SIZE);
    let expected = Digest::of(&bytes);
    bytes[SIZE / 3] ^= 1;
    let message = format!("expected {expected}, got {}", Digest::of(&bytes));
    behaviour(0, wrong, Refused(Box::leak(message.into_boxed_str())));
}

#[test]
fn two_bytes_a_second() {
    let drip = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("200 OK", &format!("Content-Length: {SIZE}\r\n"));
        for pair in bytes.chunks(2) {
            // Faster than in the field, like the test's patience; still below the floor.
            std::thread::sleep(Duration::from_millis(50));
            if !answer.raw(pair) {
                break;
            }
        }
    };
    behaviour(0, drip, Refused("bytes per second came"));
}

#[test]
fn stall() {
    let stall = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("200 OK", &format!("Content-Length: {SIZE}\r\n"));
        answer.raw(&bytes[..1000]);
        answer.hang();
    };
    behaviour(0, stall, Refused("nothing came for 0.7 s"));
}

#[test]
fn stall_before_the_answer() {
    behaviour(0, |_, answer, _| answer.hang(), Refused("nothing came for 0.7 s"));
}

#[test]
fn reset_once() {
    let reset = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.before > 0 {
            return answer.serve(asked, bytes, "");
        }
        answer.head("200 OK", &format!("Content-Length: {SIZE}\r\n"));
        answer.raw(&bytes[..70_000]);
        answer.reset();
    };
    behaviour(0, reset, Good);
}

#[test]
fn not_found() {
    let lost = |_: &Asked, answer: &mut Answer, _: &[u8]| {
        answer.head("404 Not Found", "Content-Length: 4\r\n");
        answer.raw(b"lost");
    };
    behaviour(0, lost, Refused("the server answered 404"));
}

#[test]
fn server_errors_once() {
    for status in ["500 Internal Server Error", "503 Service Unavailable"] {
        let once = move |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
            if asked.before > 0 {
                return answer.serve(asked, bytes, "");
            }
            answer.head(status, "Retry-After: 0\r\nContent-Length: 0\r\n");
        };
        behaviour(0, once, Good);
        let always = move |_: &Asked, answer: &mut Answer, _: &[u8]| {
            answer.head(status, "Content-Length: 0\r\n");
        };
        behaviour(0, always, Refused("the server answered 50"));
    }
}

#[test]
fn five_redirects() {
    let around = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        let step = asked.path.trim_start_matches("/file").len();
        if step == 5 {
            return answer.serve(asked, bytes, "");
        }
        answer.head("302 Found", &format!("Location: {}x\r\nContent-Length: 0\r\n", asked.path));
    };
    behaviour(0, around, Good);
}

#[test]
fn redirect_loop() {
    let around = |_: &Asked, answer: &mut Answer, _: &[u8]| {
        answer.head("301 Moved Permanently", "Location: /file\r\nContent-Length: 0\r\n");
    };
    behaviour(0, around, Refused("more than 10 redirects"));
}

#[test]
fn redirect_to_a_file() {
    let local = tempfile::NamedTempFile::new().unwrap();
    fs::write(local.path(), noise(SIZE)).unwrap();
    let target = format!("Location: file://{}\r\nContent-Length: 0\r\n", local.path().display());
    let away = move |_: &Asked, answer: &mut Answer, _: &[u8]| {
        answer.head("302 Found", &target);
    };
    behaviour(0, away, Refused("which is not on the web"));
}

#[test]
fn unasked_gzip() {
    let packed = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        assert_eq!(asked.headers.get("accept-encoding").map(String::as_str), Some("identity"));
        answer.head("200 OK", &format!("Content-Encoding: gzip\r\nContent-Length: {SIZE}\r\n"));
        answer.raw(bytes);
    };
    behaviour(0, packed, Refused("the body is `gzip`-encoded"));
}

#[test]
fn ok_to_a_range() {
    let whole = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        assert_eq!(asked.range, Some(5000));
        answer.head("200 OK", &format!("Content-Length: {SIZE}\r\n"));
        answer.raw(bytes);
    };
    behaviour(5000, whole, Good);
}

#[test]
fn wrong_range() {
    let wrong = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.range.is_none() {
            return answer.serve(asked, bytes, "");
        }
        answer.head("206 Partial Content", "Content-Range: bytes 0-194999/200000\r\nContent-Length: 195000\r\n");
        answer.raw(&bytes[..195_000]);
    };
    behaviour(5000, wrong, Good);
    let never_right = |_: &Asked, answer: &mut Answer, bytes: &[u8]| {
        answer.head("206 Partial Content", "Content-Range: bytes 7-199999/200000\r\nContent-Length: 199993\r\n");
        answer.raw(&bytes[7..]);
    };
    behaviour(5000, never_right, Refused("asked for the bytes from 0, got `bytes 7-199999/200000`"));
}

#[test]
fn range_of_another_length() {
    let other = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.range.is_none() {
            return answer.serve(asked, bytes, "");
        }
        answer.head("206 Partial Content", "Content-Range: bytes 5000-5999/6000\r\nContent-Length: 1000\r\n");
        answer.raw(&bytes[5000..6000]);
    };
    behaviour(5000, other, Good);
}

#[test]
fn not_satisfiable_at_the_end() {
    // All bytes are there already: nothing needs to be asked.
    let never = |_: &Asked, answer: &mut Answer, _: &[u8]| {
        answer.head("416 Range Not Satisfiable", "Content-Range: bytes */200000\r\nContent-Length: 0\r\n");
    };
    behaviour(SIZE, never, Good);
    // A server that knows the file to be shorter than the partial one is.
    let shorter = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| match asked.range {
        None => answer.serve(asked, bytes, ""),
        Some(_) => drop(answer.head("416 Range Not Satisfiable", "Content-Length: 0\r\n")),
    };
    behaviour(SIZE - 10, shorter, Good);
}

#[test]
fn changed_on_resume() {
    let changed = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.before == 0 {
            answer.head("200 OK", &format!("ETag: \"v1\"\r\nContent-Length: {SIZE}\r\n"));
            answer.raw(&bytes[..SIZE / 2]);
            return;
        }
        // The tag of the bytes that are there goes with the wish for more, and no longer fits.
        assert_eq!(asked.range.is_some(), asked.if_range.as_deref() == Some("\"v1\""));
        let new: Vec<u8> = bytes.iter().rev().copied().collect();
        answer.serve(asked, &new, "\"v2\"");
    };
    behaviour(0, changed, Refused("expected "));
    // The same from a server that heeds no tags and mixes two files.
    let mixed = |asked: &Asked, answer: &mut Answer, bytes: &[u8]| {
        if asked.before == 0 {
            answer.head("200 OK", &format!("ETag: \"v1\"\r\nContent-Length: {SIZE}\r\n"));
            answer.raw(&bytes[..SIZE / 2]);
            return;
        }
        let new: Vec<u8> = bytes.iter().rev().copied().collect();
        answer.serve(&Asked { if_range: None, ..asked.clone() }, &new, "");
    };
    behaviour(0, mixed, Refused(", got "));
}

#[test]
fn nobody_there() {
    let bytes = noise(10);
    let store = Folder::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wanted = pin("file", &[format!("http://{closed}/file")], &bytes);
    let error = Fetcher::new(&store, quick(), &Silent).fetch(&[wanted]).unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    assert!(error.hint().unwrap().contains("REPRO_MIRROR_"), "{:?}", error.hint());
}
