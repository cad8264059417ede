//! What the handlers of all vendors share: the market, the accounts, the clock, and the moment at which a request is answered.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::broker::activity::Activity;
use super::broker::demo::{self, Owner};
use super::broker::small;
use super::market::{Market, Sessions};
use crate::calendar;
use crate::clock::Clock;

/// Whose activities the broker serves.
pub enum Accounts {
    Demo {
        seed: u64,
        years: u32,
        count: usize,
    },
    /// Replayed bars without activities.
    Small,
    /// From a file beside the bars.
    Recorded(Arc<Vec<Activity>>),
}

/// Nobody has asked for so long: what can be made again is forgotten.
const QUIET: Duration = Duration::from_secs(2);

/// Up to where an account was walked forward, and what it did.
type Walked = (u32, Arc<Vec<Activity>>);

pub struct Exchange {
    pub market: Market,
    clock: Clock,
    accounts: Accounts,
    walked: Mutex<HashMap<usize, Walked>>,
    /// Requests so far.
    asked: AtomicU64,
}

/// Everything that depends on the clock, read once per request.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: DateTime<Utc>,
    /// New York's date.
    pub today: NaiveDate,
    /// The last session that has closed: nothing later is served.
    pub last_date: NaiveDate,
    pub last: u32,
}

impl Exchange {
    pub fn new(market: Market, accounts: Accounts, clock: Clock) -> Self {
        Self { market, clock, accounts, walked: Mutex::default(), asked: AtomicU64::new(0) }
    }

    /// Somebody asks for something.
    pub fn note_request(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps memory small between runs: forgets what was made once nobody asks any more.
    pub async fn forget_when_quiet(&self) -> Infallible {
        let (mut known, mut forgotten) = (0, 0);
        loop {
            tokio::time::sleep(QUIET).await;
            let asked = self.asked.load(Ordering::Relaxed);
            if asked == known && asked != forgotten {
                self.market.forget();
                self.walked.lock().unwrap_or_else(PoisonError::into_inner).clear();
                forgotten = asked;
            }
            known = asked;
        }
    }

    pub fn moment(&self) -> Moment {
        let now = self.clock.now();
        let last_date = calendar::last_completed_session(now);
        let last = Sessions::all().find(last_date).unwrap_or_else(|| Sessions::all().place_of(last_date));
        Moment { now, today: calendar::new_york_date(now), last_date, last }
    }

    /// The account that a key opens, from 1: "demo-2" opens the second one, any other key the first.
    pub fn account_of(&self, key_id: &str) -> usize {
        let count = match self.accounts {
            Accounts::Demo { count, .. } => count,
            Accounts::Small | Accounts::Recorded(_) => 1,
        };
        let asked = key_id.strip_prefix("demo-").and_then(|number| number.parse::<usize>().ok());
        asked.filter(|number| (1..=count).contains(number)).unwrap_or(1)
    }

    /// What happened in an account up to the moment's session, oldest first; entries created later are still in it.
    pub fn activities(&self, account: usize, moment: Moment) -> Arc<Vec<Activity>> {
        if let Accounts::Recorded(activities) = &self.accounts {
            return Arc::clone(activities);
        }
        let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, activities)) = walked.get(&account)
            && *until == moment.last
        {
            return Arc::clone(activities);
        }
        let activities = Arc::new(match self.accounts {
            Accounts::Demo { seed, years, count } => {
                let owner = Owner { seed, account, accounts: count, years };
                demo::activities(&self.market, owner, moment.today, moment.last)
            }
            Accounts::Small | Accounts::Recorded(_) => small::activities(&self.market, moment.last),
        });
        walked.insert(account, (moment.last, Arc::clone(&activities)));
        activities
    }
}
