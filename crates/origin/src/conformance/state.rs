//! What a [`StateStore`] promises.

use super::{Problems, fail_on};
use crate::state::{SecretDigest, Secrets, SiteState, StateError, StateStore};
use portcullis_release_manifest::ReleaseId;
use portcullis_release_manifest::serving::{Percent, Serving, Stored, Trial};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use std::future::Future;

/// Texts that are no state.
const MALFORMED: [&str; 6] = [
    "",
    "{",
    "null",
    "<html>503 Slow Down</html>",
    r#"{"unknown": 1}"#,
    r#"{"secrets": {"version": "1"}}"#,
];

/// A state with a list that admits everybody beside one that does not.
const BAD_LIST: &str = r#"{"edge_lists": {
    "bad": {"list": "bad", "version": 1, "fetched_at": 0, "networks": ["0.0.0.0/0"]},
    "good": {"list": "good", "version": 1, "fetched_at": 0, "networks": ["130.176.0.0/17"]}
}}"#;

/// Writes what the store under test reads.
pub trait Fixture {
    /// Puts a text in the place of the state, whether it is one or not.
    ///
    /// # Errors
    /// Says why it cannot; the suite fails.
    fn put(&self, text: &str) -> impl Future<Output = Result<(), String>>;

    /// Removes the state.
    ///
    /// # Errors
    /// Says why it cannot; the suite fails.
    fn remove(&self) -> impl Future<Output = Result<(), String>>;
}

/// Runs the suite. It leaves no state behind.
///
/// # Panics
/// Names every promise that `store` does not keep.
pub async fn run<S: StateStore, F: Fixture>(store: &S, fixture: &F) {
    let mut suite = Suite {
        store,
        fixture,
        problems: Problems::default(),
    };
    suite.missing().await;
    for version in [1, 2, 1] {
        // A store says what it holds; that nothing goes back is for its reader to see to.
        suite
            .reads_back(&state(version), &format!("version {version}"))
            .await;
    }
    suite
        .reads_back(&SiteState::default(), "an empty state")
        .await;
    for text in MALFORMED {
        suite.malformed(text).await;
    }
    suite.leaves_a_bad_list_out().await;
    suite
        .reads_back(&state(3), "a state after a malformed one")
        .await;
    suite.missing().await;
    fail_on(suite.problems, std::any::type_name::<S>());
}

struct Suite<'a, S, F> {
    store: &'a S,
    fixture: &'a F,
    problems: Problems,
}

impl<S: StateStore, F: Fixture> Suite<'_, S, F> {
    async fn leaves_a_bad_list_out(&mut self) {
        let put = self.fixture.put(BAD_LIST).await;
        self.problems
            .check(put.is_ok(), "a state with a bad list can be put", put);
        let state = self.store.load().await;
        let lists = state.map(|state| state.edge_lists.into_keys().collect::<Vec<_>>());
        self.problems.check(
            lists.as_deref() == Ok(&["good".to_owned()]),
            "a bad list is left out and the rest is read",
            lists,
        );
    }

    async fn missing(&mut self) {
        let removed = self.fixture.remove().await;
        self.problems
            .check(removed.is_ok(), "the state can be removed", removed);
        let loaded = self.store.load().await;
        self.problems.check(
            loaded == Err(StateError::Missing),
            "no state is missing",
            loaded,
        );
    }

    async fn reads_back(&mut self, state: &SiteState, what: &str) {
        let text = serde_json::to_string(state).unwrap_or_default();
        let put = self.fixture.put(&text).await;
        self.problems
            .check(put.is_ok(), &format!("{what} can be put"), put);
        let loaded = self.store.load().await;
        self.problems.check(
            loaded.as_ref() == Ok(state),
            &format!("{what} is read back"),
            loaded,
        );
    }

    async fn malformed(&mut self, text: &str) {
        let put = self.fixture.put(text).await;
        self.problems
            .check(put.is_ok(), &format!("`{text}` can be put"), put);
        let loaded = self.store.load().await;
        let holds = matches!(loaded, Err(StateError::Malformed(_)));
        self.problems
            .check(holds, &format!("`{text}` is malformed"), loaded);
    }
}

/// A state with every part.
fn state(version: u64) -> SiteState {
    let digest = |name: &str| Some(SecretDigest::of(format!("{name} {version}").as_bytes()));
    let networks = ["3.29.57.0/26", "2600:9000:5200::/40"].map(|text| text.parse().ok());
    let networks = networks.into_iter().flatten().collect();
    let list = PrefixSnapshot::new("list", version, 1_787_433_425, networks, Guards::Edges);
    let lists = |name: &str| {
        list.clone()
            .ok()
            .map(|list| (name.to_owned(), list))
            .into_iter()
            .collect()
    };
    SiteState {
        secrets: Secrets {
            version,
            pending: digest("pending"),
            current: digest("current"),
            previous: digest("previous"),
        },
        edge_lists: lists("com.amazonaws.global.cloudfront.origin-facing"),
        prefix_lists: lists("pl-0a1b2c3d"),
        release: Some(serving(version)),
    }
}

/// Releases with something in each part.
fn serving(epoch: u64) -> Serving {
    let stored = |name: &str| Stored {
        release: ReleaseId::of(name.as_bytes()),
        era: epoch,
    };
    let trial = stored("trial");
    Serving {
        epoch,
        live: Some(stored("live")),
        canary: Percent::new(5).ok().map(|share| Trial {
            release: trial.release,
            era: trial.era,
            share,
        }),
        previews: [("next".to_owned(), stored("preview"))].into(),
        kept: vec![stored("live"), stored("older")],
    }
}
