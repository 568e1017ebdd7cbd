//! One http request and what may come back.

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{StatusCode, Url};

use super::config::Config;
use super::error::Reason;
use super::pace::Pace;
use super::partial::Partial;
use super::progress::Progress;
use crate::digest::Digest;
use crate::fs;

/// Redirects followed for one request.
const REDIRECTS: u32 = 10;

/// Why an attempt ended without the whole file, and what to do next.
pub(super) enum Stop {
    /// The same place may do better after a pause, or after the one that it asked for.
    Again(Reason, Option<Duration>),
    /// The same place may do better without the partial file.
    Fresh(Reason),
    /// This place will not do.
    Next(Reason),
    /// The caller said stop.
    Cancelled,
}

impl From<fs::Error> for Stop {
    fn from(source: fs::Error) -> Self {
        Self::Next(Reason::File { source })
    }
}

/// What all requests for one pin have in common.
pub(super) struct Attempt<'a> {
    pub(super) client: &'a Client,
    pub(super) config: &'a Config,
    pub(super) progress: &'a dyn Progress,
    pub(super) name: &'a str,
    pub(super) want: Option<Digest>,
}

impl Attempt<'_> {
    /// Asks `url` for what `partial` lacks. When it returns, the file has the pinned size, or for a first use the length
    /// that the server stands by.
    pub(super) fn run(&self, url: &Url, partial: &mut Partial) -> Result<(), Stop> {
        let validator = partial.origin().filter(|(from, _)| from == url.as_str()).map(|(_, validator)| validator);
        // Without a digest only the validator says that old and new bytes belong together.
        let useless = match self.want {
            Some(want) => partial.len() > want.size,
            None => validator.is_none(),
        };
        if useless && partial.len() > 0 {
            self.reset(partial)?;
        }
        let offset = partial.len();
        self.progress.started(self.name, url.as_str(), offset, self.want.map(|want| want.size));
        let response = self.ask(url, offset, validator.as_deref())?;
        let total = self.check(&response, url, offset, partial)?;
        self.body(response, total, partial)
    }

    /// Sends the request and follows redirects.
    fn ask(&self, url: &Url, offset: u64, validator: Option<&str>) -> Result<Response, Stop> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.client.get(url.clone()).header(header::ACCEPT_ENCODING, "identity");
            if offset > 0 {
                request = request.header(header::RANGE, format!("bytes={offset}-"));
                if let Some(validator) = validator {
                    request = request.header(header::IF_RANGE, validator);
                }
            }
            if self.config.cancel.load(Ordering::Relaxed) {
                return Err(Stop::Cancelled);
            }
            let response = request.send().map_err(|source| {
                if source.is_timeout() && !source.is_connect() {
                    return Stop::Again(Reason::Stalled { waited: self.config.timing.stall }, None);
                }
                let hopeless = source.is_builder();
                let reason = Reason::NoAnswer { source: source.without_url() };
                if hopeless { Stop::Next(reason) } else { Stop::Again(reason, None) }
            })?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let target = text(response.headers(), &header::LOCATION).unwrap_or_default();
            url = redirect(&url, target).map_err(Stop::Next)?;
        }
        Err(Stop::Next(Reason::Redirects { limit: REDIRECTS }))
    }

    /// Judges the head of the answer; the file's whole length as far as it is known. Afterwards `partial` is where the
    /// body starts.
    fn check(&self, response: &Response, url: &Url, offset: u64, partial: &mut Partial) -> Result<Option<u64>, Stop> {
        let (status, headers) = (response.status(), response.headers());
        let number = status.as_u16();
        match status {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => {
                return Err(Stop::Fresh(Reason::Range { asked: offset, got: number.to_string() }));
            }
            _ if status.is_server_error() || matches!(number, 408 | 425 | 429) => {
                let after = text(headers, &header::RETRY_AFTER).and_then(|text| text.parse().ok());
                return Err(Stop::Again(Reason::Status { status: number }, after.map(Duration::from_secs)));
            }
            _ => return Err(Stop::Next(Reason::Status { status: number })),
        }
        let encoding = text(headers, &header::CONTENT_ENCODING).unwrap_or("identity").trim();
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            return Err(Stop::Next(Reason::Encoded { encoding: encoding.to_owned() }));
        }
        let length: Option<u64> = text(headers, &header::CONTENT_LENGTH).and_then(|text| text.trim().parse().ok());
        let total = if status == StatusCode::PARTIAL_CONTENT {
            let range = text(headers, &header::CONTENT_RANGE).unwrap_or_default();
            let wrong = || Stop::Fresh(Reason::Range { asked: offset, got: range.to_owned() });
            let (first, last, total) = content_range(range).ok_or_else(wrong)?;
            let bytes = last.checked_sub(first).and_then(|n| n.checked_add(1)).ok_or_else(wrong)?;
            // A server may send less than was asked for, but not other bytes; the rest is asked for afterwards.
            if offset == 0 || first != offset || length.is_some_and(|length| length != bytes) {
                return Err(wrong());
            }
            total.or(self.want.is_none().then_some(last + 1))
        } else {
            // The whole file: no ranges here, or it is not the file that the partial one came from.
            if partial.len() > 0 {
                self.reset(partial)?;
            }
            length
        };
        if let Some(announced) = total {
            let limit = self.want.map_or(self.config.unpinned_limit, |want| want.size);
            if announced > limit || self.want.is_some() && announced != limit {
                let reason = Reason::Length { expected: limit, announced };
                // Old and new bytes disagree about the file: which of them is right shows without the old ones.
                return Err(if offset > 0 && partial.len() > 0 { Stop::Fresh(reason) } else { Stop::Next(reason) });
            }
        }
        let chunked = text(headers, &header::TRANSFER_ENCODING).is_some_and(|text| text.contains("chunked"));
        if self.want.is_none() && total.is_none() && !chunked {
            return Err(Stop::Next(Reason::Unframed));
        }
        if partial.len() == 0 {
            partial.set_origin(url.as_str(), validator(headers))?;
        }
        Ok(total)
    }

    /// Writes the body to the partial file, never more than is expected.
    fn body(&self, mut response: Response, total: Option<u64>, partial: &mut Partial) -> Result<(), Stop> {
        let expected = self.want.map(|want| want.size).or(total);
        let limit = expected.unwrap_or(self.config.unpinned_limit);
        let mut pace = Pace::new(&*self.config.clock, self.config.timing);
        let mut buffer = vec![0; 128 << 10];
        loop {
            if self.config.cancel.load(Ordering::Relaxed) {
                return Err(Stop::Cancelled);
            }
            let count = match response.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_timeout(&error) => {
                    return Err(Stop::Again(Reason::Stalled { waited: self.config.timing.stall }, None));
                }
                Err(source) => return Err(Stop::Again(Reason::Broken { got: partial.len(), source }, None)),
            };
            if count as u64 > limit - partial.len() {
                // A longer file is another file.
                self.reset(partial)?;
                return Err(Stop::Next(Reason::Long { expected: limit }));
            }
            partial.append(&buffer[..count])?;
            self.progress.advanced(self.name, count as u64);
            if let Some(rate) = pace.too_slow(count as u64) {
                return Err(Stop::Next(Reason::Slow { rate }));
            }
        }
        match expected {
            Some(expected) if partial.len() < expected => {
                Err(Stop::Again(Reason::Short { expected, got: partial.len() }, None))
            }
            _ => Ok(()),
        }
    }

    fn reset(&self, partial: &mut Partial) -> Result<(), fs::Error> {
        self.progress.dropped(self.name, partial.len());
        partial.reset()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What a later `If-Range` may name: a strong entity tag, else the time of the last change.
fn validator(headers: &HeaderMap) -> Option<&str> {
    let tag = text(headers, &header::ETAG).filter(|tag| tag.starts_with('"'));
    tag.or_else(|| text(headers, &header::LAST_MODIFIED))
}

/// Where a redirect leads, if it may be followed.
pub(super) fn redirect(from: &Url, target: &str) -> Result<Url, Reason> {
    let refuse = |why| Reason::Redirect { to: target.to_owned(), why };
    if target.is_empty() {
        return Err(refuse("which is no place"));
    }
    let to = from.join(target).map_err(|_| refuse("which is no place"))?;
    match (from.scheme(), to.scheme()) {
        ("https", "http") => Err(refuse("from https down to http")),
        (_, "http" | "https") if to.host_str().is_some_and(|host| !host.is_empty()) => Ok(to),
        _ => Err(refuse("which is not on the web")),
    }
}

/// `bytes FIRST-LAST/TOTAL` or `bytes FIRST-LAST/*` (RFC 9110, section 14.4).
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    total.is_none_or(|total| last < total).then_some((first, last, total))
}

fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_the_web_and_never_lose_tls() {
        let plain = Url::parse("http://a.example/x/y").unwrap();
        let secure = Url::parse("https://a.example/x/y").unwrap();
        assert_eq!(redirect(&plain, "../z").unwrap().as_str(), "http://a.example/z");
        assert_eq!(redirect(&plain, "https://b.example/").unwrap().as_str(), "https://b.example/");
        assert_eq!(redirect(&secure, "//b.example/z").unwrap().as_str(), "https://b.example/z");
        for (from, to) in [
            (&secure, "http://a.example/x"),
            (&plain, "file:///etc/passwd"),
            (&plain, "ftp://a.example/x"),
            (&plain, "data:,x"),
            (&plain, "http://"),
            (&plain, ""),
        ] {
            assert!(matches!(redirect(from, to), Err(Reason::Redirect { .. })), "{from} to {to}");
        }
    }

    #[test]
    fn ranges_are_read_strictly() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, 9, None)));
        for wrong in ["", "bytes */10", "bytes 5-10/10", "bytes 5/10", "items 5-9/10", "bytes -1-9/10", "bytes 5-9"] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
