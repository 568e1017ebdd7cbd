//! Many pins, mirrors, and no network.

use super::server::Server;
use super::*;

#[test]
fn many_pins_arrive_and_are_not_fetched_twice() {
    let server = Server::new(|asked, answer| answer.serve(asked, asked.path.as_bytes(), ""));
    let store = Folder::new();
    let pins: Vec<Pin> = (0..40)
        .map(|n| format!("/file{}", n % 35))
        .map(|path| pin(&path, &[server.url(&path)], path.as_bytes()))
        .collect();
    let fetcher = Fetcher::new(&store, quick(), &Silent);
    let digests = fetcher.fetch(&pins).unwrap();
    assert_eq!(digests, pins.iter().map(|pin| pin.digest.unwrap()).collect::<Vec<_>>());
    assert_eq!(server.asked().len(), 35, "equal pins are one download");
    fetcher.fetch(&pins).unwrap();
    assert_eq!(server.asked().len(), 35, "what is there is not asked for");
}

#[test]
fn all_failures_are_reported_and_the_rest_arrives() {
    let server = Server::new(|asked, answer| match asked.path.as_str() {
        "/good" => answer.serve(asked, b"good", ""),
        _ => drop(answer.head("404 Not Found", "Content-Length: 0\r\n")),
    });
    let store = Folder::new();
    let pins = [
        pin("one", &[server.url("/one"), server.url("/uno")], b"1"),
        pin("good", &[server.url("/good")], b"good"),
        pin("two", &["mirror://nowhere/two".to_owned(), "file:///etc/passwd".to_owned()], b"2"),
    ];
    let error = Fetcher::new(&store, quick(), &Silent).fetch(&pins).unwrap_err();
    let base = &server.base;
    assert_eq!(
        error.to_string(),
        format!(
            "fetch 2 pinned inputs:\n  `one`\n    {base}/one: the server answered 404\n    {base}/uno: the server \
             answered 404\n  `two`\n    mirror://nowhere/two: not a place to fetch from: find a base for the mirror \
             `nowhere`\n    file:///etc/passwd: not a place to fetch from: take `file:///etc/passwd` as a place: want \
             `https:`, `http:` or `mirror:`"
        )
    );
    assert!(store.contains(Digest::of(b"good")));
}

#[test]
fn offline_names_all_that_is_missing() {
    let store = Folder::new();
    store.put_reader(&mut &b"here"[..]).unwrap();
    let local = tempfile::tempdir().unwrap();
    fs::write(local.path().join("near"), b"near").unwrap();
    let config = Config { offline: true, mirrors: folder_mirror("local", local.path()), ..quick() };
    let fetcher = Fetcher::new(&store, config, &Silent);
    let near = pin("near", &["https://far.example/near".to_owned(), "mirror://local/near".to_owned()], b"near");
    let here = pin("here", &["https://far.example/here".to_owned()], b"here");
    let error = fetcher
        .fetch(&[
            here.clone(),
            near.clone(),
            pin("a", &["https://far.example/a".to_owned()], b"a"),
            pin("b", &["mirror://none/b".to_owned()], b"b"),
        ])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "fetch 2 pinned inputs while offline:\n  `a` (https://far.example/a)\n  `b` (mirror://none/b)"
    );
    assert!(error.hint().unwrap().contains("--offline"));
    fetcher.fetch(&[here, near]).unwrap();
}

#[test]
fn a_folder_is_a_mirror_and_not_trusted_either() {
    let local = tempfile::tempdir().unwrap();
    fs::create_dir_all(local.path().join("pool/m")).unwrap();
    fs::write(local.path().join("pool/m/libstdc++_1~2.deb"), b"bytes").unwrap();
    let store = Folder::new();
    let config = Config { mirrors: folder_mirror("debian", local.path()), ..quick() };
    let fetcher = Fetcher::new(&store, config, &Silent);
    let url = "mirror://debian/pool/m/libstdc++_1~2.deb".to_owned();
    fetcher.fetch(&[pin("good", std::slice::from_ref(&url), b"bytes")]).unwrap();
    let first = Pin { name: "first".to_owned(), urls: vec![url.clone()], digest: None };
    assert_eq!(fetcher.fetch(&[first]).unwrap(), [Digest::of(b"bytes")]);
    for (other, message) in [(&b"bytez"[..], ", got "), (b"short", ", got "), (b"longer", "announces 5")] {
        let text = fetcher.fetch(&[pin("bad", std::slice::from_ref(&url), other)]).unwrap_err().to_string();
        assert!(text.contains(message), "{text}");
    }
    for path in ["pool", "pool/none", "pool/../../../etc/passwd"] {
        let wanted = Pin { name: "bad".to_owned(), urls: vec![format!("mirror://debian/{path}")], digest: None };
        assert!(fetcher.fetch(&[wanted]).is_err(), "{path}");
    }
}

