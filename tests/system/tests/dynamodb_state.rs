//! Changes of the state in DynamoDB: each part alone, and of two writers one.
//!
//! The writers take turns here. moto checks a condition and writes in two steps, so that two at once may both be first
//! (seen with 5.2.5); that DynamoDB does it in one is its own promise.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use portcullis_aws::clients::Clients;
use portcullis_aws::config::{AwsAccess, TableName};
use portcullis_aws::dynamodb::{DynamoState, DynamoStateWriter, WriteError};
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::TestTable;
use portcullis_origin::state::{
    ReleaseId, SecretDigest, Secrets, Serving, SiteState, StateError, StateStore as _, Stored,
};
use portcullis_site::Name;
use portcullis_system::Moto;
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};

const EDGES: &str = "com.amazonaws.global.cloudfront.origin-facing";

/// A site's state in a table of its own.
async fn table(name: &str) -> (DynamoState, DynamoStateWriter) {
    let environment = Environment::new(Moto::shared().unwrap().env(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let (table, site) = (
        TableName::new(name).unwrap(),
        Name::new("handbook").unwrap(),
    );
    TestTable::create(&clients, table.clone(), site.clone())
        .await
        .unwrap();
    (
        clients.state(table.clone(), site.clone()),
        clients.state_writer(table, site),
    )
}

fn secrets(version: u64, current: &str) -> Secrets {
    let current = Some(SecretDigest::of(current.as_bytes()));
    Secrets {
        version,
        current,
        ..Secrets::default()
    }
}

fn release(epoch: u64, release: &str) -> Serving {
    Serving {
        epoch,
        live: Some(Stored {
            release: ReleaseId::of(release.as_bytes()),
            era: 0,
        }),
        ..Serving::default()
    }
}

fn list(version: u64, networks: &[&str], guards: Guards) -> PrefixSnapshot {
    let networks = networks
        .iter()
        .map(|network| network.parse().unwrap())
        .collect();
    PrefixSnapshot::new("list", version, 1_787_433_425, networks, guards).unwrap()
}

fn conflict(found: Option<u64>) -> Result<(), WriteError> {
    Err(WriteError::Conflict { found })
}

#[tokio::test]
async fn each_part_is_changed_alone_and_only_by_who_knows_its_version() {
    let (state, writer) = table("parts").await;
    let (one, two) = (secrets(1, "one"), secrets(2, "two"));

    // Nothing is changed where nothing is.
    assert_eq!(state.load().await, Err(StateError::Missing));
    assert_eq!(writer.update_secrets(0, &one).await, conflict(None));
    assert_eq!(
        writer.update_release(None, &release(1, "a")).await,
        conflict(None)
    );
    assert_eq!(state.load().await, Err(StateError::Missing));

    // A site is created once; the same creation again is the same one.
    let first = SiteState {
        secrets: one.clone(),
        ..SiteState::default()
    };
    assert_eq!(writer.create(&first).await, Ok(()));
    assert_eq!(writer.create(&first).await, Ok(()));
    assert_eq!(writer.create(&SiteState::default()).await, conflict(None));
    assert_eq!(state.load().await, Ok(first.clone()));

    // Secrets: from the version that is there to a higher one.
    assert_eq!(
        writer.update_secrets(7, &secrets(8, "x")).await,
        conflict(Some(1))
    );
    let not_newer = WriteError::NotNewer {
        version: 2,
        expected: 2,
    };
    assert_eq!(writer.update_secrets(2, &two).await, Err(not_newer));
    assert_eq!(writer.update_secrets(1, &two).await, Ok(()));
    assert_eq!(
        writer.update_secrets(1, &two).await,
        Ok(()),
        "a lost answer, tried again"
    );
    assert_eq!(
        writer.update_secrets(1, &secrets(2, "other")).await,
        conflict(Some(2))
    );

    // The pointer: where there is none, then from epoch to epoch.
    assert_eq!(
        writer.update_release(Some(1), &release(2, "b")).await,
        conflict(None)
    );
    assert_eq!(writer.update_release(None, &release(1, "a")).await, Ok(()));
    assert_eq!(
        writer.update_release(None, &release(1, "b")).await,
        conflict(Some(1))
    );
    assert_eq!(
        writer.update_release(Some(1), &release(2, "b")).await,
        Ok(())
    );
    // A rollback is a higher epoch; an older publish that comes late has lost.
    assert_eq!(
        writer.update_release(Some(2), &release(3, "a")).await,
        Ok(())
    );
    assert_eq!(
        writer.update_release(Some(1), &release(2, "c")).await,
        conflict(Some(3))
    );

    // Lists: each its own, also under a name with dots.
    let edges = |version| {
        list(
            version,
            &["130.176.0.0/17", "2600:9000:5200::/40"],
            Guards::Edges,
        )
    };
    let own = list(5, &["203.0.113.0/24"], Guards::Viewers);
    assert_eq!(
        writer.update_edge_list(EDGES, None, &edges(41)).await,
        Ok(())
    );
    assert_eq!(
        writer.update_edge_list(EDGES, None, &edges(42)).await,
        conflict(Some(41))
    );
    assert_eq!(
        writer.update_edge_list(EDGES, Some(41), &edges(42)).await,
        Ok(())
    );
    assert_eq!(
        writer
            .update_prefix_list("pl-0a1b2c3d", Some(4), &own)
            .await,
        conflict(None)
    );
    assert_eq!(
        writer.update_prefix_list("pl-0a1b2c3d", None, &own).await,
        Ok(())
    );

    let loaded = state.load().await.unwrap();
    let expected = SiteState {
        secrets: two,
        edge_lists: [(EDGES.to_owned(), edges(42))].into(),
        prefix_lists: [("pl-0a1b2c3d".to_owned(), own)].into(),
        release: Some(release(3, "a")),
    };
    assert_eq!(loaded, expected);
    assert_eq!(
        first.advance(loaded).held_back,
        [],
        "a reader takes every part over"
    );
}

#[tokio::test]
async fn what_cannot_be_read_says_why_and_is_not_missing() {
    let environment = Environment::new(Moto::shared().unwrap().env(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let (none, site) = (
        TableName::new("no-such-table").unwrap(),
        Name::new("handbook").unwrap(),
    );
    let error = clients.state(none, site).load().await.unwrap_err();
    let says = "dynamodb:GetItem: 400 ResourceNotFoundException";
    assert!(
        matches!(&error, StateError::Unavailable(text) if text.contains(says)),
        "{error}"
    );
}
