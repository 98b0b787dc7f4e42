//! All that the stand-in remembers, and the making of ids. One lock guards it all: the real one's SQLite has one
//! writer, too.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::auth::Kind;
use crate::call::Snapshot;
use crate::dashboards::Dashboard;
use crate::datasources::DataSource;
use crate::folders::Folder;
use crate::library::Element;
use crate::orgs::Org;
use crate::service_accounts::{ServiceAccount, Token};
use crate::text;
use crate::users::User;

/// The server's data: global things here, the rest in each organisation.
pub(crate) struct State {
    pub orgs: BTreeMap<i64, Org>,
    pub users: BTreeMap<i64, User>,
    pub accounts: BTreeMap<i64, ServiceAccount>,
    pub tokens: HashMap<String, Token>,
    /// Wrong passwords by login: how many, and when the first came (grafana.md fact 3).
    pub failures: HashMap<String, (u32, Instant)>,
    /// Rights that are cached, with the moment of each.
    pub rights: HashMap<(Kind, i64), (Instant, Arc<Snapshot>)>,
    pub ids: Ids,
}

/// Counters of every kind; numeric ids are shared by all organisations, as in the real database.
pub(crate) struct Ids {
    counters: HashMap<&'static str, i64>,
    snowflake: i64,
    last_version: i64,
    seed: u64,
    /// 11.5 numbers dashboards and folders 1, 2, 3 (grafana.md fact 56).
    small: bool,
}

/// What holds the objects of one organisation.
#[derive(Default)]
pub(crate) struct Store {
    pub datasources: BTreeMap<String, DataSource>,
    /// Those that a health check has read, as they were, with the moment of each.
    pub tested: BTreeMap<String, (Instant, DataSource)>,
    pub folders: BTreeMap<String, Folder>,
    pub dashboards: BTreeMap<String, Dashboard>,
    /// Deleted dashboards, newest last (grafana.md fact 44).
    pub trash: Vec<Dashboard>,
    pub elements: BTreeMap<String, Element>,
    pub rules: BTreeMap<String, serde_json::Value>,
    pub teams: BTreeMap<i64, crate::teams::Team>,
    /// What stands in provisioning files: a kind and an entry.
    pub provisioned: Vec<(&'static str, serde_json::Value)>,
}

impl State {
    /// A fresh server: organisation 1 and the user admin.
    pub fn fresh(small: bool, seed: u64) -> State {
        let mut state = State {
            orgs: BTreeMap::new(),
            users: BTreeMap::new(),
            accounts: BTreeMap::new(),
            tokens: HashMap::new(),
            failures: HashMap::new(),
            rights: HashMap::new(),
            ids: Ids { counters: HashMap::new(), snowflake: 3_487_393_178_050_560, last_version: 0, seed, small },
        };
        let org = state.ids.next("org");
        state.orgs.insert(org, Org::new("Main Org."));
        let admin = User::new(&mut state.ids, "admin", "admin@localhost", "admin", true);
        state.orgs.get_mut(&org).expect("was just made").members.insert(admin.id, crate::auth::Role::Admin);
        state.users.insert(admin.id, admin);
        state
    }
}

impl Ids {
    /// The next number of a kind, from 1.
    pub fn next(&mut self, kind: &'static str) -> i64 {
        let counter = self.counters.entry(kind).or_insert(0);
        *counter += 1;
        *counter
    }

    /// An id of a dashboard or folder: 16 digits (grafana.md fact 9).
    pub fn object(&mut self) -> i64 {
        if self.small {
            return self.next("object");
        }
        self.snowflake += 75_497_472 + (self.random() % 64) as i64 * 4096;
        self.snowflake
    }

    /// A short uid such as `cg54htlj2248we`.
    pub fn uid(&mut self) -> String {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let first = char::from(b'a' + (self.random() % 6) as u8);
        let rest: String = (0..13).map(|_| char::from(LETTERS[(self.random() % 32) as usize])).collect();
        format!("{first}{rest}")
    }

    /// A random UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.random(), self.random());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48) & 0x3fff,
            b & 0xffff_ffff_ffff
        )
    }

    /// The uid that a dashboard saved without one gets.
    pub fn dashboard_uid(&mut self) -> String {
        if self.small { self.uid() } else { self.uuid() }
    }

    /// A resourceVersion: microseconds, always rising.
    pub fn version(&mut self) -> i64 {
        self.last_version = text::micros().max(self.last_version + 1);
        self.last_version
    }

    /// The last resourceVersion given, which lists carry.
    pub fn latest(&self) -> i64 {
        self.last_version.max(1_700_000_000_000_000)
    }

    /// The next of a fixed row of random numbers (xorshift): two runs give the same uids.
    pub fn random(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Where the row stands, so that a reset goes on and does not give the same tokens again.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}