#[test]
fn mirrors_are_tried_in_turn() {
    let good = Server::new(|asked, answer| {
        assert_eq!(asked.path, "/deb/pool/x+y~z");
        answer.serve(asked, b"bytes", "");
    });
    let bad = Server::new(|_, answer| {
        answer.head("403 Forbidden", "Content-Length: 0\r\n");
    });
    let bases = format!("{}/deb/ {}/deb", bad.base, good.base);
    let mirrors = Mirrors::new(&BTreeMap::from([("debian".to_owned(), bases)]));
    let store = Folder::new();
    let fetcher = Fetcher::new(&store, Config { mirrors, ..quick() }, &Silent);
    fetcher.fetch(&[pin("x", &["mirror://debian/pool/x+y~z".to_owned()], b"bytes")]).unwrap();
    assert_eq!((bad.asked().len(), good.asked().len()), (1, 1));
}

#[test]
fn apt_serves_where_nothing_is_configured() {
    let apt = AptConfig {
        debian: vec!["http://deb.example/debian".to_owned()],
        http_proxy: Some("http://proxy.example:3142".to_owned()),
        https_proxy: None,
    };
    let mirrors = Mirrors::default().with_apt(&apt);
    let places = mirrors.places("mirror://debian/pool/a").unwrap();
    assert_eq!(places[0].to_string(), "http://deb.example/debian/pool/a");
    assert_eq!(mirrors.proxy("deb.example"), Some("http://proxy.example:3142"));
    assert_eq!(mirrors.proxy("other.example"), None, "the proxy is for apt's mirrors alone");
    let mine = Mirrors::new(&BTreeMap::from([("debian".to_owned(), "/srv/debian".to_owned())])).with_apt(&apt);
    assert_eq!(mine.places("mirror://debian/pool/a").unwrap()[0].to_string(), "/srv/debian/pool/a");
    let none = Mirrors::default().with_apt(&AptConfig::default());
    let error = none.places("mirror://debian/pool/a").unwrap_err();
    assert_eq!(error.hint().unwrap(), "set REPRO_MIRROR_DEBIAN to the address of a mirror, or to a local directory");
}

#[test]
fn a_first_use_is_limited_and_must_have_a_length() {
    let server = Server::new(|asked, answer| match asked.path.as_str() {
        "/chunked" => {
            answer.head("200 OK", "Transfer-Encoding: chunked\r\n");
            answer.raw(b"5\r\nhello\r\n0\r\n\r\n");
        }
        "/endless" => {
            answer.head("200 OK", "Transfer-Encoding: chunked\r\n");
            while answer.raw(b"5\r\nhello\r\n") {}
        }
        "/bare" => {
            answer.head("200 OK", "");
            answer.raw(b"hello");
        }
        _ => answer.serve(asked, b"hello", ""),
    });
    let store = Folder::new();
    let config = Config { unpinned_limit: 1000, ..quick() };
    let fetcher = Fetcher::new(&store, config, &Silent);
    let get = |path: &str| {
        let wanted = Pin { name: "file".to_owned(), urls: vec![server.url(path)], digest: None };
        fetcher.fetch(&[wanted]).map_err(|error| error.to_string())
    };
    assert_eq!(get("/plain").unwrap(), [Digest::of(b"hello")]);
    assert_eq!(get("/chunked").unwrap(), [Digest::of(b"hello")]);
    assert!(get("/endless").unwrap_err().contains("expected 1000 bytes, the body goes on"));
    assert!(get("/bare").unwrap_err().contains("has no length"));
    let wanted = Pin { name: "file".to_owned(), urls: vec![server.url("/plain")], digest: None };
    assert!(fetcher.fetch_first(&wanted, 4).unwrap_err().to_string().contains("expected 4 bytes"));
}

#[test]
fn an_empty_file_needs_no_network() {
    let store = Folder::new();
    let wanted = pin("empty", &["http://127.0.0.1:1/empty".to_owned()], b"");
    Fetcher::new(&store, quick(), &Silent).fetch(&[wanted]).unwrap();
    assert_eq!(store.get_bytes(Digest::of(b"")).unwrap(), b"");
}
