//! Misbehaviour on request: which answers go wrong, and in what way. Decides only; `misbehave` carries it out.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::random;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 429 with `Retry-After: 1`.
    RateLimit,
    /// 429 without it.
    RateLimitBare,
    ServerError,
    /// The body trickles in over `Fault::seconds`.
    SlowDrip,
    /// The connection ends before the announced length.
    Cut,
    /// Half of the JSON, with the right length for the half.
    TruncatedJson,
    /// A page of HTML with status 200.
    Html200,
    /// A row is said twice, and the next page begins with the last row of this one.
    DuplicatePages,
    /// The next page is this page.
    LoopPages,
    /// The next page is on another host.
    ForeignHost,
    /// The last session's close is told wrong at first.
    LateCorrection,
}

impl Kind {
    pub const ALL: [(&'static str, Self); 11] = [
        ("rate_limit", Self::RateLimit),
        ("rate_limit_bare", Self::RateLimitBare),
        ("server_error", Self::ServerError),
        ("slow_drip", Self::SlowDrip),
        ("cut", Self::Cut),
        ("truncated_json", Self::TruncatedJson),
        ("html_200", Self::Html200),
        ("duplicate_pages", Self::DuplicatePages),
        ("loop_pages", Self::LoopPages),
        ("foreign_host", Self::ForeignHost),
        ("late_correction", Self::LateCorrection),
    ];
}

/// How often a fault comes, counted for each endpoint by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Often {
    /// So many times, on every other request, so that one retry gets through.
    Times(u32),
    /// With this probability on each request, decided by its number: the same in every run.
    Chance(f64),
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    pub kind: Kind,
    pub often: Often,
    /// How long a slow body takes.
    pub seconds: f64,
}

/// What `--faults` says: `kind[@seconds][:often]`, separated by commas; a last `:often` holds for those before it that
/// have none of their own. `often` is a number of times (2 if not said), a probability with a point in it, or `always`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(Vec<Fault>);

const USUAL_TIMES: u32 = 2;
const USUAL_DRIP_SECONDS: f64 = 90.0;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    #[error(
        "unknown fault {0:?}: choose among rate_limit, rate_limit_bare, server_error, slow_drip, cut, truncated_json, html_200, duplicate_pages, loop_pages, foreign_host, late_correction"
    )]
    Kind(String),
    #[error("{0:?} doesn't say how often: write a number of times (3), a probability (0.2) or always")]
    Often(String),
    #[error("{0:?} is no number of seconds for a slow body: write for example slow_drip@30")]
    Seconds(String),
}

impl Faults {
    pub fn none() -> Self {
        Self::default()
    }

    pub fn parse(text: &str) -> Result<Self, FaultsError> {
        let mut faults: Vec<(Fault, bool)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, often) = match part.split_once(':') {
                Some((name, often)) => (name, Some(parse_often(often)?)),
                None => (part, None),
            };
            let (name, seconds) = match name.split_once('@') {
                Some((name, seconds)) => (name, parse_seconds(seconds)?),
                None => (name, USUAL_DRIP_SECONDS),
            };
            let kind = Kind::ALL.iter().find(|(known, _)| *known == name).ok_or_else(|| FaultsError::Kind(name.to_owned()))?.1;
            if let Some(often) = often {
                faults.iter_mut().filter(|(_, said)| !said).for_each(|(fault, said)| (fault.often, *said) = (often, true));
            }
            faults.push((Fault { kind, often: often.unwrap_or(Often::Times(USUAL_TIMES)), seconds }, often.is_some()));
        }
        Ok(Self(faults.into_iter().map(|(fault, _)| fault).collect()))
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        Self::parse(text)
    }
}

fn parse_often(text: &str) -> Result<Often, FaultsError> {
    let wrong = || FaultsError::Often(text.to_owned());
    if text == "always" {
        return Ok(Often::Always);
    }
    if text.contains('.') {
        let chance: f64 = text.parse().map_err(|_| wrong())?;
        return if (0.0..=1.0).contains(&chance) { Ok(Often::Chance(chance)) } else { Err(wrong()) };
    }
    text.parse().map(Often::Times).map_err(|_| wrong())
}

