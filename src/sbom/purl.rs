//! Package URLs: `pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS`.

use super::inventory::{Package, Source};

/// The name of a source that belongs to no registry: the archive by its checksum.
pub(super) fn of_source(source: &Source) -> String {
    let Source { name, version, digest, .. } = source;
    format!("pkg:generic/{}@{}?checksum=sha256:{}", encode(name), encode(version), digest.hex())
}

/// The name of a Debian package. Qualifiers are sorted.
pub(super) fn of_package(package: &Package) -> String {
    let Package { archive, name, version, architecture, suite, .. } = package;
    let [archive, name, version, architecture, suite] =
        [archive, name, version, architecture, suite].map(|text| encode(text));
    format!("pkg:deb/{archive}/{name}@{version}?arch={architecture}&distro={suite}")
}

/// Percent-encodes all but unreserved characters and the colon, which the specification leaves as it is.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_urls_is_encoded() {
        assert_eq!(encode("g++-12"), "g%2B%2B-12");
        assert_eq!(encode("1:2.3~rc1+dfsg-1"), "1:2.3~rc1%2Bdfsg-1");
        assert_eq!(encode("a@b?c&d=é/"), "a%40b%3Fc%26d%3D%C3%A9%2F");
    }
}
