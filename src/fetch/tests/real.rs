//! Against the mirror that this machine's apt is configured with. Run on purpose only:
//! `cargo test --release --lib -- --ignored --nocapture fetch::tests::real`.

use std::collections::BTreeSet;

use super::*;
use crate::fetch::lock::{ArchiveRequest, Request, SysrootRequest, Update, check, resolve};
use crate::fs::{Clock, SystemClock};

/// Asked for; the rest is what they depend on.
const WANTED: &str = "base-files bash dash coreutils sed grep gawk findutils diffutils make patch tar gzip bzip2 xz-utils \
    m4 bison flex bc cpio file rsync perl python3-minimal gcc-12 g++-12 libc6-dev libelf-dev zlib1g-dev";

/// Needed by maintainer scripts, or for languages and checkers that no stage uses.
const EXCLUDE: &str = "debconf debianutils dpkg init-system-helpers libasan8 libcc1-0 libdb5.3 libgdbm-compat4 libgdbm6 \
    libgprofng0 libitm1 liblsan0 libmd0 libnsl-dev libquadmath0 libtirpc-dev libtsan2 libubsan1 lsb-base readline-common \
    rpcsvc-proto sysvinit-utils usrmerge";

/// Fetches as `repro` does on this machine. `REPRO_TEST_MIRROR=https://…` tries another mirror, also over TLS.
pub(crate) fn fetcher(store: &Store) -> Fetcher<'_> {
    let mirror = std::env::var("REPRO_TEST_MIRROR").map(|base| ("debian".to_owned(), base));
    let mirrors = Mirrors::new(&mirror.into_iter().collect());
    let config = Config { mirrors: mirrors.with_apt(&AptConfig::read(Path::new("/"))), ..Config::default() };
    Fetcher::new(store, config, &Silent)
}

#[test]
#[ignore = "downloads 90 MB"]
fn the_seed_resolves_and_arrives() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let from_env = |name: &str, default: &str| words(&std::env::var(name).unwrap_or_else(|_| default.to_owned()));
    let request = Request {
        archives: BTreeMap::from([(
            "debian".to_owned(),
            ArchiveRequest {
                suite: "bookworm".to_owned(),
                component: "main".to_owned(),
                architecture: "amd64".to_owned(),
                base: "mirror://debian/".to_owned(),
                keys: include_str!("../../../sysroots/keys/debian-bookworm.asc").to_owned(),
            },
        )]),
        sysroots: vec![SysrootRequest {
            name: "seed".to_owned(),
            archive: "debian".to_owned(),
            packages: from_env("REPRO_TEST_WANTED", WANTED),
            exclude: from_env("REPRO_TEST_EXCLUDE", EXCLUDE),
        }],
        sources: BTreeMap::new(),
    };
    let store = Folder::new();
    let fetcher = fetcher(&store);
    let clock = SystemClock::new();
    let lockfile = resolve(&fetcher, &request, None, Update::Needed, clock.now()).unwrap();
    let resolved = clock.monotonic();
    lockfile.validate().unwrap();
    assert!(check(&request, &lockfile).is_empty());
    let packages = &lockfile.sysroots["seed"].packages;
    let pins: Vec<Pin> = packages.iter().map(|package| Pin::of_package("mirror://debian/", package)).collect();
    fetcher.fetch(&pins).unwrap();
    let fetched = clock.monotonic();
    let size: u64 = packages.iter().map(|package| package.digest.size).sum();
    println!(
        "{} packages, {size} bytes; resolved in {resolved:?}, fetched in {:?}",
        packages.len(),
        fetched - resolved
    );
    let again = fetcher.fetch(&pins).map(|_| clock.monotonic() - fetched);
    println!("fetched again in {:?}", again.unwrap());
    let found: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    if let Ok(expected) = std::env::var("REPRO_TEST_EXPECTED") {
        let expected: BTreeSet<&str> = expected.split_whitespace().collect();
        println!("more: {:?}", found.difference(&expected).collect::<Vec<_>>());
        println!("less: {:?}", expected.difference(&found).collect::<Vec<_>>());
    }
    let second = resolve(&fetcher, &request, None, Update::All, clock.now()).unwrap();
    assert_eq!(second.to_json(), lockfile.to_json());
}