fn parse_seconds(text: &str) -> Result<f64, FaultsError> {
    text.parse().ok().filter(|seconds: &f64| (0.0..=86_400.0).contains(seconds)).ok_or_else(|| FaultsError::Seconds(text.to_owned()))
}

/// What is wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mischief {
    pub kind: Option<Kind>,
    pub seconds: f64,
}

impl Mischief {
    pub fn is(self, kind: Kind) -> bool {
        self.kind == Some(kind)
    }

    pub fn drip(self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// What one endpoint has seen.
#[derive(Debug, Clone, Default)]
struct Seen {
    requests: u64,
    just_hit: bool,
    /// Hits so far by the fault's place in the list.
    hits: Vec<u32>,
}

/// Counts requests and hands out the mischief: shared by all connections.
#[derive(Debug, Clone, Default)]
pub struct Prankster {
    faults: Faults,
    seen: Arc<Mutex<HashMap<&'static str, Seen>>>,
}

impl Prankster {
    pub fn new(faults: Faults) -> Self {
        Self { faults, seen: Arc::default() }
    }

    /// The faults are tried in order; the first that is due wins.
    pub fn next(&self, endpoint: &'static str) -> Mischief {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(endpoint).or_default();
        seen.hits.resize(self.faults.0.len(), 0);
        seen.requests += 1;
        let rests = std::mem::take(&mut seen.just_hit);
        for (fault, hits) in self.faults.0.iter().zip(&mut seen.hits) {
            let due = match fault.often {
                Often::Always => true,
                Often::Times(times) => *hits < times && !rests,
                Often::Chance(chance) => random::unit(random::at(random::named(fault.kind as u64, endpoint), seen.requests)) < chance,
            };
            if due {
                *hits += 1;
                seen.just_hit = true;
                return Mischief { kind: Some(fault.kind), seconds: fault.seconds };
            }
        }
        Mischief::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str, requests: usize) -> Vec<Option<Kind>> {
        let prankster = Prankster::new(Faults::parse(text).unwrap());
        (0..requests).map(|_| prankster.next("polygon.bars").kind).collect()
    }

    #[test]
    fn a_retried_request_gets_through() {
        let (hit, pass) = (Some(Kind::Cut), None);
        assert_eq!(hits("cut", 6), [hit, pass, hit, pass, pass, pass]);
        assert_eq!(hits("cut:1,server_error:1", 5), [hit, None, Some(Kind::ServerError), None, None]);
        assert_eq!(hits("cut:always", 3), [hit, hit, hit]);
    }

    #[test]
    fn chances_are_the_same_in_every_run() {
        let first = hits("html_200:0.3", 200);
        assert_eq!(first, hits("html_200:0.3", 200));
        let wrong = first.iter().filter(|hit| hit.is_some()).count();
        assert!((35..85).contains(&wrong), "{wrong}");
    }

    #[test]
    fn endpoints_count_for_themselves() {
        let prankster = Prankster::new(Faults::parse("server_error:1").unwrap());
        assert!(prankster.next("polygon.bars").is(Kind::ServerError));
        assert!(prankster.next("alpaca.account").is(Kind::ServerError));
        assert_eq!(prankster.next("polygon.bars"), Mischief::default());
    }

    #[test]
    fn a_last_frequency_holds_for_those_before_it() {
        assert_eq!(
            Faults::parse("cut,html_200:always").unwrap().0.iter().map(|fault| fault.often).collect::<Vec<_>>(),
            [Often::Always, Often::Always]
        );
        assert_eq!(Faults::parse("slow_drip@5:1").unwrap().0[0].seconds, 5.0);
    }

    #[test]
    fn nonsense_is_refused_with_the_choice() {
        assert!(Faults::parse("explode").unwrap_err().to_string().contains("rate_limit_bare"));
        assert!(Faults::parse("cut:often").unwrap_err().to_string().contains("probability"));
        assert!(Faults::parse("cut:1.5").is_err());
        assert!(Faults::parse("slow_drip@x").is_err());
    }
}
