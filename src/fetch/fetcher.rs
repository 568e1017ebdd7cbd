//! Many pins at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use reqwest::blocking::Client;
use reqwest::{Proxy, Url, redirect};

use super::Pin;
use super::config::Config;
use super::error::{Error, Missing};
use super::job::{Ended, Job};
use super::mirrors::{Mirrors, Place};
use super::progress::Progress;
use super::queue::Queue;
use crate::digest::Digest;
use crate::store::Store;

/// Gets pins into a store.
pub struct Fetcher<'a> {
    store: &'a Store,
    config: Config,
    progress: &'a dyn Progress,
    /// Made at the first use: its thread and the system's certificates cost time that a full store does not need.
    client: OnceLock<Client>,
}

impl<'a> Fetcher<'a> {
    /// A fetcher into `store`; `progress` hears of every step.
    pub fn new(store: &'a Store, config: Config, progress: &'a dyn Progress) -> Self {
        Self { store, config, progress, client: OnceLock::new() }
    }

    /// The store that it fills.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Gets all `pins` into the store; their digests, in the order of the pins. Pins that are there cost nothing.
    /// A failure does not keep the others from arriving: the next run has less to do.
    ///
    /// # Errors
    /// At least one pin could not be had; the error has all of them.
    pub fn fetch(&self, pins: &[Pin]) -> Result<Vec<Digest>, Error> {
        // One download for equal wishes: `owner` is the first pin that asks for the same.
        let mut first = BTreeMap::new();
        let owner: Vec<usize> = pins
            .iter()
            .enumerate()
            .map(|(at, pin)| {
                let key = (pin.digest, if pin.digest.is_some() { &[][..] } else { &pin.urls[..] });
                *first.entry(key).or_insert(at)
            })
            .collect();
        let there = |pin: &Pin| pin.digest.is_some_and(|digest| self.store.contains(digest));
        let mut wanted: Vec<usize> = (0..pins.len()).filter(|&at| owner[at] == at && !there(&pins[at])).collect();
        if self.config.offline {
            self.check_offline(pins, &wanted)?;
        }
        // The largest first, so that none is left alone at the end.
        wanted.sort_by_key(|&at| std::cmp::Reverse(pins[at].digest.map_or(u64::MAX, |digest| digest.size)));
        let mut got = self.run(pins, &wanted)?;
        if got.values().any(Result::is_ok) {
            // One flush for all of them: success means that they outlive a power cut.
            self.store.flush().map_err(|source| Error::Flush { source })?;
        }
        let mut failures = Vec::new();
        let mut digests = vec![None; pins.len()];
        for (at, pin) in pins.iter().enumerate() {
            digests[at] = match got.remove(&at) {
                Some(Ok(digest)) => Some(digest),
                Some(Err(Ended::Cancelled)) => return Err(Error::Cancelled),
                Some(Err(Ended::Failed(failure))) => {
                    failures.push(failure);
                    None
                }
                None => pin.digest.or(digests[owner[at]]),
            };
        }
        if !failures.is_empty() {
            return Err(Error::Failed { failures });
        }
        Ok(digests.into_iter().flatten().collect())
    }

    /// Gets one pin of unknown digest, no longer than `limit` bytes.
    ///
    /// # Errors
    /// No place could give it.
    pub fn fetch_first(&self, pin: &Pin, limit: u64) -> Result<Digest, Error> {
        let config = Config { unpinned_limit: limit, ..self.config.clone() };
        let limited = Self { config, client: self.client.clone(), ..*self };
        let digests = limited.fetch(std::slice::from_ref(pin))?;
        Ok(digests.first().copied().expect("one digest for one pin, or an error"))
    }

    fn check_offline(&self, pins: &[Pin], wanted: &[usize]) -> Result<(), Error> {
        let local = |url: &String| {
            self.config.mirrors.places(url).is_ok_and(|places| places.iter().any(|p| matches!(p, Place::Folder(_))))
        };
        let missing: Vec<Missing> = wanted
            .iter()
            .map(|&at| &pins[at])
            .filter(|pin| !pin.urls.iter().any(local))
            .map(|pin| Missing { name: pin.name.clone(), digest: pin.digest, urls: pin.urls.clone() })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::Offline { missing }) }
    }

    /// Runs the jobs of the pins `wanted`, several at a time.
    fn run(&self, pins: &[Pin], wanted: &[usize]) -> Result<BTreeMap<usize, Result<Digest, Ended>>, Error> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let client = self.client()?;
        let host = |pin: &Pin| {
            let places = pin.urls.iter().find_map(|url| self.config.mirrors.places(url).ok());
            places.and_then(|places| Some(places.first()?.host().to_owned())).unwrap_or_default()
        };
        let queue = Queue::new(wanted.iter().map(|&at| (at, host(&pins[at]))));
        let results = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..self.config.jobs.max(1).min(wanted.len()) {
                scope.spawn(|| {
                    while let Some((at, host)) = queue.next() {
                        let (config, progress) = (&self.config, self.progress);
                        let result = Job { pin: &pins[at], store: self.store, config, client, progress }.run();
                        queue.done(&host);
                        let cancelled = matches!(result, Err(Ended::Cancelled));
                        results.lock().unwrap_or_else(PoisonError::into_inner).insert(at, result);
                        if cancelled {
                            break;
                        }
                    }
                });
            }
        });
        Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn client(&self) -> Result<&Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = build_client(&self.config)?;
        Ok(self.client.get_or_init(|| client))
    }
}

fn build_client(config: &Config) -> Result<Client, Error> {
    // Fails only when the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        let mirrors: Mirrors = config.mirrors.clone();
        let proxy = move |url: &Url| mirrors.proxy(url.host_str()?).map(str::to_owned);
        Client::builder()
            .user_agent(concat!("repro/", env!("CARGO_PKG_VERSION")))
            // The client would follow them with the body of whichever place it ends at; `attempt` judges each.
            .redirect(redirect::Policy::none())
            .connect_timeout(config.timing.connect)
            // For the head of the answer and for each read, not for the whole.
            .timeout(config.timing.stall)
            .proxy(Proxy::custom(proxy))
            .http1_only()
            // The client's own retries would not show in the error.
            .retry(reqwest::retry::never())
    };
    // A machine without certificates can still use plain http: pins are checked by their hashes.
    builder().build().or_else(|_| builder().tls_certs_only([]).build()).map_err(|source| Error::Client { source })
}
