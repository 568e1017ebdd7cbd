//! What files of a root ask for, and what follows: objects, scripts, packed modules, tables of owners.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::loader::{Ask, Own, View, close};
use repro::pack::header::Header;

/// One file's bytes at paths that are looked into differently, beside what they may ask for.
const PATHS: [&str; 5] = ["bin/x", "lib/libc.so.6", "lib/modules/6/x.ko.gz", "etc/nsswitch.conf", "etc/ld.so.conf"];

fuzz_target!(|bytes: &[u8]| {
    let folders = ["bin", "lib", "lib/modules", "lib/modules/6", "etc"].map(|path| (path.to_owned(), Own::Folder));
    let files = PATHS.map(|path| (path.to_owned(), Own::File { executable: true }));
    let read = |_: &str| Ok::<_, ()>(bytes.to_vec());
    let survey = || {
        let view = View::new(folders.clone().into_iter().chain(files.clone()), &read);
        let roots = PATHS.map(|path| (path.to_owned(), "root".to_owned())).to_vec();
        close(view, &Ask { roots, services: &[], may_miss: &|_| false }).expect("all can be read")
    };
    let closure = survey();
    assert_eq!(closure, survey(), "the same bytes ask for the same");
    for (path, needs) in &closure.needs {
        assert!(PATHS.contains(&path.as_str()), "what is needed is there");
        assert!(!needs.is_empty(), "what is needed has a reason");
    }
    let _ = Header::read(bytes);
    assert_eq!(Header::merkle_root_of(bytes), Header::merkle_root_of(bytes));
});
