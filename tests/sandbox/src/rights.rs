//! Who may do what to a folder or a dashboard: View 1, Edit 2, Admin 4, inherited down the folders.
//! Data sources go by the role alone, as in the OSS edition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::auth::{Kind, Role};
use crate::call::{Context, Snapshot};
use crate::dashboards::Dashboard;
use crate::reply::{Reply, forbidden};

/// One entry of a permission list: of a user, a team or a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub user: i64,
    pub team: i64,
    pub role: Option<Role>,
    pub level: i64,
}

impl Grant {
    /// For a user or a service account.
    pub fn user(id: i64, level: i64) -> Grant {
        Grant { user: id, team: 0, role: None, level }
    }

    /// For a role.
    pub fn role(role: Role, level: i64) -> Grant {
        Grant { user: 0, team: 0, role: Some(role), level }
    }
}

impl Context<'_> {
    /// What a new object at the root gets (grafana.md facts 30 and 38).
    pub fn root_grants(&self) -> Vec<Grant> {
        let mut grants = self.own_grant();
        grants.push(Grant::role(Role::Editor, 2));
        grants.push(Grant::role(Role::Viewer, 1));
        grants
    }

    /// The maker's own entry.
    pub fn own_grant(&self) -> Vec<Grant> {
        match self.who.kind {
            Kind::Anonymous => Vec::new(),
            Kind::User(id) | Kind::Account(id) => vec![Grant::user(id, 4)],
        }
    }

    /// The level that a list gives to the one who asks.
    fn granted(&self, grants: &[Grant]) -> i64 {
        let id = self.who.id();
        let applies = |grant: &&Grant| match grant.role {
            Some(role) => role <= self.who.role && self.who.role != Role::None,
            None if grant.team != 0 => self.look().teams.get(&grant.team).is_some_and(|t| t.members.contains(&id)),
            None => grant.user == id && id != 0,
        };
        grants.iter().filter(applies).map(|g| g.level).max().unwrap_or(0)
    }

    /// The same, but as it was when the rights were read last; a maker sees its own object at once (fact 8).
    fn cached(&self, kind: &str, uid: &str, maker: &str, grants: &[Grant]) -> i64 {
        match &self.rights {
            Some(rights) if maker != self.who.actor() => rights.get(&format!("{kind}:{uid}")).copied().unwrap_or(0),
            _ => self.granted(grants),
        }
    }

    /// Takes the rights out of the cache, or reads them into it where they are older than this.
    pub fn cache_rights(&mut self, age: Duration) {
        let key = (self.who.kind, self.org);
        let kept = self.state.rights.get(&key).filter(|(read, _)| read.elapsed() < age);
        if let Some((_, rights)) = kept {
            self.rights = Some(Arc::clone(rights));
            return;
        }
        let store = self.look();
        let folders = store.folders.values().map(|f| (format!("folder:{}", f.uid), self.granted(&f.grants)));
        let dashboards = store.dashboards.values().map(|d| (format!("dashboard:{}", d.uid), self.granted(&d.grants)));
        let rights: Arc<Snapshot> = Arc::new(folders.chain(dashboards).collect());
        self.state.rights.insert(key, (Instant::now(), Arc::clone(&rights)));
        self.rights = Some(rights);
    }

    /// The level on a folder, its parents included; the root is open to Editors.
    pub fn folder_level(&self, uid: &str) -> i64 {
        if self.who.role == Role::Admin {
            return 4;
        }
        if uid.is_empty() || uid == "general" {
            return if self.who.role == Role::Editor { 2 } else { 0 };
        }
        let (mut level, mut at, mut steps) = (0, uid, 0);
        // Folders cannot form a ring, but an unknown parent ends the way; the count is for safety.
        while let Some(folder) = self.look().folders.get(at).filter(|_| steps < 20) {
            level = level.max(self.cached("folder", at, &folder.created_by, &folder.grants));
            (at, steps) = (&folder.parent, steps + 1);
        }
        level
    }

    /// The level on a dashboard: its own list and its folders'.
    pub fn dashboard_level(&self, dashboard: &Dashboard) -> i64 {
        if self.who.role == Role::Admin {
            return 4;
        }
        let above = if dashboard.folder.is_empty() { 0 } else { self.folder_level(&dashboard.folder) };
        self.cached("dashboard", &dashboard.uid, &dashboard.created_by, &dashboard.grants).max(above)
    }

    /// Refuses who has less than this on a folder; unknown folders are refused too, but for admins.
    pub fn need_folder(&self, uid: &str, level: i64, action: &str) -> Result<(), Reply> {
        if self.folder_level(uid) >= level { Ok(()) } else { Err(forbidden(action)) }
    }

    /// Whether the one who asks may edit anything at all: else a save is refused before it is read.
    pub fn edits_something(&self) -> bool {
        self.who.role >= Role::Editor
            || self.look().folders.values().any(|f| self.granted(&f.grants) >= 2)
            || self.look().dashboards.values().any(|d| self.granted(&d.grants) >= 2)
    }
}
